/*
 * What this process holds, by address or handle: how many bytes of which device were charged for it.
 *
 * Thread-safe: 64 shards with a lock each, held for a few loads; never across a call of the driver. An entry is taken out before
 * the driver is asked to free it and put back when the driver refuses, so that an address the driver hands out anew never meets
 * its old entry.
 */
#ifndef ALIQUOT_INTERPOSER_POINTERS_H
#define ALIQUOT_INTERPOSER_POINTERS_H

#include <stdbool.h>
#include <stdint.h>

#include <aliquot/cuda_abi.h>

#include "protocol.h"

/* Keys of different spaces are different things even when equal. */
enum alq_space {
    ALQ_SPACE_ADDRESS, /* CUdeviceptr */
    ALQ_SPACE_ARRAY,   /* CUarray, CUmipmappedArray */
    ALQ_SPACE_EXEC     /* CUgraphExec, one space per device: ALQ_SPACE_EXEC + index */
};

struct alq_pool;

struct alq_holding {
    uint64_t bytes;         /* charged for it alone; or, for a pool's, taken from the pool */
    uint64_t small_bytes;   /* in blocks that it shares with others, see small.h; 0: in none */
    uint64_t small_address; /* where in them; 0: an array, nobody knows */
    int device;             /* index in the control page */
    CUcontext context;      /* dies with it; NULL: with none */
    struct alq_pool *pool;  /* NULL: charged by itself */
    bool lent;              /* handed to other processes: may live on there when it is freed here */
};

/* False: no memory for the entry. */
bool alq_pointers_put(uint32_t space, uint64_t key, const struct alq_holding *holding);

/* Takes the entry out. */
bool alq_pointers_take(uint32_t space, uint64_t key, struct alq_holding *holding);

/* A copy of the entry. */
bool alq_pointers_get(uint32_t space, uint64_t key, struct alq_holding *holding);

/* Marks the entry, if there is one, as lent. */
void alq_pointers_lend(uint32_t space, uint64_t key);

/* Marks everything of a context before it is destroyed; the mark is a number of the caller's, not 0. */
void alq_pointers_doom(CUcontext context, uint64_t mark);

/* The context lives on: takes the mark off. */
void alq_pointers_spare(uint64_t mark);

/* The context is gone: takes out one marked entry at a time; false when none is left. */
bool alq_pointers_reap(uint64_t mark, struct alq_holding *holding);

#endif
