/* Leaving and coming back. */
#include "swap.h"

#include "ask.h"
#include "bare.h"
#include "deep.h"
#include "drain.h"
#include "fork.h"
#include "gate.h"
#include "kept.h"
#include "moves.h"
#include "own_thread.h"
#include "pages.h"

/* How often a bare process that is wanted asks to come back. */
#define ALQ_RESUME_PAUSE_NS 1000000000ull

static struct {
    bool parked;
    uint64_t bare_generation; /* of the slot in which it was told to be bare */
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
    /* a process with nothing that moves has had no need of it */
    enum alq_move_outcome outcome = alq_gate_arm() ? ALQ_MOVE_DONE : ALQ_MOVE_FAILED;
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
            alq_charge_parked(ALQ_PARKED_HOT);
        } else {
            alq_move_reach();
            alq_gate_open();
        }
    }
    alq_trip_closed(trip, closed_at_ns == 0 ? 0 : alq_clock_ns() - closed_at_ns);
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
    alq_move_reach();
    alq_trip_closed(&trip, alq_gate_waited_ns());
    alq.parked = false;
    alq_charge_parked(ALQ_NOT_PARKED); /* as long as the page says so, the gate is closed */
    alq_gate_open();
    if (report) {
        alq_trip_report(&trip, true);
    }
}

/* Asks whether the process may run, and waits for the answer: others may have to have their turns first. An agent that is gone is not waited
 * for so long. */
static enum alq_agent_answer alq_resume(void)
{
    struct alq_agent_refusal refusal;
    struct alq_seat seat;
    enum alq_agent_answer answer = ALQ_AGENT_ABSENT;
    const struct alq_control_page *control = alq_pages_control();
    uint32_t wait_ms = control == NULL ? 0 : __atomic_load_n(&control->agent_wait_ms, __ATOMIC_RELAXED);
    wait_ms = wait_ms > ALQ_RESUME_WAIT_MS ? wait_ms : ALQ_RESUME_WAIT_MS;
    for (int attempt = 0; attempt < 2 && alq_charge_seat(&seat) != NULL; attempt++) {
        answer = alq_agent_resume(wait_ms, &seat, &refusal);
        if (answer != ALQ_AGENT_REFUSED || refusal.status != ALQ_STATUS_STALE || !alq_ask_again()) {
            break;
        }
    }
    return answer;
}

/* Whether the slot is that of the generation, and says whether the process is to be bare. */
static bool alq_told(const struct alq_control_slot *slot, uint64_t generation, bool deep)
{
    bool told = (__atomic_load_n(&slot->deep, __ATOMIC_SEQ_CST) != 0) == deep;
    return told && __atomic_load_n(&slot->generation, __ATOMIC_SEQ_CST) == generation;
}

/* Parked, and told to be bare. */
static void alq_dive(uint64_t generation)
{
    struct alq_trip trip = alq_trip_begin(alq.away);
    enum alq_move_outcome outcome = alq_deep_leave();
    for (uint32_t device = 0; device < trip.devices; device++) {
        trip.outcomes[device] = outcome;
    }
    if (outcome == ALQ_MOVE_DONE) {
        alq.bare_generation = generation;
        alq_charge_parked(ALQ_PARKED_BARE);
    }
    /* whoever waits at the gate does not wait for this: what is asked for next tells the agent */
    if (outcome == ALQ_MOVE_DONE || !alq_gate_wanted()) {
        alq_trip_report(&trip, false);
    }
}

/* Bare. True: it is parked as before; *granted: and may run. */
static bool alq_surface(bool *granted, uint64_t *again_ns)
{
    struct alq_seat seat;
    const struct alq_control_slot *slot = alq_charge_seat(&seat);
    bool told = alq_told(slot, alq.bare_generation, false);
    bool wanted = alq_gate_wanted() || alq_bare_wanted();
    if (!told && wanted) {
        *granted = alq_resume() == ALQ_AGENT_YES;
        slot = alq_charge_seat(&seat);
    }
    if (!told && (!*granted || !alq_told(slot, seat.generation, false))) {
        *again_ns = wanted ? alq_clock_ns() + ALQ_RESUME_PAUSE_NS : 0;
        return false;
    }
    alq_deep_return();
    alq_charge_parked(ALQ_PARKED_HOT);
    return true;
}

enum alq_swap alq_swap_look(
    const struct alq_control_slot *slot, uint64_t generation, uint32_t wake, bool asked, uint64_t *again_ns)
{
    bool granted = false;
    alq.wake = wake;
    if (alq_deep_is_bare() && !alq_surface(&granted, again_ns)) {
        return ALQ_SWAP_PARKED;
    }
    if (granted) {
        alq_come_back(true, true);
        return ALQ_SWAP_STAYS;
    }
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
        if (asked && alq_told(slot, generation, true)) {
            alq_dive(generation);
        } else if (ours && asked) {
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
