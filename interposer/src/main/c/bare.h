/*
 * Whether this process's calls of the driver are served. While it is bare (protocol.h) the driver may be locked from outside, and a call that
 * got into it would wait there unseen; so every way into the driver looks here first, and has the process come back.
 *
 *   entries of the library (trampoline.S)   but for GATE rows, which wait at their gate
 *   hooks, for their own calls (ALQ_CALL)   they may have begun before
 *
 * Otherwise it costs a compare of one word. A way that has passed it is not seen any more: who makes the process bare waits until
 * every thread has got beyond it (alq_threads_pass), and finds it in the driver then.
 *
 * Not seen: the driver's private tables, and functions that this library does not know; a process that has looked one up is never bare.
 */
#ifndef ALIQUOT_INTERPOSER_BARE_H
#define ALIQUOT_INTERPOSER_BARE_H

#include <stdbool.h>
#include <stdint.h>

/* 0: served. Read through alq_bare_pass, and by trampoline.S, where it is. */
extern uint32_t alq_bare __attribute__((visibility("hidden")));

/* Returns when calls are served; at once in the mover, and in a call that the driver makes by itself. Keeps errno. Called from trampoline.S. */
void alq_bare_wait(void) __attribute__((visibility("hidden")));

/* Before a call of the driver. */
static inline void alq_bare_pass(void)
{
    if (__builtin_expect(__atomic_load_n(&alq_bare, __ATOMIC_RELAXED) != 0, 0)) {
        alq_bare_wait();
    }
}

/* From now on this process is never bare: it is about to import what others may have made, to hand out what they
 * may open, or may call the driver unseen. One store. */
void alq_bare_never(void);

/* ---- for the mover only ---- */

/* Whether it may become so. What is said before alq_bare_begin is heard after it. */
bool alq_bare_possible(void);

/* Gate parked. From its return on every call that begins waits. Between it and alq_bare_end the mover makes no call, and takes no lock that is
 * held across one. */
void alq_bare_begin(void);

/* Whether a call waits. */
bool alq_bare_wanted(void);

/* Calls are served again. */
void alq_bare_end(void);

#endif
