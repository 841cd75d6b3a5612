/*
 * Memory handed to other processes: it may live on there when this one has let it go, and is marked for that. Handles and descriptors
 * are the driver's own.
 */
#include "hooks.h"
#include "movables.h"
#include "pointers.h"
#include "pool.h"
#include "vmm.h"

static bool alq_lend_at(CUdeviceptr address)
{
    struct alq_holding holding;
    if (!alq_pointers_get(ALQ_SPACE_ADDRESS, address, &holding)) {
        return false;
    }
    if (holding.pool != NULL) {
        alq_pool_lend(holding.pool);
    } else {
        alq_pointers_lend(ALQ_SPACE_ADDRESS, address);
    }
    return true;
}

/* The allocation that an address lies in. */
static void alq_lend_address(CUdeviceptr address)
{
    CUdeviceptr base = 0;
    size_t bytes = 0;
    if (!alq_lend_at(address) && ALQ_CALL_GATED(cuMemGetAddressRange_v2, &base, &bytes, address) == CUDA_SUCCESS) {
        alq_lend_at(base);
    }
}

CUresult alq_hook_cuIpcGetMemHandle(CUipcMemHandle *handle, CUdeviceptr address)
{
    ALQ_PASS_WHEN_TRANSPARENT(cuIpcGetMemHandle, handle, address);
    CUresult result = ALQ_CALL_GATED(cuIpcGetMemHandle, handle, address);
    if (result == CUDA_SUCCESS) {
        alq_lend_address(address);
    }
    return result;
}

CUresult alq_hook_cuMemPoolExportPointer(CUmemPoolPtrExportData *shared, CUdeviceptr address)
{
    ALQ_PASS_WHEN_TRANSPARENT(cuMemPoolExportPointer, shared, address);
    CUresult result = ALQ_CALL(cuMemPoolExportPointer, shared, address);
    if (result == CUDA_SUCCESS) {
        alq_lend_address(address);
    }
    return result;
}

CUresult alq_hook_cuMemExportToShareableHandle(
    void *shared, CUmemGenericAllocationHandle handle, CUmemAllocationHandleType type, unsigned long long flags)
{
    ALQ_PASS_WHEN_TRANSPARENT(cuMemExportToShareableHandle, shared, handle, type, flags);
    CUresult result = ALQ_CALL(cuMemExportToShareableHandle, shared, handle, type, flags);
    if (result == CUDA_SUCCESS) {
        alq_vmm_lend(handle);
    }
    return result;
}

CUresult alq_hook_cuMemGetHandleForAddressRange(
    void *shared, CUdeviceptr address, size_t bytes, CUmemRangeHandleType type, unsigned long long flags)
{
    ALQ_PASS_WHEN_TRANSPARENT(cuMemGetHandleForAddressRange, shared, address, bytes, type, flags);
    /* a dma-buf would go on leading to where the memory was */
    struct alq_movable_block block;
    if (alq_movables_find(address, &block)) {
        return CUDA_ERROR_NOT_SUPPORTED;
    }
    CUresult result = ALQ_CALL_GATED(cuMemGetHandleForAddressRange, shared, address, bytes, type, flags);
    if (result == CUDA_SUCCESS) {
        alq_vmm_lend_range(address, bytes);
        alq_lend_address(address);
    }
    return result;
}
