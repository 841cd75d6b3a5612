/* Arming, closing, parking and opening the gate. */
#include "gate.h"

#include <errno.h>
#include <linux/membarrier.h>

#include "gate_word.h"
#include "marks.h"

/* How often a mover that waits looks whether a thread has ended inside. */
#define ALQ_BURY_NS 10000000ull

static uint64_t alq_gate_parked_ns; /* when it was parked last; the mover's alone */

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

bool alq_gate_held(void)
{
    return alq_mark_own != NULL && alq_mark_own->holds && alq_gate_state() >= ALQ_MOVING;
}

void alq_gate_park(void)
{
    if (alq_gate_held() && alq_gate_state() == ALQ_MOVING) {
        int saved_errno = errno;
        __atomic_store_n(&alq_gate_since_ns, 0, __ATOMIC_RELAXED);
        alq_gate_parked_ns = alq_gate_now();
        __atomic_add_fetch(&alq_gate_word, ALQ_PARKED - ALQ_MOVING, __ATOMIC_ACQ_REL);
        alq_gate_wake(&alq_gate_word); /* who waits already wants it open */
        errno = saved_errno;
    }
}

bool alq_gate_wanted(void)
{
    return alq_gate_state() == ALQ_WANTED;
}

uint64_t alq_gate_waited_ns(void)
{
    /* who came while it was being closed has waited for that, too, but that was another time */
    uint64_t since_ns = __atomic_load_n(&alq_gate_since_ns, __ATOMIC_RELAXED);
    uint64_t from_ns = since_ns > alq_gate_parked_ns ? since_ns : alq_gate_parked_ns;
    return alq_gate_wanted() ? alq_gate_now() - from_ns : 0;
}

void alq_gate_after_fork(void)
{
    alq_gate_armed = 0;
    alq_gate_word = ALQ_OPEN;
    alq_gate_exits = 0;
    alq_gate_blind = 0;
    alq_marks_after_fork();
}
