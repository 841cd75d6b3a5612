/*
 * Threads that use a device all the time, each with a block of its own that it looks at every round, until work_ends is set.
 */
#ifndef ALIQUOT_SUPPORT_WORKERS_H
#define ALIQUOT_SUPPORT_WORKERS_H

#include "support_moving.h"

struct worker {
    const struct moving *moving;
    uint32_t number; /* from 1; what it does depends on it */
    uint64_t rounds, wrong;
};

extern uint32_t work_ends;

/* Whether to make another round; waits while the workers rest. */
bool work_goes_on(void);
/* Has the workers rest between two rounds, or go on. */
void work_rest(bool rest);

/* Bodies of threads; the argument is a worker. */
void *work_compute(void *worker);
void *work_replay(void *worker);
void *work_capture(void *worker);
void *work_churn(void *worker);

#endif
