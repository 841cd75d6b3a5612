/*
 * Movable memory: what cuMemAlloc*, and cuMemAllocAsync and its kin, answer in a tenant that may borrow, also for a graph that is captured
 * (graph_blocks.h), and what the program maps itself (virtual.h).
 *
 * Glossary
 *   block    one allocation of the program: an address range that stays reserved as long as the program holds it
 *   piece    a part of a block that is backed by one physical handle: ALQ_PIECE_BYTES, the last one what is left (a multiple of 2 MiB)
 *   resident / demoted   a piece backed by device memory / by a host chunk mapped at the same address
 *
 * Invariants: a block's pieces cover it without gaps; a resident piece is charged, a demoted one is not and is counted in
 * `demoted` instead; a block that another process has made is neither; a piece has exactly one backing at any time that the gate is open; the address
 * range never changes, but for what the program maps itself. Only the mover
 * changes a backing, and only while it holds the gate; everybody else adds and removes blocks inside the gate.
 *
 * Requests below 1 MiB, arrays, managed memory, memory of alloc nodes, pools that are left with the driver (pool_movable.h), and whatever the
 * symbols with 32-bit addresses give stay the driver's own and do not move; what does not move has to fit the request (alq_fixed_fits).
 *
 * What a program can tell from plain memory: a dma-buf is to be had while what does not move any more fits the request, and RDMA registration by
 * address is refused, as the pointer attributes say (rdma.h); a legacy IPC handle needs the agent, and the memory that it leads to, which does not
 * move any more, has to fit the request (share.h); allocating it during a capture works where plain memory would be refused; an access beyond the
 * last 2 MiB faults where plain memory may have a neighbour. A captured graph has no
 * nodes for the movable memory that it allocates and frees, and a free node for such memory is an empty one; the driver so accepts what it
 * refuses of graphs with such nodes (clones, parents, a second executable, updates, changes of nodes and edges).
 */
#ifndef ALIQUOT_INTERPOSER_MOVABLE_H
#define ALIQUOT_INTERPOSER_MOVABLE_H

#include <stdbool.h>
#include <stdint.h>

#include <aliquot/cuda_abi.h>

#include "devices.h"

#define ALQ_PIECE_BYTES (64ull << 20)

struct alq_movable_block;

/* Whether memory of that size of a device has to be movable: the control page says so, the gate could be armed and the mover runs. */
bool alq_movable(int device, uint64_t bytes);

/* Whether bytes more of memory that cannot move fit in the tenant's request on a device that lends; true where the tenant does not borrow. */
bool alq_fixed_fits(int device, uint64_t bytes);

/* Memory of a device for a piece: it can be exported wherever the driver exports any. */
CUresult alq_piece_create(CUmemGenericAllocationHandle *handle, CUdevice ordinal, uint64_t bytes);

/* Has those devices reach a whole block that may reach it. */
CUresult alq_block_access(const struct alq_movable_block *block);

/* What a block is made for. */
struct alq_movable_use {
    uint64_t asked_bytes;
    struct alq_place place;
    CUcontext context;     /* of that device */
    struct alq_pool *pool; /* NULL: none */
};

/* Charges and makes a block of movable memory in the calling thread's current context. */
CUresult alq_movable_create(CUdeviceptr *address, uint64_t asked_bytes, const struct alq_place *place);

/* The same for a use, of which alq_charge_size(asked_bytes) has been charged; that is uncharged where it fails. */
CUresult alq_movable_make(CUdeviceptr *address, const struct alq_movable_use *use);

/* Frees the block that begins at address, after what was submitted in its context has ended. False: there is none, or the driver has to say
 * why it cannot be freed. *result is what the program is told; what was charged has been uncharged, chunks go back to the agent. */
bool alq_movable_free(CUdeviceptr address, CUresult *result);

/* Frees every block of a context that is gone; those of pools pass on to another one of the device, if there is any. Inside the gate. */
void alq_movable_reap(CUcontext context);

/* Has a block that is in no table, and that its context's work cannot be waited for now, released once it can be. Waits for nobody. */
void alq_movable_bury(struct alq_movable_block *block);

/* Frees what could not be freed during a capture, unless one is going on. One load where there is nothing. */
void alq_movable_unbury(void);

/* Waits for a context's work, as freeing plain memory does. */
CUresult alq_block_wait(CUcontext context);

/* Takes away everything of a block that is in no table, uncharges it, and lets go of its share. Inside the gate. */
void alq_movable_release(struct alq_movable_block *block);

/* The same without the uncharging. */
void alq_block_end(struct alq_movable_block *block);

#endif
