/* Memory pools: default and own ones, what they report, thresholds, sharing. */
#include "conformance.h"

#include <unistd.h>

static CUmemPoolProps props(CUmemAllocationHandleType type) {
    return (CUmemPoolProps){.allocType = CU_MEM_ALLOCATION_TYPE_PINNED,
                            .handleTypes = type,
                            .location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = conf_device()}};
}

static void need_pools(void) {
    conf_context();
    if (conf_attribute(CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED) == 0) {
        SKIP("the device has no memory pools");
    }
}

static uint64_t value_of(CUmemoryPool pool, CUmemPool_attribute attribute) {
    cuuint64_t value = 0;
    OK(cu(cuMemPoolGetAttribute)(pool, attribute, &value));
    return value;
}

static CUmemoryPool new_pool(void) {
    CUmemoryPool pool = NULL;
    CUmemPoolProps wanted = props(CU_MEM_HANDLE_TYPE_NONE);
    OK(cu(cuMemPoolCreate)(&pool, &wanted));
    CHECK(pool != NULL);
    return pool;
}

CASE(pools, device_has_a_default_one_in_use) {
    CUmemoryPool standard = NULL;
    CUmemoryPool current = NULL;
    need_pools();
    OK(cu(cuDeviceGetDefaultMemPool)(&standard, 0));
    OK(cu(cuDeviceGetMemPool)(&current, 0));
    CHECK(standard != NULL && standard == current);
    FAILS(cu(cuMemPoolDestroy)(standard));
}

CASE(pools, count_what_is_used) {
    CUdeviceptr address = 0;
    need_pools();
    CUstream stream = conf_stream();
    CUmemoryPool pool = new_pool();
    EQ(value_of(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT), 0);
    OK(cu(cuMemAllocFromPoolAsync)(&address, 64 * MIB, pool, stream));
    conf_fill(address, 16 * MIB, 4, stream);
    OK(cu(cuStreamSynchronize)(stream));
    CHECK(value_of(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT) >= 64 * MIB);
    CHECK(value_of(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT) >= 64 * MIB);
    EQ(conf_mismatches(address, 16 * MIB, 4), 0);
    OK(cu(cuMemFreeAsync)(address, stream));
    OK(cu(cuStreamSynchronize)(stream));
    EQ(value_of(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT), 0);
    CHECK(value_of(pool, CU_MEMPOOL_ATTR_USED_MEM_HIGH) >= 64 * MIB);
    OK(cu(cuMemPoolDestroy)(pool));
}

CASE(pools, keep_memory_up_to_the_threshold) {
    CUdeviceptr address = 0;
    cuuint64_t threshold = UINT64_MAX;
    need_pools();
    CUstream stream = conf_stream();
    CUmemoryPool pool = new_pool();
    EQ(value_of(pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD), 0);
    OK(cu(cuMemPoolSetAttribute)(pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, &threshold));
    EQ(value_of(pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD), UINT64_MAX);
    uint64_t before = conf_room();
    OK(cu(cuMemAllocFromPoolAsync)(&address, 256 * MIB, pool, stream));
    OK(cu(cuMemFreeAsync)(address, stream));
    OK(cu(cuStreamSynchronize)(stream));
    CHECK(value_of(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT) >= 256 * MIB);
    CHECK(conf_room() + 256 * MIB <= before);
    OK(cu(cuMemPoolTrimTo)(pool, 0));
    EQ(value_of(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT), 0);
    CHECK(conf_wait_for_room(before - CONF_NOISE));
    OK(cu(cuMemPoolDestroy)(pool));
}

CASE(pools, without_threshold_give_memory_back_at_synchronisation) {
    CUdeviceptr address = 0;
    need_pools();
    CUstream stream = conf_stream();
    CUmemoryPool pool = new_pool();
    uint64_t before = conf_room();
    OK(cu(cuMemAllocFromPoolAsync)(&address, 256 * MIB, pool, stream));
    OK(cu(cuStreamSynchronize)(stream));
    CHECK(conf_room() + 256 * MIB <= before);
    OK(cu(cuMemFreeAsync)(address, stream));
    OK(cu(cuStreamSynchronize)(stream));
    OK(cu(cuCtxSynchronize)());
    CHECK(conf_wait_for_room(before - CONF_NOISE));
}

CASE(pools, trim_leaves_what_is_used) {
    CUdeviceptr address = 0;
    need_pools();
    CUstream stream = conf_stream();
    CUmemoryPool pool = new_pool();
    OK(cu(cuMemAllocFromPoolAsync)(&address, 64 * MIB, pool, stream));
    conf_fill(address, MIB, 7, stream);
    OK(cu(cuStreamSynchronize)(stream));
    OK(cu(cuMemPoolTrimTo)(pool, 0));
    CHECK(value_of(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT) >= 64 * MIB);
    EQ(conf_mismatches(address, MIB, 7), 0);
}

CASE(pools, chosen_one_serves_the_device) {
    CUdeviceptr address = 0;
    CUmemoryPool current = NULL;
    need_pools();
    CUstream stream = conf_stream();
    CUmemoryPool pool = new_pool();
    OK(cu(cuDeviceSetMemPool)(0, pool));
    OK(cu(cuDeviceGetMemPool)(&current, 0));
    CHECK(current == pool);
    OK(cu(cuMemAllocAsync)(&address, 32 * MIB, stream));
    OK(cu(cuStreamSynchronize)(stream));
    CHECK(value_of(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT) >= 32 * MIB);
    CUmemoryPool owner = NULL;
    OK(cu(cuPointerGetAttribute)(&owner, CU_POINTER_ATTRIBUTE_MEMPOOL_HANDLE, address));
    CHECK(owner == pool);
    OK(cu(cuMemFreeAsync)(address, stream));
    OK(cu(cuStreamSynchronize)(stream));
}

struct parcel {
    CUmemPoolPtrExportData data;
};

static void pool_importer(int channel, void *unused) {
    (void)unused;
    CUmemoryPool pool = NULL;
    CUdeviceptr address = 0;
    struct parcel parcel;
    int fd = conf_receive_fd(channel);
    conf_receive(channel, &parcel, sizeof parcel);
    need_pools();
    OK(cu(cuMemPoolImportFromShareableHandle)(&pool, (void *)(uintptr_t)fd, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0));
    CHECK(close(fd) == 0);
    OK(cu(cuMemPoolImportPointer)(&address, pool, &parcel.data));
    EQ(conf_mismatches(address, MIB, 17), 0);
    conf_fill(address, MIB, 18, NULL);
    OK(cu(cuCtxSynchronize)());
    CUdeviceptr refused = 0;
    FAILS(cu(cuMemAllocFromPoolAsync)(&refused, MIB, pool, NULL));
    OK(cu(cuMemFree_v2)(address));
    conf_signal(channel);
    conf_await(channel);
}

CASE(pools, allocations_are_shared_with_another_process) {
    struct conf_peer peer = conf_start(pool_importer, NULL);
    CUmemoryPool pool = NULL;
    CUdeviceptr address = 0;
    struct parcel parcel;
    int fd = -1;
    need_pools();
    if ((conf_attribute(CU_DEVICE_ATTRIBUTE_MEMPOOL_SUPPORTED_HANDLE_TYPES) & CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR) == 0) {
        SKIP("pools are not shared through file descriptors here");
    }
    CUstream stream = conf_stream();
    CUmemPoolProps wanted = props(CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR);
    OK(cu(cuMemPoolCreate)(&pool, &wanted));
    OK(cu(cuMemAllocFromPoolAsync)(&address, 4 * MIB, pool, stream));
    conf_fill(address, MIB, 17, stream);
    OK(cu(cuStreamSynchronize)(stream));
    OK(cu(cuMemPoolExportToShareableHandle)(&fd, pool, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0));
    OK(cu(cuMemPoolExportPointer)(&parcel.data, address));
    conf_send_fd(peer.channel, fd);
    conf_send(peer.channel, &parcel, sizeof parcel);
    conf_await(peer.channel);
    EQ(conf_mismatches(address, MIB, 18), 0);
    conf_signal(peer.channel);
    conf_join(&peer);
    OK(cu(cuMemFreeAsync)(address, stream));
    OK(cu(cuStreamSynchronize)(stream));
}
