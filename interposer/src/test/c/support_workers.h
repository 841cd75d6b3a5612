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
/* Waits until all of work_through do, or PATIENCE_MS have passed. */
void work_all_rest(void);

/* Bodies of threads; the argument is a worker. */
void *work_compute(void *worker);
void *work_replay(void *worker);
void *work_capture(void *worker);
/* Graphs with memory of their own, captured and launched and done away with. */
void *work_graphs(void *worker);
void *work_churn(void *worker);
/* Children that find the gate open, wherever it is, and no device. */
void *work_fork(void *worker);
void *work_map(void *worker);

/* What is done to the workers' process over and over, with numbers of its own; whether it has been done often enough. */
typedef bool (*work_trouble)(const struct moving *m, uint64_t *state);
/* Workers of all kinds in a process of the world for DURATION seconds, and until it has been enough, with SEED's numbers. Each gets somewhere and
 * finds its data right, and at the end nothing is left. How many rounds they made. */
uint64_t work_through(struct world *world, work_trouble trouble);

/* For those who make their life hard. */
uint32_t work_random(uint64_t *state);
/* Sleeps a while, up to most_us. */
void work_pause(uint64_t *state, uint32_t most_us);
/* A number from the environment. */
uint64_t work_setting(const char *name, uint64_t otherwise);

#endif
