/* See support_workers.h. */
#include "support_workers.h"

#include "support_graphs.h"
#include "support_segments.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS 11

uint32_t work_ends;

static uint32_t resting, asleep;

void work_rest(bool rest)
{
    __atomic_store_n(&resting, rest, __ATOMIC_SEQ_CST);
}

void work_all_rest(void)
{
    for (int i = 0; i < PATIENCE_MS && __atomic_load_n(&asleep, __ATOMIC_SEQ_CST) != WORKERS; i++) {
        usleep(1000);
    }
}

bool work_goes_on(void)
{
    __atomic_add_fetch(&asleep, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&resting, __ATOMIC_SEQ_CST) != 0) {
        usleep(1000);
    }
    __atomic_sub_fetch(&asleep, 1, __ATOMIC_SEQ_CST);
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

/* Each round a graph that allocates what it fills and looks at, and another one that leaves a block, which is freed in one way or another. */
void *work_graphs(void *argument)
{
    struct worker *worker = argument;
    const struct moving *m = worker->moving;
    CHECK_EQ(CU(cuCtxSetCurrent)(m->context), CUDA_SUCCESS);
    CUdeviceptr result = moving_alloc(8), left;
    CUstream stream = moving_stream();
    for (uint32_t value = 1; work_goes_on(); value++, worker->rounds++) {
        uint64_t wrong = 0;
        CUgraph whole = whole_graph(m, 6 * MIB, value, result), leaving = leaving_graph(m, 4 * MIB, value, &left);
        CUgraphExec execs[2] = {instantiate(whole, 0), instantiate(leaving, 0)};
        CHECK_EQ(CU(cuMemsetD32Async)(result, 0, 2, stream), CUDA_SUCCESS);
        launch_graph(execs[0], stream);
        launch_graph(execs[1], stream);
        destroy_graph(leaving);
        if (value % 2 == 0) {
            destroy_exec(execs[1]);
        }
        worker->wrong += moving_wrong(m, left, 4 * MIB, value, stream);
        CHECK_EQ(value % 3 == 0 ? CU(cuMemFree_v2)(left) : CU(cuMemFreeAsync)(left, stream), CUDA_SUCCESS);
        if (value % 2 != 0) {
            destroy_exec(execs[1]);
        }
        launch_graph(execs[0], stream);
        CHECK_EQ(CU(cuStreamSynchronize)(stream), CUDA_SUCCESS);
        CHECK_EQ(CU(cuMemcpyDtoH_v2)(&wrong, result, 8), CUDA_SUCCESS);
        worker->wrong += wrong;
        destroy_exec(execs[0]);
        destroy_graph(whole);
    }
    CHECK_EQ(CU(cuStreamSynchronize)(stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFree_v2)(result), CUDA_SUCCESS);
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

/* Memory that it maps itself, here and there, beside some that stays where it is. */
void *work_map(void *argument)
{
    struct worker *worker = argument;
    const struct moving *m = worker->moving;
    CHECK_EQ(CU(cuCtxSetCurrent)(m->context), CUDA_SUCCESS);
    CUdeviceptr range = segment_reserve(128 * MIB);
    segment_put(range, 70 * MIB, NULL);
    moving_fill(m, range, 70 * MIB, worker->number, CU_STREAM_PER_THREAD);
    for (; work_goes_on(); worker->rounds++) {
        CUmemGenericAllocationHandle handle;
        CUdeviceptr at = range + 80 * MIB;
        uint32_t value = (uint32_t)worker->rounds;
        segment_put(at, 20 * MIB, &handle);
        moving_fill(m, at, 20 * MIB, value, CU_STREAM_PER_THREAD);
        CHECK_EQ(CU(cuStreamSynchronize)(CU_STREAM_PER_THREAD), CUDA_SUCCESS);
        segment_unmap(at, 20 * MIB);
        at += 20 * MIB;
        segment_map(at, 20 * MIB, handle);
        segment_access(at, 20 * MIB, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
        segment_release(handle);
        worker->wrong += moving_wrong(m, at, 20 * MIB, value, CU_STREAM_PER_THREAD);
        segment_unmap(at, 20 * MIB);
    }
    worker->wrong += moving_wrong(m, range, 70 * MIB, worker->number, CU_STREAM_PER_THREAD);
    segment_unmap(range, 70 * MIB);
    return NULL;
}

void *work_fork(void *argument)
{
    struct worker *worker = argument;
    CHECK_EQ(CU(cuCtxSetCurrent)(worker->moving->context), CUDA_SUCCESS);
    CUdeviceptr block = moving_alloc(2 * MIB);
    while (work_goes_on()) {
        int status = -1;
        pid_t child = fork();
        if (child == 0) {
            alarm(60);
            _exit(CU(cuMemsetD32_v2)(block, 0, 1) == CUDA_SUCCESS);
        }
        waitpid(child, &status, 0);
        worker->wrong += status != 0;
        worker->rounds++;
        usleep(5000);
    }
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
    return NULL;
}

uint32_t work_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

void work_pause(uint64_t *state, uint32_t most_us)
{
    usleep(work_random(state) % most_us);
}

uint64_t work_setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL || *text == 0 ? otherwise : strtoull(text, NULL, 10);
}

/* ---- all of them ------------------------------------------------------------------------------------------------ */

uint64_t work_through(struct world *world, work_trouble trouble)
{
    static void *(*const bodies[WORKERS])(void *) = {
        work_compute, work_compute, work_churn, work_replay, work_capture, work_churn, work_capture, work_fork, work_map,
        work_graphs, work_graphs};
    struct moving m;
    struct worker workers[WORKERS];
    pthread_t threads[WORKERS];
    uint64_t duration = work_setting("DURATION", 10), state = work_setting("SEED", 1), worked = 0;
    bool enough = false;
    alarm((unsigned int)duration + 180);
    moving_start(&m, world, 256 * MIB);
    uint64_t truth = truth_bytes(world, 0, 0);
    for (uint32_t i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){.moving = &m, .number = i + 1};
        CHECK_EQ(pthread_create(&threads[i], NULL, bodies[i], &workers[i]), 0);
    }
    for (double until = seconds_now() + (double)duration; seconds_now() < until || !enough;) {
        enough = trouble(&m, &state);
    }
    __atomic_store_n(&work_ends, 1, __ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
        CHECK_EQ(workers[i].wrong, 0);
        CHECK(workers[i].rounds > 0);
        worked += workers[i].rounds;
    }
    CHECK(moving_becomes(&m, moving_parked, 0));
    CHECK(moving_becomes(&m, moving_demoted, 0));
    CHECK(comes_to_rest(&m, 0));
    CHECK(used_becomes(world, 0));
    CHECK_EQ(truth_bytes(world, 0, 0), truth);
    CHECK(moving_chunks_are_back(&m));
    return worked;
}
