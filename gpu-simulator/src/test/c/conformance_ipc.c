/* The older way of sharing between processes: memory and event handles of 64 bytes. */
#include "conformance.h"

#define WORDS MIB

/* Reads 5, writes 6. */
static void opener(int channel, void *unused) {
    (void)unused;
    CUipcMemHandle handle;
    CUdeviceptr address = 0;
    conf_receive(channel, &handle, sizeof handle);
    conf_context();
    OK(cu(cuIpcOpenMemHandle_v2)(&address, handle, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS));
    EQ(conf_mismatches(address, WORDS, 5), 0);
    conf_fill(address, WORDS, 6, NULL);
    OK(cu(cuCtxSynchronize)());
    OK(cu(cuIpcCloseMemHandle)(address));
    conf_signal(channel);
    conf_await(channel);
}

static CUipcMemHandle handle_of(CUdeviceptr address) {
    CUipcMemHandle handle;
    CUresult result = cu(cuIpcGetMemHandle)(&handle, address);
    if (result == CUDA_ERROR_NOT_SUPPORTED) {
        SKIP("no memory handles on this machine");
    }
    OK(result);
    return handle;
}

CASE(ipc, memory_is_read_and_written_by_another_process) {
    struct conf_peer peer = conf_start(opener, NULL);
    conf_context();
    CUdeviceptr address = conf_alloc(4 * WORDS);
    conf_fill(address, WORDS, 5, NULL);
    OK(cu(cuCtxSynchronize)());
    CUipcMemHandle handle = handle_of(address);
    conf_send(peer.channel, &handle, sizeof handle);
    conf_await(peer.channel);
    EQ(conf_mismatches(address, WORDS, 6), 0);
    conf_signal(peer.channel);
    conf_join(&peer);
    OK(cu(cuMemFree_v2)(address));
}

#define HELD (512 * MIB)

/* Hands a handle over and stays until it is told to free the memory, or is killed. */
static void maker(int channel, void *unused) {
    (void)unused;
    conf_context();
    CUdeviceptr address = conf_alloc(HELD);
    conf_fill(address, WORDS, 5, NULL);
    OK(cu(cuCtxSynchronize)());
    CUipcMemHandle handle = handle_of(address);
    conf_send(channel, &handle, sizeof handle);
    conf_await(channel);
    OK(cu(cuMemFree_v2)(address));
    conf_signal(channel);
    conf_await(channel);
}

static CUdeviceptr open_from(struct conf_peer *peer) {
    CUipcMemHandle handle;
    CUdeviceptr address = 0;
    conf_receive(peer->channel, &handle, sizeof handle);
    conf_context();
    OK(cu(cuIpcOpenMemHandle_v2)(&address, handle, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS));
    return address;
}

CASE(ipc, memory_outlives_its_killed_maker_while_it_is_open) {
    struct conf_peer peer = conf_start(maker, NULL);
    CUdeviceptr address = open_from(&peer);
    uint64_t with = conf_room();
    conf_kill(&peer);
    conf_sleep_ms(500);
    CHECK(conf_room() < with + HELD);
    EQ(conf_mismatches(address, WORDS, 5), 0);
    OK(cu(cuIpcCloseMemHandle)(address));
    CHECK(conf_wait_for_room(with + HELD - CONF_NOISE));
}

CASE(ipc, memory_freed_by_its_maker_is_taken_until_it_is_closed) {
    struct conf_peer peer = conf_start(maker, NULL);
    CUdeviceptr address = open_from(&peer);
    uint64_t with = conf_room();
    conf_signal(peer.channel);
    conf_await(peer.channel);
    CHECK(conf_room() < with + HELD - CONF_NOISE);
    OK(cu(cuIpcCloseMemHandle)(address));
    CHECK(conf_wait_for_room(with + HELD - CONF_NOISE));
    conf_signal(peer.channel);
    conf_join(&peer);
}

CASE(ipc, own_memory_is_not_opened) {
    CUdeviceptr again = 0;
    conf_context();
    CUipcMemHandle handle = handle_of(conf_alloc(4 * WORDS));
    FAILS(cu(cuIpcOpenMemHandle_v2)(&again, handle, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS));
}

CASE(ipc, chunks_have_no_memory_handle) {
    CUdeviceptr address = 0;
    CUipcMemHandle handle;
    conf_context();
    conf_mapped_chunk(32 * MIB, false, &address);
    FAILS(cu(cuIpcGetMemHandle)(&handle, address));
}

CASE(ipc, closing_what_was_not_opened_is_refused) {
    conf_context();
    FAILS(cu(cuIpcCloseMemHandle)(conf_alloc(4 * WORDS)));
}

static void event_waiter(int channel, void *unused) {
    (void)unused;
    CUipcEventHandle handle;
    CUevent event = NULL;
    conf_receive(channel, &handle, sizeof handle);
    conf_context();
    OK(cu(cuIpcOpenEventHandle)(&event, handle));
    OK(cu(cuEventSynchronize)(event));
    OK(cu(cuEventQuery)(event));
    conf_signal(channel);
    conf_await(channel);
    OK(cu(cuEventDestroy_v2)(event));
}

CASE(ipc, event_is_waited_for_by_another_process) {
    struct conf_peer peer = conf_start(event_waiter, NULL);
    CUevent event = NULL;
    CUipcEventHandle handle;
    conf_context();
    CUstream stream = conf_stream();
    OK(cu(cuEventCreate)(&event, CU_EVENT_INTERPROCESS | CU_EVENT_DISABLE_TIMING));
    CUresult result = cu(cuIpcGetEventHandle)(&handle, event);
    if (result == CUDA_ERROR_NOT_SUPPORTED) {
        SKIP("no event handles on this machine");
    }
    OK(result);
    conf_spin(200, stream);
    OK(cu(cuEventRecord)(event, stream));
    conf_send(peer.channel, &handle, sizeof handle);
    conf_await(peer.channel);
    OK(cu(cuStreamSynchronize)(stream));
    conf_signal(peer.channel);
    conf_join(&peer);
}
