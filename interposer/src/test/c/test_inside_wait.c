/*
 * What an entry does while calls are not served: it waits, has the process wanted, and then passes on every argument as it came, whichever
 * way arguments go, with errno untouched. A call that the driver makes by itself does not wait.
 */
#include "bare.h"
#include "hooks.h"
#include "support_gate.h"

#include <errno.h>

static uint32_t called;

/* In place of a function of the driver: more arguments of each kind than there are registers for. */
static double sum(long a, long b, long c, long d, long e, long f, long g, long h, long i, long j, double p, double q, double r,
    double s, double t, double u, double v, double w, double x, double y)
{
    say(&called, 1);
    errno = errno == 17 ? 18 : errno;
    return (double)(a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j) + 11 * p + 12 * q + 13 * r +
        14 * s + 15 * t + 16 * u + 17 * v + 18 * w + 19 * x + 20 * y;
}

typedef double sum_type(long, long, long, long, long, long, long, long, long, long, double, double, double, double, double,
    double, double, double, double, double);

static void put(enum alq_function function)
{
    __atomic_store_n(&alq_slots[function], (void *)sum, __ATOMIC_SEQ_CST);
}

static double call(void *entry)
{
    return ((sum_type *)entry)(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20);
}

#define RIGHT 2870.0 /* 1 * 1 + 2 * 2 + ... + 20 * 20 */

struct waiter {
    uint32_t tid, done;
    int error;
    double result;
};

static void *wait_at_the_entry(void *argument)
{
    struct waiter *waiter = argument;
    say(&waiter->tid, (uint32_t)gettid());
    errno = 17;
    waiter->result = call((void *)cuCtxGetId);
    waiter->error = errno;
    say(&waiter->done, 1);
    return NULL;
}

static void an_entry_waits_and_keeps_every_argument(struct world *world, const void *argument)
{
    struct waiter waiters[4] = {0};
    pthread_t threads[4];
    (void)world;
    (void)argument;
    put(ALQ_FN_cuCtxGetId);
    CHECK_EQ(call((void *)cuCtxGetId), RIGHT);
    say(&called, 0);
    CHECK(alq_gate_arm());
    alq_bare_begin();
    CHECK(!alq_bare_wanted());
    for (int i = 0; i < 4; i++) {
        threads[i] = start(wait_at_the_entry, &waiters[i]);
        CHECK(falls_asleep(&waiters[i].tid, &waiters[i].done));
    }
    CHECK(alq_bare_wanted());
    CHECK_EQ(called, 0);
    alq_bare_end();
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        CHECK_EQ(waiters[i].result, RIGHT);
        CHECK_EQ(waiters[i].error, 18);
    }
}

static void a_call_of_the_driver_s_own_does_not_wait(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    put(ALQ_FN_cuCtxGetId);
    alq_bare_begin();
    alq_depth++;
    CHECK_EQ(call((void *)cuCtxGetId), RIGHT);
    alq_depth--;
    CHECK(!alq_bare_wanted());
    alq_bare_end();
}

static CUresult answer_what_nobody_knows(
    const char *name, void **function, int version, cuuint64_t flags, CUdriverProcAddressQueryResult *status)
{
    (void)name;
    (void)version;
    (void)flags;
    (void)status;
    *function = (void *)sum;
    return CUDA_SUCCESS;
}

/* By all names that are a row's without its suffixes, in all versions. */
static void every_function_of_the_table_is_known_however_it_is_looked_up(struct world *world, const void *argument)
{
    static const char *const suffixes[] = {"_pts", "_ptd", "_v2", "_v3", "_v4"};
    uint32_t answers = 0;
    (void)world;
    (void)argument;
    CHECK_EQ(cuInit(0), CUDA_SUCCESS);
    for (uint32_t row = 0; row < ALQ_FN_COUNT; row++) {
        char base[96];
        snprintf(base, sizeof base, "%s", alq_names[row]);
        for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
            char *suffix = strstr(base, suffixes[i]);
            if (suffix != NULL) {
                *suffix = 0;
            }
        }
        for (int version = 2000; version <= 13000; version += 10) {
            for (cuuint64_t flags = 0; flags < 3; flags++) {
                void *function = NULL;
                CUdriverProcAddressQueryResult found;
                if (version % 1000 <= 90 && cuGetProcAddress_v2(base, &function, version, flags, &found) == CUDA_SUCCESS) {
                    answers += function != NULL;
                }
            }
        }
        if (!alq_bare_possible()) {
            fprintf(stderr, "  %s\n", alq_names[row]);
            check_failures++;
            return;
        }
    }
    CHECK(answers > ALQ_FN_COUNT);
}

/* It could call the driver unseen. */
static void who_has_a_function_that_is_not_known_is_never_bare(struct world *world, const void *argument)
{
    static const char *const names[] = {"cuInit", "cuMemAlloc", "cuCtxGetId", "cuStreamQuery", "cuEventRecord", "cuLaunchKernel",
        "cuGetProcAddress", "cuFunctionOfTheNextDriver"};
    void *function = NULL;
    CUdriverProcAddressQueryResult found;
    (void)world;
    (void)argument;
    CHECK_EQ(cuInit(0), CUDA_SUCCESS);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        for (cuuint64_t flags = 0; flags < 3; flags++) {
            CHECK_EQ(cuGetProcAddress_v2(names[i], &function, 12000, flags, &found), CUDA_SUCCESS);
        }
    }
    CHECK(alq_bare_possible());
    __atomic_store_n(&alq_slots[ALQ_FN_cuGetProcAddress_v2], (void *)answer_what_nobody_knows, __ATOMIC_SEQ_CST);
    CHECK_EQ(cuGetProcAddress_v2("cuFunctionOfTheNextDriver", &function, 12000, 0, &found), CUDA_SUCCESS);
    CHECK(function == (void *)sum);
    CHECK(!alq_bare_possible());
}

int main(void)
{
    use_as_ours(dlopen(NULL, RTLD_NOW));
    struct world *world = world_open((struct world_config){.limit_bytes = 256 * MIB});
    RUN(an_entry_waits_and_keeps_every_argument, world);
    RUN(a_call_of_the_driver_s_own_does_not_wait, world);
    RUN(every_function_of_the_table_is_known_however_it_is_looked_up, world);
    RUN(who_has_a_function_that_is_not_known_is_never_bare, world);
    world_close(world);
    return finish_cases();
}
