/*
 * Between charge.c, which knows what is held, ask.c, which talks to the agent about it, and the mover, which does both. Nobody else
 * includes this.
 */
#ifndef ALIQUOT_INTERPOSER_ASK_H
#define ALIQUOT_INTERPOSER_ASK_H

#include "agent.h"
#include "charge.h"

/* ask.c: adds bytes, asking the agent until the credit covers them; waits for the agent as protocol.h says. False: nothing added. */
bool alq_ask(uint32_t device, uint64_t bytes);

/* charge.c: adds and keeps it if it fits in the credit at hand, else withdraws; *wanted_bytes is what `used` would have been. */
bool alq_charge_try(uint32_t device, uint64_t bytes, uint64_t *wanted_bytes);

/* charge.c: what this process holds now. */
uint64_t alq_charge_reported_bytes(uint32_t device);

/* charge.c: the slot of this process and its seat; NULL while it is not attached. What is in the slot is ours only while its generation is the
 * seat's. Waits for nobody. */
const struct alq_control_slot *alq_charge_seat(struct alq_seat *seat);

/* ask.c: takes a seat anew after ALQ_STATUS_STALE, unless another thread is talking to the agent: that one will be told, too. */
bool alq_ask_again(void);

/* charge.c: takes a slot, with all that this process holds. One thread at a time, outside the gate. */
void alq_charge_move(const struct alq_control_page *control, struct alq_usage_page *usage, const struct alq_seat *seat);

/* charge.c: ends the calling thread's bracket, if it is in one, for an exchange that wants the truth; then begin again. */
bool alq_flight_pause(void);

#endif
