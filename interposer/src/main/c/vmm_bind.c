/* Binding of cuMemCreate's memory to sparse arrays and to multicast objects: nothing is taken by it, but it keeps what it binds. */
#include <stdlib.h>

#include "settled.h"
#include "virtual.h"
#include "vmm.h"

/* The list with the driver's handles in it; NULL, and why: there is none. The caller's to free. */
static CUarrayMapInfo *alq_yield_listed(const CUarrayMapInfo *list, unsigned int count, CUresult *result)
{
    CUarrayMapInfo *own = malloc(((size_t)count + 1) * sizeof *own);
    *result = own == NULL ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_SUCCESS;
    for (unsigned int i = 0; *result == CUDA_SUCCESS && i < count; i++) {
        own[i] = list[i];
        if (list[i].memOperationType == CU_MEM_OPERATION_TYPE_MAP) {
            *result = alq_virtual_yield(&own[i].memHandle.memHandle);
        }
    }
    if (*result != CUDA_SUCCESS) {
        free(own);
        own = NULL;
    }
    return own;
}

/* After the driver has accepted the list. */
static void alq_lend_listed(const CUarrayMapInfo *list, unsigned int count)
{
    for (unsigned int i = 0; list != NULL && i < count; i++) {
        if (list[i].memOperationType == CU_MEM_OPERATION_TYPE_MAP) {
            alq_vmm_lend(list[i].memHandle.memHandle);
        }
    }
}

/* The driver's call, on the driver's handles. */
typedef CUresult alq_map_arrays(CUarrayMapInfo *list, unsigned int count, CUstream stream);

static CUresult alq_map_listed(alq_map_arrays *driver, CUarrayMapInfo *list, unsigned int count, CUstream stream)
{
    struct alq_place place;
    CUresult result;
    /* where there are no names, the list is none of our business before the driver has taken it */
    CUarrayMapInfo *own = list != NULL && alq_virtual_any() ? alq_yield_listed(list, count, &result) : list;
    if (list != NULL && own == NULL) {
        return result;
    }
    result = driver(own, count, stream);
    if (result == CUDA_SUCCESS) {
        alq_lend_listed(own, count);
    }
    if (own != list) {
        free(own);
    }
    if (result == CUDA_SUCCESS && alq_place_of_stream(stream, &place)) {
        alq_settle_lazily(place.device);
    }
    return result;
}

#define ALQ_MAP_ARRAYS(name)                                                                            \
    static CUresult alq_driver_##name(CUarrayMapInfo *list, unsigned int count, CUstream stream)        \
    {                                                                                                   \
        return ALQ_CALL_GATED(name, list, count, stream);                                               \
    }                                                                                                   \
    CUresult alq_hook_##name(CUarrayMapInfo *list, unsigned int count, CUstream stream)                 \
    {                                                                                                   \
        ALQ_IN_FLIGHT(name, list, count, stream);                                                       \
        return alq_map_listed(alq_driver_##name, list, count, stream);                                  \
    }

ALQ_MAP_ARRAYS(cuMemMapArrayAsync)
ALQ_MAP_ARRAYS(cuMemMapArrayAsync_ptsz)

CUresult alq_hook_cuMulticastBindMem(CUmemGenericAllocationHandle multicast, size_t multicast_offset,
    CUmemGenericAllocationHandle handle, size_t offset, size_t bytes, unsigned long long flags)
{
    ALQ_PASS_WHEN_TRANSPARENT(cuMulticastBindMem, multicast, multicast_offset, handle, offset, bytes, flags);
    CUresult result = alq_virtual_yield(&handle);
    if (result != CUDA_SUCCESS) {
        return result;
    }
    result = ALQ_CALL(cuMulticastBindMem, multicast, multicast_offset, handle, offset, bytes, flags);
    if (result == CUDA_SUCCESS) {
        alq_vmm_lend(handle);
    }
    return alq_settled(result);
}

/* What an address leads to is the driver's own before it is bound; an allocation has no handle to be bound by. */
static CUresult alq_yield_at(CUdeviceptr address)
{
    CUmemGenericAllocationHandle name;
    CUresult result;
    struct alq_movable_block unused;
    if (!alq_virtual_retain(&name, address, &result)) {
        return alq_movables_find(address, &unused) ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
    }
    if (result == CUDA_SUCCESS) {
        CUmemGenericAllocationHandle handle = name;
        result = alq_virtual_yield(&handle);
        alq_hook_cuMemRelease(name);
    }
    return result;
}

CUresult alq_hook_cuMulticastBindAddr(
    CUmemGenericAllocationHandle multicast, size_t multicast_offset, CUdeviceptr address, size_t bytes, unsigned long long flags)
{
    ALQ_PASS_WHEN_TRANSPARENT(cuMulticastBindAddr, multicast, multicast_offset, address, bytes, flags);
    CUresult result = alq_yield_at(address);
    if (result != CUDA_SUCCESS) {
        return result;
    }
    result = ALQ_CALL_GATED(cuMulticastBindAddr, multicast, multicast_offset, address, bytes, flags);
    if (result == CUDA_SUCCESS) {
        alq_vmm_lend_range(address, bytes);
    }
    return alq_settled(result);
}
