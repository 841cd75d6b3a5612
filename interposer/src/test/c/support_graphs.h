/*
 * What the tests of graphs with movable memory share. CUDA_SUCCESS is checked.
 */
#ifndef ALIQUOT_SUPPORT_GRAPHS_H
#define ALIQUOT_SUPPORT_GRAPHS_H

#include "support_pools.h"

void capture_begin(CUstream stream);
CUgraph capture_end(CUstream stream);

CUgraphExec instantiate(CUgraph graph, unsigned long long flags);
void launch_graph(CUgraphExec exec, CUstream stream);
void destroy_exec(CUgraphExec exec);
void destroy_graph(CUgraph graph);

/* Counts into a word of its own how many words are not value, as a part of a capture. */
void captured_check(const struct moving *m, CUdeviceptr address, uint64_t bytes, uint32_t value, CUdeviceptr result, CUstream stream);
/* A word for it, and what it says once the device is at rest; it is 0 again then. */
CUdeviceptr result_word(void);
uint64_t result_of(CUdeviceptr result);

/* Waits for the device, and until that much of this process's memory can move and none is demoted: the driver says a little later that nothing of
 * a graph runs any more. */
bool comes_to_rest(const struct moving *m, uint64_t bytes);

/* A graph that allocates and fills a block and leaves it allocated; its address. */
CUgraph leaving_graph(const struct moving *m, uint64_t bytes, uint32_t value, CUdeviceptr *address);
/* One that allocates a block, fills it, looks at it into result, and frees it. */
CUgraph whole_graph(const struct moving *m, uint64_t bytes, uint32_t value, CUdeviceptr result);

#endif
