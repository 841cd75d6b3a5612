/*
 * What a process's threads and children do while it is swapped out, and how it may end meanwhile: the data is always right, nobody waits for
 * ever, and nothing is left behind.
 */
#include "support_faults.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

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

static void threads_are_signalled_and_end_while_they_wait(const struct moving *m, CUdeviceptr block)
{
    pthread_t stays, goes;
    struct waiter staying = {.m = m, .block = block}, going = staying;
    moving_park(m);
    atomic_store(&m->world->agent->shared->resume_mode, RESUMES_HELD);
    signal(SIGUSR1, count_signal);
    CHECK_EQ(pthread_create(&goes, NULL, wait_at_the_gate, &going), 0);
    CHECK(moving_becomes(m, moving_resumes, 1));
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
    atomic_store(&m->world->agent->shared->resume_mode, RESUMES_GRANTED);
    pthread_join(stays, NULL);
    CHECK_EQ(staying.done, 1);
    CHECK_EQ(moving_resumes(m), 1);
    check_block(m, block);
    check_leaves(m, block);
}

static void a_child_of_a_process_that_is_away_is_not(const struct moving *m, CUdeviceptr block)
{
    moving_park(m);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        CUdeviceptr address;
        alarm(30);
        CHECK(CU(cuMemsetD32_v2)(block, 0, 1) != CUDA_SUCCESS);
        CHECK(CU(cuMemAlloc_v2)(&address, 2 * MIB) != CUDA_SUCCESS);
        CHECK(CU(cuMemFree_v2)(block) != CUDA_SUCCESS);
        end_case();
    }
    check_child(child);
    CHECK_EQ(moving_parked(m), 1);
    CHECK_EQ(moving_resumes(m), 0);
    check_block(m, block);
    CHECK_EQ(moving_resumes(m), 1);
    check_leaves(m, block);
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
        moving_park(&m);
        CHECK_EQ(moving_demoted(&m), BLOCK_BYTES);
        CHECK(moving_host_bytes(&m) >= BLOCK_BYTES);
        uint64_t before = moving_resumes(&m);
        if (ending == KILLED_AT_THE_GATE) {
            atomic_store(&world->agent->shared->resume_mode, RESUMES_HELD);
        }
        CHECK_EQ(write(in[1], &byte, 1), 1);
        CHECK(ending != KILLED_AT_THE_GATE || moving_becomes(&m, moving_resumes, before + 1));
        if (ending == KILLED || ending == KILLED_AT_THE_GATE || ending == TERMINATED) {
            kill(child, ending == TERMINATED ? SIGTERM : SIGKILL);
        }
        CHECK_EQ(waitpid(child, &status, 0), child);
        CHECK_EQ(status, ending == KILLED || ending == KILLED_AT_THE_GATE ? SIGKILL : ending == TERMINATED ? SIGTERM : 0);
        atomic_store(&world->agent->shared->resume_mode, RESUMES_GRANTED);
        check_nothing_left(world);
        CHECK_EQ(moving_host_bytes(&m), 0);
        close(in[0]);
        close(in[1]);
        close(out[0]);
        close(out[1]);
    }
}

int main(void)
{
    RUN_BLOCK(threads_are_signalled_and_end_while_they_wait);
    RUN_BLOCK(a_child_of_a_process_that_is_away_is_not);
    RUN_ALONE(a_process_that_ends_while_it_is_away_leaves_nothing);
    return finish_cases();
}
