/* See bare.h. */
#include "bare.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fork.h"
#include "hooks.h"
#include "marks.h"
#include "mover.h"
#include "own_thread.h"

enum { ALQ_SERVED = 0, ALQ_BARE = 1, ALQ_BARE_WANTED = 2 };

static uint32_t alq_bare_ruled_out;

void alq_bare_wait(void)
{
    if (alq_depth != 0 || (alq_mark_own != NULL && alq_mark_own->holds)) {
        return;
    }
    int saved_errno = errno;
    uint32_t word;
    while ((word = __atomic_load_n(&alq_bare, __ATOMIC_ACQUIRE)) != ALQ_SERVED) {
        if (word == ALQ_BARE_WANTED) {
            alq_futex_wait(&alq_bare, word, 0);
        } else if (__atomic_compare_exchange_n(&alq_bare, &word, ALQ_BARE_WANTED, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
            alq_mover_kick();
        }
    }
    errno = saved_errno;
}

void alq_bare_never(void)
{
    __atomic_store_n(&alq_bare_ruled_out, 1, __ATOMIC_SEQ_CST);
}

bool alq_bare_possible(void)
{
    return __atomic_load_n(&alq_bare_ruled_out, __ATOMIC_SEQ_CST) == 0;
}

void alq_bare_begin(void)
{
    __atomic_store_n(&alq_bare, ALQ_BARE, __ATOMIC_SEQ_CST);
    syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0); /* works, for the gate could be closed */
}

bool alq_bare_wanted(void)
{
    return __atomic_load_n(&alq_bare, __ATOMIC_SEQ_CST) == ALQ_BARE_WANTED;
}

void alq_bare_end(void)
{
    __atomic_store_n(&alq_bare, ALQ_SERVED, __ATOMIC_SEQ_CST);
    alq_futex_wake(&alq_bare);
}

void alq_bare_after_fork(void)
{
    alq_bare = ALQ_SERVED;
    alq_bare_ruled_out = 0;
}
