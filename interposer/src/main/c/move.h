/*
 * Exchanging what is behind pieces: the data is copied to new backings, which then take the place of the old ones at the pieces' own
 * addresses. One direction is demotion, the other promotion; here they are the same.
 *
 * Failure contract: a piece either has its new backing with the data in it, or the old one as if nothing had happened. Whatever did not
 * happen is left in the list for the caller to give back.
 */
#ifndef ALIQUOT_INTERPOSER_MOVE_H
#define ALIQUOT_INTERPOSER_MOVE_H

#include "movables.h"
#include "protocol.h"

#define ALQ_MOVES 64

/* How long the program may be kept from submitting work while its devices finish what they have. */
#define ALQ_DRAIN_NS 5000000000ull

/* One piece that is to be moved. */
struct alq_move {
    CUdeviceptr block_begin;
    uint64_t block_id;
    uint32_t piece;
    uint64_t bytes;
    CUdevice ordinal;
    bool pinned;              /* of a pinned block: what has been pinned, or let go, meanwhile is not moved */
    struct alq_backing fresh; /* what is to be behind it; mapped nowhere */
    /* Answers: */
    bool moved;
    struct alq_backing stale; /* what was behind it; mapped nowhere any more */
};

struct alq_move_result {
    uint64_t moved_bytes;
    uint64_t copy_ns;
    uint64_t closed_ns;
};

/* Closes the gate, with every device idle and nothing being captured; *closed_at_ns is when. Only what answers DONE has left it closed. What a
 * program captures is left alone: it is waited for, with the gate open. The mover only. */
enum alq_move_outcome alq_move_close(uint64_t *closed_at_ns);

/* Moves them together; adds to *result. Closes the gate and opens it again, unless the mover holds it already: then it stays as it is, the
 * devices are at rest, and what is in chunks is at no address of the program's before alq_move_reach. settle is called while the gate is still closed, for each piece that moved. The mover only. */
enum alq_move_outcome alq_move_all(
    struct alq_move *moves, size_t count, void (*settle)(struct alq_move *move), struct alq_move_result *result);

/* Gate held, and about to be opened: what is in chunks is mapped at its addresses again. Where the driver refuses that it is tried until it does
 * not: a program that ran on without would lose its context. The mover only. */
void alq_move_reach(void);

#endif
