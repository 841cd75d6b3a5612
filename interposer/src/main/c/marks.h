/*
 * The gate's marks: one per thread, in memory of its own that is never given back, so that a mark outlives its thread and can
 * still be looked at. The marks of threads that are gone are found by their threads' absence and used again.
 *
 * A mark is written by its thread alone; by others only once that thread is gone, with the lock held. The list only grows.
 *
 * One word says both where a thread is and what it has done, so that counting costs a gated call no store of its own: in the low bits how many
 * gated calls the thread is in, one inside the other; above them how many outermost ones have ended. The count stays with a mark that is
 * used again.
 */
#ifndef ALIQUOT_INTERPOSER_MARKS_H
#define ALIQUOT_INTERPOSER_MARKS_H

#include "thread.h"

/* Of a mark's word: the bits of the depth, and one call that has ended. */
#define ALQ_MARK_DEPTH 0xffffull
#define ALQ_MARK_CALL (ALQ_MARK_DEPTH + 1)

struct alq_mark {
    uint64_t word;
    bool holds;     /* the thread has closed the gate */
    struct alq_thread thread;
    struct alq_mark *next;
} __attribute__((aligned(128))); /* no two threads write to one cache line, nor to a pair that is fetched together */

/* The calling thread's mark, NULL before its first gated call. */
extern __thread struct alq_mark *alq_mark_own __attribute__((tls_model("initial-exec"))) __attribute__((visibility("hidden")));

/* Gives the calling thread a mark; NULL where there is no memory for one. Keeps errno. */
struct alq_mark *alq_mark_make(void);

/* Whether every mark is clear, the calling thread's own aside. No lock, no system call. */
bool alq_marks_clear(void);

/* Clears the marks of threads that have ended inside. Slow: /proc is read for each mark that is not clear. */
void alq_marks_bury(void);

/* How many outermost gated calls of this process have ended, but for those of threads without a mark; never less than before. Only one thread at
 * a time. */
uint64_t alq_marks_submissions(void);

/* Marks there are, in use or not. */
uint32_t alq_marks_count(void);

/* In the child after fork: it has no marks. */
void alq_marks_after_fork(void);

#endif
