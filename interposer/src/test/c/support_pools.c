/* See support_pools.h. */
#include "support_pools.h"

CUdeviceptr draw(uint64_t bytes, CUstream stream)
{
    CUdeviceptr address = 0;
    CHECK_EQ(CU(cuMemAllocAsync)(&address, bytes, stream), CUDA_SUCCESS);
    return address;
}

CUdeviceptr draw_from(CUmemoryPool pool, uint64_t bytes, CUstream stream)
{
    CUdeviceptr address = 0;
    CHECK_EQ(CU(cuMemAllocFromPoolAsync)(&address, bytes, pool, stream), CUDA_SUCCESS);
    return address;
}

CUmemoryPool device_pool(void)
{
    CUmemoryPool pool = NULL;
    CHECK_EQ(CU(cuDeviceGetDefaultMemPool)(&pool, moving_device()), CUDA_SUCCESS);
    return pool;
}

CUmemoryPool new_pool(CUmemPoolProps properties)
{
    CUmemoryPool pool = NULL;
    properties.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
    properties.location = (CUmemLocation){CU_MEM_LOCATION_TYPE_DEVICE, moving_device()};
    CHECK_EQ(CU(cuMemPoolCreate)(&pool, &properties), CUDA_SUCCESS);
    return pool;
}

uint64_t attribute(CUmemoryPool pool, CUmemPool_attribute which)
{
    cuuint64_t value = 0;
    CHECK_EQ(CU(cuMemPoolGetAttribute)(pool, which, &value), CUDA_SUCCESS);
    return value;
}

void set_attribute(CUmemoryPool pool, CUmemPool_attribute which, cuuint64_t value)
{
    CHECK_EQ(CU(cuMemPoolSetAttribute)(pool, which, &value), CUDA_SUCCESS);
}

void keep_all(CUmemoryPool pool)
{
    set_attribute(pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, UINT64_MAX);
}
