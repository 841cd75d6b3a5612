/*
 * Allocations below 1 MiB. The driver cuts them out of 2 MiB blocks of the device, and blocks are what is charged.
 *
 * Where an address is known a block is charged once, from the first allocation in it until the last is gone, holes included. Which
 * block an allocation gets is known only after the call, so a whole block is charged before it and what is spare is taken back after it.
 * Only where the credit at hand has no room for a block is an allocation let through that fits in a hole we know of.
 *
 * Bounds. At the limit the hole is an expectation: a driver that cuts otherwise may open a block all the same, and holds it, uncharged,
 * until the call that caused it gives it back. A block that the driver keeps after its last allocation, or that a module's variables
 * keep, is overhead at the agent's next look.
 *
 * An array has no address: its share is bounded from above, see alq_small_array_take.
 *
 * Thread-safe, keeps errno; one lock, held for look-ups only, never across a call of the driver or a charge.
 */
#ifndef ALIQUOT_INTERPOSER_SMALL_H
#define ALIQUOT_INTERPOSER_SMALL_H

#include "blocks.h"
#include "pointers.h"

/* A small allocation in progress. All zero but its cutting: nothing is charged for it. */
struct alq_small {
    struct alq_cutting cutting;
    uint64_t pending_bytes;    /* charged until it is known where it lies */
    struct alq_block *promise; /* has the hole that it counts on; NULL: it counts on none */
    uint64_t promise_bytes;
};

/* Before the driver is asked; the cutting is filled in. False: the limit forbids it, the refusal is counted, nothing is charged. */
bool alq_small_begin(struct alq_small *small, uint64_t bytes);

/* The driver has refused. */
void alq_small_cancel(struct alq_small *small);

/* The driver has put it at address. False: the limit forbids what it has taken for it, or there is no memory to remember it; it has been
 * given back to the driver and nothing is charged. */
bool alq_small_land(struct alq_small *small, CUdeviceptr address, uint64_t bytes);

/* Charges an array of that size, or small levels of one. What arrays need together is bounded by how many there are, and from 8 blocks on by
 * blocks that are half full: a first fit leaves no more room than that, unless frees have torn it. False: as alq_small_begin. */
bool alq_small_array_take(int device, uint64_t bytes);

/* Takes away what was charged for a holding: for itself, and of the blocks that it shares. After the driver has freed it. */
void alq_give(const struct alq_holding *holding);

#endif
