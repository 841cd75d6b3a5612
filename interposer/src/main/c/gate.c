/*
 * The gate. Its word and the threads' marks are written in one order and read in the other: a thread writes its mark and then
 * reads the word, the mover writes the word and then reads the marks. Between the mover's two steps membarrier makes every running
 * thread of the process pass a full barrier, so that either the thread sees the gate closed or the mover sees the mark; the
 * threads themselves only have to keep the compiler from exchanging their two steps.
 *
 * A call that began before the gate was armed has no mark. It also began before there was any memory that moves.
 */
#include "gate.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "hooks.h"
#include "marks.h"

/* The word: its state, and above that which closing it is, so that nobody breaks a later one than that he has waited at. */
enum { ALQ_OPEN = 0, ALQ_DRAINING = 1, ALQ_MOVING = 2, ALQ_STATE = 3, ALQ_CLOSING = 4 };

/* How often a mover that waits looks whether a thread has ended inside. */
#define ALQ_BURY_NS 10000000ull

uint32_t alq_gate_armed;

static uint32_t alq_gate_word;
static uint32_t alq_gate_exits;    /* counts the marks cleared while DRAINING; the mover waits on it */
static uint64_t alq_gate_break_ns; /* written before the word is */
static uint32_t alq_gate_blind;    /* a thread had no memory for a mark: nobody can tell any more who is inside */

static uint64_t alq_gate_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

/* Sleeps while *word is `value`, at most timeout_ns (UINT64_MAX: without end). */
static void alq_gate_sleep(uint32_t *word, uint32_t value, uint64_t timeout_ns)
{
    struct timespec timeout = {(time_t)(timeout_ns / 1000000000ull), (long)(timeout_ns % 1000000000ull)};
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, timeout_ns == UINT64_MAX ? NULL : &timeout, NULL, 0);
}

static void alq_gate_wake(uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static uint32_t alq_gate_state(void)
{
    return __atomic_load_n(&alq_gate_word, __ATOMIC_ACQUIRE) & ALQ_STATE;
}

static void alq_gate_tell_mover(void)
{
    int saved_errno = errno;
    __atomic_add_fetch(&alq_gate_exits, 1, __ATOMIC_RELEASE);
    alq_gate_wake(&alq_gate_exits);
    errno = saved_errno;
}

/* The mark has just been cleared. */
static void alq_gate_left(void)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (__builtin_expect(alq_gate_state() == ALQ_DRAINING, 0)) {
        alq_gate_tell_mover();
    }
}

/* The gate is DRAINING by that word and somebody has waited too long. */
static void alq_gate_break(uint32_t word)
{
    if (__atomic_compare_exchange_n(&alq_gate_word, &word, word & ~(uint32_t)ALQ_STATE, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
        alq_gate_wake(&alq_gate_word);
        alq_gate_tell_mover();
    }
}

/* Returns when the gate was seen open. The time counts over all closings that the call has to wait for. */
static void __attribute__((noinline)) alq_gate_wait(uint64_t since_ns)
{
    for (;;) {
        uint32_t word = __atomic_load_n(&alq_gate_word, __ATOMIC_ACQUIRE);
        uint64_t timeout_ns = UINT64_MAX;
        if ((word & ALQ_STATE) == ALQ_OPEN) {
            return;
        }
        if ((word & ALQ_STATE) == ALQ_DRAINING) {
            uint64_t break_ns = __atomic_load_n(&alq_gate_break_ns, __ATOMIC_RELAXED);
            uint64_t waited_ns = alq_gate_now() - since_ns;
            if (waited_ns >= break_ns) {
                alq_gate_break(word);
                continue;
            }
            timeout_ns = break_ns - waited_ns;
        }
        alq_gate_sleep(&alq_gate_word, word, timeout_ns);
    }
}

/* The mark is set and the gate is closed. */
static bool __attribute__((noinline)) alq_gate_enter_closed(struct alq_mark *mark)
{
    if (mark->holds || alq_depth != 0) {
        return true; /* the mover's own call; a call that the driver makes itself, perhaps with a lock of its own held */
    }
    int saved_errno = errno;
    uint64_t since_ns = alq_gate_now();
    do {
        __atomic_store_n(&mark->word, mark->word - 1, __ATOMIC_RELEASE);
        alq_gate_left();
        alq_gate_wait(since_ns);
        __atomic_store_n(&mark->word, mark->word + 1, __ATOMIC_RELAXED);
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
    } while (alq_gate_state() != ALQ_OPEN);
    errno = saved_errno;
    return true;
}

/* The thread has no mark and there is no memory for one: the gate does not close any more from here on. */
static void __attribute__((noinline)) alq_gate_enter_unseen(void)
{
    __atomic_store_n(&alq_gate_blind, 1, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (alq_depth == 0) {
        int saved_errno = errno;
        alq_gate_wait(alq_gate_now());
        errno = saved_errno;
    }
}

bool alq_gate_enter_armed(void)
{
    struct alq_mark *mark = alq_mark_own;
    if (__builtin_expect(mark == NULL, 0)) {
        mark = alq_mark_make();
        if (mark == NULL) {
            alq_gate_enter_unseen();
            return false;
        }
    }
    uint64_t word = mark->word;
    __atomic_store_n(&mark->word, word + 1, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (__builtin_expect((word & ALQ_MARK_DEPTH) != 0 || alq_gate_state() == ALQ_OPEN, 1)) {
        return true;
    }
    return alq_gate_enter_closed(mark);
}

void alq_gate_leave_armed(void)
{
    struct alq_mark *mark = alq_mark_own;
    uint64_t word = mark == NULL ? 0 : mark->word;
    uint64_t depth = word & ALQ_MARK_DEPTH;
    if (__builtin_expect(depth == 0, 0)) {
        return; /* entered before a fork, left after it */
    }
    if (__builtin_expect(depth != 1, 0)) {
        __atomic_store_n(&mark->word, word - 1, __ATOMIC_RELEASE);
        return;
    }
    __atomic_store_n(&mark->word, word - 1 + ALQ_MARK_CALL, __ATOMIC_RELEASE);
    alq_gate_left();
}

bool alq_gate_arm(void)
{
    if (__atomic_load_n(&alq_gate_armed, __ATOMIC_ACQUIRE) != 0) {
        return true;
    }
    int saved_errno = errno;
    bool able = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
    if (able) {
        /* every call that begins after the barrier sees it */
        __atomic_store_n(&alq_gate_armed, 1, __ATOMIC_SEQ_CST);
        able = syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
        __atomic_store_n(&alq_gate_armed, able, __ATOMIC_SEQ_CST);
    }
    errno = saved_errno;
    return able;
}

/* Waits for the marks to clear; false when the time is up or the gate is no longer closed by that word. */
static bool alq_gate_drain(uint32_t word, uint64_t deadline_ns)
{
    uint64_t bury_ns = alq_gate_now() + ALQ_BURY_NS;
    for (;;) {
        uint32_t exits = __atomic_load_n(&alq_gate_exits, __ATOMIC_ACQUIRE);
        if (__atomic_load_n(&alq_gate_word, __ATOMIC_ACQUIRE) != word) {
            return false;
        }
        if (alq_marks_clear()) {
            return true;
        }
        uint64_t now_ns = alq_gate_now();
        if (now_ns >= deadline_ns) {
            return false;
        }
        if (now_ns >= bury_ns) {
            alq_marks_bury();
            bury_ns = alq_gate_now() + ALQ_BURY_NS;
            continue;
        }
        alq_gate_sleep(&alq_gate_exits, exits, (deadline_ns < bury_ns ? deadline_ns : bury_ns) - now_ns);
    }
}

bool alq_gate_close(uint64_t deadline_ns, uint64_t break_ns)
{
    struct alq_mark *mark = alq_mark_own != NULL ? alq_mark_own : alq_mark_make();
    uint32_t open = __atomic_load_n(&alq_gate_word, __ATOMIC_ACQUIRE);
    if (mark == NULL || (open & ALQ_STATE) != ALQ_OPEN || __atomic_load_n(&alq_gate_armed, __ATOMIC_ACQUIRE) == 0) {
        return false;
    }
    int saved_errno = errno;
    uint32_t word = (open + ALQ_CLOSING) | ALQ_DRAINING;
    __atomic_store_n(&alq_gate_break_ns, break_ns, __ATOMIC_RELAXED);
    mark->holds = true;
    __atomic_store_n(&alq_gate_word, word, __ATOMIC_SEQ_CST);
    bool closed = syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0
        && __atomic_load_n(&alq_gate_blind, __ATOMIC_SEQ_CST) == 0 && alq_gate_drain(word, deadline_ns);
    if (!closed) {
        alq_gate_open();
    }
    errno = saved_errno;
    return closed;
}

bool alq_gate_commit(void)
{
    struct alq_mark *mark = alq_mark_own;
    uint32_t word = __atomic_load_n(&alq_gate_word, __ATOMIC_ACQUIRE);
    if (mark == NULL || !mark->holds) {
        return false;
    }
    if ((word & ALQ_STATE) == ALQ_DRAINING
        && __atomic_compare_exchange_n(&alq_gate_word, &word, (word & ~(uint32_t)ALQ_STATE) | ALQ_MOVING, false, __ATOMIC_ACQ_REL,
            __ATOMIC_RELAXED)) {
        return true;
    }
    mark->holds = false;
    return false;
}

void alq_gate_open(void)
{
    struct alq_mark *mark = alq_mark_own;
    if (mark == NULL || !mark->holds) {
        return;
    }
    int saved_errno = errno;
    mark->holds = false;
    __atomic_and_fetch(&alq_gate_word, ~(uint32_t)ALQ_STATE, __ATOMIC_ACQ_REL);
    alq_gate_wake(&alq_gate_word);
    errno = saved_errno;
}

void alq_gate_after_fork(void)
{
    alq_gate_armed = 0;
    alq_gate_word = ALQ_OPEN;
    alq_gate_exits = 0;
    alq_gate_blind = 0;
    alq_marks_after_fork();
}
