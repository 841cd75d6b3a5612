/* Beginning, ending and looking into captures. */
#include <stdlib.h>

#include "cuda_capture.h"

static CUresult begin(CUstream where, CUgraph target, const CUgraphNode *nodes, size_t count, CUstreamCaptureMode mode) {
    SIM_ENTER_CONTEXT();
    SIM_NEED((unsigned)mode <= CU_STREAM_CAPTURE_MODE_RELAXED && (count == 0 || nodes != NULL));
    struct sim_stream *stream;
    SIM_TRY(sim_stream_resolve(&call, where, &stream));
    if (stream->legacy) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    for (size_t i = 0; i < count; i++) SIM_NEED(sim_node_ok(nodes[i]) && ((struct sim_node *)nodes[i])->graph == (struct sim_graph *)target);
    struct sim_capture *capture = calloc(1, sizeof *capture);
    struct sim_graph *graph = target != NULL ? (struct sim_graph *)target : sim_graph_make();
    if (capture == NULL || graph == NULL) {
        free(capture);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    *capture = (struct sim_capture){graph, stream, call.thread, stream->ctx, mode, sim_new_id(), false, target != NULL, NULL};
    pthread_mutex_lock(&sim_capture_mutex);
    bool busy = atomic_load(&stream->capture) != NULL;
    if (!busy) {
        capture->next = sim_captures;
        sim_captures = capture;
        sim_capture_set_nodes(&stream->capture_nodes, &stream->capture_count, nodes, count);
        atomic_store(&stream->capture, capture);
        if (!(stream->flags & CU_STREAM_NON_BLOCKING)) atomic_fetch_add(&stream->ctx->captures, 1);
        atomic_fetch_add(&sim_process.captures, 1);
    }
    pthread_mutex_unlock(&sim_capture_mutex);
    if (!busy) return CUDA_SUCCESS;
    if (target == NULL) sim_graph_unmake(graph);
    free(capture);
    return CUDA_ERROR_ILLEGAL_STATE;
}
CUresult cuStreamBeginCapture(CUstream stream) { return begin(stream, NULL, NULL, 0, CU_STREAM_CAPTURE_MODE_GLOBAL); }
CUresult cuStreamBeginCapture_ptsz(CUstream stream) { return begin(sim_pts(stream), NULL, NULL, 0, CU_STREAM_CAPTURE_MODE_GLOBAL); }
CUresult cuStreamBeginCapture_v2(CUstream stream, CUstreamCaptureMode mode) { return begin(stream, NULL, NULL, 0, mode); }
CUresult cuStreamBeginCapture_v2_ptsz(CUstream stream, CUstreamCaptureMode mode) { return begin(sim_pts(stream), NULL, NULL, 0, mode); }
CUresult cuStreamBeginCaptureToGraph(CUstream stream, CUgraph graph, const CUgraphNode *nodes, const CUgraphEdgeData *data, size_t count,
                                     CUstreamCaptureMode mode) {
    (void)data;
    SIM_NEED(sim_graph_ok(graph));
    return begin(stream, graph, nodes, count, mode);
}
CUresult cuStreamBeginCaptureToGraph_ptsz(CUstream stream, CUgraph graph, const CUgraphNode *nodes, const CUgraphEdgeData *data,
                                          size_t count, CUstreamCaptureMode mode) {
    return cuStreamBeginCaptureToGraph(sim_pts(stream), graph, nodes, data, count, mode);
}

/* Whether target is one of the nodes or comes before one of them. */
static bool leads_to(struct sim_node *target, CUgraphNode *nodes, size_t count, size_t depth) {
    for (size_t i = 0; i < count; i++) {
        struct sim_node *node = (struct sim_node *)nodes[i];
        if (node == target) return true;
        if (depth > 0 && leads_to(target, (CUgraphNode *)node->before, node->before_count, depth - 1)) return true;
    }
    return false;
}

static bool release_in(struct sim_capture *capture, struct sim_context *ctx) {
    bool joined = true;
    struct sim_stream *origin = capture->origin;
    pthread_mutex_lock(&ctx->mutex);
    for (struct sim_stream *stream = ctx->streams; stream != NULL; stream = stream->next) {
        if (atomic_load(&stream->capture) != capture) continue;
        for (size_t i = 0; stream != origin && i < stream->capture_count; i++) {
            joined &= leads_to((struct sim_node *)stream->capture_nodes[i], origin->capture_nodes, origin->capture_count,
                               capture->graph->count);
        }
        if (!(stream->flags & CU_STREAM_NON_BLOCKING)) atomic_fetch_sub(&ctx->captures, 1);
        atomic_store(&stream->capture, NULL);
    }
    pthread_mutex_unlock(&ctx->mutex);
    return joined;
}

/* Takes every stream out of the capture; answers whether all had been joined to the origin. */
static bool release_streams(struct sim_capture *capture) {
    bool joined = true;
    for (struct sim_context *ctx = sim_process.contexts; ctx != NULL; ctx = ctx->next) joined &= release_in(capture, ctx);
    /* A context being destroyed is in no list any more. */
    if (atomic_load(&capture->ctx->dying)) joined &= release_in(capture, capture->ctx);
    return joined;
}

/* With the lock held: the capture is over. */
static bool finish(struct sim_capture *capture) {
    for (struct sim_capture **link = &sim_captures; *link != NULL; link = &(*link)->next) {
        if (*link != capture) continue;
        *link = capture->next;
        break;
    }
    atomic_fetch_sub(&sim_process.captures, 1);
    return release_streams(capture);
}

static CUresult end(CUstream where, CUgraph *out) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL);
    struct sim_stream *stream;
    SIM_TRY(sim_stream_resolve(&call, where, &stream));
    CUresult result = CUDA_SUCCESS;
    pthread_mutex_lock(&sim_capture_mutex);
    struct sim_capture *capture = atomic_load(&stream->capture);
    if (capture == NULL) {
        result = CUDA_ERROR_ILLEGAL_STATE;
    } else if (capture->thread != call.thread && capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED) {
        result = CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD;
        capture = NULL;
    } else if (capture->origin != stream) {
        sim_capture_spoil_locked(capture);
        result = CUDA_ERROR_STREAM_CAPTURE_UNMATCHED;
        capture = NULL;
    } else {
        bool joined = finish(capture);
        if (capture->spoiled) result = CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
        else if (!joined) result = CUDA_ERROR_STREAM_CAPTURE_UNJOINED;
    }
    pthread_mutex_unlock(&sim_capture_mutex);
    if (capture == NULL) return result;
    *out = result == CUDA_SUCCESS ? (CUgraph)capture->graph : NULL;
    if (result != CUDA_SUCCESS && !capture->borrowed) sim_graph_unmake(capture->graph);
    free(capture);
    return result;
}
CUresult cuStreamEndCapture(CUstream stream, CUgraph *out) { return end(stream, out); }
CUresult cuStreamEndCapture_ptsz(CUstream stream, CUgraph *out) { return end(sim_pts(stream), out); }

/* The stream is destroyed: a capture it began cannot end any more. */
void sim_capture_abandon(struct sim_stream *stream) {
    if (!sim_stream_capturing(stream)) return;
    pthread_mutex_lock(&sim_capture_mutex);
    struct sim_capture *capture = atomic_load(&stream->capture);
    bool over = capture != NULL && capture->origin == stream;
    if (over) {
        finish(capture);
    } else if (capture != NULL) {
        sim_capture_spoil_locked(capture);
        if (!(stream->flags & CU_STREAM_NON_BLOCKING)) atomic_fetch_sub(&stream->ctx->captures, 1);
        atomic_store(&stream->capture, NULL);
    }
    pthread_mutex_unlock(&sim_capture_mutex);
    if (!over) return;
    if (!capture->borrowed) sim_graph_unmake(capture->graph);
    free(capture);
}

/* ---- looking ---- */

static CUresult info(CUstream where, CUstreamCaptureStatus *status, cuuint64_t *id, CUgraph *graph, const CUgraphNode **nodes,
                     const CUgraphEdgeData **data, size_t *count) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(status != NULL);
    struct sim_stream *stream;
    SIM_TRY(sim_stream_resolve(&call, where, &stream));
    CUresult result = CUDA_SUCCESS;
    pthread_mutex_lock(&sim_capture_mutex);
    struct sim_capture *capture = atomic_load(&stream->capture);
    *status = capture == NULL ? CU_STREAM_CAPTURE_STATUS_NONE
              : capture->spoiled ? CU_STREAM_CAPTURE_STATUS_INVALIDATED : CU_STREAM_CAPTURE_STATUS_ACTIVE;
    if (capture == NULL && stream->legacy && atomic_load(&stream->ctx->captures) != 0) {
        result = CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
    } else if (*status == CU_STREAM_CAPTURE_STATUS_ACTIVE) {
        if (id != NULL) *id = capture->id;
        if (graph != NULL) *graph = (CUgraph)capture->graph;
        size_t answered = 0;
        sim_capture_set_nodes(&stream->capture_answer, &answered, stream->capture_nodes, stream->capture_count);
        if (nodes != NULL) *nodes = stream->capture_answer;
        if (data != NULL) *data = NULL;
        if (count != NULL) *count = answered;
    }
    pthread_mutex_unlock(&sim_capture_mutex);
    return result;
}
CUresult cuStreamIsCapturing(CUstream s, CUstreamCaptureStatus *status) { return info(s, status, NULL, NULL, NULL, NULL, NULL); }
CUresult cuStreamIsCapturing_ptsz(CUstream s, CUstreamCaptureStatus *status) {
    return info(sim_pts(s), status, NULL, NULL, NULL, NULL, NULL);
}
CUresult cuStreamGetCaptureInfo(CUstream s, CUstreamCaptureStatus *status, cuuint64_t *id) { return info(s, status, id, NULL, NULL, NULL, NULL); }
CUresult cuStreamGetCaptureInfo_ptsz(CUstream s, CUstreamCaptureStatus *status, cuuint64_t *id) {
    return info(sim_pts(s), status, id, NULL, NULL, NULL, NULL);
}
CUresult cuStreamGetCaptureInfo_v2(CUstream s, CUstreamCaptureStatus *status, cuuint64_t *id, CUgraph *graph, const CUgraphNode **nodes,
                                   size_t *count) {
    return info(s, status, id, graph, nodes, NULL, count);
}
CUresult cuStreamGetCaptureInfo_v2_ptsz(CUstream s, CUstreamCaptureStatus *status, cuuint64_t *id, CUgraph *graph,
                                        const CUgraphNode **nodes, size_t *count) {
    return info(sim_pts(s), status, id, graph, nodes, NULL, count);
}
CUresult cuStreamGetCaptureInfo_v3(CUstream s, CUstreamCaptureStatus *status, cuuint64_t *id, CUgraph *graph, const CUgraphNode **nodes,
                                   const CUgraphEdgeData **data, size_t *count) {
    return info(s, status, id, graph, nodes, data, count);
}
CUresult cuStreamGetCaptureInfo_v3_ptsz(CUstream s, CUstreamCaptureStatus *status, cuuint64_t *id, CUgraph *graph,
                                        const CUgraphNode **nodes, const CUgraphEdgeData **data, size_t *count) {
    return info(sim_pts(s), status, id, graph, nodes, data, count);
}

static CUresult update(CUstream where, CUgraphNode *nodes, size_t count, unsigned flags) {
    SIM_ENTER_CONTEXT();
    SIM_NEED((count == 0 || nodes != NULL) && flags <= CU_STREAM_SET_CAPTURE_DEPENDENCIES);
    struct sim_stream *stream;
    SIM_TRY(sim_stream_resolve(&call, where, &stream));
    CUresult result = CUDA_SUCCESS;
    pthread_mutex_lock(&sim_capture_mutex);
    struct sim_capture *capture = atomic_load(&stream->capture);
    if (capture == NULL) result = CUDA_ERROR_ILLEGAL_STATE;
    else if (capture->spoiled) result = CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    for (size_t i = 0; result == CUDA_SUCCESS && i < count; i++) {
        if (!sim_node_ok(nodes[i]) || ((struct sim_node *)nodes[i])->graph != capture->graph) result = CUDA_ERROR_INVALID_VALUE;
    }
    if (result == CUDA_SUCCESS) {
        if (flags == CU_STREAM_SET_CAPTURE_DEPENDENCIES) sim_capture_set_nodes(&stream->capture_nodes, &stream->capture_count, nodes, count);
        else if (!sim_capture_merge(&stream->capture_nodes, &stream->capture_count, nodes, count)) result = CUDA_ERROR_OUT_OF_MEMORY;
    }
    pthread_mutex_unlock(&sim_capture_mutex);
    return result;
}
CUresult cuStreamUpdateCaptureDependencies(CUstream s, CUgraphNode *nodes, size_t count, unsigned int flags) {
    return update(s, nodes, count, flags);
}
CUresult cuStreamUpdateCaptureDependencies_ptsz(CUstream s, CUgraphNode *nodes, size_t count, unsigned int flags) {
    return update(sim_pts(s), nodes, count, flags);
}
CUresult cuStreamUpdateCaptureDependencies_v2(CUstream s, CUgraphNode *nodes, const CUgraphEdgeData *data, size_t count,
                                              unsigned int flags) {
    (void)data;
    return update(s, nodes, count, flags);
}
CUresult cuStreamUpdateCaptureDependencies_v2_ptsz(CUstream s, CUgraphNode *nodes, const CUgraphEdgeData *data, size_t count,
                                                   unsigned int flags) {
    (void)data;
    return update(sim_pts(s), nodes, count, flags);
}
