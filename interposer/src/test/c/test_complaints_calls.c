/*
 * What users of other tools complain of, one case per complaint, at the level of the C library:
 * queries, look-ups, graphs.
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

static void complaint_13_memory_information_takes_null(struct world *world, const void *argument)
{
    (void)argument;
    start_cuda();
    size_t free_bytes = 7, total_bytes = 7;
    CHECK_EQ(CU(cuMemGetInfo_v2)(NULL, &total_bytes), BARE(cuMemGetInfo_v2)(NULL, &total_bytes));
    CHECK_EQ(CU(cuMemGetInfo_v2)(&free_bytes, NULL), BARE(cuMemGetInfo_v2)(&free_bytes, NULL));
    CHECK_EQ(CU(cuMemGetInfo_v2)(NULL, NULL), BARE(cuMemGetInfo_v2)(NULL, NULL));
    CHECK_EQ(CU(cuMemGetInfo_v2)(&free_bytes, &total_bytes), CUDA_SUCCESS);
    CHECK_EQ(total_bytes, LIMIT_BYTES);
    CHECK(free_bytes <= total_bytes);
    CHECK_EQ(CU(cuDeviceTotalMem_v2)(NULL, 1), BARE(cuDeviceTotalMem_v2)(NULL, 1));
    CHECK_EQ(CU(cuDeviceTotalMem_v2)(&total_bytes, 1), CUDA_SUCCESS);
    CHECK_EQ(total_bytes, LIMIT_BYTES);
    CHECK_EQ(CU(cuDeviceTotalMem_v2)(&total_bytes, 1234), BARE(cuDeviceTotalMem_v2)(&total_bytes, 1234));
    (void)world;
}

static void complaint_14_unknown_names_go_to_the_driver(struct world *world, const void *argument)
{
    (void)argument;
    start_cuda();
    static const char *const names[] = {"cuFunctionOfTheNextDriver", "", "cuEventRecord", "cuStreamQuery", "cuEventCreate"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        for (cuuint64_t flags = 0; flags < 3; flags++) {
            void *with = (void *)1, *without = (void *)1;
            CUdriverProcAddressQueryResult found_with = 77, found_without = 77;
            CUresult answer = BARE(cuGetProcAddress_v2)(names[i], &without, 13000, flags, &found_without);
            CHECK_EQ(CU(cuGetProcAddress_v2)(names[i], &with, 13000, flags, &found_with), answer);
            CHECK_EQ(found_with, found_without);
            CHECK((with == NULL) == (without == NULL));
        }
    }
    void *itself = NULL;
    CUdriverProcAddressQueryResult found;
    CHECK_EQ(CU(cuGetProcAddress_v2)("cuGetProcAddress", &itself, 12000, 0, &found), CUDA_SUCCESS);
    CHECK(itself != NULL && itself != dlsym(bare(), "cuGetProcAddress_v2"));
    CHECK_EQ(CU(cuGetProcAddress_v2)(NULL, &itself, 12000, 0, NULL), BARE(cuGetProcAddress_v2)(NULL, &itself, 12000, 0, NULL));
    (void)world;
}

static void complaint_16_graphs_launch_as_ever(struct world *world, const void *argument)
{
    (void)argument;
    start_cuda();
    CUgraph graph;
    CUgraphExec exec;
    CUgraphNode node;
    uint64_t before = used_bytes(world);
    uint64_t asks = atomic_load(&world->agent->shared->asks);
    CHECK_EQ(CU(cuGraphCreate)(&graph, 0), CUDA_SUCCESS);
    CHECK_EQ(CU(cuGraphAddEmptyNode)(&node, graph, NULL, 0), CUDA_SUCCESS);
    CHECK_EQ(CU(cuGraphInstantiateWithFlags)(&exec, graph, 0), CUDA_SUCCESS);
    for (int i = 0; i < 100; i++) {
        CHECK_EQ(CU(cuGraphLaunch)(exec, NULL), CUDA_SUCCESS);
    }
    CHECK_EQ(CU(cuStreamSynchronize)(NULL), CUDA_SUCCESS);
    CHECK_EQ(used_bytes(world), before);
    CHECK_EQ(atomic_load(&world->agent->shared->asks), asks);
    CHECK_EQ(CU(cuGraphExecDestroy)(exec), CUDA_SUCCESS);
    CHECK_EQ(CU(cuGraphDestroy)(graph), CUDA_SUCCESS);
}

/* An allocation while its stream is captured takes no memory then; the graph takes it when it runs. */
static void complaint_16_capture_charges_nothing_and_breaks_nothing(struct world *world, const void *argument)
{
    (void)argument;
    start_cuda();
    CUstream stream;
    CUgraph graph = NULL;
    CUgraphExec exec;
    CUdeviceptr address;
    CHECK_EQ(CU(cuStreamCreate)(&stream, CU_STREAM_NON_BLOCKING), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamBeginCapture_v2)(stream, CU_STREAM_CAPTURE_MODE_RELAXED), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemAllocAsync)(&address, 32 * MIB, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFreeAsync)(address, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamEndCapture)(stream, &graph), CUDA_SUCCESS);
    CHECK(graph != NULL);
    CHECK_EQ(used_bytes(world), 0);
    CHECK_EQ(CU(cuGraphInstantiateWithFlags)(&exec, graph, 0), CUDA_SUCCESS);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(CU(cuGraphLaunch)(exec, stream), CUDA_SUCCESS);
        CHECK_EQ(CU(cuStreamSynchronize)(stream), CUDA_SUCCESS);
        CHECK(used_bytes(world) <= 32 * MIB);
    }
    CHECK_EQ(CU(cuGraphExecDestroy)(exec), CUDA_SUCCESS);
    CHECK_EQ(CU(cuGraphDestroy)(graph), CUDA_SUCCESS);
    CHECK_EQ(CU(cuDeviceGraphMemTrim)(1), CUDA_SUCCESS);
    CHECK(used_becomes(world, 0));
}

static void a_device_that_is_not_granted_holds_nothing(struct world *world, const void *argument)
{
    (void)argument;
    CUcontext context;
    CUdeviceptr address;
    CHECK_EQ(CU(cuInit)(0), CUDA_SUCCESS);
    CUresult answer = CU(cuDevicePrimaryCtxRetain)(&context, 0);
    if (answer == CUDA_SUCCESS) {
        CHECK_EQ(CU(cuCtxSetCurrent)(context), CUDA_SUCCESS);
        CHECK_EQ(CU(cuMemAlloc_v2)(&address, 2 * MIB), CUDA_ERROR_OUT_OF_MEMORY);
    } else {
        CHECK_EQ(answer, CUDA_ERROR_OUT_OF_MEMORY);
    }
    CHECK_EQ(used_bytes(world), 0);
}

static void *retain(void *argument)
{
    CUcontext context;
    *(CUresult *)argument = CU(cuDevicePrimaryCtxRetain)(&context, 1);
    return NULL;
}

/* The context is one for all of them, and there is room for exactly one. */
static void threads_that_start_together_share_one_context(struct world *world, const void *argument)
{
    (void)argument;
    enum { COUNT = 16 };
    pthread_t threads[COUNT];
    CUresult answers[COUNT];
    CHECK_EQ(CU(cuInit)(0), CUDA_SUCCESS);
    for (int i = 0; i < COUNT; i++) {
        pthread_create(&threads[i], NULL, retain, &answers[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        pthread_join(threads[i], NULL);
        CHECK_EQ(answers[i], CUDA_SUCCESS);
    }
    CHECK(used_becomes(world, 0));
}

int main(void)
{
    struct world *world = world_open((struct world_config){.limit_bytes = LIMIT_BYTES, .context_bytes = 4 * MIB});
    RUN(complaint_13_memory_information_takes_null, world);
    RUN(complaint_14_unknown_names_go_to_the_driver, world);
    RUN(complaint_16_graphs_launch_as_ever, world);
    RUN(complaint_16_capture_charges_nothing_and_breaks_nothing, world);
    RUN(a_device_that_is_not_granted_holds_nothing, world);
    world_close(world);
    world = world_open((struct world_config){.limit_bytes = 64 * MIB, .context_bytes = 40 * MIB});
    for (int i = 0; i < 5; i++) {
        RUN(threads_that_start_together_share_one_context, world);
    }
    world_close(world);
    return finish_cases();
}
