/*
 * What users of other tools complain of, one case per complaint, at the level of the C library:
 * what is counted, and what is answered at the limit.
 * The numbers are those of the list of complaints in the project's documents.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support_world.h"

#define LIMIT_BYTES (256 * MIB)

static void *hammer(void *argument)
{
    int *failures = argument;
    CUcontext context;
    CU(cuDevicePrimaryCtxRetain)(&context, 1);
    CU(cuCtxSetCurrent)(context);
    for (int i = 0; i < 300; i++) {
        CUdeviceptr address;
        CUresult answer = CU(cuMemAlloc_v2)(&address, 2 * MIB);
        *failures += answer != CUDA_SUCCESS || CU(cuMemFree_v2)(address) != CUDA_SUCCESS;
    }
    return NULL;
}

static void complaint_04_many_threads_never_hang(struct world *world, const void *argument)
{
    (void)argument;
    enum { COUNT = 16 };
    pthread_t threads[COUNT];
    int failures[COUNT] = {0};
    start_cuda();
    for (int i = 0; i < COUNT; i++) {
        pthread_create(&threads[i], NULL, hammer, &failures[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        pthread_join(threads[i], NULL);
        CHECK_EQ(failures[i], 0);
    }
    CHECK(used_becomes(world, 0));
}

static void complaint_05_free_never_underflows(struct world *world, const void *argument)
{
    (void)argument;
    start_cuda();
    size_t free_bytes, total_bytes;
    atomic_store(&world->agent->shared->other_used_bytes[0], 4 * LIMIT_BYTES);
    CHECK(agent_ticks(world));
    CHECK_EQ(CU(cuMemGetInfo_v2)(&free_bytes, &total_bytes), CUDA_SUCCESS);
    CHECK_EQ(free_bytes, 0);
    CHECK_EQ(total_bytes, LIMIT_BYTES);
    CUdeviceptr address;
    CHECK_EQ(CU(cuMemAlloc_v2)(&address, MIB), CUDA_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(CU(cuMemAlloc_v2)(&address, SIZE_MAX), CUDA_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(CU(cuMemAlloc_v2)(&address, SIZE_MAX - 4096), CUDA_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(used_bytes(world), 0);
    CU(cuMemFree_v2)(0xdeadbeef000);
    CHECK_EQ(used_bytes(world), 0);
    atomic_store(&world->agent->shared->other_used_bytes[0], 0);
    CHECK(agent_ticks(world));
}

static void complaint_08_what_the_driver_grants_the_limit_grants(struct world *world, const void *argument)
{
    (void)argument;
    start_cuda();
    CUdeviceptr address[64];
    size_t free_bytes, total_bytes;
    CHECK_EQ(CU(cuMemGetInfo_v2)(&free_bytes, &total_bytes), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemAlloc_v2)(&address[0], free_bytes), CUDA_SUCCESS);
    CHECK_EQ(truth_bytes(world, 0, 0), LIMIT_BYTES);
    CHECK_EQ(CU(cuMemFree_v2)(address[0]), CUDA_SUCCESS);
    for (int i = 0; i < 64; i++) {
        CHECK_EQ(CU(cuMemAlloc_v2)(&address[i], 2 * MIB), CUDA_SUCCESS);
    }
    CHECK_EQ(used_bytes(world), 128 * MIB);
    for (int i = 0; i < 64; i++) {
        CHECK_EQ(CU(cuMemFree_v2)(address[i]), CUDA_SUCCESS);
    }
    CHECK_EQ(used_bytes(world), 0);
}

/* Freed by either call, at once or by its stream: nothing leaks, and the device is the one of the context. */
static void complaint_09_stream_ordered_memory_is_exact(struct world *world, const void *argument)
{
    (void)argument;
    start_cuda();
    CUdeviceptr address;
    for (int i = 0; i < 50; i++) {
        CHECK_EQ(CU(cuMemAllocAsync)(&address, 20 * MIB, NULL), CUDA_SUCCESS);
        CHECK_EQ(i % 2 ? CU(cuMemFree_v2)(address) : CU(cuMemFreeAsync)(address, NULL), CUDA_SUCCESS);
        CHECK_EQ(CU(cuStreamSynchronize)(NULL), CUDA_SUCCESS);
    }
    CHECK(used_becomes(world, 0));
    CHECK_EQ(CU(cuMemAllocAsync)(&address, LIMIT_BYTES, NULL), CUDA_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(CU(cuMemAlloc_v2)(&address, 20 * MIB), CUDA_SUCCESS);
    if (CU(cuMemFreeAsync)(address, NULL) != CUDA_SUCCESS) { /* drivers differ on this one */
        CHECK_EQ(used_bytes(world), 20 * MIB);
        CHECK_EQ(CU(cuMemFree_v2)(address), CUDA_SUCCESS);
    }
    CHECK_EQ(CU(cuStreamSynchronize)(NULL), CUDA_SUCCESS);
    CHECK(used_becomes(world, 0));
}

static void complaint_09_a_pool_keeps_what_its_threshold_keeps(struct world *world, const void *argument)
{
    (void)argument;
    start_cuda();
    CUdeviceptr address;
    CUmemoryPool pool;
    cuuint64_t keep = UINT64_MAX;
    uint64_t before = truth_bytes(world, 0, 0);
    CHECK_EQ(CU(cuDeviceGetDefaultMemPool)(&pool, 1), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemPoolSetAttribute)(pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, &keep), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemAllocAsync)(&address, 32 * MIB, NULL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFreeAsync)(address, NULL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamSynchronize)(NULL), CUDA_SUCCESS);
    CHECK_EQ(used_bytes(world), truth_bytes(world, 0, 0) - before);
    CHECK_EQ(CU(cuMemPoolTrimTo)(pool, 0), CUDA_SUCCESS);
    CHECK(used_becomes(world, 0));
    CHECK_EQ(truth_bytes(world, 0, 0), before);
}

static void complaint_11_the_limit_is_exactly_out_of_memory(struct world *world, const void *argument)
{
    (void)argument;
    start_cuda();
    CUdeviceptr address;
    const char *name = NULL;
    CUresult answer = CU(cuMemAlloc_v2)(&address, 2 * LIMIT_BYTES);
    CHECK_EQ(answer, CUDA_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(CU(cuGetErrorName)(answer, &name), CUDA_SUCCESS);
    CHECK(name != NULL && strcmp(name, "CUDA_ERROR_OUT_OF_MEMORY") == 0);
    atomic_store(&world->agent->shared->mode, AGENT_REFUSES);
    CHECK_EQ(CU(cuMemAlloc_v2)(&address, 64 * MIB), CUDA_ERROR_OUT_OF_MEMORY);
    atomic_store(&world->agent->shared->mode, AGENT_HONEST);
    CHECK_EQ(CU(cuMemAlloc_v2)(&address, 64 * MIB), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFree_v2)(address), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS); /* a refusal is no sticky error */
}

static void a_limit_raised_or_lowered_at_run_time_is_followed(struct world *world, const void *argument)
{
    (void)argument;
    start_cuda();
    CUdeviceptr address, more;
    size_t free_bytes, total_bytes;
    CHECK_EQ(CU(cuMemAlloc_v2)(&address, 128 * MIB), CUDA_SUCCESS);
    atomic_store(&world->agent->shared->limit_bytes[0], 64 * MIB);
    CHECK(agent_ticks(world));
    CHECK_EQ(CU(cuMemGetInfo_v2)(&free_bytes, &total_bytes), CUDA_SUCCESS);
    CHECK_EQ(free_bytes, 0);
    CHECK_EQ(CU(cuMemAlloc_v2)(&more, 2 * MIB), CUDA_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(CU(cuMemFree_v2)(address), CUDA_SUCCESS);
    atomic_store(&world->agent->shared->limit_bytes[0], LIMIT_BYTES);
    CHECK(agent_ticks(world));
    CHECK_EQ(CU(cuMemAlloc_v2)(&more, 200 * MIB), CUDA_SUCCESS);
}

int main(void)
{
    struct world *world = world_open((struct world_config){.limit_bytes = LIMIT_BYTES, .context_bytes = 4 * MIB});
    RUN(complaint_04_many_threads_never_hang, world);
    RUN(complaint_05_free_never_underflows, world);
    RUN(complaint_08_what_the_driver_grants_the_limit_grants, world);
    RUN(complaint_09_stream_ordered_memory_is_exact, world);
    RUN(complaint_09_a_pool_keeps_what_its_threshold_keeps, world);
    RUN(complaint_11_the_limit_is_exactly_out_of_memory, world);
    RUN(a_limit_raised_or_lowered_at_run_time_is_followed, world);
    world_close(world);
    return finish_cases();
}
