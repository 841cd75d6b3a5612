/*
 * The 2 MiB blocks that the driver cuts small allocations out of, by their number: address / 2 MiB. The driver's blocks are aligned, so
 * an address says which block it is in.
 *
 * A block is on record while anything refers to it. Not thread-safe: small.c has the lock. Nothing here charges.
 */
#ifndef ALIQUOT_INTERPOSER_BLOCKS_H
#define ALIQUOT_INTERPOSER_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include <aliquot/cuda_abi.h>

#include "charge.h"

#define ALQ_GRAIN_BYTES 4096u
#define ALQ_BLOCK_PIECES (ALQ_LARGE_BLOCK_BYTES / ALQ_GRAIN_BYTES)

/* Whose holes an allocation can be expected to fill. */
struct alq_cutting {
    int device;
    CUcontext context;
    bool plain; /* cuMemAlloc_v2 and cuMemAllocPitch_v2; the others may come from blocks of their own */
};

struct alq_block {
    struct alq_block *next; /* in its bucket */
    uint64_t number;
    struct alq_cutting cutting;      /* of the first allocation that was seen in it; no longer plain once another kind was */
    uint32_t references;             /* allocations in it, and in flight ones that count on a hole in it */
    uint8_t taken[ALQ_BLOCK_PIECES]; /* how many allocations touch each piece */
};

/* The block of that number; NULL: not on record. */
struct alq_block *alq_blocks_get(uint64_t number);

/* A reference to the block, put on record where it was not: then *opened grows by one. NULL: no memory for the record. */
struct alq_block *alq_blocks_refer(uint64_t number, const struct alq_cutting *cutting, uint32_t *opened);

/* Drops a reference; whether it was the last, and the block is off the record. */
bool alq_blocks_drop(struct alq_block *block);

/* An allocation of bytes at address takes or leaves its pieces of the block. */
void alq_blocks_mark(struct alq_block *block, uint64_t address, uint64_t bytes, bool taken);

/* A block of that cutting with a hole of bytes, in whole pieces; NULL: none. */
struct alq_block *alq_blocks_with_hole(const struct alq_cutting *cutting, uint64_t bytes);

void alq_blocks_after_fork(void);

#endif
