/*
 * Movable memory in the order of streams: what a program can see of its pools is as the driver's, whatever moves; nothing is given up or
 * used again before the stream it was freed on has come that far; and what is charged is exact at each step.
 */
#include "support_moving.h"

#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONTEXT_BYTES (16 * MIB)
#define SPIN_NS 1000000000ull

static CUdeviceptr draw(uint64_t bytes, CUstream stream)
{
    CUdeviceptr address = 0;
    CHECK_EQ(CU(cuMemAllocAsync)(&address, bytes, stream), CUDA_SUCCESS);
    return address;
}

static CUstream new_stream(void)
{
    CUstream stream = NULL;
    CHECK_EQ(CU(cuStreamCreate)(&stream, CU_STREAM_NON_BLOCKING), CUDA_SUCCESS);
    return stream;
}

static CUmemoryPool device_pool(void)
{
    CUdevice device = -1;
    CUmemoryPool pool = NULL;
    CHECK_EQ(CU(cuCtxGetDevice)(&device), CUDA_SUCCESS);
    CHECK_EQ(CU(cuDeviceGetDefaultMemPool)(&pool, device), CUDA_SUCCESS);
    return pool;
}

static CUmemoryPool new_pool(CUmemPoolProps properties)
{
    CUmemoryPool pool = NULL;
    CUdevice device = -1;
    CHECK_EQ(CU(cuCtxGetDevice)(&device), CUDA_SUCCESS);
    properties.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
    properties.location = (CUmemLocation){CU_MEM_LOCATION_TYPE_DEVICE, device};
    CHECK_EQ(CU(cuMemPoolCreate)(&pool, &properties), CUDA_SUCCESS);
    return pool;
}

static uint64_t attribute(CUmemoryPool pool, CUmemPool_attribute which)
{
    cuuint64_t value = 0;
    CHECK_EQ(CU(cuMemPoolGetAttribute)(pool, which, &value), CUDA_SUCCESS);
    return value;
}

static void set_attribute(CUmemoryPool pool, CUmemPool_attribute which, cuuint64_t value)
{
    CHECK_EQ(CU(cuMemPoolSetAttribute)(pool, which, &value), CUDA_SUCCESS);
}

static void keep_all(CUmemoryPool pool)
{
    set_attribute(pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, UINT64_MAX);
}

static void an_allocation_moves_with_its_data(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    uint64_t truth = truth_bytes(world, 0, 0);
    CUdeviceptr block = draw(100 * MIB + 1, NULL);
    CHECK_EQ(moving_used(&m), 102 * MIB);
    CHECK_EQ(moving_movable(&m), 102 * MIB);
    CHECK_EQ(truth_bytes(world, 0, 0) - truth, 102 * MIB);
    moving_fill(&m, block, 100 * MIB, 7, NULL);
    moving_resident(&m, 0);
    CHECK(moving_becomes(&m, moving_demoted, 102 * MIB));
    CHECK_EQ(moving_used(&m), 0);
    moving_add(&m, block, 100 * MIB, 1, NULL);
    CHECK_EQ(moving_wrong(&m, block, 100 * MIB, 8, NULL), 0);
    CHECK_EQ(CU(cuMemFreeAsync)(block, NULL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamSynchronize)(NULL), CUDA_SUCCESS);
    CHECK_EQ(moving_used(&m), 0);
    CHECK_EQ(moving_movable(&m), 0);
    CHECK_EQ(moving_demoted(&m), 0);
    CHECK_EQ(truth_bytes(world, 0, 0), truth);
    CHECK(moving_chunks_are_back(&m));
}

static void data_stays_right_when_moved_between_use_and_reuse(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    CUstream stream = new_stream();
    keep_all(device_pool());
    CUdeviceptr witness = draw(70 * MIB, stream);
    moving_fill(&m, witness, 70 * MIB, 3, stream);
    for (uint32_t round = 0; round < 6; round++) {
        CUdeviceptr block = draw(80 * MIB, stream);
        moving_fill(&m, block, 80 * MIB, round, stream);
        moving_resident(&m, round % 2 == 0 ? 0 : ALQ_RESIDENT_ALL);
        moving_add(&m, block, 80 * MIB, 5, stream);
        moving_spin(&m, 20000000, stream);
        moving_add(&m, block, 80 * MIB, 5, stream);
        CHECK_EQ(moving_wrong(&m, block, 80 * MIB, round + 10, stream), 0);
        moving_add(&m, block, 80 * MIB, 5, stream);
        CHECK_EQ(CU(cuMemFreeAsync)(block, stream), CUDA_SUCCESS);
    }
    CHECK_EQ(moving_wrong(&m, witness, 70 * MIB, 3, stream), 0);
    CHECK_EQ(CU(cuMemFreeAsync)(witness, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamSynchronize)(stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemPoolTrimTo)(device_pool(), 0), CUDA_SUCCESS);
    CHECK_EQ(moving_used(&m) + moving_demoted(&m), 0);
    CHECK_EQ(moving_movable(&m), 0);
    CHECK(moving_chunks_are_back(&m));
}

static void a_free_neither_waits_nor_overtakes(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    uint64_t truth = truth_bytes(world, 0, 0);
    CUstream stream = new_stream(), idle = new_stream();
    CUdeviceptr drawn = draw(10 * MIB, stream), plain = moving_alloc(20 * MIB);
    moving_spin(&m, SPIN_NS, stream);
    moving_fill(&m, drawn, 10 * MIB, 1, stream);
    moving_fill(&m, plain, 20 * MIB, 1, stream);
    CHECK_EQ(CU(cuMemFreeAsync)(drawn, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFreeAsync)(plain, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamQuery)(stream), CUDA_ERROR_NOT_READY);
    CHECK_EQ(CU(cuStreamSynchronize)(idle), CUDA_SUCCESS);
    CHECK_EQ(moving_used(&m), 30 * MIB);
    CHECK_EQ(truth_bytes(world, 0, 0) - truth, 30 * MIB);
    CHECK_EQ(CU(cuStreamSynchronize)(stream), CUDA_SUCCESS);
    CHECK_EQ(moving_used(&m), 0);
    CHECK_EQ(moving_movable(&m), 0);
    CHECK_EQ(truth_bytes(world, 0, 0), truth);
}

static void the_same_stream_has_it_again_at_once(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    CUstream stream = new_stream();
    CUdeviceptr block = draw(10 * MIB, stream);
    moving_spin(&m, SPIN_NS, stream);
    CHECK_EQ(CU(cuMemFreeAsync)(block, stream), CUDA_SUCCESS);
    CHECK_EQ(draw(10 * MIB - 5, stream), block);
    CHECK_EQ(moving_used(&m), 10 * MIB);
    CHECK_EQ(CU(cuStreamQuery)(stream), CUDA_ERROR_NOT_READY);
    CHECK(draw(10 * MIB, stream) != block);
    CHECK_EQ(moving_used(&m), 20 * MIB);
    /* a thread's own default stream is the same whichever way it is named */
    CUdeviceptr own = 0, again = 0;
    CHECK_EQ(CU(cuMemAllocAsync_ptsz)(&own, 30 * MIB, NULL), CUDA_SUCCESS);
    moving_spin(&m, SPIN_NS, CU_STREAM_PER_THREAD);
    CHECK_EQ(CU(cuMemFreeAsync_ptsz)(own, NULL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemAllocAsync)(&again, 30 * MIB, CU_STREAM_PER_THREAD), CUDA_SUCCESS);
    CHECK_EQ(again, own);
}

static void another_stream_has_it_once_the_first_is_done(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    CUstream one = new_stream(), other = new_stream();
    keep_all(device_pool());
    CUdeviceptr block = draw(10 * MIB, one);
    moving_spin(&m, SPIN_NS, one);
    moving_fill(&m, block, 10 * MIB, 4, one);
    CHECK_EQ(CU(cuMemFreeAsync)(block, one), CUDA_SUCCESS);
    CUdeviceptr fresh = draw(10 * MIB, other);
    CHECK(fresh != block);
    moving_fill(&m, fresh, 10 * MIB, 5, other);
    CHECK_EQ(CU(cuStreamSynchronize)(other), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamQuery)(one), CUDA_ERROR_NOT_READY);
    CHECK_EQ(CU(cuStreamSynchronize)(one), CUDA_SUCCESS);
    CHECK_EQ(moving_used(&m), 20 * MIB);
    moving_credit(&m, 100 * MIB);
    set_attribute(device_pool(), CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC, 0);
    CHECK(draw(10 * MIB, other) != block);
    set_attribute(device_pool(), CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC, 1);
    CHECK_EQ(draw(10 * MIB, other), block);
    CHECK_EQ(moving_wrong(&m, fresh, 10 * MIB, 5, other), 0);
}

static void a_stream_of_the_same_name_is_another_stream(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    CUstream stream = new_stream();
    CUdeviceptr block = draw(10 * MIB, stream);
    moving_spin(&m, SPIN_NS, stream);
    CHECK_EQ(CU(cuMemFreeAsync)(block, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamDestroy_v2)(stream), CUDA_SUCCESS);
    for (int i = 0; i < 4; i++) {
        CHECK(draw(10 * MIB, new_stream()) != block);
    }
}

static void where_memory_is_short_a_stream_waits_for_what_another_freed(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    CUstream one = new_stream(), other = new_stream();
    CUdeviceptr block = draw(600 * MIB, one);
    moving_spin(&m, SPIN_NS, one);
    moving_fill(&m, block, 10 * MIB, 4, one);
    CHECK_EQ(CU(cuMemFreeAsync)(block, one), CUDA_SUCCESS);
    CHECK_EQ(draw(600 * MIB, other), block);
    CHECK_EQ(CU(cuStreamQuery)(one), CUDA_ERROR_NOT_READY);
    CHECK_EQ(CU(cuStreamQuery)(other), CUDA_ERROR_NOT_READY);
    moving_add(&m, block, 10 * MIB, 2, other);
    CHECK_EQ(moving_wrong(&m, block, 10 * MIB, 6, other), 0);
    CHECK_EQ(moving_used(&m), 600 * MIB);
    /* where that is not allowed, or the size is another, the caller waits */
    set_attribute(device_pool(), CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES, 0);
    moving_spin(&m, SPIN_NS / 4, other);
    CHECK_EQ(CU(cuMemFreeAsync)(block, other), CUDA_SUCCESS);
    block = draw(600 * MIB, one);
    CHECK_EQ(CU(cuStreamQuery)(other), CUDA_SUCCESS);
    moving_spin(&m, SPIN_NS / 4, one);
    CHECK_EQ(CU(cuMemFreeAsync)(block, one), CUDA_SUCCESS);
    CUdeviceptr plain = moving_alloc(800 * MIB);
    CHECK_EQ(CU(cuStreamQuery)(one), CUDA_SUCCESS);
    CHECK_EQ(moving_used(&m), 800 * MIB);
    CHECK_EQ(moving_movable(&m), 800 * MIB);
    CHECK_EQ(test_agent_refusals(world->agent), 0);
    CHECK_EQ(CU(cuMemAllocAsync)(&block, 600 * MIB, one), CUDA_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(test_agent_refusals(world->agent), 1);
    CHECK_EQ(CU(cuMemFree_v2)(plain), CUDA_SUCCESS);
    CHECK_EQ(moving_used(&m), 0);
}

static void a_full_device_gives_up_what_is_kept(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    keep_all(device_pool());
    CUdeviceptr block = draw(300 * MIB, NULL);
    CHECK_EQ(CU(cuMemFreeAsync)(block, NULL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    CHECK_EQ(moving_used(&m), 300 * MIB);
    moving_alloc(400 * MIB);
    CHECK_EQ(moving_used(&m), 400 * MIB);
    CHECK_EQ(CU(cuMemAllocAsync)(&block, 300 * MIB, NULL), CUDA_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(moving_used(&m), 400 * MIB);
    CHECK_EQ(moving_movable(&m), 400 * MIB);
}

static void pools_keep_and_count_as_their_attributes_say(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    CUmemoryPool pool = new_pool((CUmemPoolProps){0});
    CUdeviceptr block[3];
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(CU(cuMemAllocFromPoolAsync)(&block[i], 9 * MIB, pool, NULL), CUDA_SUCCESS);
    }
    CHECK_EQ(attribute(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT), 30 * MIB);
    CHECK_EQ(attribute(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT), 27 * MIB);
    set_attribute(pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, 15 * MIB);
    CHECK_EQ(CU(cuMemFreeAsync)(block[0], NULL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFreeAsync)(block[1], NULL), CUDA_SUCCESS);
    CHECK_EQ(attribute(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT), 30 * MIB);
    CHECK_EQ(attribute(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT), 9 * MIB);
    CHECK_EQ(moving_used(&m), 30 * MIB);
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    CHECK_EQ(attribute(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT), 10 * MIB);
    CHECK_EQ(moving_used(&m), 10 * MIB);
    CHECK_EQ(attribute(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH), 30 * MIB);
    CHECK_EQ(attribute(pool, CU_MEMPOOL_ATTR_USED_MEM_HIGH), 27 * MIB);
    set_attribute(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH, 0);
    set_attribute(pool, CU_MEMPOOL_ATTR_USED_MEM_HIGH, 0);
    CHECK_EQ(attribute(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH), 10 * MIB);
    CHECK_EQ(attribute(pool, CU_MEMPOOL_ATTR_USED_MEM_HIGH), 9 * MIB);
    /* beside what the driver's own pool holds */
    CUdeviceptr small;
    CHECK_EQ(CU(cuMemAllocFromPoolAsync)(&small, MIB / 2, pool, NULL), CUDA_SUCCESS);
    CHECK_EQ(attribute(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT), 42 * MIB);
    CHECK_EQ(attribute(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT), 9 * MIB + MIB / 2);
    CHECK_EQ(attribute(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH), 42 * MIB);
    CHECK_EQ(moving_used(&m), 42 * MIB);
    CHECK_EQ(moving_movable(&m), 10 * MIB);
    keep_all(pool);
    CHECK_EQ(CU(cuMemFreeAsync)(small, NULL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemPoolTrimTo)(pool, 41 * MIB), CUDA_SUCCESS);
    CHECK_EQ(attribute(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT), 10 * MIB);
    CHECK_EQ(moving_used(&m), 10 * MIB);
    CHECK_EQ(CU(cuMemAllocFromPoolAsync)(&small, MIB / 2, pool, NULL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFreeAsync)(small, NULL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFreeAsync)(block[2], NULL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    CHECK_EQ(moving_used(&m), 42 * MIB);
    CHECK_EQ(CU(cuMemPoolTrimTo)(pool, 35 * MIB), CUDA_SUCCESS);
    CHECK_EQ(attribute(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT), 32 * MIB);
    CHECK_EQ(CU(cuMemPoolTrimTo)(pool, 0), CUDA_SUCCESS);
    CHECK_EQ(attribute(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT), 0);
    CHECK_EQ(moving_used(&m), 0);
}

static void what_a_pool_was_made_for_stays_with_the_driver(struct world *world, const void *argument)
{
    struct moving m;
    CUdeviceptr address;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    CUmemoryPool pools[] = {new_pool((CUmemPoolProps){.handleTypes = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR}),
        new_pool((CUmemPoolProps){.maxSize = 64 * MIB})};
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(CU(cuMemAllocFromPoolAsync)(&address, 10 * MIB, pools[i], NULL), CUDA_SUCCESS);
        CHECK_EQ(moving_movable(&m), 0);
        CHECK_EQ(CU(cuMemFreeAsync)(address, NULL), CUDA_SUCCESS);
    }
    CHECK_EQ(CU(cuMemAllocAsync)(&address, MIB - 1, NULL), CUDA_SUCCESS);
    CHECK_EQ(moving_movable(&m), 0);
}

static void a_pool_that_is_gone_leaves_its_memory(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    CUmemoryPool pool = new_pool((CUmemPoolProps){0}), found = NULL;
    CUstream stream = new_stream();
    CUdeviceptr block = 0, freed = 0;
    keep_all(pool);
    CHECK_EQ(CU(cuMemAllocFromPoolAsync)(&block, 10 * MIB, pool, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemAllocFromPoolAsync)(&freed, 20 * MIB, pool, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuPointerGetAttribute)(&found, CU_POINTER_ATTRIBUTE_MEMPOOL_HANDLE, block + MIB), CUDA_SUCCESS);
    CHECK(found == pool);
    CHECK_EQ(CU(cuMemFreeAsync)(freed, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamSynchronize)(stream), CUDA_SUCCESS);
    CHECK_EQ(moving_used(&m), 30 * MIB);
    CHECK_EQ(CU(cuMemPoolDestroy)(pool), CUDA_SUCCESS);
    CHECK_EQ(moving_used(&m), 10 * MIB);
    moving_fill(&m, block, 10 * MIB, 2, stream);
    CHECK_EQ(moving_wrong(&m, block, 10 * MIB, 2, stream), 0);
    CHECK_EQ(CU(cuMemFreeAsync)(block, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamSynchronize)(stream), CUDA_SUCCESS);
    CHECK_EQ(moving_used(&m), 0);
}

static void errors_are_the_drivers(struct world *world, const void *argument)
{
    struct moving m;
    CUdeviceptr address = 0;
    CUdeviceptr begin;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    CUstream gone = (CUstream)&m;
    CHECK_EQ(CU(cuMemAllocAsync)(NULL, 10 * MIB, NULL), BARE(cuMemAllocAsync)(NULL, 10 * MIB, NULL));
    CHECK_EQ(CU(cuMemAllocAsync)(&address, 0, NULL), BARE(cuMemAllocAsync)(&address, 0, NULL));
    CHECK_EQ(CU(cuMemAllocAsync)(&address, 10 * MIB, gone), BARE(cuMemAllocAsync)(&address, 10 * MIB, gone));
    CHECK_EQ(CU(cuMemAllocFromPoolAsync)(&address, 10 * MIB, (CUmemoryPool)&m, NULL),
        BARE(cuMemAllocFromPoolAsync)(&address, 10 * MIB, (CUmemoryPool)&m, NULL));
    CHECK_EQ(CU(cuMemFreeAsync)(0, NULL), BARE(cuMemFreeAsync)(0, NULL));
    CUdeviceptr block = draw(10 * MIB, NULL);
    CHECK_EQ(CU(cuMemFreeAsync)(block, gone), BARE(cuMemFreeAsync)(block, gone));
    CHECK_EQ(CU(cuMemFreeAsync)(block + 2 * MIB, NULL), CUDA_ERROR_INVALID_VALUE);
    CHECK_EQ(CU(cuMemFreeAsync)((CUdeviceptr)(uintptr_t)&m, NULL), BARE(cuMemFreeAsync)((CUdeviceptr)(uintptr_t)&m, NULL));
    CHECK_EQ(moving_used(&m), 10 * MIB);
    CHECK_EQ(CU(cuMemFreeAsync)(block, NULL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFreeAsync)(block, NULL), CUDA_ERROR_INVALID_VALUE);
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_ERROR_INVALID_VALUE);
    CHECK_EQ(CU(cuMemGetAddressRange_v2)(&begin, NULL, draw(4 * MIB, NULL) + MIB), CUDA_SUCCESS);
    /* freed in the ordinary way: once everything has ended */
    CUstream stream = new_stream();
    block = draw(20 * MIB, stream);
    moving_spin(&m, SPIN_NS / 4, stream);
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamQuery)(stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_ERROR_INVALID_VALUE);
}

static void the_agent_has_what_is_kept_first(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    keep_all(device_pool());
    CUdeviceptr live = draw(100 * MIB, NULL), freed = draw(128 * MIB, NULL);
    moving_fill(&m, live, 100 * MIB, 9, NULL);
    CHECK_EQ(CU(cuMemFreeAsync)(freed, NULL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    CHECK_EQ(moving_used(&m), 228 * MIB);
    moving_resident(&m, 100 * MIB);
    CHECK(moving_becomes(&m, moving_used, 100 * MIB));
    CHECK_EQ(moving_demoted(&m), 0);
    CHECK_EQ(moving_movable(&m), 100 * MIB);
    CHECK_EQ(moving_wrong(&m, live, 100 * MIB, 9, NULL), 0);
    CHECK(moving_chunks_are_back(&m));
}

static void what_is_kept_and_in_use_moves_like_any_other(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    CUstream stream = new_stream();
    CUdeviceptr block = draw(100 * MIB, stream);
    keep_all(device_pool());
    moving_fill(&m, block, 100 * MIB, 1, stream);
    moving_spin(&m, SPIN_NS / 2, stream);
    CHECK_EQ(CU(cuMemFreeAsync)(block, stream), CUDA_SUCCESS);
    moving_resident(&m, 0);
    CHECK(moving_becomes(&m, moving_used, 0));
    CUdeviceptr again = draw(100 * MIB, stream);
    moving_fill(&m, again, 100 * MIB, 6, stream);
    CHECK_EQ(moving_wrong(&m, again, 100 * MIB, 6, stream), 0);
    moving_resident(&m, ALQ_RESIDENT_ALL);
    CHECK(moving_becomes(&m, moving_demoted, 0));
    CHECK_EQ(moving_used(&m), 100 * MIB);
    CHECK_EQ(moving_wrong(&m, again, 100 * MIB, 6, stream), 0);
    CHECK_EQ(CU(cuMemFreeAsync)(again, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamSynchronize)(stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemPoolTrimTo)(device_pool(), 0), CUDA_SUCCESS);
    CHECK_EQ(moving_used(&m), 0);
    CHECK(moving_chunks_are_back(&m));
}

static void captures_are_neither_spoiled_nor_changed(struct world *world, const void *argument)
{
    struct moving m;
    CUgraph graph = NULL;
    CUgraphExec exec = NULL;
    CUdeviceptr inside = 0;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    CUstream captured = new_stream(), one = new_stream(), other = new_stream();
    CUdeviceptr kept = draw(10 * MIB, one), live = draw(20 * MIB, one), freed = draw(30 * MIB, one);
    moving_spin(&m, SPIN_NS / 4, one);
    CHECK_EQ(CU(cuMemFreeAsync)(freed, one), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamBeginCapture_v2)(captured, CU_STREAM_CAPTURE_MODE_GLOBAL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemAllocAsync)(&inside, 10 * MIB, captured), CUDA_SUCCESS);
    CHECK_EQ(moving_movable(&m), 60 * MIB);
    moving_fill(&m, inside, 10 * MIB, 3, captured);
    CHECK_EQ(CU(cuMemFreeAsync)(inside, captured), CUDA_SUCCESS);
    /* beside it the others go on */
    CHECK_EQ(CU(cuMemFreeAsync)(kept, one), CUDA_SUCCESS);
    CHECK_EQ(draw(30 * MIB, one), freed);
    CUdeviceptr fresh = draw(10 * MIB, other);
    CHECK(fresh != kept);
    CHECK_EQ(CU(cuMemFreeAsync)(fresh, other), CUDA_SUCCESS);
    CHECK_EQ(draw(10 * MIB, other), fresh);
    CHECK_EQ(CU(cuStreamEndCapture)(captured, &graph), CUDA_SUCCESS);
    CHECK_EQ(CU(cuGraphInstantiateWithFlags)(&exec, graph, 0), CUDA_SUCCESS);
    CHECK_EQ(CU(cuGraphLaunch)(exec, captured), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamSynchronize)(captured), CUDA_SUCCESS);
    /* what is not a graph's cannot be freed in one */
    CHECK_EQ(CU(cuStreamBeginCapture_v2)(captured, CU_STREAM_CAPTURE_MODE_RELAXED), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFreeAsync)(live, captured), CUDA_ERROR_INVALID_VALUE);
    /* and nothing is unmapped while one is made */
    uint64_t movable = moving_movable(&m);
    CHECK_EQ(CU(cuMemFreeAsync)(live, one), CUDA_SUCCESS);
    while (CU(cuStreamQuery)(one) == CUDA_ERROR_NOT_READY) {
        usleep(1000);
    }
    CHECK_EQ(CU(cuMemPoolTrimTo)(device_pool(), 0), CUDA_SUCCESS);
    CHECK_EQ(moving_movable(&m), movable);
    CU(cuStreamEndCapture)(captured, &graph);
    CHECK_EQ(CU(cuMemFreeAsync)(freed, one), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFreeAsync)(fresh, other), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    CHECK_EQ(moving_movable(&m), 0);
}

static void a_free_on_a_stream_that_may_not_submit_frees_nothing(struct world *world, const void *argument)
{
    struct moving m;
    CUstream captured = NULL;
    CUgraph graph = NULL;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    CUdeviceptr block = draw(10 * MIB, NULL), refused = 0;
    CHECK_EQ(CU(cuStreamCreate)(&captured, CU_STREAM_DEFAULT), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamBeginCapture_v2)(captured, CU_STREAM_CAPTURE_MODE_GLOBAL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFreeAsync)(block, NULL), CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
    CU(cuStreamEndCapture)(captured, &graph);
    CHECK_EQ(CU(cuStreamBeginCapture_v2)(captured, CU_STREAM_CAPTURE_MODE_GLOBAL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemAllocAsync)(&refused, 10 * MIB, NULL), CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
    CU(cuStreamEndCapture)(captured, &graph);
    CHECK_EQ(moving_used(&m), 10 * MIB);
    moving_fill(&m, block, 10 * MIB, 4, NULL);
    CHECK_EQ(moving_wrong(&m, block, 10 * MIB, 4, NULL), 0);
    CHECK_EQ(CU(cuMemFreeAsync)(block, NULL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    CHECK_EQ(moving_used(&m), 0);
}

static void memory_outlives_the_context_of_its_stream(struct world *world, const void *argument)
{
    struct moving m;
    CUcontext second = NULL;
    CUdevice device = 0;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    keep_all(device_pool());
    CHECK_EQ(CU(cuCtxGetDevice)(&device), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxCreate_v2)(&second, 0, device), CUDA_SUCCESS);
    CUstream stream = new_stream();
    CUdeviceptr block = draw(10 * MIB, stream), freed = draw(20 * MIB, stream);
    CHECK_EQ(CU(cuMemsetD32Async)(block, 8, 10 * MIB / 4, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFreeAsync)(freed, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    CHECK_EQ(moving_used(&m), 30 * MIB);
    CHECK_EQ(CU(cuCtxDestroy_v2)(second), CUDA_SUCCESS);
    CHECK_EQ(moving_used(&m), 10 * MIB);
    CHECK_EQ(CU(cuCtxSetCurrent)(m.context), CUDA_SUCCESS);
    CHECK_EQ(moving_wrong(&m, block, 10 * MIB, 8, NULL), 0);
    moving_resident(&m, 0);
    CHECK(moving_becomes(&m, moving_demoted, 10 * MIB));
    CHECK_EQ(moving_wrong(&m, block, 10 * MIB, 8, NULL), 0);
    CHECK_EQ(CU(cuMemFreeAsync)(block, NULL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuDevicePrimaryCtxReset_v2)(device), CUDA_SUCCESS);
    CHECK_EQ(moving_used(&m) + moving_demoted(&m), 0);
    CHECK(moving_chunks_are_back(&m));
}

static void a_context_that_stays_keeps_what_it_had(struct world *world, const void *argument)
{
    struct moving m;
    CUcontext again = NULL;
    CUdevice device = 0;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    keep_all(device_pool());
    CHECK_EQ(CU(cuCtxGetDevice)(&device), CUDA_SUCCESS);
    CHECK_EQ(CU(cuDevicePrimaryCtxRetain)(&again, device), CUDA_SUCCESS);
    CUstream stream = new_stream();
    CUdeviceptr freed = draw(20 * MIB, stream);
    CHECK_EQ(CU(cuMemFreeAsync)(freed, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuDevicePrimaryCtxRelease_v2)(device), CUDA_SUCCESS);
    CHECK_EQ(draw(20 * MIB, stream), freed);
}

static void a_forked_child_keeps_nothing(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    CUstream stream = new_stream();
    CUdeviceptr freed = draw(20 * MIB, stream);
    CHECK_EQ(CU(cuMemFreeAsync)(freed, stream), CUDA_SUCCESS);
    pid_t child = fork();
    if (child == 0) {
        CUdeviceptr address;
        CHECK(CU(cuMemAllocAsync)(&address, 20 * MIB, stream) != CUDA_SUCCESS);
        CHECK(CU(cuMemFreeAsync)(freed, stream) != CUDA_SUCCESS);
        CHECK_EQ(moving_used(&m), 20 * MIB);
        _exit(check_failures == 0 ? 0 : 1);
    }
    int status = 1;
    waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
    CHECK_EQ(draw(20 * MIB, stream), freed);
}

struct worker {
    const struct moving *moving;
    int rounds;
};

static void *draw_and_free(void *argument)
{
    const struct worker *self = argument;
    CHECK_EQ(CU(cuCtxSetCurrent)(self->moving->context), CUDA_SUCCESS);
    CUstream stream = new_stream();
    for (int round = 0; round < self->rounds; round++) {
        uint64_t bytes = (2 + 2 * (uint64_t)(round % 3)) * MIB;
        CUdeviceptr block = draw(bytes, stream);
        moving_fill(self->moving, block, bytes, (uint32_t)round, stream);
        moving_add(self->moving, block, bytes, 1, stream);
        if (round % 4 == 0) {
            CHECK_EQ(moving_wrong(self->moving, block, bytes, (uint32_t)round + 1, stream), 0);
        }
        CHECK_EQ(CU(cuMemFreeAsync)(block, stream), CUDA_SUCCESS);
    }
    CHECK_EQ(CU(cuStreamSynchronize)(stream), CUDA_SUCCESS);
    return NULL;
}

static void threads_share_a_pool_that_moves(struct world *world, const void *argument)
{
    struct moving m;
    pthread_t threads[4];
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    struct worker worker = {.moving = &m, .rounds = 200};
    for (int i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, draw_and_free, &worker);
    }
    for (int round = 0; round < 20; round++) {
        moving_resident(&m, round % 2 == 0 ? 0 : ALQ_RESIDENT_ALL);
        set_attribute(device_pool(), CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, round % 3 == 0 ? 0 : UINT64_MAX);
        usleep(10000);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    moving_resident(&m, ALQ_RESIDENT_ALL);
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemPoolTrimTo)(device_pool(), 0), CUDA_SUCCESS);
    CHECK(moving_becomes(&m, moving_used, 0));
    CHECK_EQ(moving_movable(&m), 0);
    CHECK_EQ(moving_demoted(&m), 0);
    CHECK_EQ(attribute(device_pool(), CU_MEMPOOL_ATTR_USED_MEM_CURRENT), 0);
    CHECK_EQ(attribute(device_pool(), CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT), 0);
    CHECK(moving_chunks_are_back(&m));
}

static unsigned long long access_of(CUdevice device, CUdeviceptr address)
{
    unsigned long long flags = UINT64_MAX;
    CUmemLocation location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = device};
    CHECK_EQ(CU(cuMemGetAccess)(&flags, &location, address), CUDA_SUCCESS);
    return flags;
}

static void devices_reach_the_pools_they_are_given(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    test_agent_lend(world->agent, 1, 256 * MIB); /* the current one is the tenant's last */
    moving_start(&m, world, 256 * MIB);
    CUdevice own = -1;
    CHECK_EQ(CU(cuCtxGetDevice)(&own), CUDA_SUCCESS);
    CUdevice peer = own == 0 ? 1 : own - 1;
    CUdeviceptr before = draw(70 * MIB, NULL);
    CHECK_EQ(access_of(peer, before), 0);
    CUmemAccessDesc access = {
        .location = {CU_MEM_LOCATION_TYPE_DEVICE, peer}, .flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
    CHECK_EQ(CU(cuMemPoolSetAccess)(device_pool(), &access, 1), CUDA_SUCCESS);
    CUdeviceptr after = draw(70 * MIB, NULL);
    CHECK_EQ(access_of(peer, before + 65 * MIB), CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    CHECK_EQ(access_of(peer, after + 65 * MIB), CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    access.flags = CU_MEM_ACCESS_FLAGS_PROT_NONE;
    CHECK_EQ(CU(cuMemPoolSetAccess)(device_pool(), &access, 1), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemPoolSetAccess)(device_pool(), &access, 1), CUDA_SUCCESS);
    CHECK_EQ(access_of(peer, before + 65 * MIB), 0);
    CHECK_EQ(access_of(own, after), CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
}

static void a_stream_of_another_device_may_free(struct world *world, const void *argument)
{
    struct moving m;
    CUcontext other = NULL;
    CUdeviceptr address = 0;
    (void)argument;
    test_agent_lend(world->agent, 1, 256 * MIB);
    moving_start(&m, world, 256 * MIB);
    CUdevice own = -1;
    CHECK_EQ(CU(cuCtxGetDevice)(&own), CUDA_SUCCESS);
    CUmemoryPool pool = device_pool();
    CUdeviceptr block = draw(20 * MIB, NULL);
    uint64_t movable = __atomic_load_n(&world->agent->usage->slots[m.slot].movable_bytes[1], __ATOMIC_SEQ_CST) + moving_movable(&m);
    CHECK_EQ(movable, 20 * MIB);
    CHECK_EQ(CU(cuDevicePrimaryCtxRetain)(&other, own == 0 ? 1 : own - 1), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxSetCurrent)(other), CUDA_SUCCESS);
    CUstream stream = new_stream();
    CHECK_EQ(CU(cuCtxSetCurrent)(m.context), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFreeAsync)(block, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemAllocFromPoolAsync)(&address, 20 * MIB, pool, NULL), CUDA_SUCCESS);
    CHECK_EQ(address, block);
    CHECK_EQ(CU(cuMemFreeAsync)(block, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuDevicePrimaryCtxReset_v2)(own == 0 ? 1 : own - 1), CUDA_SUCCESS);
    movable = __atomic_load_n(&world->agent->usage->slots[m.slot].movable_bytes[1], __ATOMIC_SEQ_CST) + moving_movable(&m);
    CHECK_EQ(movable, 0);
}

int main(void)
{
    struct world *world = world_open((struct world_config){.memory_bytes = 4096 * MIB, .limit_bytes = 1024 * MIB});
    RUN(an_allocation_moves_with_its_data, world);
    RUN(data_stays_right_when_moved_between_use_and_reuse, world);
    RUN(a_free_neither_waits_nor_overtakes, world);
    RUN(the_same_stream_has_it_again_at_once, world);
    RUN(another_stream_has_it_once_the_first_is_done, world);
    RUN(a_stream_of_the_same_name_is_another_stream, world);
    RUN(where_memory_is_short_a_stream_waits_for_what_another_freed, world);
    RUN(pools_keep_and_count_as_their_attributes_say, world);
    RUN(what_a_pool_was_made_for_stays_with_the_driver, world);
    RUN(a_pool_that_is_gone_leaves_its_memory, world);
    RUN(errors_are_the_drivers, world);
    RUN(the_agent_has_what_is_kept_first, world);
    RUN(what_is_kept_and_in_use_moves_like_any_other, world);
    RUN(captures_are_neither_spoiled_nor_changed, world);
    RUN(a_free_on_a_stream_that_may_not_submit_frees_nothing, world);
    RUN(memory_outlives_the_context_of_its_stream, world);
    RUN(a_context_that_stays_keeps_what_it_had, world);
    RUN(a_forked_child_keeps_nothing, world);
    RUN(threads_share_a_pool_that_moves, world);
    world_close(world);
    world = world_open((struct world_config){.memory_bytes = 512 * MIB, .limit_bytes = 4096 * MIB});
    RUN(a_full_device_gives_up_what_is_kept, world);
    world_close(world);
    world = world_open((struct world_config){.tenant_devices = 2, .limit_bytes = 1024 * MIB});
    RUN(devices_reach_the_pools_they_are_given, world);
    RUN(a_stream_of_another_device_may_free, world);
    world_close(world);
    return finish_cases();
}
