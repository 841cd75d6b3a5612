/* When kept blocks are given up. */
#include <time.h>

#include "capture.h"
#include "graph_blocks.h"
#include "kept.h"
#include "own_thread.h"
#include "pool_movable.h"

#define ALQ_WAIT_NS 5000000000ull
#define ALQ_WAIT_STEP_NS 200000l

static uint32_t alq_unsettled;

uint64_t alq_kept_shrink(int device, uint64_t bytes)
{
    bool in_use;
    alq_graph_collect();
    return alq_kept_release(&(struct alq_choice){.any_pool = true, .device = device}, bytes, &in_use);
}

uint64_t alq_kept_shrink_waiting(int device, uint64_t bytes)
{
    struct alq_choice choice = {.any_pool = true, .device = device};
    uint64_t deadline_ns = 0;
    uint64_t released_bytes = 0;
    alq_graph_collect();
    bool in_use = !alq_kept_none();
    while (in_use) {
        released_bytes += alq_kept_release(&choice, bytes - released_bytes, &in_use);
        if (!in_use || released_bytes >= bytes || alq_capture_active() || (deadline_ns != 0 && alq_clock_ns() >= deadline_ns)) {
            break;
        }
        deadline_ns = deadline_ns == 0 ? alq_clock_ns() + ALQ_WAIT_NS : deadline_ns;
        nanosleep(&(struct timespec){.tv_nsec = ALQ_WAIT_STEP_NS}, NULL);
    }
    return released_bytes;
}

void alq_kept_trim(struct alq_pool *pool, uint64_t bytes)
{
    bool in_use;
    alq_graph_collect();
    alq_kept_release(&(struct alq_choice){.pool = pool}, bytes, &in_use);
}

bool alq_kept_unsettled(void)
{
    return __atomic_load_n(&alq_unsettled, __ATOMIC_RELAXED) != 0;
}

void alq_kept_unsettle(void)
{
    __atomic_store_n(&alq_unsettled, 1, __ATOMIC_RELAXED);
}

void alq_kept_settle(void)
{
    struct alq_pool *pools[ALQ_KEPT_POOLS];
    __atomic_store_n(&alq_unsettled, 0, __ATOMIC_RELAXED);
    alq_graph_collect();
    size_t count = alq_kept_pools(pools);
    for (size_t at = 0; at < count; at++) {
        bool in_use;
        alq_kept_release(&(struct alq_choice){.pool = pools[at]}, alq_pool_excess(pools[at]), &in_use);
        if (in_use) {
            alq_kept_unsettle();
        }
    }
    if (count == ALQ_KEPT_POOLS) {
        alq_kept_unsettle();
    }
}
