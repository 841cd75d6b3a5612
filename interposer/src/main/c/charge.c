/*
 * Charging: add to our `used`, look at our `credit`, withdraw and ask where it does not fit.
 *
 * A process may have to move to another slot (an agent that lost its memory gives slots anew). For that, every change of `used`
 * is inside the gate below: the mover closes it, waits until nobody is inside, and writes the new slot from `held_bytes`.
 */
#include "charge.h"

#include <sched.h>
#include <string.h>

#include "ask.h"
#include "fork.h"
#include "pages.h"
#include "pins.h"

uint32_t alq_charge_state;

/* The gate, and what is behind it. */
static struct {
    uint32_t inside;
    uint32_t moving;
    const struct alq_control_page *control;
    const struct alq_control_slot *credit_slot;
    struct alq_usage_slot *usage_slot;
    uint64_t generation;
    uint64_t flights; /* threads in a bracket */
    uint64_t submissions;
    uint32_t parked;
    uint64_t held_bytes[ALQ_MAX_DEVICES];
    uint64_t movable_bytes[ALQ_MAX_DEVICES];
    uint64_t demoted_bytes[ALQ_MAX_DEVICES];
    uint64_t pins[ALQ_PIN_WORDS];
} alq;

static void alq_gate_enter(void)
{
    for (;;) {
        __atomic_fetch_add(&alq.inside, 1, __ATOMIC_SEQ_CST);
        if (!__atomic_load_n(&alq.moving, __ATOMIC_SEQ_CST)) {
            return;
        }
        __atomic_fetch_sub(&alq.inside, 1, __ATOMIC_SEQ_CST);
        sched_yield();
    }
}

static void alq_gate_leave(void)
{
    __atomic_fetch_sub(&alq.inside, 1, __ATOMIC_SEQ_CST);
}

void alq_charge_move(const struct alq_control_page *control, struct alq_usage_page *usage, const struct alq_seat *seat)
{
    __atomic_store_n(&alq.moving, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&alq.inside, __ATOMIC_SEQ_CST) != 0) {
        sched_yield();
    }
    struct alq_usage_slot *slot = &usage->slots[seat->slot];
    for (uint32_t device = 0; device < ALQ_MAX_DEVICES; device++) {
        uint64_t held_bytes = __atomic_load_n(&alq.held_bytes[device], __ATOMIC_SEQ_CST);
        __atomic_store_n(&slot->used_bytes[device], held_bytes, __ATOMIC_SEQ_CST);
        __atomic_store_n(&slot->movable_bytes[device], __atomic_load_n(&alq.movable_bytes[device], __ATOMIC_SEQ_CST), __ATOMIC_SEQ_CST);
        __atomic_store_n(&slot->demoted_bytes[device], __atomic_load_n(&alq.demoted_bytes[device], __ATOMIC_SEQ_CST), __ATOMIC_SEQ_CST);
    }
    for (size_t at = 0; at < ALQ_PIN_WORDS; at++) {
        __atomic_store_n(&slot->pins[at], __atomic_load_n(&alq.pins[at], __ATOMIC_SEQ_CST), __ATOMIC_SEQ_CST);
    }
    __atomic_store_n(&slot->in_flight, __atomic_load_n(&alq.flights, __ATOMIC_SEQ_CST), __ATOMIC_SEQ_CST);
    __atomic_store_n(&slot->submissions, alq.submissions, __ATOMIC_SEQ_CST);
    __atomic_store_n(&slot->parked, alq.parked, __ATOMIC_SEQ_CST);
    __atomic_store_n(&slot->state, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&slot->generation, seat->generation, __ATOMIC_SEQ_CST);
    alq.control = control;
    alq.credit_slot = &control->slots[seat->slot];
    alq.usage_slot = slot;
    alq.generation = seat->generation;
    __atomic_store_n(&alq.moving, 0, __ATOMIC_SEQ_CST);
}

uint64_t alq_charge_size(uint64_t requested_bytes)
{
    uint64_t block_bytes = requested_bytes >= ALQ_LARGE_BYTES ? ALQ_LARGE_BLOCK_BYTES : ALQ_SMALL_BLOCK_BYTES;
    return requested_bytes > UINT64_MAX - block_bytes ? UINT64_MAX
                                                      : (requested_bytes + block_bytes - 1) / block_bytes * block_bytes;
}

/* Whether the slot is still ours. Once an agent has given it to another process, what is in it is none of our business. */
static bool alq_seated(void)
{
    return __atomic_load_n(&alq.credit_slot->generation, __ATOMIC_SEQ_CST) == alq.generation;
}

/* Adds a (two's complement) difference; inside the gate. What `used` is with it. */
static uint64_t alq_change(uint32_t device, uint64_t difference)
{
    struct alq_usage_slot *slot = alq.usage_slot;
    uint64_t held_bytes = __atomic_add_fetch(&alq.held_bytes[device], difference, __ATOMIC_SEQ_CST);
    if (!alq_seated()) {
        return held_bytes;
    }
    __atomic_fetch_add(&slot->changes, 1, __ATOMIC_SEQ_CST);
    uint64_t used_bytes = __atomic_add_fetch(&slot->used_bytes[device], difference, __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&slot->changes, 1, __ATOMIC_SEQ_CST);
    return used_bytes;
}

/* The credit of our slot while it is ours; 0 once it is not. Inside the gate. */
static uint64_t alq_credit_bytes(uint32_t device)
{
    if (__atomic_load_n(&alq.control->state, __ATOMIC_ACQUIRE) != ALQ_TENANT_READY || !alq_seated()) {
        return 0;
    }
    uint64_t credit_bytes = __atomic_load_n(&alq.credit_slot->credit_bytes[device], __ATOMIC_SEQ_CST);
    return alq_seated() ? credit_bytes : 0;
}

bool alq_charge_try(uint32_t device, uint64_t bytes, uint64_t *wanted_bytes)
{
    alq_gate_enter();
    *wanted_bytes = alq_change(device, bytes);
    bool fits = *wanted_bytes <= alq_credit_bytes(device);
    if (!fits) {
        alq_change(device, (uint64_t)0 - bytes);
    }
    alq_gate_leave();
    return fits;
}

/* Whether bytes could ever be held there: keeps sums far from overflow. */
static bool alq_conceivable(int device, uint64_t bytes)
{
    return device >= 0 && device < (int)ALQ_MAX_DEVICES && alq_charge_attached()
        && bytes <= alq_charge_limit_bytes(device);
}

bool alq_charge_within_credit(int device, uint64_t bytes)
{
    uint64_t wanted_bytes;
    alq_charge_pay(device);
    return bytes == 0 || (alq_conceivable(device, bytes) && alq_charge_try((uint32_t)device, bytes, &wanted_bytes));
}

bool alq_charge(int device, uint64_t bytes)
{
    uint64_t wanted_bytes;
    alq_charge_pay(device);
    return bytes == 0
        || (alq_conceivable(device, bytes)
            && (alq_charge_try((uint32_t)device, bytes, &wanted_bytes) || alq_ask((uint32_t)device, bytes)));
}

bool alq_charge_covered(int device)
{
    uint64_t wanted_bytes;
    return alq_conceivable(device, 0) && (alq_charge_try((uint32_t)device, 0, &wanted_bytes) || alq_ask((uint32_t)device, 0));
}

uint64_t alq_charge_reported_bytes(uint32_t device)
{
    return __atomic_load_n(&alq.held_bytes[device], __ATOMIC_SEQ_CST);
}

void alq_charge_held(int device, uint64_t bytes)
{
    if (device >= 0 && bytes != 0 && alq_charge_attached()) {
        alq_gate_enter();
        alq_change((uint32_t)device, bytes);
        alq_gate_leave();
    }
}

void alq_uncharge(int device, uint64_t bytes)
{
    alq_charge_held(device, (uint64_t)0 - bytes);
}

/* Inside the gate. */
static void alq_shift(uint64_t *held, uint64_t *reported, uint64_t difference)
{
    __atomic_fetch_add(held, difference, __ATOMIC_SEQ_CST);
    if (difference != 0 && alq_seated()) {
        __atomic_fetch_add(reported, difference, __ATOMIC_SEQ_CST);
    }
}

/* Inside the gate. */
static void alq_shift_pins(uint32_t device, enum alq_pin_reason reason, uint64_t difference)
{
    struct alq_pin_change changes[ALQ_PIN_CHANGES];
    size_t count = difference == 0 ? 0 : alq_pins_change(alq.pins, device, reason, difference, changes);
    for (size_t at = 0; at < count && alq_seated(); at++) {
        __atomic_fetch_add(&alq.usage_slot->pins[changes[at].word], changes[at].difference, __ATOMIC_SEQ_CST);
    }
}

void alq_charge_shift(int device, const struct alq_shift *shift)
{
    if (device < 0 || !alq_charge_attached()) {
        return;
    }
    alq_gate_enter();
    /* who reads `used` less `movable` in between sees too much that cannot move, never too little */
    alq_shift(&alq.movable_bytes[device], &alq.usage_slot->movable_bytes[device], shift->movable);
    alq_shift(&alq.demoted_bytes[device], &alq.usage_slot->demoted_bytes[device], shift->demoted);
    alq_shift_pins((uint32_t)device, shift->reason, shift->pinned);
    if (shift->used != 0) {
        alq_change((uint32_t)device, shift->used);
    }
    alq_gate_leave();
}

uint64_t alq_charge_movable_bytes(uint32_t device)
{
    return __atomic_load_n(&alq.movable_bytes[device], __ATOMIC_SEQ_CST);
}

uint64_t alq_charge_demoted_bytes(uint32_t device)
{
    return __atomic_load_n(&alq.demoted_bytes[device], __ATOMIC_SEQ_CST);
}

const struct alq_control_slot *alq_charge_seat(struct alq_seat *seat)
{
    if (!alq_charge_attached()) {
        return NULL;
    }
    alq_gate_enter();
    const struct alq_control_slot *slot = alq.credit_slot;
    *seat = (struct alq_seat){.slot = (uint32_t)(slot - alq.control->slots), .generation = alq.generation};
    alq_gate_leave();
    return slot;
}

/* Whether this thread is in a bracket. */
static __thread bool alq_flying __attribute__((tls_model("initial-exec")));

/* Inside the gate. */
static void alq_flight_change(uint64_t difference)
{
    __atomic_fetch_add(&alq.flights, difference, __ATOMIC_SEQ_CST);
    if (alq_seated()) {
        __atomic_fetch_add(&alq.usage_slot->in_flight, difference, __ATOMIC_SEQ_CST);
    }
}

bool alq_flight_begin(void)
{
    if (alq_flying || !alq_charge_attached()) {
        return false;
    }
    alq_flying = true;
    alq_gate_enter();
    alq_flight_change(1);
    alq_gate_leave();
    return true;
}

void alq_flight_end(void)
{
    alq_flying = false;
    alq_gate_enter();
    /* none where a fork has come between */
    if (__atomic_load_n(&alq.flights, __ATOMIC_SEQ_CST) != 0) {
        alq_flight_change((uint64_t)0 - 1);
    }
    alq_gate_leave();
}

bool alq_flight_pause(void)
{
    bool flying = alq_flying;
    if (flying) {
        alq_flight_end();
    }
    return flying;
}

void alq_charge_submissions(uint64_t submissions)
{
    alq_gate_enter();
    alq.submissions = submissions;
    if (alq_seated()) {
        __atomic_store_n(&alq.usage_slot->submissions, submissions, __ATOMIC_SEQ_CST);
    }
    alq_gate_leave();
}

void alq_charge_parked(enum alq_parked parked)
{
    alq_gate_enter();
    alq.parked = parked;
    if (alq_seated()) {
        __atomic_store_n(&alq.usage_slot->parked, alq.parked, __ATOMIC_SEQ_CST);
    }
    alq_gate_leave();
}

void alq_charge_refused(void)
{
    if (alq_charge_attached()) {
        alq_gate_enter();
        __atomic_fetch_add(&alq.usage_slot->refusals, 1, __ATOMIC_RELAXED);
        alq_gate_leave();
    }
}

uint64_t alq_charge_limit_bytes(int device)
{
    return device < 0 || !alq_charge_attached()
        ? 0
        : __atomic_load_n(&alq.control->devices[device].limit_bytes, __ATOMIC_ACQUIRE);
}

uint64_t alq_charge_free_bytes(int device)
{
    enum alq_pages_status status;
    if (device < 0 || !alq_charge_attached()) {
        return 0;
    }
    return alq_pages_free_bytes(alq.control, alq_pages_open_usage(&status), (uint32_t)device);
}

uint64_t alq_charge_fixed_bytes(int device)
{
    enum alq_pages_status status;
    return device < 0 || !alq_charge_attached()
        ? 0
        : alq_pages_fixed_bytes(alq.control, alq_pages_open_usage(&status), (uint32_t)device);
}

bool alq_charge_passed(int device)
{
    enum alq_pages_status status;
    return device >= 0 && alq_charge_attached()
        && alq_pages_covered_bytes(alq.control, alq_pages_open_usage(&status), (uint32_t)device)
            > alq_charge_limit_bytes(device);
}

void alq_charge_after_fork(void)
{
    memset(alq.held_bytes, 0, sizeof alq.held_bytes);
    memset(alq.movable_bytes, 0, sizeof alq.movable_bytes);
    memset(alq.demoted_bytes, 0, sizeof alq.demoted_bytes);
    memset(alq.pins, 0, sizeof alq.pins);
    alq.inside = 0;
    alq.moving = 0;
    alq.flights = 0;
    alq.submissions = 0;
    alq.parked = 0;
    alq_flying = false;
    __atomic_store_n(&alq_charge_state, 0, __ATOMIC_RELEASE);
}
