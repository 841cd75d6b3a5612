/* Device memory: capacity by compare-exchange on the device, the process's own part in its slot. */
#include "node_state.h"

uint64_t sim_mem_capacity(uint32_t device)
{
    if (!sim_device_valid(device))
        return 0;
    const struct sim_device_config *config = &sim_config()->devices[device];
    return config->memory_bytes - config->reserved_bytes;
}

bool sim_add_within(_Atomic uint64_t *used, uint64_t bytes, uint64_t capacity)
{
    uint64_t now = atomic_load(used);
    do {
        if (bytes > capacity || now > capacity - bytes)
            return false;
    } while (!atomic_compare_exchange_weak(used, &now, now + bytes));
    return true;
}

static uint64_t subtract_to_zero(_Atomic uint64_t *counter, uint64_t bytes)
{
    uint64_t now = atomic_load(counter);
    uint64_t taken;
    do {
        taken = bytes < now ? bytes : now;
    } while (!atomic_compare_exchange_weak(counter, &now, now - taken));
    return taken;
}

static bool take_once(struct sim_slot *slot, uint32_t device, uint64_t bytes)
{
    if (!sim_mark_enter(slot))
        return false;
    bool ok = sim_add_within(&sim_state()->devices[device].used, bytes, sim_mem_capacity(device));
    if (ok)
        atomic_fetch_add(&slot->held[device], bytes);
    sim_mark_leave(slot);
    return ok;
}

bool sim_mem_take(uint32_t device, uint64_t bytes)
{
    struct sim_slot *slot = sim_own_slot();
    if (slot == NULL || !sim_device_valid(device))
        return false;
    /* The limit of the process's cgroup is checked after the fact, so that two processes cannot pass it together. */
    bool ok = take_once(slot, device, bytes) || (sim_node_reap() > 0 && take_once(slot, device, bytes));
    if (ok && sim_limit_passed(slot, device)) {
        sim_mem_give(device, bytes);
        ok = false;
    }
    return ok;
}

void sim_mem_give(uint32_t device, uint64_t bytes)
{
    struct sim_slot *slot = sim_own_slot();
    if (slot == NULL || !sim_device_valid(device) || !sim_mark_enter(slot))
        return;
    uint64_t given = subtract_to_zero(&slot->held[device], bytes);
    subtract_to_zero(&sim_state()->devices[device].used, given);
    sim_mark_leave(slot);
}

uint64_t sim_mem_used(uint32_t device)
{
    if (!sim_device_valid(device))
        return 0;
    sim_node_reap();
    return atomic_load(&sim_state()->devices[device].used);
}

uint64_t sim_mem_own(uint32_t device)
{
    struct sim_slot *slot = sim_own_slot();
    if (slot == NULL || !sim_device_valid(device))
        return 0;
    return atomic_load(&slot->held[device]) + atomic_load(&slot->shared[device]);
}

bool sim_node_context_add(uint32_t device)
{
    struct sim_slot *slot = sim_own_slot();
    if (slot == NULL || !sim_device_valid(device))
        return false;
    if (atomic_fetch_add(&slot->contexts[device], 1) > 0 || sim_mem_take(device, sim_config()->context_bytes))
        return true;
    atomic_fetch_sub(&slot->contexts[device], 1);
    return false;
}

void sim_node_context_remove(uint32_t device)
{
    struct sim_slot *slot = sim_own_slot();
    if (slot == NULL || !sim_device_valid(device))
        return;
    uint32_t now = atomic_load(&slot->contexts[device]);
    do {
        if (now == 0)
            return;
    } while (!atomic_compare_exchange_weak(&slot->contexts[device], &now, now - 1));
    if (now == 1)
        sim_mem_give(device, sim_config()->context_bytes);
}
