/*
 * A process that never knows when: threads launch, allocate, free, capture graphs and fork while the agent swaps the process out and in at
 * random, by its own word or because it is asked to. Now and then they all rest, and the process stays away for a while. All data is
 * looked at all the time, and at the end nothing is left.
 *
 * Environment: DURATION seconds (10), SEED.
 */
#include "support_workers.h"

#include <unistd.h>

static struct {
    uint64_t leaves, parked, returned, resumed;
} tally;

/* Out, and in by the agent's word or by the process's. */
static bool swap_once(const struct moving *m, uint64_t *state)
{
    uint64_t resumes = moving_resumes(m);
    bool rest = work_random(state) % 3 == 0;
    if (rest) {
        work_rest(true);
        usleep(100000);
    }
    moving_leave(m, 1);
    tally.leaves++;
    for (int i = 0; i < 3000 && (rest || work_random(state) % 50 != 0) && moving_parked(m) == 0 && moving_resumes(m) == resumes; i++) {
        usleep(1000);
    }
    tally.parked += moving_parked(m);
    work_pause(state, 30000);
    if (rest) {
        work_rest(false);
    }
    if (work_random(state) % 2 == 0) {
        moving_return(m);
        tally.returned++;
    } else {
        for (int i = 0; i < 3000 && moving_resumes(m) == resumes; i++) {
            usleep(1000);
        }
        moving_return(m);
    }
    tally.resumed += moving_resumes(m) - resumes;
    work_pause(state, 30000);
    return tally.leaves >= 4;
}

static void nobody_ever_notices(struct world *world, const void *argument)
{
    (void)argument;
    uint64_t worked = work_through(world, swap_once);
    fprintf(stderr, "  %llu rounds of work, %llu times told to leave, seen parked %llu times, told to return %llu times, asked %llu times\n",
        (unsigned long long)worked, (unsigned long long)tally.leaves, (unsigned long long)tally.parked,
        (unsigned long long)tally.returned, (unsigned long long)tally.resumed);
}

int main(void)
{
    struct world *world = world_open((struct world_config){.memory_bytes = 4096 * MIB, .limit_bytes = 2048 * MIB});
    RUN(nobody_ever_notices, world);
    world_close(world);
    return finish_cases();
}
