/*
 * A process that never knows when: threads launch, allocate, free, capture graphs and fork while it is told at random to leave, to be bare, is
 * checkpointed, and comes back by the agent's word or because a thread calls the driver. Mostly they rest meanwhile, so that it comes to that.
 * All data is looked at all the time, and at the end nothing is left.
 *
 * Environment: DURATION seconds (10), SEED.
 */
#include "support_bare.h"
#include "support_workers.h"

#include <limits.h>
#include <unistd.h>

static struct {
    uint64_t leaves, bare, checkpointed, returned, resumed;
} tally;

/* Waits a while for that; whether it is so, in the end. */
static bool is_parked(const struct moving *m, uint64_t how, uint64_t resumes)
{
    for (int i = 0; i < 3000 && moving_parked(m) != how && moving_resumes(m) == resumes; i++) {
        usleep(1000);
    }
    return moving_parked(m) == how;
}

/* As an agent does it that has not been asked. */
static void surface(const struct moving *m)
{
    CHECK_EQ(test_agent_order(m->world->agent, m->slot, ORDER_RESTORE), CUDA_SUCCESS);
    bare_tell(m, 0);
}

static bool swap_once(const struct moving *m, uint64_t *state)
{
    uint64_t resumes = moving_resumes(m);
    bool rest = work_random(state) % 5 != 0, checkpointed = false;
    if (rest) {
        work_rest(true);
        work_all_rest();
    }
    moving_leave(m, 1);
    tally.leaves++;
    if (is_parked(m, ALQ_PARKED_HOT, resumes) && work_random(state) % 4 != 0) {
        bare_tell(m, 1);
        if (work_random(state) % 4 != 0 && is_parked(m, ALQ_PARKED_BARE, resumes)) {
            tally.bare++;
            checkpointed = work_random(state) % 4 != 0
                && test_agent_order(m->world->agent, m->slot, ORDER_CHECKPOINT) == CUDA_SUCCESS;
            tally.checkpointed += checkpointed;
        }
    }
    work_pause(state, 20000);
    if (work_random(state) % 2 == 0) {
        tally.returned++;
        surface(m);
        work_rest(false);
    } else {
        work_rest(false);
        for (int i = 0; i < 3000 && moving_resumes(m) == resumes; i++) {
            usleep(1000);
        }
        surface(m);
    }
    moving_return(m);
    tally.resumed += moving_resumes(m) - resumes;
    work_pause(state, 30000);
    return tally.checkpointed >= 2;
}

static void nobody_ever_notices(struct world *world, const void *argument)
{
    (void)argument;
    uint64_t worked = work_through(world, swap_once);
    CHECK_EQ(bare_descriptors(HIGH_DESCRIPTOR, INT_MAX), 0);
    fprintf(stderr,
        "  %llu rounds of work, %llu times told to leave, bare %llu times, checkpointed %llu times, told to return %llu times, asked %llu times\n",
        (unsigned long long)worked, (unsigned long long)tally.leaves, (unsigned long long)tally.bare,
        (unsigned long long)tally.checkpointed, (unsigned long long)tally.returned, (unsigned long long)tally.resumed);
}

int main(void)
{
    struct world *world = world_open((struct world_config){.memory_bytes = 4096 * MIB, .limit_bytes = 2048 * MIB});
    RUN(nobody_ever_notices, world);
    world_close(world);
    return finish_cases();
}
