/*
 * Kept blocks: movable blocks that the program has freed in the order of a stream, until they are used again or given up.
 *
 * A block is kept behind an event that was recorded on the stream it was freed on. It is used again for an allocation of its pool and of
 * exactly its size: on the same stream at once, for what is submitted there comes behind the free; on another when its event has passed, or,
 * where memory is short, by having that stream wait for the event. It is given up, once its event has passed, when the program synchronises
 * and its pool holds more than the release threshold, when the pool is trimmed or destroyed, before the agent is asked for more and after it
 * has refused, and when the agent wants memory back. A block that has no pool is not used again.
 *
 * Invariants: a kept block stays mapped and charged, in the table of movable blocks, until it is given up; it is in this list or in the
 * hands of one thread. Nothing is unmapped before what was submitted to its stream ahead of the free has ended, and nothing while a
 * stream is captured. Events of kept blocks are queried and destroyed under the lock of the list alone, and not touched once their context
 * is doomed. Nobody waits with that lock held.
 */
#ifndef ALIQUOT_INTERPOSER_KEPT_H
#define ALIQUOT_INTERPOSER_KEPT_H

#include "movables.h"

/* A block that alq_movables_keep has answered. Inside the gate. */
void alq_kept_put(struct alq_movable_block *block, const struct alq_freed *freed);

/* A block of that pool and size that was freed on the stream of that id; or one that is no longer in use; or any, and the stream, which is
 * not captured, waits for what uses it. NULL: none. It is the caller's. */
struct alq_movable_block *alq_kept_take(struct alq_pool *pool, uint64_t bytes, uint64_t stream);
struct alq_movable_block *alq_kept_take_passed(struct alq_pool *pool, uint64_t bytes);
struct alq_movable_block *alq_kept_take_behind(struct alq_pool *pool, uint64_t bytes, CUstream stream);

/* Whether there are none. One load. */
bool alq_kept_none(void);

/* Gives up blocks of a device that are no longer in use, the longest kept first, until they amount to bytes. How much it was. */
uint64_t alq_kept_shrink(int device, uint64_t bytes);

/* The same, waiting for blocks to be out of use; a few seconds, and not while a stream is captured. */
uint64_t alq_kept_shrink_waiting(int device, uint64_t bytes);

/* The same for a pool (NULL: for blocks of none), without waiting. */
void alq_kept_trim(struct alq_pool *pool, uint64_t bytes);

/* After the program has synchronised: gives up what its pools may not keep. Whether that may be anything is one load. */
bool alq_kept_unsettled(void);
void alq_kept_settle(void);

/* A pool may keep less than before. */
void alq_kept_unsettle(void);

/* Before a context is destroyed, and (false) where that has failed: its events are doomed. */
void alq_kept_doom(CUcontext context, bool doomed);

/* The context is gone, and nothing runs in it: gives up what was kept behind its events. Inside the gate. */
void alq_kept_reap(CUcontext context);

/* ---- between kept.c and kept_release.c ---- */

/* Which blocks are meant. */
struct alq_choice {
    bool any_pool; /* of the device; else of `pool` */
    int device;
    struct alq_pool *pool;
};

#define ALQ_KEPT_POOLS 16

/* Gives up those that are no longer in use; in_use: others are, or a capture has to end first. */
uint64_t alq_kept_release(const struct alq_choice *choice, uint64_t bytes, bool *in_use);

/* The pools that kept blocks are of, or some of them. How many. */
size_t alq_kept_pools(struct alq_pool *pools[ALQ_KEPT_POOLS]);

#endif
