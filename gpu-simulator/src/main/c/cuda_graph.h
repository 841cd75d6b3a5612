/*
 * Graphs: nodes are pieces of work with what they wait for; an executable graph is a copy, in an order that can be run.
 *
 * Memory of allocation nodes: the node has its addresses from the start; physical memory comes to them when the graph is
 * uploaded or launched, out of what the device's graph memory holds in reserve, else out of the device. Freeing returns it to
 * the reserve; only a trim gives it back to the device.
 */
#ifndef SIM_CUDA_GRAPH_H
#define SIM_CUDA_GRAPH_H

#include "cuda_module.h"
#include "cuda_stream.h"

struct sim_node {
    struct sim_head head;
    struct sim_graph *graph;
    struct sim_work work;
    struct sim_node **before; /* what it waits for */
    size_t before_count;
    void *parameters[SIM_KERNEL_ARGUMENTS]; /* what kernelParams of a getter points to */
    struct sim_node *origin;                /* in the graph this one was cloned from */
    int pending;                            /* while an order is being found */
};
_Static_assert(sizeof(struct sim_node) <= SIM_SLOT_BYTES, "a node fits a slot");

struct sim_graph {
    struct sim_head head;
    struct sim_node **nodes;
    size_t count, capacity;
    struct sim_graph *origin;
    bool child; /* owned by a node */
    struct sim_user_reference *objects;
};

struct sim_step {
    struct sim_work work;
    struct sim_node *node; /* compared, never read: its graph may be gone */
    size_t before_count;
    bool enabled;
    unsigned steps; /* of a child: how many follow that belong to it */
};

struct sim_exec {
    struct sim_head head;
    _Atomic uint32_t refs;
    struct sim_context *ctx;
    unsigned long long flags;
    struct sim_step *steps;
    size_t count;
    bool waits;
    struct sim_user_reference *objects; /* of its graphs; held until it is destroyed and its launches have ended */
};

static inline bool sim_graph_ok(const void *handle) { return sim_handle_is(handle, SIM_KIND_GRAPH); }
static inline bool sim_node_ok(const void *handle) { return sim_handle_is(handle, SIM_KIND_NODE); }

/* ---- nodes (cuda_graph.c) ---- */
struct sim_graph *sim_graph_make(void);
void sim_graph_unmake(struct sim_graph *graph);
CUresult sim_graph_copy(const struct sim_graph *graph, struct sim_graph **out);
/* Adds a node; takes a reference on what work holds. */
CUresult sim_graph_add(struct sim_graph *graph, const CUgraphNode *before, size_t count, const struct sim_work *work, CUgraphNode *out);
/* The nodes so that each comes after what it waits for; NULL when they wait for each other. Freed by the caller. */
struct sim_node **sim_graph_order(const struct sim_graph *graph);
CUgraphNodeType sim_node_type(const struct sim_node *node);

/* ---- what a node's parameters mean as work (cuda_graph_params.c) ---- */
CUresult sim_kernel_work(const CUDA_KERNEL_NODE_PARAMS_v2 *params, struct sim_work *work);
CUresult sim_copy_work(const CUDA_MEMCPY3D *params, struct sim_work *work);
CUresult sim_fill_work(const CUDA_MEMSET_NODE_PARAMS_v2 *params, struct sim_work *work);

/* ---- executable graphs (cuda_exec.c) ---- */
static inline bool sim_exec_ok(const void *handle) { return sim_handle_is(handle, SIM_KIND_EXEC); }
bool sim_step_waits(const struct sim_work *work);
/* Appends the graph's nodes, children in place of their nodes; holds the blocks of allocation nodes, and the user objects. */
CUresult sim_exec_flatten(struct sim_exec *exec, const struct sim_graph *graph, size_t *capacity);
void sim_exec_drop_steps(struct sim_exec *exec);
CUresult sim_exec_run(struct sim_exec *exec, struct sim_context *ctx);
bool sim_exec_is_long(const struct sim_exec *exec);
void sim_exec_unref(struct sim_exec *exec);

/* ---- graph memory (cuda_graph_memory.c) ---- */
struct sim_graph_block {
    _Atomic int refs;
    int ordinal;
    uint32_t device;
    struct sim_range *range;
    uint64_t bytes, span;
    bool live;
};
CUresult sim_graph_block_make(int ordinal, uint64_t bytes, struct sim_graph_block **out);
void sim_graph_block_unref(struct sim_graph_block *block);
/* Physical memory for the block; nothing to do when it has it. */
CUresult sim_graph_block_fill(struct sim_graph_block *block);
struct sim_graph_block *sim_graph_block_at(uint64_t address);

#endif
