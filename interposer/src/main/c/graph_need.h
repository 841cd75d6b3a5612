/*
 * How much memory a graph's alloc nodes need, per device.
 */
#ifndef ALIQUOT_INTERPOSER_GRAPH_NEED_H
#define ALIQUOT_INTERPOSER_GRAPH_NEED_H

#include <stdbool.h>

#include <aliquot/cuda_abi.h>

#include "protocol.h"

/* What a graph needs at most at one time, in the order its nodes were made. */
struct alq_need {
    struct {
        uint64_t now_bytes;
        uint64_t peak_bytes;
        CUdevice ordinal;
    } devices[ALQ_MAX_DEVICES];
    bool forbidden; /* a node is on a device that is not the tenant's */
};

/* Adds what a graph and its child graphs need; depth is 0. Asks the driver node by node. */
void alq_need_graph(struct alq_need *need, CUgraph graph, int depth);

#endif
