/* Leaving and coming back. */
#include "swap.h"

#include "ask.h"
#include "drain.h"
#include "fork.h"
#include "gate.h"
#include "kept.h"
#include "moves.h"
#include "own_thread.h"
#include "pages.h"
#include "stash.h"

static struct {
    bool parked;
    uint32_t away; /* the devices that it is parked for */
    uint32_t wake; /* the slot's word at the look that goes on */
} alq;

/* One attempt, for all devices. */
struct alq_trip {
    uint32_t devices;
    uint32_t away;
    enum alq_move_outcome outcomes[ALQ_MAX_DEVICES];
    struct alq_move_result results[ALQ_MAX_DEVICES];
};

static struct alq_trip alq_trip_begin(uint32_t away)
{
    const struct alq_control_page *control = alq_pages_control();
    return (struct alq_trip){.devices = control == NULL ? 0 : alq_pages_device_count(control), .away = away};
}

static uint32_t alq_away(const struct alq_control_slot *slot)
{
    return __atomic_load_n(&slot->away, __ATOMIC_SEQ_CST);
}

static uint64_t alq_resident_bytes(const struct alq_control_slot *slot, uint32_t device)
{
    return __atomic_load_n(&slot->resident_bytes[device], __ATOMIC_SEQ_CST);
}

/* A MOVED for each device that the agent has spoken of, and for each of which something has moved. */
static void alq_trip_report(const struct alq_trip *trip, bool promoted)
{
    for (uint32_t device = 0; device < trip->devices; device++) {
        if ((trip->away >> device & 1) != 0 || trip->results[device].moved_bytes != 0) {
            alq_report(device, alq.wake, trip->outcomes[device], promoted, &trip->results[device]);
        }
    }
}

static void alq_trip_closed(struct alq_trip *trip, uint64_t closed_ns)
{
    for (uint32_t device = 0; device < trip->devices; device++) {
        trip->results[device].closed_ns = closed_ns;
    }
}

static bool alq_parkable(enum alq_move_outcome outcome)
{
    return outcome == ALQ_MOVE_DONE || outcome == ALQ_MOVE_NOTHING;
}

/* Gate open. What keeps the process from being parked has become every device's outcome. */
static void alq_leave(const struct alq_control_slot *slot, struct alq_trip *trip)
{
    enum alq_move_outcome outcome = ALQ_MOVE_DONE;
    uint64_t closed_at_ns = 0;
    for (uint32_t device = 0; device < trip->devices && outcome == ALQ_MOVE_DONE; device++) {
        if (alq_charge_reported_bytes(device) > alq_resident_bytes(slot, device)) {
            alq_kept_shrink((int)device, UINT64_MAX);
        }
        outcome = alq_demote_prepare(device, alq_resident_bytes(slot, device));
    }
    if (outcome == ALQ_MOVE_DONE && alq_away(slot) != 0) {
        outcome = alq_move_close(&closed_at_ns);
    }
    if (alq_gate_held()) {
        for (uint32_t device = 0; device < trip->devices && alq_parkable(outcome); device++) {
            outcome = alq_demote(device, alq_resident_bytes(slot, device), &trip->results[device]);
            trip->outcomes[device] = outcome;
        }
        alq.parked = alq_parkable(outcome);
        if (alq.parked) {
            alq_gate_park();
            alq_charge_parked(true);
        } else {
            alq_gate_open();
        }
    }
    alq_trip_closed(trip, closed_at_ns == 0 ? 0 : alq_clock_ns() - closed_at_ns);
    alq_stash_end();
    for (uint32_t device = 0; device < trip->devices && !alq_parkable(outcome); device++) {
        trip->outcomes[device] = outcome;
    }
}

/* Parked, and the agent has spoken again: `away` may have been seen before the lower `resident` that belongs to it. */
static void alq_follow(const struct alq_control_slot *slot, uint32_t away)
{
    struct alq_trip trip = alq_trip_begin(away & ~alq.away);
    for (uint32_t device = 0; device < trip.devices; device++) {
        uint64_t resident_bytes = alq_resident_bytes(slot, device);
        if (alq_charge_reported_bytes(device) > resident_bytes) {
            trip.away |= 1u << device;
            trip.outcomes[device] = alq_drain(alq_clock_ns() + ALQ_DRAIN_NS)
                ? alq_demote(device, resident_bytes, &trip.results[device])
                : ALQ_MOVE_BUSY;
        }
    }
    alq.away |= away;
    alq_stash_end();
    alq_trip_report(&trip, false);
}

/* Opens the gate, after everything for which there is room has been promoted if that is wanted. */
static void alq_come_back(bool promote, bool report)
{
    struct alq_seat seat;
    const struct alq_control_slot *slot = alq_charge_seat(&seat);
    struct alq_trip trip = alq_trip_begin(alq.away);
    for (uint32_t device = 0; device < trip.devices && promote; device++) {
        if (alq_charge_demoted_bytes(device) != 0) {
            /* nothing has been submitted, but for what the driver may have submitted by itself */
            trip.outcomes[device] = alq_drain(alq_clock_ns() + ALQ_DRAIN_NS)
                ? alq_promote(device, alq_resident_bytes(slot, device), &trip.results[device])
                : ALQ_MOVE_BUSY;
        }
    }
    alq_trip_closed(&trip, alq_gate_waited_ns());
    alq.parked = false;
    alq_charge_parked(false); /* as long as the page says so, the gate is closed */
    alq_gate_open();
    alq_stash_end();
    if (report) {
        alq_trip_report(&trip, true);
    }
}

/* Asks whether the process may run, and waits for the answer. */
static enum alq_agent_answer alq_resume(void)
{
    struct alq_agent_refusal refusal;
    struct alq_seat seat;
    enum alq_agent_answer answer = ALQ_AGENT_ABSENT;
    const struct alq_control_page *control = alq_pages_control();
    uint32_t wait_ms = control == NULL ? ALQ_DEFAULT_WAIT_MS : __atomic_load_n(&control->agent_wait_ms, __ATOMIC_RELAXED);
    for (int attempt = 0; attempt < 2 && alq_charge_seat(&seat) != NULL; attempt++) {
        answer = alq_agent_resume(wait_ms, &seat, &refusal);
        if (answer != ALQ_AGENT_REFUSED || refusal.status != ALQ_STATUS_STALE || !alq_ask_again()) {
            break;
        }
    }
    return answer;
}

enum alq_swap alq_swap_look(const struct alq_control_slot *slot, uint64_t generation, uint32_t wake, bool asked)
{
    alq.wake = wake;
    uint32_t away = alq_away(slot);
    bool ours = __atomic_load_n(&slot->generation, __ATOMIC_SEQ_CST) == generation;
    if (alq.parked && ours && away == 0) {
        alq_come_back(true, true);
        return ALQ_SWAP_STAYS;
    }
    if (alq.parked && alq_gate_wanted()) {
        enum alq_agent_answer answer = alq_resume();
        alq_come_back(answer == ALQ_AGENT_YES, answer != ALQ_AGENT_ABSENT);
        return ALQ_SWAP_STAYS;
    }
    if (alq.parked) {
        if (ours && asked) {
            alq_follow(slot, away);
        }
        return ALQ_SWAP_PARKED;
    }
    if (!ours || away == 0) {
        return ALQ_SWAP_HERE;
    }
    if (asked) {
        struct alq_trip trip = alq_trip_begin(away);
        alq_leave(slot, &trip);
        if (!alq.parked && alq_away(slot) == 0) {
            return ALQ_SWAP_HERE;
        }
        alq.away = away;
        alq_trip_report(&trip, false);
    }
    return alq.parked ? ALQ_SWAP_PARKED : ALQ_SWAP_STAYS;
}

void alq_swap_after_fork(void)
{
    alq.parked = false;
}
