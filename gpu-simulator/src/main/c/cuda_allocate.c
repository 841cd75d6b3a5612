/* cuMemAlloc and its kin, and what can be asked about memory. */
#include <stdlib.h>

#include "cuda_memory.h"
#include "cuda_share.h"
#include "cuda_stream.h"

static CUresult allocate(struct sim_call *call, uint64_t bytes, bool low, uint64_t *address) {
    SIM_NEED(bytes != 0);
    SIM_TRY(sim_unsafe(call));
    return sim_memory_take(call->ctx, bytes, low, false, address);
}

CUresult cuMemAlloc_v2(CUdeviceptr *out, size_t bytes) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL);
    uint64_t address;
    SIM_TRY(allocate(&call, bytes, false, &address));
    *out = address;
    return CUDA_SUCCESS;
}

CUresult cuMemAlloc(CUdeviceptr_v1 *out, unsigned int bytes) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL);
    uint64_t address;
    SIM_TRY(allocate(&call, bytes, true, &address));
    *out = (CUdeviceptr_v1)address;
    return CUDA_SUCCESS;
}

static CUresult pitch_of(size_t width, size_t height, unsigned element, size_t *pitch, size_t *bytes) {
    SIM_NEED(width != 0 && height != 0 && (element == 4 || element == 8 || element == 16));
    *pitch = sim_round_up(width, SIM_UNIT_BYTES);
    SIM_NEED(!__builtin_mul_overflow(*pitch, height, bytes));
    return CUDA_SUCCESS;
}

CUresult cuMemAllocPitch_v2(CUdeviceptr *out, size_t *pitch, size_t width, size_t height, unsigned int element) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL && pitch != NULL);
    size_t row, bytes;
    uint64_t address;
    SIM_TRY(pitch_of(width, height, element, &row, &bytes));
    SIM_TRY(allocate(&call, bytes, false, &address));
    *out = address;
    *pitch = row;
    return CUDA_SUCCESS;
}

CUresult cuMemAllocPitch(CUdeviceptr_v1 *out, unsigned int *pitch, unsigned int width, unsigned int height, unsigned int element) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL && pitch != NULL);
    size_t row, bytes;
    uint64_t address;
    SIM_TRY(pitch_of(width, height, element, &row, &bytes));
    SIM_TRY(allocate(&call, bytes, true, &address));
    *out = (CUdeviceptr_v1)address;
    *pitch = (unsigned)row;
    return CUDA_SUCCESS;
}

CUresult cuMemAllocManaged(CUdeviceptr *out, size_t bytes, unsigned int flags) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL && bytes != 0 && (flags == CU_MEM_ATTACH_GLOBAL || flags == CU_MEM_ATTACH_HOST));
    uint64_t address;
    /* Whole pages, so that the host can be shown them without showing a neighbour. */
    SIM_TRY(allocate(&call, sim_round_up(bytes, SIM_PAGE_BYTES), false, &address));
    struct sim_range *range = sim_space_range(address);
    if (!sim_space_show(address, range->span)) {
        sim_memory_give(address);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    range->managed = true;
    range->bytes = bytes;
    sim_process.managed = true;
    *out = address;
    return CUDA_SUCCESS;
}

static CUresult release(struct sim_call *call, uint64_t address) {
    if (address == 0) return CUDA_SUCCESS;
    SIM_TRY(sim_unsafe(call));
    struct sim_range *range = sim_space_range(address);
    SIM_NEED(range != NULL && !range->array);
    if (range->kind == SIM_RANGE_BLOCK || range->kind == SIM_RANGE_SMALL) {
        sim_context_drain(range->ctx);
        return sim_memory_give(address);
    }
    if (range->kind == SIM_RANGE_SEGMENT) {
        sim_context_drain(call->ctx);
        CUresult result = sim_pool_free_now(address);
        sim_pool_settle();
        return result;
    }
    if (range->kind == SIM_RANGE_IMPORT && range->pool != NULL) {
        sim_context_drain(call->ctx);
        return sim_share_unmap(address);
    }
    if (range->kind == SIM_RANGE_GRAPH) {
        sim_context_drain(call->ctx);
        return sim_graph_memory_free(address);
    }
    return CUDA_ERROR_INVALID_VALUE;
}

CUresult cuMemFree_v2(CUdeviceptr address) {
    SIM_ENTER_CONTEXT();
    return release(&call, address);
}

CUresult cuMemFree(CUdeviceptr_v1 address) {
    SIM_ENTER_CONTEXT();
    return release(&call, address);
}

/* What is free: for everyone on the device, and within the limit the driver holds this process's cgroup to. */
static void memory_info(const struct sim_context *ctx, uint64_t *free_bytes, uint64_t *total_bytes) {
    const struct sim_device_config *device = &sim_config()->devices[ctx->device];
    uint64_t capacity = sim_mem_capacity(ctx->device), used = sim_mem_used(ctx->device);
    *total_bytes = device->memory_bytes - device->reserved_bytes;
    *free_bytes = used > capacity ? 0 : capacity - used;
}

CUresult cuMemGetInfo_v2(size_t *free_bytes, size_t *total_bytes) {
    SIM_ENTER_CONTEXT();
    uint64_t available, total;
    memory_info(call.ctx, &available, &total);
    if (free_bytes != NULL) *free_bytes = available;
    if (total_bytes != NULL) *total_bytes = total;
    return CUDA_SUCCESS;
}

CUresult cuMemGetInfo(unsigned int *free_bytes, unsigned int *total_bytes) {
    SIM_ENTER_CONTEXT();
    uint64_t available, total;
    memory_info(call.ctx, &available, &total);
    if (free_bytes != NULL) *free_bytes = available > UINT32_MAX ? UINT32_MAX : (unsigned)available;
    if (total_bytes != NULL) *total_bytes = total > UINT32_MAX ? UINT32_MAX : (unsigned)total;
    return CUDA_SUCCESS;
}

CUresult cuMemGetAddressRange_v2(CUdeviceptr *base, size_t *bytes, CUdeviceptr address) {
    SIM_ENTER_CONTEXT();
    struct sim_found found;
    struct sim_host host;
    if (sim_memory_find(address, &found)) {
        if (base != NULL) *base = found.base;
        if (bytes != NULL) *bytes = found.bytes;
        return CUDA_SUCCESS;
    }
    if (address == 0 || !sim_host_find(address, 1, &host)) return CUDA_ERROR_NOT_FOUND;
    if (base != NULL) *base = host.base;
    if (bytes != NULL) *bytes = host.bytes;
    return CUDA_SUCCESS;
}

CUresult cuMemGetAddressRange(CUdeviceptr_v1 *base, unsigned int *bytes, CUdeviceptr_v1 address) {
    CUdeviceptr wide_base = 0;
    size_t wide_bytes = 0;
    SIM_TRY(cuMemGetAddressRange_v2(&wide_base, &wide_bytes, address));
    if (base != NULL) *base = (CUdeviceptr_v1)wide_base;
    if (bytes != NULL) *bytes = (unsigned)wide_bytes;
    return CUDA_SUCCESS;
}
