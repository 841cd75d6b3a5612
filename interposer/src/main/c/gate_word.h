/*
 * The gate's word, between who comes to it (gate.c) and who closes it (gate_close.c). Nobody else includes this.
 *
 * The word and the threads' marks are written in one order and read in the other: a thread writes its mark and then
 * reads the word, the mover writes the word and then reads the marks. Between the mover's two steps membarrier makes every running
 * thread of the process pass a full barrier, so that either the thread sees the gate closed or the mover sees the mark; the
 * threads themselves only have to keep the compiler from exchanging their two steps.
 */
#ifndef ALIQUOT_INTERPOSER_GATE_WORD_H
#define ALIQUOT_INTERPOSER_GATE_WORD_H

#include <limits.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The word: its state, and above that which closing it is, so that nobody breaks, or wants open, a later one than that he has waited at. */
enum {
    ALQ_OPEN = 0,
    ALQ_DRAINING = 1,
    ALQ_MOVING = 2,
    ALQ_PARKED = 3,
    ALQ_WANTED = 4, /* parked, and somebody waits */
    ALQ_STATE = 7,
    ALQ_CLOSING = 8
};

#define ALQ_GATE_HIDDEN __attribute__((visibility("hidden")))

extern uint32_t alq_gate_word ALQ_GATE_HIDDEN;
extern uint32_t alq_gate_exits ALQ_GATE_HIDDEN;    /* counts the marks cleared while DRAINING; the mover waits on it */
extern uint64_t alq_gate_break_ns ALQ_GATE_HIDDEN; /* written before the word is */
extern uint32_t alq_gate_blind ALQ_GATE_HIDDEN;    /* a thread had no memory for a mark: nobody can tell any more who is inside */
extern uint64_t alq_gate_since_ns ALQ_GATE_HIDDEN; /* since when the first thread has waited at the parked gate; 0: none has come */

static inline uint64_t alq_gate_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

/* Sleeps while *word is `value`, at most timeout_ns (UINT64_MAX: without end). */
static inline void alq_gate_sleep(uint32_t *word, uint32_t value, uint64_t timeout_ns)
{
    struct timespec timeout = {(time_t)(timeout_ns / 1000000000ull), (long)(timeout_ns % 1000000000ull)};
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, timeout_ns == UINT64_MAX ? NULL : &timeout, NULL, 0);
}

static inline void alq_gate_wake(uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static inline uint32_t alq_gate_state(void)
{
    return __atomic_load_n(&alq_gate_word, __ATOMIC_ACQUIRE) & ALQ_STATE;
}

#endif
