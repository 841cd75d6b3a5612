/* Allocating on streams that are captured; see graph_blocks.h. */
#include <stdlib.h>

#include "capture.h"
#include "graph_blocks.h"
#include "graph_notes.h"
#include "graph_point.h"
#include "hooks.h"
#include "kept.h"
#include "movable.h"
#include "movable_async.h"
#include "pool_movable.h"

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

/* Gives a block a new size of the same pages. False: it is not one that the capture may have again. */
static bool alq_reallocate(const struct alq_note *note, uint64_t asked_bytes, CUdevice ordinal)
{
    struct alq_movable_block *const *blocks;
    alq_movables_lock(&blocks);
    struct alq_movable_block *block = alq_graph_block(note->address, note->block);
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

/* A block that the graph holds. */
static bool alq_make_held(CUdeviceptr *address, struct alq_movable_use *use, const struct alq_point *point)
{
    struct alq_hold *hold = malloc(sizeof *hold);
    if (hold == NULL || !alq_allocate(address, use)) {
        free(hold);
        return false;
    }
    hold->address = *address;
    return alq_tie(hold, point);
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
    /* whatever making a block takes, the capture is not to be spoiled by it */
    CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_RELAXED;
    ALQ_CALL(cuThreadExchangeStreamCaptureMode, &mode);
    bool made = alq_make_held(&got, &use, &point);
    ALQ_CALL(cuThreadExchangeStreamCaptureMode, &mode);
    if (made) {
        *address = got;
    }
    return made;
}
