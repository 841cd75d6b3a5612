/*
 * What the files of virtual.h share. All of it with the lock held, inside the gate.
 *
 *   virtual.c          names, and what is behind them
 *   virtual_map.c      mapping and unmapping
 *   virtual_access.c   who may reach what is mapped
 *   virtual_yield.c    making it the driver's own
 *   virtual_rdma.c     registering it
 */
#ifndef ALIQUOT_INTERPOSER_VIRTUAL_INSIDE_H
#define ALIQUOT_INTERPOSER_VIRTUAL_INSIDE_H

#include "virtual.h"

struct alq_virtual {
    uint64_t name;
    uint64_t uses;                     /* how often the program has yet to release it; with the last one a yielded one is released, once */
    CUmemGenericAllocationHandle real; /* yielded: the driver's */
    struct alq_movable_block *block;   /* not yielded; in the table of blocks while it is mapped */
    bool mapped;
    bool host;                         /* the host may reach it where it is mapped: it is pinned */
    CUmemAllocationProp properties;
};

/* How many there are, with a name or mapped; read through alq_virtual_none. */
extern size_t alq_virtual_alive;

/* One load, without the lock. */
static inline bool alq_virtual_none(void)
{
    return __builtin_expect(__atomic_load_n(&alq_virtual_alive, __ATOMIC_ACQUIRE) == 0, 1);
}

struct alq_virtual_entry {
    bool gated;
    int cancel_state;
};

/* Enters the gate and takes the lock; no thread is cancelled in between. */
struct alq_virtual_entry alq_virtual_enter(void);
void alq_virtual_leave(struct alq_virtual_entry entry);

/* NULL: there is none of that name. */
struct alq_virtual *alq_virtual_named(CUmemGenericAllocationHandle name);

/* One use more, the first perhaps. False: no memory. */
bool alq_virtual_use(struct alq_virtual *it);

/* No use is left, and no mapping. */
void alq_virtual_end(struct alq_virtual *it);

/* The first block that a range touches; NULL: none. It stays as it is, if it is virtual. */
struct alq_movable_block *alq_virtual_touched(CUdeviceptr address, CUdeviceptr end);

static inline bool alq_virtual_within(const struct alq_movable_block *block, CUdeviceptr address, CUdeviceptr end)
{
    return block->begin >= address && block->begin + block->bytes <= end;
}

/* Finds a context of the device of a block that is in the table, for the mover's copies. */
void alq_virtual_find_context(struct alq_movable_block *block);

/* Pins what is all on its device, if it fits the request then. */
CUresult alq_virtual_pin(struct alq_movable_block *block, enum alq_pin_reason reason);

/* What is pinned moves again, unless it is registered, whoever is having it brought back; what was charged for that in advance is not any more. */
void alq_virtual_unpin(struct alq_movable_block *block);

/* What is all on its device, and has been pinned inside the gate since, is registered, and pinned for that reason from now on. */
void alq_virtual_keep(struct alq_movable_block *block, enum alq_pin_reason reason);

#endif
