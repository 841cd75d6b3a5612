/*
 * Many processes of one tenant allocate and free at random, in every way there is, and some are killed at any instruction. An observer
 * that knows only the driver's figures never sees the tenant above its limit; at the end nothing is charged and nothing is held.
 *
 * The device's own pool and the memory of graphs are a case of their own: where a pool's idle memory is in too small pieces the driver
 * grows it unasked, and the interposer undoes such an allocation only after it. There the limit has to hold whenever all processes
 * stand still between two calls.
 *
 * Environment: DURATION seconds (10), PROCESSES (64), SEED, WAY (one function's name instead of all).
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support_subjects.h"

#define LIMIT_BYTES (1024 * MIB)
#define CONTEXT_BYTES (2 * MIB)
#define MAX_HELD 128
#define MAX_BYTES (48 * MIB)
#define SMALL_UNIT_BYTES 16384u /* what every way can round to */

struct tally {
    _Atomic uint64_t taken, refused, given, wrong, killed, samples, peak_bytes;
    _Atomic uint32_t hold, holding; /* asks the processes to stand still; how many do */
};

static struct tally *tally;

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL || *text == 0 ? otherwise : strtoull(text, NULL, 10);
}

static uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static const char *const counted_ways[] = {"cuMemAlloc_v2", "cuMemAllocPitch_v2", "cuMemAllocManaged", "cuMemCreate",
    "cuArrayCreate_v2", "cuArray3DCreate_v2", "cuMipmappedArrayCreate", "cuMemAllocFromPoolAsync"};
static const char *const pooled_ways[] = {
    "cuMemAllocAsync", "cuMemAllocFromPoolAsync", "cuGraphLaunch", "cuMemAlloc_v2", "cuMemCreate"};

static const char *const small_ways[] = {"cuMemAlloc_v2", "cuMemAllocPitch_v2", "cuMemAllocManaged"};

static const char *const *ways = counted_ways;
static uint64_t max_bytes = MAX_BYTES, max_held = 16;
static size_t way_count = sizeof counted_ways / sizeof counted_ways[0];

struct held {
    const struct subject *subject;
    struct scratch scratch;
};

/* Until somebody has looked at least once, however slow the machine is. */
static bool is_wanted_longer(double until)
{
    return atomic_load(&tally->samples) == 0 && seconds_now() < until + PATIENCE_MS / 1000;
}

static const char *only_way; /* one of the ways alone */

/* Half of them below 1 MiB, where a way allows that: those share blocks of the driver, and tear them when they are freed. */
static uint64_t some_bytes(const char *way, uint64_t *seed)
{
    if (strcmp(way, "cuMemCreate") != 0 && next_random(seed) % 2 == 0) {
        return SMALL_UNIT_BYTES * (1 + next_random(seed) % (MIB / SMALL_UNIT_BYTES - 1));
    }
    return 2 * MIB * (1 + next_random(seed) % (max_bytes / (2 * MIB)));
}

/* A process of the tenant, for as long as it is left alive. */
static _Noreturn void live(uint64_t seed, double until)
{
    struct held held[MAX_HELD];
    size_t count = 0;
    int devices = 0;
    CUcontext context;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    memset(held, 0, sizeof held);
    CUresult answer = CU(cuInit)(0);
    CU(cuDeviceGetCount)(&devices);
    for (int i = 0; answer == CUDA_SUCCESS && i < PATIENCE_MS / 5; i++) {
        answer = CU(cuDevicePrimaryCtxRetain)(&context, devices - 1); /* refused while the tenant is full: try again */
        if (answer != CUDA_ERROR_OUT_OF_MEMORY) {
            break;
        }
        answer = CUDA_SUCCESS;
        context = NULL;
        usleep(5000);
    }
    if (answer != CUDA_SUCCESS || context == NULL) {
        if (answer != CUDA_SUCCESS) {
            fprintf(stderr, "  a process could not start: %d\n", (int)answer);
            atomic_fetch_add(&tally->wrong, 1);
        }
        _exit(0);
    }
    CU(cuCtxSetCurrent)(context);
    do {
        if (atomic_load(&tally->hold)) {
            atomic_fetch_add(&tally->holding, 1);
            while (atomic_load(&tally->hold)) {
                usleep(1000);
            }
            atomic_fetch_sub(&tally->holding, 1);
        }
        if (count < max_held && next_random(&seed) % 100 < 55) {
            struct held *h = &held[count];
            memset(h, 0, sizeof *h);
            h->scratch.device = devices - 1;
            uint32_t way = next_random(&seed) % (uint32_t)way_count;
            h->subject = subject_of(only_way != NULL ? only_way : ways[way]);
            uint64_t bytes = some_bytes(h->subject->name, &seed);
            answer = h->subject->take(dlsym(ours(), h->subject->name), &h->scratch, bytes);
            if (answer == CUDA_SUCCESS) {
                count++;
                atomic_fetch_add(&tally->taken, 1);
            } else if (answer == CUDA_ERROR_OUT_OF_MEMORY) {
                atomic_fetch_add(&tally->refused, 1);
            } else {
                fprintf(stderr, "  %s answered %d\n", h->subject->name, (int)answer);
                atomic_fetch_add(&tally->wrong, 1);
            }
        } else if (count > 0) {
            size_t which = next_random(&seed) % count;
            answer = held[which].subject->give(&held[which].scratch);
            if (answer != CUDA_SUCCESS) {
                fprintf(stderr, "  giving back %s answered %d\n", held[which].subject->name, (int)answer);
                atomic_fetch_add(&tally->wrong, 1);
            }
            atomic_fetch_add(&tally->given, 1);
            held[which] = held[--count];
        }
    } while (seconds_now() < until || is_wanted_longer(until));
    while (count > 0) {
        count--;
        held[count].subject->give(&held[count].scratch);
    }
    CU(cuDevicePrimaryCtxRelease_v2)(devices - 1);
    _exit(0);
}

static void observe(struct world *world)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        uint64_t bytes = truth_total(world, 0);
        atomic_fetch_add(&tally->samples, 1);
        if (bytes != UINT64_MAX && bytes > atomic_load(&tally->peak_bytes)) {
            atomic_store(&tally->peak_bytes, bytes);
        }
        usleep(300);
    }
}

static pid_t start_process(uint64_t seed, double until)
{
    pid_t child = fork();
    if (child == 0) {
        live(seed, until);
    }
    return child;
}

/* Kills one process and starts another in its place. */
static void replace_one(pid_t *children, uint64_t processes, uint64_t *state, double until)
{
    uint64_t victim = next_random(state) % processes;
    usleep(20000);
    kill(children[victim], SIGKILL);
    waitpid(children[victim], NULL, 0);
    atomic_fetch_add(&tally->killed, 1);
    children[victim] = start_process(next_random(state), until);
}

/* Nobody uses more than its credit, and all credits together with the overhead stay within the limit. */
static void check_credits(struct world *world)
{
    uint64_t sum = test_agent_overhead(world->agent, 0);
    for (uint32_t s = 0; s < ALQ_MAX_SLOTS; s++) {
        uint64_t credit = __atomic_load_n(&world->agent->control->slots[s].credit_bytes[0], __ATOMIC_SEQ_CST);
        uint64_t used = __atomic_load_n(&world->agent->usage->slots[s].used_bytes[0], __ATOMIC_SEQ_CST);
        if (used > credit) {
            check_failed(__FILE__, __LINE__, "a slot's use above its credit", used, credit);
        }
        sum += credit;
    }
    CHECK(sum <= LIMIT_BYTES);
}

/* Has all processes stand still between two calls, and looks. */
static void look_at_a_quiet_moment(struct world *world, uint64_t processes)
{
    usleep(500000);
    atomic_store(&tally->hold, 1);
    for (int i = 0; i < PATIENCE_MS / 4 && atomic_load(&tally->holding) < processes; i++) {
        usleep(1000);
    }
    if (atomic_load(&tally->holding) == processes) {
        uint64_t bytes = truth_total(world, 0);
        CHECK(bytes <= LIMIT_BYTES);
        check_credits(world);
        CHECK_EQ(used_bytes(world) + processes * CONTEXT_BYTES, bytes);
        atomic_fetch_add(&tally->samples, 1);
        if (bytes > atomic_load(&tally->peak_bytes)) {
            atomic_store(&tally->peak_bytes, bytes);
        }
    }
    atomic_store(&tally->hold, 0);
}

static void check_nothing_is_left(struct world *world)
{
    CHECK(used_becomes(world, 0));
    CHECK(overhead_becomes(world, 0));
    CHECK_EQ(truth_total(world, 0), 0);
    for (int i = 0; i < PATIENCE_MS && test_agent_slots(world->agent) != 0; i++) {
        usleep(1000);
    }
    CHECK_EQ(test_agent_credit(world->agent, 0), 0);
    CHECK_EQ(test_agent_slots(world->agent), 0);
    CHECK_EQ(atomic_load(&tally->wrong), 0);
    CHECK(atomic_load(&tally->samples) > 0);
    CHECK(atomic_load(&tally->peak_bytes) <= LIMIT_BYTES);
    CHECK(atomic_load(&tally->taken) > 100);
    CHECK(atomic_load(&tally->refused) > 0);
    fprintf(stderr,
        "  %llu taken, %llu refused, %llu given, %llu killed; %llu samples, at most %llu of %llu MiB on the device\n",
        (unsigned long long)atomic_load(&tally->taken), (unsigned long long)atomic_load(&tally->refused),
        (unsigned long long)atomic_load(&tally->given), (unsigned long long)atomic_load(&tally->killed),
        (unsigned long long)atomic_load(&tally->samples), (unsigned long long)(atomic_load(&tally->peak_bytes) / MIB),
        (unsigned long long)(LIMIT_BYTES / MIB));
}

static void torture(struct world *world, bool kills, bool observed, uint64_t duration, uint64_t processes)
{
    uint64_t seed = number_of("SEED", 1), state = seed;
    only_way = getenv("WAY");
    alarm((unsigned int)duration + 90);
    tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t *children = calloc(processes, sizeof *children);
    double until = seconds_now() + (double)duration;
    pid_t observer = observed ? fork() : -1;
    if (observer == 0) {
        observe(world);
    }
    for (uint64_t i = 0; i < processes; i++) {
        children[i] = start_process(seed * 1000 + i, until);
    }
    while (seconds_now() < until - 1 || is_wanted_longer(until)) {
        if (kills) {
            replace_one(children, processes, &state, until);
        } else {
            look_at_a_quiet_moment(world, processes);
        }
    }
    for (uint64_t i = 0; i < processes; i++) {
        int status = 0;
        waitpid(children[i], &status, 0);
        CHECK_EQ(status, 0);
    }
    if (observed) {
        kill(observer, SIGKILL);
        waitpid(observer, NULL, 0);
    }
    free(children);
    check_nothing_is_left(world);
}

static void the_limit_holds_at_every_instant(struct world *world, const void *argument)
{
    (void)argument;
    torture(world, true, true, number_of("DURATION", 10), number_of("PROCESSES", 64));
}

static void the_limit_holds_for_pools_at_every_quiet_moment(struct world *world, const void *argument)
{
    (void)argument;
    ways = pooled_ways;
    way_count = sizeof pooled_ways / sizeof pooled_ways[0];
    torture(world, false, false, number_of("DURATION", 10) / 2 + 2, 16);
}

/* So many pieces, and so small, that the tenant is full to the last block; and the charge is what the driver holds. */
static void the_limit_holds_at_every_instant_for_small_pieces(struct world *world, const void *argument)
{
    (void)argument;
    ways = small_ways;
    way_count = sizeof small_ways / sizeof small_ways[0];
    max_bytes = 4 * MIB;
    max_held = MAX_HELD;
    torture(world, false, true, number_of("DURATION", 10) / 2 + 2, 16);
}

int main(void)
{
    struct world *world = world_open((struct world_config){.memory_bytes = 8192 * MIB,
        .limit_bytes = LIMIT_BYTES,
        .context_bytes = CONTEXT_BYTES,
        .agent_wait_ms = 20000,
        .slack_bytes = 8 * MIB});
    RUN(the_limit_holds_at_every_instant, world);
    RUN(the_limit_holds_at_every_instant_for_small_pieces, world);
    RUN(the_limit_holds_for_pools_at_every_quiet_moment, world);
    world_close(world);
    return finish_cases();
}
