/*
 * Which pieces go first. Out: those of ALQ_PIECE_BYTES, for they move fastest; among equals those of the youngest blocks, which a program is
 * the likeliest to free before they would have to come back. Back: of the oldest blocks. The mover only.
 */
#ifndef ALIQUOT_INTERPOSER_CHOOSE_H
#define ALIQUOT_INTERPOSER_CHOOSE_H

#include "move.h"

enum alq_choose {
    ALQ_CHOOSE_RESIDENT, /* resident pieces of blocks that move */
    ALQ_CHOOSE_DEMOTED,  /* demoted ones */
    ALQ_CHOOSE_PINNED    /* demoted pieces of pinned blocks that have been charged in advance */
};

/* The first such pieces of a device, as far as they amount to wanted_bytes. How many. */
size_t alq_choose(struct alq_move moves[ALQ_MOVES], uint32_t device, enum alq_choose which, uint64_t wanted_bytes);

/* All resident pieces of a device that move, in that order; to be freed. How many; SIZE_MAX: there is no memory for them. */
size_t alq_list_resident(struct alq_move **moves, uint32_t device);

#endif
