/*
 * The blocks of movable memory of this process, by address; see movable.h for what they are.
 *
 * One lock, held for look-ups and for changes of a backing; waited for by nobody who is inside the driver's own locks, and never held
 * across an exchange with the agent. A block that was taken out belongs to who took it.
 *
 * A block is live or kept. A kept one the program has freed: it is moved and reached by peers like any other, but no address leads to it,
 * and only who keeps it (kept.h) makes it live again or takes it out.
 *
 * A block is tied where others have to do with it: processes (share.h), devices of other makers (rdma.h), the host (virtual.h). Then none of
 * its pieces is demoted.
 */
#ifndef ALIQUOT_INTERPOSER_MOVABLES_H
#define ALIQUOT_INTERPOSER_MOVABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <aliquot/cuda_abi.h>

#include "peers.h"
#include "protocol.h"

/* What is behind a piece: memory of a device, or a chunk. */
struct alq_backing {
    CUmemGenericAllocationHandle handle;
    uint64_t chunk;     /* the agent's name of it; 0: device memory */
    CUdeviceptr window; /* where a chunk is mapped for the mover's copies, as long as it is in hand; 0: device memory */
};

struct alq_pool;
struct alq_virtual;

enum alq_tie {
    ALQ_LOOSE = 0,  /* it moves */
    ALQ_PINNED = 1, /* shared, registered, or about to be: its pieces are not in `movable`, and the whole of it is in the usage page's `pins` */
    ALQ_OPENED = 2  /* another process's, mapped here: neither charged nor the program's to free */
};

/* Where a block was freed, if it is kept; kept.h's own. Or where it was while a graph held it, to be kept so. */
struct alq_freed {
    CUevent event;     /* behind what may use it still; NULL: that has ended */
    CUcontext context; /* of the event */
    uint64_t stream;   /* the driver's id of the stream, which no other ever gets; 0: not known */
    bool doomed;       /* the context is being destroyed: the event is not touched any more */
};

/* What a block has to do with a graph; graph_blocks.h's own. */
enum alq_graph_state { ALQ_NO_GRAPH = 0, ALQ_HELD, ALQ_LEFT };

struct alq_graph_tie {
    enum alq_graph_state state;
    bool live;  /* a launch has allocated it, and nothing has freed it since */
    bool unwaited; /* freed where its context's work could not be waited for, and may use it still */
};

struct alq_piece {
    struct alq_backing backing;
    CUdeviceptr begin;
    uint64_t bytes;
    bool absent; /* in a chunk, and nothing is mapped at its address: the gate is held until something is */
};

struct alq_movable_block {
    CUdeviceptr begin;
    uint64_t bytes;       /* reserved and mapped */
    uint64_t asked_bytes; /* what the program asked for: what it is told */
    uint64_t id;          /* never used twice; grows */
    int device;           /* index in the control page */
    CUdevice ordinal;
    CUcontext context;     /* of its device; a block that is of neither a pool nor virtual dies with it. NULL: virtual, and there was none */
    struct alq_pool *pool; /* it is from; NULL: from none */
    bool kept;
    struct alq_freed freed;
    struct alq_graph_tie graph;
    struct alq_virtual *virtual; /* whose block it is (virtual.h): mapped by the program, who alone unmaps it, in no context; NULL: an allocation */
    uint8_t access[ALQ_ACCESSES]; /* virtual: what each device may do, as the program has said it */
    uint32_t handle_types;        /* virtual: what the program may export it as */
    enum alq_tie tie;
    enum alq_pin_reason reason; /* pinned: why, or why first */
    bool registered;            /* pinned for RDMA until it is freed, and nobody is at sharing it */
    bool sync_memops;           /* CU_POINTER_ATTRIBUTE_SYNC_MEMOPS, as the program has set it: it goes where the data goes */
    uint64_t share;         /* the agent's name of what it is shared as, or opened from; 0: it has none (yet) */
    uint64_t share_epoch;   /* of the agent that named it; a later one does not know the share */
    uint32_t opens;         /* how often the program has opened it and not closed it */
    uint64_t advance_bytes; /* pinned: charged already for pieces that are still demoted */
    bool busy;              /* pinned: its devices did not come to rest for what is still demoted */
    struct alq_movable_block *next; /* of those that are kept, or wait to be freed */
    uint32_t piece_count;
    struct alq_piece pieces[];
};

/* False: no memory. */
bool alq_movables_put(struct alq_movable_block *block);

/* Puts a block that was opened, unless there is one of that share and context already, which is opened once more then and answered. NULL: no memory. */
struct alq_movable_block *alq_movables_put_opened(struct alq_movable_block *block);

/* Opens a block of that share and context once more and answers where it begins; 0: there is none. */
CUdeviceptr alq_movables_open(uint64_t share, CUcontext context);

/* Closes the opened block that begins at address once, and takes it out with its last time. False: there is none. */
bool alq_movables_close(CUdeviceptr address, struct alq_movable_block **last);

/* Takes out the program's own live block that begins at address; NULL: there is none, or a graph holds it. */
struct alq_movable_block *alq_movables_take(CUdeviceptr address);

/* Takes out one live block of a context; NULL: none is left. */
struct alq_movable_block *alq_movables_take_of(CUcontext context);

/* The program's own live block that begins at address is kept from now on, by the caller; NULL: as above. */
struct alq_movable_block *alq_movables_keep(CUdeviceptr address);

/* A block that the caller keeps is live again, as a new one of asked_bytes in that context, or (0) as if it had not been freed. */
void alq_movables_revive(struct alq_movable_block *block, uint64_t asked_bytes, CUcontext context);

/* Takes out a block that is the caller's: one it keeps, or a virtual one. */
void alq_movables_drop(struct alq_movable_block *block);

/* Blocks of pools, and virtual ones, outlive their context: those of one that is gone are another context's of the same device now. heir NULL:
 * there is none; virtual ones wait for one. False: the heir is gone, too, and nothing has happened. */
bool alq_movables_inherit(CUcontext gone, CUcontext heir);

/* A copy of the live block that an address lies in, without its pieces. One load where there are no blocks. */
bool alq_movables_find(CUdeviceptr address, struct alq_movable_block *copy);

/* All blocks, ascending, until alq_movables_unlock. How many there are. */
size_t alq_movables_lock(struct alq_movable_block *const **blocks);
void alq_movables_unlock(void);

/* Of those locked, the one that begins at address, live or kept; NULL: none. */
struct alq_movable_block *alq_movables_at(CUdeviceptr address);

/* Of those locked, the first that ends above an address; NULL: none. */
struct alq_movable_block *alq_movables_above(CUdeviceptr address);

/* What of a block is on its device. */
uint64_t alq_movables_resident_bytes(const struct alq_movable_block *block);

/* A fresh id. */
uint64_t alq_movables_id(void);

#endif
