/*
 * The program's own mapped memory (cuMemCreate, cuMemMap) in a tenant that may borrow: a handle is the library's name for a block of pieces, so
 * that what is behind it can change. PyTorch's expandable segments, and whoever else reserves addresses and fills them.
 *
 * Glossary
 *   name      what the program holds as a handle; no driver gives such numbers
 *   mapped    the block is at an address of the program's, and is movable memory like any other (movable.h)
 *   yielded   the memory is the driver's own from now on, under its own handle, and does not move: the program exports it, binds it to something,
 *             or maps it a second time or in part
 *
 * A block moves while the whole of it is mapped at one address, the program has given its own device access to read and write, and there is a
 * context of that device. While it is not mapped it counts as movable, too: programs make many handles before they map the first, and unmap
 * many before they release them. Where the host is given access to it, it is pinned until it is unmapped; registered for RDMA, until it is freed. What is larger than a piece cannot be yielded, and
 * what has been demoted and does not move can neither be yielded nor pinned: the call that needs it is refused with CUDA_ERROR_NOT_SUPPORTED.
 *
 * Not the library's, and as ever: compressed memory, sizes that are no multiple of 2 MiB, exportable memory larger than a piece, or exportable
 * otherwise than by a descriptor.
 *
 * One lock, held across calls of the driver, and taken inside the gate only: two calls that change the program's mappings do not run side by side in
 * the driver either. Nobody who holds it waits for the agent.
 */
#ifndef ALIQUOT_INTERPOSER_VIRTUAL_H
#define ALIQUOT_INTERPOSER_VIRTUAL_H

#include <stdbool.h>
#include <stdint.h>

#include <aliquot/cuda_abi.h>

#include "movables.h"
#include "rdma.h"

/* Whether there are any names, or blocks of theirs. One load. */
bool alq_virtual_any(void);

/* Makes a block and its name, charged. False: such memory is the driver's to make, and nothing has happened. */
bool alq_virtual_create(CUmemGenericAllocationHandle *name, size_t bytes, const CUmemAllocationProp *properties, unsigned long long flags, CUresult *result);

/* One use less. False: the driver's handle is to be released: what was no name, or what the name of yielded memory has been replaced by with its last use. */
bool alq_virtual_release(CUmemGenericAllocationHandle *handle, CUresult *result);

/* Maps a whole block that is not mapped. False: it is the driver's to do, with what alq_virtual_yield answers. */
bool alq_virtual_map(CUdeviceptr address, size_t bytes, size_t offset, CUmemGenericAllocationHandle name, CUresult *result);

/* Unmaps the blocks in a range that is made of whole mappings, the driver's among them. False: there is no block in it. */
bool alq_virtual_unmap(CUdeviceptr address, size_t bytes, CUresult (*driver)(CUdeviceptr address, size_t bytes), CUresult *result);

/* The name of the block that is mapped at an address, used once more. False: there is none. */
bool alq_virtual_retain(CUmemGenericAllocationHandle *name, CUdeviceptr address, CUresult *result);

/* Gives devices access to a range. False: there is no block in it. */
bool alq_virtual_access(CUdeviceptr address, size_t bytes, const CUmemAccessDesc *list, size_t count, CUresult *result);

/* What a name was made with. False: it is none. */
bool alq_virtual_properties(CUmemAllocationProp *properties, CUmemGenericAllocationHandle name);

/* Has what is behind a name be the driver's own, and puts its handle in the name's place; other handles are left as they are. May wait for the agent:
 * what does not move has to fit the request. */
CUresult alq_virtual_yield(CUmemGenericAllocationHandle *handle);

/* Registers the blocks of a range for RDMA (rdma.h). False: it does not begin with one. May wait for the agent, as above. */
bool alq_virtual_register(const struct alq_rdma_range *range, CUresult *result);

/* There is another context: what there was none for moves again. */
void alq_virtual_settle(void);

/* ---- for the mover, which holds the gate, or looks at a block under the lock of movables.h ---- */

/* Whether the mover's copies reach a block. */
bool alq_virtual_reached(const struct alq_movable_block *block);

/* Who may reach a block. */
size_t alq_virtual_accesses(const struct alq_movable_block *block, CUmemAccessDesc list[ALQ_ACCESSES]);

#endif
