/*
 * Where a stream is in its capture.
 */
#ifndef ALIQUOT_INTERPOSER_GRAPH_POINT_H
#define ALIQUOT_INTERPOSER_GRAPH_POINT_H

#include <stdbool.h>
#include <stddef.h>

#include <aliquot/cuda_abi.h>

struct alq_point {
    cuuint64_t capture; /* the driver's id of it, which no other ever gets */
    CUgraph graph;
    const CUgraphNode *nodes; /* what is captured next comes behind them; the driver's own list, until the stream is used */
    size_t count;
};

/* False: it is in no capture, or in one that has failed. */
bool alq_point_of(CUstream stream, struct alq_point *point);

/* The id of the capture alone; 0: as above. */
cuuint64_t alq_capture_of(CUstream stream);

/* Has what is captured next on the stream begin once all before it has ended, also where a kernel may begin before the one ahead of it has. */
bool alq_fence(CUstream stream);

#endif
