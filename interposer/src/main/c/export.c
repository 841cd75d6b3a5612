/*
 * Memory handed to other processes: it may live on there when this one has let it go, and is marked for that. Handles and descriptors
 * are the driver's own, but for IPC handles of movable memory (share.h). A process that has handed anything out is never bare.
 */
#include "hooks.h"
#include "movables.h"
#include "pointers.h"
#include "pool.h"
#include "rdma.h"
#include "share.h"
#include "virtual.h"
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
    CUresult result;
    if (handle != NULL && alq_context_current() != NULL && alq_share_get(address, handle, &result)) {
        return result;
    }
    alq_bare_never();
    result = ALQ_CALL_GATED(cuIpcGetMemHandle, handle, address);
    if (result == CUDA_SUCCESS) {
        alq_lend_address(address);
    }
    return result;
}

CUresult alq_hook_cuIpcGetEventHandle(CUipcEventHandle *handle, CUevent event)
{
    alq_bare_never();
    return ALQ_REAL(cuIpcGetEventHandle)(handle, event);
}

CUresult alq_hook_cuMemPoolExportToShareableHandle(
    void *shared, CUmemoryPool pool, CUmemAllocationHandleType type, unsigned long long flags)
{
    alq_bare_never();
    return ALQ_REAL(cuMemPoolExportToShareableHandle)(shared, pool, type, flags);
}

CUresult alq_hook_cuMemPoolExportPointer(CUmemPoolPtrExportData *shared, CUdeviceptr address)
{
    ALQ_PASS_WHEN_TRANSPARENT(cuMemPoolExportPointer, shared, address);
    alq_bare_never();
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
    alq_bare_never();
    CUmemAllocationProp properties;
    if (alq_virtual_properties(&properties, handle) && (properties.requestedHandleTypes & type) == 0) {
        return CUDA_ERROR_INVALID_VALUE; /* the program has not asked for that: it is made exportable all the same */
    }
    CUresult result = alq_virtual_yield(&handle);
    if (result != CUDA_SUCCESS) {
        return result;
    }
    result = ALQ_CALL(cuMemExportToShareableHandle, shared, handle, type, flags);
    if (result == CUDA_SUCCESS) {
        alq_vmm_lend(handle);
    }
    return result;
}

CUresult alq_hook_cuMemGetHandleForAddressRange(
    void *shared, CUdeviceptr address, size_t bytes, CUmemRangeHandleType type, unsigned long long flags)
{
    ALQ_PASS_WHEN_TRANSPARENT(cuMemGetHandleForAddressRange, shared, address, bytes, type, flags);
    struct alq_rdma_range range = {.shared = shared, .address = address, .bytes = bytes, .type = type, .flags = flags};
    CUresult result;
    if (!alq_rdma_register(&range, &result)) {
        alq_bare_never();
        result = ALQ_CALL_GATED(cuMemGetHandleForAddressRange, shared, address, bytes, type, flags);
    }
    if (result == CUDA_SUCCESS) {
        alq_vmm_lend_range(address, bytes);
        alq_lend_address(address);
    }
    return result;
}
