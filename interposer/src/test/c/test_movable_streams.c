/*
 * Movable memory in the order of streams: nothing is given up or used again before the stream it was freed on has come that far, whatever
 * moves; and what is charged is exact at each step.
 */
#include "support_pools.h"

#include <unistd.h>

static void an_allocation_moves_with_its_data(const struct moving *m)
{
    uint64_t truth = truth_bytes(m->world, 0, 0);
    CUdeviceptr block = draw(100 * MIB + 1, NULL);
    CHECK_EQ(moving_used(m), 102 * MIB);
    CHECK_EQ(moving_movable(m), 102 * MIB);
    CHECK_EQ(truth_bytes(m->world, 0, 0) - truth, 102 * MIB);
    moving_fill(m, block, 100 * MIB, 7, NULL);
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_demoted, 102 * MIB));
    CHECK_EQ(moving_used(m), 0);
    moving_add(m, block, 100 * MIB, 1, NULL);
    CHECK_EQ(moving_wrong(m, block, 100 * MIB, 8, NULL), 0);
    CHECK_EQ(CU(cuMemFreeAsync)(block, NULL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamSynchronize)(NULL), CUDA_SUCCESS);
    CHECK_EQ(moving_used(m), 0);
    CHECK_EQ(moving_movable(m), 0);
    CHECK_EQ(moving_demoted(m), 0);
    CHECK_EQ(truth_bytes(m->world, 0, 0), truth);
    CHECK(moving_chunks_are_back(m));
}

static void data_stays_right_when_moved_between_use_and_reuse(const struct moving *m)
{
    CUstream stream = moving_stream();
    keep_all(device_pool());
    CUdeviceptr witness = draw(70 * MIB, stream);
    moving_fill(m, witness, 70 * MIB, 3, stream);
    for (uint32_t round = 0; round < 6; round++) {
        CUdeviceptr block = draw(80 * MIB, stream);
        moving_fill(m, block, 80 * MIB, round, stream);
        moving_resident(m, round % 2 == 0 ? 0 : ALQ_RESIDENT_ALL);
        moving_add(m, block, 80 * MIB, 5, stream);
        moving_spin(m, 20000000, stream);
        moving_add(m, block, 80 * MIB, 5, stream);
        CHECK_EQ(moving_wrong(m, block, 80 * MIB, round + 10, stream), 0);
        moving_add(m, block, 80 * MIB, 5, stream);
        CHECK_EQ(CU(cuMemFreeAsync)(block, stream), CUDA_SUCCESS);
    }
    CHECK_EQ(moving_wrong(m, witness, 70 * MIB, 3, stream), 0);
    CHECK_EQ(CU(cuMemFreeAsync)(witness, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamSynchronize)(stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemPoolTrimTo)(device_pool(), 0), CUDA_SUCCESS);
    CHECK(moving_becomes(m, moving_used, 0)); /* the mover may have been about to bring some back, and have charged it */
    CHECK_EQ(moving_demoted(m), 0);
    CHECK_EQ(moving_movable(m), 0);
    CHECK(moving_chunks_are_back(m));
}

static void a_free_neither_waits_nor_overtakes(const struct moving *m)
{
    uint64_t truth = truth_bytes(m->world, 0, 0);
    CUstream stream = moving_stream(), idle = moving_stream();
    CUdeviceptr drawn = draw(10 * MIB, stream), plain = moving_alloc(20 * MIB);
    moving_spin(m, SPIN_NS, stream);
    moving_fill(m, drawn, 10 * MIB, 1, stream);
    moving_fill(m, plain, 20 * MIB, 1, stream);
    CHECK_EQ(CU(cuMemFreeAsync)(drawn, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFreeAsync)(plain, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamQuery)(stream), CUDA_ERROR_NOT_READY);
    CHECK_EQ(CU(cuStreamSynchronize)(idle), CUDA_SUCCESS);
    CHECK_EQ(moving_used(m), 30 * MIB);
    CHECK_EQ(truth_bytes(m->world, 0, 0) - truth, 30 * MIB);
    CHECK_EQ(CU(cuStreamSynchronize)(stream), CUDA_SUCCESS);
    CHECK_EQ(moving_used(m), 0);
    CHECK_EQ(moving_movable(m), 0);
    CHECK_EQ(truth_bytes(m->world, 0, 0), truth);
}

/* Freed on a stream that has still to come to it, behind a kernel that writes to it. */
static CUdeviceptr freed_behind_a_kernel(const struct moving *m, uint64_t bytes, CUstream stream)
{
    CUdeviceptr block = draw(bytes, stream);
    moving_spin(m, SPIN_NS, stream);
    moving_fill(m, block, 10 * MIB, 4, stream);
    CHECK_EQ(CU(cuMemFreeAsync)(block, stream), CUDA_SUCCESS);
    return block;
}

static void the_same_stream_has_it_again_at_once(const struct moving *m)
{
    CUstream stream = moving_stream();
    CUdeviceptr block = freed_behind_a_kernel(m, 10 * MIB, stream);
    CHECK_EQ(draw(10 * MIB - 5, stream), block);
    CHECK_EQ(moving_used(m), 10 * MIB);
    CHECK_EQ(CU(cuStreamQuery)(stream), CUDA_ERROR_NOT_READY);
    CHECK(draw(10 * MIB, stream) != block);
    CHECK_EQ(moving_used(m), 20 * MIB);
    /* a thread's own default stream is the same whichever way it is named */
    CUdeviceptr own = 0, again = 0;
    CHECK_EQ(CU(cuMemAllocAsync_ptsz)(&own, 30 * MIB, NULL), CUDA_SUCCESS);
    moving_spin(m, SPIN_NS, CU_STREAM_PER_THREAD);
    CHECK_EQ(CU(cuMemFreeAsync_ptsz)(own, NULL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemAllocAsync)(&again, 30 * MIB, CU_STREAM_PER_THREAD), CUDA_SUCCESS);
    CHECK_EQ(again, own);
}

static void another_stream_has_it_once_the_first_is_done(const struct moving *m)
{
    CUstream one = moving_stream(), other = moving_stream();
    keep_all(device_pool());
    CUdeviceptr block = freed_behind_a_kernel(m, 10 * MIB, one);
    CUdeviceptr fresh = draw(10 * MIB, other);
    CHECK(fresh != block);
    moving_fill(m, fresh, 10 * MIB, 5, other);
    CHECK_EQ(CU(cuStreamSynchronize)(other), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamQuery)(one), CUDA_ERROR_NOT_READY);
    CHECK_EQ(CU(cuStreamSynchronize)(one), CUDA_SUCCESS);
    CHECK_EQ(moving_used(m), 20 * MIB);
    moving_credit(m, 100 * MIB);
    set_attribute(device_pool(), CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC, 0);
    CHECK(draw(10 * MIB, other) != block);
    set_attribute(device_pool(), CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC, 1);
    CHECK_EQ(draw(10 * MIB, other), block);
    CHECK_EQ(moving_wrong(m, fresh, 10 * MIB, 5, other), 0);
}

static void a_stream_of_the_same_name_is_another_stream(const struct moving *m)
{
    CUstream stream = moving_stream();
    CUdeviceptr block = freed_behind_a_kernel(m, 10 * MIB, stream);
    CHECK_EQ(CU(cuStreamDestroy_v2)(stream), CUDA_SUCCESS);
    for (int i = 0; i < 4; i++) {
        CHECK(draw(10 * MIB, moving_stream()) != block);
    }
}

static void where_memory_is_short_a_stream_waits_for_what_another_freed(const struct moving *m)
{
    CUstream one = moving_stream(), other = moving_stream();
    CUdeviceptr block = freed_behind_a_kernel(m, 600 * MIB, one);
    CHECK_EQ(draw(600 * MIB, other), block);
    CHECK_EQ(CU(cuStreamQuery)(one), CUDA_ERROR_NOT_READY);
    CHECK_EQ(CU(cuStreamQuery)(other), CUDA_ERROR_NOT_READY);
    moving_add(m, block, 10 * MIB, 2, other);
    CHECK_EQ(moving_wrong(m, block, 10 * MIB, 6, other), 0);
    CHECK_EQ(moving_used(m), 600 * MIB);
    /* where that is not allowed, or the size is another, the caller waits */
    set_attribute(device_pool(), CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES, 0);
    moving_spin(m, SPIN_NS / 4, other);
    CHECK_EQ(CU(cuMemFreeAsync)(block, other), CUDA_SUCCESS);
    block = draw(600 * MIB, one);
    CHECK_EQ(CU(cuStreamQuery)(other), CUDA_SUCCESS);
    moving_spin(m, SPIN_NS / 4, one);
    CHECK_EQ(CU(cuMemFreeAsync)(block, one), CUDA_SUCCESS);
    CUdeviceptr plain = moving_alloc(800 * MIB);
    CHECK_EQ(CU(cuStreamQuery)(one), CUDA_SUCCESS);
    CHECK_EQ(moving_used(m), 800 * MIB);
    CHECK_EQ(moving_movable(m), 800 * MIB);
    CHECK_EQ(test_agent_refusals(m->world->agent), 0);
    CHECK_EQ(CU(cuMemAllocAsync)(&block, 600 * MIB, one), CUDA_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(test_agent_refusals(m->world->agent), 1);
    CHECK_EQ(CU(cuMemFree_v2)(plain), CUDA_SUCCESS);
    CHECK_EQ(moving_used(m), 0);
}

static void captures_are_neither_spoiled_nor_changed(const struct moving *m)
{
    CUgraph first = NULL, graph = NULL;
    CUgraphExec exec = NULL;
    CUdeviceptr inside = 0;
    CUstream captured = moving_stream(), one = moving_stream(), other = moving_stream();
    CUdeviceptr kept = draw(10 * MIB, one), live = draw(20 * MIB, one), freed = draw(30 * MIB, one);
    moving_spin(m, SPIN_NS / 4, one);
    CHECK_EQ(CU(cuMemFreeAsync)(freed, one), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamBeginCapture_v2)(captured, CU_STREAM_CAPTURE_MODE_GLOBAL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemAllocAsync)(&inside, 10 * MIB, captured), CUDA_SUCCESS);
    CHECK_EQ(moving_movable(m), 70 * MIB);
    moving_fill(m, inside, 10 * MIB, 3, captured);
    CHECK_EQ(CU(cuMemFreeAsync)(inside, captured), CUDA_SUCCESS);
    /* beside it the others go on */
    CHECK_EQ(CU(cuMemFreeAsync)(kept, one), CUDA_SUCCESS);
    CHECK_EQ(draw(30 * MIB, one), freed);
    CUdeviceptr fresh = draw(10 * MIB, other);
    CHECK(fresh != kept);
    CHECK_EQ(CU(cuMemFreeAsync)(fresh, other), CUDA_SUCCESS);
    CHECK_EQ(draw(10 * MIB, other), fresh);
    CHECK_EQ(CU(cuStreamEndCapture)(captured, &first), CUDA_SUCCESS);
    CHECK_EQ(CU(cuGraphInstantiateWithFlags)(&exec, first, 0), CUDA_SUCCESS);
    CHECK_EQ(CU(cuGraphLaunch)(exec, captured), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamSynchronize)(captured), CUDA_SUCCESS);
    /* what is not a graph's cannot be freed in one */
    CHECK_EQ(CU(cuStreamBeginCapture_v2)(captured, CU_STREAM_CAPTURE_MODE_RELAXED), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFreeAsync)(live, captured), CUDA_ERROR_INVALID_VALUE);
    /* and nothing is unmapped while one is made */
    uint64_t movable = moving_movable(m);
    CHECK_EQ(CU(cuMemFreeAsync)(live, one), CUDA_SUCCESS);
    while (CU(cuStreamQuery)(one) == CUDA_ERROR_NOT_READY) {
        usleep(1000);
    }
    CHECK_EQ(CU(cuMemPoolTrimTo)(device_pool(), 0), CUDA_SUCCESS);
    CHECK_EQ(moving_movable(m), movable);
    CU(cuStreamEndCapture)(captured, &graph);
    CHECK_EQ(CU(cuGraphExecDestroy)(exec), CUDA_SUCCESS);
    CHECK_EQ(CU(cuGraphDestroy)(first), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFreeAsync)(freed, one), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFreeAsync)(fresh, other), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    CHECK_EQ(moving_movable(m), 0);
}

static void a_free_on_a_stream_that_may_not_submit_frees_nothing(const struct moving *m)
{
    CUstream captured = NULL;
    CUgraph graph = NULL;
    CUdeviceptr block = draw(10 * MIB, NULL), refused = 0;
    CHECK_EQ(CU(cuStreamCreate)(&captured, CU_STREAM_DEFAULT), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamBeginCapture_v2)(captured, CU_STREAM_CAPTURE_MODE_GLOBAL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFreeAsync)(block, NULL), CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
    CU(cuStreamEndCapture)(captured, &graph);
    CHECK_EQ(CU(cuStreamBeginCapture_v2)(captured, CU_STREAM_CAPTURE_MODE_GLOBAL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemAllocAsync)(&refused, 10 * MIB, NULL), CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
    CU(cuStreamEndCapture)(captured, &graph);
    CHECK_EQ(moving_used(m), 10 * MIB);
    moving_fill(m, block, 10 * MIB, 4, NULL);
    CHECK_EQ(moving_wrong(m, block, 10 * MIB, 4, NULL), 0);
    CHECK_EQ(CU(cuMemFreeAsync)(block, NULL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    CHECK_EQ(moving_used(m), 0);
}

static uint64_t movable_of_both(const struct moving *m)
{
    return moving_movable(m) + __atomic_load_n(&m->world->agent->usage->slots[m->slot].movable_bytes[1], __ATOMIC_SEQ_CST);
}

static void a_stream_of_another_device_may_free(struct world *world, const void *argument)
{
    struct moving m;
    CUcontext other = NULL;
    (void)argument;
    test_agent_lend(world->agent, 1, 256 * MIB);
    moving_start(&m, world, 256 * MIB);
    CUdevice peer = moving_peer();
    CUmemoryPool pool = device_pool();
    CUdeviceptr block = draw(20 * MIB, NULL);
    CHECK_EQ(movable_of_both(&m), 20 * MIB);
    CHECK_EQ(CU(cuDevicePrimaryCtxRetain)(&other, peer), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxSetCurrent)(other), CUDA_SUCCESS);
    CUstream stream = moving_stream();
    CHECK_EQ(CU(cuCtxSetCurrent)(m.context), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFreeAsync)(block, stream), CUDA_SUCCESS);
    CHECK_EQ(draw_from(pool, 20 * MIB, NULL), block);
    CHECK_EQ(CU(cuMemFreeAsync)(block, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuDevicePrimaryCtxReset_v2)(peer), CUDA_SUCCESS);
    CHECK_EQ(movable_of_both(&m), 0);
}

int main(void)
{
    struct world *world = world_open((struct world_config){.memory_bytes = 4096 * MIB, .limit_bytes = 1024 * MIB});
    RUN_MOVING(an_allocation_moves_with_its_data, world);
    RUN_MOVING(data_stays_right_when_moved_between_use_and_reuse, world);
    RUN_MOVING(a_free_neither_waits_nor_overtakes, world);
    RUN_MOVING(the_same_stream_has_it_again_at_once, world);
    RUN_MOVING(another_stream_has_it_once_the_first_is_done, world);
    RUN_MOVING(a_stream_of_the_same_name_is_another_stream, world);
    RUN_MOVING(where_memory_is_short_a_stream_waits_for_what_another_freed, world);
    RUN_MOVING(captures_are_neither_spoiled_nor_changed, world);
    RUN_MOVING(a_free_on_a_stream_that_may_not_submit_frees_nothing, world);
    world_close(world);
    world = world_open((struct world_config){.tenant_devices = 2, .limit_bytes = 1024 * MIB});
    RUN(a_stream_of_another_device_may_free, world);
    world_close(world);
    return finish_cases();
}
