/*
 * Host chunks: taken from the agent, given back to it.
 *
 * A chunk that is let go of is put on a list that needs no agent; the mover empties it. A RETURN_CHUNK that no agent has answered stays
 * on the list until one does; what an agent refuses it does not know (any more), and that is the end of it.
 */
#ifndef ALIQUOT_INTERPOSER_CHUNKS_H
#define ALIQUOT_INTERPOSER_CHUNKS_H

#include "agent.h"
#include "movables.h"
#include "protocol.h"

/* How long the agent is waited for: where the program goes on meanwhile; and where a thread of it may be waiting for the process to be back, which
 * this is in the way of. */
#define ALQ_CHUNK_WAIT_MS 5000u
#define ALQ_CHUNK_HASTE_MS 500u

/* Takes a chunk of that size, its descriptor's handle, and a window to it for copies of that device. Everything about it is checked by using it.
 * Waits for the agent. The mover only. */
enum alq_move_outcome alq_chunks_take(uint32_t wait_ms, uint32_t device, CUdevice ordinal, uint64_t bytes, struct alq_backing *chunk);

/* Fetches another descriptor of a chunk in hand, to be closed with alq_agent_close; -1: it could not be received. Of a chunk that an agent before it
 * gave, the agent has none, and refuses. The mover only. */
enum alq_agent_answer alq_chunks_reopen(const struct alq_backing *chunk, uint64_t bytes, int *descriptor);

/* Closes a chunk's window and releases its handle, and the other way round; what is done already is left as it is, and what has been done is
 * told by the backing: 0. False: the driver refuses a step. The mover only. */
bool alq_chunks_release(struct alq_backing *chunk, uint64_t bytes);
bool alq_chunks_import(struct alq_backing *chunk, CUdevice ordinal, uint64_t bytes, int descriptor);

/* How many handles of chunks there are. */
uint32_t alq_chunks_imported(void);

/* Closes a chunk's window, releases its handle and lets go of it. */
void alq_chunks_end(const struct alq_backing *chunk, uint64_t bytes);

/* Lets go of a chunk whose handle has been released. Waits for nobody. */
void alq_chunks_drop(uint64_t chunk);

/* Gives back what was let go of. True: none is left. The mover only. */
bool alq_chunks_return(void);

#endif
