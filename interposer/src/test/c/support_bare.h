/*
 * What the tests of bare processes share: taking this process there and looking at it, beside support_faults.h.
 */
#ifndef ALIQUOT_SUPPORT_BARE_H
#define ALIQUOT_SUPPORT_BARE_H

#include "support_faults.h"

/* The numbers that a bare process's descriptors have at least. */
#define HIGH_DESCRIPTOR 1000
/* The simulator's own, for memory on the device, have less than that and at least this. */
#define SIMULATED_DESCRIPTOR 400

/* Tells this process, which is parked, to be bare, and wakes it. */
void bare_tell(const struct moving *m, uint32_t deep);
/* Has this process leave device 0, and waits until it has said so. */
void bare_park(const struct moving *m);
/* Parked first; waits until it is bare, checked. */
void bare_become(const struct moving *m);
/* And has it checkpointed: nothing of it is on the device then, checked. */
void bare_checkpoint(const struct moving *m);
/* Waits until it runs with all of its data on the device; checked. */
void bare_is_back(const struct moving *m);
/* How often processes have been restored because they asked for it. */
uint64_t bare_restores(const struct moving *m);

/* The next report is of that outcome, and this process is parked as it was, and does not try again by itself; checked. */
void bare_stays_hot(const struct moving *m, uint64_t reports, enum alq_move_outcome outcome);

/* A thread's body: a call that is not gated, or for odd numbers one that is. */
struct bare_caller {
    const struct moving *m;
    CUdeviceptr block;
    uint32_t number;
};
void *bare_call(void *caller);

/* How many descriptors this process has, from one number on and below another. */
unsigned int bare_descriptors(int from, int below);

#endif
