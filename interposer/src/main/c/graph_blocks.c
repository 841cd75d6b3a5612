/* Freeing and launching; see graph_blocks.h. */
#include "graph_blocks.h"

#include <stdlib.h>

#include "graph_notes.h"
#include "graph_point.h"
#include "hooks.h"
#include "movable_async.h"

/* The block that begins at address, if a graph has allocated it. */
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

bool alq_graph_free(CUdeviceptr address, const struct alq_freed *freed, bool waited, CUresult *result)
{
    struct alq_movable_block *const *blocks;
    struct alq_freed before = freed == NULL ? (struct alq_freed){0} : *freed;
    alq_movables_lock(&blocks);
    struct alq_movable_block *block = alq_movables_at(address);
    bool held = block != NULL && block->graph.state == ALQ_HELD;
    *result = held && block->graph.live ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
    if (*result == CUDA_SUCCESS) {
        before = block->freed; /* a launch has come behind that one since */
        block->freed = freed == NULL ? (struct alq_freed){0} : *freed;
        block->graph.live = false;
        block->graph.unwaited = block->graph.unwaited || !waited;
    }
    alq_movables_unlock();
    alq_freed_forget(&before);
    return held;
}

static bool alq_live(const struct alq_note *note)
{
    struct alq_movable_block *const *blocks;
    alq_movables_lock(&blocks);
    struct alq_movable_block *block = alq_graph_block(note->address, note->block);
    bool live = block != NULL && block->graph.live;
    alq_movables_unlock();
    return live;
}

static void alq_revive(const struct alq_note *note)
{
    struct alq_movable_block *const *blocks;
    alq_movables_lock(&blocks);
    struct alq_movable_block *block = alq_graph_block(note->address, note->block);
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
    if (capture != 0) { /* it becomes a part of that graph, and does not run now */
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
