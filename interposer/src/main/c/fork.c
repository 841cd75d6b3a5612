/* Detaching silently in a forked child. */
#include "fork.h"

#include <pthread.h>

#include "agent.h"
#include "hooks.h"

static void alq_in_child(void)
{
    alq_depth = 0;
    alq_pages_after_fork();
    alq_agent_after_fork();
    alq_charge_after_fork();
    alq_ask_after_fork();
    alq_pointers_after_fork();
    alq_pool_after_fork();
    alq_graph_after_fork();
    alq_vmm_after_fork();
    alq_context_after_fork();
}

void alq_fork_watch(void)
{
    static int watched;
    if (!__atomic_exchange_n(&watched, 1, __ATOMIC_RELAXED)) {
        pthread_atfork(NULL, NULL, alq_in_child);
    }
}
