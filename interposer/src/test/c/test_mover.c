/*
 * Memory that is moved away and back under a program that goes on: the data stays where it was, the figures are exact, and the device
 * really has the room.
 */
#include "support_workers.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

static void data_survives_the_way_out_and_back(const struct moving *m)
{
    size_t free_before = 0, free_demoted = 0, total = 0;
    unsigned int type = 0;
    CHECK(overhead_becomes(m->world, 18 * MIB));
    uint64_t truth = truth_bytes(m->world, 0, 0);
    CUdeviceptr large = moving_alloc(200 * MIB), small = moving_alloc(6 * MIB);
    moving_filled(m, large, 200 * MIB, 11);
    moving_filled(m, small, 6 * MIB, 22);
    CHECK_EQ(CU(cuMemGetInfo_v2)(&free_before, &total), CUDA_SUCCESS);
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_demoted, 206 * MIB));
    const struct alq_moved *moved = moving_report(m, 0, ALQ_MOVE_DONE, false);
    CHECK_EQ(moved->moved_bytes, 206 * MIB);
    CHECK_EQ(moved->wake, __atomic_load_n(&m->world->agent->control->slots[m->slot].wake, __ATOMIC_SEQ_CST));
    CHECK(moved->copy_ns > 0 && moved->copy_ns <= moved->closed_ns);
    CHECK_EQ(moving_used(m), 0);
    CHECK_EQ(moving_movable(m), 0);
    CHECK_EQ(truth_bytes(m->world, 0, 0), truth);
    CHECK_EQ(moving_host_bytes(m), 206 * MIB);
    CHECK_EQ(CU(cuMemGetInfo_v2)(&free_demoted, &total), CUDA_SUCCESS);
    CHECK_EQ(free_demoted, free_before);
    CHECK_EQ(CU(cuPointerGetAttribute)(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, large + 100 * MIB), CUDA_SUCCESS);
    CHECK_EQ(type, CU_MEMORYTYPE_DEVICE);
    CHECK_EQ(moving_wrong(m, large, 200 * MIB, 11, NULL), 0);
    CHECK_EQ(moving_wrong(m, small, 6 * MIB, 22, NULL), 0);
    moving_add(m, large, 200 * MIB, 5, NULL);
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    moving_resident(m, ALQ_RESIDENT_ALL);
    CHECK(moving_becomes(m, moving_demoted, 0));
    CHECK_EQ(moving_report(m, 0, ALQ_MOVE_DONE, true)->moved_bytes, 206 * MIB);
    CHECK_EQ(moving_used(m), 206 * MIB);
    CHECK_EQ(moving_movable(m), 206 * MIB);
    CHECK_EQ(truth_bytes(m->world, 0, 0) - truth, 206 * MIB);
    CHECK_EQ(moving_wrong(m, large, 200 * MIB, 16, NULL), 0);
    CHECK_EQ(moving_wrong(m, small, 6 * MIB, 22, NULL), 0);
    CHECK_EQ(CU(cuMemFree_v2)(large), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFree_v2)(small), CUDA_SUCCESS);
    CHECK(moving_chunks_are_back(m));
    CHECK_EQ(moving_host_bytes(m), 0);
}

static void chunks_stay_in_hand_for_the_next_time_until_there_is_nothing_to_move_to_them(const struct moving *m)
{
    const struct agent_shared *shared = m->world->agent->shared;
    uint64_t given = atomic_load(&shared->chunks_given), returned = atomic_load(&shared->chunks_returned);
    CUdeviceptr large = moving_alloc(200 * MIB), small = moving_alloc(6 * MIB);
    moving_filled(m, large, 200 * MIB, 11);
    moving_filled(m, small, 6 * MIB, 22);
    for (uint32_t round = 0; round < 3; round++) {
        moving_resident(m, 0);
        CHECK(moving_becomes(m, moving_demoted, 206 * MIB));
        moving_report(m, 0, ALQ_MOVE_DONE, false);
        moving_add(m, large, 200 * MIB, 1, NULL);
        CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
        moving_resident(m, ALQ_RESIDENT_ALL);
        CHECK(moving_becomes(m, moving_demoted, 0));
        moving_report(m, 0, ALQ_MOVE_DONE, true);
        CHECK_EQ(atomic_load(&shared->chunks_given) - given, 5); /* 64 + 64 + 64 + 8 and 6 MiB */
        CHECK_EQ(atomic_load(&shared->chunks_returned) - returned, 0);
        CHECK_EQ(moving_host_bytes(m), 206 * MIB);
    }
    CHECK_EQ(moving_wrong(m, large, 200 * MIB, 14, NULL), 0);
    CHECK_EQ(moving_wrong(m, small, 6 * MIB, 22, NULL), 0);
    CHECK_EQ(CU(cuMemFree_v2)(large), CUDA_SUCCESS);
    for (int i = 0; i < PATIENCE_MS && moving_host_bytes(m) > 6 * MIB; i++) {
        usleep(1000);
    }
    CHECK(moving_host_bytes(m) <= 6 * MIB);
    CHECK_EQ(CU(cuMemFree_v2)(small), CUDA_SUCCESS);
    CHECK(moving_chunks_are_back(m));
    CHECK_EQ(moving_host_bytes(m), 0);
}

static void no_more_is_demoted_than_whole_pieces_need(const struct moving *m)
{
    CUdeviceptr older = moving_alloc(192 * MIB), younger = moving_alloc(74 * MIB);
    moving_filled(m, older, 192 * MIB, 1);
    moving_filled(m, younger, 74 * MIB, 2);
    moving_resident(m, 170 * MIB);
    CHECK(moving_becomes(m, moving_demoted, 128 * MIB));
    CHECK_EQ(moving_used(m), 138 * MIB);
    moving_report(m, 0, ALQ_MOVE_DONE, false);
    CHECK_EQ(moving_wrong(m, older, 192 * MIB, 1, NULL), 0);
    CHECK_EQ(moving_wrong(m, younger, 74 * MIB, 2, NULL), 0);
    /* the younger block's whole piece went first: without that block one piece of the older one is left away */
    CHECK_EQ(CU(cuMemFree_v2)(younger), CUDA_SUCCESS);
    CHECK_EQ(moving_used(m) + moving_demoted(m), 192 * MIB);
    CHECK(moving_becomes(m, moving_demoted, 64 * MIB) || moving_becomes(m, moving_demoted, 0));
    CHECK_EQ(CU(cuMemFree_v2)(older), CUDA_SUCCESS);
    CHECK_EQ(moving_used(m), 0);
    CHECK_EQ(moving_demoted(m), 0);
    CHECK(moving_chunks_are_back(m));
}

static void what_was_demoted_is_freed_as_ever(const struct moving *m)
{
    uint64_t truth = truth_bytes(m->world, 0, 0);
    CUdeviceptr half = moving_alloc(128 * MIB);
    moving_resident(m, 64 * MIB);
    CHECK(moving_becomes(m, moving_demoted, 64 * MIB));
    CHECK_EQ(moving_used(m), 64 * MIB);
    CHECK_EQ(CU(cuMemFree_v2)(half), CUDA_SUCCESS);
    CHECK_EQ(moving_used(m), 0);
    CHECK_EQ(moving_demoted(m), 0);
    CHECK_EQ(moving_movable(m), 0);
    moving_resident(m, 0);
    CUdeviceptr whole = moving_alloc(100 * MIB);
    test_agent_wake(m->world->agent, m->slot);
    CHECK(moving_becomes(m, moving_demoted, 100 * MIB));
    CHECK_EQ(CU(cuMemFree_v2)(whole), CUDA_SUCCESS);
    CHECK_EQ(moving_demoted(m), 0);
    CHECK_EQ(truth_bytes(m->world, 0, 0), truth);
    CHECK(moving_chunks_are_back(m));
}

static void what_was_submitted_before_is_done_first(const struct moving *m)
{
    CUdeviceptr block = moving_alloc(70 * MIB);
    moving_filled(m, block, 70 * MIB, 1);
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    CUstream stream = moving_stream();
    moving_spin(m, 1000000000, stream);
    moving_fill(m, block, 70 * MIB, 2, stream);
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_demoted, 70 * MIB));
    CHECK_EQ(moving_wrong(m, block, 70 * MIB, 2, stream), 0);
    moving_resident(m, ALQ_RESIDENT_ALL);
    moving_spin(m, 1000000000, stream);
    moving_fill(m, block, 70 * MIB, 3, stream);
    CHECK(moving_becomes(m, moving_demoted, 0));
    CHECK_EQ(moving_wrong(m, block, 70 * MIB, 3, stream), 0);
}

static void a_word_that_came_before_the_mover_listened_counts(const struct moving *m)
{
    moving_resident(m, 0);
    moving_resident(m, 36 * MIB);
    CUdeviceptr block = moving_alloc(100 * MIB);
    moving_filled(m, block, 100 * MIB, 4);
    test_agent_wake(m->world->agent, m->slot);
    CHECK(moving_becomes(m, moving_demoted, 64 * MIB));
    CHECK_EQ(moving_wrong(m, block, 100 * MIB, 4, NULL), 0);
}

static void what_comes_back_fits_the_credit(const struct moving *m)
{
    CUdeviceptr block = moving_alloc(192 * MIB), other = moving_alloc(64 * MIB);
    moving_filled(m, block, 192 * MIB, 8);
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_demoted, 256 * MIB));
    uint64_t reports = moving_reports(m);
    moving_credit(m, 130 * MIB);
    moving_resident(m, ALQ_RESIDENT_ALL);
    CHECK_EQ(moving_report(m, reports, ALQ_MOVE_DONE, true)->moved_bytes, 128 * MIB);
    CHECK_EQ(moving_used(m), 128 * MIB);
    CHECK_EQ(moving_demoted(m), 128 * MIB);
    /* the oldest block's pieces came first; freeing it makes room for the other, and nobody has to say so */
    CHECK_EQ(moving_wrong(m, block, 192 * MIB, 8, NULL), 0);
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
    CHECK(moving_becomes(m, moving_demoted, 0));
    CHECK_EQ(moving_used(m), 64 * MIB);
    CHECK_EQ(CU(cuMemFree_v2)(other), CUDA_SUCCESS);
    CHECK(moving_chunks_are_back(m));
}

static void what_comes_back_stays_below_what_may_stay(const struct moving *m)
{
    moving_alloc(256 * MIB);
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_demoted, 256 * MIB));
    uint64_t reports = moving_reports(m);
    moving_resident(m, 100 * MIB);
    CHECK_EQ(moving_report(m, reports, ALQ_MOVE_DONE, true)->moved_bytes, 64 * MIB);
    CHECK_EQ(moving_used(m), 64 * MIB);
    moving_resident(m, 63 * MIB);
    CHECK(moving_becomes(m, moving_used, 0));
}

static void without_movable_memory_there_is_nothing_to_move(const struct moving *m)
{
    CUdeviceptr managed = 0;
    CHECK_EQ(CU(cuMemAllocManaged)(&managed, 20 * MIB, CU_MEM_ATTACH_GLOBAL), CUDA_SUCCESS);
    CUdeviceptr block = moving_alloc(10 * MIB);
    moving_resident(m, 4 * MIB);
    CHECK_EQ(moving_report(m, 0, ALQ_MOVE_NOTHING, false)->moved_bytes, 10 * MIB);
    CHECK_EQ(moving_used(m), 20 * MIB);
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
}

/* A program outside of the tenant, begun before this process has a device: takes memory when it is told to, and says whether it got it. */
static _Noreturn void be_a_stranger(int in, int out)
{
    CUcontext context;
    uint64_t bytes;
    int count = 0;
    BARE(cuInit)(0);
    BARE(cuDeviceGetCount)(&count);
    BARE(cuDevicePrimaryCtxRetain)(&context, count - 1);
    BARE(cuCtxSetCurrent)(context);
    while (read(in, &bytes, sizeof bytes) == (ssize_t)sizeof bytes) {
        CUdeviceptr address;
        CUresult result = BARE(cuMemAlloc_v2)(&address, bytes);
        if (write(out, &result, sizeof result) != (ssize_t)sizeof result) {
            break;
        }
    }
    _exit(0);
}

static void another_process_gets_the_room(struct world *world, const void *argument)
{
    struct moving m;
    int in[2], out[2];
    uint64_t bytes = 500 * MIB;
    CUresult result = CUDA_SUCCESS;
    (void)argument;
    CHECK(pipe(in) == 0 && pipe(out) == 0);
    if (fork() == 0) {
        close(in[1]);
        be_a_stranger(in[0], out[1]);
    }
    moving_start(&m, world, 256 * MIB);
    CUdeviceptr block = moving_alloc(640 * MIB);
    moving_filled(&m, block, 640 * MIB, 3);
    CHECK(write(in[1], &bytes, sizeof bytes) == sizeof bytes && read(out[0], &result, sizeof result) == sizeof result);
    CHECK_EQ(result, CUDA_ERROR_OUT_OF_MEMORY);
    moving_resident(&m, 64 * MIB);
    CHECK(moving_becomes(&m, moving_used, 64 * MIB));
    CHECK(write(in[1], &bytes, sizeof bytes) == sizeof bytes && read(out[0], &result, sizeof result) == sizeof result);
    CHECK_EQ(result, CUDA_SUCCESS);
    CHECK_EQ(moving_wrong(&m, block, 640 * MIB, 3, NULL), 0);
}

/* ---- under load ------------------------------------------------------------------------------------------------- */

#define WORKERS 8

/* Whether memory has been moved that way since. */
static bool moved_since(const struct moving *m, uint64_t since, bool promoted)
{
    for (uint64_t at = since; at < moving_reports(m); at++) {
        if ((m->world->agent->shared->moved[at % AGENT_MOVES].promoted != 0) == promoted) {
            return true;
        }
    }
    return false;
}

/* Says what may stay, and gives the mover time to say what came of it; where the program has freed what would move, nothing does. */
static void move_to(const struct moving *m, uint64_t resident_bytes)
{
    uint64_t since = moving_reports(m);
    moving_resident(m, resident_bytes);
    for (int i = 0; i < 2000 && !moved_since(m, since, resident_bytes == ALQ_RESIDENT_ALL); i++) {
        usleep(1000);
    }
}

/* Moves everything out and in for some seconds while the workers work; each of them gets somewhere between any two moves. */
static void move_under(struct world *world, void *(*const bodies[WORKERS])(void *), uint64_t seconds)
{
    struct moving m;
    struct worker workers[WORKERS];
    pthread_t threads[WORKERS];
    struct timespec now, end;
    uint64_t rounds = 0;
    moving_start(&m, world, 256 * MIB);
    uint64_t truth = truth_bytes(world, 0, 0);
    for (uint32_t i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){.moving = &m, .number = i + 1};
        CHECK_EQ(pthread_create(&threads[i], NULL, bodies[i], &workers[i]), 0);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += (time_t)seconds;
    do {
        move_to(&m, rounds % 3 == 0 ? 10 * MIB : 0);
        move_to(&m, ALQ_RESIDENT_ALL);
        rounds++;
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec < end.tv_sec || rounds < 4);
    __atomic_store_n(&work_ends, 1, __ATOMIC_SEQ_CST);
    uint64_t worked = 0;
    for (uint32_t i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
        CHECK_EQ(workers[i].wrong, 0);
        worked += workers[i].rounds;
    }
    uint64_t demoted = 0, promoted = 0, moves = moving_reports(&m);
    for (uint64_t i = moves > AGENT_MOVES ? moves - AGENT_MOVES : 0; i < moves; i++) {
        const struct alq_moved *moved = &world->agent->shared->moved[i % AGENT_MOVES];
        CHECK(moved->outcome == ALQ_MOVE_DONE || moved->outcome == ALQ_MOVE_NOTHING);
        *(moved->promoted ? &promoted : &demoted) += moved->moved_bytes;
    }
    CHECK(demoted > 0 && promoted > 0);
    CHECK_EQ(moving_demoted(&m), 0);
    CHECK_EQ(moving_movable(&m), 0);
    CHECK(used_becomes(world, 0));
    CHECK_EQ(truth_bytes(world, 0, 0), truth);
    CHECK(moving_chunks_are_back(&m));
    fprintf(stderr, "  %llu rounds of work, %llu moves, of the last ones %llu MiB out and %llu MiB in\n", (unsigned long long)worked,
        (unsigned long long)moves, (unsigned long long)(demoted / MIB), (unsigned long long)(promoted / MIB));
}

static void kernels_and_graphs_never_notice(struct world *world, const void *argument)
{
    (void)argument;
    move_under(world, (void *(*const[WORKERS])(void *)){work_compute, work_compute, work_compute, work_replay, work_replay, work_compute, work_replay, work_compute}, 6);
}

static void blocks_come_and_go_while_others_move(struct world *world, const void *argument)
{
    (void)argument;
    move_under(world, (void *(*const[WORKERS])(void *)){work_churn, work_churn, work_churn, work_churn, work_churn, work_churn, work_churn, work_churn}, 6);
}

int main(void)
{
    struct world *world = world_open((struct world_config){.memory_bytes = 4096 * MIB, .limit_bytes = 2048 * MIB});
    RUN_MOVING(data_survives_the_way_out_and_back, world);
    world_close(world);
    world = world_open((struct world_config){.memory_bytes = 4096 * MIB, .limit_bytes = 2048 * MIB});
    RUN_MOVING(chunks_stay_in_hand_for_the_next_time_until_there_is_nothing_to_move_to_them, world);
    RUN_MOVING(no_more_is_demoted_than_whole_pieces_need, world);
    RUN_MOVING(what_was_demoted_is_freed_as_ever, world);
    RUN_MOVING(what_was_submitted_before_is_done_first, world);
    RUN_MOVING(a_word_that_came_before_the_mover_listened_counts, world);
    RUN_MOVING(what_comes_back_stays_below_what_may_stay, world);
    world_close(world);
    world = world_open((struct world_config){.memory_bytes = 4096 * MIB, .limit_bytes = 2048 * MIB});
    RUN_MOVING(what_comes_back_fits_the_credit, world);
    world_close(world);
    world = world_open((struct world_config){.memory_bytes = 4096 * MIB, .limit_bytes = 2048 * MIB});
    RUN_MOVING(without_movable_memory_there_is_nothing_to_move, world);
    world_close(world);
    world = world_open((struct world_config){.memory_bytes = 1024 * MIB, .limit_bytes = 2048 * MIB});
    RUN(another_process_gets_the_room, world);
    world_close(world);
    world = world_open((struct world_config){.memory_bytes = 4096 * MIB, .limit_bytes = 2048 * MIB});
    RUN(kernels_and_graphs_never_notice, world);
    world_close(world);
    world = world_open((struct world_config){.memory_bytes = 4096 * MIB, .limit_bytes = 2048 * MIB});
    RUN(blocks_come_and_go_while_others_move, world);
    world_close(world);
    return finish_cases();
}
