/* Events: each recording is a mark, so that a wait keeps the recording it saw. */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cuda_event.h"
#include "cuda_memory.h"
#include "cuda_stream.h"

struct sim_mark *sim_mark_new(void) {
    struct sim_mark *mark = calloc(1, sizeof *mark);
    if (mark != NULL) mark->refs = 1;
    return mark;
}

void sim_mark_unref(struct sim_mark *mark) {
    if (mark != NULL && atomic_fetch_sub(&mark->refs, 1) == 1) free(mark);
}

void sim_mark_set(struct sim_mark *mark) {
    mark->time_ns = sim_now_ns();
    if (atomic_exchange(&mark->done, 1) == 2) syscall(SYS_futex, (uint32_t *)&mark->done, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/* done: 0 open, 2 open and somebody sleeps, 1 done. */
void sim_mark_wait(struct sim_mark *mark, const struct sim_context *ctx) {
    for (;;) {
        uint32_t state = atomic_load(&mark->done);
        if (state == 1 || (ctx != NULL && atomic_load(&ctx->dying))) return;
        if (state == 0 && !atomic_compare_exchange_strong(&mark->done, &state, 2)) continue;
        struct timespec limit = {.tv_nsec = 20000000};
        syscall(SYS_futex, (uint32_t *)&mark->done, FUTEX_WAIT_PRIVATE, 2, &limit, NULL, 0);
    }
}

struct sim_mark *sim_event_mark(struct sim_event *event) {
    pthread_mutex_lock(&event->mutex);
    struct sim_mark *mark = event->mark;
    if (mark != NULL) atomic_fetch_add(&mark->refs, 1);
    pthread_mutex_unlock(&event->mutex);
    return mark;
}

static bool event_ok(CUevent handle) { return sim_handle_is(handle, SIM_KIND_EVENT); }

CUresult cuEventCreate(CUevent *out, unsigned int flags) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL && (flags & ~7u) == 0);
    SIM_NEED(!(flags & CU_EVENT_INTERPROCESS) || (flags & CU_EVENT_DISABLE_TIMING));
    struct sim_event *event = sim_handle_new(SIM_KIND_EVENT);
    if (event == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    event->ctx = call.ctx;
    event->flags = flags;
    event->shared_fd = -1;
    pthread_mutex_init(&event->mutex, NULL);
    if ((flags & CU_EVENT_INTERPROCESS) && !sim_event_share(event)) {
        sim_handle_free(event);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    *out = (CUevent)event;
    return CUDA_SUCCESS;
}

CUresult cuEventDestroy_v2(CUevent handle) {
    SIM_ENTER();
    if (!event_ok(handle)) return CUDA_ERROR_INVALID_HANDLE;
    struct sim_event *event = (struct sim_event *)handle;
    sim_capture_forget_event(event);
    sim_event_unshare(event);
    sim_mark_unref(event->mark);
    sim_handle_free(event);
    return CUDA_SUCCESS;
}
CUresult cuEventDestroy(CUevent handle) { return cuEventDestroy_v2(handle); }

/* A mark for a new recording, held by the event and by the caller. */
static struct sim_mark *fresh_mark(struct sim_event *event) {
    pthread_mutex_lock(&event->mutex);
    struct sim_mark *mark = event->mark;
    if (mark != NULL && atomic_load(&mark->refs) == 1) {
        atomic_store(&mark->done, 0);
    } else {
        mark = sim_mark_new();
        if (mark != NULL) {
            sim_mark_unref(event->mark);
            event->mark = mark;
        }
    }
    if (mark != NULL) atomic_fetch_add(&mark->refs, 1);
    pthread_mutex_unlock(&event->mutex);
    return mark;
}

CUresult sim_event_record_run(struct sim_event *event) {
    struct sim_mark *mark = fresh_mark(event);
    if (mark == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    sim_mark_set(mark);
    sim_mark_unref(mark);
    return CUDA_SUCCESS;
}

static CUresult record(CUevent handle, CUstream where, unsigned flags) {
    SIM_ENTER_CONTEXT();
    if (!event_ok(handle)) return CUDA_ERROR_INVALID_HANDLE;
    SIM_NEED((flags & ~(unsigned)CU_EVENT_RECORD_EXTERNAL) == 0);
    struct sim_event *event = (struct sim_event *)handle;
    struct sim_stream *stream;
    SIM_TRY(sim_stream_resolve(&call, where, &stream));
    if (stream->ctx != event->ctx && stream->ctx->ordinal != event->ctx->ordinal) return CUDA_ERROR_INVALID_HANDLE;
    if (sim_stream_capturing(stream)) {
        if (!(flags & CU_EVENT_RECORD_EXTERNAL)) return sim_capture_record(&call, stream, event);
        struct sim_work work = {.type = SIM_WORK_RECORD, .event = handle};
        return sim_capture_add(&call, stream, &work, NULL);
    }
    SIM_NEED(!(flags & CU_EVENT_RECORD_EXTERNAL));
    sim_capture_forget_event(event);
    struct sim_mark *mark = fresh_mark(event);
    if (mark == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    sim_event_shared_begin(event);
    struct sim_work work;
    work.type = SIM_WORK_RECORD;
    work.staged = NULL;
    work.mark = mark;
    if (event->shared != NULL) {
        work.type = SIM_WORK_HOST;
        struct sim_shared_record *shared = sim_event_shared_record(event, mark);
        if (shared == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
        work.host.fn = sim_event_shared_done;
        work.host.data = shared;
    }
    return sim_submit(&call, stream, &work, 0);
}
CUresult cuEventRecord(CUevent event, CUstream stream) { return record(event, stream, 0); }
CUresult cuEventRecord_ptsz(CUevent event, CUstream stream) { return record(event, sim_pts(stream), 0); }
CUresult cuEventRecordWithFlags(CUevent event, CUstream stream, unsigned int flags) { return record(event, stream, flags); }
CUresult cuEventRecordWithFlags_ptsz(CUevent event, CUstream stream, unsigned int flags) {
    return record(event, sim_pts(stream), flags);
}

static CUresult wait_event(CUstream where, CUevent handle, unsigned flags) {
    SIM_ENTER_CONTEXT();
    if (!event_ok(handle)) return CUDA_ERROR_INVALID_HANDLE;
    SIM_NEED((flags & ~(unsigned)CU_EVENT_WAIT_EXTERNAL) == 0);
    struct sim_event *event = (struct sim_event *)handle;
    struct sim_stream *stream;
    SIM_TRY(sim_stream_resolve(&call, where, &stream));
    if (flags & CU_EVENT_WAIT_EXTERNAL) {
        SIM_NEED(sim_stream_capturing(stream));
        struct sim_work work = {.type = SIM_WORK_WAIT, .event = handle};
        return sim_capture_add(&call, stream, &work, NULL);
    }
    if (event->capture != NULL) return sim_capture_wait(&call, stream, event);
    if (sim_stream_capturing(stream)) {
        sim_capture_spoil(stream);
        return CUDA_ERROR_STREAM_CAPTURE_ISOLATION;
    }
    if (event->shared != NULL) return sim_event_shared_wait(stream, event);
    struct sim_mark *mark = sim_event_mark(event);
    if (mark == NULL) return CUDA_SUCCESS;
    if (atomic_load(&mark->done) == 1) {
        sim_mark_unref(mark);
        return CUDA_SUCCESS;
    }
    struct sim_work work = {.type = SIM_WORK_WAIT, .mark = mark};
    return sim_submit(&call, stream, &work, SIM_SUBMIT_LONG);
}
CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned int flags) { return wait_event(stream, event, flags); }
CUresult cuStreamWaitEvent_ptsz(CUstream stream, CUevent event, unsigned int flags) {
    return wait_event(sim_pts(stream), event, flags);
}

static CUresult captured(struct sim_event *event) {
    sim_capture_spoil_event(event);
    return CUDA_ERROR_CAPTURED_EVENT;
}

CUresult cuEventQuery(CUevent handle) {
    SIM_ENTER();
    if (!event_ok(handle)) return CUDA_ERROR_INVALID_HANDLE;
    struct sim_event *event = (struct sim_event *)handle;
    if (event->capture != NULL) return captured(event);
    SIM_TRY(sim_unsafe(&call));
    SIM_TRY((CUresult)atomic_load(&event->ctx->sticky));
    if (event->shared != NULL) return sim_event_shared_ready(event) ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
    struct sim_mark *mark = sim_event_mark(event);
    bool done = mark == NULL || atomic_load(&mark->done) == 1;
    sim_mark_unref(mark);
    return done ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
}

CUresult cuEventSynchronize(CUevent handle) {
    SIM_ENTER();
    if (!event_ok(handle)) return CUDA_ERROR_INVALID_HANDLE;
    struct sim_event *event = (struct sim_event *)handle;
    if (event->capture != NULL) return captured(event);
    SIM_TRY(sim_unsafe(&call));
    if (event->shared != NULL) {
        sim_event_shared_sleep(event);
    } else {
        struct sim_mark *mark = sim_event_mark(event);
        if (mark != NULL) sim_mark_wait(mark, event->ctx);
        sim_mark_unref(mark);
    }
    sim_pool_settle();
    return (CUresult)atomic_load(&event->ctx->sticky);
}

static CUresult elapsed(float *out, CUevent from, CUevent to) {
    SIM_ENTER();
    SIM_NEED(out != NULL);
    if (!event_ok(from) || !event_ok(to)) return CUDA_ERROR_INVALID_HANDLE;
    struct sim_event *first = (struct sim_event *)from, *second = (struct sim_event *)to;
    if ((first->flags | second->flags) & CU_EVENT_DISABLE_TIMING) return CUDA_ERROR_INVALID_HANDLE;
    if (first->capture != NULL || second->capture != NULL) return CUDA_ERROR_CAPTURED_EVENT;
    struct sim_mark *start = sim_event_mark(first), *end = sim_event_mark(second);
    CUresult result = CUDA_SUCCESS;
    if (start == NULL || end == NULL) result = CUDA_ERROR_INVALID_HANDLE;
    else if (atomic_load(&start->done) != 1 || atomic_load(&end->done) != 1) result = CUDA_ERROR_NOT_READY;
    else *out = (float)(((double)end->time_ns - (double)start->time_ns) / 1e6);
    sim_mark_unref(start);
    sim_mark_unref(end);
    return result;
}
CUresult cuEventElapsedTime(float *out, CUevent from, CUevent to) { return elapsed(out, from, to); }
CUresult cuEventElapsedTime_v2(float *out, CUevent from, CUevent to) { return elapsed(out, from, to); }
