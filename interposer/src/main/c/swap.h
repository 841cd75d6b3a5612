/*
 * Being away: the whole process off its devices and at rest, until a call of it needs one. See protocol.h, "How an idle process is swapped
 * out". The mover alone.
 *
 * Leaving: a chunk for everything above `resident` is fetched with the gate open; then the gate is closed once, the devices are waited for
 * once, everything moves, and the gate stays closed (PARKED). What stands in the way (no chunk, a device that does not come to rest, a
 * capture, a driver that refuses a step) has the gate open again, with what had been moved demoted, and nothing is tried before the
 * slot's `wake` changes.
 * Coming back: when `away` is 0, or because a thread waits at the gate. For the latter the agent is asked, once; it makes room and then
 * says yes. What credit and `resident` allow is promoted, then the gate opens. An agent that refuses or is not there leaves the data demoted:
 * it is mapped at its addresses, so the program goes on over the bus; it comes back within credit as ever.
 *
 * Parked, it may be told to be bare (deep.h). Then it comes back only when the agent says that the driver serves it again, and asks for that as
 * long as a thread waits, at the gate or in front of the driver.
 *
 * While it is parked the process holds no lock of this library, nothing of it runs, and the page says so (`parked`); a child of fork
 * is not parked. A thread that ends, is signalled or forks while it waits at the gate leaves nothing behind.
 */
#ifndef ALIQUOT_INTERPOSER_SWAP_H
#define ALIQUOT_INTERPOSER_SWAP_H

#include "move.h"

enum alq_swap {
    ALQ_SWAP_HERE,  /* nobody wants the process away: memory moves as ever */
    ALQ_SWAP_STAYS, /* it runs, though it may have been told to leave: memory only comes back, and the agent has been told what there is to say */
    ALQ_SWAP_PARKED /* nothing moves */
};

/* Looks at `away`, at `deep` and at the gate, and does what they say. wake: the slot's word, read before; asked: it has changed since the last look.
 * *again_ns: when to look again; 0: when woken. */
enum alq_swap alq_swap_look(
    const struct alq_control_slot *slot, uint64_t generation, uint32_t wake, bool asked, uint64_t *again_ns);

/* mover.c: MOVED; what is lost with an absent agent stands in the usage page all the same. */
void alq_report(
    uint32_t device, uint32_t wake, enum alq_move_outcome outcome, bool promoted, const struct alq_move_result *result);

#endif
