/*
 * The gate: what keeps the program's work away from its device while memory is moved under it.
 *
 * Glossary
 *   gated call  a call that submits work to a device, touches device memory, or changes which memory is movable
 *   mark        per thread: whether it is inside a gated call
 *   mover       the one thread that closes the gate (mover.h)
 *
 * The gate is armed with the first memory that moves, with the first wish to have the process out, or when the agent wants to know whether it
 * uses its devices; before that a gated call costs one load and one branch. Armed and open it costs two
 * plain stores to the thread's own mark and two loads: no lock, no atomic read-modify-write, no system call. Closing is one
 * store, one membarrier(PRIVATE_EXPEDITED) that makes every thread's mark and the gate visible to each other, and waiting for
 * the marks to clear.
 *
 * States: OPEN -> DRAINING -> MOVING -> OPEN, or DRAINING -> OPEN, or MOVING -> PARKED -> WANTED -> OPEN. While DRAINING, a thread that has
 * waited at the gate for longer than the mover said may break it: the mover then finds that it cannot commit, and nothing has been
 * moved. Once MOVING nobody breaks it: what remains is bounded by the copy. A process that is swapped out (swap.h) leaves its gate
 * PARKED, for as long as nobody comes; the first thread that does makes it WANTED and has the mover called, once. Nobody breaks that
 * either: the mover answers for it that the gate opens, with an agent or without.
 *
 * Failure contract: a thread that dies, forks or is cancelled leaves no mark behind that anyone waits for; after fork the child's gate is
 * open. A kernel without membarrier: the gate cannot be closed (alq_gate_close answers false), and nothing else changes.
 * Nothing that waits for the agent may be called between enter and leave.
 */
#ifndef ALIQUOT_INTERPOSER_GATE_H
#define ALIQUOT_INTERPOSER_GATE_H

#include <stdbool.h>
#include <stdint.h>

/* 0 until the gate is armed; read through alq_gate_enter. */
extern uint32_t alq_gate_armed;

bool alq_gate_enter_armed(void);
void alq_gate_leave_armed(void);

/* Before a gated call; waits while the gate is closed. True: alq_gate_leave is due. Nests: only the outermost call of a thread counts. */
static inline bool alq_gate_enter(void)
{
    return __builtin_expect(__atomic_load_n(&alq_gate_armed, __ATOMIC_RELAXED) != 0, 0) && alq_gate_enter_armed();
}

/* The same for a call that the mover must not miss though it may have begun before the gate was armed: of others it knows nothing then,
 * and they touch nothing that it touches. Costs what an armed gate does. */
static inline bool alq_gate_enter_seen(void)
{
    return alq_gate_enter_armed();
}

static inline void alq_gate_leave(bool entered)
{
    if (entered) {
        alq_gate_leave_armed();
    }
}

/* Arms the gate, for good. Idempotent. False where this kernel cannot close a gate. */
bool alq_gate_arm(void);

/* ---- for the mover only ---- */

/* Closes the gate and waits, at most until the deadline (CLOCK_MONOTONIC), for the threads inside to leave. False: it is open again. From
 * then on threads wait at the gate, and may break it after break_ns. */
bool alq_gate_close(uint64_t deadline_ns, uint64_t break_ns);

/* From DRAINING to MOVING. False: somebody has broken the gate; it is open. */
bool alq_gate_commit(void);

/* Opens the gate and wakes who waits. */
void alq_gate_open(void);

/* Whether the calling thread has the gate MOVING, or parked. */
bool alq_gate_held(void);

/* From MOVING to PARKED. */
void alq_gate_park(void);

/* Whether a thread waits at the parked gate. */
bool alq_gate_wanted(void);

/* For how long one has; 0: none does. */
uint64_t alq_gate_waited_ns(void);

/* What the first thread that comes to a parked gate calls; it waits for nobody and keeps errno. */
void alq_gate_when_wanted(void (*call)(void));

/* In the child after fork. */
void alq_gate_after_fork(void);

#endif
