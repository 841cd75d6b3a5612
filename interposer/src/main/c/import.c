/*
 * Memory of others, shared: opened, imported, bound. Its maker is charged for it while that holds it, and then whoever else does: the
 * agent sees who. Handle types and IPC paths are never altered, but for the handles of movable memory, which are the library's own (share.h).
 * A process that holds what it has imported is never bare.
 */
#include "settled.h"
#include "share.h"

CUresult alq_hook_cuMemPoolImportFromShareableHandle(
    CUmemoryPool *pool, void *shared, CUmemAllocationHandleType type, unsigned long long flags)
{
    ALQ_PASS_WHEN_TRANSPARENT(cuMemPoolImportFromShareableHandle, pool, shared, type, flags);
    alq_bare_never();
    return alq_settled_lazily(ALQ_CALL(cuMemPoolImportFromShareableHandle, pool, shared, type, flags));
}

CUresult alq_hook_cuIpcOpenEventHandle(CUevent *event, CUipcEventHandle handle)
{
    alq_bare_never();
    return ALQ_REAL(cuIpcOpenEventHandle)(event, handle);
}

CUresult alq_hook_cuImportExternalSemaphore(
    CUexternalSemaphore *semaphore, const CUDA_EXTERNAL_SEMAPHORE_HANDLE_DESC *description)
{
    alq_bare_never();
    return ALQ_REAL(cuImportExternalSemaphore)(semaphore, description);
}

#define ALQ_IPC_OPEN(name)                                                                                 \
    ALQ_IMPORT_AS(static CUresult alq_driver_##name, name, address, alq_place_of_address, cuIpcCloseMemHandle, \
        (CUdeviceptr * address, CUipcMemHandle handle, unsigned int flags), address, handle, flags)        \
    CUresult alq_hook_##name(CUdeviceptr *address, CUipcMemHandle handle, unsigned int flags)              \
    {                                                                                                      \
        CUresult result;                                                                                   \
        ALQ_PASS_WHEN_TRANSPARENT(name, address, handle, flags);                                           \
        return alq_share_open(address, &handle, flags, &result) ? result : alq_driver_##name(address, handle, flags); \
    }

ALQ_IPC_OPEN(cuIpcOpenMemHandle)
ALQ_IPC_OPEN(cuIpcOpenMemHandle_v2)

CUresult alq_hook_cuIpcCloseMemHandle(CUdeviceptr address)
{
    CUresult result;
    ALQ_PASS_WHEN_TRANSPARENT(cuIpcCloseMemHandle, address);
    return alq_share_close(address, &result) ? result : alq_settled_lazily(ALQ_CALL(cuIpcCloseMemHandle, address));
}

ALQ_IMPORT(cuMemImportFromShareableHandle, handle, alq_place_of_handle, cuMemRelease,
    (CUmemGenericAllocationHandle * handle, void *shared, CUmemAllocationHandleType type), handle, shared, type)
ALQ_IMPORT(cuMemPoolImportPointer, address, alq_place_of_address, cuMemFree_v2,
    (CUdeviceptr * address, CUmemoryPool pool, CUmemPoolPtrExportData *shared), address, pool, shared)
ALQ_IMPORT(cuImportExternalMemory, memory, alq_place_of_external, cuDestroyExternalMemory,
    (CUexternalMemory * memory, const CUDA_EXTERNAL_MEMORY_HANDLE_DESC *description), memory, description)
ALQ_SETTLED_LAZILY(cuDestroyExternalMemory, (CUexternalMemory memory), memory)
ALQ_SETTLED(cuExternalMemoryGetMappedBuffer,
    (CUdeviceptr * address, CUexternalMemory memory, const CUDA_EXTERNAL_MEMORY_BUFFER_DESC *description), address, memory,
    description)
ALQ_SETTLED(cuExternalMemoryGetMappedMipmappedArray,
    (CUmipmappedArray * array, CUexternalMemory memory, const CUDA_EXTERNAL_MEMORY_MIPMAPPED_ARRAY_DESC *description), array,
    memory, description)
ALQ_SETTLED(cuMulticastCreate, (CUmemGenericAllocationHandle * handle, const CUmulticastObjectProp *properties), handle, properties)
ALQ_SETTLED(cuMulticastAddDevice, (CUmemGenericAllocationHandle handle, CUdevice ordinal), handle, ordinal)
ALQ_SETTLED_LAZILY(cuMulticastUnbind,
    (CUmemGenericAllocationHandle multicast, CUdevice ordinal, size_t multicast_offset, size_t bytes), multicast, ordinal,
    multicast_offset, bytes)
