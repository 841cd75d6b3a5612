/* See support_bare.h. */
#include "support_bare.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

void bare_tell(const struct moving *m, uint32_t deep)
{
    test_agent_set_deep(m->world->agent, m->slot, deep);
}

void bare_park(const struct moving *m)
{
    uint64_t reports = moving_reports(m);
    moving_park(m);
    for (int i = 0; i < PATIENCE_MS && moving_reports(m) == reports; i++) {
        usleep(1000);
    }
    CHECK(moving_reports(m) != reports);
}

void bare_become(const struct moving *m)
{
    bare_park(m);
    uint64_t reports = moving_reports(m);
    bare_tell(m, 1);
    CHECK(moving_becomes(m, moving_parked, ALQ_PARKED_BARE));
    CHECK(moving_report(m, reports, ALQ_MOVE_DONE, false) != NULL);
}

void bare_checkpoint(const struct moving *m)
{
    bare_become(m);
    CHECK_EQ(test_agent_order(m->world->agent, m->slot, ORDER_CHECKPOINT), CUDA_SUCCESS);
    CHECK_EQ(truth_bytes(m->world, 0, 0), 0);
}

void bare_is_back(const struct moving *m)
{
    CHECK(moving_becomes(m, moving_parked, ALQ_NOT_PARKED));
    CHECK(moving_becomes(m, moving_demoted, 0));
}

uint64_t bare_restores(const struct moving *m)
{
    return atomic_load(&m->world->agent->shared->restores);
}

unsigned int bare_descriptors(int from, int below)
{
    unsigned int count = 0;
    const struct dirent *entry;
    DIR *all = opendir("/proc/self/fd");
    while (all != NULL && (entry = readdir(all)) != NULL) {
        int number = entry->d_name[0] == '.' ? -1 : atoi(entry->d_name);
        count += number >= from && number < below && number != dirfd(all);
    }
    if (all != NULL) {
        closedir(all);
    }
    return count;
}

void bare_stays_hot(const struct moving *m, uint64_t reports, enum alq_move_outcome outcome)
{
    CHECK(moving_report(m, reports, outcome, false) != NULL);
    CHECK_EQ(moving_parked(m), ALQ_PARKED_HOT);
    CHECK_EQ(bare_descriptors(HIGH_DESCRIPTOR, INT_MAX), 0);
    uint64_t told = moving_reports(m), reopens = atomic_load(&m->world->agent->shared->reopens);
    usleep(300000);
    CHECK_EQ(moving_reports(m), told);
    CHECK_EQ(atomic_load(&m->world->agent->shared->reopens), reopens);
}

void *bare_call(void *argument)
{
    const struct bare_caller *caller = argument;
    CHECK_EQ(CU(cuCtxSetCurrent)(caller->m->context), CUDA_SUCCESS);
    if (caller->number % 2 == 0) {
        CHECK_EQ(CU(cuStreamSynchronize)(NULL), CUDA_SUCCESS);
    } else {
        CHECK_EQ(CU(cuMemsetD32_v2)(caller->block, BLOCK_VALUE, 1), CUDA_SUCCESS);
    }
    return NULL;
}
