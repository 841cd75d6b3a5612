/*
 * What keeps a process from being bare, what an agent may do meanwhile, and how a bare process may end: its data is where it was, and nothing is
 * left behind.
 */
#include "support_bare.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void who_is_refused_asks_again(const struct moving *m, CUdeviceptr block)
{
    pthread_t thread;
    struct bare_caller caller = {.m = m, .block = block};
    bare_checkpoint(m);
    atomic_store(&m->world->agent->shared->resume_mode, RESUMES_REFUSED);
    CHECK_EQ(pthread_create(&thread, NULL, bare_call, &caller), 0);
    CHECK(moving_becomes(m, moving_resumes, 3));
    CHECK_EQ(moving_parked(m), ALQ_PARKED_BARE);
    atomic_store(&m->world->agent->shared->resume_mode, RESUMES_GRANTED);
    pthread_join(thread, NULL);
    CHECK_EQ(bare_restores(m), 1);
    check_block(m, block);
    check_leaves(m, block);
}

static void without_a_fresh_descriptor_a_process_stays_hot(const struct moving *m, CUdeviceptr block)
{
    bare_park(m);
    uint64_t reports = moving_reports(m);
    atomic_store(&m->world->agent->shared->chunk_mode, CHUNKS_NOT_REOPENED);
    bare_tell(m, 1);
    bare_stays_hot(m, reports, ALQ_MOVE_FAILED);
    atomic_store(&m->world->agent->shared->chunk_mode, CHUNKS_HONEST);
    bare_tell(m, 1); /* another wake: tried again */
    CHECK(moving_becomes(m, moving_parked, ALQ_PARKED_BARE));
    check_block(m, block);
    check_leaves(m, block);
}

static void a_process_that_has_imported_memory_stays_hot(const struct moving *m, CUdeviceptr block)
{
    CUmemAllocationProp properties = {.type = CU_MEM_ALLOCATION_TYPE_PINNED,
        .requestedHandleTypes = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR,
        .location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = moving_device()}};
    CUmemGenericAllocationHandle made, imported;
    int fd = -1;
    CHECK_EQ(CU(cuMemCreate)(&made, 2 * MIB, &properties, 0), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemExportToShareableHandle)(&fd, made, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemImportFromShareableHandle)(&imported, (void *)(uintptr_t)fd, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR),
        CUDA_SUCCESS);
    close(fd);
    bare_park(m);
    uint64_t reports = moving_reports(m);
    bare_tell(m, 1);
    bare_stays_hot(m, reports, ALQ_MOVE_FAILED);
    check_block(m, block);
}

static void a_process_that_has_handed_out_memory_stays_hot(const struct moving *m, CUdeviceptr block)
{
    CUmemAllocationProp properties = {.type = CU_MEM_ALLOCATION_TYPE_PINNED,
        .requestedHandleTypes = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR,
        .location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = moving_device()}};
    CUmemGenericAllocationHandle made;
    int fd = -1;
    CHECK_EQ(CU(cuMemCreate)(&made, 2 * MIB, &properties, 0), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemExportToShareableHandle)(&fd, made, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0), CUDA_SUCCESS);
    close(fd);
    bare_park(m);
    uint64_t reports = moving_reports(m);
    bare_tell(m, 1);
    bare_stays_hot(m, reports, ALQ_MOVE_FAILED);
    check_block(m, block);
}

static void deep_withdrawn_before_the_driver_was_locked_leaves_it_hot(const struct moving *m, CUdeviceptr block)
{
    bare_become(m);
    bare_tell(m, 0);
    CHECK(moving_becomes(m, moving_parked, ALQ_PARKED_HOT));
    CHECK_EQ(bare_descriptors(HIGH_DESCRIPTOR, INT_MAX), 0);
    CHECK_EQ(moving_demoted(m), BLOCK_BYTES);
    CHECK_EQ(moving_resumes(m), 0);
    check_block(m, block);
    CHECK_EQ(moving_resumes(m), 1);
    check_leaves(m, block);
}

static void deep_withdrawn_at_once_changes_nothing(const struct moving *m, CUdeviceptr block)
{
    moving_park(m);
    for (int i = 0; i < 20; i++) {
        bare_tell(m, 1);
        usleep((useconds_t)i * 200);
        bare_tell(m, 0);
    }
    CHECK(moving_becomes(m, moving_parked, ALQ_PARKED_HOT));
    check_block(m, block);
    CHECK_EQ(bare_restores(m), 0);
    check_leaves(m, block);
}

static void deep_said_to_a_process_that_runs_changes_nothing(const struct moving *m, CUdeviceptr block)
{
    bare_tell(m, 1);
    check_block(m, block);
    CHECK_EQ(moving_parked(m), 0);
    CHECK_EQ(atomic_load(&m->world->agent->shared->reopens), 0);
    bare_tell(m, 0);
    check_leaves(m, block);
}

static void an_agent_that_lets_it_return_brings_it_back(const struct moving *m, CUdeviceptr block)
{
    bare_checkpoint(m);
    CHECK_EQ(test_agent_order(m->world->agent, m->slot, ORDER_RESTORE), CUDA_SUCCESS);
    bare_tell(m, 0);
    CHECK(moving_becomes(m, moving_parked, ALQ_PARKED_HOT));
    moving_return(m);
    CHECK(moving_becomes(m, moving_parked, 0));
    CHECK_EQ(moving_resumes(m), 0);
    check_block(m, block);
    check_leaves(m, block);
}

static void a_next_agent_brings_back_what_its_predecessor_left(const struct moving *m, CUdeviceptr block)
{
    CUdeviceptr result = moving_alloc(8); /* room for check_block's */
    bare_checkpoint(m);
    kill_agent(m->world);
    pthread_t thread;
    struct bare_caller caller = {.m = m, .block = block};
    CHECK_EQ(pthread_create(&thread, NULL, bare_call, &caller), 0);
    usleep(300000);
    CHECK_EQ(moving_parked(m), ALQ_PARKED_BARE);
    world_next_agent(m->world);
    pthread_join(thread, NULL);
    CHECK_EQ(bare_restores(m), 1);
    CHECK_EQ(moving_resumes(m), 1);
    check_block(m, block);
    CHECK_EQ(CU(cuMemFree_v2)(result), CUDA_SUCCESS);
    CHECK(moving_becomes(m, moving_demoted, 0));
}

static void data_in_chunks_of_an_earlier_agent_dives_too(const struct moving *m, CUdeviceptr block)
{
    CUdeviceptr result = moving_alloc(8); /* room for check_block's */
    moving_resident(m, BLOCK_BYTES - 1); /* a piece of it is mapped at its own address then */
    CHECK(moving_becomes(m, moving_demoted, 64 * MIB));
    moving_park(m);
    kill_agent(m->world);
    world_next_agent(m->world);
    bare_tell(m, 1);
    CHECK(moving_becomes(m, moving_parked, ALQ_PARKED_BARE));
    CHECK_EQ(test_agent_order(m->world->agent, m->slot, ORDER_CHECKPOINT), CUDA_SUCCESS);
    CHECK_EQ(truth_total(m->world, 0), 0);
    check_block(m, block);
    CHECK_EQ(bare_restores(m), 1);
    CHECK_EQ(CU(cuMemFree_v2)(result), CUDA_SUCCESS);
    check_leaves(m, block);
}

static void a_seat_that_is_stale_is_taken_anew(const struct moving *m, CUdeviceptr block)
{
    bare_checkpoint(m);
    uint64_t hellos = atomic_load(&m->world->agent->shared->hellos);
    atomic_store(&m->world->agent->shared->mode, AGENT_STALE);
    CHECK_EQ(CU(cuStreamSynchronize)(NULL), CUDA_SUCCESS);
    CHECK_EQ(atomic_load(&m->world->agent->shared->hellos), hellos + 1);
    CHECK_EQ(bare_restores(m), 1);
    check_block(m, block);
    check_leaves(m, block);
}

enum ending { KILLED, TERMINATED, RETURNS };

/* A process that is checkpointed, until it is told how to end. */
static _Noreturn void be_bare(struct world *world, int in, int out, enum ending ending)
{
    struct moving m;
    char byte = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    moving_start(&m, world, 256 * MIB);
    filled_block(&m);
    bare_checkpoint(&m);
    (void)!write(out, &byte, 1);
    (void)!read(in, &byte, 1);
    if (ending != RETURNS) {
        pause();
    }
    exit(check_failures == 0 ? 0 : 1);
}

static void a_process_that_ends_while_it_is_bare_leaves_nothing(struct world *world, const void *argument)
{
    (void)argument;
    for (enum ending ending = KILLED; ending <= RETURNS; ending++) {
        int in[2], out[2], status = -1;
        char byte = 0;
        CHECK(pipe(in) == 0 && pipe(out) == 0);
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            be_bare(world, in[0], out[1], ending);
        }
        CHECK_EQ(read(out[0], &byte, 1), 1);
        CHECK_EQ(write(in[1], &byte, 1), 1);
        if (ending != RETURNS) {
            kill(child, ending == KILLED ? SIGKILL : SIGTERM);
        }
        CHECK_EQ(waitpid(child, &status, 0), child);
        CHECK_EQ(status, ending == KILLED ? SIGKILL : ending == TERMINATED ? SIGTERM : 0);
        check_nothing_left(world);
        close(in[0]);
        close(in[1]);
        close(out[0]);
        close(out[1]);
    }
}

int main(void)
{
    RUN_BLOCK(who_is_refused_asks_again);
    RUN_BLOCK(without_a_fresh_descriptor_a_process_stays_hot);
    RUN_BLOCK(a_process_that_has_imported_memory_stays_hot);
    RUN_BLOCK(a_process_that_has_handed_out_memory_stays_hot);
    RUN_BLOCK(deep_withdrawn_before_the_driver_was_locked_leaves_it_hot);
    RUN_BLOCK(deep_withdrawn_at_once_changes_nothing);
    RUN_BLOCK(deep_said_to_a_process_that_runs_changes_nothing);
    RUN_BLOCK(an_agent_that_lets_it_return_brings_it_back);
    RUN_BLOCK_NEXT(a_next_agent_brings_back_what_its_predecessor_left);
    RUN_BLOCK_NEXT(data_in_chunks_of_an_earlier_agent_dives_too);
    RUN_BLOCK(a_seat_that_is_stale_is_taken_anew);
    RUN_ALONE(a_process_that_ends_while_it_is_bare_leaves_nothing);
    return finish_cases();
}
