/* Running ops in order: in the calling thread where that is quick and allowed, else in the stream's worker. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "cuda_memory.h"
#include "cuda_stream.h"

#define IDLE_MS 200

bool sim_stream_idle(struct sim_stream *stream) { return atomic_load_explicit(&stream->queued, memory_order_acquire) == 0; }

void sim_stream_unref(struct sim_stream *stream) {
    if (atomic_fetch_sub(&stream->refs, 1) != 1) return;
    pthread_cond_destroy(&stream->changed);
    pthread_mutex_destroy(&stream->mutex);
    free(stream->capture_nodes);
    free(stream->capture_answer);
    sim_handle_free(stream);
}

static void wait_for(struct sim_stream *stream, uint64_t sequence) {
    if (atomic_load_explicit(&stream->completed, memory_order_acquire) >= sequence) return;
    pthread_mutex_lock(&stream->mutex);
    while (atomic_load(&stream->completed) < sequence) pthread_cond_wait(&stream->changed, &stream->mutex);
    pthread_mutex_unlock(&stream->mutex);
}

CUresult sim_stream_drain(struct sim_stream *stream) {
    if (!sim_stream_idle(stream)) {
        pthread_mutex_lock(&stream->mutex);
        uint64_t sequence = stream->submitted;
        pthread_mutex_unlock(&stream->mutex);
        wait_for(stream, sequence);
    }
    return (CUresult)atomic_load(&stream->ctx->sticky);
}

static void unlink_stream(struct sim_stream *stream) {
    struct sim_context *ctx = stream->ctx;
    bool found = false;
    pthread_mutex_lock(&ctx->mutex);
    for (struct sim_stream **link = &ctx->streams; stream->linked && *link != NULL; link = &(*link)->next) {
        if (*link != stream) continue;
        *link = stream->next;
        stream->linked = false;
        found = true;
        break;
    }
    pthread_mutex_unlock(&ctx->mutex);
    if (found) sim_stream_unref(stream);
}

static void run_one(struct sim_stream *stream, struct sim_op *op) {
    for (unsigned i = 0; i < op->dependency_count; i++) {
        wait_for(op->dependencies[i].stream, op->dependencies[i].sequence);
        sim_stream_unref(op->dependencies[i].stream);
    }
    CUresult result = sim_work_run(&op->work, stream->ctx);
    if (result != CUDA_SUCCESS) sim_context_fail(stream->ctx, result);
}

static void *work_loop(void *argument) {
    struct sim_stream *stream = argument;
    pthread_mutex_lock(&stream->mutex);
    for (;;) {
        while (stream->running_inline) pthread_cond_wait(&stream->changed, &stream->mutex);
        struct sim_op *op = stream->first;
        if (op == NULL) {
            struct timespec until;
            clock_gettime(CLOCK_REALTIME, &until);
            until.tv_nsec += IDLE_MS * 1000000l;
            until.tv_sec += until.tv_nsec / 1000000000;
            until.tv_nsec %= 1000000000;
            if (stream->closing) break;
            int waited = pthread_cond_timedwait(&stream->changed, &stream->mutex, &until);
            if (waited == ETIMEDOUT && stream->first == NULL && !stream->running_inline) break;
            continue;
        }
        pthread_mutex_unlock(&stream->mutex);
        run_one(stream, op);
        sim_work_drop(&op->work);
        pthread_mutex_lock(&stream->mutex);
        stream->first = op->next;
        if (stream->first == NULL) stream->last = NULL;
        if (atomic_fetch_sub(&stream->queued, 1) == 1 && !stream->legacy) atomic_fetch_sub(&stream->ctx->busy_streams, 1);
        atomic_store(&stream->completed, op->sequence);
        pthread_cond_broadcast(&stream->changed);
        free(op->dependencies);
        free(op);
    }
    if (stream->detached) {
        pthread_mutex_unlock(&stream->mutex);
        unlink_stream(stream);
        pthread_mutex_lock(&stream->mutex);
    }
    stream->worker = false;
    pthread_cond_broadcast(&stream->changed);
    pthread_mutex_unlock(&stream->mutex);
    sim_stream_unref(stream);
    return NULL;
}

static bool start_worker(struct sim_stream *stream) {
    if (stream->worker) return true;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    atomic_fetch_add(&stream->refs, 1);
    stream->worker = pthread_create(&thread, NULL, work_loop, stream) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (stream->worker) pthread_detach(thread);
    else atomic_fetch_sub(&stream->refs, 1);
    return stream->worker;
}

static bool add_dependency(struct sim_op *op, struct sim_stream *stream) {
    struct sim_dependency *list = realloc(op->dependencies, (op->dependency_count + 1) * sizeof *list);
    if (list == NULL) return false;
    op->dependencies = list;
    pthread_mutex_lock(&stream->mutex);
    uint64_t sequence = stream->submitted;
    pthread_mutex_unlock(&stream->mutex);
    atomic_fetch_add(&stream->refs, 1);
    list[op->dependency_count++] = (struct sim_dependency){stream, sequence};
    return true;
}

/* The legacy stream waits for every blocking stream of the context, and they for it. */
static bool must_wait(const struct sim_stream *stream) {
    if (stream->flags & CU_STREAM_NON_BLOCKING) return false;
    return stream->legacy ? atomic_load(&stream->ctx->busy_streams) != 0 : !sim_stream_idle(stream->ctx->legacy);
}

static bool find_dependencies(struct sim_stream *stream, struct sim_op *op) {
    struct sim_context *ctx = stream->ctx;
    if (!stream->legacy) return add_dependency(op, ctx->legacy);
    bool good = true;
    pthread_mutex_lock(&ctx->mutex);
    for (struct sim_stream *other = ctx->streams; other != NULL && good; other = other->next) {
        if (other == stream || (other->flags & CU_STREAM_NON_BLOCKING) || sim_stream_idle(other)) continue;
        good = add_dependency(op, other);
    }
    pthread_mutex_unlock(&ctx->mutex);
    return good;
}

static CUresult enqueue(struct sim_stream *stream, struct sim_work *work, bool depends, unsigned flags) {
    struct sim_op *op = calloc(1, sizeof *op);
    if (op == NULL || (depends && !find_dependencies(stream, op))) {
        free(op);
        sim_work_drop(work);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    op->work = *work;
    pthread_mutex_lock(&stream->mutex);
    if (!start_worker(stream)) {
        pthread_mutex_unlock(&stream->mutex);
        free(op->dependencies);
        free(op);
        sim_work_drop(work);
        return CUDA_ERROR_OPERATING_SYSTEM;
    }
    uint64_t sequence = op->sequence = ++stream->submitted;
    if (stream->last != NULL) stream->last->next = op;
    else stream->first = op;
    stream->last = op;
    if (atomic_fetch_add(&stream->queued, 1) == 0 && !stream->legacy) atomic_fetch_add(&stream->ctx->busy_streams, 1);
    pthread_cond_broadcast(&stream->changed);
    pthread_mutex_unlock(&stream->mutex);
    if (flags & SIM_SUBMIT_SYNC) {
        wait_for(stream, sequence);
        return (CUresult)atomic_load(&stream->ctx->sticky);
    }
    return CUDA_SUCCESS;
}

CUresult sim_submit_now(struct sim_stream *stream, struct sim_work *work, unsigned flags) {
    bool depends = must_wait(stream);
    if ((flags & SIM_SUBMIT_LONG) || depends) return enqueue(stream, work, depends, flags);
    pthread_mutex_lock(&stream->mutex);
    if (stream->first != NULL || stream->running_inline) {
        pthread_mutex_unlock(&stream->mutex);
        return enqueue(stream, work, false, flags);
    }
    stream->running_inline = true;
    uint64_t sequence = ++stream->submitted;
    pthread_mutex_unlock(&stream->mutex);
    CUresult result = sim_work_run(work, stream->ctx);
    sim_work_drop(work);
    if (__builtin_expect(result != CUDA_SUCCESS, 0)) sim_context_fail(stream->ctx, result);
    pthread_mutex_lock(&stream->mutex);
    stream->running_inline = false;
    atomic_store_explicit(&stream->completed, sequence, memory_order_release);
    if (stream->worker) pthread_cond_broadcast(&stream->changed);
    pthread_mutex_unlock(&stream->mutex);
    return flags & SIM_SUBMIT_SYNC ? (CUresult)atomic_load(&stream->ctx->sticky) : CUDA_SUCCESS;
}

CUresult sim_submit(struct sim_call *call, struct sim_stream *stream, struct sim_work *work, unsigned flags) {
    if (sim_stream_capturing(stream)) {
        if (flags & SIM_SUBMIT_SYNC) {
            sim_work_drop(work);
            return sim_capture_spoil(stream);
        }
        return sim_capture_add(call, stream, work, NULL);
    }
    if (stream->legacy && atomic_load_explicit(&stream->ctx->captures, memory_order_relaxed) != 0) {
        sim_work_drop(work);
        return sim_capture_spoil_context(stream->ctx, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
    }
    if (flags & SIM_SUBMIT_UNSAFE) {
        CUresult result = sim_unsafe(call);
        if (result != CUDA_SUCCESS) {
            sim_work_drop(work);
            return result;
        }
    }
    return sim_submit_now(stream, work, flags);
}

struct sim_stream *sim_stream_make(struct sim_context *ctx, unsigned flags, int priority) {
    struct sim_stream *stream = sim_handle_new(SIM_KIND_STREAM);
    if (stream == NULL) return NULL;
    stream->ctx = ctx;
    stream->flags = flags;
    stream->priority = priority;
    stream->id = sim_new_id();
    stream->refs = 1;
    stream->policy = CU_SYNC_POLICY_AUTO;
    pthread_mutex_init(&stream->mutex, NULL);
    pthread_cond_init(&stream->changed, NULL);
    pthread_mutex_lock(&ctx->mutex);
    stream->next = ctx->streams;
    ctx->streams = stream;
    stream->linked = true;
    pthread_mutex_unlock(&ctx->mutex);
    return stream;
}

void sim_stream_unmake(struct sim_stream *stream) {
    atomic_fetch_add(&stream->refs, 1);
    atomic_store(&stream->head.kind, SIM_KIND_DEAD_STREAM);
    sim_capture_abandon(stream);
    sim_stream_drain(stream);
    pthread_mutex_lock(&stream->mutex);
    stream->closing = true;
    pthread_cond_broadcast(&stream->changed);
    while (stream->worker) pthread_cond_wait(&stream->changed, &stream->mutex);
    pthread_mutex_unlock(&stream->mutex);
    unlink_stream(stream);
    sim_stream_unref(stream);
}

/* The program's own destroy: never waits. */
static void destroy(struct sim_stream *stream) {
    sim_capture_abandon(stream);
    pthread_mutex_lock(&stream->mutex);
    bool pending = stream->first != NULL;
    if (pending) {
        atomic_store(&stream->head.kind, SIM_KIND_DEAD_STREAM);
        stream->closing = stream->detached = true;
        pthread_cond_broadcast(&stream->changed);
    }
    pthread_mutex_unlock(&stream->mutex);
    if (!pending) sim_stream_unmake(stream);
}

CUresult cuStreamDestroy_v2(CUstream handle) {
    SIM_ENTER();
    if (!sim_handle_is(handle, SIM_KIND_STREAM)) return CUDA_ERROR_INVALID_HANDLE;
    struct sim_stream *stream = (struct sim_stream *)handle;
    if (stream->legacy || stream->owner != NULL) return CUDA_ERROR_INVALID_HANDLE;
    destroy(stream);
    return CUDA_SUCCESS;
}
CUresult cuStreamDestroy(CUstream handle) { return cuStreamDestroy_v2(handle); }
