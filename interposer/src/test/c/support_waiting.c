/* Waiting for what comes in time, and showing how long it took; see support_world.h. */
#include "support_world.h"

#include <time.h>
#include <unistd.h>

bool used_becomes(const struct world *world, uint64_t bytes)
{
    for (int i = 0; i < PATIENCE_MS && used_bytes(world) != bytes; i++) {
        usleep(1000);
    }
    return used_bytes(world) == bytes;
}

bool overhead_becomes(const struct world *world, uint64_t bytes)
{
    for (int i = 0; i < PATIENCE_MS && test_agent_overhead(world->agent, 0) != bytes; i++) {
        usleep(1000);
    }
    return test_agent_overhead(world->agent, 0) == bytes;
}

bool agent_ticks(const struct world *world)
{
    uint64_t enough = atomic_load(&world->agent->shared->ticks) + 2; /* one may be under way */
    for (int i = 0; i < PATIENCE_MS && atomic_load(&world->agent->shared->ticks) < enough; i++) {
        usleep(1000);
    }
    return atomic_load(&world->agent->shared->ticks) >= enough;
}

double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void show_time(const char *what, double since, double bar)
{
    fprintf(stderr, "  %s: %.3f s (the bar: %.0f s)\n", what, seconds_now() - since, bar);
}
