/*
 * Work, streams and events.
 *
 * An op runs in the calling thread when its stream is idle, nothing it depends on is pending and it is short; otherwise it is
 * queued and a thread of the stream runs it, so that queries and events tell the truth.
 */
#ifndef SIM_CUDA_STREAM_H
#define SIM_CUDA_STREAM_H

#include "cuda_core.h"

#define SIM_KERNEL_ARGUMENTS 4
#define SIM_SHORT_BYTES (1ull << 20) /* more than this to move or fill is not short */

enum sim_work_type {
    SIM_WORK_EMPTY,
    SIM_WORK_KERNEL,
    SIM_WORK_COPY,
    SIM_WORK_FILL,
    SIM_WORK_HOST,
    SIM_WORK_CALLBACK,
    SIM_WORK_RECORD,
    SIM_WORK_WAIT,
    SIM_WORK_MEMOP,
    SIM_WORK_POOL_FREE,
    SIM_WORK_MEMORY_FREE, /* of cuMemAlloc */
    SIM_WORK_GRAPH,
    SIM_WORK_CHILD,
    SIM_WORK_GRAPH_ALLOC,
    SIM_WORK_GRAPH_FREE,
};

struct sim_function;
struct sim_event;
struct sim_exec;

/* One recording of an event. */
struct sim_mark {
    _Atomic uint32_t refs;
    _Atomic uint32_t done;
    uint64_t time_ns;
};

struct sim_kernel_work {
    struct sim_function *function;
    const struct sim_kernel *kernel; /* outlives the module */
    unsigned grid[3], block[3], shared_bytes;
    uint64_t arguments[SIM_KERNEL_ARGUMENTS];
};

struct sim_work {
    enum sim_work_type type;
    union {
        struct sim_kernel_work kernel;
        CUDA_MEMCPY3D copy;
        CUDA_MEMSET_NODE_PARAMS_v2 fill;
        struct {
            CUhostFn fn;
            void *data;
        } host;
        struct {
            CUstreamCallback fn;
            void *data;
            CUstream stream;
        } callback;
        struct sim_mark *mark; /* record and wait on a stream */
        CUevent event;         /* record and wait as a graph node */
        CUstreamBatchMemOpParams memop;
        CUdeviceptr address; /* pool free, graph free */
        struct sim_exec *exec;
        CUgraph child;
        struct {
            CUDA_MEM_ALLOC_NODE_PARAMS params;
            struct sim_graph_block *block;
        } alloc;
    };
    void *staged; /* host bytes copied at submission; freed with the op */
};

struct sim_dependency {
    struct sim_stream *stream;
    uint64_t sequence;
};

struct sim_op {
    struct sim_op *next;
    uint64_t sequence;
    unsigned dependency_count;
    struct sim_dependency *dependencies;
    struct sim_work work;
};

struct sim_stream {
    struct sim_head head;
    struct sim_context *ctx;
    struct sim_stream *next; /* in the context */
    unsigned flags;
    int priority;
    bool legacy;
    struct sim_thread *owner; /* of a thread's default stream */
    bool linked;   /* in its context's list */
    bool closing;  /* the worker ends when the queue is empty */
    bool detached; /* destroyed by the program with ops pending: the worker cleans up */
    uint64_t id;
    CUgreenCtx green;
    _Atomic uint32_t refs;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int waiters;
    bool running_inline;
    bool worker;
    uint64_t submitted;
    _Atomic uint64_t completed;
    _Atomic uint32_t queued;
    struct sim_op *first, *last;
    struct sim_capture *_Atomic capture;
    CUgraphNode *capture_nodes;
    size_t capture_count;
    CUgraphNode *capture_answer;
    CUsynchronizationPolicy policy;
};

struct sim_event {
    struct sim_head head;
    struct sim_context *ctx;
    unsigned flags;
    pthread_mutex_t mutex;
    struct sim_mark *mark; /* NULL: never recorded */
    struct sim_capture *capture;
    CUgraphNode *capture_nodes;
    size_t capture_count;
    struct sim_ipc_event *shared;
    int shared_fd;
    bool imported;
};

#define SIM_SUBMIT_LONG 1u /* may take long or wait: never in the calling thread */
#define SIM_SUBMIT_SYNC 2u /* the caller waits until it is done */
#define SIM_SUBMIT_UNSAFE 4u /* must not happen while anything is being captured */

/* The stream a handle means for this call: NULL and the special values resolved. */
CUresult sim_stream_resolve(struct sim_call *call, CUstream handle, struct sim_stream **out);
/* Runs or queues a copy of work; in a capturing stream it becomes a node. Takes over work->staged. */
CUresult sim_submit(struct sim_call *call, struct sim_stream *stream, struct sim_work *work, unsigned flags);
/* The same without looking at captures. */
CUresult sim_submit_now(struct sim_stream *stream, struct sim_work *work, unsigned flags);
CUresult sim_stream_drain(struct sim_stream *stream);
bool sim_stream_idle(struct sim_stream *stream);
struct sim_stream *sim_stream_make(struct sim_context *ctx, unsigned flags, int priority);
void sim_stream_unmake(struct sim_stream *stream);
void sim_stream_drop_own(struct sim_stream *stream);
void sim_stream_unref(struct sim_stream *stream);
CUresult sim_stream_own(struct sim_call *call, struct sim_stream **out);

/* cuda_work.c: does the work; a result other than success sticks to the context. */
CUresult sim_work_run(struct sim_work *work, struct sim_context *ctx);
bool sim_work_is_long(const struct sim_work *work);
void sim_work_drop(struct sim_work *work);

void sim_mark_unref(struct sim_mark *mark);
void sim_mark_set(struct sim_mark *mark);
void sim_mark_wait(struct sim_mark *mark, const struct sim_context *ctx);
struct sim_mark *sim_mark_new(void);
struct sim_mark *sim_event_mark(struct sim_event *event);
CUresult sim_event_record_run(struct sim_event *event);

/* ---- capture (cuda_capture.c) ---- */

static inline bool sim_stream_capturing(struct sim_stream *stream) {
    return __builtin_expect(atomic_load_explicit(&stream->capture, memory_order_acquire) != NULL, 0);
}
/* Adds work as a node after what the stream has captured so far. */
CUresult sim_capture_add(struct sim_call *call, struct sim_stream *stream, struct sim_work *work, CUgraphNode *node);
/* A call that would wait for a capturing stream: spoils the capture, answers the code. */
CUresult sim_capture_spoil(struct sim_stream *stream);
CUresult sim_capture_spoil_context(struct sim_context *ctx, CUresult result);
CUresult sim_capture_record(struct sim_call *call, struct sim_stream *stream, struct sim_event *event);
CUresult sim_capture_wait(struct sim_call *call, struct sim_stream *stream, struct sim_event *event);
void sim_capture_forget_event(struct sim_event *event);
void sim_capture_abandon(struct sim_stream *stream);

#endif
