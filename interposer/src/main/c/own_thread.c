/*
 * pthread_create is looked up when it is needed: before glibc 2.34 it is in a library of its own, under another version. Only once: the
 * first thread is started by one of the program's, in a call of its own; later ones while others may hold the loader's lock and wait.
 */
#include "own_thread.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
__asm__(".symver dlsym, dlsym@GLIBC_2.2.5");
#elif defined(__aarch64__)
__asm__(".symver dlsym, dlsym@GLIBC_2.17");
#endif

/* Enough for the driver; large thread-local data of the program's libraries comes out of it, too. */
#define ALQ_STACK_BYTES (512u << 10)

static struct {
    uint32_t found; /* set last */
    __typeof__(pthread_create) *create;
    __typeof__(pthread_attr_init) *init;
    __typeof__(pthread_attr_destroy) *destroy;
    __typeof__(pthread_attr_setstacksize) *set_stack;
    __typeof__(pthread_attr_setdetachstate) *set_detached;
} alq;

/* Several threads may find the same at once. */
static bool alq_find(void)
{
    if (__atomic_load_n(&alq.found, __ATOMIC_ACQUIRE) != 0) {
        return true;
    }
    alq.create = dlsym(RTLD_DEFAULT, "pthread_create");
    alq.init = dlsym(RTLD_DEFAULT, "pthread_attr_init");
    alq.destroy = dlsym(RTLD_DEFAULT, "pthread_attr_destroy");
    alq.set_stack = dlsym(RTLD_DEFAULT, "pthread_attr_setstacksize");
    alq.set_detached = dlsym(RTLD_DEFAULT, "pthread_attr_setdetachstate");
    bool all = alq.create != NULL && alq.init != NULL && alq.destroy != NULL && alq.set_stack != NULL && alq.set_detached != NULL;
    __atomic_store_n(&alq.found, all, __ATOMIC_RELEASE);
    return all;
}

bool alq_thread_start(void *(*body)(void *))
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all;
    sigset_t before;
    if (!alq_find() || alq.init(&attributes) != 0) {
        return false;
    }
    int saved_errno = errno;
    alq.set_detached(&attributes, PTHREAD_CREATE_DETACHED);
    alq.set_stack(&attributes, ALQ_STACK_BYTES);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before); /* this thread's own, on Linux */
    int failed = alq.create(&thread, &attributes, body, NULL);
    if (failed == EINVAL) {
        alq.set_stack(&attributes, ALQ_STACK_BYTES * 16);
        failed = alq.create(&thread, &attributes, body, NULL);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    alq.destroy(&attributes);
    errno = saved_errno;
    return failed == 0;
}

void alq_thread_name(const char *name)
{
    prctl(PR_SET_NAME, name, 0, 0, 0);
}

uint64_t alq_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

void alq_futex_wait(const uint32_t *word, uint32_t value, uint64_t deadline_ns)
{
    struct timespec deadline = {
        .tv_sec = (time_t)(deadline_ns / 1000000000ull), .tv_nsec = (long)(deadline_ns % 1000000000ull)};
    syscall(SYS_futex, word, FUTEX_WAIT_BITSET, value, deadline_ns == 0 ? NULL : &deadline, NULL, FUTEX_BITSET_MATCH_ANY);
}

int alq_futex_wake(const uint32_t *word)
{
    int saved_errno = errno;
    long woken = syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    errno = saved_errno;
    return woken < 0 ? 0 : (int)woken;
}
