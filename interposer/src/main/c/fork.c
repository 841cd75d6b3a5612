/* Detaching silently in a forked child. */
#include "fork.h"

#include <stddef.h>

#include "agent.h"
#include "capture.h"
#include "hooks.h"

static void alq_in_child(void)
{
    alq_depth = 0;
    alq_pages_after_fork();
    alq_agent_after_fork();
    alq_charge_after_fork();
    alq_lent_after_fork();
    alq_ask_after_fork();
    alq_pointers_after_fork();
    alq_small_after_fork();
    alq_pool_after_fork();
    alq_graph_after_fork();
    alq_graph_blocks_after_fork();
    alq_notes_after_fork();
    alq_vmm_after_fork();
    alq_virtual_after_fork();
    alq_context_after_fork();
    alq_contexts_after_fork();
    alq_movables_after_fork();
    alq_movable_after_fork();
    alq_kept_after_fork();
    alq_peers_after_fork();
    alq_chunks_after_fork();
    alq_drain_after_fork();
    alq_stash_after_fork();
    alq_swap_after_fork();
    alq_bare_after_fork();
    alq_deep_after_fork();
    alq_descriptors_after_fork();
    alq_share_after_fork();
    alq_mover_after_fork();
    alq_gate_after_fork();
    alq_capture_after_fork();
}

/* What pthread_atfork is in glibc. Weak: a C library without it (musl's) can still load this one, whose CUDA it cannot have anyway. */
extern int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void), void *library) __attribute__((weak));

void alq_fork_watch(void)
{
    static int watched;
    if (__register_atfork != NULL && !__atomic_exchange_n(&watched, 1, __ATOMIC_RELAXED)) {
        __register_atfork(NULL, NULL, alq_in_child, NULL);
    }
}
