/*
 * Memory that the driver keeps in pools: stream-ordered allocations, and the memory of graphs.
 *
 * A pool is charged what the driver says it has reserved, or what is in use where that is more; never the sum of its allocations,
 * because a pool keeps and reuses what was freed. Movable blocks of a pool (pool_movable.h) are charged by themselves. The figure is read
 * again after everything that may have changed it. Thread-safe.
 */
#ifndef ALIQUOT_INTERPOSER_POOL_H
#define ALIQUOT_INTERPOSER_POOL_H

#include "devices.h"

struct alq_pool;

/* The record of a pool of that device, the tenant's or not, made at first sight, or with place NULL only one that is on record already;
 * NULL: no memory for it, or a pool that nobody has shown us. */
struct alq_pool *alq_pool_of(CUmemoryPool handle, const struct alq_place *place);

/* The record of the graph memory of a device. */
struct alq_pool *alq_pool_of_graphs(const struct alq_place *place);

/* What the driver has reserved and what of it is in use; false where it does not say. */
bool alq_pool_figures(struct alq_pool *pool, uint64_t *reserved_bytes, uint64_t *in_use_bytes);

/* Reads the figures and corrects the charge. */
void alq_pool_settle(struct alq_pool *pool);

/* The same for every pool of a device; negative: of every device. */
void alq_pool_settle_all(int device);

/* An allocation of the pool has been made or freed. */
void alq_pool_live_add(struct alq_pool *pool, uint64_t bytes);
void alq_pool_live_sub(struct alq_pool *pool, uint64_t bytes);

/* Memory of the pool has been handed to other processes: what it gives back from now on may live on there. */
void alq_pool_lend(struct alq_pool *pool);

/* The device of a pool, its handle, and whether that is a pool still. */
const struct alq_place *alq_pool_place(const struct alq_pool *pool);
CUmemoryPool alq_pool_handle(const struct alq_pool *pool);
bool alq_pool_alive(const struct alq_pool *pool);

/* What of it is movable, see pool_movable.h. */
struct alq_pool_movable;
struct alq_pool_movable *alq_pool_part(struct alq_pool *pool);

/* Around the destruction of a pool: its handle means nothing from before the driver's call on, so that a new pool with the same
 * handle has a record of its own. Once destroyed it is charged for what is still in use, until that is freed. */
void alq_pool_retire(struct alq_pool *pool);
void alq_pool_retired(struct alq_pool *pool, bool destroyed);

/* Drivers grow a pool in pieces of this size. */
#define ALQ_POOL_PIECE_BYTES (32ull << 20)

/* What a pool grows by at most for bytes that it has no room for: whole pieces; of 2 MiB once a driver has been seen growing by less. */
uint64_t alq_pool_growth_bytes(uint64_t bytes);

/* A pool has grown by that much. */
void alq_pool_grown(uint64_t bytes);

/* Charges bytes of a device: within credit, else after the pools have been read again and kept blocks that are out of use given up, else after
 * the pools' unused memory has been given back. False: the limit forbids it; nothing is charged. */
bool alq_take_unused(int device, uint64_t bytes);

/* After that: once kept blocks that were in use have been given up. False: the limit forbids it; the refusal is counted, nothing is charged. */
bool alq_take_waiting(int device, uint64_t bytes);

/* The one, then the other. */
bool alq_take(int device, uint64_t bytes);

/* The same for memory that cannot move: on a device that lends it has to fit the tenant's request, too. */
bool alq_take_fixed(int device, uint64_t bytes);

/* Has the driver give back what the pool does not use, down to keep_bytes. */
void alq_pool_trim(struct alq_pool *pool, uint64_t keep_bytes);

/* The same for all pools of a device, down to nothing. */
void alq_pool_trim_all(int device);

/* Whether there is any record. One load. */
bool alq_pools_seen(void);

/* Whether a pool may hold memory that a synchronisation gives back to the device. One load. */
bool alq_pool_dirty(void);

#endif
