/* See support_graphs.h. */
#include "support_graphs.h"

#include <unistd.h>

void capture_begin(CUstream stream)
{
    CHECK_EQ(CU(cuStreamBeginCapture_v2)(stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL), CUDA_SUCCESS);
}

CUgraph capture_end(CUstream stream)
{
    CUgraph graph = NULL;
    CHECK_EQ(CU(cuStreamEndCapture)(stream, &graph), CUDA_SUCCESS);
    return graph;
}

CUgraphExec instantiate(CUgraph graph, unsigned long long flags)
{
    CUgraphExec exec = NULL;
    CHECK_EQ(CU(cuGraphInstantiateWithFlags)(&exec, graph, flags), CUDA_SUCCESS);
    return exec;
}

void launch_graph(CUgraphExec exec, CUstream stream)
{
    CHECK_EQ(CU(cuGraphLaunch)(exec, stream), CUDA_SUCCESS);
}

void destroy_exec(CUgraphExec exec)
{
    CHECK_EQ(CU(cuGraphExecDestroy)(exec), CUDA_SUCCESS);
}

void destroy_graph(CUgraph graph)
{
    CHECK_EQ(CU(cuGraphDestroy)(graph), CUDA_SUCCESS);
}

void captured_check(const struct moving *m, CUdeviceptr address, uint64_t bytes, uint32_t value, CUdeviceptr result, CUstream stream)
{
    uint64_t words = bytes / 4;
    void *parameters[] = {&address, &words, &value, &result};
    CHECK_EQ(CU(cuLaunchKernel)(m->check, 1, 1, 1, 1, 1, 1, 0, stream, parameters, NULL), CUDA_SUCCESS);
}

CUdeviceptr result_word(void)
{
    CUdeviceptr result = moving_alloc(8);
    CHECK_EQ(CU(cuMemsetD32_v2)(result, 0, 2), CUDA_SUCCESS);
    return result;
}

uint64_t result_of(CUdeviceptr result)
{
    uint64_t wrong = UINT64_MAX;
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemcpyDtoH_v2)(&wrong, result, 8), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemsetD32_v2)(result, 0, 2), CUDA_SUCCESS);
    return wrong;
}

bool comes_to_rest(const struct moving *m, uint64_t bytes)
{
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    for (int i = 0; i < PATIENCE_MS && (moving_movable(m) != bytes || moving_demoted(m) != 0); i++) {
        usleep(1000);
        CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    }
    return moving_movable(m) == bytes;
}

/* What a stream has captured that was made for that alone. */
static CUgraph captured_alone(CUstream stream)
{
    CUgraph graph = capture_end(stream);
    CHECK_EQ(CU(cuStreamDestroy_v2)(stream), CUDA_SUCCESS);
    return graph;
}

CUgraph leaving_graph(const struct moving *m, uint64_t bytes, uint32_t value, CUdeviceptr *address)
{
    CUstream stream = moving_stream();
    capture_begin(stream);
    *address = draw(bytes, stream);
    moving_fill(m, *address, bytes, value, stream);
    return captured_alone(stream);
}

CUgraph whole_graph(const struct moving *m, uint64_t bytes, uint32_t value, CUdeviceptr result)
{
    CUstream stream = moving_stream();
    capture_begin(stream);
    CUdeviceptr address = draw(bytes, stream);
    moving_fill(m, address, bytes, value, stream);
    captured_check(m, address, bytes, value, result, stream);
    CHECK_EQ(CU(cuMemFreeAsync)(address, stream), CUDA_SUCCESS);
    return captured_alone(stream);
}
