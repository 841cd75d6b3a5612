/*
 * Memory of others, shared: opened, imported, bound. Its maker is charged for it while that holds it, and then whoever else does: the
 * agent sees who. Handle types and IPC paths are never altered.
 */
#include "settled.h"

ALQ_IMPORT(cuIpcOpenMemHandle, address, alq_place_of_address, cuIpcCloseMemHandle,
    (CUdeviceptr * address, CUipcMemHandle handle, unsigned int flags), address, handle, flags)
ALQ_IMPORT(cuIpcOpenMemHandle_v2, address, alq_place_of_address, cuIpcCloseMemHandle,
    (CUdeviceptr * address, CUipcMemHandle handle, unsigned int flags), address, handle, flags)
ALQ_SETTLED_LAZILY(cuIpcCloseMemHandle, (CUdeviceptr address), address)
ALQ_IMPORT(cuMemImportFromShareableHandle, handle, alq_place_of_handle, cuMemRelease,
    (CUmemGenericAllocationHandle * handle, void *shared, CUmemAllocationHandleType type), handle, shared, type)
ALQ_SETTLED_LAZILY(cuMemPoolImportFromShareableHandle,
    (CUmemoryPool * pool, void *shared, CUmemAllocationHandleType type, unsigned long long flags), pool, shared, type, flags)
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
ALQ_SETTLED(cuMulticastBindAddr,
    (CUmemGenericAllocationHandle multicast, size_t multicast_offset, CUdeviceptr address, size_t bytes,
        unsigned long long flags),
    multicast, multicast_offset, address, bytes, flags)
ALQ_SETTLED_LAZILY(cuMulticastUnbind,
    (CUmemGenericAllocationHandle multicast, CUdevice ordinal, size_t multicast_offset, size_t bytes), multicast, ordinal,
    multicast_offset, bytes)
