/*
 * Going bare and coming back (protocol.h). The mover alone, with the gate parked.
 *
 * Going: the chunks in hand without data go back to the agent, a descriptor of every other chunk is fetched, all chunks are unmapped and
 * their handles released, and every thread has got beyond whatever it was about to call (bare.h). Nothing imported is left then, by the
 * count of all imports. Data in chunks of an earlier agent, which this one has no descriptors of, moves to chunks of this one's first: what has
 * moved stays there, however going ends. Coming back imports each chunk again from its descriptor.
 *
 * Failure contract: a chunk is either in hand with its window, or there is a descriptor of it. What keeps the process from going bare has
 * everything in hand again. A chunk that cannot be imported again is tried until it can, with a fresh descriptor each time: the data is in it.
 */
#ifndef ALIQUOT_INTERPOSER_DEEP_H
#define ALIQUOT_INTERPOSER_DEEP_H

#include <stdbool.h>

#include "protocol.h"

/* DONE: the process is bare, and the driver may be locked any time from now on. */
enum alq_move_outcome alq_deep_leave(void);

bool alq_deep_is_bare(void);

/* The driver serves the process: it is parked as before. */
void alq_deep_return(void);

#endif
