/*
 * What goes wrong while a process is swapped out: no agent, one that refuses, no chunks, a device that does not come to rest, a capture, a fork,
 * a death. The data is always right, nobody waits for ever, and nothing is left behind.
 */
#include "support_moving.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCK_BYTES (136 * MIB)
#define BLOCK_VALUE 77u

static CUdeviceptr filled_block(const struct moving *m)
{
    CUdeviceptr block = moving_alloc(BLOCK_BYTES);
    moving_fill(m, block, BLOCK_BYTES, BLOCK_VALUE, NULL);
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    return block;
}

static uint64_t resumes(const struct moving *m)
{
    return atomic_load(&m->world->agent->shared->resumes);
}

static void leave(const struct moving *m)
{
    moving_leave(m, 1);
    CHECK(moving_becomes(m, moving_parked, 1));
}

static void check_block(const struct moving *m, CUdeviceptr block)
{
    CHECK_EQ(moving_wrong(m, block, BLOCK_BYTES, BLOCK_VALUE, NULL), 0);
}

/* Out and in once more, as if nothing had been. */
static void check_recovered(const struct moving *m, CUdeviceptr block)
{
    moving_return(m);
    CHECK(moving_becomes(m, moving_parked, 0));
    CHECK(moving_becomes(m, moving_demoted, 0));
    leave(m);
    CHECK_EQ(moving_demoted(m), BLOCK_BYTES);
    uint64_t before = resumes(m);
    check_block(m, block);
    CHECK_EQ(resumes(m), before + 1);
    CHECK(moving_becomes(m, moving_demoted, 0));
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
    CHECK(moving_becomes(m, moving_used, 0));
    CHECK(moving_chunks_are_back(m));
}

/* Its outcome has been told, with nothing moved; the gate is open; nothing more comes by itself. */
static void check_stays(const struct moving *m, CUdeviceptr block, enum alq_move_outcome outcome)
{
    CHECK_EQ(moving_report(m, 0, outcome, false)->moved_bytes, 0);
    CHECK_EQ(moving_parked(m), 0);
    CHECK_EQ(moving_used(m), BLOCK_BYTES);
    check_block(m, block);
    CHECK_EQ(resumes(m), 0);
    uint64_t reports = moving_reports(m);
    usleep(600000); /* more than it takes to try again what is tried again */
    CHECK_EQ(moving_reports(m), reports);
    CHECK_EQ(moving_used(m), BLOCK_BYTES);
    CHECK(moving_chunks_are_back(m));
}

static void without_chunks_the_process_stays(struct world *world, const void *argument)
{
    const uint64_t *chunks = argument;
    struct moving m;
    moving_start(&m, world, 256 * MIB);
    CUdeviceptr block = filled_block(&m);
    atomic_store(&world->agent->shared->chunks_most, *chunks);
    moving_leave(&m, 1);
    check_stays(&m, block, ALQ_MOVE_HOST_POOL);
    atomic_store(&world->agent->shared->chunks_most, UINT64_MAX);
    test_agent_wake(world->agent, m.slot);
    CHECK(moving_becomes(&m, moving_parked, 1));
    CHECK_EQ(moving_demoted(&m), BLOCK_BYTES);
    check_recovered(&m, block);
}

static void a_kernel_that_does_not_end_keeps_the_process_here(struct world *world, const void *argument)
{
    struct moving m;
    CUstream busy = NULL;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    CUdeviceptr block = filled_block(&m);
    CHECK_EQ(CU(cuStreamCreate)(&busy, CU_STREAM_NON_BLOCKING), CUDA_SUCCESS);
    moving_spin(&m, 12000000000ull, busy);
    moving_leave(&m, 1);
    CHECK_EQ(moving_report(&m, 0, ALQ_MOVE_BUSY, false)->moved_bytes, 0);
    CHECK_EQ(moving_parked(&m), 0);
    CHECK_EQ(CU(cuStreamQuery)(busy), CUDA_ERROR_NOT_READY);
    CHECK_EQ(CU(cuStreamSynchronize)(busy), CUDA_SUCCESS);
    check_stays(&m, block, ALQ_MOVE_BUSY);
    test_agent_wake(world->agent, m.slot);
    CHECK(moving_becomes(&m, moving_parked, 1));
    check_recovered(&m, block);
}

static void a_capture_keeps_the_process_here(struct world *world, const void *argument)
{
    struct moving m;
    CUstream stream = NULL;
    CUgraph graph = NULL;
    CUgraphExec exec = NULL;
    CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_RELAXED;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    CUdeviceptr block = filled_block(&m);
    CHECK_EQ(CU(cuStreamCreate)(&stream, CU_STREAM_NON_BLOCKING), CUDA_SUCCESS);
    CHECK_EQ(CU(cuThreadExchangeStreamCaptureMode)(&mode), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamBeginCapture_v2)(stream, CU_STREAM_CAPTURE_MODE_GLOBAL), CUDA_SUCCESS);
    moving_add(&m, block, BLOCK_BYTES, 0, stream);
    moving_leave(&m, 1);
    CHECK_EQ(moving_report(&m, 0, ALQ_MOVE_CAPTURING, false)->moved_bytes, 0);
    CHECK_EQ(moving_parked(&m), 0);
    moving_add(&m, block, BLOCK_BYTES, 1, stream);
    CHECK_EQ(CU(cuStreamEndCapture)(stream, &graph), CUDA_SUCCESS);
    CHECK_EQ(CU(cuGraphInstantiateWithFlags)(&exec, graph, 0), CUDA_SUCCESS);
    check_stays(&m, block, ALQ_MOVE_CAPTURING);
    test_agent_wake(world->agent, m.slot);
    CHECK(moving_becomes(&m, moving_parked, 1));
    CHECK_EQ(CU(cuGraphLaunch)(exec, stream), CUDA_SUCCESS);
    CHECK_EQ(resumes(&m), 1);
    CHECK_EQ(moving_wrong(&m, block, BLOCK_BYTES, BLOCK_VALUE + 1, stream), 0);
    moving_fill(&m, block, BLOCK_BYTES, BLOCK_VALUE, NULL);
    check_recovered(&m, block);
}

static void who_is_refused_goes_on_over_the_bus(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    CUdeviceptr block = filled_block(&m);
    atomic_store(&world->agent->shared->resume_mode, RESUMES_REFUSED);
    leave(&m);
    check_block(&m, block);
    CHECK_EQ(resumes(&m), 1);
    CHECK_EQ(moving_parked(&m), 0);
    CHECK_EQ(moving_demoted(&m), BLOCK_BYTES);
    usleep(300000);
    check_block(&m, block);
    CHECK_EQ(moving_parked(&m), 0);
    CHECK_EQ(moving_demoted(&m), BLOCK_BYTES);
    CHECK_EQ(resumes(&m), 1);
    test_agent_wake(world->agent, m.slot); /* away it is still */
    CHECK(moving_becomes(&m, moving_parked, 1));
    atomic_store(&world->agent->shared->resume_mode, RESUMES_GRANTED);
    check_block(&m, block);
    CHECK_EQ(resumes(&m), 2);
    check_recovered(&m, block);
}

static void a_seat_that_is_stale_is_taken_anew(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    CUdeviceptr block = filled_block(&m);
    leave(&m);
    moving_report(&m, 0, ALQ_MOVE_DONE, false);
    uint64_t hellos = atomic_load(&world->agent->shared->hellos);
    CUdeviceptr result = moving_alloc(8); /* asked for before: the next exchange is RESUME */
    atomic_store(&world->agent->shared->mode, AGENT_STALE);
    CHECK_EQ(CU(cuMemsetD32_v2)(block, BLOCK_VALUE, 1), CUDA_SUCCESS);
    CHECK_EQ(atomic_load(&world->agent->shared->hellos), hellos + 1);
    CHECK_EQ(resumes(&m), 1);
    check_block(&m, block);
    CHECK_EQ(CU(cuMemFree_v2)(result), CUDA_SUCCESS);
    check_recovered(&m, block);
}

/* ---- without an agent; each case kills its world's own ------------------------------------------------------------ */

static void kill_agent(struct world *world)
{
    kill(world->agent->pid, SIGKILL);
    for (;; usleep(1000)) {
        char path[64], state = 'Z';
        snprintf(path, sizeof path, "/proc/%d/stat", (int)world->agent->pid);
        FILE *file = fopen(path, "re");
        if (file != NULL) {
            (void)!fscanf(file, "%*d (%*[^)]) %c", &state);
            fclose(file);
        }
        if (state == 'Z') {
            return;
        }
    }
}

static void without_an_agent_the_process_comes_back_by_itself(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    world_prepare_agent(world);
    moving_start(&m, world, 256 * MIB);
    CUdeviceptr block = filled_block(&m), result = moving_alloc(8); /* room for check_block's */
    leave(&m);
    kill_agent(world);
    check_block(&m, block);
    CHECK_EQ(moving_parked(&m), 0);
    CHECK_EQ(moving_demoted(&m), BLOCK_BYTES);
    usleep(300000);
    CHECK_EQ(moving_parked(&m), 0);
    check_block(&m, block);
    world_next_agent(world);
    test_agent_wake(world->agent, m.slot);
    CHECK(moving_becomes(&m, moving_parked, 1));
    check_block(&m, block);
    CHECK_EQ(resumes(&m), 1);
    CHECK_EQ(CU(cuMemFree_v2)(result), CUDA_SUCCESS);
    CHECK(moving_becomes(&m, moving_demoted, 0));
    CHECK_EQ(moving_used(&m), BLOCK_BYTES);
    check_block(&m, block);
}

/* The word in the page counts with nobody to have said it. */
static void a_dead_agent_s_last_word_brings_the_process_back(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    CUdeviceptr block = filled_block(&m), result = moving_alloc(8);
    leave(&m);
    kill_agent(world);
    moving_return(&m);
    CHECK(moving_becomes(&m, moving_parked, 0));
    CHECK_EQ(moving_demoted(&m), 0);
    check_block(&m, block);
    CHECK_EQ(CU(cuMemFree_v2)(result), CUDA_SUCCESS);
}

static void an_agent_that_talks_nonsense_is_none(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    CUdeviceptr block = filled_block(&m), result = moving_alloc(8);
    for (uint32_t mode = AGENT_HANGS_UP; mode <= AGENT_NOISE; mode += 3) {
        leave(&m);
        atomic_store(&world->agent->shared->mode, mode);
        check_block(&m, block);
        CHECK_EQ(moving_parked(&m), 0);
        atomic_store(&world->agent->shared->mode, AGENT_HONEST);
        if (mode == AGENT_HANGS_UP) {
            CHECK_EQ(moving_demoted(&m), BLOCK_BYTES);
        } else { /* it has made room, and only said so badly */
            CHECK(moving_becomes(&m, moving_demoted, 0));
        }
    }
    CHECK_EQ(CU(cuMemFree_v2)(result), CUDA_SUCCESS);
    check_recovered(&m, block);
}

static void an_agent_that_dies_while_it_makes_room_is_followed_by_the_next(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    world_prepare_agent(world);
    moving_start(&m, world, 256 * MIB);
    CUdeviceptr block = filled_block(&m), result = moving_alloc(8);
    leave(&m);
    atomic_store(&world->agent->shared->resume_mode, RESUMES_HELD);
    fflush(NULL);
    struct agent_shared *shared = world->agent->shared;
    pid_t agent = world->agent->pid, killer = fork();
    if (killer == 0) {
        while (atomic_load(&shared->resumes) == 0) {
            usleep(1000);
        }
        atomic_store(&world->next->shared->go, 1);
        while (!atomic_load(&world->next->shared->ready)) {
            usleep(1000);
        }
        kill(agent, SIGKILL);
        _exit(0);
    }
    check_block(&m, block);
    waitpid(killer, NULL, 0);
    world_next_agent(world);
    CHECK_EQ(resumes(&m), 1); /* the next agent's first */
    CHECK_EQ(moving_parked(&m), 0);
    CHECK_EQ(moving_demoted(&m), 0);
    CHECK_EQ(CU(cuMemFree_v2)(result), CUDA_SUCCESS);
    check_block(&m, block);
}

/* ---- threads and processes --------------------------------------------------------------------------------------- */

static uint32_t signals;

static void count_signal(int number)
{
    (void)number;
    __atomic_add_fetch(&signals, 1, __ATOMIC_SEQ_CST);
}

struct waiter {
    const struct moving *m;
    CUdeviceptr block;
    uint32_t done;
};

static void *wait_at_the_gate(void *argument)
{
    struct waiter *waiter = argument;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    CHECK_EQ(CU(cuCtxSetCurrent)(waiter->m->context), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemsetD32_v2)(waiter->block, BLOCK_VALUE, 1), CUDA_SUCCESS);
    __atomic_store_n(&waiter->done, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void threads_are_signalled_and_end_while_they_wait(struct world *world, const void *argument)
{
    struct moving m;
    pthread_t stays, goes;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    CUdeviceptr block = filled_block(&m);
    struct waiter staying = {.m = &m, .block = block}, going = staying;
    leave(&m);
    atomic_store(&world->agent->shared->resume_mode, RESUMES_HELD);
    signal(SIGUSR1, count_signal);
    CHECK_EQ(pthread_create(&goes, NULL, wait_at_the_gate, &going), 0);
    for (int i = 0; i < PATIENCE_MS && resumes(&m) == 0; i++) {
        usleep(1000);
    }
    CHECK_EQ(pthread_create(&stays, NULL, wait_at_the_gate, &staying), 0);
    usleep(50000);
    for (uint32_t i = 1; i <= 20; i++) {
        pthread_kill(stays, SIGUSR1);
        for (int ms = 0; ms < PATIENCE_MS && __atomic_load_n(&signals, __ATOMIC_SEQ_CST) < i; ms++) {
            usleep(1000);
        }
    }
    CHECK_EQ(signals, 20);
    pthread_cancel(goes); /* it was the first: it has said that the process is wanted */
    pthread_join(goes, NULL);
    CHECK_EQ(going.done, 0);
    CHECK_EQ(__atomic_load_n(&staying.done, __ATOMIC_SEQ_CST), 0);
    atomic_store(&world->agent->shared->resume_mode, RESUMES_GRANTED);
    pthread_join(stays, NULL);
    CHECK_EQ(staying.done, 1);
    CHECK_EQ(resumes(&m), 1);
    check_block(&m, block);
    check_recovered(&m, block);
}

static void a_child_of_a_process_that_is_away_is_not(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    CUdeviceptr block = filled_block(&m);
    leave(&m);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        CUdeviceptr address;
        alarm(30);
        CHECK(CU(cuMemsetD32_v2)(block, 0, 1) != CUDA_SUCCESS);
        CHECK(CU(cuMemAlloc_v2)(&address, 2 * MIB) != CUDA_SUCCESS);
        CHECK(CU(cuMemFree_v2)(block) != CUDA_SUCCESS);
        _exit(check_failures == 0 ? 0 : 1);
    }
    int status = 1;
    waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
    CHECK_EQ(moving_parked(&m), 1);
    CHECK_EQ(resumes(&m), 0);
    check_block(&m, block);
    CHECK_EQ(resumes(&m), 1);
    check_recovered(&m, block);
}

enum ending { KILLED, TERMINATED, RETURNS, RETURNS_WITH_CALLS, KILLED_AT_THE_GATE };

/* A process that is away, until it is told how to end. */
static _Noreturn void be_away(struct world *world, int in, int out, enum ending ending)
{
    struct moving m;
    char byte = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    moving_start(&m, world, 256 * MIB);
    CUdeviceptr block = filled_block(&m);
    (void)!write(out, &byte, 1);
    (void)!read(in, &byte, 1);
    if (ending == RETURNS_WITH_CALLS) {
        CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
        CHECK_EQ(CU(cuDevicePrimaryCtxRelease_v2)(1), CUDA_SUCCESS);
    } else if (ending == KILLED_AT_THE_GATE) {
        CU(cuMemsetD32_v2)(block, 0, 1);
    } else if (ending != RETURNS) {
        pause();
    }
    exit(check_failures == 0 ? 0 : 1);
}

static void a_process_that_ends_while_it_is_away_leaves_nothing(struct world *world, const void *argument)
{
    (void)argument;
    test_agent_lend(world->agent, 0, 256 * MIB);
    for (enum ending ending = KILLED; ending <= KILLED_AT_THE_GATE; ending++) {
        int in[2], out[2], status = -1;
        char byte = 0;
        struct moving m = {.world = world};
        CHECK(pipe(in) == 0 && pipe(out) == 0);
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            be_away(world, in[0], out[1], ending);
        }
        CHECK_EQ(read(out[0], &byte, 1), 1);
        m.slot = (uint32_t)test_agent_slot(world->agent, child);
        leave(&m);
        CHECK_EQ(moving_demoted(&m), BLOCK_BYTES);
        CHECK(__atomic_load_n(&world->agent->control->slots[m.slot].host_bytes, __ATOMIC_SEQ_CST) >= BLOCK_BYTES);
        uint64_t before = resumes(&m);
        if (ending == KILLED_AT_THE_GATE) {
            atomic_store(&world->agent->shared->resume_mode, RESUMES_HELD);
        }
        CHECK_EQ(write(in[1], &byte, 1), 1);
        for (int i = 0; i < PATIENCE_MS && ending == KILLED_AT_THE_GATE && resumes(&m) == before; i++) {
            usleep(1000);
        }
        if (ending == KILLED || ending == KILLED_AT_THE_GATE || ending == TERMINATED) {
            kill(child, ending == TERMINATED ? SIGTERM : SIGKILL);
        }
        CHECK_EQ(waitpid(child, &status, 0), child);
        CHECK_EQ(status, ending == KILLED || ending == KILLED_AT_THE_GATE ? SIGKILL : ending == TERMINATED ? SIGTERM : 0);
        atomic_store(&world->agent->shared->resume_mode, RESUMES_GRANTED);
        for (int i = 0; i < PATIENCE_MS && (truth_total(world, 0) != 0 || test_agent_slots(world->agent) != 0); i++) {
            usleep(1000);
        }
        CHECK_EQ(truth_total(world, 0), 0);
        CHECK_EQ(test_agent_slots(world->agent), 0);
        CHECK_EQ(__atomic_load_n(&world->agent->control->slots[m.slot].host_bytes, __ATOMIC_SEQ_CST), 0);
        close(in[0]);
        close(in[1]);
        close(out[0]);
        close(out[1]);
    }
}

static void run_alone(const char *name, case_body *body, const void *argument)
{
    struct world *world = world_open((struct world_config){.memory_bytes = 4096 * MIB, .limit_bytes = 1024 * MIB});
    run_case(name, body, world, argument);
    world_close(world);
}

#define RUN_ALONE(name) run_alone(#name, name, NULL)

int main(void)
{
    static const uint64_t none = 0, too_few = 2;
    run_alone("without_chunks_the_process_stays", without_chunks_the_process_stays, &none);
    run_alone("without_enough_chunks_the_process_stays", without_chunks_the_process_stays, &too_few);
    RUN_ALONE(a_kernel_that_does_not_end_keeps_the_process_here);
    RUN_ALONE(a_capture_keeps_the_process_here);
    RUN_ALONE(who_is_refused_goes_on_over_the_bus);
    RUN_ALONE(a_seat_that_is_stale_is_taken_anew);
    RUN_ALONE(without_an_agent_the_process_comes_back_by_itself);
    RUN_ALONE(a_dead_agent_s_last_word_brings_the_process_back);
    RUN_ALONE(an_agent_that_talks_nonsense_is_none);
    RUN_ALONE(an_agent_that_dies_while_it_makes_room_is_followed_by_the_next);
    RUN_ALONE(threads_are_signalled_and_end_while_they_wait);
    RUN_ALONE(a_child_of_a_process_that_is_away_is_not);
    RUN_ALONE(a_process_that_ends_while_it_is_away_leaves_nothing);
    return finish_cases();
}
