/*
 * What of movable memory stays on its device, and why: each reason is there with its bytes as long as it lasts, what is pinned is where others were
 * told that it is, and everything else moves.
 */
#include "support_faults.h"
#include "support_segments.h"
#include "support_sharer.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t pinned_on(const struct moving *m, uint32_t device, enum alq_pin_reason reason)
{
    uint64_t bytes = 0;
    for (uint32_t at = 0; at < ALQ_PIN_WORDS; at++) {
        uint64_t word = __atomic_load_n(&m->world->agent->usage->slots[m->slot].pins[at], __ATOMIC_SEQ_CST);
        bool it = word >> ALQ_PIN_REASON_SHIFT == reason && (word >> ALQ_PIN_DEVICE_SHIFT & 0xff) == device;
        bytes += it ? word & ALQ_PIN_BYTES_MASK : 0;
    }
    return bytes;
}

static uint64_t pinned(const struct moving *m, enum alq_pin_reason reason)
{
    return pinned_on(m, 0, reason);
}

static void nothing_is_pinned(const struct moving *m)
{
    for (uint32_t at = 0; at < ALQ_PIN_WORDS; at++) {
        CHECK_EQ(m->world->agent->usage->slots[m->slot].pins[at] & ALQ_PIN_BYTES_MASK, 0);
    }
}

static CUresult dma_buf(int *descriptor, CUdeviceptr address, uint64_t bytes)
{
    return CU(cuMemGetHandleForAddressRange)(descriptor, address, bytes, CU_MEM_RANGE_HANDLE_TYPE_DMA_BUF_FD, 0);
}

/* The descriptor is checked and closed: what it leads to lives on all the same. */
static void registers(CUdeviceptr address, uint64_t bytes)
{
    int descriptor = -1;
    CHECK_EQ(dma_buf(&descriptor, address, bytes), CUDA_SUCCESS);
    CHECK_EQ(close(descriptor), 0);
}

static void goes_out_and_in(const struct moving *m, uint64_t bytes)
{
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_demoted, bytes));
    moving_resident(m, ALQ_RESIDENT_ALL);
    CHECK(moving_becomes(m, moving_demoted, 0));
}

static void what_is_shared_is_pinned_until_it_is_freed(const struct moving *m)
{
    CUdeviceptr block = moving_alloc(70 * MIB), other = moving_alloc(4 * MIB);
    nothing_is_pinned(m);
    sharer_handle(block);
    sharer_handle(block);
    CHECK_EQ(pinned(m, ALQ_PINNED_SHARED), 70 * MIB);
    sharer_handle(other);
    CHECK_EQ(pinned(m, ALQ_PINNED_SHARED), 74 * MIB);
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
    CHECK_EQ(pinned(m, ALQ_PINNED_SHARED), 4 * MIB);
    CHECK_EQ(CU(cuMemFree_v2)(other), CUDA_SUCCESS);
    nothing_is_pinned(m);
}

static void what_cannot_be_shared_is_not_pinned(const struct moving *m)
{
    CUipcMemHandle handle;
    CUdeviceptr block = moving_alloc(300 * MIB);
    CHECK_EQ(CU(cuIpcGetMemHandle)(&handle, block), CUDA_ERROR_OUT_OF_MEMORY);
    nothing_is_pinned(m);
}

static void open_and_close(struct world *world, const void *unused)
{
    struct moving m;
    CUdeviceptr there = 0;
    (void)unused;
    struct sharer other = sharer_start(world);
    moving_start(&m, world, 256 * MIB);
    struct sharer_message make = {.order = SHARER_MAKES, .bytes = 136 * MIB, .value = 6};
    struct sharer_message made = sharer_does(&other, make);
    CHECK_EQ(made.result, CUDA_SUCCESS);
    nothing_is_pinned(&m);
    for (int times = 0; times < 2; times++) {
        CHECK_EQ(CU(cuIpcOpenMemHandle_v2)(&there, made.handle, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS), CUDA_SUCCESS);
        CHECK_EQ(pinned(&m, ALQ_PINNED_OPENED), 136 * MIB);
    }
    CHECK_EQ(moving_used(&m), 0);
    CHECK_EQ(CU(cuIpcCloseMemHandle)(there), CUDA_SUCCESS);
    CHECK_EQ(pinned(&m, ALQ_PINNED_OPENED), 136 * MIB);
    CHECK_EQ(CU(cuIpcCloseMemHandle)(there), CUDA_SUCCESS);
    nothing_is_pinned(&m);
    sharer_ends(&other, false);
}

static void what_is_exported_is_pinned_until_its_last_use_has_ended(const struct moving *m)
{
    CUdeviceptr range = segment_reserve(SEGMENT);
    CUmemGenericAllocationHandle handle = segment_make(SEGMENT, true), large = segment_make(66 * MIB, true);
    int descriptor = -1;
    segment_map(range, SEGMENT, handle);
    segment_access(range, SEGMENT, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    nothing_is_pinned(m);
    CHECK_EQ(CU(cuMemExportToShareableHandle)(&descriptor, handle, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0), CUDA_SUCCESS);
    close(descriptor);
    CHECK_EQ(pinned(m, ALQ_PINNED_EXPORTED), SEGMENT);
    CHECK_EQ(CU(cuMemExportToShareableHandle)(&descriptor, large, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0), CUDA_SUCCESS);
    close(descriptor);
    CHECK_EQ(pinned(m, ALQ_PINNED_EXPORTED), SEGMENT + 66 * MIB);
    segment_release(large);
    CHECK_EQ(pinned(m, ALQ_PINNED_EXPORTED), SEGMENT);
    segment_release(handle);
    CHECK_EQ(pinned(m, ALQ_PINNED_EXPORTED), SEGMENT);
    segment_unmap(range, SEGMENT);
    nothing_is_pinned(m);
}

static void what_is_imported_is_pinned_while_it_is_mapped(const struct moving *m)
{
    CUdeviceptr range = segment_reserve(2 * SEGMENT);
    CUmemGenericAllocationHandle handle = segment_make(SEGMENT, true), imported = 0, again = 0;
    int descriptor = -1;
    CHECK_EQ(CU(cuMemExportToShareableHandle)(&descriptor, handle, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemImportFromShareableHandle)(&imported, (void *)(uintptr_t)descriptor, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR),
        CUDA_SUCCESS);
    CHECK_EQ(pinned(m, ALQ_PINNED_OPENED), 0);
    segment_map(range, SEGMENT, imported);
    CHECK_EQ(pinned(m, ALQ_PINNED_OPENED), SEGMENT);
    segment_map(range + SEGMENT, 2 * MIB, imported);
    CHECK_EQ(pinned(m, ALQ_PINNED_OPENED), SEGMENT + 2 * MIB);
    segment_access(range, SEGMENT, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    registers(range, SEGMENT);
    CHECK_EQ(CU(cuMemRetainAllocationHandle)(&again, (void *)range), CUDA_SUCCESS);
    segment_unmap(range + SEGMENT, 2 * MIB);
    segment_unmap(range, SEGMENT);
    segment_release(again);
    CHECK_EQ(pinned(m, ALQ_PINNED_OPENED), 0);
    CHECK_EQ(moving_used(m), SEGMENT);
    segment_release(imported);
    segment_release(handle);
    nothing_is_pinned(m);
    CHECK_EQ(moving_used(m), 0);
}

static void what_the_host_may_reach_is_pinned_until_it_is_unmapped(const struct moving *m)
{
    CUmemGenericAllocationHandle handle;
    CUdeviceptr range = segment_reserve(SEGMENT);
    CUmemAccessDesc host = {.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
    host.location.type = CU_MEM_LOCATION_TYPE_HOST;
    segment_put(range, SEGMENT, &handle);
    CHECK_EQ(CU(cuMemSetAccess)(range, SEGMENT, &host, 1), CUDA_SUCCESS);
    CHECK_EQ(pinned(m, ALQ_PINNED_HOST), SEGMENT);
    segment_unmap(range, SEGMENT);
    nothing_is_pinned(m);
    segment_map(range, SEGMENT, handle);
    segment_access(range, SEGMENT, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    goes_out_and_in(m, SEGMENT);
}

/* As a network card would, which knows nothing of addresses. */
static void a_dma_buf_leads_to_the_memory_as_long_as_there_is_any(const struct moving *m)
{
    int descriptor = -1;
    uint32_t word = 0, seven = 7;
    CUdeviceptr block = moving_alloc(60 * MIB), rest = moving_alloc(70 * MIB);
    moving_filled(m, block, 60 * MIB, 5);
    moving_filled(m, rest, 70 * MIB, 3);
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_demoted, 130 * MIB));
    CHECK_EQ(dma_buf(&descriptor, block, 60 * MIB), CUDA_SUCCESS);
    CHECK_EQ(pinned(m, ALQ_PINNED_RDMA), 60 * MIB);
    CHECK_EQ(moving_demoted(m), 70 * MIB);
    CHECK_EQ(moving_used(m), 60 * MIB);
    CHECK_EQ(moving_movable(m), 0);
    for (int away = 0; away <= 1; away++) {
        CHECK_EQ(pread(descriptor, &word, sizeof word, 8192), (ssize_t)sizeof word);
        CHECK_EQ(word, away == 0 ? 5 : 7);
        CHECK_EQ(pwrite(descriptor, &seven, sizeof seven, 8192), (ssize_t)sizeof seven);
        if (away == 0) {
            moving_park(m);
            CHECK_EQ(moving_used(m), 60 * MIB);
        }
    }
    moving_return(m);
    CHECK(moving_becomes(m, moving_demoted, 0));
    CHECK_EQ(moving_wrong(m, block + 8192, 4, 7, NULL), 0);
    CHECK_EQ(moving_wrong(m, block + 8196, 60 * MIB - 8196, 5, NULL), 0);
    CHECK_EQ(moving_wrong(m, rest, 70 * MIB, 3, NULL), 0);
    close(descriptor);
    CHECK_EQ(pinned(m, ALQ_PINNED_RDMA), 60 * MIB); /* nobody sees that end */
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
    nothing_is_pinned(m);
    CHECK_EQ(moving_used(m), 70 * MIB);
}

static void what_does_not_fit_the_request_is_not_registered_and_moves_on(const struct moving *m)
{
    int descriptor = -1;
    CUdeviceptr block = moving_alloc(300 * MIB), range = segment_reserve(300 * MIB);
    segment_put(range, 300 * MIB, NULL);
    for (int demoted = 0; demoted <= 1; demoted++) {
        CHECK_EQ(dma_buf(&descriptor, block, 4 * MIB), CUDA_ERROR_NOT_SUPPORTED);
        CHECK_EQ(dma_buf(&descriptor, range, 4 * MIB), CUDA_ERROR_NOT_SUPPORTED);
        nothing_is_pinned(m);
        moving_resident(m, 0);
        CHECK(moving_becomes(m, moving_demoted, 600 * MIB));
    }
    CHECK_EQ(descriptor, -1);
}

static void what_the_driver_refuses_is_not_registered_and_moves_on(const struct moving *m)
{
    int descriptor = -1;
    CUdeviceptr block = moving_alloc(70 * MIB), range = segment_reserve(2 * SEGMENT);
    segment_put(range, SEGMENT, NULL);
    CHECK_EQ(dma_buf(&descriptor, block + 1, 4 * MIB), CUDA_ERROR_INVALID_VALUE);
    CHECK_EQ(dma_buf(&descriptor, block, 72 * MIB), CUDA_ERROR_INVALID_VALUE);
    CHECK_EQ(dma_buf(&descriptor, range, 2 * SEGMENT), CUDA_ERROR_INVALID_VALUE);
    CHECK_EQ(dma_buf(NULL, range, SEGMENT), CUDA_ERROR_INVALID_VALUE);
    nothing_is_pinned(m);
    goes_out_and_in(m, 70 * MIB + SEGMENT);
}

/* The first segment has come back for it already when the last one cannot. */
static void a_range_is_registered_as_a_whole_or_not_at_all(const struct moving *m)
{
    int descriptor = -1;
    CUdeviceptr range = segment_reserve(SEGMENT + 240 * MIB);
    segment_put(range, SEGMENT, NULL);
    segment_put(range + SEGMENT, 240 * MIB, NULL);
    moving_filled(m, range, SEGMENT + 240 * MIB, 4);
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_demoted, SEGMENT + 240 * MIB));
    CHECK_EQ(dma_buf(&descriptor, range, SEGMENT + 240 * MIB), CUDA_ERROR_NOT_SUPPORTED); /* more than 256 MiB */
    nothing_is_pinned(m);
    CHECK(moving_becomes(m, moving_demoted, SEGMENT + 240 * MIB));
    segment_access(range + SEGMENT, 240 * MIB, CU_MEM_ACCESS_FLAGS_PROT_NONE);
    CHECK_EQ(dma_buf(&descriptor, range, SEGMENT + 240 * MIB), CUDA_ERROR_NOT_SUPPORTED); /* nobody can read it */
    nothing_is_pinned(m);
    CHECK(moving_becomes(m, moving_demoted, SEGMENT + 240 * MIB));
    segment_access(range + SEGMENT, 240 * MIB, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    CHECK_EQ(moving_wrong(m, range, SEGMENT + 240 * MIB, 4, NULL), 0);
    CHECK_EQ(dma_buf(&descriptor, range, SEGMENT), CUDA_SUCCESS);
    CHECK_EQ(pinned(m, ALQ_PINNED_RDMA), SEGMENT);
    close(descriptor);
}

static void shared_and_registered_it_is_pinned_once(const struct moving *m)
{
    CUdeviceptr first = moving_alloc(70 * MIB), second = moving_alloc(10 * MIB);
    sharer_handle(first);
    registers(first, 70 * MIB);
    registers(second, 10 * MIB);
    registers(second, 2 * MIB);
    sharer_handle(second);
    sharer_handle(second);
    registers(second, 10 * MIB);
    CHECK_EQ(pinned(m, ALQ_PINNED_SHARED), 70 * MIB);
    CHECK_EQ(pinned(m, ALQ_PINNED_RDMA), 10 * MIB);
    CHECK_EQ(moving_movable(m), 0);
    CHECK_EQ(CU(cuMemFree_v2)(first), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFree_v2)(second), CUDA_SUCCESS);
    nothing_is_pinned(m);
    CHECK_EQ(moving_used(m), 0);
}

static void registered_segments_are_pinned_wherever_they_are_mapped(const struct moving *m)
{
    CUmemGenericAllocationHandle handles[3];
    uint64_t truth = truth_bytes(m->world, 0, 0);
    CUdeviceptr range = segment_reserve(4 * SEGMENT);
    for (int at = 0; at < 3; at++) {
        segment_put(range + (uint64_t)at * SEGMENT, SEGMENT, &handles[at]);
    }
    moving_filled(m, range, 3 * SEGMENT, 4);
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_demoted, 3 * SEGMENT));
    registers(range + SEGMENT / 2, SEGMENT);
    CHECK_EQ(pinned(m, ALQ_PINNED_RDMA), 2 * SEGMENT);
    CHECK_EQ(moving_demoted(m), SEGMENT);
    segment_unmap(range, SEGMENT);
    segment_map(range + 3 * SEGMENT, SEGMENT, handles[0]);
    segment_access(range + 3 * SEGMENT, SEGMENT, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    moving_park(m);
    CHECK_EQ(moving_used(m), 2 * SEGMENT);
    moving_return(m);
    CHECK(moving_becomes(m, moving_demoted, 0));
    CHECK_EQ(moving_wrong(m, range + SEGMENT, 3 * SEGMENT, 4, NULL), 0);
    CHECK_EQ(pinned(m, ALQ_PINNED_RDMA), 2 * SEGMENT);
    for (int at = 0; at < 3; at++) {
        segment_unmap(range + (uint64_t)(at == 0 ? 3 : at) * SEGMENT, SEGMENT);
        segment_release(handles[at]);
    }
    nothing_is_pinned(m);
    segments_are_gone(m, truth);
}

static void a_segment_is_pinned_for_what_keeps_it_longest(const struct moving *m)
{
    CUmemGenericAllocationHandle handle = segment_make(SEGMENT, true);
    CUdeviceptr range = segment_reserve(SEGMENT);
    CUmemAccessDesc host = {.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
    int descriptor = -1;
    host.location.type = CU_MEM_LOCATION_TYPE_HOST;
    segment_map(range, SEGMENT, handle);
    segment_access(range, SEGMENT, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    CHECK_EQ(CU(cuMemSetAccess)(range, SEGMENT, &host, 1), CUDA_SUCCESS);
    registers(range, SEGMENT);
    CHECK_EQ(pinned(m, ALQ_PINNED_HOST), 0);
    CHECK_EQ(pinned(m, ALQ_PINNED_RDMA), SEGMENT);
    CHECK_EQ(CU(cuMemExportToShareableHandle)(&descriptor, handle, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0), CUDA_SUCCESS);
    close(descriptor);
    CHECK_EQ(pinned(m, ALQ_PINNED_RDMA), 0);
    CHECK_EQ(pinned(m, ALQ_PINNED_EXPORTED), SEGMENT);
    segment_unmap(range, SEGMENT);
    segment_release(handle);
    nothing_is_pinned(m);
}

/* With the dma-buf still open, nobody knows what the end of the segment has given back before the agent has looked. */
static void what_was_registered_is_looked_for_when_it_has_been_given_back(const struct moving *m)
{
    CUmemGenericAllocationHandle handle;
    CUdeviceptr range = segment_reserve(2 * SEGMENT);
    int descriptor = -1;
    segment_put(range, SEGMENT, &handle);
    CHECK_EQ(dma_buf(&descriptor, range, SEGMENT), CUDA_SUCCESS);
    segment_map(range + SEGMENT, SEGMENT, handle); /* it is the driver's own now */
    segment_unmap(range, SEGMENT);
    segment_unmap(range + SEGMENT, SEGMENT);
    segment_release(handle);
    nothing_is_pinned(m);
    uint64_t settles = atomic_load(&m->world->agent->shared->settles);
    CHECK_EQ(CU(cuMemFree_v2)(moving_alloc(4 * MIB)), CUDA_SUCCESS);
    CHECK_EQ(atomic_load(&m->world->agent->shared->settles), settles + 1);
    close(descriptor);
}

/* An agent that has given the slot away knows nothing of it before the process sits down again. */
static void the_reasons_go_along_to_another_seat(const struct moving *m)
{
    CUdeviceptr shared = moving_alloc(70 * MIB), other = moving_alloc(10 * MIB);
    sharer_handle(shared);
    registers(other, 10 * MIB);
    struct alq_usage_slot *slot = (struct alq_usage_slot *)&m->world->agent->usage->slots[m->slot];
    for (uint32_t at = 0; at < ALQ_PIN_WORDS; at++) {
        __atomic_store_n(&slot->pins[at], 0, __ATOMIC_SEQ_CST);
    }
    uint64_t hellos = atomic_load(&m->world->agent->shared->hellos);
    atomic_store(&m->world->agent->shared->mode, AGENT_STALE);
    moving_alloc(400 * MIB);
    CHECK_EQ(atomic_load(&m->world->agent->shared->hellos), hellos + 1);
    CHECK_EQ(test_agent_slot(m->world->agent, getpid()), (int)m->slot);
    CHECK_EQ(pinned(m, ALQ_PINNED_SHARED), 70 * MIB);
    CHECK_EQ(pinned(m, ALQ_PINNED_RDMA), 10 * MIB);
    CHECK_EQ(CU(cuMemFree_v2)(shared), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFree_v2)(other), CUDA_SUCCESS);
    nothing_is_pinned(m);
}

static void a_child_takes_no_reason_away(const struct moving *m)
{
    int status = -1;
    CUdeviceptr block = moving_alloc(10 * MIB);
    registers(block, 10 * MIB);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        CU(cuMemFree_v2)(block);
        _exit(0);
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    CHECK_EQ(pinned(m, ALQ_PINNED_RDMA), 10 * MIB);
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
    nothing_is_pinned(m);
}

static unsigned int synchronises(CUdeviceptr address)
{
    unsigned int on = 7;
    CHECK_EQ(CU(cuPointerGetAttribute)(&on, CU_POINTER_ATTRIBUTE_SYNC_MEMOPS, address), CUDA_SUCCESS);
    return on;
}

static unsigned int driver_synchronises(CUdeviceptr address)
{
    unsigned int on = 7;
    CHECK_EQ(BARE(cuPointerGetAttribute)(&on, CU_POINTER_ATTRIBUTE_SYNC_MEMOPS, address), CUDA_SUCCESS);
    return on;
}

static void copies_are_synchronous_wherever_the_memory_has_been(const struct moving *m)
{
    unsigned int on = 1, off = 0;
    CUdeviceptr block = moving_alloc(70 * MIB);
    CHECK_EQ(synchronises(block), 0);
    CHECK_EQ(CU(cuPointerSetAttribute)(&on, CU_POINTER_ATTRIBUTE_SYNC_MEMOPS, block + 4), CUDA_SUCCESS);
    for (int round = 0; round < 2; round++) {
        CHECK_EQ(synchronises(block + 65 * MIB), 1);
        CHECK_EQ(driver_synchronises(block), 1);
        CHECK_EQ(driver_synchronises(block + 65 * MIB), 1);
        goes_out_and_in(m, 70 * MIB);
    }
    moving_park(m);
    CHECK_EQ(synchronises(block), 1);
    moving_return(m);
    CHECK(moving_becomes(m, moving_demoted, 0));
    CHECK_EQ(driver_synchronises(block + 65 * MIB), 1);
    CHECK_EQ(CU(cuPointerSetAttribute)(&off, CU_POINTER_ATTRIBUTE_SYNC_MEMOPS, block), CUDA_SUCCESS);
    CHECK_EQ(driver_synchronises(block + 65 * MIB), 0);
    nothing_is_pinned(m);
}

enum { PARTIES = 4 };

static void *pin_and_free(void *argument)
{
    const struct moving *m = argument;
    CHECK_EQ(CU(cuCtxSetCurrent)(m->context), CUDA_SUCCESS);
    for (int round = 0; round < 12; round++) {
        CUdeviceptr block = moving_alloc((2 + (uint64_t)(round % 3) * 2) * MIB);
        if (round % 2 == 0) {
            sharer_handle(block);
        }
        registers(block, 2 * MIB);
        CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
    }
    return NULL;
}

static void threads_pin_and_free_and_nothing_is_left(const struct moving *m)
{
    pthread_t threads[PARTIES];
    for (int at = 0; at < PARTIES; at++) {
        CHECK_EQ(pthread_create(&threads[at], NULL, pin_and_free, (void *)m), 0);
    }
    for (int at = 0; at < PARTIES; at++) {
        pthread_join(threads[at], NULL);
    }
    nothing_is_pinned(m);
    CHECK_EQ(moving_used(m), 0);
}

static uint64_t demoted_there(const struct moving *m)
{
    return __atomic_load_n(&m->world->agent->usage->slots[m->slot].demoted_bytes[1], __ATOMIC_SEQ_CST);
}

/* The peer's context with its own kernels, and access to the other's memory; it is current from then on. */
static struct moving peer_of(const struct moving *m)
{
    struct moving peer = *m;
    CHECK_EQ(CU(cuCtxCreate_v2)(&peer.context, 0, moving_peer()), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxEnablePeerAccess)(m->context, 0), CUDA_SUCCESS);
    moving_load(&peer);
    return peer;
}

/* Kernels of one device work on the other's memory, which is to leave alone; each time it has gone, it comes back for more. */
static void memory_stays_while_a_peer_works_on_it(struct world *world, const void *unused)
{
    struct moving m;
    (void)unused;
    test_agent_lend(world->agent, 1, 256 * MIB); /* the current one is the tenant's last */
    moving_start(&m, world, 256 * MIB);
    CUdeviceptr block = moving_alloc(70 * MIB);
    moving_filled(&m, block, 70 * MIB, 0);
    struct moving peer = peer_of(&m);
    CUstream stream = moving_stream();
    for (uint32_t round = 1; round <= 3; round++) {
        moving_spin(&peer, 300000000ull, stream);
        moving_add(&peer, block, 70 * MIB, 1, stream);
        if (round == 2) {
            test_agent_set_resident(world->agent, m.slot, 1, 0);
            CHECK(moving_becomes(&m, demoted_there, 70 * MIB));
            test_agent_set_resident(world->agent, m.slot, 1, ALQ_RESIDENT_ALL);
        } else {
            moving_leave(&m, 2);
            CHECK(moving_becomes(&m, moving_parked, 1));
            CHECK_EQ(demoted_there(&m), 70 * MIB);
        }
        CHECK_EQ(CU(cuStreamSynchronize)(stream), CUDA_SUCCESS);
        CHECK_EQ(moving_wrong(&peer, block, 70 * MIB, round, stream), 0);
    }
}

static void each_device_has_its_own(struct world *world, const void *unused)
{
    struct moving m;
    CUcontext other = NULL;
    (void)unused;
    test_agent_lend(world->agent, 1, 256 * MIB); /* the current one is the tenant's last */
    moving_start(&m, world, 256 * MIB);
    CUdeviceptr there = moving_alloc(70 * MIB);
    CHECK_EQ(CU(cuCtxCreate_v2)(&other, 0, moving_peer()), CUDA_SUCCESS);
    CUdeviceptr here = moving_alloc(4 * MIB);
    registers(here, 4 * MIB);
    CHECK_EQ(CU(cuCtxSetCurrent)(m.context), CUDA_SUCCESS);
    registers(there, 70 * MIB);
    CHECK_EQ(pinned_on(&m, 0, ALQ_PINNED_RDMA), 4 * MIB);
    CHECK_EQ(pinned_on(&m, 1, ALQ_PINNED_RDMA), 70 * MIB);
    CHECK_EQ(CU(cuCtxDestroy_v2)(other), CUDA_SUCCESS);
    CHECK_EQ(pinned_on(&m, 0, ALQ_PINNED_RDMA), 0);
    CHECK_EQ(pinned_on(&m, 1, ALQ_PINNED_RDMA), 70 * MIB);
}

int main(void)
{
    RUN_MOVING_ALONE(what_is_shared_is_pinned_until_it_is_freed);
    RUN_MOVING_ALONE(what_cannot_be_shared_is_not_pinned);
    run_alone("what_is_opened_is_pinned_until_it_is_closed", open_and_close, NULL);
    RUN_MOVING_ALONE(what_is_exported_is_pinned_until_its_last_use_has_ended);
    RUN_MOVING_ALONE(what_is_imported_is_pinned_while_it_is_mapped);
    RUN_MOVING_ALONE(what_the_host_may_reach_is_pinned_until_it_is_unmapped);
    RUN_MOVING_ALONE(a_dma_buf_leads_to_the_memory_as_long_as_there_is_any);
    RUN_MOVING_ALONE(what_does_not_fit_the_request_is_not_registered_and_moves_on);
    RUN_MOVING_ALONE(what_the_driver_refuses_is_not_registered_and_moves_on);
    RUN_MOVING_ALONE(a_range_is_registered_as_a_whole_or_not_at_all);
    RUN_MOVING_ALONE(shared_and_registered_it_is_pinned_once);
    RUN_MOVING_ALONE(registered_segments_are_pinned_wherever_they_are_mapped);
    RUN_MOVING_ALONE(a_segment_is_pinned_for_what_keeps_it_longest);
    RUN_MOVING_ALONE(what_was_registered_is_looked_for_when_it_has_been_given_back);
    RUN_MOVING_ALONE(the_reasons_go_along_to_another_seat);
    RUN_MOVING_ALONE(a_child_takes_no_reason_away);
    RUN_MOVING_ALONE(copies_are_synchronous_wherever_the_memory_has_been);
    RUN_MOVING_ALONE(threads_pin_and_free_and_nothing_is_left);
    struct world *world = world_open((struct world_config){.tenant_devices = 2, .limit_bytes = 1024 * MIB});
    run_case("memory_stays_while_a_peer_works_on_it", memory_stays_while_a_peer_works_on_it, world, NULL);
    run_case("each_device_has_its_own", each_device_has_its_own, world, NULL);
    world_close(world);
    return finish_cases();
}
