/* A capture: what is submitted to its streams becomes nodes of its graph. */
#ifndef SIM_CUDA_CAPTURE_H
#define SIM_CUDA_CAPTURE_H

#include "cuda_graph.h"

struct sim_capture {
    struct sim_graph *graph;
    struct sim_stream *origin;
    struct sim_thread *thread;
    struct sim_context *ctx;
    CUstreamCaptureMode mode;
    uint64_t id;
    bool spoiled;
    bool borrowed; /* the graph is the program's */
    struct sim_capture *next;
};

extern pthread_mutex_t sim_capture_mutex;
extern struct sim_capture *sim_captures;

/* With the lock held. */
void sim_capture_set_nodes(CUgraphNode **list, size_t *count, const CUgraphNode *nodes, size_t added);
bool sim_capture_merge(CUgraphNode **list, size_t *count, const CUgraphNode *nodes, size_t added);
void sim_capture_spoil_locked(struct sim_capture *capture);

#endif
