/*
 * What goes wrong while memory moves: no chunks, no agent, an agent that talks nonsense, a device that does not come to rest, a capture that
 * does not end, a process that dies or forks. The data is always right, and the program always goes on.
 */
#include "support_moving.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The block that each case looks after. */
#define BLOCK_BYTES (136 * MIB)
#define BLOCK_VALUE 77u

static CUdeviceptr filled_block(const struct moving *m)
{
    CUdeviceptr block = moving_alloc(BLOCK_BYTES);
    moving_fill(m, block, BLOCK_BYTES, BLOCK_VALUE, NULL);
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    return block;
}

static void check_block(const struct moving *m, CUdeviceptr block)
{
    CHECK_EQ(moving_wrong(m, block, BLOCK_BYTES, BLOCK_VALUE, NULL), 0);
    CHECK_EQ(moving_used(m) + moving_demoted(m), BLOCK_BYTES);
    CHECK_EQ(moving_movable(m), moving_used(m));
}

/* Out and in once more, as if nothing had been. */
static void check_recovered(const struct moving *m, CUdeviceptr block)
{
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_demoted, BLOCK_BYTES));
    check_block(m, block);
    moving_resident(m, ALQ_RESIDENT_ALL);
    CHECK(moving_becomes(m, moving_demoted, 0));
    check_block(m, block);
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
    CHECK_EQ(moving_used(m), 0);
}

static void chunk_mode(struct world *world, uint32_t mode)
{
    atomic_store(&world->agent->shared->chunk_mode, mode);
}

static void an_empty_pool_is_tried_again(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    CUdeviceptr block = filled_block(&m);
    chunk_mode(world, CHUNKS_NONE);
    moving_resident(&m, 0);
    CHECK_EQ(moving_report(&m, 0, ALQ_MOVE_HOST_POOL, false)->moved_bytes, 0);
    CHECK_EQ(moving_used(&m), BLOCK_BYTES);
    check_block(&m, block);
    chunk_mode(world, CHUNKS_HONEST);
    CHECK(moving_becomes(&m, moving_demoted, BLOCK_BYTES));
    check_recovered(&m, block);
    CHECK(moving_chunks_are_back(&m));
}

static void a_pool_that_runs_out_moves_what_it_can(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    CUdeviceptr block = filled_block(&m);
    atomic_store(&world->agent->shared->chunks_most, atomic_load(&world->agent->shared->chunks_given) + 1);
    moving_resident(&m, 0);
    CHECK_EQ(moving_report(&m, moving_reports(&m), ALQ_MOVE_HOST_POOL, false)->moved_bytes, 64 * MIB);
    CHECK_EQ(moving_demoted(&m), 64 * MIB);
    check_block(&m, block);
    atomic_store(&world->agent->shared->chunks_most, UINT64_MAX);
    CHECK(moving_becomes(&m, moving_demoted, BLOCK_BYTES));
    check_recovered(&m, block);
}

static void nonsense_for_a_chunk_moves_nothing(struct world *world, const void *argument)
{
    static const uint32_t modes[] = {CHUNKS_WITHOUT_DESCRIPTOR, CHUNKS_TWO_DESCRIPTORS, CHUNKS_NO_MEMORY, CHUNKS_WRONG_SIZE,
        CHUNKS_SMALLER, CHUNKS_WITHOUT_ID};
    struct moving m;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    CUdeviceptr block = filled_block(&m);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        uint64_t reports = moving_reports(&m);
        chunk_mode(world, modes[i]);
        moving_resident(&m, 0);
        moving_report(&m, reports, modes[i] == CHUNKS_SMALLER ? ALQ_MOVE_FAILED : ALQ_MOVE_HOST_POOL, false);
        CHECK_EQ(moving_used(&m), BLOCK_BYTES);
        check_block(&m, block);
        moving_resident(&m, ALQ_RESIDENT_ALL);
    }
    chunk_mode(world, CHUNKS_HONEST);
    check_recovered(&m, block);
}

static void nonsense_in_every_frame_moves_nothing(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    CUdeviceptr block = filled_block(&m);
    CUdeviceptr result = moving_alloc(8); /* room for check_block's, while nothing can be asked for */
    for (uint32_t mode = AGENT_HANGS_UP; mode <= AGENT_NOISE; mode++) {
        atomic_store(&world->agent->shared->mode, mode);
        moving_resident(&m, mode % 2 == 0 ? 0 : 64 * MIB);
        usleep(200000);
    }
    atomic_store(&world->agent->shared->mode, AGENT_STALE);
    CHECK(moving_becomes(&m, moving_demoted, BLOCK_BYTES));
    CHECK_EQ(CU(cuMemFree_v2)(result), CUDA_SUCCESS);
    check_recovered(&m, block);
}

static void a_kernel_that_does_not_end_is_left_alone(struct world *world, const void *argument)
{
    struct moving m;
    CUstream busy = NULL, other = NULL;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    CUdeviceptr block = filled_block(&m);
    CHECK_EQ(CU(cuStreamCreate)(&busy, CU_STREAM_NON_BLOCKING), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamCreate)(&other, CU_STREAM_NON_BLOCKING), CUDA_SUCCESS);
    moving_spin(&m, 12000000000ull, busy);
    moving_resident(&m, 0);
    const struct alq_moved *moved = moving_report(&m, 0, ALQ_MOVE_BUSY, false);
    CHECK_EQ(moved->moved_bytes, 0);
    CHECK_EQ(moving_used(&m), BLOCK_BYTES);
    CHECK_EQ(CU(cuStreamQuery)(busy), CUDA_ERROR_NOT_READY);
    moving_fill(&m, block, BLOCK_BYTES, BLOCK_VALUE, other);
    CHECK_EQ(CU(cuStreamSynchronize)(other), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamQuery)(busy), CUDA_ERROR_NOT_READY);
    CHECK_EQ(CU(cuStreamSynchronize)(busy), CUDA_SUCCESS);
    CHECK(moving_chunks_are_back(&m));
    check_block(&m, block);
    moving_resident(&m, ALQ_RESIDENT_ALL);
    check_recovered(&m, block);
}

static void memory_on_its_way_back_takes_no_room_from_what_cannot_move(struct world *world, const void *argument)
{
    struct moving m;
    CUstream busy = NULL;
    (void)argument;
    moving_start(&m, world, 128 * MIB); /* less than the block */
    CUdeviceptr block = filled_block(&m);
    moving_resident(&m, 0);
    CHECK(moving_becomes(&m, moving_demoted, BLOCK_BYTES));
    CHECK_EQ(CU(cuStreamCreate)(&busy, CU_STREAM_NON_BLOCKING), CUDA_SUCCESS);
    moving_spin(&m, 3000000000ull, busy);
    moving_resident(&m, ALQ_RESIDENT_ALL);
    CHECK(moving_becomes(&m, moving_used, BLOCK_BYTES));
    CUdeviceptr small = moving_alloc(8); /* the kernel still runs, unless this machine has stood still */
    CHECK_EQ(CU(cuMemFree_v2)(small), CUDA_SUCCESS);
    check_recovered(&m, block);
}

static void a_capture_is_waited_for(struct world *world, const void *argument)
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
    moving_add(&m, block, BLOCK_BYTES, 1, stream);
    moving_resident(&m, 0);
    CHECK_EQ(moving_report(&m, 0, ALQ_MOVE_CAPTURING, false)->moved_bytes, 0);
    CHECK_EQ(moving_demoted(&m), 0);
    moving_add(&m, block, BLOCK_BYTES, 2, stream);
    CHECK_EQ(CU(cuStreamEndCapture)(stream, &graph), CUDA_SUCCESS);
    CHECK(moving_becomes(&m, moving_demoted, BLOCK_BYTES));
    CHECK_EQ(CU(cuGraphInstantiateWithFlags)(&exec, graph, 0), CUDA_SUCCESS);
    CHECK_EQ(CU(cuGraphLaunch)(exec, stream), CUDA_SUCCESS);
    CHECK_EQ(moving_wrong(&m, block, BLOCK_BYTES, BLOCK_VALUE + 3, stream), 0);
    moving_fill(&m, block, BLOCK_BYTES, BLOCK_VALUE, stream);
    CHECK_EQ(CU(cuStreamSynchronize)(stream), CUDA_SUCCESS);
    check_recovered(&m, block);
}

/* ---- without an agent; each case kills its world's own ------------------------------------------------------------ */

static void kill_agent(const struct world *world)
{
    kill(world->agent->pid, SIGKILL);
    for (int i = 0; i < 10000 && atomic_load(&world->agent->shared->ready); i++) {
        char path[64], state = 0;
        snprintf(path, sizeof path, "/proc/%d/stat", (int)world->agent->pid);
        FILE *file = fopen(path, "re");
        if (file == NULL || fscanf(file, "%*d (%*[^)]) %c", &state) != 1 || state == 'Z') {
            i = 10000;
        }
        if (file != NULL) {
            fclose(file);
        }
        usleep(1000);
    }
}

static void what_is_asked_waits_for_the_next_agent(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    world_prepare_agent(world);
    moving_start(&m, world, 256 * MIB);
    CUdeviceptr block = filled_block(&m), result = moving_alloc(8);
    kill_agent(world);
    moving_resident(&m, 0);
    usleep(300000);
    CHECK_EQ(moving_demoted(&m), 0);
    world_next_agent(world);
    CHECK(moving_becomes(&m, moving_demoted, BLOCK_BYTES));
    CHECK_EQ(CU(cuMemFree_v2)(result), CUDA_SUCCESS);
    check_recovered(&m, block);
}

/* How the agent dies is the argument. */
static void an_agent_that_dies_between_the_frames_loses_nothing(struct world *world, const void *argument)
{
    const uint32_t *mode = argument;
    struct moving m;
    world_prepare_agent(world);
    moving_start(&m, world, 256 * MIB);
    CUdeviceptr block = filled_block(&m), result = moving_alloc(8);
    chunk_mode(world, *mode);
    moving_resident(&m, 0);
    for (int i = 0; i < 10000 && atomic_load(&world->agent->shared->chunks_given) == 0; i++) {
        usleep(1000);
    }
    CHECK_EQ(atomic_load(&world->agent->shared->chunks_given), 1);
    world_next_agent(world);
    CHECK(moving_becomes(&m, moving_demoted, BLOCK_BYTES));
    CHECK_EQ(CU(cuMemFree_v2)(result), CUDA_SUCCESS);
    check_recovered(&m, block);
}

static void demoted_data_outlives_the_agent(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    world_prepare_agent(world);
    moving_start(&m, world, 256 * MIB);
    CUdeviceptr block = filled_block(&m), freed = moving_alloc(70 * MIB), result = moving_alloc(8);
    moving_resident(&m, 0);
    CHECK(moving_becomes(&m, moving_demoted, BLOCK_BYTES + 70 * MIB));
    CHECK_EQ(CU(cuMemFree_v2)(result), CUDA_SUCCESS);
    kill_agent(world);
    CHECK_EQ(CU(cuMemFree_v2)(freed), CUDA_SUCCESS);
    check_block(&m, block);
    moving_resident(&m, ALQ_RESIDENT_ALL); /* the credit still stands in the page */
    CHECK(moving_becomes(&m, moving_demoted, 0));
    check_block(&m, block);
    world_next_agent(world);
    check_recovered(&m, block);
    CHECK(moving_chunks_are_back(&m)); /* of this agent; it never heard of the other's */
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
        for (int i = 0; i < 10000 && (truth_total(world, 0) != 0 || test_agent_slots(world->agent) != 0); i++) {
            usleep(1000);
        }
        CHECK_EQ(truth_total(world, 0), 0);
        CHECK_EQ(test_agent_slots(world->agent), 0);
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
        check_recovered(&m, filled_block(&m));
        _exit(check_failures == 0 ? 0 : 1);
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
        _exit(check_failures == 0 ? 0 : 1);
    }
    int status = 1;
    waitpid(second, &status, 0);
    CHECK_EQ(status, 0);
    check_block(&m, block);
    CHECK_EQ(write(ends[1], &byte, 1), 1);
    waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
    check_block(&m, block);
    moving_resident(&m, ALQ_RESIDENT_ALL);
    CHECK(moving_becomes(&m, moving_demoted, 0));
    check_recovered(&m, block);
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
        int status = 1;
        waitpid(child, &status, 0);
        CHECK_EQ(status, 0);
    }
}

static struct world *open_world(void)
{
    return world_open((struct world_config){.memory_bytes = 4096 * MIB, .limit_bytes = 1024 * MIB});
}

static void run_alone(const char *name, case_body *body, const void *argument)
{
    struct world *world = open_world();
    run_case(name, body, world, argument);
    world_close(world);
}

#define RUN_ALONE(name) run_alone(#name, name, NULL)

int main(void)
{
    static const uint32_t last_words = CHUNKS_LAST_WORDS, then_death = CHUNKS_THEN_DEATH;
    RUN_ALONE(an_empty_pool_is_tried_again);
    RUN_ALONE(a_pool_that_runs_out_moves_what_it_can);
    RUN_ALONE(nonsense_for_a_chunk_moves_nothing);
    RUN_ALONE(nonsense_in_every_frame_moves_nothing);
    RUN_ALONE(a_kernel_that_does_not_end_is_left_alone);
    RUN_ALONE(memory_on_its_way_back_takes_no_room_from_what_cannot_move);
    RUN_ALONE(a_capture_is_waited_for);
    RUN_ALONE(what_is_asked_waits_for_the_next_agent);
    run_alone("an_agent_that_dies_before_the_descriptor", an_agent_that_dies_between_the_frames_loses_nothing, &last_words);
    run_alone("an_agent_that_dies_after_the_descriptor", an_agent_that_dies_between_the_frames_loses_nothing, &then_death);
    RUN_ALONE(demoted_data_outlives_the_agent);
    RUN_ALONE(a_process_killed_in_the_middle_leaves_nothing);
    RUN_ALONE(a_child_has_a_mover_of_its_own);
    RUN_ALONE(a_process_that_ends_while_memory_moves_just_ends);
    return finish_cases();
}
