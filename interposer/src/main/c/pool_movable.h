/*
 * The movable part of a pool: blocks beside what the driver's own pool holds. What a program reads of a pool's attributes is both together.
 *
 * A device's default pool has one, and pools that were made with nothing asked for beyond the device. Pools that can be exported, that have a
 * maximum size or a special use, pools of host memory, and pools that were not seen being made are left with the driver, and do not move.
 *
 * used      sizes asked for of live blocks, in the driver's units
 * reserved  live and kept blocks
 *
 * Thread-safe, without a lock. A high-water mark is of the sum as far as it is known: the driver's part of it is what was last read.
 */
#ifndef ALIQUOT_INTERPOSER_POOL_MOVABLE_H
#define ALIQUOT_INTERPOSER_POOL_MOVABLE_H

#include "pool.h"

struct alq_pool_level {
    uint64_t bytes;        /* of the movable part */
    uint64_t driver_bytes; /* when it was last read */
    uint64_t high_bytes;   /* of both */
};

struct alq_pool_movable {
    uint32_t kind;
    struct alq_pool_level used, reserved;
    uint64_t accessors; /* devices that were given access to the pool, one bit each; peers.c's own */
};

/* Whether what is allocated from the pool may be movable. */
bool alq_pool_takes_movable(struct alq_pool *pool);

/* What the properties say of a pool that has been made. */
void alq_pool_made(struct alq_pool *pool, const CUmemPoolProps *properties);

/* What an allocation counts as used. */
uint64_t alq_pool_units(uint64_t asked_bytes);

/* Differences, two's complement; nothing where the pool is NULL. */
void alq_pool_movable_shift(struct alq_pool *pool, uint64_t used_bytes, uint64_t reserved_bytes);

/* What the movable part has reserved. */
uint64_t alq_pool_movable_bytes(struct alq_pool *pool);

/* The driver's part has been read. */
void alq_pool_movable_seen(struct alq_pool *pool, uint64_t reserved_bytes, uint64_t used_bytes);

/* Puts right what the driver has answered, or after an attribute was set. */
void alq_pool_attribute_read(struct alq_pool *pool, CUmemPool_attribute attribute, cuuint64_t *value);
void alq_pool_attribute_set(struct alq_pool *pool, CUmemPool_attribute attribute);

/* What a pool holds that is more than it may keep when the program synchronises; everything where it is destroyed, or NULL,
 * and of the memory of graphs. */
uint64_t alq_pool_excess(struct alq_pool *pool);

/* Whether one of the reuse attributes is on. */
bool alq_pool_reuses(struct alq_pool *pool, CUmemPool_attribute attribute);

#endif
