/*
 * What is moved when: one attempt to come down to `resident`, or back up within it and the credit. Used by the mover alone.
 */
#ifndef ALIQUOT_INTERPOSER_MOVES_H
#define ALIQUOT_INTERPOSER_MOVES_H

#include "move.h"

/* Demotes until `used` <= resident_bytes, or as much as `used` was above it to begin with: a program that goes on allocating within its
 * credit does not keep the agent from hearing how far it is. Pieces of ALQ_PIECE_BYTES first, for they move fastest; among equals those
 * of the youngest blocks, which a program is the likeliest to free before they would have to come back. */
enum alq_move_outcome alq_demote(uint32_t device, uint64_t resident_bytes, struct alq_move_result *result);

/* Promotes while a piece fits in the credit and in resident_bytes, those of the oldest blocks first. */
enum alq_move_outcome alq_promote(uint32_t device, uint64_t resident_bytes, struct alq_move_result *result);

#endif
