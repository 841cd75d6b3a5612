/*
 * Threads of this process by name: for what belongs to a thread and must not outlive it, without a hook at the thread's end, which
 * a thread that is killed, or ends by a bare system call, would never reach.
 */
#ifndef ALIQUOT_INTERPOSER_THREAD_H
#define ALIQUOT_INTERPOSER_THREAD_H

#include <stdbool.h>
#include <stdint.h>

/* A thread at a time: the kernel gives its number to another thread later, but not at once. tid 0: none. */
struct alq_thread {
    uint32_t tid;
    uint64_t since_ns; /* CLOCK_BOOTTIME, when it was known to run */
};

struct alq_thread alq_thread_self(void);

/* Whether no thread has that number now. One system call. Keeps errno. */
bool alq_thread_absent(const struct alq_thread *thread);

/* Whether the thread is gone, even if another has its number now; reads /proc. Where that cannot be read: alq_thread_absent. Keeps errno. */
bool alq_thread_gone(const struct alq_thread *thread);

#endif
