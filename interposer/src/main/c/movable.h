/*
 * Movable memory: what cuMemAlloc* answers in a tenant that may borrow.
 *
 * Glossary
 *   block    one allocation of the program: an address range that stays reserved as long as the program holds it
 *   piece    a part of a block that is backed by one physical handle: ALQ_PIECE_BYTES, the last one what is left (a multiple of 2 MiB)
 *   resident / demoted   a piece backed by device memory / by a host chunk mapped at the same address
 *
 * Invariants: a block's pieces cover it without gaps; a resident piece is charged, a demoted one is not and is counted in
 * `demoted` instead; a piece has exactly one backing at any time that the gate is open; the address range never changes. Only the mover
 * changes a backing, and only while the gate is MOVING; everybody else adds and removes blocks inside the gate.
 *
 * Requests below 1 MiB, arrays, pools and managed memory stay the driver's own and do not move; what does not move has to fit the
 * tenant's request (alq_fixed_fits).
 */
#ifndef ALIQUOT_INTERPOSER_MOVABLE_H
#define ALIQUOT_INTERPOSER_MOVABLE_H

#include <stdbool.h>
#include <stdint.h>

#include <aliquot/cuda_abi.h>

#define ALQ_PIECE_BYTES (64ull << 20)

/* Whether new memory of a device has to be movable: the control page says so and the gate could be armed. */
bool alq_movable(int device);

/* Whether memory that cannot move still fits in the tenant's request on a device that lends; true where the tenant does not borrow. */
bool alq_fixed_fits(int device, uint64_t bytes);

/* Makes a block of movable memory for the current context; bytes is a multiple of 2 MiB and has been charged. */
CUresult alq_movable_create(CUdeviceptr *address, uint64_t bytes, int device, CUdevice ordinal, CUcontext context);

/* Frees the block that begins at address. False: there is none. *result is what the program is told; what was charged has been uncharged,
 * and chunks have been returned. */
bool alq_movable_free(CUdeviceptr address, CUresult *result);

/* The block that an address lies in. */
bool alq_movable_range(CUdeviceptr address, CUdeviceptr *begin, uint64_t *bytes);

/* Frees every block of a context that is gone. */
void alq_movable_reap(CUcontext context);

void alq_movable_after_fork(void);

#endif
