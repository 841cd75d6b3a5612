/*
 * Pools of movable memory: what a program can see of them is as the driver's, and what they keep goes first where memory is short.
 */
#include "support_pools.h"

static void pools_keep_and_count_as_their_attributes_say(const struct moving *m)
{
    CUmemoryPool pool = new_pool((CUmemPoolProps){0});
    CUdeviceptr block[3];
    for (int i = 0; i < 3; i++) {
        block[i] = draw_from(pool, 9 * MIB, NULL);
    }
    CHECK_EQ(attribute(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT), 30 * MIB);
    CHECK_EQ(attribute(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT), 27 * MIB);
    set_attribute(pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, 15 * MIB);
    CHECK_EQ(CU(cuMemFreeAsync)(block[0], NULL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFreeAsync)(block[1], NULL), CUDA_SUCCESS);
    CHECK_EQ(attribute(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT), 30 * MIB);
    CHECK_EQ(attribute(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT), 9 * MIB);
    CHECK_EQ(moving_used(m), 30 * MIB);
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    CHECK_EQ(attribute(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT), 10 * MIB);
    CHECK_EQ(moving_used(m), 10 * MIB);
    CHECK_EQ(attribute(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH), 30 * MIB);
    CHECK_EQ(attribute(pool, CU_MEMPOOL_ATTR_USED_MEM_HIGH), 27 * MIB);
    set_attribute(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH, 0);
    set_attribute(pool, CU_MEMPOOL_ATTR_USED_MEM_HIGH, 0);
    CHECK_EQ(attribute(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH), 10 * MIB);
    CHECK_EQ(attribute(pool, CU_MEMPOOL_ATTR_USED_MEM_HIGH), 9 * MIB);
    /* beside what the driver's own pool holds */
    CUdeviceptr small = draw_from(pool, MIB / 2, NULL);
    CHECK_EQ(attribute(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT), 42 * MIB);
    CHECK_EQ(attribute(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT), 9 * MIB + MIB / 2);
    CHECK_EQ(attribute(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH), 42 * MIB);
    CHECK_EQ(moving_used(m), 42 * MIB);
    CHECK_EQ(moving_movable(m), 10 * MIB);
    keep_all(pool);
    CHECK_EQ(CU(cuMemFreeAsync)(small, NULL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemPoolTrimTo)(pool, 41 * MIB), CUDA_SUCCESS);
    CHECK_EQ(attribute(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT), 10 * MIB);
    CHECK_EQ(moving_used(m), 10 * MIB);
    small = draw_from(pool, MIB / 2, NULL);
    CHECK_EQ(CU(cuMemFreeAsync)(small, NULL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFreeAsync)(block[2], NULL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    CHECK_EQ(moving_used(m), 42 * MIB);
    CHECK_EQ(CU(cuMemPoolTrimTo)(pool, 35 * MIB), CUDA_SUCCESS);
    CHECK_EQ(attribute(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT), 32 * MIB);
    CHECK_EQ(CU(cuMemPoolTrimTo)(pool, 0), CUDA_SUCCESS);
    CHECK_EQ(attribute(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT), 0);
    CHECK_EQ(moving_used(m), 0);
}

static void what_a_pool_was_made_for_stays_with_the_driver(const struct moving *m)
{
    CUmemoryPool pools[] = {new_pool((CUmemPoolProps){.handleTypes = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR}),
        new_pool((CUmemPoolProps){.maxSize = 64 * MIB})};
    for (int i = 0; i < 2; i++) {
        CUdeviceptr address = draw_from(pools[i], 10 * MIB, NULL);
        CHECK_EQ(moving_movable(m), 0);
        CHECK_EQ(CU(cuMemFreeAsync)(address, NULL), CUDA_SUCCESS);
    }
    draw(MIB - 1, NULL);
    CHECK_EQ(moving_movable(m), 0);
}

static void a_pool_that_is_gone_leaves_its_memory(const struct moving *m)
{
    CUmemoryPool pool = new_pool((CUmemPoolProps){0}), found = NULL;
    CUstream stream = moving_stream();
    keep_all(pool);
    CUdeviceptr block = draw_from(pool, 10 * MIB, stream), freed = draw_from(pool, 20 * MIB, stream);
    CHECK_EQ(CU(cuPointerGetAttribute)(&found, CU_POINTER_ATTRIBUTE_MEMPOOL_HANDLE, block + MIB), CUDA_SUCCESS);
    CHECK(found == pool);
    CHECK_EQ(CU(cuMemFreeAsync)(freed, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamSynchronize)(stream), CUDA_SUCCESS);
    CHECK_EQ(moving_used(m), 30 * MIB);
    CHECK_EQ(CU(cuMemPoolDestroy)(pool), CUDA_SUCCESS);
    CHECK_EQ(moving_used(m), 10 * MIB);
    moving_fill(m, block, 10 * MIB, 2, stream);
    CHECK_EQ(moving_wrong(m, block, 10 * MIB, 2, stream), 0);
    CHECK_EQ(CU(cuMemFreeAsync)(block, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamSynchronize)(stream), CUDA_SUCCESS);
    CHECK_EQ(moving_used(m), 0);
}

static void errors_are_the_drivers(const struct moving *m)
{
    CUdeviceptr address = 0, begin;
    CUstream gone = (CUstream)m;
    CHECK_EQ(CU(cuMemAllocAsync)(NULL, 10 * MIB, NULL), BARE(cuMemAllocAsync)(NULL, 10 * MIB, NULL));
    CHECK_EQ(CU(cuMemAllocAsync)(&address, 0, NULL), BARE(cuMemAllocAsync)(&address, 0, NULL));
    CHECK_EQ(CU(cuMemAllocAsync)(&address, 10 * MIB, gone), BARE(cuMemAllocAsync)(&address, 10 * MIB, gone));
    CHECK_EQ(CU(cuMemAllocFromPoolAsync)(&address, 10 * MIB, (CUmemoryPool)m, NULL),
        BARE(cuMemAllocFromPoolAsync)(&address, 10 * MIB, (CUmemoryPool)m, NULL));
    CHECK_EQ(CU(cuMemFreeAsync)(0, NULL), BARE(cuMemFreeAsync)(0, NULL));
    CUdeviceptr block = draw(10 * MIB, NULL);
    CHECK_EQ(CU(cuMemFreeAsync)(block, gone), BARE(cuMemFreeAsync)(block, gone));
    CHECK_EQ(CU(cuMemFreeAsync)(block + 2 * MIB, NULL), CUDA_ERROR_INVALID_VALUE);
    CHECK_EQ(CU(cuMemFreeAsync)((CUdeviceptr)(uintptr_t)m, NULL), BARE(cuMemFreeAsync)((CUdeviceptr)(uintptr_t)m, NULL));
    CHECK_EQ(moving_used(m), 10 * MIB);
    CHECK_EQ(CU(cuMemFreeAsync)(block, NULL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFreeAsync)(block, NULL), CUDA_ERROR_INVALID_VALUE);
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_ERROR_INVALID_VALUE);
    CHECK_EQ(CU(cuMemGetAddressRange_v2)(&begin, NULL, draw(4 * MIB, NULL) + MIB), CUDA_SUCCESS);
    /* freed in the ordinary way: once everything has ended */
    CUstream stream = moving_stream();
    block = draw(20 * MIB, stream);
    moving_spin(m, SPIN_NS / 4, stream);
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamQuery)(stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_ERROR_INVALID_VALUE);
}

static void the_agent_has_what_is_kept_first(const struct moving *m)
{
    keep_all(device_pool());
    CUdeviceptr live = draw(100 * MIB, NULL), freed = draw(128 * MIB, NULL);
    moving_fill(m, live, 100 * MIB, 9, NULL);
    CHECK_EQ(CU(cuMemFreeAsync)(freed, NULL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    CHECK_EQ(moving_used(m), 228 * MIB);
    moving_resident(m, 100 * MIB);
    CHECK(moving_becomes(m, moving_used, 100 * MIB));
    CHECK_EQ(moving_demoted(m), 0);
    CHECK_EQ(moving_movable(m), 100 * MIB);
    CHECK_EQ(moving_wrong(m, live, 100 * MIB, 9, NULL), 0);
    CHECK(moving_chunks_are_back(m));
}

static void what_is_kept_and_in_use_moves_like_any_other(const struct moving *m)
{
    CUstream stream = moving_stream();
    CUdeviceptr block = draw(100 * MIB, stream);
    keep_all(device_pool());
    moving_fill(m, block, 100 * MIB, 1, stream);
    moving_spin(m, SPIN_NS / 2, stream);
    CHECK_EQ(CU(cuMemFreeAsync)(block, stream), CUDA_SUCCESS);
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_used, 0));
    CUdeviceptr again = draw(100 * MIB, stream);
    moving_fill(m, again, 100 * MIB, 6, stream);
    CHECK_EQ(moving_wrong(m, again, 100 * MIB, 6, stream), 0);
    moving_resident(m, ALQ_RESIDENT_ALL);
    CHECK(moving_becomes(m, moving_demoted, 0));
    CHECK_EQ(moving_used(m), 100 * MIB);
    CHECK_EQ(moving_wrong(m, again, 100 * MIB, 6, stream), 0);
    CHECK_EQ(CU(cuMemFreeAsync)(again, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamSynchronize)(stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemPoolTrimTo)(device_pool(), 0), CUDA_SUCCESS);
    CHECK_EQ(moving_used(m), 0);
    CHECK(moving_chunks_are_back(m));
}

static void a_full_device_gives_up_what_is_kept(const struct moving *m)
{
    keep_all(device_pool());
    CUdeviceptr block = draw(300 * MIB, NULL);
    CHECK_EQ(CU(cuMemFreeAsync)(block, NULL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    CHECK_EQ(moving_used(m), 300 * MIB);
    moving_alloc(400 * MIB);
    CHECK_EQ(moving_used(m), 400 * MIB);
    CHECK_EQ(CU(cuMemAllocAsync)(&block, 300 * MIB, NULL), CUDA_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(moving_used(m), 400 * MIB);
    CHECK_EQ(moving_movable(m), 400 * MIB);
}

static void devices_reach_the_pools_they_are_given(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    test_agent_lend(world->agent, 1, 256 * MIB); /* the current one is the tenant's last */
    moving_start(&m, world, 256 * MIB);
    CUdevice own = moving_device(), peer = moving_peer();
    CUdeviceptr before = draw(70 * MIB, NULL);
    CHECK_EQ(moving_access(peer, before), 0);
    CUmemAccessDesc access = {
        .location = {CU_MEM_LOCATION_TYPE_DEVICE, peer}, .flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
    CHECK_EQ(CU(cuMemPoolSetAccess)(device_pool(), &access, 1), CUDA_SUCCESS);
    CUdeviceptr after = draw(70 * MIB, NULL);
    CHECK_EQ(moving_access(peer, before + 65 * MIB), CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    CHECK_EQ(moving_access(peer, after + 65 * MIB), CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    access.flags = CU_MEM_ACCESS_FLAGS_PROT_NONE;
    CHECK_EQ(CU(cuMemPoolSetAccess)(device_pool(), &access, 1), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemPoolSetAccess)(device_pool(), &access, 1), CUDA_SUCCESS);
    CHECK_EQ(moving_access(peer, before + 65 * MIB), 0);
    CHECK_EQ(moving_access(own, after), CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
}

int main(void)
{
    struct world *world = world_open((struct world_config){.memory_bytes = 4096 * MIB, .limit_bytes = 1024 * MIB});
    RUN_MOVING(pools_keep_and_count_as_their_attributes_say, world);
    RUN_MOVING(what_a_pool_was_made_for_stays_with_the_driver, world);
    RUN_MOVING(a_pool_that_is_gone_leaves_its_memory, world);
    RUN_MOVING(errors_are_the_drivers, world);
    RUN_MOVING(the_agent_has_what_is_kept_first, world);
    RUN_MOVING(what_is_kept_and_in_use_moves_like_any_other, world);
    world_close(world);
    world = world_open((struct world_config){.memory_bytes = 512 * MIB, .limit_bytes = 4096 * MIB});
    RUN_MOVING(a_full_device_gives_up_what_is_kept, world);
    world_close(world);
    world = world_open((struct world_config){.tenant_devices = 2, .limit_bytes = 1024 * MIB});
    RUN(devices_reach_the_pools_they_are_given, world);
    world_close(world);
    return finish_cases();
}
