/* See capture.h. */
#include "capture.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "devices.h"
#include "fork.h"
#include "graph_notes.h"
#include "graph_point.h"
#include "hooks.h"
#include "thread.h"

struct alq_capture {
    uint64_t id;
    CUstream stream; /* as it was named; a thread's own default stream is always CU_STREAM_PER_THREAD */
    CUcontext context;
    CUgraph graph; /* the program's own; NULL: the capture makes one */
    struct alq_thread thread;
    struct alq_capture *next;
};

static pthread_mutex_t alq_captures_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct alq_capture *alq_captures;
static uint32_t alq_captures_count;
static uint64_t alq_captures_last_id;

/* What a predicate of captures is told. */
struct alq_capture_query {
    uint64_t id;
    CUstream stream;
    CUcontext context;
    uint32_t tid;
};

typedef bool alq_capture_test(const struct alq_capture *capture, const struct alq_capture_query *query);

static bool alq_capture_is(const struct alq_capture *capture, const struct alq_capture_query *query)
{
    return capture->id == query->id;
}

static bool alq_capture_of_stream(const struct alq_capture *capture, const struct alq_capture_query *query)
{
    return capture->id != query->id && capture->stream == query->stream
        && (query->stream != CU_STREAM_PER_THREAD || (capture->thread.tid == query->tid && capture->context == query->context));
}

static bool alq_capture_of_context(const struct alq_capture *capture, const struct alq_capture_query *query)
{
    return capture->context == query->context;
}

static bool alq_capture_orphaned(const struct alq_capture *capture, const struct alq_capture_query *query)
{
    (void)query;
    return capture->stream == CU_STREAM_PER_THREAD && alq_thread_gone(&capture->thread);
}

static bool alq_captures_any(void)
{
    return __atomic_load_n(&alq_captures_count, __ATOMIC_ACQUIRE) != 0;
}

static void alq_captures_drop(alq_capture_test *test, const struct alq_capture_query *query)
{
    if (!alq_captures_any()) {
        return;
    }
    pthread_mutex_lock(&alq_captures_mutex);
    for (struct alq_capture **link = &alq_captures; *link != NULL;) {
        struct alq_capture *capture = *link;
        if (!test(capture, query)) {
            link = &capture->next;
            continue;
        }
        *link = capture->next;
        __atomic_sub_fetch(&alq_captures_count, 1, __ATOMIC_RELEASE);
        free(capture);
    }
    pthread_mutex_unlock(&alq_captures_mutex);
}

/* The query for a stream that the calling thread names. */
static struct alq_capture_query alq_capture_query_of(CUstream stream)
{
    struct alq_capture_query query = {.stream = stream};
    if (stream == CU_STREAM_PER_THREAD) {
        query.tid = alq_thread_self().tid;
        query.context = alq_context_current();
    }
    return query;
}

/* The capture of a stream that the calling thread names; 0: none. */
static uint64_t alq_capture_find(CUstream stream)
{
    if (!alq_captures_any()) {
        return 0;
    }
    uint64_t id = 0;
    struct alq_capture_query query = alq_capture_query_of(stream);
    pthread_mutex_lock(&alq_captures_mutex);
    for (const struct alq_capture *capture = alq_captures; capture != NULL && id == 0; capture = capture->next) {
        id = alq_capture_of_stream(capture, &query) ? capture->id : 0;
    }
    pthread_mutex_unlock(&alq_captures_mutex);
    return id;
}

/* Counts a capture that is about to begin; 0 where there is no memory for that. */
static uint64_t alq_capture_begin(CUstream stream, CUgraph graph)
{
    struct alq_capture *capture = malloc(sizeof *capture);
    if (capture == NULL) {
        return 0;
    }
    *capture = (struct alq_capture){.stream = stream, .graph = graph, .thread = alq_thread_self()};
    if (stream == CU_STREAM_PER_THREAD || ALQ_CALL(cuStreamGetCtx, stream, &capture->context) != CUDA_SUCCESS) {
        capture->context = alq_context_current();
    }
    pthread_mutex_lock(&alq_captures_mutex);
    uint64_t id = ++alq_captures_last_id;
    capture->id = id;
    capture->next = alq_captures;
    alq_captures = capture;
    __atomic_add_fetch(&alq_captures_count, 1, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&alq_captures_mutex);
    return id;
}

/* The driver has answered: it begins, in place of whatever was known of that stream, or it does not. */
static CUresult alq_capture_begun(uint64_t id, CUstream stream, CUresult result)
{
    struct alq_capture_query query = alq_capture_query_of(stream);
    query.id = id;
    alq_captures_drop(result == CUDA_SUCCESS ? alq_capture_of_stream : alq_capture_is, &query);
    return result;
}

static void alq_capture_ended(uint64_t id)
{
    alq_captures_drop(alq_capture_is, &(struct alq_capture_query){.id = id});
}

static bool alq_capture_goes_on(CUstream stream)
{
    CUstreamCaptureStatus status = CU_STREAM_CAPTURE_STATUS_NONE;
    return ALQ_CALL(cuStreamIsCapturing, stream, &status) != CUDA_SUCCESS || status != CU_STREAM_CAPTURE_STATUS_NONE;
}

/* In the per-thread variants the stream 0 is the thread's own. */
#define ALQ_OWN_STREAM(stream) ((stream) == NULL ? CU_STREAM_PER_THREAD : (stream))

#define ALQ_CAPTURE_BEGIN(name, where, target, parameters, ...)                            \
    CUresult alq_hook_##name parameters                                                    \
    {                                                                                      \
        ALQ_PASS_WHEN_TRANSPARENT(name, __VA_ARGS__);                                      \
        bool entered = alq_gate_enter_seen();                                              \
        uint64_t id = alq_capture_begin(where, target);                                    \
        CUresult result = id == 0 ? CUDA_ERROR_OUT_OF_MEMORY : ALQ_CALL(name, __VA_ARGS__); \
        alq_gate_leave(entered);                                                           \
        return alq_capture_begun(id, where, result);                                       \
    }

ALQ_CAPTURE_BEGIN(cuStreamBeginCapture, stream, NULL, (CUstream stream), stream)
ALQ_CAPTURE_BEGIN(cuStreamBeginCapture_ptsz, ALQ_OWN_STREAM(stream), NULL, (CUstream stream), stream)
ALQ_CAPTURE_BEGIN(cuStreamBeginCapture_v2, stream, NULL, (CUstream stream, CUstreamCaptureMode mode), stream, mode)
ALQ_CAPTURE_BEGIN(
    cuStreamBeginCapture_v2_ptsz, ALQ_OWN_STREAM(stream), NULL, (CUstream stream, CUstreamCaptureMode mode), stream, mode)
ALQ_CAPTURE_BEGIN(cuStreamBeginCaptureToGraph, stream, graph,
    (CUstream stream, CUgraph graph, const CUgraphNode *dependencies, const CUgraphEdgeData *edges, size_t count,
        CUstreamCaptureMode mode),
    stream, graph, dependencies, edges, count, mode)
ALQ_CAPTURE_BEGIN(cuStreamBeginCaptureToGraph_ptsz, ALQ_OWN_STREAM(stream), graph,
    (CUstream stream, CUgraph graph, const CUgraphNode *dependencies, const CUgraphEdgeData *edges, size_t count,
        CUstreamCaptureMode mode),
    stream, graph, dependencies, edges, count, mode)

/* Not gated: a move has not begun while there is a capture, and is not made longer by its end. */
#define ALQ_CAPTURE_END(name, where)                                                                      \
    CUresult alq_hook_##name(CUstream stream, CUgraph *graph)                                             \
    {                                                                                                     \
        ALQ_PASS_WHEN_TRANSPARENT(name, stream, graph);                                                   \
        uint64_t id = alq_capture_find(where);                                                            \
        uint64_t noted = alq_notes_any(ALQ_OF_CAPTURE) ? alq_capture_of(where) : 0;                       \
        CUresult result = ALQ_CALL(name, stream, graph);                                                  \
        bool ended = result == CUDA_SUCCESS || ((id != 0 || noted != 0) && !alq_capture_goes_on(where));  \
        if (ended && id != 0) {                                                                           \
            alq_capture_ended(id);                                                                        \
        }                                                                                                 \
        if (ended && noted != 0) {                                                                        \
            alq_notes_end(noted, result == CUDA_SUCCESS ? *graph : NULL);                                 \
        }                                                                                                 \
        return result;                                                                                    \
    }

ALQ_CAPTURE_END(cuStreamEndCapture, stream)
ALQ_CAPTURE_END(cuStreamEndCapture_ptsz, ALQ_OWN_STREAM(stream))

#define ALQ_STREAM_DESTROY(name)                            \
    CUresult alq_hook_##name(CUstream stream)               \
    {                                                       \
        ALQ_PASS_WHEN_TRANSPARENT(name, stream);            \
        uint64_t id = alq_capture_find(stream);             \
        CUresult result = ALQ_CALL(name, stream);           \
        if (id != 0 && result == CUDA_SUCCESS) {            \
            alq_capture_ended(id);                          \
        }                                                   \
        return result;                                      \
    }

ALQ_STREAM_DESTROY(cuStreamDestroy)
ALQ_STREAM_DESTROY(cuStreamDestroy_v2)

void alq_capture_forget(CUcontext context)
{
    alq_captures_drop(alq_capture_of_context, &(struct alq_capture_query){.context = context});
}

bool alq_capture_borrows(CUgraph graph)
{
    pthread_mutex_lock(&alq_captures_mutex);
    const struct alq_capture *capture = alq_captures;
    while (capture != NULL && capture->graph != graph) {
        capture = capture->next;
    }
    pthread_mutex_unlock(&alq_captures_mutex);
    return capture != NULL;
}

bool alq_capture_active(void)
{
    int saved_errno = errno;
    alq_captures_drop(alq_capture_orphaned, NULL);
    errno = saved_errno;
    return alq_captures_any();
}

void alq_capture_after_fork(void)
{
    pthread_mutex_init(&alq_captures_mutex, NULL);
    alq_captures = NULL;
    alq_captures_count = 0;
}
