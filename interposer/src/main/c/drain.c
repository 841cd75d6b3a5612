/* A thread per drain: it costs a few tens of microseconds beside a copy of milliseconds, and nothing while nothing is moved. */
#include "drain.h"

#include <time.h>

#include "contexts.h"
#include "fork.h"
#include "hooks.h"
#include "own_thread.h"

#define ALQ_LEAVE_NS 10000000000ull

enum { ALQ_DRAIN_IDLE, ALQ_DRAIN_RUNNING, ALQ_DRAIN_DONE, ALQ_DRAIN_FAILED };

static uint32_t alq_state;
static CUcontext alq_draining; /* the context that is being waited for */
static uint32_t alq_left_alone; /* nobody waits for this drain any more: contexts may go, so it enters no further one */
static CUcontext alq_list[ALQ_CONTEXTS];
static size_t alq_count;

static void *alq_drain_body(void *unused)
{
    CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_RELAXED;
    uint32_t state = ALQ_DRAIN_DONE;
    (void)unused;
    alq_thread_name("aliquot-drain");
    ALQ_CALL(cuThreadExchangeStreamCaptureMode, &mode);
    for (size_t at = 0; at < alq_count; at++) {
        __atomic_store_n(&alq_draining, alq_list[at], __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&alq_left_alone, __ATOMIC_SEQ_CST) != 0) {
            break;
        }
        CUresult result = ALQ_CALL(cuCtxSetCurrent, alq_list[at]);
        if (result == CUDA_SUCCESS) {
            result = ALQ_CALL(cuCtxSynchronize);
        }
        /* a context that has failed runs nothing any more */
        if (result == CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED) {
            state = ALQ_DRAIN_FAILED;
        }
    }
    ALQ_CALL(cuCtxSetCurrent, NULL);
    __atomic_store_n(&alq_draining, NULL, __ATOMIC_SEQ_CST);
    __atomic_store_n(&alq_state, state, __ATOMIC_SEQ_CST);
    alq_futex_wake(&alq_state);
    return NULL;
}

static uint32_t alq_drain_end(uint64_t deadline_ns)
{
    uint32_t state;
    while ((state = __atomic_load_n(&alq_state, __ATOMIC_SEQ_CST)) == ALQ_DRAIN_RUNNING && alq_clock_ns() < deadline_ns) {
        alq_futex_wait(&alq_state, state, deadline_ns);
    }
    return state;
}

bool alq_drain(uint64_t deadline_ns)
{
    /* one that was left alone began before this gate was closed: its end says nothing about now */
    if (alq_drain_end(deadline_ns) == ALQ_DRAIN_RUNNING || !alq_contexts_list(alq_list, &alq_count)) {
        return false;
    }
    __atomic_store_n(&alq_left_alone, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&alq_state, ALQ_DRAIN_RUNNING, __ATOMIC_SEQ_CST);
    if (!alq_thread_start(alq_drain_body)) {
        __atomic_store_n(&alq_state, ALQ_DRAIN_IDLE, __ATOMIC_SEQ_CST);
        return false;
    }
    uint32_t state = alq_drain_end(deadline_ns);
    __atomic_store_n(&alq_left_alone, state == ALQ_DRAIN_RUNNING, __ATOMIC_SEQ_CST);
    return state == ALQ_DRAIN_DONE;
}

void alq_drain_leave(CUcontext context)
{
    uint64_t deadline_ns = 0;
    while (context != NULL && __atomic_load_n(&alq_draining, __ATOMIC_SEQ_CST) == context) {
        if (deadline_ns == 0) {
            deadline_ns = alq_clock_ns() + ALQ_LEAVE_NS;
        } else if (alq_clock_ns() >= deadline_ns) {
            return;
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

void alq_drain_after_fork(void)
{
    alq_state = ALQ_DRAIN_IDLE;
    alq_draining = NULL;
}
