/* See support_charging.h. */
#include "support_charging.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* No driver's pool takes larger pieces than this at a time. */
#define POOL_PIECE_BYTES (32 * MIB)


/* What both the driver and the tenant's slot count beyond where they stood. */
struct stand {
    uint64_t used, truth;
};

static struct stand stand(struct world *world)
{
    return (struct stand){used_bytes(world), truth_bytes(world, 0, 0)};
}

static void check_same(struct world *world, struct stand before)
{
    CHECK(used_becomes(world, before.used));
    CHECK_EQ(used_bytes(world), before.used);
    CHECK_EQ(truth_bytes(world, 0, 0), before.truth);
}

static CUdevice tenant_ordinal(void)
{
    int count = 0;
    CHECK_EQ(CU(cuDeviceGetCount)(&count), CUDA_SUCCESS);
    return count - 1;
}

void exact_within_and_beyond_the_limit(struct world *world, const void *argument)
{
    const struct route *route = argument;
    const struct subject *subject = route->subject;
    start_cuda();
    struct scratch held = {.device = tenant_ordinal()};
    struct stand before = stand(world);
    CHECK_EQ(before.used, 0);
    CHECK_EQ(test_agent_overhead(world->agent, 0), before.truth);
    void *function = route_find(route, ours());
    CHECK(function != NULL);
    CHECK(function != route_find(route, bare()));
    if (function == NULL) {
        return;
    }
    CUresult bare_answer = CUDA_SUCCESS;
    CHECK_EQ(bare_answer = subject->take(function, &held, SOME_BYTES), CUDA_SUCCESS);
    if (bare_answer != CUDA_SUCCESS) {
        return;
    }
    uint64_t taken = truth_bytes(world, 0, 0) - before.truth;
    CHECK_EQ(used_bytes(world) - before.used, taken);
    CHECK(taken == SOME_BYTES || (subject->kind == SUBJECT_POOL && taken > SOME_BYTES));
    CHECK_EQ(subject->give(&held), CUDA_SUCCESS);
    check_same(world, before);

    uint64_t room = LIMIT_BYTES - test_agent_overhead(world->agent, 0);
    uint64_t refusals = test_agent_refusals(world->agent);
    struct scratch refused = {.device = held.device};
    CHECK_EQ(subject->take(function, &refused, room + 2 * MIB), CUDA_ERROR_OUT_OF_MEMORY);
    check_same(world, before);
    CHECK_EQ(test_agent_refusals(world->agent), refusals + 1);
    CHECK_EQ(subject->take(function, &refused, 8 * LIMIT_BYTES), CUDA_ERROR_OUT_OF_MEMORY);
    check_same(world, before);
    if (subject->kind == SUBJECT_POOL) {
        room = room / POOL_PIECE_BYTES * POOL_PIECE_BYTES;
    }
    struct scratch all = {.device = held.device};
    CHECK_EQ(subject->take(function, &all, room), CUDA_SUCCESS);
    CHECK_EQ(used_bytes(world), room);
    /* at the very edge: all credit is used, so nothing but the comparison with it stands in the way */
    if (subject->kind == SUBJECT_EXACT) {
        CHECK_EQ(subject->take(function, &refused, 2 * MIB), CUDA_ERROR_OUT_OF_MEMORY);
        CHECK_EQ(used_bytes(world), room);
    }
    CHECK_EQ(subject->give(&all), CUDA_SUCCESS);
    check_same(world, before);
}

/* The device is smaller than the limit: the credit is there, the memory is not. */
void withdrawn_when_the_driver_fails(struct world *world, const void *argument)
{
    const struct route *route = argument;
    start_cuda();
    struct scratch held = {.device = tenant_ordinal()};
    struct stand before = stand(world);
    uint64_t refusals = test_agent_refusals(world->agent);
    void *function = route_find(route, ours());
    CHECK(function != NULL);
    if (function != NULL) {
        CHECK_EQ(route->subject->take(function, &held, 512 * MIB), CUDA_ERROR_OUT_OF_MEMORY);
        check_same(world, before);
        CHECK_EQ(test_agent_refusals(world->agent), refusals);
    }
}

static void set_limit(struct world *world, uint64_t bytes)
{
    atomic_store(&world->agent->shared->limit_bytes[0], bytes);
    for (int i = 0; i < PATIENCE_MS && __atomic_load_n(&world->agent->control->devices[0].limit_bytes, __ATOMIC_SEQ_CST) != bytes;
         i++) {
        usleep(1000);
    }
}

void context_is_overhead(struct world *world, const void *argument)
{
    const struct route *route = argument;
    CHECK_EQ(CU(cuInit)(0), CUDA_SUCCESS);
    struct scratch held = {.device = tenant_ordinal()};
    void *function = route_find(route, ours());
    CHECK(function != NULL && function != route_find(route, bare()));
    if (check_failures != 0) {
        return;
    }
    set_limit(world, 4 * MIB);
    CHECK_EQ(route->subject->take(function, &held, 0), CUDA_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(truth_bytes(world, 0, 0), 0);
    CHECK_EQ(used_bytes(world), 0);
    set_limit(world, LIMIT_BYTES);
    CHECK_EQ(route->subject->take(function, &held, 0), CUDA_SUCCESS);
    CHECK_EQ(used_bytes(world), 0);
    CHECK_EQ(test_agent_overhead(world->agent, 0), truth_bytes(world, 0, 0));
    CHECK(truth_bytes(world, 0, 0) >= world->config.context_bytes);
    CHECK_EQ(route->subject->give(&held), CUDA_SUCCESS);
    CHECK(overhead_becomes(world, 0));
    CHECK_EQ(used_bytes(world), 0);
}

void code_is_overhead(struct world *world, const void *argument)
{
    const struct route *route = argument;
    start_cuda();
    struct scratch held = {.device = tenant_ordinal()};
    struct stand before = stand(world);
    void *function = route_find(route, ours());
    CHECK(function != NULL && function != route_find(route, bare()));
    if (check_failures != 0) {
        return;
    }
    CHECK_EQ(route->subject->take(function, &held, SOME_BYTES), CUDA_SUCCESS);
    CHECK_EQ(used_bytes(world), before.used);
    CHECK(overhead_becomes(world, truth_bytes(world, 0, 0)));
    bool takes = truth_bytes(world, 0, 0) > before.truth;
    CHECK_EQ(route->subject->give(&held), CUDA_SUCCESS);
    CHECK(overhead_becomes(world, truth_bytes(world, 0, 0)));
    if (takes) {
        CUdeviceptr all;
        uint64_t room = LIMIT_BYTES - test_agent_overhead(world->agent, 0);
        CHECK_EQ(CU(cuMemAlloc_v2)(&all, room), CUDA_SUCCESS);
        struct scratch refused = {.device = held.device};
        CHECK_EQ(route->subject->take(function, &refused, SOME_BYTES), CUDA_ERROR_OUT_OF_MEMORY);
        CHECK(truth_bytes(world, 0, 0) <= LIMIT_BYTES);
        CHECK_EQ(CU(cuMemFree_v2)(all), CUDA_SUCCESS);
    }
}

void host_memory_is_free(struct world *world, const void *argument)
{
    const struct route *route = argument;
    start_cuda();
    struct scratch held = {.device = tenant_ordinal()};
    struct stand before = stand(world);
    void *function = route_find(route, ours());
    CHECK(function != NULL);
    if (function != NULL) {
        CHECK_EQ(route->subject->take(function, &held, 2 * LIMIT_BYTES), CUDA_SUCCESS);
        check_same(world, before);
        CHECK_EQ(route->subject->give(&held), CUDA_SUCCESS);
        check_same(world, before);
    }
}

typedef CUresult any_function(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t);

/* In a process of its own: some of these calls change the state that the second one would find. */
static CUresult bare_answer_to_zeros(const struct route *route)
{
    CUresult *answer = mmap(NULL, sizeof *answer, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        CUcontext context;
        int count = 0;
        BARE(cuInit)(0);
        BARE(cuDeviceGetCount)(&count);
        BARE(cuDevicePrimaryCtxRetain)(&context, count - 1);
        BARE(cuCtxSetCurrent)(context);
        *answer = ((any_function *)route_find(route, bare()))(0, 0, 0, 0, 0, 0, 0, 0);
        _exit(0);
    }
    int status = 1;
    waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
    CUresult said = *answer;
    munmap(answer, sizeof *answer);
    return said;
}

void zeros_answer_as_without_us(struct world *world, const void *argument)
{
    const struct route *route = argument;
    CUresult expected = bare_answer_to_zeros(route);
    start_cuda();
    struct stand before = stand(world);
    void *with = route_find(route, ours());
    CHECK(with != NULL && (!route->hooked || with != route_find(route, bare())));
    if (with != NULL) {
        CHECK_EQ(((any_function *)with)(0, 0, 0, 0, 0, 0, 0, 0), expected);
        check_same(world, before);
    }
}
