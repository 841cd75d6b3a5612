/*
 * Movable memory and other processes: what stands behind legacy IPC handles (protocol.h, How movable memory is shared).
 *
 *   share_pin.c    keeping a block on its device
 *   share.c        the program's own memory, shared
 *   share_open.c   memory of the tenant's other processes, opened
 *
 * A handle is the library's own: it names the share, the process that made it, and the size. A program that takes a handle apart finds 64
 * bytes that mean nothing to it, as with the driver's.
 *
 * Invariants: a block that has a share is pinned until it is freed, and the agent is told of its end then; what is pinned has to fit the tenant's
 * request, as everything that does not move. A process that has shared or opened anything is never bare. Nobody waits for the agent inside
 * the gate.
 *
 * Failure contract: a block that cannot be shared moves on as before. Memory that was opened is held by its mappings alone: neither its maker's
 * end nor the agent's takes it away.
 */
#ifndef ALIQUOT_INTERPOSER_SHARE_H
#define ALIQUOT_INTERPOSER_SHARE_H

#include <stdbool.h>
#include <stdint.h>

#include <aliquot/cuda_abi.h>

#include "movables.h"

#define ALQ_SHARE_MAGIC 0x4552414853514c41ull /* "ALQSHARE" */

/* What is in a CUipcMemHandle. */
struct alq_share_handle {
    uint64_t magic;
    uint64_t maker; /* a random number of the process's */
    uint64_t id;
    uint64_t bytes;       /* mapped */
    uint64_t asked_bytes; /* what the program asked for */
    uint64_t reserved[3];
};

_Static_assert(sizeof(struct alq_share_handle) == sizeof(CUipcMemHandle), "share handle");

/* The handle of the block that an address lies in. False: there is none that could be shared, the driver has to answer. */
bool alq_share_get(CUdeviceptr address, CUipcMemHandle *handle, CUresult *result);

/* Whether it is a handle of this library's, and opens it. */
bool alq_share_open(CUdeviceptr *address, const CUipcMemHandle *handle, unsigned int flags, CUresult *result);

/* Closes what was opened. False: that was not. */
bool alq_share_close(CUdeviceptr address, CUresult *result);

/* A block goes: its share is over, which the agent has yet to be told. Waits for nobody. */
void alq_share_drop(const struct alq_movable_block *block);

/* The share of a block that the caller has taken out, which is the caller's to end now; 0: it has none. */
uint64_t alq_share_take(struct alq_movable_block *block);

/* Ends a share (0: none): over for new openers when it returns, where the agent answers soon; else the mover has yet to tell it. Keeps errno, and
 * pauses the calling thread's bracket. Outside the gate. */
void alq_share_over(uint64_t id);

/* Tells the agent what is over. False: it does not answer. One load where there is nothing. The mover only. */
bool alq_shares_end(void);

/* ---- between the three ---- */

enum alq_pin {
    ALQ_PIN_NONE,       /* there is no block that could be pinned */
    ALQ_PIN_NEW,        /* it is pinned now, and the caller's to share, to register or to unpin */
    ALQ_PIN_OLD,        /* it was shared with an agent that is gone, and is the caller's to share anew, or to name as in the copy */
    ALQ_PIN_REGISTERED, /* it was pinned for RDMA, and is the caller's to share, or to register again */
    ALQ_PIN_SHARED,     /* it is shared already: its share is in the copy */
    ALQ_PIN_FULL        /* what would not move any more does not fit */
};

/* Pins the block that an address lies in, and has all of it on its device: a virtual one (virtual.h), or one that is not. Waits for whoever is sharing it.
 * reason: what the usage page says where it was not pinned. */
enum alq_pin alq_share_pin(CUdeviceptr address, bool of_virtual, enum alq_pin_reason reason, struct alq_movable_block *copy);

/* It moves again. */
void alq_share_unpin(const struct alq_movable_block *copy);

/* Says what a pinned block is shared as, and with which agent. False: it has been freed. */
bool alq_share_name(const struct alq_movable_block *copy, uint64_t share, uint64_t epoch);

/* Says that a pinned block is pinned until it is freed, without being shared. */
void alq_share_register(const struct alq_movable_block *copy);

/* The agent that there is. */
uint64_t alq_share_epoch(void);

/* The number of this process. */
uint64_t alq_share_maker(void);

#endif
