/*
 * Processes with nothing that moves: of a tenant that may not borrow, or with contexts only. They are parked and bare all the same, and the driver
 * takes off the device whatever they hold there. Their gate is not armed before somebody wants them out.
 */
#include "support_bare.h"

#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLAIN_BYTES (40 * MIB)
#define PLAIN_VALUE 91u

/* In a tenant whose processes may be told to leave; with what else the agent says of the device. */
static void start(struct moving *m, struct world *world, uint64_t flags)
{
    test_agent_say(world->agent, 0, ALQ_DEVICE_LEAVES | flags);
    moving_start_fixed(m, world);
}

static CUdeviceptr filled_plain(const struct moving *m)
{
    CUdeviceptr block = moving_alloc(PLAIN_BYTES);
    moving_filled(m, block, PLAIN_BYTES, PLAIN_VALUE);
    return block;
}

static void check_plain(const struct moving *m, CUdeviceptr block)
{
    CHECK_EQ(moving_wrong(m, block, PLAIN_BYTES, PLAIN_VALUE, NULL), 0);
}

static uint64_t submissions(const struct moving *m)
{
    return __atomic_load_n(&m->world->agent->usage->slots[m->slot].submissions, __ATOMIC_SEQ_CST);
}

/* A thread has its name a moment after it has begun. */
static uint64_t movers(const struct moving *m)
{
    (void)m;
    uint64_t count = 0;
    const struct dirent *entry;
    DIR *all = opendir("/proc/self/task");
    while (all != NULL && (entry = readdir(all)) != NULL) {
        char path[sizeof "/proc/self/task//comm" + NAME_MAX], name[32] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE *file = fopen(path, "re");
        count += file != NULL && fgets(name, sizeof name, file) != NULL && strcmp(name, "aliquot-mover\n") == 0;
        if (file != NULL) {
            fclose(file);
        }
    }
    if (all != NULL) {
        closedir(all);
    }
    return count;
}

static void plain_memory_comes_back_right(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    start(&m, world, 0);
    CUdeviceptr block = filled_plain(&m), small = moving_alloc(4096);
    uint32_t word = 0;
    CHECK_EQ(CU(cuMemsetD32_v2)(small, 17, 1024), CUDA_SUCCESS);
    uint64_t truth = truth_bytes(world, 0, 0), used = moving_used(&m);
    for (uint64_t round = 1; round <= 3; round++) {
        bare_checkpoint(&m);
        CHECK_EQ(truth_total(world, 0), 0);
        CHECK_EQ(moving_used(&m), used);
        CHECK_EQ(CU(cuMemcpyDtoH_v2)(&word, small, sizeof word), CUDA_SUCCESS);
        CHECK_EQ(word, 17);
        CHECK_EQ(bare_restores(&m), round);
        CHECK_EQ(moving_resumes(&m), round);
        bare_is_back(&m);
        CHECK_EQ(truth_bytes(world, 0, 0), truth);
        check_plain(&m, block);
    }
    CHECK_EQ(moving_host_bytes(&m), 0);
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFree_v2)(small), CUDA_SUCCESS);
    CHECK_EQ(moving_used(&m), 0);
}

static void a_process_with_contexts_only_leaves_and_borrows_later(struct world *world, const void *argument)
{
    struct moving m;
    CUcontext context = NULL;
    (void)argument;
    test_agent_lend(world->agent, 0, 256 * MIB);
    start(&m, world, 0);
    bare_checkpoint(&m);
    CHECK_EQ(CU(cuCtxGetCurrent)(&context), CUDA_SUCCESS);
    CHECK(context == m.context);
    CHECK_EQ(bare_restores(&m), 1);
    bare_is_back(&m);
    CUdeviceptr block = filled_block(&m);
    CHECK_EQ(moving_movable(&m), BLOCK_BYTES);
    check_leaves(&m, block);
}

static void only_who_may_be_told_to_leave_listens(struct world *world, const void *argument)
{
    struct moving m;
    CUcontext other;
    (void)argument;
    moving_start_fixed(&m, world);
    filled_plain(&m);
    CHECK_EQ(movers(&m), 0);
    test_agent_say(world->agent, 0, ALQ_DEVICE_LEAVES);
    CHECK_EQ(CU(cuCtxCreate_v2)(&other, 0, moving_device()), CUDA_SUCCESS);
    CHECK(moving_becomes(&m, movers, 1));
    CHECK_EQ(CU(cuCtxDestroy_v2)(other), CUDA_SUCCESS);
}

static void it_counts_only_when_the_agent_wants_to_know(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    start(&m, world, 0);
    CUdeviceptr block = filled_plain(&m);
    for (int i = 0; i < 20; i++) {
        moving_filled(&m, block, PLAIN_BYTES, PLAIN_VALUE);
        test_agent_wake(world->agent, m.slot);
    }
    uint64_t uncounted = submissions(&m);
    CHECK(uncounted < 20);
    test_agent_say(world->agent, 0, ALQ_DEVICE_COUNTS);
    for (int i = 0; i < PATIENCE_MS && submissions(&m) < uncounted + 20; i++) {
        moving_filled(&m, block, 4096, PLAIN_VALUE);
        test_agent_wake(world->agent, m.slot);
        usleep(1000);
    }
    CHECK(submissions(&m) >= uncounted + 20);
}

/* ---- told for the first time in the middle of calls: nothing has been marked until then ---- */

struct worker {
    const struct moving *m;
    CUdeviceptr block;
    uint64_t rounds;
    uint32_t over;
};

static void *works(void *argument)
{
    struct worker *worker = argument;
    CUcontext other;
    CHECK_EQ(CU(cuCtxSetCurrent)(worker->m->context), CUDA_SUCCESS);
    CUstream stream = moving_stream();
    for (uint32_t i = 0; !__atomic_load_n(&worker->over, __ATOMIC_SEQ_CST) && check_failures == 0; i++) {
        moving_fill(worker->m, worker->block, MIB, i, stream);
        CHECK_EQ(moving_wrong(worker->m, worker->block, MIB, i, stream), 0);
        CUresult made = CU(cuCtxCreate_v2)(&other, 0, moving_device());
        if (made == CUDA_SUCCESS) {
            CHECK_EQ(CU(cuCtxDestroy_v2)(other), CUDA_SUCCESS);
        } else {
            CHECK_EQ(made, CUDA_ERROR_OUT_OF_MEMORY); /* all at once they do not fit the limit */
        }
        CHECK_EQ(CU(cuCtxSetCurrent)(worker->m->context), CUDA_SUCCESS);
        __atomic_add_fetch(&worker->rounds, 1, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

static void threads_that_work_and_end_contexts_meanwhile_come_back_right(struct world *world, const void *argument)
{
    struct worker workers[4];
    pthread_t threads[4];
    struct moving m;
    (void)argument;
    start(&m, world, 0);
    for (int i = 0; i < 4; i++) {
        workers[i] = (struct worker){.m = &m, .block = moving_alloc(MIB)};
        CHECK_EQ(pthread_create(&threads[i], NULL, works, &workers[i]), 0);
    }
    for (int round = 0; round < 40 && check_failures == 0; round++) {
        uint64_t rounds = __atomic_load_n(&workers[0].rounds, __ATOMIC_SEQ_CST), reports = moving_reports(&m);
        moving_leave(&m, 1);
        for (int i = 0; i < PATIENCE_MS && moving_reports(&m) == reports; i++) {
            usleep(1000);
        }
        bare_tell(&m, 1);
        usleep((useconds_t)round * 500);
        bare_tell(&m, 0);
        moving_return(&m);
        for (int i = 0; i < PATIENCE_MS && __atomic_load_n(&workers[0].rounds, __ATOMIC_SEQ_CST) == rounds; i++) {
            usleep(1000);
        }
        CHECK(__atomic_load_n(&workers[0].rounds, __ATOMIC_SEQ_CST) != rounds);
    }
    for (int i = 0; i < 4; i++) {
        __atomic_store_n(&workers[i].over, 1, __ATOMIC_SEQ_CST);
        pthread_join(threads[i], NULL);
    }
    CHECK(moving_resumes(&m) > 0);
}

static void a_capture_that_began_before_is_waited_for_and_stays_valid(struct world *world, const void *argument)
{
    struct moving m;
    CUgraph graph = NULL;
    (void)argument;
    start(&m, world, 0);
    CUdeviceptr block = filled_plain(&m);
    CUstream stream = capturing_stream();
    CHECK_EQ(CU(cuMemsetD32Async)(block, PLAIN_VALUE, PLAIN_BYTES / 4, stream), CUDA_SUCCESS);
    moving_leave(&m, 1);
    usleep(100000);
    CHECK_EQ(moving_parked(&m), ALQ_NOT_PARKED);
    CHECK_EQ(CU(cuStreamEndCapture)(stream, &graph), CUDA_SUCCESS);
    CHECK(graph != NULL);
    CHECK(moving_becomes(&m, moving_parked, ALQ_PARKED_HOT));
    check_plain(&m, block);
}

/* ---- what keeps it, and how it may end ---- */

static void a_kernel_that_does_not_end_keeps_it(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    start(&m, world, 0);
    CUdeviceptr block = filled_plain(&m);
    CUstream stream = busy_stream(&m, 8000000000ull);
    uint64_t reports = moving_reports(&m);
    moving_leave(&m, 1);
    CHECK(moving_report(&m, reports, ALQ_MOVE_BUSY, false) != NULL);
    CHECK_EQ(moving_parked(&m), ALQ_NOT_PARKED);
    CHECK_EQ(CU(cuStreamSynchronize)(stream), CUDA_SUCCESS);
    moving_return(&m);
    bare_checkpoint(&m);
    check_plain(&m, block);
}

static void what_it_has_handed_out_keeps_it_hot(struct world *world, const void *argument)
{
    struct moving m;
    CUipcMemHandle handle;
    (void)argument;
    start(&m, world, 0);
    CUdeviceptr block = filled_plain(&m);
    CHECK_EQ(CU(cuIpcGetMemHandle)(&handle, block), CUDA_SUCCESS);
    bare_park(&m);
    uint64_t reports = moving_reports(&m);
    bare_tell(&m, 1);
    bare_stays_hot(&m, reports, ALQ_MOVE_FAILED);
    check_plain(&m, block);
}

static void the_next_agent_brings_it_back(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    world_prepare_agent(world);
    start(&m, world, 0);
    CUdeviceptr block = filled_plain(&m), result = moving_alloc(8); /* room for check_plain's */
    bare_checkpoint(&m);
    kill_agent(world);
    pthread_t thread;
    struct bare_caller caller = {.m = &m, .block = block};
    CHECK_EQ(pthread_create(&thread, NULL, bare_call, &caller), 0);
    usleep(300000);
    CHECK_EQ(moving_parked(&m), ALQ_PARKED_BARE);
    world_next_agent(world);
    pthread_join(thread, NULL);
    CHECK_EQ(bare_restores(&m), 1);
    check_plain(&m, block);
    CHECK_EQ(CU(cuMemFree_v2)(result), CUDA_SUCCESS);
}

static void killed_while_it_is_out_it_leaves_nothing(struct world *world, const void *argument)
{
    int out[2], status = -1;
    char byte = 0;
    (void)argument;
    CHECK_EQ(pipe(out), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct moving m;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        start(&m, world, 0);
        filled_plain(&m);
        bare_checkpoint(&m);
        (void)!write(out[1], &byte, 1);
        pause();
        _exit(1);
    }
    CHECK_EQ(read(out[0], &byte, 1), 1);
    kill(child, SIGKILL);
    CHECK_EQ(waitpid(child, &status, 0), child);
    check_nothing_left(world);
    close(out[0]);
    close(out[1]);
}

int main(void)
{
    RUN_ALONE(plain_memory_comes_back_right);
    RUN_ALONE(a_process_with_contexts_only_leaves_and_borrows_later);
    RUN_ALONE(only_who_may_be_told_to_leave_listens);
    RUN_ALONE(it_counts_only_when_the_agent_wants_to_know);
    RUN_ALONE(threads_that_work_and_end_contexts_meanwhile_come_back_right);
    RUN_ALONE(a_capture_that_began_before_is_waited_for_and_stays_valid);
    RUN_ALONE(a_kernel_that_does_not_end_keeps_it);
    RUN_ALONE(what_it_has_handed_out_keeps_it_hot);
    RUN_ALONE(the_next_agent_brings_it_back);
    RUN_ALONE(killed_while_it_is_out_it_leaves_nothing);
    return finish_cases();
}
