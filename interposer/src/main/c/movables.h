/*
 * The blocks of movable memory of this process, by address; see movable.h for what they are.
 *
 * One lock, held for look-ups and for changes of a backing; waited for by nobody who is inside the driver's own locks, and never held
 * across an exchange with the agent. A block that was taken out belongs to who took it.
 */
#ifndef ALIQUOT_INTERPOSER_MOVABLES_H
#define ALIQUOT_INTERPOSER_MOVABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <aliquot/cuda_abi.h>

/* What is mapped at an address: memory of a device, or a chunk. */
struct alq_backing {
    CUmemGenericAllocationHandle handle;
    uint64_t chunk; /* the agent's name of it; 0: device memory */
};

struct alq_piece {
    struct alq_backing backing;
    CUdeviceptr begin;
    uint64_t bytes;
};

struct alq_movable_block {
    CUdeviceptr begin;
    uint64_t bytes;       /* reserved and mapped */
    uint64_t asked_bytes; /* what the program asked for: what it is told */
    uint64_t id;          /* never used twice; grows */
    int device;           /* index in the control page */
    CUdevice ordinal;
    CUcontext context; /* it dies with */
    struct alq_movable_block *next; /* of those that wait to be freed */
    uint32_t piece_count;
    struct alq_piece pieces[];
};

/* False: no memory. */
bool alq_movables_put(struct alq_movable_block *block);

/* Takes out the block that begins at address; NULL: there is none. */
struct alq_movable_block *alq_movables_take(CUdeviceptr address);

/* Takes out one block of a context; NULL: none is left. */
struct alq_movable_block *alq_movables_take_of(CUcontext context);

/* A copy of the block that an address lies in, without its pieces. One load where there are no blocks. */
bool alq_movables_find(CUdeviceptr address, struct alq_movable_block *copy);

/* All blocks, ascending, until alq_movables_unlock. How many there are. */
size_t alq_movables_lock(struct alq_movable_block *const **blocks);
void alq_movables_unlock(void);

/* Of those locked, the one that begins at address; NULL: none. */
struct alq_movable_block *alq_movables_at(CUdeviceptr address);

/* A fresh id. */
uint64_t alq_movables_id(void);

#endif
