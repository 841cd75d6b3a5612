/*
 * A process that never knows when: threads launch, allocate, free, capture graphs and fork while the agent swaps the process out and in at
 * random, by its own word or because it is asked to. Now and then they all rest, and the process stays away for a while. All data is
 * looked at all the time, and at the end nothing is left.
 *
 * Environment: DURATION seconds (10), SEED.
 */
#include "support_workers.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS 8

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL || *text == 0 ? otherwise : strtoull(text, NULL, 10);
}

static uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* The children find the gate open, wherever it was, and no device. */
static void *fork_children(void *argument)
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

/* Sleeps a while, up to most_us. */
static void wait_a_while(uint64_t *state, uint32_t most_us)
{
    usleep(next_random(state) % most_us);
}

struct tally {
    uint64_t leaves, parked, returned, resumed;
};

static uint64_t resumes_of(const struct moving *m)
{
    return atomic_load(&m->world->agent->shared->resumes);
}

/* Out, and in by the agent's word or by the process's. */
static void swap_once(const struct moving *m, uint64_t *state, struct tally *tally)
{
    uint64_t resumes = resumes_of(m);
    bool rest = next_random(state) % 3 == 0;
    if (rest) {
        work_rest(true);
        usleep(100000);
    }
    moving_leave(m, 1);
    tally->leaves++;
    for (int i = 0; i < 3000 && (rest || next_random(state) % 50 != 0) && moving_parked(m) == 0 && resumes_of(m) == resumes; i++) {
        usleep(1000);
    }
    tally->parked += moving_parked(m);
    wait_a_while(state, 30000);
    if (rest) {
        work_rest(false);
    }
    if (next_random(state) % 2 == 0) {
        moving_return(m);
        tally->returned++;
    } else {
        for (int i = 0; i < 3000 && resumes_of(m) == resumes; i++) {
            usleep(1000);
        }
        moving_return(m);
    }
    tally->resumed += resumes_of(m) - resumes;
    wait_a_while(state, 30000);
}

static void nobody_ever_notices(struct world *world, const void *argument)
{
    static void *(*const bodies[WORKERS])(void *) = {
        work_compute, work_compute, work_churn, work_replay, work_capture, work_churn, work_capture, fork_children};
    struct moving m;
    struct worker workers[WORKERS];
    pthread_t threads[WORKERS];
    struct tally tally = {0};
    uint64_t duration = number_of("DURATION", 10), state = number_of("SEED", 1), worked = 0;
    (void)argument;
    alarm((unsigned int)duration + 180);
    moving_start(&m, world, 256 * MIB);
    uint64_t truth = truth_bytes(world, 0, 0);
    for (uint32_t i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){.moving = &m, .number = i + 1};
        CHECK_EQ(pthread_create(&threads[i], NULL, bodies[i], &workers[i]), 0);
    }
    double until = seconds_now() + (double)duration;
    while (seconds_now() < until || tally.leaves < 4) {
        swap_once(&m, &state, &tally);
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
    CHECK(moving_becomes(&m, moving_movable, 0));
    CHECK(used_becomes(world, 0));
    CHECK_EQ(truth_bytes(world, 0, 0), truth);
    CHECK(moving_chunks_are_back(&m));
    fprintf(stderr, "  %llu rounds of work, %llu times told to leave, seen parked %llu times, told to return %llu times, asked %llu times\n",
        (unsigned long long)worked, (unsigned long long)tally.leaves, (unsigned long long)tally.parked,
        (unsigned long long)tally.returned, (unsigned long long)tally.resumed);
}

int main(void)
{
    struct world *world = world_open((struct world_config){.memory_bytes = 4096 * MIB, .limit_bytes = 2048 * MIB});
    RUN(nobody_ever_notices, world);
    world_close(world);
    return finish_cases();
}
