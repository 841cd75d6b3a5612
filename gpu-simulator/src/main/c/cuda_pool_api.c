/* Stream-ordered allocation and the pool calls. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cuda_pool.h"
#include "cuda_share.h"
#include "cuda_stream.h"

static CUresult pool_of(CUmemoryPool handle, struct sim_pool **out) {
    SIM_NEED(sim_pool_ok(handle));
    *out = (struct sim_pool *)handle;
    return CUDA_SUCCESS;
}

static CUresult allocate(CUdeviceptr *out, size_t bytes, CUmemoryPool handle, bool named, CUstream where) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL && bytes != 0);
    struct sim_stream *stream;
    struct sim_pool *pool;
    SIM_TRY(sim_stream_resolve(&call, where, &stream));
    SIM_TRY(sim_pool_default(stream->ctx->ordinal, &pool));
    if (named) SIM_TRY(pool_of(handle, &pool));
    else pool = sim_process.current_pool[stream->ctx->ordinal];
    if (pool->imported) return CUDA_ERROR_INVALID_VALUE;
    if (sim_stream_capturing(stream)) {
        struct sim_work work = {.type = SIM_WORK_GRAPH_ALLOC};
        work.alloc.params.bytesize = bytes;
        work.alloc.params.poolProps.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
        work.alloc.params.poolProps.location = (CUmemLocation){CU_MEM_LOCATION_TYPE_DEVICE, pool->ordinal};
        CUgraphNode node;
        SIM_TRY(sim_capture_add(&call, stream, &work, &node));
        CUDA_MEM_ALLOC_NODE_PARAMS params;
        SIM_TRY(cuGraphMemAllocNodeGetParams(node, &params));
        *out = params.dptr;
        return CUDA_SUCCESS;
    }
    if (stream->legacy && atomic_load(&stream->ctx->captures) != 0) {
        return sim_capture_spoil_context(stream->ctx, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
    }
    uint64_t address;
    CUresult result = sim_pool_take(pool, bytes, &address);
    if (result == CUDA_ERROR_OUT_OF_MEMORY && (atomic_load(&stream->ctx->busy_streams) != 0 || !sim_stream_idle(stream))) {
        sim_context_drain(stream->ctx); /* frees that wait in a queue make room */
        result = sim_pool_take(pool, bytes, &address);
    }
    if (result == CUDA_SUCCESS) *out = address;
    return result;
}
CUresult cuMemAllocAsync(CUdeviceptr *out, size_t bytes, CUstream stream) { return allocate(out, bytes, NULL, false, stream); }
CUresult cuMemAllocAsync_ptsz(CUdeviceptr *out, size_t bytes, CUstream stream) {
    return allocate(out, bytes, NULL, false, sim_pts(stream));
}
CUresult cuMemAllocFromPoolAsync(CUdeviceptr *out, size_t bytes, CUmemoryPool pool, CUstream stream) {
    return allocate(out, bytes, pool, true, stream);
}
CUresult cuMemAllocFromPoolAsync_ptsz(CUdeviceptr *out, size_t bytes, CUmemoryPool pool, CUstream stream) {
    return allocate(out, bytes, pool, true, sim_pts(stream));
}

/* Whether address is a live block that nobody has freed yet; marks it as being freed. */
static bool begin_free(uint64_t address) {
    struct sim_range *range = sim_space_range(address);
    if (range == NULL || range->kind != SIM_RANGE_SEGMENT) return false;
    bool good = false;
    pthread_mutex_lock(&range->pool->mutex);
    for (struct sim_block *block = range->segment->blocks; block != NULL; block = block->next) {
        if (block->base != address || !block->used || block->freeing) continue;
        block->freeing = good = true;
        break;
    }
    pthread_mutex_unlock(&range->pool->mutex);
    return good;
}

static CUresult release(CUdeviceptr address, CUstream where) {
    SIM_ENTER_CONTEXT();
    struct sim_stream *stream;
    SIM_TRY(sim_stream_resolve(&call, where, &stream));
    if (address == 0) return CUDA_SUCCESS;
    struct sim_work work = {.type = SIM_WORK_POOL_FREE, .address = address};
    if (sim_graph_memory_is(address)) work.type = SIM_WORK_GRAPH_FREE;
    if (sim_stream_capturing(stream)) {
        SIM_NEED(work.type == SIM_WORK_GRAPH_FREE);
        return sim_capture_add(&call, stream, &work, NULL);
    }
    if (work.type == SIM_WORK_POOL_FREE) {
        struct sim_range *range = sim_space_range(address);
        if (range != NULL && range->kind == SIM_RANGE_IMPORT && range->pool != NULL) {
            sim_stream_drain(stream);
            return sim_share_unmap(address);
        }
        if (range != NULL && !range->array && (range->kind == SIM_RANGE_BLOCK || range->kind == SIM_RANGE_SMALL)) {
            struct sim_found found;
            SIM_NEED(sim_memory_find(address, &found) && found.base == address);
            work.type = SIM_WORK_MEMORY_FREE;
        } else {
            SIM_NEED(begin_free(address));
        }
    }
    return sim_submit(&call, stream, &work, 0);
}
CUresult cuMemFreeAsync(CUdeviceptr address, CUstream stream) { return release(address, stream); }
CUresult cuMemFreeAsync_ptsz(CUdeviceptr address, CUstream stream) { return release(address, sim_pts(stream)); }

/* ---- pools ---- */

CUresult cuMemPoolCreate(CUmemoryPool *out, const CUmemPoolProps *props) {
    SIM_ENTER();
    SIM_NEED(out != NULL && props != NULL && props->allocType == CU_MEM_ALLOCATION_TYPE_PINNED);
    if (props->location.type == CU_MEM_LOCATION_TYPE_HOST || props->location.type == CU_MEM_LOCATION_TYPE_HOST_NUMA) {
        return CUDA_ERROR_NOT_SUPPORTED;
    }
    SIM_NEED(props->location.type == CU_MEM_LOCATION_TYPE_DEVICE);
    if (!sim_ordinal_ok(props->location.id)) return CUDA_ERROR_INVALID_DEVICE;
    if (props->handleTypes & ~(unsigned)CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR) return CUDA_ERROR_NOT_SUPPORTED;
    struct sim_pool *pool = sim_pool_make(props->location.id);
    if (pool == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    pool->handle_types = props->handleTypes;
    pool->maximum = props->maxSize;
    *out = (CUmemoryPool)pool;
    return CUDA_SUCCESS;
}

CUresult cuMemPoolDestroy(CUmemoryPool handle) {
    SIM_ENTER();
    struct sim_pool *pool;
    SIM_TRY(pool_of(handle, &pool));
    SIM_NEED(!pool->standard);
    sim_context_drain_all();
    if (sim_process.current_pool[pool->ordinal] == pool) sim_process.current_pool[pool->ordinal] = sim_process.default_pool[pool->ordinal];
    sim_pool_unmake(pool);
    return CUDA_SUCCESS;
}

CUresult cuMemPoolTrimTo(CUmemoryPool handle, size_t keep) {
    SIM_ENTER();
    struct sim_pool *pool;
    SIM_TRY(pool_of(handle, &pool));
    sim_pool_trim(pool, keep);
    return CUDA_SUCCESS;
}

CUresult cuMemPoolGetAttribute(CUmemoryPool handle, CUmemPool_attribute attribute, void *out) {
    SIM_ENTER();
    struct sim_pool *pool;
    SIM_TRY(pool_of(handle, &pool));
    SIM_NEED(out != NULL);
    switch (attribute) {
    case CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES:
    case CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC:
    case CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES: *(int *)out = pool->reuse[attribute - 1]; break;
    case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD: *(cuuint64_t *)out = pool->threshold; break;
    case CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT: *(cuuint64_t *)out = pool->reserved; break;
    case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH: *(cuuint64_t *)out = pool->reserved_high; break;
    case CU_MEMPOOL_ATTR_USED_MEM_CURRENT: *(cuuint64_t *)out = pool->used; break;
    case CU_MEMPOOL_ATTR_USED_MEM_HIGH: *(cuuint64_t *)out = pool->used_high; break;
    default: return CUDA_ERROR_INVALID_VALUE;
    }
    return CUDA_SUCCESS;
}

CUresult cuMemPoolSetAttribute(CUmemoryPool handle, CUmemPool_attribute attribute, void *value) {
    SIM_ENTER();
    struct sim_pool *pool;
    SIM_TRY(pool_of(handle, &pool));
    SIM_NEED(value != NULL);
    switch (attribute) {
    case CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES:
    case CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC:
    case CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES: pool->reuse[attribute - 1] = *(int *)value; break;
    case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD: pool->threshold = *(cuuint64_t *)value; break;
    case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH:
        SIM_NEED(*(cuuint64_t *)value == 0);
        pool->reserved_high = pool->reserved;
        break;
    case CU_MEMPOOL_ATTR_USED_MEM_HIGH:
        SIM_NEED(*(cuuint64_t *)value == 0);
        pool->used_high = pool->used;
        break;
    default: return CUDA_ERROR_INVALID_VALUE;
    }
    return CUDA_SUCCESS;
}

CUresult cuMemPoolSetAccess(CUmemoryPool handle, const CUmemAccessDesc *list, size_t count) {
    SIM_ENTER();
    struct sim_pool *pool;
    SIM_TRY(pool_of(handle, &pool));
    SIM_NEED(list != NULL && count != 0);
    for (size_t i = 0; i < count; i++) {
        SIM_NEED(list[i].location.type == CU_MEM_LOCATION_TYPE_DEVICE);
        if (!sim_ordinal_ok(list[i].location.id)) return CUDA_ERROR_INVALID_DEVICE;
        uint32_t bit = 1u << list[i].location.id;
        SIM_NEED(list[i].flags != CU_MEM_ACCESS_FLAGS_PROT_NONE || list[i].location.id != pool->ordinal);
        pool->readers = list[i].flags == CU_MEM_ACCESS_FLAGS_PROT_NONE ? pool->readers & ~bit : pool->readers | bit;
    }
    return CUDA_SUCCESS;
}
CUresult cuMemPoolGetAccess(CUmemAccess_flags *out, CUmemoryPool handle, CUmemLocation *where) {
    SIM_ENTER();
    struct sim_pool *pool;
    SIM_TRY(pool_of(handle, &pool));
    SIM_NEED(out != NULL && where != NULL && where->type == CU_MEM_LOCATION_TYPE_DEVICE && sim_ordinal_ok(where->id));
    *out = (pool->readers >> where->id) & 1 ? CU_MEM_ACCESS_FLAGS_PROT_READWRITE : CU_MEM_ACCESS_FLAGS_PROT_NONE;
    return CUDA_SUCCESS;
}

/* ---- a device's pools ---- */

CUresult cuDeviceGetDefaultMemPool(CUmemoryPool *out, CUdevice ordinal) {
    SIM_ENTER();
    SIM_NEED(out != NULL);
    if (!sim_ordinal_ok(ordinal)) return CUDA_ERROR_INVALID_DEVICE;
    struct sim_pool *pool;
    SIM_TRY(sim_pool_default(ordinal, &pool));
    *out = (CUmemoryPool)pool;
    return CUDA_SUCCESS;
}
CUresult cuDeviceGetMemPool(CUmemoryPool *out, CUdevice ordinal) {
    SIM_TRY(cuDeviceGetDefaultMemPool(out, ordinal));
    *out = (CUmemoryPool)sim_process.current_pool[ordinal];
    return CUDA_SUCCESS;
}
CUresult cuDeviceSetMemPool(CUdevice ordinal, CUmemoryPool handle) {
    SIM_ENTER();
    if (!sim_ordinal_ok(ordinal)) return CUDA_ERROR_INVALID_DEVICE;
    struct sim_pool *pool;
    SIM_TRY(pool_of(handle, &pool));
    SIM_NEED(pool->ordinal == ordinal);
    sim_process.current_pool[ordinal] = pool;
    return CUDA_SUCCESS;
}
static CUresult location_ordinal(const CUmemLocation *where, CUmemAllocationType type, int *ordinal) {
    SIM_NEED(where != NULL && type == CU_MEM_ALLOCATION_TYPE_PINNED);
    if (where->type != CU_MEM_LOCATION_TYPE_DEVICE) return CUDA_ERROR_NOT_SUPPORTED;
    *ordinal = where->id;
    return CUDA_SUCCESS;
}
CUresult cuMemGetDefaultMemPool(CUmemoryPool *out, CUmemLocation *where, CUmemAllocationType type) {
    int ordinal;
    SIM_TRY(location_ordinal(where, type, &ordinal));
    return cuDeviceGetDefaultMemPool(out, ordinal);
}
CUresult cuMemGetMemPool(CUmemoryPool *out, CUmemLocation *where, CUmemAllocationType type) {
    int ordinal;
    SIM_TRY(location_ordinal(where, type, &ordinal));
    return cuDeviceGetMemPool(out, ordinal);
}
CUresult cuMemSetMemPool(CUmemLocation *where, CUmemAllocationType type, CUmemoryPool pool) {
    int ordinal;
    SIM_TRY(location_ordinal(where, type, &ordinal));
    return cuDeviceSetMemPool(ordinal, pool);
}
