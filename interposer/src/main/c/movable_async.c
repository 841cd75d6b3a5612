/* See movable_async.h. */
#include "movable_async.h"

#include "contexts.h"
#include "gate.h"
#include "graph_blocks.h"
#include "hooks.h"
#include "kept.h"
#include "movable.h"
#include "pool_movable.h"

bool alq_draws_movable(struct alq_pool *pool, CUstream stream, uint64_t bytes)
{
    struct alq_place place;
    if (pool == NULL || bytes < ALQ_LARGE_BYTES || !alq_movable(alq_pool_place(pool)->device, bytes) || !alq_pool_takes_movable(pool)) {
        return false;
    }
    CUstreamCaptureStatus status;
    return ALQ_CALL(cuStreamIsCapturing, stream, &status) == CUDA_SUCCESS && alq_contexts_has(alq_context_of_stream(stream))
        && alq_place_of_stream(stream, &place) && place.ordinal == alq_pool_place(pool)->ordinal;
}

uint64_t alq_stream_id(CUstream stream)
{
    unsigned long long id = 0;
    return ALQ_CALL(cuStreamGetId, stream, &id) == CUDA_SUCCESS ? id : 0;
}

/* A kept block that may be used on the stream without growing; NULL: none. */
static struct alq_movable_block *alq_reuse(struct alq_pool *pool, uint64_t bytes, CUstream stream)
{
    if (alq_kept_none()) {
        return NULL;
    }
    struct alq_movable_block *block = alq_kept_take(pool, bytes, alq_stream_id(stream));
    return block == NULL && alq_pool_reuses(pool, CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC) ? alq_kept_take_passed(pool, bytes)
                                                                                             : block;
}

void alq_movable_revive(CUdeviceptr *address, struct alq_movable_block *block, const struct alq_movable_use *use)
{
    bool gated = alq_gate_enter();
    alq_pool_movable_shift(use->pool, alq_pool_units(use->asked_bytes), 0);
    alq_movables_revive(block, use->asked_bytes, use->context);
    *address = block->begin;
    alq_gate_leave(gated);
}

/* Reuses a kept block, or charges what a new one takes; waits only where there is no other way. False: neither can be had. *block is NULL
 * where it was charged. */
static bool alq_draw(const struct alq_movable_use *use, CUstream stream, struct alq_movable_block **block)
{
    uint64_t bytes = alq_charge_size(use->asked_bytes);
    *block = alq_reuse(use->pool, bytes, stream);
    if (*block != NULL || alq_take_unused(use->place.device, bytes)) {
        return true;
    }
    if (!alq_kept_none() && alq_pool_reuses(use->pool, CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES)) {
        *block = alq_kept_take_behind(use->pool, bytes, stream);
    }
    return *block != NULL || alq_take_waiting(use->place.device, bytes);
}

CUresult alq_movable_draw(CUdeviceptr *address, uint64_t asked_bytes, struct alq_pool *pool, CUstream stream)
{
    struct alq_movable_block *block;
    struct alq_movable_use use = {
        .asked_bytes = asked_bytes, .place = *alq_pool_place(pool), .context = alq_context_of_stream(stream), .pool = pool};
    if (!alq_draw(&use, stream, &block)) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    if (block == NULL) {
        return alq_movable_make(address, &use);
    }
    alq_movable_revive(address, block, &use);
    return CUDA_SUCCESS;
}

/* Records an event behind what was submitted to the stream. */
static CUresult alq_mark(CUstream stream, CUcontext context, CUevent *event)
{
    CUcontext popped;
    bool other = context != alq_context_current();
    if (other && ALQ_CALL(cuCtxPushCurrent_v2, context) != CUDA_SUCCESS) {
        return CUDA_ERROR_INVALID_CONTEXT;
    }
    /* on a stream that may not be given work now this says so, as any submission does */
    CUresult result = ALQ_CALL(cuEventCreate, event, CU_EVENT_DISABLE_TIMING);
    if (result == CUDA_SUCCESS && (result = ALQ_CALL(cuEventRecord, *event, stream)) != CUDA_SUCCESS) {
        ALQ_CALL(cuEventDestroy_v2, *event);
    }
    if (other) {
        ALQ_CALL(cuCtxPopCurrent_v2, &popped);
    }
    return result;
}

bool alq_movable_free_async(CUdeviceptr address, CUstream stream, CUresult *result)
{
    struct alq_movable_block copy;
    if (!alq_movables_find(address, &copy) || copy.begin != address || copy.tie == ALQ_OPENED || copy.virtual != NULL || alq_context_current() == NULL) {
        return false;
    }
    struct alq_freed freed = {.context = alq_context_of_stream(stream), .stream = alq_stream_id(stream)};
    if (freed.context == NULL) {
        return false;
    }
    if (!alq_contexts_has(freed.context)) {
        *result = ALQ_CALL(cuStreamSynchronize, stream);
        return *result != CUDA_SUCCESS || alq_movable_free(address, result);
    }
    bool gated = alq_gate_enter();
    if (copy.graph.state == ALQ_HELD) {
        *result = alq_mark(stream, freed.context, &freed.event);
        if (*result != CUDA_SUCCESS || alq_graph_free(address, &freed, true, result)) {
            alq_gate_leave(gated);
            return true;
        }
    }
    struct alq_movable_block *block = alq_movables_keep(address);
    if (block != NULL && (*result = alq_mark(stream, freed.context, &freed.event)) == CUDA_SUCCESS) {
        alq_pool_movable_shift(block->pool, 0 - alq_pool_units(block->asked_bytes), 0);
        alq_kept_put(block, &freed);
    } else if (block != NULL) {
        alq_movables_revive(block, 0, NULL);
    }
    alq_gate_leave(gated);
    return block != NULL;
}
