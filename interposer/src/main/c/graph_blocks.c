/* See graph_blocks.h. */
#include "graph_blocks.h"

#include <stdlib.h>

#include "capture.h"
#include "contexts.h"
#include "fork.h"
#include "gate.h"
#include "graph_notes.h"
#include "hooks.h"
#include "kept.h"
#include "movable.h"
#include "movable_async.h"
#include "pool_movable.h"

/* What a user object stands for. */
struct alq_hold {
    CUdeviceptr address;
    uint64_t block; /* its id */
    struct alq_hold *next;
};

static struct alq_hold *alq_ended;

/* Where a stream is in its capture. */
struct alq_point {
    cuuint64_t capture;
    CUgraph graph;
    const CUgraphNode *nodes; /* what is captured next comes behind them; the driver's own list */
    size_t count;
};

static bool alq_point_of(CUstream stream, struct alq_point *point)
{
    CUstreamCaptureStatus status = CU_STREAM_CAPTURE_STATUS_NONE;
    const CUgraphEdgeData *edges = NULL;
    CUresult result =
        ALQ_CALL(cuStreamGetCaptureInfo_v3, stream, &status, &point->capture, &point->graph, &point->nodes, &edges, &point->count);
    if (result == CUDA_ERROR_CALL_REQUIRES_NEWER_DRIVER) {
        result = ALQ_CALL(cuStreamGetCaptureInfo_v2, stream, &status, &point->capture, &point->graph, &point->nodes, &point->count);
    }
    return result == CUDA_SUCCESS && status == CU_STREAM_CAPTURE_STATUS_ACTIVE;
}

uint64_t alq_capture_of(CUstream stream)
{
    struct alq_point point;
    return alq_point_of(stream, &point) ? point.capture : 0;
}

/* Of the locked blocks, the one of that id; NULL: it is gone, or free. */
static struct alq_movable_block *alq_block_at(CUdeviceptr address, uint64_t id)
{
    struct alq_movable_block *block = alq_movables_at(address);
    return block != NULL && block->id == id && !block->kept ? block : NULL;
}

/* ---- allocating -------------------------------------------------------------------------------------------------- */

static void alq_hold_end(void *argument)
{
    struct alq_hold *hold = argument;
    hold->next = __atomic_load_n(&alq_ended, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&alq_ended, &hold->next, hold, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
    }
    alq_kept_unsettle();
}

/* Ties a block that was just made to the graph, by a hold from malloc that has its address. False: the block is ended instead. */
static bool alq_tie(struct alq_hold *hold, const struct alq_point *point)
{
    struct alq_movable_block *const *blocks;
    CUuserObject object = NULL;
    alq_movables_lock(&blocks);
    struct alq_movable_block *block = alq_movables_at(hold->address);
    if (block != NULL) {
        hold->block = block->id;
        block->graph = (struct alq_graph_tie){.state = ALQ_HELD};
    }
    alq_movables_unlock();
    if (block == NULL) {
        free(hold);
        return false; /* its context has just been destroyed */
    }
    alq_notes_put(&(struct alq_note){.of = ALQ_OF_CAPTURE,
        .owner = point->capture,
        .what = ALQ_ALLOCATES,
        .address = hold->address,
        .block = hold->block});
    if (ALQ_CALL(cuUserObjectCreate, &object, hold, alq_hold_end, 1, CU_USER_OBJECT_NO_DESTRUCTOR_SYNC) != CUDA_SUCCESS) {
        alq_hold_end(hold);
        return false;
    }
    CUresult result = ALQ_CALL(cuGraphRetainUserObject, point->graph, object, 1, CU_GRAPH_USER_OBJECT_MOVE);
    if (result != CUDA_SUCCESS) {
        ALQ_CALL(cuUserObjectRelease, object, 1);
    }
    return result == CUDA_SUCCESS;
}

/* Has what is captured next on the stream begin once all before it has ended, also where a kernel may begin before the one ahead of it has. */
static bool alq_fence(CUstream stream)
{
    struct alq_point point;
    CUgraphNode node = NULL;
    return alq_point_of(stream, &point)
        && ALQ_CALL(cuGraphAddEmptyNode, &node, point.graph, point.nodes, point.count) == CUDA_SUCCESS
        && ALQ_CALL(cuStreamUpdateCaptureDependencies, stream, &node, 1, CU_STREAM_SET_CAPTURE_DEPENDENCIES) == CUDA_SUCCESS;
}

/* Gives a block a new size of the same pages. False: it is not one that the capture may have again. */
static bool alq_reallocate(const struct alq_note *note, uint64_t asked_bytes, CUdevice ordinal)
{
    struct alq_movable_block *const *blocks;
    alq_movables_lock(&blocks);
    struct alq_movable_block *block = alq_block_at(note->address, note->block);
    bool fits = block != NULL && block->ordinal == ordinal && block->bytes == alq_charge_size(asked_bytes);
    if (fits) {
        alq_pool_movable_shift(block->pool, alq_pool_units(asked_bytes) - alq_pool_units(block->asked_bytes), 0);
        block->asked_bytes = asked_bytes;
    }
    alq_movables_unlock();
    return fits;
}

/* A block that the same capture has freed on the same stream; 0: none. */
static CUdeviceptr alq_allocate_again(uint64_t asked_bytes, CUdevice ordinal, CUstream stream, uint64_t capture)
{
    size_t count;
    CUdeviceptr address = 0;
    struct alq_note *notes = alq_notes_list(ALQ_OF_CAPTURE, capture, &count);
    uint64_t id = notes == NULL ? 0 : alq_stream_id(stream);
    for (size_t at = 0; at < count && address == 0 && id != 0; at++) {
        if (notes[at].what == ALQ_ALLOCATES_AND_FREES && notes[at].stream == id && alq_reallocate(&notes[at], asked_bytes, ordinal)) {
            if (!alq_fence(stream)) {
                break;
            }
            address = notes[at].address;
            alq_notes_turn(capture, notes[at].block, 0);
        }
    }
    free(notes);
    return address;
}

/* A block that no graph holds any more, or a new one. False: there is no room. */
static bool alq_allocate(CUdeviceptr *address, struct alq_movable_use *use)
{
    uint64_t bytes = alq_charge_size(use->asked_bytes);
    alq_graph_collect();
    use->pool = alq_pool_of_graphs(&use->place);
    struct alq_movable_block *block = use->pool == NULL ? NULL : alq_kept_take_passed(use->pool, bytes);
    if (block != NULL) {
        alq_movable_revive(address, block, use);
        return true;
    }
    return use->pool != NULL && alq_take_unused(use->place.device, bytes) && alq_movable_make(address, use) == CUDA_SUCCESS;
}

bool alq_graph_draw(CUdeviceptr *address, uint64_t asked_bytes, struct alq_pool *pool, CUstream stream)
{
    struct alq_point point;
    struct alq_movable_use use = {.asked_bytes = asked_bytes, .place = *alq_pool_place(pool), .context = alq_context_of_stream(stream)};
    if (!alq_point_of(stream, &point) || alq_capture_borrows(point.graph)) {
        return false;
    }
    CUdeviceptr got = alq_allocate_again(asked_bytes, use.place.ordinal, stream, point.capture);
    if (got != 0) {
        *address = got;
        return true;
    }
    struct alq_hold *hold = malloc(sizeof *hold);
    if (hold == NULL || !alq_allocate(&got, &use)) {
        free(hold);
        return false;
    }
    hold->address = got;
    bool tied = alq_tie(hold, &point);
    if (tied) {
        *address = got;
    }
    return tied;
}

/* ---- freeing ----------------------------------------------------------------------------------------------------- */

static bool alq_is_of_graph(CUdeviceptr address, struct alq_movable_block *copy)
{
    return alq_movables_find(address, copy) && copy->begin == address && copy->graph.state != ALQ_NO_GRAPH;
}

bool alq_graph_free_captured(CUdeviceptr address, CUstream stream, CUresult *result)
{
    struct alq_movable_block copy;
    struct alq_point point;
    struct alq_note note;
    if (!alq_is_of_graph(address, &copy) || !alq_point_of(stream, &point)) {
        return false;
    }
    *result = CUDA_SUCCESS;
    if (!alq_notes_find(ALQ_OF_CAPTURE, point.capture, copy.id, &note)) {
        alq_notes_put(&(struct alq_note){
            .of = ALQ_OF_CAPTURE, .owner = point.capture, .what = ALQ_FREES, .address = address, .block = copy.id});
    } else if (note.what == ALQ_ALLOCATES) {
        alq_notes_turn(point.capture, copy.id, alq_stream_id(stream));
    } else {
        *result = CUDA_ERROR_INVALID_VALUE; /* it has been freed in this graph */
    }
    return true;
}

bool alq_graph_frees(CUdeviceptr address, CUgraph graph, CUresult *result)
{
    struct alq_movable_block copy;
    struct alq_note note;
    if (!alq_is_of_graph(address, &copy)) {
        return false;
    }
    bool freed = alq_notes_find(ALQ_OF_GRAPH, alq_note_owner(graph), copy.id, &note) && note.what == ALQ_FREES;
    *result = freed ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
    return true;
}

void alq_graph_freed(CUdeviceptr address, CUgraph graph)
{
    struct alq_movable_block copy;
    if (alq_is_of_graph(address, &copy)) {
        alq_notes_put(&(struct alq_note){
            .of = ALQ_OF_GRAPH, .owner = alq_note_owner(graph), .what = ALQ_FREES, .address = address, .block = copy.id});
    }
}

static void alq_forget_freed(const struct alq_freed *freed)
{
    if (freed->event != NULL && !freed->doomed) {
        ALQ_CALL(cuEventDestroy_v2, freed->event);
    }
}

bool alq_graph_free(CUdeviceptr address, const struct alq_freed *freed, bool waited, CUresult *result)
{
    struct alq_movable_block *const *blocks;
    struct alq_freed before = freed == NULL ? (struct alq_freed){0} : *freed;
    alq_movables_lock(&blocks);
    struct alq_movable_block *block = alq_movables_at(address);
    bool held = block != NULL && block->graph.state == ALQ_HELD;
    *result = held && block->graph.live ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
    if (*result == CUDA_SUCCESS) {
        before = block->freed; /* a launch has come behind it since */
        block->freed = freed == NULL ? (struct alq_freed){0} : *freed;
        block->graph.live = false;
        block->graph.unwaited = block->graph.unwaited || !waited;
    }
    alq_movables_unlock();
    alq_forget_freed(&before);
    return held;
}

void alq_graph_doom(CUcontext context, bool doomed)
{
    struct alq_movable_block *const *blocks;
    size_t count = alq_movables_lock(&blocks);
    for (size_t at = 0; at < count; at++) {
        if (blocks[at]->graph.state == ALQ_HELD && blocks[at]->freed.context == context) {
            blocks[at]->freed.doomed = doomed;
        }
    }
    alq_movables_unlock();
}

void alq_graph_reap(CUcontext context)
{
    struct alq_movable_block *const *blocks;
    size_t count = alq_movables_lock(&blocks);
    for (size_t at = 0; at < count; at++) {
        if (blocks[at]->graph.state == ALQ_HELD && blocks[at]->freed.context == context) {
            blocks[at]->freed = (struct alq_freed){0};
        }
    }
    alq_movables_unlock();
}

/* ---- launching --------------------------------------------------------------------------------------------------- */

static bool alq_live(const struct alq_note *note)
{
    struct alq_movable_block *const *blocks;
    alq_movables_lock(&blocks);
    struct alq_movable_block *block = alq_block_at(note->address, note->block);
    bool live = block != NULL && block->graph.live;
    alq_movables_unlock();
    return live;
}

static void alq_revive(const struct alq_note *note)
{
    struct alq_movable_block *const *blocks;
    alq_movables_lock(&blocks);
    struct alq_movable_block *block = alq_block_at(note->address, note->block);
    if (block != NULL && block->graph.state == ALQ_HELD) {
        block->graph.live = true;
    }
    alq_movables_unlock();
}

bool alq_graph_may_launch(CUgraphExec exec, CUstream stream)
{
    size_t count;
    cuuint64_t flags = 0;
    bool live = false;
    struct alq_note *notes = alq_notes_list(ALQ_OF_EXEC, alq_note_owner(exec), &count);
    for (size_t at = 0; at < count; at++) {
        live = live || (notes[at].what == ALQ_ALLOCATES && alq_live(&notes[at]));
    }
    free(notes);
    return !live || alq_capturing(stream) || ALQ_CALL(cuGraphExecGetFlags, exec, &flags) != CUDA_SUCCESS
        || (flags & CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH) != 0;
}

void alq_graph_launched(CUgraphExec exec, CUstream stream)
{
    size_t count;
    CUresult result;
    struct alq_movable_block copy;
    struct alq_note *notes = alq_notes_list(ALQ_OF_EXEC, alq_note_owner(exec), &count);
    uint64_t capture = notes == NULL ? 0 : alq_capture_of(stream);
    if (capture != 0) {
        alq_notes_copy(ALQ_OF_EXEC, alq_note_owner(exec), ALQ_OF_CAPTURE, capture);
        count = 0;
    }
    for (size_t at = 0; at < count; at++) {
        if (notes[at].what == ALQ_ALLOCATES) {
            alq_revive(&notes[at]);
        }
    }
    for (size_t at = 0; at < count; at++) {
        if (notes[at].what == ALQ_FREES && alq_is_of_graph(notes[at].address, &copy) && copy.id == notes[at].block) {
            alq_movable_free_async(notes[at].address, stream, &result);
        }
    }
    free(notes);
}

/* ---- the end of a graph ------------------------------------------------------------------------------------------ */

/* What becomes of a block whose graph has ended: NULL, or it is the caller's, and free. */
static struct alq_movable_block *alq_let_go(const struct alq_hold *hold, bool *unwaited)
{
    struct alq_movable_block *const *blocks;
    alq_movables_lock(&blocks);
    struct alq_freed forgotten = {0};
    struct alq_movable_block *block = alq_block_at(hold->address, hold->block);
    bool left = block != NULL && (block->graph.live || alq_notes_lost());
    if (left) {
        forgotten = block->freed;
        block->freed = (struct alq_freed){0};
        block->graph.state = ALQ_LEFT;
        block = NULL;
    } else if (block != NULL) {
        *unwaited = block->graph.unwaited;
        block->graph = (struct alq_graph_tie){0};
        block->kept = true;
    }
    alq_movables_unlock();
    alq_forget_freed(&forgotten);
    alq_notes_forget(hold->block, !left);
    return block;
}

void alq_graph_collect(void)
{
    if (__builtin_expect(__atomic_load_n(&alq_ended, __ATOMIC_ACQUIRE) == NULL, 1)) {
        return;
    }
    bool gated = alq_gate_enter();
    struct alq_hold *hold = __atomic_exchange_n(&alq_ended, NULL, __ATOMIC_ACQUIRE);
    while (hold != NULL) {
        struct alq_hold *next = hold->next;
        bool unwaited = false;
        struct alq_movable_block *block = alq_let_go(hold, &unwaited);
        if (block != NULL) {
            alq_pool_movable_shift(block->pool, 0 - alq_pool_units(block->asked_bytes), 0);
        }
        if (block != NULL && unwaited) {
            alq_movables_drop(block);
            alq_movable_bury(block);
        } else if (block != NULL) {
            struct alq_freed freed = block->freed;
            alq_kept_put(block, &freed);
        }
        free(hold);
        hold = next;
    }
    alq_gate_leave(gated);
}

void alq_graph_blocks_after_fork(void)
{
    alq_ended = NULL;
}
