/*
 * Threads of one process that take and free small pieces at the limit: an observer that knows only the driver's figure never sees the
 * tenant above it, and in the end nothing is charged.
 *
 * Environment: SEED.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support_world.h"

#define LIMIT_BYTES (128 * MIB)
#define THREADS 16
#define HELD 24

struct crowd {
    CUcontext context;
    uint64_t seed;
    uint64_t taken, refused, wrong;
};

static uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static void *churn(void *argument)
{
    struct crowd *crowd = argument;
    CUdeviceptr held[HELD] = {0};
    CU(cuCtxSetCurrent)(crowd->context);
    for (int i = 0; i < 4000; i++) {
        CUdeviceptr *which = &held[next_random(&crowd->seed) % HELD];
        if (*which != 0) {
            crowd->wrong += CU(cuMemFree_v2)(*which) != CUDA_SUCCESS;
            *which = 0;
            continue;
        }
        uint64_t bytes = 1 + next_random(&crowd->seed) % (next_random(&crowd->seed) % 8 == 0 ? 3 * MIB : MIB - 1);
        bool managed = next_random(&crowd->seed) % 8 == 0;
        CUresult answer = managed ? CU(cuMemAllocManaged)(which, bytes, CU_MEM_ATTACH_GLOBAL) : CU(cuMemAlloc_v2)(which, bytes);
        *which = answer == CUDA_SUCCESS ? *which : 0;
        *(answer == CUDA_SUCCESS ? &crowd->taken : &crowd->refused) += 1;
        crowd->wrong += answer != CUDA_SUCCESS && answer != CUDA_ERROR_OUT_OF_MEMORY;
    }
    for (int i = 0; i < HELD; i++) {
        crowd->wrong += held[i] != 0 && CU(cuMemFree_v2)(held[i]) != CUDA_SUCCESS;
    }
    return NULL;
}

struct observed {
    _Atomic uint64_t looks, peak_bytes;
};

static pid_t start_observer(struct world *world, struct observed *observed)
{
    fflush(NULL);
    pid_t observer = fork();
    if (observer == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            uint64_t bytes = truth_total(world, 0);
            atomic_fetch_add(&observed->looks, 1);
            if (bytes != UINT64_MAX && bytes > atomic_load(&observed->peak_bytes)) {
                atomic_store(&observed->peak_bytes, bytes);
            }
        }
    }
    return observer;
}

static void threads_together_stay_below_the_limit_and_leave_nothing(struct world *world, const void *argument)
{
    (void)argument;
    struct observed *observed = mmap(NULL, sizeof *observed, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct crowd crowds[THREADS], sum = {0};
    pthread_t threads[THREADS];
    const char *seed = getenv("SEED");
    CUcontext context = start_cuda();
    uint64_t before_bytes = truth_bytes(world, 0, 0);
    pid_t observer = start_observer(world, observed);
    for (uint64_t i = 0; i < THREADS; i++) {
        crowds[i] = (struct crowd){.context = context, .seed = (seed == NULL ? 1 : strtoull(seed, NULL, 10)) * 1000 + i};
        CHECK_EQ(pthread_create(&threads[i], NULL, churn, &crowds[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        sum.taken += crowds[i].taken;
        sum.refused += crowds[i].refused;
        sum.wrong += crowds[i].wrong;
    }
    kill(observer, SIGKILL);
    waitpid(observer, NULL, 0);
    CHECK_EQ(sum.wrong, 0);
    CHECK(sum.taken > 1000);
    CHECK(sum.refused > 0);
    CHECK(observed->looks > 0);
    CHECK(observed->peak_bytes <= LIMIT_BYTES);
    CHECK_EQ(used_bytes(world), 0);
    CHECK_EQ(truth_bytes(world, 0, 0), before_bytes);
    fprintf(stderr, "  %llu taken, %llu refused; %llu looks, at most %llu of %llu KiB on the device\n",
        (unsigned long long)sum.taken, (unsigned long long)sum.refused, (unsigned long long)observed->looks,
        (unsigned long long)observed->peak_bytes / 1024, LIMIT_BYTES / 1024);
}

int main(void)
{
    struct world *world = world_open((struct world_config){.limit_bytes = LIMIT_BYTES});
    RUN(threads_together_stay_below_the_limit_and_leave_nothing, world);
    world_close(world);
    return finish_cases();
}
