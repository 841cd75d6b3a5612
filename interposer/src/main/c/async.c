/* Stream-ordered allocation, and pools as the application handles them. */
#include "async.h"

#include "graph.h"
#include "graph_blocks.h"
#include "hooks.h"
#include "movable.h"
#include "movable_async.h"
#include "pool.h"
#include "small.h"

void alq_free_begin(struct alq_freeing *freeing, CUdeviceptr address)
{
    freeing->address = address;
    freeing->tracked = address != 0 && alq_pointers_take(ALQ_SPACE_ADDRESS, address, &freeing->holding);
}

CUresult alq_free_end(struct alq_freeing *freeing, CUresult result)
{
    const struct alq_holding *holding = &freeing->holding;
    if (!freeing->tracked) {
        if (result == CUDA_SUCCESS && alq_graph_seen()) {
            alq_pool_settle_all(-1);
        }
    } else if (result != CUDA_SUCCESS) {
        alq_pointers_put(ALQ_SPACE_ADDRESS, freeing->address, holding);
    } else if (holding->pool != NULL) {
        alq_pool_live_sub(holding->pool, holding->bytes);
        alq_pool_settle(holding->pool);
    } else {
        alq_give(holding);
    }
    return result;
}

/* An allocation from a pool, in progress. */
struct alq_drawing {
    struct alq_place place;
    struct alq_pool *pool;   /* NULL: not a pool of device memory that we know */
    uint64_t reserved_bytes; /* the pool's, before the driver was asked */
    uint64_t pending_bytes;  /* charged until the pool's own charge is corrected */
};

/* Learns from what a pool has really grown by. */
static void alq_growth_learn(const struct alq_drawing *drawing)
{
    uint64_t reserved_bytes;
    uint64_t in_use_bytes;
    if (drawing->pending_bytes != 0 && alq_pool_figures(drawing->pool, &reserved_bytes, &in_use_bytes)) {
        alq_pool_grown(alq_sub(reserved_bytes, drawing->reserved_bytes));
    }
}

/* The size of a hole that a pool with that much idle memory can be trusted to have: half of what is idle in an average piece. */
static uint64_t alq_hole_bytes(uint64_t reserved_bytes, uint64_t in_use_bytes)
{
    uint64_t pieces = reserved_bytes / ALQ_POOL_PIECE_BYTES;
    return alq_sub(reserved_bytes, in_use_bytes) / (pieces == 0 ? 1 : pieces) / 2;
}

/*
 * Charges what the pool may have to grow by. What is idle in it may be in pieces that are too small, so growth is charged in full; only
 * where the credit at hand does not allow that and the allocation is small beside the pool's holes, none is. Else the agent is
 * asked, and then pools give back what they do not use, as the driver itself does on a full device.
 */
static CUresult alq_draw_begin(struct alq_drawing *drawing, uint64_t bytes)
{
    uint64_t in_use_bytes;
    if (drawing->pool == NULL || !alq_pool_figures(drawing->pool, &drawing->reserved_bytes, &in_use_bytes)) {
        drawing->pool = NULL;
        return CUDA_SUCCESS;
    }
    drawing->pending_bytes = alq_pool_growth_bytes(bytes);
    if (alq_fixed_fits(drawing->place.device, drawing->pending_bytes)
        && alq_charge_within_credit(drawing->place.device, drawing->pending_bytes)) {
        return CUDA_SUCCESS;
    }
    if (bytes <= alq_hole_bytes(drawing->reserved_bytes, in_use_bytes)) {
        drawing->pending_bytes = 0;
        return CUDA_SUCCESS;
    }
    return alq_take_fixed(drawing->place.device, drawing->pending_bytes) ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

/* Gives back an allocation that made its pool grow past the limit, and the growth with it. */
static CUresult alq_draw_undo(const struct alq_drawing *drawing, CUdeviceptr address, CUstream stream)
{
    struct alq_freeing freeing;
    alq_free_begin(&freeing, address);
    alq_free_end(&freeing, ALQ_CALL_GATED(cuMemFreeAsync, address, stream));
    ALQ_CALL(cuStreamSynchronize, stream);
    alq_pool_trim(drawing->pool, drawing->reserved_bytes);
    alq_charge_refused();
    return CUDA_ERROR_OUT_OF_MEMORY;
}

/* Corrects the charge by what the pool has really taken; undoes the allocation where that passes the limit. */
static CUresult alq_draw_end(struct alq_drawing *drawing, CUresult result, CUdeviceptr *address, uint64_t bytes, CUstream stream)
{
    struct alq_pool *pool = drawing->pool;
    if (pool == NULL) {
        return result;
    }
    struct alq_holding holding = {.bytes = bytes, .device = drawing->place.device, .pool = pool};
    bool kept = result == CUDA_SUCCESS && alq_pointers_put(ALQ_SPACE_ADDRESS, *address, &holding);
    if (kept) {
        alq_pool_live_add(pool, bytes);
        alq_growth_learn(drawing);
    }
    alq_pool_settle(pool);
    alq_uncharge(drawing->place.device, drawing->pending_bytes);
    if (result != CUDA_SUCCESS || (kept && alq_charge_covered(drawing->place.device))) {
        return result;
    }
    return alq_draw_undo(drawing, *address, stream);
}

/* The pool that an allocation without a named pool comes from. */
static void alq_draw_from_device(struct alq_drawing *drawing, CUstream stream)
{
    CUmemoryPool handle = NULL;
    *drawing = (struct alq_drawing){0};
    if (alq_place_of_stream(stream, &drawing->place)
        && ALQ_CALL(cuDeviceGetMemPool, &handle, drawing->place.ordinal) == CUDA_SUCCESS) {
        drawing->pool = alq_pool_of(handle, &drawing->place);
    }
}

/* Whether the device is not the tenant's: nothing may be held there. */
static bool alq_draw_forbidden(const struct alq_drawing *drawing)
{
    return drawing->pool == NULL && drawing->place.device < 0;
}

/* Whether an allocation that is being captured is answered, with a movable block of the graph's. */
static bool alq_draw_captured(const struct alq_drawing *drawing, CUdeviceptr *address, uint64_t bytes, CUstream stream)
{
    return alq_draws_movable(drawing->pool, stream, bytes) && alq_graph_draw(address, bytes, drawing->pool, stream);
}

static CUresult alq_draw_refuse(void)
{
    alq_charge_refused();
    return CUDA_ERROR_OUT_OF_MEMORY;
}

#define ALQ_ALLOC_ASYNC(name, free_stream)                                               \
    CUresult alq_hook_##name(CUdeviceptr *address, size_t bytes, CUstream stream)       \
    {                                                                                    \
        ALQ_IN_FLIGHT(name, address, bytes, stream);                         \
        struct alq_drawing drawing;                                                      \
        if (address == NULL || bytes == 0) {                                             \
            return ALQ_CALL_GATED(name, address, bytes, stream);                         \
        }                                                                                \
        alq_draw_from_device(&drawing, stream);                                          \
        if (alq_capturing(free_stream)) {                                                \
            if (alq_draw_captured(&drawing, address, bytes, free_stream)) {              \
                return CUDA_SUCCESS;                                                     \
            }                                                                            \
            alq_graph_see(true);                                                         \
            return ALQ_CALL_GATED(name, address, bytes, stream);                         \
        }                                                                                \
        if (alq_draw_forbidden(&drawing)) {                                              \
            return alq_draw_refuse();                                                    \
        }                                                                                \
        if (alq_draws_movable(drawing.pool, free_stream, bytes)) {                       \
            return alq_movable_draw(address, bytes, drawing.pool, free_stream);          \
        }                                                                                \
        if (alq_draw_begin(&drawing, bytes) != CUDA_SUCCESS) {                           \
            return CUDA_ERROR_OUT_OF_MEMORY;                                             \
        }                                                                                \
        CUresult result = ALQ_CALL_GATED(name, address, bytes, stream);                  \
        return alq_draw_end(&drawing, result, address, bytes, free_stream);              \
    }

/* In the per-thread variants the stream 0 is the thread's own. */
#define ALQ_OWN_STREAM(stream) ((stream) == NULL ? CU_STREAM_PER_THREAD : (stream))

ALQ_ALLOC_ASYNC(cuMemAllocAsync, stream)
ALQ_ALLOC_ASYNC(cuMemAllocAsync_ptsz, ALQ_OWN_STREAM(stream))

/* A pool that was named: one we have seen being made or asked for; else the current device's, if it is that. */
static void alq_draw_from_pool(struct alq_drawing *drawing, CUmemoryPool handle)
{
    *drawing = (struct alq_drawing){0};
    drawing->pool = alq_pool_of(handle, NULL);
    if (drawing->pool != NULL) {
        drawing->place = *alq_pool_place(drawing->pool);
        return;
    }
    CUmemoryPool own;
    CUmemoryPool initial;
    struct alq_place place;
    if (alq_place_current(&place)
        && ((ALQ_CALL(cuDeviceGetMemPool, &own, place.ordinal) == CUDA_SUCCESS && own == handle)
            || (ALQ_CALL(cuDeviceGetDefaultMemPool, &initial, place.ordinal) == CUDA_SUCCESS && initial == handle))) {
        drawing->place = place;
        drawing->pool = alq_pool_of(handle, &place);
    }
}

#define ALQ_ALLOC_FROM_POOL_ASYNC(name, free_stream)                                                       \
    CUresult alq_hook_##name(CUdeviceptr *address, size_t bytes, CUmemoryPool handle, CUstream stream)    \
    {                                                                                                      \
        ALQ_IN_FLIGHT(name, address, bytes, handle, stream);                                   \
        struct alq_drawing drawing;                                                                        \
        if (address == NULL || bytes == 0) {                                                               \
            return ALQ_CALL_GATED(name, address, bytes, handle, stream);                                   \
        }                                                                                                  \
        alq_draw_from_pool(&drawing, handle);                                                              \
        if (alq_capturing(free_stream)) {                                                                  \
            if (alq_draw_captured(&drawing, address, bytes, free_stream)) {                                \
                return CUDA_SUCCESS;                                                                       \
            }                                                                                              \
            alq_graph_see(true);                                                                           \
            return ALQ_CALL_GATED(name, address, bytes, handle, stream);                                   \
        }                                                                                                  \
        if (alq_draw_forbidden(&drawing)) {                                                                \
            return alq_draw_refuse();                                                                      \
        }                                                                                                  \
        if (alq_draws_movable(drawing.pool, free_stream, bytes)) {                                         \
            return alq_movable_draw(address, bytes, drawing.pool, free_stream);                            \
        }                                                                                                  \
        if (alq_draw_begin(&drawing, bytes) != CUDA_SUCCESS) {                                             \
            return CUDA_ERROR_OUT_OF_MEMORY;                                                               \
        }                                                                                                  \
        CUresult result = ALQ_CALL_GATED(name, address, bytes, handle, stream);                            \
        return alq_draw_end(&drawing, result, address, bytes, free_stream);                                \
    }

ALQ_ALLOC_FROM_POOL_ASYNC(cuMemAllocFromPoolAsync, stream)
ALQ_ALLOC_FROM_POOL_ASYNC(cuMemAllocFromPoolAsync_ptsz, ALQ_OWN_STREAM(stream))

/* A free that is being captured happens when its graph is launched: the entry stays. */
#define ALQ_FREE_ASYNC(name, own_stream)                              \
    CUresult alq_hook_##name(CUdeviceptr address, CUstream stream)   \
    {                                                                 \
        ALQ_IN_FLIGHT(name, address, stream);             \
        CUresult result;                                              \
        if (alq_capturing(own_stream)) {                              \
            return alq_graph_free_captured(address, own_stream, &result) \
                ? result                                              \
                : ALQ_CALL_GATED(name, address, stream);              \
        }                                                             \
        if (alq_movable_free_async(address, own_stream, &result)) {   \
            return result;                                            \
        }                                                             \
        struct alq_freeing freeing;                                   \
        alq_free_begin(&freeing, address);                            \
        return alq_free_end(&freeing, ALQ_CALL_GATED(name, address, stream)); \
    }

ALQ_FREE_ASYNC(cuMemFreeAsync, stream)
ALQ_FREE_ASYNC(cuMemFreeAsync_ptsz, ALQ_OWN_STREAM(stream))
