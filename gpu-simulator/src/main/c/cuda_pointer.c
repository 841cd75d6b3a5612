/* Attributes of pointers, ranges of managed memory. */
#include "cuda_memory.h"

struct subject {
    bool device, host;
    struct sim_found found;
    struct sim_host pinned;
};

static CUresult attribute_of(void *out, CUpointer_attribute attribute, CUdeviceptr address, const struct subject *subject) {
    const struct sim_range *range = subject->found.range;
    bool known = subject->device || subject->host;
    switch (attribute) {
    case CU_POINTER_ATTRIBUTE_CONTEXT: {
        if (!known) return CUDA_ERROR_INVALID_VALUE;
        struct sim_context *ctx = subject->host ? subject->pinned.ctx : range->ctx;
        *(CUcontext *)out = (CUcontext)ctx;
        return CUDA_SUCCESS;
    }
    case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
        if (!known) return CUDA_ERROR_INVALID_VALUE;
        *(unsigned *)out = subject->host || (range->physical != NULL && range->device == SIM_HOST) ? CU_MEMORYTYPE_HOST
                                                                                                     : CU_MEMORYTYPE_DEVICE;
        return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_DEVICE_POINTER:
        if (!known) return CUDA_ERROR_INVALID_VALUE;
        *(CUdeviceptr *)out = address;
        return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_HOST_POINTER:
        if (!subject->host && !(subject->device && range->managed)) return CUDA_ERROR_INVALID_VALUE;
        *(void **)out = (void *)address;
        return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_SYNC_MEMOPS:
        if (!subject->device) return CUDA_ERROR_INVALID_VALUE;
        *(unsigned *)out = range->sync_memops;
        return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_BUFFER_ID:
    case CU_POINTER_ATTRIBUTE_MEMORY_BLOCK_ID:
        if (!known) return CUDA_ERROR_INVALID_VALUE;
        *(unsigned long long *)out = subject->host ? subject->pinned.id : subject->found.id;
        return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_IS_MANAGED:
        *(unsigned *)out = subject->device && range->managed;
        return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL:
        if (!known) *(int *)out = -2;
        else *(int *)out = subject->host ? (subject->pinned.ctx != NULL ? subject->pinned.ctx->ordinal : 0) : range->ordinal;
        return known ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
    case CU_POINTER_ATTRIBUTE_IS_LEGACY_CUDA_IPC_CAPABLE:
        *(unsigned *)out = subject->device && (range->kind == SIM_RANGE_BLOCK || range->kind == SIM_RANGE_SMALL) && !range->managed;
        return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR:
        if (!known) return CUDA_ERROR_INVALID_VALUE;
        *(CUdeviceptr *)out = subject->host ? subject->pinned.base : subject->found.base;
        return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_RANGE_SIZE:
        if (!known) return CUDA_ERROR_INVALID_VALUE;
        *(size_t *)out = subject->host ? subject->pinned.bytes : subject->found.bytes;
        return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_MAPPED: *(unsigned *)out = known; return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_ALLOWED_HANDLE_TYPES:
        *(unsigned long long *)out =
            subject->device && range->physical != NULL ? range->physical->prop.requestedHandleTypes : CU_MEM_HANDLE_TYPE_NONE;
        return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_IS_GPU_DIRECT_RDMA_CAPABLE: *(unsigned *)out = 0; return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_ACCESS_FLAGS:
        if (!subject->device) return CUDA_ERROR_INVALID_VALUE;
        *(unsigned *)out = atomic_load(&((struct sim_range *)(uintptr_t)range)->access);
        return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_MEMPOOL_HANDLE:
        *(CUmemoryPool *)out = subject->device ? sim_pool_handle(range) : NULL;
        return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_MAPPING_SIZE:
        if (!known) return CUDA_ERROR_INVALID_VALUE;
        *(size_t *)out = subject->host ? subject->pinned.bytes : range->span;
        return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_MAPPING_BASE_ADDR:
        if (!known) return CUDA_ERROR_INVALID_VALUE;
        *(CUdeviceptr *)out = subject->host ? subject->pinned.base : range->base;
        return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_IS_HW_DECOMPRESS_CAPABLE: *(unsigned *)out = 0; return CUDA_SUCCESS;
    default: return CUDA_ERROR_INVALID_VALUE;
    }
}

static void subject_of(CUdeviceptr address, struct subject *subject) {
    memset(subject, 0, sizeof *subject);
    subject->device = sim_memory_find(address, &subject->found) && !subject->found.range->array;
    if (!subject->device) {
        subject->found.range = NULL;
        subject->host = sim_host_find(address, 1, &subject->pinned);
    }
}

CUresult cuPointerGetAttribute(void *out, CUpointer_attribute attribute, CUdeviceptr address) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL && address != 0);
    struct subject subject;
    subject_of(address, &subject);
    if (!subject.device && !subject.host) return CUDA_ERROR_INVALID_VALUE;
    return attribute_of(out, attribute, address, &subject);
}

CUresult cuPointerGetAttributes(unsigned int count, CUpointer_attribute *attributes, void **out, CUdeviceptr address) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(count != 0 && attributes != NULL && out != NULL);
    struct subject subject;
    subject_of(address, &subject);
    for (unsigned i = 0; i < count; i++) {
        SIM_NEED(out[i] != NULL && attributes[i] >= 1 && attributes[i] <= CU_POINTER_ATTRIBUTE_IS_HW_DECOMPRESS_CAPABLE);
        if (attribute_of(out[i], attributes[i], address, &subject) == CUDA_SUCCESS) continue;
        bool wide = attributes[i] == CU_POINTER_ATTRIBUTE_CONTEXT || attributes[i] == CU_POINTER_ATTRIBUTE_DEVICE_POINTER ||
                    attributes[i] == CU_POINTER_ATTRIBUTE_HOST_POINTER || attributes[i] >= CU_POINTER_ATTRIBUTE_MAPPING_SIZE;
        if (wide) *(uint64_t *)out[i] = 0;
        else if (attributes[i] == CU_POINTER_ATTRIBUTE_MEMORY_TYPE) *(unsigned *)out[i] = 0;
    }
    return CUDA_SUCCESS;
}

CUresult cuPointerSetAttribute(const void *value, CUpointer_attribute attribute, CUdeviceptr address) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(value != NULL && attribute == CU_POINTER_ATTRIBUTE_SYNC_MEMOPS);
    struct sim_found found;
    SIM_NEED(sim_memory_find(address, &found));
    found.range->sync_memops = *(const unsigned *)value != 0;
    return CUDA_SUCCESS;
}

static CUresult managed(CUdeviceptr address, size_t bytes) {
    struct sim_found found;
    SIM_NEED(bytes != 0 && sim_memory_find(address, &found) && found.range->managed);
    SIM_NEED(bytes <= found.bytes - (address - found.base));
    return CUDA_SUCCESS;
}
CUresult cuMemAdvise(CUdeviceptr address, size_t bytes, CUmem_advise advice, CUdevice device) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(advice >= 1 && advice <= 6);
    if (device != CU_DEVICE_CPU && !sim_ordinal_ok(device)) return CUDA_ERROR_INVALID_DEVICE;
    return managed(address, bytes);
}
CUresult cuMemAdvise_v2(CUdeviceptr address, size_t bytes, CUmem_advise advice, CUmemLocation where) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(advice >= 1 && advice <= 6);
    if (where.type == CU_MEM_LOCATION_TYPE_DEVICE && !sim_ordinal_ok(where.id)) return CUDA_ERROR_INVALID_DEVICE;
    return managed(address, bytes);
}
CUresult cuMemPrefetchAsync(CUdeviceptr address, size_t bytes, CUdevice device, CUstream stream) {
    SIM_ENTER_CONTEXT();
    (void)stream;
    if (device != CU_DEVICE_CPU && !sim_ordinal_ok(device)) return CUDA_ERROR_INVALID_DEVICE;
    return managed(address, bytes);
}
CUresult cuMemPrefetchAsync_ptsz(CUdeviceptr address, size_t bytes, CUdevice device, CUstream stream) {
    return cuMemPrefetchAsync(address, bytes, device, sim_pts(stream));
}
CUresult cuMemPrefetchAsync_v2(CUdeviceptr address, size_t bytes, CUmemLocation where, unsigned int flags, CUstream stream) {
    SIM_ENTER_CONTEXT();
    (void)stream;
    SIM_NEED(flags == 0);
    if (where.type == CU_MEM_LOCATION_TYPE_DEVICE && !sim_ordinal_ok(where.id)) return CUDA_ERROR_INVALID_DEVICE;
    return managed(address, bytes);
}
CUresult cuMemPrefetchAsync_v2_ptsz(CUdeviceptr address, size_t bytes, CUmemLocation where, unsigned int flags, CUstream stream) {
    return cuMemPrefetchAsync_v2(address, bytes, where, flags, sim_pts(stream));
}
