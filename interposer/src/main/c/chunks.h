/*
 * Host chunks: taken from the agent, given back to it.
 *
 * A chunk that is let go of is put on a list that needs no agent; the mover empties it. A RETURN_CHUNK that no agent has answered stays
 * on the list until one does; what an agent refuses it does not know (any more), and that is the end of it.
 */
#ifndef ALIQUOT_INTERPOSER_CHUNKS_H
#define ALIQUOT_INTERPOSER_CHUNKS_H

#include "movables.h"
#include "protocol.h"

/* Takes a chunk of that size, and its descriptor's handle. Everything about it is checked by using it. Waits for the agent. The mover only. */
enum alq_move_outcome alq_chunks_take(uint32_t device, uint64_t bytes, struct alq_backing *chunk);

/* Releases a chunk's handle and lets go of it. */
void alq_chunks_end(const struct alq_backing *chunk);

/* Lets go of a chunk whose handle has been released. Waits for nobody. */
void alq_chunks_drop(uint64_t chunk);

/* Gives back what was let go of. True: none is left. The mover only. */
bool alq_chunks_return(void);

#endif
