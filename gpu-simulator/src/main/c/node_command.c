/*
 * Commands from one process of the node to another (checkpoint), one at a time per asked process: the asking one holds that
 * process's command lock, which falls with it. Requests and answers are matched by their sequence.
 */
#include "node_state.h"

void sim_checkpoint_state_set(enum sim_checkpoint_state state)
{
    struct sim_slot *slot = sim_own_slot();
    if (slot != NULL)
        atomic_store(&slot->checkpoint_state, (uint32_t)state);
}

bool sim_command_call(uint32_t index, uint32_t op, uint64_t argument, uint32_t timeout_ms, uint32_t *answer)
{
    struct sim_state *state = sim_state();
    if (state == NULL || index >= SIM_MAX_PROCESSES)
        return false;
    struct sim_slot *slot = &state->slots[index];
    int lock = sim_byte_lock(1 + SIM_MAX_PROCESSES + index);
    if (lock < 0)
        return false;
    atomic_store(&slot->command_op, op);
    atomic_store(&slot->command_argument, argument);
    uint32_t sequence = atomic_fetch_add(&slot->command_request, 1) + 1;
    sim_futex_wake(&slot->command_request);

    uint64_t deadline = sim_now_ns() + (uint64_t)timeout_ms * 1000000ull;
    bool answered;
    for (;;) {
        uint32_t done = atomic_load(&slot->command_done);
        answered = done == sequence;
        if (answered || sim_now_ns() >= deadline || atomic_load(&slot->state) != SIM_SLOT_LIVE || !sim_slot_alive(lock, index))
            break;
        sim_futex_wait(&slot->command_done, done, 20);
    }
    if (answered)
        *answer = atomic_load(&slot->command_answer);
    sim_byte_unlock(lock);
    return answered;
}

bool sim_command_next(uint32_t timeout_ms, uint32_t *op, uint64_t *argument)
{
    struct sim_slot *slot = sim_own_slot();
    if (slot == NULL)
        return false;
    uint32_t request = atomic_load(&slot->command_request);
    if (request == atomic_load(&slot->command_done)) {
        sim_futex_wait(&slot->command_request, request, timeout_ms);
        request = atomic_load(&slot->command_request);
    }
    if (request == atomic_load(&slot->command_done))
        return false;
    *op = atomic_load(&slot->command_op);
    *argument = atomic_load(&slot->command_argument);
    return true;
}

void sim_command_answer(uint32_t answer)
{
    struct sim_slot *slot = sim_own_slot();
    if (slot == NULL)
        return;
    atomic_store(&slot->command_answer, answer);
    atomic_store(&slot->command_done, atomic_load(&slot->command_request));
    sim_futex_wake(&slot->command_done);
}
