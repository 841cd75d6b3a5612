/*
 * What can be asked about an address in movable memory: answered as plain memory would be, whole blocks and never pieces, wherever the
 * data is. What differs is what is true: it cannot be registered by its address alone (rdma.h). Attributes that are not understood here go to the driver, which
 * answers for the piece.
 */
#include "movables.h"
#include "devices.h"
#include "hooks.h"
#include "pool.h"

/* Ids of blocks among the driver's own, which count up from small numbers. */
#define ALQ_BUFFER_ID_BASE (1ull << 48)

CUresult alq_hook_cuMemGetAddressRange_v2(CUdeviceptr *begin, size_t *bytes, CUdeviceptr address)
{
    struct alq_movable_block block;
    if (alq_transparent() || !alq_movables_find(address, &block) || alq_context_current() == NULL) {
        return ALQ_PASS_GATED(cuMemGetAddressRange_v2, begin, bytes, address);
    }
    if (address - block.begin >= block.asked_bytes) {
        return CUDA_ERROR_NOT_FOUND; /* between the end of the block and that of its last piece */
    }
    if (begin != NULL) {
        *begin = block.begin;
    }
    if (bytes != NULL) {
        *bytes = block.asked_bytes;
    }
    return CUDA_SUCCESS;
}

/* Movable memory may lie below 4 GiB, too. */
CUresult alq_hook_cuMemGetAddressRange(CUdeviceptr_v1 *begin, unsigned int *bytes, CUdeviceptr_v1 address)
{
    struct alq_movable_block block;
    if (alq_transparent() || !alq_movables_find(address, &block) || alq_context_current() == NULL) {
        return ALQ_PASS_GATED(cuMemGetAddressRange, begin, bytes, address);
    }
    if (begin != NULL) {
        *begin = (CUdeviceptr_v1)block.begin;
    }
    if (bytes != NULL) {
        *bytes = (unsigned int)block.asked_bytes;
    }
    return CUDA_SUCCESS;
}

/* What the current device may do with a block. */
static unsigned int alq_access_here(const struct alq_movable_block *block)
{
    struct alq_place place;
    bool said = block->virtual != NULL && alq_place_current(&place) && place.ordinal < ALQ_ACCESSES;
    return said ? block->access[place.ordinal] : CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
}

/* Writes the answer; false: it is the driver's to give. *result is what plain memory answers. */
static bool alq_attribute(
    void *data, CUpointer_attribute attribute, CUdeviceptr address, const struct alq_movable_block *block, CUresult *result)
{
    *result = CUDA_SUCCESS;
    switch ((int)attribute) {
    case CU_POINTER_ATTRIBUTE_CONTEXT:
        if (block->pool != NULL || block->virtual != NULL) {
            return false; /* neither a pool's memory nor what is mapped is of a context */
        }
        *(CUcontext *)data = block->context;
        return true;
    case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
        *(unsigned int *)data = CU_MEMORYTYPE_DEVICE;
        return true;
    case CU_POINTER_ATTRIBUTE_DEVICE_POINTER:
        *(CUdeviceptr *)data = address;
        return true;
    case CU_POINTER_ATTRIBUTE_HOST_POINTER:
        *result = CUDA_ERROR_INVALID_VALUE;
        return true;
    case CU_POINTER_ATTRIBUTE_BUFFER_ID:
    case CU_POINTER_ATTRIBUTE_MEMORY_BLOCK_ID:
        *(unsigned long long *)data = ALQ_BUFFER_ID_BASE + block->id;
        return true;
    case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL:
        *(int *)data = block->ordinal;
        return true;
    case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR:
    case CU_POINTER_ATTRIBUTE_MAPPING_BASE_ADDR:
        *(CUdeviceptr *)data = block->begin;
        return true;
    case CU_POINTER_ATTRIBUTE_RANGE_SIZE:
        *(size_t *)data = block->asked_bytes;
        return true;
    case CU_POINTER_ATTRIBUTE_MAPPING_SIZE:
        *(size_t *)data = block->bytes;
        return true;
    case CU_POINTER_ATTRIBUTE_MAPPED:
        *(unsigned int *)data = 1;
        return true;
    case CU_POINTER_ATTRIBUTE_ACCESS_FLAGS:
        *(unsigned int *)data = alq_access_here(block);
        return true;
    case CU_POINTER_ATTRIBUTE_ALLOWED_HANDLE_TYPES:
        *(unsigned long long *)data = block->handle_types;
        return true;
    case CU_POINTER_ATTRIBUTE_MEMPOOL_HANDLE:
        *(CUmemoryPool *)data = block->pool == NULL ? NULL : alq_pool_handle(block->pool);
        return true;
    case CU_POINTER_ATTRIBUTE_IS_LEGACY_CUDA_IPC_CAPABLE:
        *(unsigned int *)data = block->pool == NULL && block->tie != ALQ_OPENED && block->virtual == NULL;
        return true;
    case CU_POINTER_ATTRIBUTE_SYNC_MEMOPS:
        *(unsigned int *)data = block->sync_memops;
        return true;
    case CU_POINTER_ATTRIBUTE_IS_MANAGED:
    case CU_POINTER_ATTRIBUTE_IS_GPU_DIRECT_RDMA_CAPABLE:
        *(unsigned int *)data = 0;
        return true;
    default:
        return false;
    }
}

CUresult alq_hook_cuPointerGetAttribute(void *data, CUpointer_attribute attribute, CUdeviceptr address)
{
    struct alq_movable_block block;
    CUresult result;
    if (alq_transparent() || data == NULL || !alq_movables_find(address, &block) || alq_context_current() == NULL) {
        return ALQ_PASS_GATED(cuPointerGetAttribute, data, attribute, address);
    }
    if (!alq_attribute(data, attribute, address, &block, &result)) {
        return ALQ_PASS_GATED(cuPointerGetAttribute, data, attribute, address);
    }
    return result;
}

/* The driver checks the list and answers what is its to answer; the rest is put right after it. */
CUresult alq_hook_cuPointerGetAttributes(unsigned int count, CUpointer_attribute *attributes, void **data, CUdeviceptr address)
{
    struct alq_movable_block block;
    if (alq_transparent() || !alq_movables_find(address, &block)) {
        return ALQ_PASS_GATED(cuPointerGetAttributes, count, attributes, data, address);
    }
    CUresult result = ALQ_PASS_GATED(cuPointerGetAttributes, count, attributes, data, address);
    for (unsigned int at = 0; result == CUDA_SUCCESS && at < count; at++) {
        CUresult own;
        if (alq_attribute(data[at], attributes[at], address, &block, &own) && own != CUDA_SUCCESS) {
            *(void **)data[at] = NULL;
        }
    }
    return result;
}
