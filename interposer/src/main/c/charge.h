/*
 * What this process holds of each device, and what it may hold: the tenant's half of the algorithm in protocol.h.
 *
 * Thread-safe. Within credit a charge is a few atomic operations on pages that are mapped already: no lock, no system call.
 * Beyond it one thread of the process at a time asks the agent. All functions keep errno. `device` is the index in the control
 * page; a negative one is a device that is not the tenant's: nothing may be held there, and nothing is counted.
 */
#ifndef ALIQUOT_INTERPOSER_CHARGE_H
#define ALIQUOT_INTERPOSER_CHARGE_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol.h"

/* Requests of this size and more take whole blocks of the device. */
#define ALQ_LARGE_BYTES (1ull << 20)
#define ALQ_LARGE_BLOCK_BYTES (2ull << 20)
#define ALQ_SMALL_BLOCK_BYTES 512ull

/* 1 while attached; read through alq_charge_attached. */
extern uint32_t alq_charge_state;

static inline bool alq_charge_attached(void)
{
    return __atomic_load_n(&alq_charge_state, __ATOMIC_ACQUIRE) != 0;
}

/* Attaches this process to its tenant unless it is attached: waits for the agent as protocol.h says, but only the first time.
 * False: it has complained once on stderr, and CUDA must not start. */
bool alq_charge_attach(void);

/* What a request of that size takes by itself: up to the next 512 bytes, from 1 MiB up to the next 2 MiB, as the driver places it. What
 * shares a block with others is charged as small.h says. Saturating. */
uint64_t alq_charge_size(uint64_t requested_bytes);

/* Adds bytes where they fit in the credit at hand; never asks. */
bool alq_charge_within_credit(int device, uint64_t bytes);

/* Adds bytes, asking the agent where they pass the credit. False: nothing was added. */
bool alq_charge(int device, uint64_t bytes);

/* Whether what is held now fits in the credit, asking the agent to raise it where it does not. */
bool alq_charge_covered(int device);

/* Adds bytes that the driver holds already, whatever the credit. */
void alq_charge_held(int device, uint64_t bytes);

/* Takes bytes away again. */
void alq_uncharge(int device, uint64_t bytes);

/* Two's complement differences of what this process reports; see protocol.h. */
struct alq_shift {
    uint64_t used;
    uint64_t movable;
    uint64_t demoted;
    uint64_t pinned;
    enum alq_pin_reason reason; /* of what is pinned */
};

/* Moves bytes between what is on the device, what of it is movable or pinned, and what is demoted, whatever the credit. */
void alq_charge_shift(int device, const struct alq_shift *shift);

/* What of this process's is on the device and could be demoted. */
uint64_t alq_charge_movable_bytes(uint32_t device);

/* What this process has demoted. */
uint64_t alq_charge_demoted_bytes(uint32_t device);

/* What the tenant holds of a device and cannot move: `used` less `movable` of every slot, the overhead, and what is held outside of slots. */
uint64_t alq_charge_fixed_bytes(int device);

/*
 * The same for memory that was lent: another process may hold it still, and be charged for it only once the agent looks. So the agent
 * looks before anything is charged again: what was given back is free by then, or is not.
 */
void alq_uncharge_lent(int device, uint64_t bytes);

/* Has the agent look where something lent was given back since it last did. */
void alq_charge_pay(int device);

/*
 * Brackets a time in which `used` and what the driver holds may differ: from before a charge until it is corrected. `in_flight` in
 * the usage page counts the threads in one, so that the agent does not take such a moment for the truth.
 * Does not nest within a thread: begin says whether this bracket is the thread's own, and only then is it ended.
 */
bool alq_flight_begin(void);
void alq_flight_end(void);

/* Says how much this process has submitted; see protocol.h. */
void alq_charge_submissions(uint64_t submissions);

/* Says how this process is parked. */
void alq_charge_parked(enum alq_parked parked);

/* Counts an allocation that was answered with CUDA_ERROR_OUT_OF_MEMORY because of the limit. */
void alq_charge_refused(void);

/* Has the agent look at what the driver holds for this process, and returns when the control page shows it; at once where the
 * agent does not answer. */
void alq_settle(int device);

/* The same in the middle of a bracket: what it shows can only be more than before. */
void alq_settle_in_flight(int device);

/* The same for calls that come in numbers: at most one exchange per 50 ms, the others are left to the agent's own polling. */
void alq_settle_lazily(int device);

/* The tenant's limit on a device; 0 where it has none. */
uint64_t alq_charge_limit_bytes(int device);

/* Whether the tenant holds more of a device than its limit, by its own report and the agent's last look. */
bool alq_charge_passed(int device);

/* Room left under the tenant's limit on a device. */
uint64_t alq_charge_free_bytes(int device);

#endif
