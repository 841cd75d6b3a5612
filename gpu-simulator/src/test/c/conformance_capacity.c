/* A full device: every kind of allocation is refused, nothing breaks, and all of it comes back. */
#include "conformance.h"

#define PIECE (16 * MIB)
#define MAX_PIECES 512

struct full {
    CUdeviceptr ballast;
    CUdeviceptr pieces[MAX_PIECES];
    size_t count;
};

/* One large allocation and then pieces until the first refusal. */
static void fill_up(struct full *full) {
    uint64_t bytes = conf_room() - 512 * MIB;
    CUresult result;
    CHECK(conf_room() > GIB);
    while ((result = cu(cuMemAlloc_v2)(&full->ballast, bytes)) == CUDA_ERROR_OUT_OF_MEMORY && bytes > GIB) {
        bytes -= 128 * MIB;
    }
    OK(result);
    full->count = 0;
    do {
        CHECK(full->count < MAX_PIECES);
        result = cu(cuMemAlloc_v2)(&full->pieces[full->count], PIECE);
        full->count += result == CUDA_SUCCESS;
    } while (result == CUDA_SUCCESS);
    IS(CUDA_ERROR_OUT_OF_MEMORY, result);
}

static void empty(struct full *full) {
    for (size_t i = 0; i < full->count; i++) {
        OK(cu(cuMemFree_v2)(full->pieces[i]));
    }
    OK(cu(cuMemFree_v2)(full->ballast));
}

CASE_WITHIN(capacity, full_device_refuses_and_recovers, 120) {
    static struct full full;
    CUdeviceptr address = 0;
    conf_context();
    conf_fill(conf_alloc(4096), 1, 1, NULL);
    OK(cu(cuCtxSynchronize)());
    uint64_t before = conf_room();
    fill_up(&full);
    CHECK(full.count > 0);
    CHECK(conf_room() < 256 * MIB);
    OK(cu(cuMemFree_v2)(full.pieces[--full.count]));
    OK(cu(cuMemAlloc_v2)(&address, PIECE));
    conf_fill(address, PIECE / 4, 3, NULL);
    OK(cu(cuCtxSynchronize)());
    OK(cu(cuMemFree_v2)(address));
    empty(&full);
    CHECK(conf_wait_for_room(before - CONF_NOISE));
}

CASE_WITHIN(capacity, full_device_refuses_every_kind, 120) {
    static struct full full;
    CUdeviceptr address = 0;
    CUarray array = NULL;
    CUmemGenericAllocationHandle chunk = 0;
    conf_context();
    CUstream stream = conf_stream();
    fill_up(&full);
    CUmemAllocationProp prop = conf_device_prop(false);
    IS(CUDA_ERROR_OUT_OF_MEMORY, cu(cuMemCreate)(&chunk, GIB, &prop, 0));
    if (conf_attribute(CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED) != 0) {
        IS(CUDA_ERROR_OUT_OF_MEMORY, cu(cuMemAllocAsync)(&address, GIB, stream));
    }
    CUDA_ARRAY_DESCRIPTOR shape = {.Width = 16384, .Height = 16384, .Format = CU_AD_FORMAT_FLOAT, .NumChannels = 1};
    IS(CUDA_ERROR_OUT_OF_MEMORY, cu(cuArrayCreate_v2)(&array, &shape));
    size_t pitch = 0;
    IS(CUDA_ERROR_OUT_OF_MEMORY, cu(cuMemAllocPitch_v2)(&address, &pitch, 64 * KIB, 16 * KIB, 4));
    OK(cu(cuCtxSynchronize)());
    empty(&full);
    address = conf_alloc(GIB);
    OK(cu(cuMemFree_v2)(address));
}

static void small_one(int channel, void *unused) {
    (void)unused;
    CUdeviceptr address = 0;
    conf_context();
    conf_signal(channel);
    conf_await(channel);
    IS(CUDA_ERROR_OUT_OF_MEMORY, cu(cuMemAlloc_v2)(&address, GIB));
    conf_signal(channel);
    conf_await(channel);
    address = conf_alloc(GIB);
    OK(cu(cuMemFree_v2)(address));
}

CASE_WITHIN(capacity, full_device_is_full_for_other_processes, 120) {
    static struct full full;
    struct conf_peer peer = conf_start(small_one, NULL);
    conf_await(peer.channel);
    conf_context();
    fill_up(&full);
    conf_signal(peer.channel);
    conf_await(peer.channel);
    empty(&full);
    conf_signal(peer.channel);
    conf_join(&peer);
}

#define RACERS 4

/* Takes pieces of the size it is told until the first refusal; answers how many. */
static void racer(int channel, void *unused) {
    (void)unused;
    uint64_t piece = 0;
    uint64_t count = 0;
    CUdeviceptr address = 0;
    CUresult result;
    conf_context();
    conf_signal(channel);
    conf_receive(channel, &piece, sizeof piece);
    while ((result = cu(cuMemAlloc_v2)(&address, piece)) == CUDA_SUCCESS) {
        count++;
    }
    IS(CUDA_ERROR_OUT_OF_MEMORY, result);
    conf_send(channel, &count, sizeof count);
    conf_await(channel);
}

CASE_WITHIN(capacity, processes_racing_for_the_last_bytes_share_what_there_is, 120) {
    struct conf_peer peers[RACERS];
    uint64_t total = 0;
    for (int i = 0; i < RACERS; i++) {
        peers[i] = conf_start(racer, NULL);
        conf_await(peers[i].channel);
    }
    conf_context();
    uint64_t room = conf_room();
    uint64_t piece = room / 48 / (2 * MIB) * (2 * MIB);
    for (int i = 0; i < RACERS; i++) {
        conf_send(peers[i].channel, &piece, sizeof piece);
    }
    for (int i = 0; i < RACERS; i++) {
        uint64_t count = 0;
        conf_receive(peers[i].channel, &count, sizeof count);
        total += count;
    }
    CHECK(total * piece <= room);
    CHECK(total * piece >= room - room / 8);
    for (int i = 0; i < RACERS; i++) {
        conf_signal(peers[i].channel);
        conf_join(&peers[i]);
    }
    CHECK(conf_wait_for_room(room - CONF_NOISE));
}
