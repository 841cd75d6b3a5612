/*
 * What goes wrong while memory moves: no chunks, no agent, an agent that talks nonsense, a device that does not come to rest, a capture that
 * does not end, a process that dies or forks. The data is always right, and the program always goes on.
 */
#include "support_faults.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void chunk_mode(const struct world *world, uint32_t mode)
{
    atomic_store(&world->agent->shared->chunk_mode, mode);
}

static void an_empty_pool_is_tried_again(const struct moving *m, CUdeviceptr block)
{
    chunk_mode(m->world, CHUNKS_NONE);
    moving_resident(m, 0);
    CHECK_EQ(moving_report(m, 0, ALQ_MOVE_HOST_POOL, false)->moved_bytes, 0);
    CHECK_EQ(moving_used(m), BLOCK_BYTES);
    check_block_counted(m, block);
    chunk_mode(m->world, CHUNKS_HONEST);
    CHECK(moving_becomes(m, moving_demoted, BLOCK_BYTES));
    check_moves(m, block);
    CHECK(moving_chunks_are_back(m));
}

static void a_pool_that_runs_out_moves_what_it_can(const struct moving *m, CUdeviceptr block)
{
    atomic_store(&m->world->agent->shared->chunks_most, atomic_load(&m->world->agent->shared->chunks_given) + 1);
    moving_resident(m, 0);
    CHECK_EQ(moving_report(m, moving_reports(m), ALQ_MOVE_HOST_POOL, false)->moved_bytes, 64 * MIB);
    CHECK_EQ(moving_demoted(m), 64 * MIB);
    check_block_counted(m, block);
    atomic_store(&m->world->agent->shared->chunks_most, UINT64_MAX);
    CHECK(moving_becomes(m, moving_demoted, BLOCK_BYTES));
    check_moves(m, block);
}

static void nonsense_for_a_chunk_moves_nothing(const struct moving *m, CUdeviceptr block)
{
    static const uint32_t modes[] = {CHUNKS_WITHOUT_DESCRIPTOR, CHUNKS_TWO_DESCRIPTORS, CHUNKS_NO_MEMORY, CHUNKS_WRONG_SIZE,
        CHUNKS_SMALLER, CHUNKS_WITHOUT_ID};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        uint64_t reports = moving_reports(m);
        chunk_mode(m->world, modes[i]);
        moving_resident(m, 0);
        moving_report(m, reports, modes[i] == CHUNKS_SMALLER ? ALQ_MOVE_FAILED : ALQ_MOVE_HOST_POOL, false);
        CHECK_EQ(moving_used(m), BLOCK_BYTES);
        check_block_counted(m, block);
        moving_resident(m, ALQ_RESIDENT_ALL);
    }
    chunk_mode(m->world, CHUNKS_HONEST);
    check_moves(m, block);
}

static void nonsense_in_every_frame_moves_nothing(const struct moving *m, CUdeviceptr block)
{
    CUdeviceptr result = moving_alloc(8); /* room for what looks at the block, while nothing can be asked for */
    for (uint32_t mode = AGENT_HANGS_UP; mode <= AGENT_NOISE; mode++) {
        atomic_store(&m->world->agent->shared->mode, mode);
        moving_resident(m, mode % 2 == 0 ? 0 : 64 * MIB);
        usleep(200000);
    }
    atomic_store(&m->world->agent->shared->mode, AGENT_STALE);
    CHECK(moving_becomes(m, moving_demoted, BLOCK_BYTES));
    CHECK_EQ(CU(cuMemFree_v2)(result), CUDA_SUCCESS);
    check_moves(m, block);
}

static void a_kernel_that_does_not_end_is_left_alone(const struct moving *m, CUdeviceptr block)
{
    CUstream other = moving_stream(), busy = busy_stream(m, 12000000000ull);
    moving_resident(m, 0);
    const struct alq_moved *moved = moving_report(m, 0, ALQ_MOVE_BUSY, false);
    CHECK_EQ(moved->moved_bytes, 0);
    CHECK_EQ(moving_used(m), BLOCK_BYTES);
    CHECK_EQ(CU(cuStreamQuery)(busy), CUDA_ERROR_NOT_READY);
    moving_fill(m, block, BLOCK_BYTES, BLOCK_VALUE, other);
    CHECK_EQ(CU(cuStreamSynchronize)(other), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamQuery)(busy), CUDA_ERROR_NOT_READY);
    CHECK_EQ(CU(cuStreamSynchronize)(busy), CUDA_SUCCESS);
    check_block_counted(m, block);
    moving_resident(m, ALQ_RESIDENT_ALL);
    check_moves(m, block);
}

static void memory_on_its_way_back_takes_no_room_from_what_cannot_move(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    moving_start(&m, world, 128 * MIB); /* less than the block */
    CUdeviceptr block = filled_block(&m);
    moving_resident(&m, 0);
    CHECK(moving_becomes(&m, moving_demoted, BLOCK_BYTES));
    busy_stream(&m, 3000000000ull);
    moving_resident(&m, ALQ_RESIDENT_ALL);
    CHECK(moving_becomes(&m, moving_used, BLOCK_BYTES));
    CUdeviceptr small = moving_alloc(8); /* the kernel still runs, unless this machine has stood still */
    CHECK_EQ(CU(cuMemFree_v2)(small), CUDA_SUCCESS);
    check_moves(&m, block);
}

static void a_capture_is_waited_for(const struct moving *m, CUdeviceptr block)
{
    CUstream stream = capturing_stream();
    CUgraph graph = NULL;
    CUgraphExec exec = NULL;
    moving_add(m, block, BLOCK_BYTES, 1, stream);
    moving_resident(m, 0);
    CHECK_EQ(moving_report(m, 0, ALQ_MOVE_CAPTURING, false)->moved_bytes, 0);
    CHECK_EQ(moving_demoted(m), 0);
    moving_add(m, block, BLOCK_BYTES, 2, stream);
    CHECK_EQ(CU(cuStreamEndCapture)(stream, &graph), CUDA_SUCCESS);
    CHECK(moving_becomes(m, moving_demoted, BLOCK_BYTES));
    CHECK_EQ(CU(cuGraphInstantiateWithFlags)(&exec, graph, 0), CUDA_SUCCESS);
    CHECK_EQ(CU(cuGraphLaunch)(exec, stream), CUDA_SUCCESS);
    CHECK_EQ(moving_wrong(m, block, BLOCK_BYTES, BLOCK_VALUE + 3, stream), 0);
    moving_fill(m, block, BLOCK_BYTES, BLOCK_VALUE, stream);
    CHECK_EQ(CU(cuStreamSynchronize)(stream), CUDA_SUCCESS);
    check_moves(m, block);
}

/* ---- without an agent; each case kills its world's own ------------------------------------------------------------ */

static void what_is_asked_waits_for_the_next_agent(const struct moving *m, CUdeviceptr block)
{
    CUdeviceptr result = moving_alloc(8);
    kill_agent(m->world);
    moving_resident(m, 0);
    usleep(300000);
    CHECK_EQ(moving_demoted(m), 0);
    world_next_agent(m->world);
    CHECK(moving_becomes(m, moving_demoted, BLOCK_BYTES));
    CHECK_EQ(CU(cuMemFree_v2)(result), CUDA_SUCCESS);
    check_moves(m, block);
}

static void outlives_an_agent_that_dies(const struct moving *m, CUdeviceptr block, uint32_t mode)
{
    struct agent_shared *shared = m->world->agent->shared;
    CUdeviceptr result = moving_alloc(8);
    chunk_mode(m->world, mode);
    moving_resident(m, 0);
    for (int i = 0; i < PATIENCE_MS && atomic_load(&shared->chunks_given) == 0; i++) {
        usleep(1000);
    }
    CHECK_EQ(atomic_load(&shared->chunks_given), 1);
    world_next_agent(m->world);
    CHECK(moving_becomes(m, moving_demoted, BLOCK_BYTES));
    CHECK_EQ(CU(cuMemFree_v2)(result), CUDA_SUCCESS);
    check_moves(m, block);
}

static void an_agent_that_dies_before_the_descriptor_loses_nothing(const struct moving *m, CUdeviceptr block)
{
    outlives_an_agent_that_dies(m, block, CHUNKS_LAST_WORDS);
}

static void an_agent_that_dies_after_the_descriptor_loses_nothing(const struct moving *m, CUdeviceptr block)
{
    outlives_an_agent_that_dies(m, block, CHUNKS_THEN_DEATH);
}

static void demoted_data_outlives_the_agent(const struct moving *m, CUdeviceptr block)
{
    CUdeviceptr freed = moving_alloc(70 * MIB), result = moving_alloc(8);
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_demoted, BLOCK_BYTES + 70 * MIB));
    CHECK_EQ(CU(cuMemFree_v2)(result), CUDA_SUCCESS);
    kill_agent(m->world);
    CHECK_EQ(CU(cuMemFree_v2)(freed), CUDA_SUCCESS);
    check_block_counted(m, block);
    moving_resident(m, ALQ_RESIDENT_ALL); /* the credit still stands in the page */
    CHECK(moving_becomes(m, moving_demoted, 0));
    check_block_counted(m, block);
    world_next_agent(m->world);
    check_moves(m, block);
    CHECK(moving_chunks_are_back(m)); /* of this agent; it never heard of the other's */
}

/* ---- processes ------------------------------------------------------------------------------------------------- */

static void a_process_killed_in_the_middle_leaves_nothing(struct world *world, const void *argument)
{
    (void)argument;
    for (unsigned int delay_us = 0; delay_us < 200000; delay_us += 40000) {
        int ends[2];
        char byte = 0;
        CHECK_EQ(pipe(ends), 0);
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            struct moving m;
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            moving_start(&m, world, 256 * MIB);
            filled_block(&m);
            moving_resident(&m, 0);
            (void)!write(ends[1], &byte, 1);
            pause();
        }
        CHECK_EQ(read(ends[0], &byte, 1), 1);
        usleep(delay_us);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        close(ends[0]);
        close(ends[1]);
        check_nothing_left(world);
    }
}

/* The child is forked while half of the parent's block is demoted and the mover sleeps; it has a mover of its own when it needs one. */
static void a_child_has_a_mover_of_its_own(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    pid_t child = 0;
    int ends[2];
    char byte = 0;
    CHECK_EQ(pipe(ends), 0);
    test_agent_lend(world->agent, 0, 256 * MIB);
    fflush(NULL);
    child = fork();
    if (child == 0) {
        /* not of a process with CUDA: the driver does not go through a fork */
        CHECK_EQ(read(ends[0], &byte, 1), 1);
        moving_start(&m, world, 256 * MIB);
        check_moves(&m, filled_block(&m));
        end_case();
    }
    moving_start(&m, world, 256 * MIB);
    CUdeviceptr block = filled_block(&m);
    moving_resident(&m, 72 * MIB);
    CHECK(moving_becomes(&m, moving_demoted, 64 * MIB));
    pid_t second = fork();
    if (second == 0) {
        CUdeviceptr address;
        CHECK(CU(cuMemAlloc_v2)(&address, 2 * MIB) != CUDA_SUCCESS);
        CHECK(CU(cuMemFree_v2)(block) != CUDA_SUCCESS);
        end_case();
    }
    check_child(second);
    check_block_counted(&m, block);
    CHECK_EQ(write(ends[1], &byte, 1), 1);
    check_child(child);
    check_block_counted(&m, block);
    moving_resident(&m, ALQ_RESIDENT_ALL);
    CHECK(moving_becomes(&m, moving_demoted, 0));
    check_moves(&m, block);
}

static void a_process_that_ends_while_memory_moves_just_ends(struct world *world, const void *argument)
{
    (void)argument;
    for (unsigned int delay_us = 0; delay_us < 100000; delay_us += 20000) {
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            struct moving m;
            moving_start(&m, world, 256 * MIB);
            filled_block(&m);
            moving_resident(&m, 0);
            usleep(delay_us);
            exit(check_failures == 0 ? 0 : 1);
        }
        check_child(child);
    }
}

int main(void)
{
    RUN_BLOCK(an_empty_pool_is_tried_again);
    RUN_BLOCK(a_pool_that_runs_out_moves_what_it_can);
    RUN_BLOCK(nonsense_for_a_chunk_moves_nothing);
    RUN_BLOCK(nonsense_in_every_frame_moves_nothing);
    RUN_BLOCK(a_kernel_that_does_not_end_is_left_alone);
    RUN_ALONE(memory_on_its_way_back_takes_no_room_from_what_cannot_move);
    RUN_BLOCK(a_capture_is_waited_for);
    RUN_BLOCK_NEXT(what_is_asked_waits_for_the_next_agent);
    RUN_BLOCK_NEXT(an_agent_that_dies_before_the_descriptor_loses_nothing);
    RUN_BLOCK_NEXT(an_agent_that_dies_after_the_descriptor_loses_nothing);
    RUN_BLOCK_NEXT(demoted_data_outlives_the_agent);
    RUN_ALONE(a_process_killed_in_the_middle_leaves_nothing);
    RUN_ALONE(a_child_has_a_mover_of_its_own);
    RUN_ALONE(a_process_that_ends_while_memory_moves_just_ends);
    return finish_cases();
}
