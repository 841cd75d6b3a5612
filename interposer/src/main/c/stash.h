/*
 * Chunks in the mover's hands, for while it holds the gate: taken before it closes, so that nobody waits for the agent, and let go of after it
 * has opened, so that nobody waits for the driver to release them. The mover only.
 */
#ifndef ALIQUOT_INTERPOSER_STASH_H
#define ALIQUOT_INTERPOSER_STASH_H

#include "movables.h"
#include "protocol.h"

/* Has the agent give a chunk of that size. */
enum alq_move_outcome alq_stash_fetch(uint32_t device, uint64_t bytes);

/* A chunk of that size: one that is in hand, else the agent's. */
enum alq_move_outcome alq_stash_take(uint32_t device, uint64_t bytes, struct alq_backing *chunk);

/* Keeps a chunk that is mapped nowhere any more until alq_stash_end. */
void alq_stash_keep(uint32_t device, uint64_t bytes, const struct alq_backing *chunk);

/* Lets go of everything in hand. */
void alq_stash_end(void);

#endif
