/* Coming to the gate and leaving it. A call that began before the gate was armed has no mark, but for those that enter seen. It also began before
 * there was any memory that moves. */
#include "gate.h"

#include <errno.h>

#include "gate_word.h"
#include "hooks.h"
#include "marks.h"

uint32_t alq_gate_armed;
uint32_t alq_gate_word;
uint32_t alq_gate_exits;
uint64_t alq_gate_break_ns;
uint32_t alq_gate_blind;
uint64_t alq_gate_since_ns;

static void (*alq_gate_wanted_call)(void);

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

/* The gate is PARKED by that word and a thread has come: the first one says so. */
static void alq_gate_want(uint32_t word, uint64_t since_ns)
{
    uint64_t nobody = 0;
    __atomic_compare_exchange_n(&alq_gate_since_ns, &nobody, since_ns, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    if (__atomic_compare_exchange_n(&alq_gate_word, &word, (word & ~(uint32_t)ALQ_STATE) | ALQ_WANTED, false, __ATOMIC_ACQ_REL,
            __ATOMIC_RELAXED)) {
        void (*call)(void) = __atomic_load_n(&alq_gate_wanted_call, __ATOMIC_ACQUIRE);
        if (call != NULL) {
            call();
        }
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
        if ((word & ALQ_STATE) == ALQ_PARKED) {
            alq_gate_want(word, since_ns);
            continue;
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

void alq_gate_when_wanted(void (*call)(void))
{
    __atomic_store_n(&alq_gate_wanted_call, call, __ATOMIC_RELEASE);
}
