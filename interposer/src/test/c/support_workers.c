/* See support_workers.h. */
#include "support_workers.h"

#include <stdlib.h>
#include <unistd.h>

uint32_t work_ends;

static uint32_t resting;

void work_rest(bool rest)
{
    __atomic_store_n(&resting, rest, __ATOMIC_SEQ_CST);
}

bool work_goes_on(void)
{
    while (__atomic_load_n(&resting, __ATOMIC_SEQ_CST) != 0) {
        usleep(1000);
    }
    return __atomic_load_n(&work_ends, __ATOMIC_SEQ_CST) == 0;
}

/* Kernels in a stream of its own over a block of its own, looked at every round. */
void *work_compute(void *argument)
{
    struct worker *worker = argument;
    const struct moving *m = worker->moving;
    CUstream stream = NULL;
    CHECK_EQ(CU(cuCtxSetCurrent)(m->context), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamCreate)(&stream, CU_STREAM_NON_BLOCKING), CUDA_SUCCESS);
    uint64_t bytes = worker->number == 1 ? 66 * MIB : 6 * MIB;
    CUdeviceptr block = moving_alloc(bytes);
    for (uint32_t value = 1; work_goes_on(); value += 2, worker->rounds++) {
        moving_fill(m, block, bytes, value, stream);
        moving_add(m, block, bytes, worker->number, stream);
        worker->wrong += moving_wrong(m, block, bytes, value + worker->number, stream);
    }
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
    return NULL;
}

/* A graph captured once, launched every round. */
void *work_replay(void *argument)
{
    struct worker *worker = argument;
    const struct moving *m = worker->moving;
    CUstream stream = NULL;
    CUgraph graph = NULL;
    CUgraphExec exec = NULL;
    CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_RELAXED;
    CHECK_EQ(CU(cuCtxSetCurrent)(m->context), CUDA_SUCCESS);
    CHECK_EQ(CU(cuThreadExchangeStreamCaptureMode)(&mode), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamCreate)(&stream, CU_STREAM_NON_BLOCKING), CUDA_SUCCESS);
    CUdeviceptr block = moving_alloc(10 * MIB);
    CHECK_EQ(CU(cuStreamBeginCapture_v2)(stream, CU_STREAM_CAPTURE_MODE_RELAXED), CUDA_SUCCESS);
    moving_fill(m, block, 10 * MIB, 40, stream);
    moving_add(m, block, 10 * MIB, 2, stream);
    CHECK_EQ(CU(cuStreamEndCapture)(stream, &graph), CUDA_SUCCESS);
    CHECK_EQ(CU(cuGraphInstantiateWithFlags)(&exec, graph, 0), CUDA_SUCCESS);
    for (; work_goes_on(); worker->rounds++) {
        CHECK_EQ(CU(cuMemsetD32Async)(block, 0, 10 * MIB / 4, stream), CUDA_SUCCESS);
        CHECK_EQ(CU(cuGraphLaunch)(exec, stream), CUDA_SUCCESS);
        worker->wrong += moving_wrong(m, block, 10 * MIB, 42, stream);
    }
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
    return NULL;
}

/* A graph captured anew, and launched, every round. */
void *work_capture(void *argument)
{
    struct worker *worker = argument;
    const struct moving *m = worker->moving;
    CUstream stream = NULL;
    CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_RELAXED;
    CHECK_EQ(CU(cuCtxSetCurrent)(m->context), CUDA_SUCCESS);
    CHECK_EQ(CU(cuThreadExchangeStreamCaptureMode)(&mode), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamCreate)(&stream, CU_STREAM_NON_BLOCKING), CUDA_SUCCESS);
    CUdeviceptr block = moving_alloc(4 * MIB);
    for (uint32_t value = 1; work_goes_on(); value++, worker->rounds++) {
        CUgraph graph = NULL;
        CUgraphExec exec = NULL;
        CHECK_EQ(CU(cuStreamBeginCapture_v2)(stream, CU_STREAM_CAPTURE_MODE_RELAXED), CUDA_SUCCESS);
        moving_fill(m, block, 4 * MIB, value, stream);
        moving_add(m, block, 4 * MIB, worker->number, stream);
        CHECK_EQ(CU(cuStreamEndCapture)(stream, &graph), CUDA_SUCCESS);
        CHECK_EQ(CU(cuGraphInstantiateWithFlags)(&exec, graph, 0), CUDA_SUCCESS);
        CHECK_EQ(CU(cuGraphLaunch)(exec, stream), CUDA_SUCCESS);
        worker->wrong += moving_wrong(m, block, 4 * MIB, value + worker->number, stream);
        CHECK_EQ(CU(cuGraphExecDestroy)(exec), CUDA_SUCCESS);
        CHECK_EQ(CU(cuGraphDestroy)(graph), CUDA_SUCCESS);
    }
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
    return NULL;
}

/* Allocates, copies out of, and frees blocks of all sizes beside one that it keeps. */
void *work_churn(void *argument)
{
    struct worker *worker = argument;
    const struct moving *m = worker->moving;
    uint32_t *words = malloc(4 * MIB), state = worker->number;
    CHECK_EQ(CU(cuCtxSetCurrent)(m->context), CUDA_SUCCESS);
    CUdeviceptr kept = moving_alloc(4 * MIB);
    moving_fill(m, kept, 4 * MIB, worker->number, NULL);
    for (; work_goes_on(); worker->rounds++) {
        state = state * 1664525u + 1013904223u;
        uint64_t bytes = 2 * MIB * (1 + (state >> 16) % (worker->number == 1 ? 40 : 6));
        CUdeviceptr block = moving_alloc(bytes);
        moving_fill(m, block, bytes, state, CU_STREAM_PER_THREAD);
        CHECK_EQ(CU(cuStreamSynchronize)(CU_STREAM_PER_THREAD), CUDA_SUCCESS);
        CHECK_EQ(CU(cuMemcpyDtoH_v2)(words, block + bytes - 2 * MIB, 2 * MIB), CUDA_SUCCESS);
        for (size_t i = 0; i < 2 * MIB / 4; i++) {
            worker->wrong += words[i] != state;
        }
        worker->wrong += moving_wrong(m, block, bytes, state, CU_STREAM_PER_THREAD);
        CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
    }
    worker->wrong += moving_wrong(m, kept, 4 * MIB, worker->number, CU_STREAM_PER_THREAD);
    CHECK_EQ(CU(cuMemFree_v2)(kept), CUDA_SUCCESS);
    free(words);
    return NULL;
}
