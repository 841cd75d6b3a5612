/*
 * Memory of others, shared: opened, imported, bound. Its maker is charged for it; who else is, is the agent's to see. Handle types and IPC
 * paths are never altered.
 */
#include "settled.h"

ALQ_SETTLED(cuIpcOpenMemHandle, (CUdeviceptr * address, CUipcMemHandle handle, unsigned int flags), address, handle, flags)
ALQ_SETTLED(cuIpcOpenMemHandle_v2, (CUdeviceptr * address, CUipcMemHandle handle, unsigned int flags), address, handle, flags)
ALQ_SETTLED_LAZILY(cuIpcCloseMemHandle, (CUdeviceptr address), address)
ALQ_SETTLED(cuMemImportFromShareableHandle,
    (CUmemGenericAllocationHandle * handle, void *shared, CUmemAllocationHandleType type), handle, shared, type)
ALQ_SETTLED(cuMemPoolImportFromShareableHandle,
    (CUmemoryPool * pool, void *shared, CUmemAllocationHandleType type, unsigned long long flags), pool, shared, type, flags)
ALQ_SETTLED(cuMemPoolImportPointer, (CUdeviceptr * address, CUmemoryPool pool, CUmemPoolPtrExportData *shared), address, pool,
    shared)
ALQ_SETTLED(
    cuImportExternalMemory, (CUexternalMemory * memory, const CUDA_EXTERNAL_MEMORY_HANDLE_DESC *description), memory, description)
ALQ_SETTLED_LAZILY(cuDestroyExternalMemory, (CUexternalMemory memory), memory)
ALQ_SETTLED(cuExternalMemoryGetMappedBuffer,
    (CUdeviceptr * address, CUexternalMemory memory, const CUDA_EXTERNAL_MEMORY_BUFFER_DESC *description), address, memory,
    description)
ALQ_SETTLED(cuExternalMemoryGetMappedMipmappedArray,
    (CUmipmappedArray * array, CUexternalMemory memory, const CUDA_EXTERNAL_MEMORY_MIPMAPPED_ARRAY_DESC *description), array,
    memory, description)
ALQ_SETTLED(cuMulticastCreate, (CUmemGenericAllocationHandle * handle, const CUmulticastObjectProp *properties), handle, properties)
ALQ_SETTLED(cuMulticastAddDevice, (CUmemGenericAllocationHandle handle, CUdevice ordinal), handle, ordinal)
ALQ_SETTLED(cuMulticastBindAddr,
    (CUmemGenericAllocationHandle multicast, size_t multicast_offset, CUdeviceptr address, size_t bytes,
        unsigned long long flags),
    multicast, multicast_offset, address, bytes, flags)
ALQ_SETTLED_LAZILY(cuMulticastUnbind,
    (CUmemGenericAllocationHandle multicast, CUdevice ordinal, size_t multicast_offset, size_t bytes), multicast, ordinal,
    multicast_offset, bytes)
