/* Finding processes that died, and summing up again what the living hold. */
#define _GNU_SOURCE
#include "node_state.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define QUIET_WAIT_NS 200000000ull /* longest wait for the marks of living processes: one may be stopped between two marks */

bool sim_slot_alive(int lock_file, uint32_t index)
{
    struct sim_slot *slot = &sim_state()->slots[index];
    if (sim_process_registered() && index == sim_own_index())
        return true;
    /* A lock on a descriptor can be closed by the program, or live on in a forked child: what /proc says counts. */
    if (atomic_load(&slot->lock_by_descriptor) && atomic_load(&slot->pid_namespace) == sim_pid_namespace())
        return sim_start_time(atomic_load(&slot->pid)) == atomic_load(&slot->start_time);
    return sim_byte_held(lock_file, 1 + index);
}

/* Waits until no living process is between two marks. False: one would not come out in time. */
static bool wait_quiet(int lock_file)
{
    struct sim_state *state = sim_state();
    uint64_t deadline = sim_now_ns() + QUIET_WAIT_NS;
    uint32_t high = atomic_load(&state->slot_high);
    for (uint32_t i = 0; i < high; i++) {
        struct sim_slot *slot = &state->slots[i];
        while (atomic_load(&slot->inflight) != 0 && atomic_load(&slot->state) == SIM_SLOT_LIVE) {
            if (!sim_slot_alive(lock_file, i))
                break;
            if (sim_now_ns() > deadline)
                return false;
            nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
        }
    }
    return true;
}

/* With the management lock held. A rebuild that a killed process left half done is done again. */
uint32_t sim_reap_locked(int lock_file)
{
    struct sim_state *state = sim_state();
    static bool alive[SIM_MAX_PROCESSES]; /* under the management lock's mutex */
    uint32_t dead = 0;
    uint32_t high = atomic_load(&state->slot_high);
    memset(alive, 0, sizeof alive);
    for (uint32_t i = 0; i < high; i++) {
        if (atomic_load(&state->slots[i].state) != SIM_SLOT_LIVE)
            continue;
        alive[i] = sim_slot_alive(lock_file, i);
        dead += !alive[i];
    }
    if (dead == 0 && atomic_load(&state->rebuilding) == 0)
        return 0;

    atomic_store(&state->rebuilding, 1);
    if (!wait_quiet(lock_file)) {
        atomic_store(&state->rebuilding, 0);
        return 0; /* nothing changed: the next look tries again */
    }
    uint64_t sums[SIM_MAX_DEVICES] = {0};
    for (uint32_t i = 0; i < high; i++) {
        struct sim_slot *slot = &state->slots[i];
        for (uint32_t d = 0; alive[i] && d < SIM_MAX_DEVICES; d++)
            sums[d] += atomic_load(&slot->held[d]);
        if (!alive[i])
            atomic_store(&slot->state, SIM_SLOT_FREE);
    }
    sim_objects_rebuild(alive, sums);
    for (uint32_t d = 0; d < SIM_MAX_DEVICES; d++)
        atomic_store(&state->devices[d].used, sums[d]);
    atomic_store(&state->rebuilding, 0);
    return dead;
}

uint32_t sim_node_reap(void)
{
    struct sim_state *state = sim_state();
    if (state == NULL)
        return 0;
    bool needed = atomic_load(&state->rebuilding) != 0;
    uint32_t high = atomic_load(&state->slot_high);
    int probe = sim_open_file("lock", O_RDWR);
    for (uint32_t i = 0; probe >= 0 && i < high && !needed; i++)
        needed = atomic_load(&state->slots[i].state) == SIM_SLOT_LIVE && !sim_slot_alive(probe, i);
    if (probe >= 0)
        close(probe);
    if (!needed)
        return 0;
    int lock = sim_manage_lock();
    if (lock < 0)
        return 0;
    uint32_t dead = sim_reap_locked(lock);
    sim_manage_unlock(lock);
    return dead;
}

bool sim_mark_enter(struct sim_slot *slot)
{
    struct sim_state *state = sim_state();
    for (;;) {
        atomic_fetch_add(&slot->inflight, 1);
        if (atomic_load(&state->rebuilding) == 0)
            return true;
        atomic_fetch_sub(&slot->inflight, 1);
        int lock = sim_manage_lock(); /* held by the one who rebuilds; had it been killed, we finish it */
        if (lock < 0)
            return false;
        sim_reap_locked(lock);
        sim_manage_unlock(lock);
    }
}

void sim_mark_leave(struct sim_slot *slot)
{
    atomic_fetch_sub(&slot->inflight, 1);
}
