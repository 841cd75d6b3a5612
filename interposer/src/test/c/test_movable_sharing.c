/*
 * A pool of movable memory among contexts, a forked child and threads: memory outlives what it was drawn in, and is nobody's but the process's.
 */
#include "support_pools.h"

#include <pthread.h>
#include <unistd.h>

static void memory_outlives_the_context_of_its_stream(const struct moving *m)
{
    CUcontext second = NULL;
    CUdevice device = moving_device();
    keep_all(device_pool());
    CHECK_EQ(CU(cuCtxCreate_v2)(&second, 0, device), CUDA_SUCCESS);
    CUstream stream = moving_stream();
    CUdeviceptr block = draw(10 * MIB, stream), freed = draw(20 * MIB, stream);
    CHECK_EQ(CU(cuMemsetD32Async)(block, 8, 10 * MIB / 4, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFreeAsync)(freed, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    CHECK_EQ(moving_used(m), 30 * MIB);
    CHECK_EQ(CU(cuCtxDestroy_v2)(second), CUDA_SUCCESS);
    CHECK_EQ(moving_used(m), 10 * MIB);
    CHECK_EQ(CU(cuCtxSetCurrent)(m->context), CUDA_SUCCESS);
    CHECK_EQ(moving_wrong(m, block, 10 * MIB, 8, NULL), 0);
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_demoted, 10 * MIB));
    CHECK_EQ(moving_wrong(m, block, 10 * MIB, 8, NULL), 0);
    CHECK_EQ(CU(cuMemFreeAsync)(block, NULL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuDevicePrimaryCtxReset_v2)(device), CUDA_SUCCESS);
    CHECK_EQ(moving_used(m) + moving_demoted(m), 0);
    CHECK(moving_chunks_are_back(m));
}

static void a_context_that_stays_keeps_what_it_had(const struct moving *m)
{
    (void)m;
    CUcontext again = NULL;
    CUdevice device = moving_device();
    keep_all(device_pool());
    CHECK_EQ(CU(cuDevicePrimaryCtxRetain)(&again, device), CUDA_SUCCESS);
    CUstream stream = moving_stream();
    CUdeviceptr freed = draw(20 * MIB, stream);
    CHECK_EQ(CU(cuMemFreeAsync)(freed, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuDevicePrimaryCtxRelease_v2)(device), CUDA_SUCCESS);
    CHECK_EQ(draw(20 * MIB, stream), freed);
}

static void a_forked_child_keeps_nothing(const struct moving *m)
{
    CUstream stream = moving_stream();
    CUdeviceptr freed = draw(20 * MIB, stream);
    CHECK_EQ(CU(cuMemFreeAsync)(freed, stream), CUDA_SUCCESS);
    pid_t child = fork();
    if (child == 0) {
        CUdeviceptr address;
        CHECK(CU(cuMemAllocAsync)(&address, 20 * MIB, stream) != CUDA_SUCCESS);
        CHECK(CU(cuMemFreeAsync)(freed, stream) != CUDA_SUCCESS);
        CHECK_EQ(moving_used(m), 20 * MIB);
        end_case();
    }
    check_child(child);
    CHECK_EQ(draw(20 * MIB, stream), freed);
}

struct worker {
    const struct moving *moving;
    int rounds;
};

static void *draw_and_free(void *argument)
{
    const struct worker *self = argument;
    CHECK_EQ(CU(cuCtxSetCurrent)(self->moving->context), CUDA_SUCCESS);
    CUstream stream = moving_stream();
    for (int round = 0; round < self->rounds; round++) {
        uint64_t bytes = (2 + 2 * (uint64_t)(round % 3)) * MIB;
        CUdeviceptr block = draw(bytes, stream);
        moving_fill(self->moving, block, bytes, (uint32_t)round, stream);
        moving_add(self->moving, block, bytes, 1, stream);
        if (round % 4 == 0) {
            CHECK_EQ(moving_wrong(self->moving, block, bytes, (uint32_t)round + 1, stream), 0);
        }
        CHECK_EQ(CU(cuMemFreeAsync)(block, stream), CUDA_SUCCESS);
    }
    CHECK_EQ(CU(cuStreamSynchronize)(stream), CUDA_SUCCESS);
    return NULL;
}

static void threads_share_a_pool_that_moves(const struct moving *m)
{
    pthread_t threads[4];
    struct worker worker = {.moving = m, .rounds = 200};
    for (int i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, draw_and_free, &worker);
    }
    for (int round = 0; round < 20; round++) {
        moving_resident(m, round % 2 == 0 ? 0 : ALQ_RESIDENT_ALL);
        set_attribute(device_pool(), CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, round % 3 == 0 ? 0 : UINT64_MAX);
        usleep(10000);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    moving_resident(m, ALQ_RESIDENT_ALL);
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemPoolTrimTo)(device_pool(), 0), CUDA_SUCCESS);
    CHECK(moving_becomes(m, moving_used, 0));
    CHECK_EQ(moving_movable(m), 0);
    CHECK_EQ(moving_demoted(m), 0);
    CHECK_EQ(attribute(device_pool(), CU_MEMPOOL_ATTR_USED_MEM_CURRENT), 0);
    CHECK_EQ(attribute(device_pool(), CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT), 0);
    CHECK(moving_chunks_are_back(m));
}

int main(void)
{
    struct world *world = world_open((struct world_config){.memory_bytes = 4096 * MIB, .limit_bytes = 1024 * MIB});
    RUN_MOVING(memory_outlives_the_context_of_its_stream, world);
    RUN_MOVING(a_context_that_stays_keeps_what_it_had, world);
    RUN_MOVING(a_forked_child_keeps_nothing, world);
    RUN_MOVING(threads_share_a_pool_that_moves, world);
    world_close(world);
    return finish_cases();
}
