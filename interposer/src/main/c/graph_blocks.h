/*
 * Movable memory of graphs: what cuMemAllocAsync and its kin answer on a stream that is being captured, in a tenant that may borrow, from 1 MiB on,
 * where they would answer movable memory without the capture (movable_async.h).
 *
 * Such a block is made when it is captured, and leaves no node in the graph. A user object ties it to the graph: the driver ends that object when
 * the graph, its copies and its executables are gone and nothing of them runs any more.
 *
 *   held   the graph or something made of it is there. Live from a launch that allocates it until it is freed, as a graph's memory is for
 *          the program; mapped and charged whether it is live or not. Its address stays the graph's, so no free takes it away.
 *   left   its graph has ended and it was live: CUDA leaves it to the program, whose block like any other it is now
 *
 * One whose graph has ended while it was not live is kept (kept.h), for other graphs; behind an event on the stream on which it was last freed
 * outside of graphs, if it was.
 *
 * What a capture frees it may allocate again, the same size on the same stream: what is captured there comes behind the free, with an empty node in
 * between. Nothing else shares memory within a graph, and graphs share none with each other.
 *
 * Left with the driver, in the same graph or others: alloc nodes that the program adds itself, captures into a graph of the program's, what
 * the credit has no room for, and all where the driver has no user objects.
 *
 * The user object's destructor may be called inside the driver's locks: it only adds to a list, without a lock; alq_graph_collect does the rest.
 */
#ifndef ALIQUOT_INTERPOSER_GRAPH_BLOCKS_H
#define ALIQUOT_INTERPOSER_GRAPH_BLOCKS_H

#include "movables.h"
#include "pool.h"

/* An allocation on a stream that is being captured, which alq_draws_movable. False: the driver has to be asked. */
bool alq_graph_draw(CUdeviceptr *address, uint64_t asked_bytes, struct alq_pool *pool, CUstream stream);

/* A free on a stream that is being captured. False: it is no such block, or the driver has to say what is wrong. */
bool alq_graph_free_captured(CUdeviceptr address, CUstream stream, CUresult *result);

/* Whether a node of the graph may free such a block (false: it is none), and that there is one. */
bool alq_graph_frees(CUdeviceptr address, CUgraph graph, CUresult *result);
void alq_graph_freed(CUdeviceptr address, CUgraph graph);

/* Frees a held block outside of graphs: behind the event of `freed`, which is this module's from then on, whatever comes of it; NULL: now, and
 * `waited` says whether what its context was given has been waited for. False: no graph holds it (any more). Inside the gate. */
bool alq_graph_free(CUdeviceptr address, const struct alq_freed *freed, bool waited, CUresult *result);

/* As alq_kept_doom and alq_kept_reap, for the events of held blocks. */
void alq_graph_doom(CUcontext context, bool doomed);
void alq_graph_reap(CUcontext context);

/* Whether an executable may be launched, by what of its memory is live; and that it has been. */
bool alq_graph_may_launch(CUgraphExec exec, CUstream stream);
void alq_graph_launched(CUgraphExec exec, CUstream stream);

/* Sees to blocks that are held no longer. One load where there are none. */
void alq_graph_collect(void);

/* ---- between graph_draw.c, graph_blocks.c and graph_end.c ---- */

/* What a user object stands for; from malloc. */
struct alq_hold {
    CUdeviceptr address;
    uint64_t block; /* its id */
    struct alq_hold *next;
};

/* The destructor. */
void alq_hold_end(void *hold);

/* Of the locked blocks, the one of that id; NULL: it is gone, or free. */
struct alq_movable_block *alq_graph_block(CUdeviceptr address, uint64_t id);

/* The event is not needed any more. */
void alq_freed_forget(const struct alq_freed *freed);

#endif
