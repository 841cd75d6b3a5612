/* Copies, fills and stream memory operations as work. */
#ifndef SIM_CUDA_COPY_H
#define SIM_CUDA_COPY_H

#include "cuda_stream.h"

/* Whether the copy's sides exist; INVALID_VALUE where they do not. Height and Depth of 0 are errors of the caller's. */
CUresult sim_copy_check(const CUDA_MEMCPY3D *copy);
CUresult sim_copy_run(const CUDA_MEMCPY3D *copy);
CUresult sim_fill_check(const CUDA_MEMSET_NODE_PARAMS_v2 *fill);
CUresult sim_fill_run(const CUDA_MEMSET_NODE_PARAMS_v2 *fill);
CUresult sim_memop_check(const CUstreamBatchMemOpParams *op);
CUresult sim_memop_run(const CUstreamBatchMemOpParams *op, struct sim_context *ctx);
bool sim_memop_waits(const CUstreamBatchMemOpParams *op);

/* Submits a copy; wait: the call returns when it is done. */
CUresult sim_copy_submit(CUstream stream, const CUDA_MEMCPY3D *copy, bool wait);

#endif
