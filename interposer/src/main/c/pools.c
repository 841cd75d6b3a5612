/* Pools as the application makes, finds, tunes and destroys them: what is a pool of the tenant's device is on record from then on. */
#include "hooks.h"
#include "kept.h"
#include "pool_movable.h"

static struct alq_pool *alq_pools_see(CUmemoryPool handle, CUdevice ordinal)
{
    struct alq_place place = {.ordinal = ordinal, .device = alq_device_index(ordinal)};
    return alq_pool_of(handle, &place);
}

CUresult alq_hook_cuMemPoolCreate(CUmemoryPool *handle, const CUmemPoolProps *properties)
{
    ALQ_IN_FLIGHT(cuMemPoolCreate, handle, properties);
    if (handle == NULL || properties == NULL || properties->location.type != CU_MEM_LOCATION_TYPE_DEVICE) {
        return ALQ_CALL(cuMemPoolCreate, handle, properties);
    }
    CUresult result = ALQ_CALL(cuMemPoolCreate, handle, properties);
    if (result == CUDA_SUCCESS) {
        alq_pool_made(alq_pools_see(*handle, properties->location.id), properties);
    }
    return result;
}

CUresult alq_hook_cuMemPoolDestroy(CUmemoryPool handle)
{
    ALQ_IN_FLIGHT(cuMemPoolDestroy, handle);
    struct alq_pool *pool = alq_pool_of(handle, NULL);
    alq_pool_settle(pool);
    if (pool != NULL) {
        alq_pool_retire(pool);
    }
    CUresult result = ALQ_CALL(cuMemPoolDestroy, handle);
    if (pool != NULL) {
        alq_pool_retired(pool, result == CUDA_SUCCESS);
    }
    if (pool != NULL && result == CUDA_SUCCESS) {
        alq_kept_trim(pool, UINT64_MAX);
    }
    return result;
}

CUresult alq_hook_cuMemPoolTrimTo(CUmemoryPool handle, size_t keep_bytes)
{
    ALQ_IN_FLIGHT(cuMemPoolTrimTo, handle, keep_bytes);
    struct alq_pool *pool = alq_pool_of(handle, NULL);
    uint64_t movable_bytes = 0;
    if (pool != NULL && (movable_bytes = alq_pool_movable_bytes(pool)) != 0) {
        uint64_t reserved_bytes = 0;
        uint64_t in_use_bytes = 0;
        alq_pool_figures(pool, &reserved_bytes, &in_use_bytes);
        alq_kept_trim(pool, alq_sub(alq_add(reserved_bytes, movable_bytes), keep_bytes));
        movable_bytes = alq_pool_movable_bytes(pool);
    }
    CUresult result = ALQ_CALL(cuMemPoolTrimTo, handle, alq_sub(keep_bytes, movable_bytes));
    alq_pool_settle(pool);
    return result;
}

CUresult alq_hook_cuMemPoolSetAttribute(CUmemoryPool handle, CUmemPool_attribute attribute, void *value)
{
    ALQ_IN_FLIGHT(cuMemPoolSetAttribute, handle, attribute, value);
    struct alq_pool *pool = alq_pool_of(handle, NULL);
    CUresult result = ALQ_CALL(cuMemPoolSetAttribute, handle, attribute, value);
    alq_pool_settle(pool);
    if (pool != NULL && result == CUDA_SUCCESS) {
        alq_pool_attribute_set(pool, attribute);
        alq_kept_unsettle();
    }
    return result;
}

CUresult alq_hook_cuMemPoolGetAttribute(CUmemoryPool handle, CUmemPool_attribute attribute, void *value)
{
    ALQ_PASS_WHEN_TRANSPARENT(cuMemPoolGetAttribute, handle, attribute, value);
    CUresult result = ALQ_CALL(cuMemPoolGetAttribute, handle, attribute, value);
    struct alq_pool *pool = result == CUDA_SUCCESS ? alq_pool_of(handle, NULL) : NULL;
    if (pool != NULL) {
        alq_pool_attribute_read(pool, attribute, value);
    }
    return result;
}

CUresult alq_hook_cuDeviceGetMemPool(CUmemoryPool *handle, CUdevice ordinal)
{
    ALQ_IN_FLIGHT(cuDeviceGetMemPool, handle, ordinal);
    CUresult result = ALQ_CALL(cuDeviceGetMemPool, handle, ordinal);
    if (result == CUDA_SUCCESS && handle != NULL) {
        alq_pools_see(*handle, ordinal);
    }
    return result;
}

CUresult alq_hook_cuDeviceGetDefaultMemPool(CUmemoryPool *handle, CUdevice ordinal)
{
    ALQ_IN_FLIGHT(cuDeviceGetDefaultMemPool, handle, ordinal);
    CUresult result = ALQ_CALL(cuDeviceGetDefaultMemPool, handle, ordinal);
    if (result == CUDA_SUCCESS && handle != NULL) {
        alq_pools_see(*handle, ordinal);
    }
    return result;
}

CUresult alq_hook_cuMemGetMemPool(CUmemoryPool *handle, CUmemLocation *location, CUmemAllocationType type)
{
    ALQ_IN_FLIGHT(cuMemGetMemPool, handle, location, type);
    CUresult result = ALQ_CALL(cuMemGetMemPool, handle, location, type);
    if (result == CUDA_SUCCESS && handle != NULL && location != NULL && location->type == CU_MEM_LOCATION_TYPE_DEVICE) {
        alq_pools_see(*handle, location->id);
    }
    return result;
}

CUresult alq_hook_cuMemGetDefaultMemPool(CUmemoryPool *handle, CUmemLocation *location, CUmemAllocationType type)
{
    ALQ_IN_FLIGHT(cuMemGetDefaultMemPool, handle, location, type);
    CUresult result = ALQ_CALL(cuMemGetDefaultMemPool, handle, location, type);
    if (result == CUDA_SUCCESS && handle != NULL && location != NULL && location->type == CU_MEM_LOCATION_TYPE_DEVICE) {
        alq_pools_see(*handle, location->id);
    }
    return result;
}
