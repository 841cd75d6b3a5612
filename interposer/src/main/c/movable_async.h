/*
 * Movable memory in the order of streams: what cuMemAllocAsync and its kin answer in a tenant that may borrow, from 1 MiB on, where the pool
 * may have a movable part (pool_movable.h) and is of the stream's own device. Else the driver is asked as ever. What is captured is a graph's
 * (graph_blocks.h).
 *
 * What is allocated may be used at once and on any stream. What is freed is kept (kept.h) behind an event on the stream; nobody waits. Only
 * streams of contexts that were not seen being made (green ones) have the driver's pools, and freeing movable memory on them waits.
 */
#ifndef ALIQUOT_INTERPOSER_MOVABLE_ASYNC_H
#define ALIQUOT_INTERPOSER_MOVABLE_ASYNC_H

#include "movable.h"
#include "movables.h"
#include "pool.h"

/* Whether an allocation from the pool (NULL: one that we do not know) on the stream becomes movable. */
bool alq_draws_movable(struct alq_pool *pool, CUstream stream, uint64_t bytes);

/* Such an allocation. */
CUresult alq_movable_draw(CUdeviceptr *address, uint64_t asked_bytes, struct alq_pool *pool, CUstream stream);

/* Frees the movable block that begins at address, from a pool or not, once what was submitted to the stream before has ended. False: there is
 * none, or the driver has to say why it cannot be freed. */
bool alq_movable_free_async(CUdeviceptr address, CUstream stream, CUresult *result);

/* The driver's id of a stream, which no other ever gets; 0 where it does not say. */
uint64_t alq_stream_id(CUstream stream);

/* A block that the caller has taken from those that are kept is an allocation again. */
void alq_movable_revive(CUdeviceptr *address, struct alq_movable_block *block, const struct alq_movable_use *use);

#endif
