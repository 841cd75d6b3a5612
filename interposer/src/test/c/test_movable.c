/*
 * Movable memory as the program sees it: like plain memory, whatever is behind it; charged and given back to the byte; and what cannot
 * move kept within the request.
 */
#include "support_moving.h"

#include <time.h>
#include <unistd.h>

#define CONTEXT_BYTES (16 * MIB)

static void a_block_is_one_allocation_to_the_program(const struct moving *m)
{
    CUdeviceptr begin = 0, at = 0;
    size_t bytes = 0;
    uint64_t truth = truth_bytes(m->world, 0, 0);
    CUdeviceptr block = moving_alloc(150 * MIB + 1);
    CHECK_EQ(moving_used(m), 152 * MIB);
    CHECK_EQ(moving_movable(m), 152 * MIB);
    CHECK_EQ(truth_bytes(m->world, 0, 0) - truth, 152 * MIB);
    for (at = block; at < block + 150 * MIB; at += 30 * MIB) {
        CHECK_EQ(CU(cuMemGetAddressRange_v2)(&begin, &bytes, at), CUDA_SUCCESS);
        CHECK_EQ(begin, block);
        CHECK_EQ(bytes, 150 * MIB + 1);
    }
    CHECK_EQ(CU(cuMemGetAddressRange_v2)(&begin, NULL, block + 150 * MIB + 1), CUDA_ERROR_NOT_FOUND);
    moving_filled(m, block, 150 * MIB, 7);
    CHECK_EQ(moving_wrong(m, block, 150 * MIB, 7, NULL), 0);
    CHECK_EQ(CU(cuMemFree_v2)(block + 64 * MIB), CUDA_ERROR_INVALID_VALUE);
    CHECK_EQ(moving_used(m), 152 * MIB);
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_ERROR_INVALID_VALUE);
    CHECK_EQ(moving_used(m), 0);
    CHECK_EQ(moving_movable(m), 0);
    CHECK_EQ(truth_bytes(m->world, 0, 0), truth);
}

/* The same questions to a block of movable and of plain memory. */
static void a_block_has_the_attributes_of_plain_memory(const struct moving *m)
{
    (void)m;
    static const CUpointer_attribute same[] = {CU_POINTER_ATTRIBUTE_CONTEXT, CU_POINTER_ATTRIBUTE_MEMORY_TYPE,
        CU_POINTER_ATTRIBUTE_HOST_POINTER, CU_POINTER_ATTRIBUTE_IS_MANAGED, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL,
        CU_POINTER_ATTRIBUTE_RANGE_SIZE, CU_POINTER_ATTRIBUTE_MAPPED, CU_POINTER_ATTRIBUTE_ALLOWED_HANDLE_TYPES,
        CU_POINTER_ATTRIBUTE_ACCESS_FLAGS, CU_POINTER_ATTRIBUTE_MEMPOOL_HANDLE, CU_POINTER_ATTRIBUTE_MAPPING_SIZE};
    CUdeviceptr plain = 0;
    CUdeviceptr block = moving_alloc(130 * MIB);
    CHECK_EQ(BARE(cuMemAlloc_v2)(&plain, 130 * MIB), CUDA_SUCCESS);
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        uint64_t one = 0, other = 0;
        void *into_one = &one, *into_other = &other;
        CUpointer_attribute attribute = same[i];
        CHECK_EQ(CU(cuPointerGetAttribute)(&one, attribute, block + 70 * MIB),
            CU(cuPointerGetAttribute)(&other, attribute, plain + 70 * MIB));
        CHECK_EQ(one, other);
        one = other = UINT64_MAX;
        CHECK_EQ(CU(cuPointerGetAttributes)(1, &attribute, &into_one, block + 70 * MIB), CUDA_SUCCESS);
        CHECK_EQ(CU(cuPointerGetAttributes)(1, &attribute, &into_other, plain + 70 * MIB), CUDA_SUCCESS);
        CHECK_EQ(one, other);
    }
    CUdeviceptr begin = 0, itself = 0;
    unsigned long long id = 0, same_id = 0, other_id = 0;
    CHECK_EQ(CU(cuPointerGetAttribute)(&begin, CU_POINTER_ATTRIBUTE_RANGE_START_ADDR, block + 70 * MIB), CUDA_SUCCESS);
    CHECK_EQ(begin, block);
    CHECK_EQ(CU(cuPointerGetAttribute)(&itself, CU_POINTER_ATTRIBUTE_DEVICE_POINTER, block + 70 * MIB), CUDA_SUCCESS);
    CHECK_EQ(itself, block + 70 * MIB);
    CHECK_EQ(CU(cuPointerGetAttribute)(&id, CU_POINTER_ATTRIBUTE_BUFFER_ID, block), CUDA_SUCCESS);
    CHECK_EQ(CU(cuPointerGetAttribute)(&same_id, CU_POINTER_ATTRIBUTE_BUFFER_ID, block + 70 * MIB), CUDA_SUCCESS);
    CHECK_EQ(id, same_id);
    CUdeviceptr another = moving_alloc(2 * MIB);
    CHECK_EQ(CU(cuPointerGetAttribute)(&other_id, CU_POINTER_ATTRIBUTE_BUFFER_ID, another), CUDA_SUCCESS);
    CHECK(id != other_id);
}

static void a_block_has_no_handle_but_for_ipc(const struct moving *m)
{
    CUmemGenericAllocationHandle handle;
    unsigned int capable = 0;
    CUdeviceptr block = moving_alloc(70 * MIB);
    CHECK_EQ(CU(cuMemRetainAllocationHandle)(&handle, (void *)block), CUDA_ERROR_INVALID_VALUE);
    CHECK_EQ(CU(cuMemUnmap)(block, 64 * MIB), CUDA_ERROR_INVALID_VALUE);
    CHECK_EQ(CU(cuPointerGetAttribute)(&capable, CU_POINTER_ATTRIBUTE_IS_LEGACY_CUDA_IPC_CAPABLE, block), CUDA_SUCCESS);
    CHECK_EQ(capable, 1);
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
    CHECK_EQ(moving_used(m), 0);
}

static void rows_are_pitched_as_the_driver_pitches_them(const struct moving *m)
{
    CUdeviceptr block = 0, plain = 0, begin = 0;
    size_t pitch = 0, plain_pitch = 0, bytes = 0;
    CHECK_EQ(CU(cuMemAllocPitch_v2)(&block, &pitch, 5000, 20000, 4), CUDA_SUCCESS);
    CHECK_EQ(BARE(cuMemAllocPitch_v2)(&plain, &plain_pitch, 5000, 20000, 4), CUDA_SUCCESS);
    CHECK_EQ(pitch, plain_pitch);
    CHECK(moving_movable(m) != 0);
    CHECK_EQ(CU(cuMemGetAddressRange_v2)(&begin, &bytes, block + pitch * 19999), CUDA_SUCCESS);
    CHECK_EQ(begin, block);
    CHECK_EQ(bytes, pitch * 20000);
    CHECK_EQ(CU(cuMemAllocPitch_v2)(&block, &pitch, 5000, 20000, 3), CUDA_ERROR_INVALID_VALUE);
}

static void without_leave_to_borrow_memory_stays_plain(struct world *world, const void *argument)
{
    CUmemGenericAllocationHandle handle;
    CUdeviceptr block = 0;
    (void)argument;
    start_cuda();
    CHECK_EQ(CU(cuMemAlloc_v2)(&block, 100 * MIB), CUDA_SUCCESS);
    CHECK(CU(cuMemRetainAllocationHandle)(&handle, (void *)block) != CUDA_SUCCESS);
    CHECK_EQ(__atomic_load_n(&world->agent->usage->slots[test_agent_slot(world->agent, getpid())].movable_bytes[0], __ATOMIC_SEQ_CST), 0);
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
    CHECK_EQ(used_bytes(world), 0);
}

/* Takes memory in one way that cannot move. */
typedef CUresult take(uint64_t bytes);

static CUresult take_managed(uint64_t bytes)
{
    CUdeviceptr address;
    return CU(cuMemAllocManaged)(&address, bytes, CU_MEM_ATTACH_GLOBAL);
}

static CUresult take_array(uint64_t bytes)
{
    CUarray array;
    CUDA_ARRAY_DESCRIPTOR shape = {.Width = 1 << 20, .Height = bytes >> 20, .Format = CU_AD_FORMAT_UNSIGNED_INT8, .NumChannels = 1};
    return CU(cuArrayCreate_v2)(&array, &shape);
}

static CUresult take_limited_pool(uint64_t bytes)
{
    CUdeviceptr address;
    CUmemoryPool pool;
    CUdevice ordinal;
    CUmemPoolProps properties = {.allocType = CU_MEM_ALLOCATION_TYPE_PINNED, .maxSize = 512 * MIB};
    CHECK_EQ(CU(cuCtxGetDevice)(&ordinal), CUDA_SUCCESS);
    properties.location = (CUmemLocation){CU_MEM_LOCATION_TYPE_DEVICE, ordinal};
    CHECK_EQ(CU(cuMemPoolCreate)(&pool, &properties), CUDA_SUCCESS);
    return CU(cuMemAllocFromPoolAsync)(&address, bytes, pool, NULL);
}

static void what_cannot_move_has_to_fit_the_request(struct world *world, const void *argument)
{
    static take *const ways[] = {take_managed, take_array, take_limited_pool};
    struct moving m;
    (void)argument;
    moving_start(&m, world, 128 * MIB);
    CHECK(overhead_becomes(world, CONTEXT_BYTES + 2 * MIB));
    CUdeviceptr borrowed = moving_alloc(600 * MIB);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        CHECK_EQ(ways[i](160 * MIB), CUDA_ERROR_OUT_OF_MEMORY);
        CHECK_EQ(moving_used(&m), 600 * MIB);
    }
    CHECK_EQ(test_agent_refusals(world->agent), sizeof ways / sizeof ways[0]);
    CHECK_EQ(take_managed(108 * MIB), CUDA_SUCCESS);
    CHECK_EQ(moving_movable(&m), 600 * MIB);
    CHECK_EQ(take_array(4 * MIB), CUDA_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(take_managed(4 * MIB), CUDA_ERROR_OUT_OF_MEMORY);
    CUdeviceptr more = moving_alloc(200 * MIB);
    CHECK_EQ(moving_movable(&m), 800 * MIB);
    CHECK_EQ(CU(cuMemFree_v2)(more), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFree_v2)(borrowed), CUDA_SUCCESS);
}

static void small_allocations_stop_at_the_request(struct world *world, const void *argument)
{
    struct moving m;
    CUdeviceptr address;
    uint64_t taken = 0;
    (void)argument;
    moving_start(&m, world, 64 * MIB);
    CHECK(overhead_becomes(world, CONTEXT_BYTES + 2 * MIB));
    while (CU(cuMemAlloc_v2)(&address, 900 << 10) == CUDA_SUCCESS && taken < 1024 * MIB) {
        taken += 900 << 10;
    }
    CHECK(taken > 20 * MIB);
    CHECK(taken <= 64 * MIB - CONTEXT_BYTES - 2 * MIB);
    CHECK_EQ(moving_movable(&m), 0);
    moving_alloc(300 * MIB);
    CHECK_EQ(CU(cuMemAlloc_v2)(&address, 900 << 10), CUDA_ERROR_OUT_OF_MEMORY);
}

static void a_full_device_leaves_nothing_behind(const struct moving *m)
{
    CUdeviceptr address = 0;
    uint64_t truth = truth_bytes(m->world, 0, 0);
    CHECK_EQ(CU(cuMemAlloc_v2)(&address, 700 * MIB), CUDA_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(moving_used(m), 0);
    CHECK_EQ(moving_movable(m), 0);
    CHECK_EQ(truth_bytes(m->world, 0, 0), truth);
    CHECK_EQ(CU(cuMemFree_v2)(moving_alloc(300 * MIB)), CUDA_SUCCESS);
}

static void a_context_takes_its_blocks_with_it(const struct moving *m)
{
    CUcontext second = NULL;
    CUdevice device = 0;
    uint64_t truth = truth_bytes(m->world, 0, 0);
    CHECK_EQ(CU(cuCtxGetDevice)(&device), CUDA_SUCCESS);
    CUdeviceptr kept = moving_alloc(20 * MIB);
    CHECK_EQ(CU(cuCtxCreate_v2)(&second, 0, device), CUDA_SUCCESS);
    moving_alloc(100 * MIB);
    CHECK_EQ(moving_used(m), 120 * MIB);
    CHECK_EQ(CU(cuCtxDestroy_v2)(second), CUDA_SUCCESS);
    CHECK_EQ(moving_used(m), 20 * MIB);
    CHECK_EQ(moving_movable(m), 20 * MIB);
    CHECK_EQ(truth_bytes(m->world, 0, 0) - truth, 20 * MIB);
    CHECK_EQ(CU(cuCtxSetCurrent)(m->context), CUDA_SUCCESS);
    moving_filled(m, kept, 20 * MIB, 3);
    CHECK_EQ(moving_wrong(m, kept, 20 * MIB, 3, NULL), 0);
    CHECK_EQ(CU(cuMemFree_v2)(kept), CUDA_SUCCESS);
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void freeing_waits_for_what_was_submitted(const struct moving *m)
{
    CUdeviceptr block = moving_alloc(10 * MIB);
    CUstream stream = moving_stream();
    uint64_t before = now_ms();
    moving_spin(m, 300000000, stream);
    moving_fill(m, block, 10 * MIB, 1, stream);
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
    CHECK(now_ms() - before >= 300);
    CHECK_EQ(CU(cuStreamSynchronize)(stream), CUDA_SUCCESS);
}

static void a_stream_ordered_free_comes_after_the_stream(const struct moving *m)
{
    CUdeviceptr block = moving_alloc(10 * MIB);
    CUstream stream = moving_stream();
    moving_spin(m, 100000000, stream);
    moving_fill(m, block, 10 * MIB, 1, stream);
    CHECK_EQ(CU(cuMemFreeAsync)(block, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamSynchronize)(stream), CUDA_SUCCESS);
    CHECK_EQ(moving_used(m), 0);
}

static void a_free_during_a_capture_spoils_nothing(const struct moving *m)
{
    CUgraph graph = NULL;
    CUgraphExec exec = NULL;
    CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_RELAXED;
    CUdeviceptr kept = moving_alloc(10 * MIB), freed = moving_alloc(30 * MIB);
    CUstream stream = moving_stream();
    CHECK_EQ(CU(cuThreadExchangeStreamCaptureMode)(&mode), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamBeginCapture_v2)(stream, CU_STREAM_CAPTURE_MODE_RELAXED), CUDA_SUCCESS);
    moving_fill(m, kept, 10 * MIB, 9, stream);
    CHECK_EQ(CU(cuMemFree_v2)(freed), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFree_v2)(freed), CUDA_ERROR_INVALID_VALUE);
    CHECK_EQ(CU(cuStreamEndCapture)(stream, &graph), CUDA_SUCCESS);
    CHECK_EQ(CU(cuGraphInstantiateWithFlags)(&exec, graph, 0), CUDA_SUCCESS);
    CHECK_EQ(CU(cuGraphLaunch)(exec, stream), CUDA_SUCCESS);
    CHECK_EQ(moving_wrong(m, kept, 10 * MIB, 9, stream), 0);
    CHECK_EQ(CU(cuMemFree_v2)(kept), CUDA_SUCCESS);
    CHECK_EQ(moving_used(m), 0);
}

static void a_forked_child_begins_anew(const struct moving *m)
{
    CUdeviceptr block = moving_alloc(100 * MIB);
    moving_filled(m, block, 100 * MIB, 5);
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    pid_t child = fork();
    if (child == 0) {
        CUdeviceptr begin;
        size_t bytes;
        CHECK(CU(cuMemGetAddressRange_v2)(&begin, &bytes, block) != CUDA_SUCCESS);
        CHECK_EQ(moving_used(m), 100 * MIB);
        end_case();
    }
    check_child(child);
    CHECK_EQ(moving_wrong(m, block, 100 * MIB, 5, NULL), 0);
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
}

static void peers_reach_what_the_program_lets_them(struct world *world, const void *argument)
{
    struct moving m;
    CUcontext other = NULL;
    (void)argument;
    test_agent_lend(world->agent, 1, 256 * MIB); /* the current one is the tenant's last */
    moving_start(&m, world, 256 * MIB);
    CUdevice own = moving_device(), peer = moving_peer();
    CUdeviceptr before = moving_alloc(70 * MIB);
    CHECK_EQ(moving_access(peer, before), 0);
    CHECK_EQ(CU(cuDevicePrimaryCtxRetain)(&other, peer), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxSetCurrent)(other), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxEnablePeerAccess)(m.context, 0), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxSetCurrent)(m.context), CUDA_SUCCESS);
    CUdeviceptr after = moving_alloc(70 * MIB);
    CHECK_EQ(moving_access(peer, before + 65 * MIB), CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    CHECK_EQ(moving_access(peer, after + 65 * MIB), CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    CHECK_EQ(CU(cuCtxSetCurrent)(other), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxDisablePeerAccess)(m.context), CUDA_SUCCESS);
    CHECK_EQ(moving_access(peer, before + 65 * MIB), 0);
    CHECK_EQ(moving_access(peer, after), 0);
    CHECK_EQ(moving_access(own, after), CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
}

int main(void)
{
    struct world *world = world_open((struct world_config){.memory_bytes = 4096 * MIB, .limit_bytes = 1024 * MIB});
    RUN(without_leave_to_borrow_memory_stays_plain, world);
    RUN_MOVING(a_block_is_one_allocation_to_the_program, world);
    RUN_MOVING(a_block_has_the_attributes_of_plain_memory, world);
    RUN_MOVING(a_block_has_no_handle_but_for_ipc, world);
    RUN_MOVING(rows_are_pitched_as_the_driver_pitches_them, world);
    RUN(what_cannot_move_has_to_fit_the_request, world);
    RUN(small_allocations_stop_at_the_request, world);
    RUN_MOVING(a_context_takes_its_blocks_with_it, world);
    RUN_MOVING(freeing_waits_for_what_was_submitted, world);
    RUN_MOVING(a_stream_ordered_free_comes_after_the_stream, world);
    RUN_MOVING(a_free_during_a_capture_spoils_nothing, world);
    RUN_MOVING(a_forked_child_begins_anew, world);
    world_close(world);
    world = world_open((struct world_config){.memory_bytes = 512 * MIB, .limit_bytes = 4096 * MIB});
    RUN_MOVING(a_full_device_leaves_nothing_behind, world);
    world_close(world);
    world = world_open((struct world_config){.tenant_devices = 2, .limit_bytes = 1024 * MIB});
    RUN(peers_reach_what_the_program_lets_them, world);
    world_close(world);
    return finish_cases();
}
