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

/* Bodies of threads; the argument is a worker. */
void *work_compute(void *worker);
void *work_replay(void *worker);
void *work_churn(void *worker);

#endif
