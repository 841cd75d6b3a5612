/*
 * What is moved when: one attempt to come down to `resident`, or back up within it and the credit. Used by the mover alone, with the gate
 * open or held.
 */
#ifndef ALIQUOT_INTERPOSER_MOVES_H
#define ALIQUOT_INTERPOSER_MOVES_H

#include "move.h"

/* Demotes until `used` <= resident_bytes, or as much as `used` was above it to begin with: a program that goes on allocating within its
 * credit does not keep the agent from hearing how far it is. */
enum alq_move_outcome alq_demote(uint32_t device, uint64_t resident_bytes, struct alq_move_result *result);

/* Takes the chunks in hand (stash.h) that alq_demote would want now, with the gate as it is. */
enum alq_move_outcome alq_demote_prepare(uint32_t device, uint64_t resident_bytes);

/* Promotes while a piece fits in the credit and in resident_bytes. */
enum alq_move_outcome alq_promote(uint32_t device, uint64_t resident_bytes, struct alq_move_result *result);

/* Brings the demoted pieces of pinned blocks back, whatever `resident` is: they have been charged. */
enum alq_move_outcome alq_pull(uint32_t device, struct alq_move_result *result);

#endif
