/* The process table: who uses the node. */
#define _GNU_SOURCE
#include "node_state.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t register_mutex = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int32_t own_index = -1;

struct sim_slot *sim_own_slot(void)
{
    int32_t index = atomic_load_explicit(&own_index, memory_order_acquire);
    return index < 0 ? NULL : &sim_state()->slots[index];
}

uint32_t sim_own_index(void)
{
    return (uint32_t)atomic_load(&own_index);
}

bool sim_process_registered(void)
{
    return sim_own_slot() != NULL;
}

static void clear_slot(struct sim_slot *slot)
{
    memset((char *)slot + offsetof(struct sim_slot, inflight), 0, sizeof *slot - offsetof(struct sim_slot, inflight));
}

static bool take_slot(int lock)
{
    struct sim_state *state = sim_state();
    sim_reap_locked(lock);
    for (uint32_t i = 0; i < SIM_MAX_PROCESSES; i++) {
        struct sim_slot *slot = &state->slots[i];
        bool by_descriptor;
        if (atomic_load(&slot->state) != SIM_SLOT_FREE || !sim_life_lock(1 + i, &by_descriptor))
            continue; /* the lock of a process killed while it registered is gone; one that lives on is skipped */
        clear_slot(slot);
        atomic_store(&slot->pid, (int32_t)getpid());
        atomic_store(&slot->start_time, sim_start_time(getpid()));
        atomic_store(&slot->pid_namespace, sim_pid_namespace());
        atomic_store(&slot->lock_by_descriptor, by_descriptor);
        sim_own_cgroup(slot->cgroup);
        if (atomic_load(&state->slot_high) <= i)
            atomic_store(&state->slot_high, i + 1);
        atomic_store(&slot->state, SIM_SLOT_LIVE);
        atomic_store(&own_index, (int32_t)i);
        return true;
    }
    return false;
}

bool sim_node_register_process(void)
{
    if (sim_state() == NULL)
        return false;
    pthread_mutex_lock(&register_mutex);
    bool ok = sim_own_slot() != NULL;
    if (!ok) {
        int lock = sim_manage_lock();
        if (lock >= 0) {
            ok = take_slot(lock);
            sim_manage_unlock(lock);
        }
    }
    pthread_mutex_unlock(&register_mutex);
    return ok;
}

void sim_node_unregister_process(void)
{
    pthread_mutex_lock(&register_mutex);
    if (sim_own_slot() != NULL) {
        int lock = sim_manage_lock();
        atomic_store(&own_index, -1);
        sim_life_unlock(); /* from here on this process counts as dead */
        if (lock >= 0) {
            sim_reap_locked(lock);
            sim_manage_unlock(lock);
        }
    }
    pthread_mutex_unlock(&register_mutex);
}

/* As a driver in the kernel does it: each process is known by its pid in the asker's namespace. 0: it has none there. */
static pid_t pid_of(uint32_t index)
{
    static _Atomic int32_t seen[SIM_MAX_PROCESSES];
    struct sim_slot *slot = &sim_state()->slots[index];
    uint64_t pid_namespace = atomic_load(&slot->pid_namespace);
    if (pid_namespace == sim_pid_namespace())
        return atomic_load(&slot->pid);
    pid_t pid = sim_visible_pid(
        atomic_load(&slot->pid), atomic_load(&slot->start_time), pid_namespace, atomic_load(&seen[index]));
    atomic_store(&seen[index], pid);
    return pid;
}

static void fill_info(struct sim_process_info *info, uint32_t index, pid_t pid)
{
    struct sim_slot *slot = &sim_state()->slots[index];
    info->slot = index;
    info->pid = pid;
    info->start_time = atomic_load(&slot->start_time);
    info->checkpoint_state = atomic_load(&slot->checkpoint_state);
    for (uint32_t d = 0; d < SIM_MAX_DEVICES; d++) {
        info->bytes[d] = atomic_load(&slot->held[d]) + atomic_load(&slot->shared[d]);
        info->contexts[d] = atomic_load(&slot->contexts[d]);
    }
}

uint32_t sim_process_list(struct sim_process_info *list, uint32_t max)
{
    struct sim_state *state = sim_state();
    uint32_t count = 0;
    if (state == NULL)
        return 0;
    sim_node_reap();
    uint32_t high = atomic_load(&state->slot_high);
    for (uint32_t i = 0; i < high; i++) {
        pid_t pid = atomic_load(&state->slots[i].state) == SIM_SLOT_LIVE ? pid_of(i) : 0;
        if (pid == 0)
            continue;
        if (count < max)
            fill_info(&list[count], i, pid);
        count++;
    }
    return count;
}

bool sim_process_find(pid_t pid, struct sim_process_info *info)
{
    struct sim_state *state = sim_state();
    if (state == NULL)
        return false;
    sim_node_reap();
    uint32_t high = atomic_load(&state->slot_high);
    for (uint32_t i = 0; i < high; i++) {
        if (atomic_load(&state->slots[i].state) == SIM_SLOT_LIVE && pid_of(i) == pid) {
            fill_info(info, i, pid);
            return true;
        }
    }
    return false;
}

static void before_fork(void)
{
    pthread_mutex_lock(&register_mutex);
}

static void after_fork_parent(void)
{
    pthread_mutex_unlock(&register_mutex);
}

static void after_fork_child(void)
{
    atomic_store(&own_index, -1);
    sim_life_forget();
    pthread_mutex_unlock(&register_mutex);
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}
