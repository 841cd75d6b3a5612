/* Frames about shares. */
#include "agent.h"

enum alq_agent_answer alq_agent_share(
    uint32_t wait_ms, const struct alq_share *share, struct alq_shared *shared, struct alq_agent_refusal *refusal)
{
    return alq_agent_exchange(
        wait_ms, ALQ_FRAME_SHARE, share, sizeof *share, ALQ_FRAME_SHARED, shared, sizeof *shared, NULL, refusal);
}

enum alq_agent_answer alq_agent_unshare(
    uint32_t wait_ms, const struct alq_seat *seat, uint64_t id, struct alq_agent_refusal *refusal)
{
    struct alq_unshare over = {.slot = seat->slot, .generation = seat->generation, .id = id};
    struct alq_granted granted;
    return alq_agent_exchange(
        wait_ms, ALQ_FRAME_UNSHARE, &over, sizeof over, ALQ_FRAME_GRANTED, &granted, sizeof granted, NULL, refusal);
}

enum alq_agent_answer alq_agent_open_share(uint32_t wait_ms, const struct alq_seat *seat, uint64_t id, uint32_t piece,
    struct alq_agent_piece *opened, struct alq_agent_refusal *refusal)
{
    struct alq_open_share open = {.slot = seat->slot, .piece = piece, .generation = seat->generation, .id = id};
    opened->descriptor = -1;
    return alq_agent_exchange(wait_ms, ALQ_FRAME_OPEN_SHARE, &open, sizeof open, ALQ_FRAME_SHARED, &opened->shared,
        sizeof opened->shared, &opened->descriptor, refusal);
}
