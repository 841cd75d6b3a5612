/*
 * Chunks in hand with nothing in them, each mapped in its window: taken before the gate closes, so that nobody waits for the agent or for the
 * driver to map them, and kept for the next time. What is in hand never is more than what is on the device and could be moved to it: a thread
 * that frees memory lets go of the rest. An agent that hands a chunk out does not have it for another tenant until this one is gone, so
 * keeping it costs nobody anything.
 *
 * A lock guards the list; the driver and the agent are called without it.
 */
#ifndef ALIQUOT_INTERPOSER_STASH_H
#define ALIQUOT_INTERPOSER_STASH_H

#include "movables.h"
#include "protocol.h"

/* Begins to set chunks aside: none is. The mover only, as all but alq_stash_trim. */
void alq_stash_begin(void);

/* Sets a chunk of that size aside: one in hand, else the agent's. */
enum alq_move_outcome alq_stash_reserve(uint32_t device, CUdevice ordinal, uint64_t bytes);

/* A chunk of that size: one that is in hand, else the agent's. */
enum alq_move_outcome alq_stash_take(uint32_t device, CUdevice ordinal, uint64_t bytes, struct alq_backing *chunk);

/* Takes a chunk in hand that is mapped nowhere but in its window. */
void alq_stash_keep(uint32_t device, uint64_t bytes, const struct alq_backing *chunk);

/* Lets go of all that is in hand. */
void alq_stash_empty(void);

/* Lets go of what is in hand for a device beyond what is on it and could be moved. By whoever frees something there, who has waited for what ran:
 * the driver has those who unmap wait for it; and by the mover. True: there is something for the mover to give back. */
bool alq_stash_trim(uint32_t device);

#endif
