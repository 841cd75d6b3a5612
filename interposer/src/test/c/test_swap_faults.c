/*
 * What goes wrong while a process is swapped out: no agent, one that refuses, no chunks, a device that does not come to rest, a capture.
 * The data is always right, and nobody waits for ever.
 */
#include "support_faults.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* Its outcome has been told, with nothing moved; the gate is open; nothing more comes by itself. */
static void check_stays(const struct moving *m, CUdeviceptr block, enum alq_move_outcome outcome)
{
    CHECK_EQ(moving_report(m, 0, outcome, false)->moved_bytes, 0);
    CHECK_EQ(moving_parked(m), 0);
    CHECK_EQ(moving_used(m), BLOCK_BYTES);
    check_block(m, block);
    CHECK_EQ(moving_resumes(m), 0);
    uint64_t reports = moving_reports(m);
    usleep(600000); /* more than it takes to try again what is tried again */
    CHECK_EQ(moving_reports(m), reports);
    CHECK_EQ(moving_used(m), BLOCK_BYTES);
    CHECK(moving_host_bytes(m) <= BLOCK_BYTES); /* in hand, for the next time */
}

/* Away it still is by the agent's word: woken, it tries once more. */
static void leave_after_all(const struct moving *m)
{
    test_agent_wake(m->world->agent, m->slot);
    CHECK(moving_becomes(m, moving_parked, 1));
}

static void stays_with_so_many_chunks(const struct moving *m, CUdeviceptr block, uint64_t chunks)
{
    struct agent_shared *shared = m->world->agent->shared;
    atomic_store(&shared->chunks_most, chunks);
    moving_leave(m, 1);
    check_stays(m, block, ALQ_MOVE_HOST_POOL);
    atomic_store(&shared->chunks_most, UINT64_MAX);
    leave_after_all(m);
    CHECK_EQ(moving_demoted(m), BLOCK_BYTES);
    check_leaves(m, block);
}

static void without_chunks_the_process_stays(const struct moving *m, CUdeviceptr block)
{
    stays_with_so_many_chunks(m, block, 0);
}

static void without_enough_chunks_the_process_stays(const struct moving *m, CUdeviceptr block)
{
    stays_with_so_many_chunks(m, block, 2);
}

static void a_kernel_that_does_not_end_keeps_the_process_here(const struct moving *m, CUdeviceptr block)
{
    CUstream busy = busy_stream(m, 12000000000ull);
    moving_leave(m, 1);
    CHECK_EQ(moving_report(m, 0, ALQ_MOVE_BUSY, false)->moved_bytes, 0);
    CHECK_EQ(moving_parked(m), 0);
    CHECK_EQ(CU(cuStreamQuery)(busy), CUDA_ERROR_NOT_READY);
    CHECK_EQ(CU(cuStreamSynchronize)(busy), CUDA_SUCCESS);
    check_stays(m, block, ALQ_MOVE_BUSY);
    leave_after_all(m);
    check_leaves(m, block);
}

static void a_capture_keeps_the_process_here(const struct moving *m, CUdeviceptr block)
{
    CUstream stream = capturing_stream();
    CUgraph graph = NULL;
    CUgraphExec exec = NULL;
    moving_add(m, block, BLOCK_BYTES, 0, stream);
    moving_leave(m, 1);
    CHECK_EQ(moving_report(m, 0, ALQ_MOVE_CAPTURING, false)->moved_bytes, 0);
    CHECK_EQ(moving_parked(m), 0);
    moving_add(m, block, BLOCK_BYTES, 1, stream);
    CHECK_EQ(CU(cuStreamEndCapture)(stream, &graph), CUDA_SUCCESS);
    CHECK_EQ(CU(cuGraphInstantiateWithFlags)(&exec, graph, 0), CUDA_SUCCESS);
    check_stays(m, block, ALQ_MOVE_CAPTURING);
    leave_after_all(m);
    CHECK_EQ(CU(cuGraphLaunch)(exec, stream), CUDA_SUCCESS);
    CHECK_EQ(moving_resumes(m), 1);
    CHECK_EQ(moving_wrong(m, block, BLOCK_BYTES, BLOCK_VALUE + 1, stream), 0);
    moving_filled(m, block, BLOCK_BYTES, BLOCK_VALUE);
    check_leaves(m, block);
}

static void who_is_refused_goes_on_over_the_bus(const struct moving *m, CUdeviceptr block)
{
    atomic_store(&m->world->agent->shared->resume_mode, RESUMES_REFUSED);
    moving_park(m);
    check_block(m, block);
    CHECK_EQ(moving_resumes(m), 1);
    CHECK_EQ(moving_parked(m), 0);
    CHECK_EQ(moving_demoted(m), BLOCK_BYTES);
    usleep(300000);
    check_block(m, block);
    CHECK_EQ(moving_parked(m), 0);
    CHECK_EQ(moving_demoted(m), BLOCK_BYTES);
    CHECK_EQ(moving_resumes(m), 1);
    leave_after_all(m);
    atomic_store(&m->world->agent->shared->resume_mode, RESUMES_GRANTED);
    check_block(m, block);
    CHECK_EQ(moving_resumes(m), 2);
    check_leaves(m, block);
}

static void a_seat_that_is_stale_is_taken_anew(const struct moving *m, CUdeviceptr block)
{
    moving_park(m);
    moving_report(m, 0, ALQ_MOVE_DONE, false);
    uint64_t hellos = atomic_load(&m->world->agent->shared->hellos);
    CUdeviceptr result = moving_alloc(8); /* asked for before: the next exchange is RESUME */
    atomic_store(&m->world->agent->shared->mode, AGENT_STALE);
    CHECK_EQ(CU(cuMemsetD32_v2)(block, BLOCK_VALUE, 1), CUDA_SUCCESS);
    CHECK_EQ(atomic_load(&m->world->agent->shared->hellos), hellos + 1);
    CHECK_EQ(moving_resumes(m), 1);
    check_block(m, block);
    CHECK_EQ(CU(cuMemFree_v2)(result), CUDA_SUCCESS);
    check_leaves(m, block);
}

/* ---- without an agent; each case kills its world's own ------------------------------------------------------------ */

static void without_an_agent_the_process_comes_back_by_itself(const struct moving *m, CUdeviceptr block)
{
    CUdeviceptr result = moving_alloc(8); /* room for check_block's */
    moving_park(m);
    kill_agent(m->world);
    check_block(m, block);
    CHECK_EQ(moving_parked(m), 0);
    CHECK_EQ(moving_demoted(m), BLOCK_BYTES);
    usleep(300000);
    CHECK_EQ(moving_parked(m), 0);
    check_block(m, block);
    world_next_agent(m->world);
    leave_after_all(m);
    check_block(m, block);
    CHECK_EQ(moving_resumes(m), 1);
    CHECK_EQ(CU(cuMemFree_v2)(result), CUDA_SUCCESS);
    CHECK(moving_becomes(m, moving_demoted, 0));
    CHECK_EQ(moving_used(m), BLOCK_BYTES);
    check_block(m, block);
}

/* The word in the page counts with nobody to have said it. */
static void a_dead_agent_s_last_word_brings_the_process_back(const struct moving *m, CUdeviceptr block)
{
    CUdeviceptr result = moving_alloc(8);
    moving_park(m);
    kill_agent(m->world);
    moving_return(m);
    CHECK(moving_becomes(m, moving_parked, 0));
    CHECK_EQ(moving_demoted(m), 0);
    check_block(m, block);
    CHECK_EQ(CU(cuMemFree_v2)(result), CUDA_SUCCESS);
}

/* Tenants take turns, so an answer may take minutes: not where nobody is there to give it. */
static void an_agent_that_is_stopped_is_not_waited_for(const struct moving *m, CUdeviceptr block)
{
    CUdeviceptr result = moving_alloc(8);
    moving_park(m);
    pid_t agent = m->world->agent->pid;
    CHECK_EQ(kill(agent, SIGSTOP), 0);
    check_block(m, block);
    CHECK_EQ(moving_parked(m), 0);
    CHECK_EQ(moving_demoted(m), BLOCK_BYTES);
    CHECK_EQ(kill(agent, SIGCONT), 0);
    check_block(m, block);
    CHECK_EQ(CU(cuMemFree_v2)(result), CUDA_SUCCESS);
}

static void an_agent_that_talks_nonsense_is_none(const struct moving *m, CUdeviceptr block)
{
    CUdeviceptr result = moving_alloc(8);
    for (uint32_t mode = AGENT_HANGS_UP; mode <= AGENT_NOISE; mode += 3) {
        moving_park(m);
        atomic_store(&m->world->agent->shared->mode, mode);
        check_block(m, block);
        CHECK_EQ(moving_parked(m), 0);
        atomic_store(&m->world->agent->shared->mode, AGENT_HONEST);
        if (mode == AGENT_HANGS_UP) {
            CHECK_EQ(moving_demoted(m), BLOCK_BYTES);
        } else { /* it has made room, and only said so badly */
            CHECK(moving_becomes(m, moving_demoted, 0));
        }
    }
    CHECK_EQ(CU(cuMemFree_v2)(result), CUDA_SUCCESS);
    check_leaves(m, block);
}

static void an_agent_that_dies_while_it_makes_room_is_followed_by_the_next(const struct moving *m, CUdeviceptr block)
{
    CUdeviceptr result = moving_alloc(8);
    moving_park(m);
    atomic_store(&m->world->agent->shared->resume_mode, RESUMES_HELD);
    fflush(NULL);
    struct agent_shared *shared = m->world->agent->shared;
    pid_t agent = m->world->agent->pid, killer = fork();
    if (killer == 0) {
        while (atomic_load(&shared->resumes) == 0) {
            usleep(1000);
        }
        atomic_store(&m->world->next->shared->go, 1);
        while (!atomic_load(&m->world->next->shared->ready)) {
            usleep(1000);
        }
        kill(agent, SIGKILL);
        _exit(0);
    }
    check_block(m, block);
    waitpid(killer, NULL, 0);
    world_next_agent(m->world);
    CHECK_EQ(moving_resumes(m), 1); /* the next agent's first */
    CHECK_EQ(moving_parked(m), 0);
    CHECK_EQ(moving_demoted(m), 0);
    CHECK_EQ(CU(cuMemFree_v2)(result), CUDA_SUCCESS);
    check_block(m, block);
}

int main(void)
{
    RUN_BLOCK(without_chunks_the_process_stays);
    RUN_BLOCK(without_enough_chunks_the_process_stays);
    RUN_BLOCK(a_kernel_that_does_not_end_keeps_the_process_here);
    RUN_BLOCK(a_capture_keeps_the_process_here);
    RUN_BLOCK(who_is_refused_goes_on_over_the_bus);
    RUN_BLOCK(a_seat_that_is_stale_is_taken_anew);
    RUN_BLOCK_NEXT(without_an_agent_the_process_comes_back_by_itself);
    RUN_BLOCK(a_dead_agent_s_last_word_brings_the_process_back);
    RUN_BLOCK(an_agent_that_is_stopped_is_not_waited_for);
    RUN_BLOCK(an_agent_that_talks_nonsense_is_none);
    RUN_BLOCK_NEXT(an_agent_that_dies_while_it_makes_room_is_followed_by_the_next);
    return finish_cases();
}
