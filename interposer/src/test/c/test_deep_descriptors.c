/*
 * What a program sees of the descriptors that its library keeps while it is bare: nothing.
 */
#include "support_bare.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <unistd.h>

/* What a block of BLOCK_BYTES is in. */
#define BLOCK_CHUNKS 3u

static void no_descriptor_is_missing_and_the_limit_is_as_before(const struct moving *m, CUdeviceptr block)
{
    struct rlimit before, now;
    unsigned int low = bare_descriptors(0, SIMULATED_DESCRIPTOR);
    int lowest = dup(0);
    close(lowest);
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    bare_checkpoint(m);
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &now), 0);
    CHECK_EQ(now.rlim_cur, before.rlim_cur);
    CHECK_EQ(now.rlim_max, before.rlim_max);
    CHECK_EQ(bare_descriptors(0, SIMULATED_DESCRIPTOR), low);
    CHECK_EQ(bare_descriptors(HIGH_DESCRIPTOR, INT_MAX), BLOCK_CHUNKS);
    int next = dup(0);
    CHECK_EQ(next, lowest);
    close(next);
    for (int number = HIGH_DESCRIPTOR; number < 1 << 16; number++) {
        int flags = fcntl(number, F_GETFD);
        CHECK(flags < 0 || (flags & FD_CLOEXEC) != 0);
    }
    check_block(m, block);
    CHECK(moving_becomes(m, moving_parked, 0));
    CHECK_EQ(bare_descriptors(HIGH_DESCRIPTOR, INT_MAX), 0);
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &now), 0);
    CHECK_EQ(now.rlim_cur, before.rlim_cur);
    check_leaves(m, block);
}

static void a_program_with_few_descriptors_has_as_few(const struct moving *m, CUdeviceptr block)
{
    struct rlimit limit, now;
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 64;
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    bare_checkpoint(m);
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &now), 0);
    CHECK_EQ(now.rlim_cur, 64);
    CHECK_EQ(now.rlim_max, limit.rlim_max);
    CHECK_EQ(bare_descriptors(HIGH_DESCRIPTOR, INT_MAX), BLOCK_CHUNKS);
    check_block(m, block);
    check_leaves(m, block);
}

static void without_room_for_descriptors_a_process_stays_hot(const struct moving *m, CUdeviceptr block)
{
    struct rlimit limit = {.rlim_cur = 256, .rlim_max = 256};
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    bare_park(m);
    uint64_t reports = moving_reports(m);
    bare_tell(m, 1);
    bare_stays_hot(m, reports, ALQ_MOVE_DESCRIPTORS);
    bare_tell(m, 0);
    check_block(m, block);
    check_leaves(m, block);
}

static void a_child_of_a_bare_process_has_nothing_of_it(const struct moving *m, CUdeviceptr block)
{
    bare_checkpoint(m);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        CUdeviceptr address;
        CUcontext context;
        alarm(30);
        CHECK_EQ(bare_descriptors(HIGH_DESCRIPTOR, INT_MAX), 0);
        CHECK(CU(cuMemsetD32_v2)(block, 0, 1) != CUDA_SUCCESS);
        CHECK(CU(cuMemAlloc_v2)(&address, 2 * MIB) != CUDA_SUCCESS);
        CHECK(CU(cuCtxGetCurrent)(&context) != CUDA_SUCCESS);
        end_case();
    }
    check_child(child);
    CHECK_EQ(moving_parked(m), ALQ_PARKED_BARE);
    CHECK_EQ(bare_descriptors(HIGH_DESCRIPTOR, INT_MAX), BLOCK_CHUNKS);
    CHECK_EQ(moving_resumes(m), 0);
    check_block(m, block);
    CHECK_EQ(moving_resumes(m), 1);
    check_leaves(m, block);
}

static void a_program_that_closes_what_it_finds_gets_its_data_all_the_same(const struct moving *m, CUdeviceptr block)
{
    bare_checkpoint(m);
    for (int number = HIGH_DESCRIPTOR; number < 1 << 21; number++) {
        close(number);
    }
    CHECK_EQ(bare_descriptors(HIGH_DESCRIPTOR, INT_MAX), 0);
    check_block(m, block);
    check_leaves(m, block);
}

int main(void)
{
    RUN_BLOCK(no_descriptor_is_missing_and_the_limit_is_as_before);
    RUN_BLOCK(a_program_with_few_descriptors_has_as_few);
    RUN_BLOCK(without_room_for_descriptors_a_process_stays_hot);
    RUN_BLOCK(a_child_of_a_bare_process_has_nothing_of_it);
    RUN_BLOCK(a_program_that_closes_what_it_finds_gets_its_data_all_the_same);
    return finish_cases();
}
