/*
 * What the tests of what goes wrong share: cases that look after one block of movable memory, each in a world of its own, and the ways in
 * which they look.
 */
#ifndef ALIQUOT_SUPPORT_FAULTS_H
#define ALIQUOT_SUPPORT_FAULTS_H

#include "support_moving.h"

#define BLOCK_BYTES (136 * MIB)
#define BLOCK_VALUE 77u

CUdeviceptr filled_block(const struct moving *m);

/* A case that begins where moving_start and filled_block have ended; with NEXT, another agent has been prepared before. */
typedef void block_body(const struct moving *m, CUdeviceptr block);
void run_block(const char *name, block_body *body, bool next_agent);
#define RUN_BLOCK(name) run_block(#name, name, false)
#define RUN_BLOCK_NEXT(name) run_block(#name, name, true)

/* The data is right. */
void check_block(const struct moving *m, CUdeviceptr block);
/* The data is right, and so is what the process reports of a block that is all it has. */
void check_block_counted(const struct moving *m, CUdeviceptr block);
/* These move the block out and in once more, as if nothing had been, and free it: by what may stay on the device, and by leaving it. */
void check_moves(const struct moving *m, CUdeviceptr block);
void check_leaves(const struct moving *m, CUdeviceptr block);
/* Waits until nobody has anything of the device any more; checked. */
void check_nothing_left(const struct world *world);

/* A stream with a kernel that takes so long. */
CUstream busy_stream(const struct moving *m, uint64_t ns);
/* A stream that captures in mode GLOBAL; this thread may still do what such a capture forbids. */
CUstream capturing_stream(void);
/* Returns once the world's agent is dead. */
void kill_agent(const struct world *world);

#endif
