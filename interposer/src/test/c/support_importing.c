/* See support_importing.h. All sums are of the tenant's device 0: `used` of all slots, and the overhead. */
#include "support_importing.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support_sharing.h"

static const struct route *exporting(const struct route *route)
{
    return route->subject->kind == SUBJECT_EXPORT ? route : NULL;
}

static struct scratch importer(void)
{
    int count = 0;
    start_cuda();
    CHECK_EQ(CU(cuDeviceGetCount)(&count), CUDA_SUCCESS);
    return (struct scratch){.device = count - 1, .driver = ours()};
}

static CUresult take(const struct route *route, struct scratch *held, const struct shared *shared)
{
    void *function = route->subject->kind == SUBJECT_EXPORT ? NULL : route_find(route, ours());
    CHECK(route->subject->kind == SUBJECT_EXPORT || function != NULL);
    CHECK(!route->hooked || function != route_find(route, bare()));
    held->shared = shared;
    return route->subject->take(function, held, shared->bytes);
}

static void check_content(const struct scratch *held)
{
    uint32_t word = 0;
    if (held->address != 0) {
        CHECK_EQ(CU(cuMemcpyDtoH_v2)(&word, held->address, sizeof word), CUDA_SUCCESS);
        CHECK_EQ(word, SHARED_WORD);
    }
}

static uint64_t context_bytes(const struct world *world)
{
    return world->config.context_bytes;
}

/* Of what is left under the limit everything can be had, and not a block more. */
static void check_room(uint64_t room)
{
    CUdeviceptr address;
    CHECK_EQ(CU(cuMemAlloc_v2)(&address, room + 2 * MIB), CUDA_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(CU(cuMemAlloc_v2)(&address, room), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFree_v2)(address), CUDA_SUCCESS);
}

/* Nothing is charged but contexts, and nothing is held but them. */
static void check_nothing_left(const struct world *world, uint64_t contexts_bytes)
{
    CHECK(used_becomes(world, 0));
    CHECK(overhead_becomes(world, contexts_bytes));
    CHECK_EQ(truth_total(world, 0), contexts_bytes);
    check_room(IMPORT_LIMIT_BYTES - contexts_bytes);
}

void within_the_tenant_it_is_charged_once(struct world *world, const void *argument)
{
    const struct route *route = argument;
    struct shared shared;
    struct maker maker = maker_start(route->subject->way, true, exporting(route));
    CHECK_EQ(maker_makes(&maker, SHARED_BYTES, &shared), CUDA_SUCCESS);
    struct scratch held = importer();
    uint64_t contexts = 2 * context_bytes(world);
    CHECK_EQ(take(route, &held, &shared), CUDA_SUCCESS);
    if (check_failures == 0) {
        check_content(&held);
        CHECK_EQ(used_bytes(world), SHARED_BYTES);
        CHECK_EQ(test_agent_overhead(world->agent, 0), contexts);
        CHECK_EQ(truth_bytes(world, 0, maker.pid) + truth_bytes(world, 0, 0), SHARED_BYTES + contexts);
        CHECK_EQ(truth_total(world, 0), SHARED_BYTES + contexts);
        check_room(IMPORT_LIMIT_BYTES - contexts - SHARED_BYTES);
        CHECK_EQ(route->subject->give(&held), CUDA_SUCCESS);
        CHECK_EQ(used_bytes(world), SHARED_BYTES);
        CHECK_EQ(test_agent_overhead(world->agent, 0), contexts);
        maker_lets_go(&maker);
        check_nothing_left(world, contexts);
    }
    maker_ends(&maker, false);
}

void let_go_by_its_maker_it_is_charged_to_its_holder(struct world *world, const void *argument)
{
    const struct route *route = argument;
    struct shared shared;
    struct maker maker = maker_start(route->subject->way, true, exporting(route));
    CHECK_EQ(maker_makes(&maker, SHARED_BYTES, &shared), CUDA_SUCCESS);
    struct scratch held = importer();
    uint64_t contexts = 2 * context_bytes(world);
    CHECK_EQ(take(route, &held, &shared), CUDA_SUCCESS);
    if (check_failures == 0) {
        maker_lets_go(&maker);
        CHECK_EQ(used_bytes(world), 0);
        CHECK_EQ(maker_tries(&maker, IMPORT_LIMIT_BYTES - contexts - SHARED_BYTES + 2 * MIB), CUDA_ERROR_OUT_OF_MEMORY);
        CHECK_EQ(test_agent_overhead(world->agent, 0), contexts + SHARED_BYTES);
        CHECK_EQ(truth_bytes(world, 0, 0), context_bytes(world) + SHARED_BYTES);
        CHECK_EQ(truth_total(world, 0), contexts + SHARED_BYTES);
        check_room(IMPORT_LIMIT_BYTES - contexts - SHARED_BYTES);
        check_content(&held);
        CHECK_EQ(route->subject->give(&held), CUDA_SUCCESS);
        check_nothing_left(world, contexts);
    }
    maker_ends(&maker, false);
}

void killed_makers_memory_is_charged_to_its_holder(struct world *world, const void *argument)
{
    const struct route *route = argument;
    struct shared shared;
    struct maker maker = maker_start(route->subject->way, true, exporting(route));
    CHECK_EQ(maker_makes(&maker, SHARED_BYTES, &shared), CUDA_SUCCESS);
    struct scratch held = importer();
    uint64_t context = context_bytes(world);
    CHECK_EQ(take(route, &held, &shared), CUDA_SUCCESS);
    maker_ends(&maker, true);
    if (check_failures == 0) {
        CUdeviceptr address;
        CHECK_EQ(CU(cuMemAlloc_v2)(&address, IMPORT_LIMIT_BYTES - context - SHARED_BYTES + 2 * MIB), CUDA_ERROR_OUT_OF_MEMORY);
        CHECK(overhead_becomes(world, context + SHARED_BYTES));
        CHECK_EQ(used_bytes(world), 0);
        CHECK_EQ(truth_bytes(world, 0, 0), context + SHARED_BYTES);
        CHECK_EQ(truth_total(world, 0), context + SHARED_BYTES);
        check_room(IMPORT_LIMIT_BYTES - context - SHARED_BYTES);
        check_content(&held);
        CHECK_EQ(route->subject->give(&held), CUDA_SUCCESS);
        check_nothing_left(world, context);
    }
}

void letting_go_again_and_again_does_not_pass_the_limit(struct world *world, const void *argument)
{
    enum { ROUNDS = 6 };
    const struct route *route = argument;
    struct shared shared[ROUNDS];
    struct maker maker = maker_start(route->subject->way, true, exporting(route));
    struct scratch first = importer(), held[ROUNDS];
    uint64_t contexts = 2 * context_bytes(world);
    int taken = 0;
    CHECK_EQ(maker_tries(&maker, SHARED_BYTES), CUDA_SUCCESS);
    while (taken < ROUNDS && maker_makes(&maker, SHARED_BYTES, &shared[taken]) == CUDA_SUCCESS) {
        held[taken] = first;
        CHECK_EQ(take(route, &held[taken], &shared[taken]), CUDA_SUCCESS);
        maker_lets_go(&maker);
        taken++;
        CHECK(truth_total(world, 0) <= IMPORT_LIMIT_BYTES);
    }
    CHECK_EQ(taken, (IMPORT_LIMIT_BYTES - contexts) / SHARED_BYTES);
    while (taken > 0) {
        CHECK_EQ(route->subject->give(&held[--taken]), CUDA_SUCCESS);
    }
    check_nothing_left(world, contexts);
    maker_ends(&maker, false);
}

void of_an_outsider_it_is_charged_once_that_is_gone(struct world *world, const void *argument)
{
    const struct route *route = argument;
    struct shared shared;
    struct maker maker = maker_start(route->subject->way, false, exporting(route));
    CHECK_EQ(maker_makes(&maker, SHARED_BYTES, &shared), CUDA_SUCCESS);
    struct scratch held = importer();
    uint64_t context = context_bytes(world);
    uint64_t settles = atomic_load(&world->agent->shared->settles);
    CHECK_EQ(take(route, &held, &shared), CUDA_SUCCESS);
    if (check_failures != 0) {
        return;
    }
    CHECK(atomic_load(&world->agent->shared->settles) > settles);
    check_content(&held);
    CHECK_EQ(used_bytes(world), 0);
    CHECK_EQ(test_agent_overhead(world->agent, 0), context);
    CHECK_EQ(truth_bytes(world, 0, maker.pid), context + SHARED_BYTES);
    check_room(IMPORT_LIMIT_BYTES - context);
    maker_ends(&maker, true);
    CHECK(overhead_becomes(world, context + SHARED_BYTES));
    CHECK_EQ(truth_total(world, 0), context + SHARED_BYTES);
    check_room(IMPORT_LIMIT_BYTES - context - SHARED_BYTES);
    check_content(&held);
    CHECK_EQ(route->subject->give(&held), CUDA_SUCCESS);
    check_nothing_left(world, context);
}

/* What an outsider hands over and then leaves behind can pass the limit; nothing more comes in then. */
void past_the_limit_nothing_is_imported(struct world *world, const void *argument)
{
    const struct route *route = argument;
    struct shared large, small;
    struct maker first = maker_start(route->subject->way, false, exporting(route));
    struct maker second = maker_start(route->subject->way, false, exporting(route));
    CHECK_EQ(maker_makes(&first, IMPORT_LIMIT_BYTES, &large), CUDA_SUCCESS);
    CHECK_EQ(maker_makes(&second, SHARED_BYTES, &small), CUDA_SUCCESS);
    struct scratch held = importer(), refused = held;
    uint64_t context = context_bytes(world);
    CHECK_EQ(take(route, &held, &large), CUDA_SUCCESS);
    maker_ends(&first, true);
    CHECK(overhead_becomes(world, context + IMPORT_LIMIT_BYTES));
    if (check_failures != 0) {
        return;
    }
    uint64_t refusals = test_agent_refusals(world->agent);
    CUdeviceptr address;
    CHECK_EQ(take(route, &refused, &small), CUDA_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(test_agent_refusals(world->agent), refusals + 1);
    CHECK_EQ(CU(cuMemAlloc_v2)(&address, 2 * MIB), CUDA_ERROR_OUT_OF_MEMORY);
    maker_ends(&second, true);
    CHECK_EQ(truth_total(world, 0), context + IMPORT_LIMIT_BYTES);
    CHECK_EQ(route->subject->give(&held), CUDA_SUCCESS);
    check_nothing_left(world, context);
}

static struct shared garbage(void)
{
    struct shared shared = {.fd = open("/dev/null", O_RDWR | O_CLOEXEC), .bytes = SHARED_BYTES};
    memset(&shared.ipc, 0x5a, sizeof shared.ipc);
    memset(&shared.pointer, 0x5a, sizeof shared.pointer);
    return shared;
}

/* In a process of its own. */
static CUresult bare_answer_to_garbage(const struct route *route)
{
    CUresult *answer = mmap(NULL, sizeof *answer, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct shared shared = garbage();
        CUcontext context;
        int count = 0;
        BARE(cuInit)(0);
        BARE(cuDeviceGetCount)(&count);
        BARE(cuDevicePrimaryCtxRetain)(&context, count - 1);
        BARE(cuCtxSetCurrent)(context);
        struct scratch held = {.device = count - 1, .driver = bare(), .shared = &shared};
        *answer = route->subject->take(route_find(route, bare()), &held, shared.bytes);
        _exit(0);
    }
    int status = 1;
    waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
    return *answer;
}

void failing_import_charges_nothing(struct world *world, const void *argument)
{
    const struct route *route = argument;
    CUresult expected = bare_answer_to_garbage(route);
    struct scratch held = importer();
    struct shared shared = garbage();
    uint64_t refusals = test_agent_refusals(world->agent);
    CHECK(expected != CUDA_SUCCESS && expected != CUDA_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(take(route, &held, &shared), expected);
    CHECK_EQ(test_agent_refusals(world->agent), refusals);
    check_nothing_left(world, context_bytes(world));
}
