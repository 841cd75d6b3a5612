/* Entering and leaving the driver: initialisation check, gate, current context; the threads of the process. */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cuda_core.h"
#include "cuda_stream.h"

static __thread struct sim_thread *self __attribute__((tls_model("initial-exec")));
static pthread_key_t thread_key;
static pthread_once_t thread_once = PTHREAD_ONCE_INIT;
static pthread_mutex_t thread_mutex = PTHREAD_MUTEX_INITIALIZER;

static void thread_gone(void *value) {
    struct sim_thread *thread = value;
    pthread_mutex_lock(&thread_mutex);
    for (struct sim_thread **link = &sim_process.threads; *link != NULL; link = &(*link)->next) {
        if (*link == thread) {
            *link = thread->next;
            break;
        }
    }
    pthread_mutex_unlock(&thread_mutex);
    for (int i = 0; i < SIM_PER_THREAD_STREAMS; i++) sim_stream_drop_own(thread->own[i]);
    self = NULL;
    free(thread);
}

static void thread_start(void) { pthread_key_create(&thread_key, thread_gone); }

struct sim_thread *sim_thread_self(void) {
    if (self != NULL) return self;
    struct sim_thread *thread = calloc(1, sizeof *thread);
    if (thread == NULL) return NULL;
    pthread_once(&thread_once, thread_start);
    pthread_setspecific(thread_key, thread);
    pthread_mutex_lock(&thread_mutex);
    thread->next = sim_process.threads;
    sim_process.threads = thread;
    pthread_mutex_unlock(&thread_mutex);
    self = thread;
    return thread;
}

static void gate_wait(void) {
    syscall(SYS_futex, (uint32_t *)&sim_process.gate, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
}

CUresult sim_enter(struct sim_call *call) {
    if (!atomic_load_explicit(&sim_process.ready, memory_order_acquire)) return CUDA_ERROR_NOT_INITIALIZED;
    struct sim_thread *thread = self != NULL ? self : sim_thread_self();
    if (thread == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    call->thread = thread;
    if (thread->depth++ > 0) return CUDA_SUCCESS;
    atomic_store(&thread->in_call, 1);
    while (__builtin_expect(atomic_load(&sim_process.gate) != 0, 0)) {
        atomic_store(&thread->in_call, 0);
        gate_wait();
        atomic_store(&thread->in_call, 1);
    }
    return CUDA_SUCCESS;
}

void sim_leave(struct sim_call *call) {
    if (call->thread == NULL) return;
    if (--call->thread->depth == 0) atomic_store_explicit(&call->thread->in_call, 0, memory_order_release);
}

CUresult sim_enter_context(struct sim_call *call) {
    CUresult result = sim_enter(call);
    if (result != CUDA_SUCCESS) return result;
    struct sim_thread *thread = call->thread;
    if (thread->top == 0 || thread->stack[thread->top - 1] == NULL) return CUDA_ERROR_INVALID_CONTEXT;
    struct sim_context *ctx = thread->stack[thread->top - 1];
    if (!sim_context_ok(ctx)) return CUDA_ERROR_CONTEXT_IS_DESTROYED;
    call->ctx = ctx;
    return (CUresult)atomic_load_explicit(&ctx->sticky, memory_order_relaxed);
}

void sim_gate_close(void) { atomic_store(&sim_process.gate, 1); }

void sim_gate_open(void) {
    atomic_store(&sim_process.gate, 0);
    syscall(SYS_futex, (uint32_t *)&sim_process.gate, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static bool anyone_inside(void) {
    bool inside = false;
    pthread_mutex_lock(&thread_mutex);
    for (struct sim_thread *thread = sim_process.threads; thread != NULL && !inside; thread = thread->next) {
        inside = atomic_load(&thread->in_call) != 0;
    }
    pthread_mutex_unlock(&thread_mutex);
    return inside;
}

bool sim_gate_drain(uint32_t timeout_ms) {
    uint64_t deadline = sim_now_ns() + timeout_ms * 1000000ull;
    while (anyone_inside()) {
        if (timeout_ms != 0 && sim_now_ns() >= deadline) return false;
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    }
    return true;
}
