/* Captures: joining, spoiling, what is refused meanwhile. */
#include <stdlib.h>

#include "cuda_capture.h"
#include "cuda_event.h"
#include "cuda_memory.h"

pthread_mutex_t sim_capture_mutex = PTHREAD_MUTEX_INITIALIZER;
struct sim_capture *sim_captures;

void sim_capture_set_nodes(CUgraphNode **list, size_t *count, const CUgraphNode *nodes, size_t added) {
    CUgraphNode *copy = added == 0 ? NULL : malloc(added * sizeof(CUgraphNode));
    if (copy != NULL) memcpy(copy, nodes, added * sizeof(CUgraphNode));
    free(*list);
    *list = copy;
    *count = copy == NULL ? 0 : added;
}

bool sim_capture_merge(CUgraphNode **list, size_t *count, const CUgraphNode *nodes, size_t added) {
    CUgraphNode *merged = realloc(*list, (*count + added + 1) * sizeof(CUgraphNode));
    if (merged == NULL) return false;
    *list = merged;
    for (size_t i = 0; i < added; i++) {
        bool present = false;
        for (size_t j = 0; j < *count; j++) present |= merged[j] == nodes[i];
        if (!present) merged[(*count)++] = nodes[i];
    }
    return true;
}

void sim_capture_spoil_locked(struct sim_capture *capture) { capture->spoiled = true; }

CUresult sim_capture_spoil(struct sim_stream *stream) {
    pthread_mutex_lock(&sim_capture_mutex);
    struct sim_capture *capture = atomic_load(&stream->capture);
    if (capture != NULL) sim_capture_spoil_locked(capture);
    pthread_mutex_unlock(&sim_capture_mutex);
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
}

CUresult sim_capture_spoil_context(struct sim_context *ctx, CUresult result) {
    pthread_mutex_lock(&sim_capture_mutex);
    for (struct sim_capture *capture = sim_captures; capture != NULL; capture = capture->next) {
        bool blocking = !(capture->origin->flags & CU_STREAM_NON_BLOCKING);
        if (capture->ctx == ctx && (blocking || result != CUDA_ERROR_STREAM_CAPTURE_IMPLICIT)) sim_capture_spoil_locked(capture);
    }
    pthread_mutex_unlock(&sim_capture_mutex);
    return result;
}

void sim_capture_spoil_event(struct sim_event *event) {
    pthread_mutex_lock(&sim_capture_mutex);
    for (struct sim_capture *capture = sim_captures; capture != NULL; capture = capture->next) {
        if (capture == event->capture) sim_capture_spoil_locked(capture);
    }
    pthread_mutex_unlock(&sim_capture_mutex);
}

/* A potentially unsafe call: refused to a thread in global mode while anyone captures in global mode, and to a thread that is
 * not relaxed while it captures itself otherwise than relaxed. */
CUresult sim_unsafe(struct sim_call *call) {
    if (atomic_load_explicit(&sim_process.captures, memory_order_relaxed) == 0) return CUDA_SUCCESS;
    const struct sim_thread *thread = call->thread;
    if (thread->mode == CU_STREAM_CAPTURE_MODE_RELAXED) return CUDA_SUCCESS;
    bool refused = false;
    pthread_mutex_lock(&sim_capture_mutex);
    for (struct sim_capture *capture = sim_captures; capture != NULL; capture = capture->next) {
        bool own = capture->thread == thread && capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED;
        bool global = thread->mode == CU_STREAM_CAPTURE_MODE_GLOBAL && capture->mode == CU_STREAM_CAPTURE_MODE_GLOBAL;
        if (!own && !global) continue;
        sim_capture_spoil_locked(capture);
        refused = true;
    }
    pthread_mutex_unlock(&sim_capture_mutex);
    return refused ? CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED : CUDA_SUCCESS;
}

CUresult sim_capture_add(struct sim_call *call, struct sim_stream *stream, struct sim_work *work, CUgraphNode *out) {
    (void)call;
    CUresult result = CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    CUgraphNode node = NULL;
    pthread_mutex_lock(&sim_capture_mutex);
    struct sim_capture *capture = atomic_load(&stream->capture);
    if (capture != NULL && !capture->spoiled) {
        result = CUDA_SUCCESS;
        if (work->type == SIM_WORK_GRAPH_ALLOC) {
            result = sim_graph_block_make(work->alloc.params.poolProps.location.id, work->alloc.params.bytesize, &work->alloc.block);
            if (result == CUDA_SUCCESS) work->alloc.params.dptr = work->alloc.block->range->base;
        }
        if (result == CUDA_SUCCESS) result = sim_graph_add(capture->graph, stream->capture_nodes, stream->capture_count, work, &node);
        if (result == CUDA_SUCCESS) sim_capture_set_nodes(&stream->capture_nodes, &stream->capture_count, &node, 1);
    }
    pthread_mutex_unlock(&sim_capture_mutex);
    if (result == CUDA_SUCCESS && out != NULL) *out = node;
    free(work->staged);
    work->staged = NULL;
    return result;
}

CUresult sim_capture_record(struct sim_call *call, struct sim_stream *stream, struct sim_event *event) {
    (void)call;
    CUresult result = CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    pthread_mutex_lock(&sim_capture_mutex);
    struct sim_capture *capture = atomic_load(&stream->capture);
    if (capture != NULL && !capture->spoiled) {
        event->capture = capture;
        sim_capture_set_nodes(&event->capture_nodes, &event->capture_count, stream->capture_nodes, stream->capture_count);
        result = CUDA_SUCCESS;
    }
    pthread_mutex_unlock(&sim_capture_mutex);
    return result;
}

CUresult sim_capture_wait(struct sim_call *call, struct sim_stream *stream, struct sim_event *event) {
    (void)call;
    CUresult result = CUDA_SUCCESS;
    pthread_mutex_lock(&sim_capture_mutex);
    struct sim_capture *capture = NULL;
    for (struct sim_capture *one = sim_captures; one != NULL; one = one->next) {
        if (one == event->capture) capture = one;
    }
    struct sim_capture *own = atomic_load(&stream->capture);
    if (capture == NULL) {
        event->capture = NULL; /* its capture is over */
    } else if (capture->spoiled) {
        result = CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    } else if (stream->legacy) {
        sim_capture_spoil_locked(capture);
        result = CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
    } else if (own != NULL && own != capture) {
        sim_capture_spoil_locked(capture);
        sim_capture_spoil_locked(own);
        result = CUDA_ERROR_STREAM_CAPTURE_MERGE;
    } else {
        if (own == NULL) {
            if (!(stream->flags & CU_STREAM_NON_BLOCKING)) atomic_fetch_add(&stream->ctx->captures, 1);
            sim_capture_set_nodes(&stream->capture_nodes, &stream->capture_count, NULL, 0);
            atomic_store(&stream->capture, capture);
        }
        if (!sim_capture_merge(&stream->capture_nodes, &stream->capture_count, event->capture_nodes, event->capture_count)) {
            result = CUDA_ERROR_OUT_OF_MEMORY;
        }
    }
    pthread_mutex_unlock(&sim_capture_mutex);
    return result;
}

void sim_capture_forget_event(struct sim_event *event) {
    if (event->capture == NULL && event->capture_nodes == NULL) return;
    pthread_mutex_lock(&sim_capture_mutex);
    event->capture = NULL;
    sim_capture_set_nodes(&event->capture_nodes, &event->capture_count, NULL, 0);
    pthread_mutex_unlock(&sim_capture_mutex);
}

CUresult cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode *mode) {
    SIM_ENTER();
    SIM_NEED(mode != NULL && (unsigned)*mode <= CU_STREAM_CAPTURE_MODE_RELAXED);
    CUstreamCaptureMode before = call.thread->mode;
    call.thread->mode = *mode;
    *mode = before;
    return CUDA_SUCCESS;
}
