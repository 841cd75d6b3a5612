/*
 * A driver that refuses one step: of making a block, of moving one away, of bringing it back, of swapping the whole process out and in, of
 * going bare and coming back.
 * Whichever step it is, the data is where the program left it, the figures say where that is, and the next attempt succeeds.
 */
#include "library.h"
#include "support_bare.h"

#include <stdlib.h>
#include <unistd.h>

/* The driver's functions that can be made to refuse, each once: the call with the number that is set, counted down. */
#define STEPS(STEP)                                                                                                                    \
    STEP(cuMemAddressReserve, (CUdeviceptr * a, size_t b, size_t c, CUdeviceptr d, unsigned long long e), (a, b, c, d, e))             \
    STEP(cuMemCreate, (CUmemGenericAllocationHandle * a, size_t b, const CUmemAllocationProp *c, unsigned long long d), (a, b, c, d))  \
    STEP(cuMemSetAccess, (CUdeviceptr a, size_t b, const CUmemAccessDesc *c, size_t d), (a, b, c, d))                                  \
    STEP(cuMemUnmap, (CUdeviceptr a, size_t b), (a, b))                                                                                \
    STEP(cuMemcpyDtoDAsync_v2, (CUdeviceptr a, CUdeviceptr b, size_t c, CUstream d), (a, b, c, d))                                     \
    STEP(cuMemImportFromShareableHandle, (CUmemGenericAllocationHandle * a, void *b, CUmemAllocationHandleType c), (a, b, c))

#define NAME_OF(name, parameters, arguments) STEP_##name,
enum step { STEPS(NAME_OF) STEP_cuMemMap, STEP_COUNT };

static int refusals[STEP_COUNT], refused, bans;
static void *real[STEP_COUNT];

static bool refuses(enum step step)
{
    int left = __atomic_load_n(&refusals[step], __ATOMIC_SEQ_CST);
    bool now = left > 0 && __atomic_sub_fetch(&refusals[step], 1, __ATOMIC_SEQ_CST) == 0;
    __atomic_add_fetch(&refused, now, __ATOMIC_SEQ_CST);
    return now;
}

#define REFUSING(name, parameters, arguments)                                                              \
    static CUresult refusing_##name parameters                                                             \
    {                                                                                                      \
        return refuses(STEP_##name) ? CUDA_ERROR_UNKNOWN : ((__typeof__(name) *)real[STEP_##name]) arguments; \
    }
STEPS(REFUSING)

/* A handle that was refused is refused some more times, until another one is mapped: what is to be put in its place is the old one. */
static CUresult refusing_cuMemMap(CUdeviceptr address, size_t bytes, size_t offset, CUmemGenericAllocationHandle handle, unsigned long long flags)
{
    static CUmemGenericAllocationHandle banned;
    static int times;
    if (refuses(STEP_cuMemMap)) {
        banned = handle;
        times = bans ? 5 : 1;
    }
    if (handle == banned && times > 0 && times-- > 0) {
        return CUDA_ERROR_UNKNOWN;
    }
    banned = 0;
    return ((__typeof__(cuMemMap) *)real[STEP_cuMemMap])(address, bytes, offset, handle, flags);
}

static void come_between(void)
{
#define PUT(name, parameters, arguments)                            \
    real[STEP_##name] = alq_library_symbol(ALQ_FN_##name);          \
    CHECK(real[STEP_##name] != NULL);                               \
    __atomic_store_n(&alq_slots[ALQ_FN_##name], (void *)refusing_##name, __ATOMIC_SEQ_CST);
    STEPS(PUT)
    PUT(cuMemMap, , )
}

static void start(struct moving *m, struct world *world)
{
    moving_start(m, world, 256 * MIB);
    CHECK_EQ(CU(cuMemFree_v2)(moving_alloc(6 * MIB)), CUDA_SUCCESS); /* the mover runs, and has looked up what it calls */
    come_between();
    if (check_failures != 0) {
        end_case();
    }
}

static void a_block_is_made_whole_or_not_at_all(struct world *world, const void *argument)
{
    static const enum step steps[] = {STEP_cuMemAddressReserve, STEP_cuMemCreate, STEP_cuMemMap, STEP_cuMemSetAccess};
    struct moving m;
    (void)argument;
    start(&m, world);
    uint64_t truth = truth_bytes(world, 0, 0);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        int pieces = steps[i] == STEP_cuMemCreate || steps[i] == STEP_cuMemMap ? 3 : 1;
        for (int call = 1; call <= pieces; call++) {
            CUdeviceptr address = 1;
            refusals[steps[i]] = call;
            CHECK_EQ(CU(cuMemAlloc_v2)(&address, BLOCK_BYTES), CUDA_ERROR_UNKNOWN);
            CHECK_EQ(refusals[steps[i]], 0);
            CHECK_EQ(moving_used(&m), 0);
            CHECK_EQ(moving_movable(&m), 0);
            CHECK_EQ(truth_bytes(world, 0, 0), truth);
        }
    }
    CHECK_EQ(CU(cuMemFree_v2)(moving_alloc(BLOCK_BYTES)), CUDA_SUCCESS);
    CHECK_EQ(truth_bytes(world, 0, 0), truth);
}

static CUdeviceptr full_block(const struct moving *m)
{
    CUdeviceptr block = moving_alloc(BLOCK_BYTES);
    moving_filled(m, block, BLOCK_BYTES, BLOCK_VALUE);
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    return block;
}

/* Moves the block that way with the call of that number refused; the mover tries again by itself. */
static void move_once(const struct moving *m, CUdeviceptr block, enum step step, int call, bool promote)
{
    __atomic_store_n(&refusals[step], call, __ATOMIC_SEQ_CST);
    moving_resident(m, promote ? ALQ_RESIDENT_ALL : 0);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(moving_wrong(m, block, BLOCK_BYTES, BLOCK_VALUE, NULL), 0);
    }
    if (!moving_becomes(m, moving_demoted, promote ? 0 : BLOCK_BYTES)) {
        check_failed(__FILE__, __LINE__, promote ? "the way back, step and call" : "the way out, step and call", step, (unsigned)call);
    }
    CHECK_EQ(moving_used(m), promote ? BLOCK_BYTES : 0);
    CHECK_EQ(moving_movable(m), promote ? BLOCK_BYTES : 0);
    CHECK_EQ(moving_wrong(m, block, BLOCK_BYTES, BLOCK_VALUE, NULL), 0);
    __atomic_store_n(&refusals[step], 0, __ATOMIC_SEQ_CST);
}

static void a_refused_step_leaves_the_data_where_it_was(struct world *world, const void *argument)
{
    struct moving m;
    const enum step *step = argument;
    start(&m, world);
    bans = 1;
    uint64_t truth = truth_bytes(world, 0, 0);
    for (int call = 1; call <= 6; call++) {
        CUdeviceptr block = full_block(&m); /* each time without chunks in hand */
        move_once(&m, block, *step, call, false);
        move_once(&m, block, *step, call, true);
        CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
        CHECK_EQ(moving_used(&m), 0);
        CHECK(moving_chunks_are_back(&m));
    }
    CHECK(refused >= 2);
    /* a mapping that the driver does not give back keeps what is behind it */
    CHECK(*step == STEP_cuMemUnmap || truth_bytes(world, 0, 0) == truth);
}

/* Waits for what comes of an attempt to leave, told after *since, which becomes the next one's; whether the process is parked. */
static bool has_left(const struct moving *m, uint64_t *since)
{
    for (int i = 0; i < PATIENCE_MS; i++) {
        while (*since < moving_reports(m)) {
            if (m->world->agent->shared->moved[(*since)++ % AGENT_MOVES].promoted == 0) {
                return moving_parked(m) != 0;
            }
        }
        usleep(1000);
    }
    return false;
}

/* A process that could not leave runs; one that could not bring all back runs, too, and brings it back later. */
static void a_refused_step_keeps_nobody_out(struct world *world, const void *argument)
{
    struct moving m;
    const enum step *step = argument;
    start(&m, world);
    bans = 1;
    uint64_t truth = truth_bytes(world, 0, 0);
    CUdeviceptr result = moving_alloc(8);
    for (int call = 1; call <= 4; call++) {
        CUdeviceptr block = full_block(&m);
        uint64_t reports = moving_reports(&m), resumes = atomic_load(&world->agent->shared->resumes);
        __atomic_store_n(&refusals[*step], call, __ATOMIC_SEQ_CST);
        moving_leave(&m, 1);
        for (int attempt = 0; !has_left(&m, &reports) && attempt < 10; attempt++) {
            CHECK_EQ(moving_wrong(&m, block, BLOCK_BYTES, BLOCK_VALUE, NULL), 0);
            CHECK_EQ(atomic_load(&world->agent->shared->resumes), resumes);
            test_agent_wake(world->agent, m.slot);
        }
        CHECK_EQ(moving_parked(&m), 1);
        CHECK_EQ(moving_demoted(&m), BLOCK_BYTES);
        __atomic_store_n(&refusals[*step], call, __ATOMIC_SEQ_CST);
        CHECK_EQ(moving_wrong(&m, block, BLOCK_BYTES, BLOCK_VALUE, NULL), 0);
        CHECK_EQ(atomic_load(&world->agent->shared->resumes), resumes + 1);
        CHECK_EQ(moving_parked(&m), 0);
        CHECK(moving_becomes(&m, moving_demoted, 0));
        CHECK_EQ(moving_wrong(&m, block, BLOCK_BYTES, BLOCK_VALUE, NULL), 0);
        __atomic_store_n(&refusals[*step], 0, __ATOMIC_SEQ_CST);
        CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
    }
    CHECK(refused >= 2);
    CHECK_EQ(CU(cuMemFree_v2)(result), CUDA_SUCCESS);
    CHECK_EQ(moving_used(&m), 0);
    CHECK(moving_chunks_are_back(&m));
    CHECK(*step == STEP_cuMemUnmap || truth_bytes(world, 0, 0) == truth);
}

/* A process that could not go bare is parked as it was; what could not be imported again is tried until it can. */
static void a_refused_step_loses_nothing_of_a_bare_process(struct world *world, const void *argument)
{
    struct moving m;
    const enum step *step = argument;
    start(&m, world);
    CUdeviceptr result = moving_alloc(8);
    for (int call = 1; call <= 4; call++) {
        CUdeviceptr block = full_block(&m);
        bare_park(&m);
        uint64_t reports = moving_reports(&m);
        __atomic_store_n(&refusals[*step], call, __ATOMIC_SEQ_CST);
        bare_tell(&m, 1);
        if (!has_left(&m, &reports) || moving_parked(&m) != ALQ_PARKED_BARE) {
            CHECK_EQ(m.world->agent->shared->moved[(reports - 1) % AGENT_MOVES].outcome, ALQ_MOVE_FAILED);
            CHECK_EQ(moving_parked(&m), ALQ_PARKED_HOT);
            bare_tell(&m, 1);
            CHECK(moving_becomes(&m, moving_parked, ALQ_PARKED_BARE));
        }
        CHECK_EQ(test_agent_order(world->agent, m.slot, ORDER_CHECKPOINT), CUDA_SUCCESS);
        __atomic_store_n(&refusals[*step], call, __ATOMIC_SEQ_CST);
        CHECK_EQ(moving_wrong(&m, block, BLOCK_BYTES, BLOCK_VALUE, NULL), 0);
        CHECK_EQ(bare_restores(&m), (uint64_t)call);
        bare_is_back(&m);
        __atomic_store_n(&refusals[*step], 0, __ATOMIC_SEQ_CST);
        CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
    }
    CHECK(refused >= 2);
    CHECK_EQ(CU(cuMemFree_v2)(result), CUDA_SUCCESS);
    CHECK(moving_chunks_are_back(&m));
}

static void run_refusing(const char *name, case_body *body, const void *step)
{
    struct world *world = world_open((struct world_config){.memory_bytes = 4096 * MIB, .limit_bytes = 1024 * MIB});
    run_case(name, body, world, step);
    world_close(world);
}

int main(void)
{
    static const char *const names[] = {
#define NAMED(name, parameters, arguments) "refused_" #name,
        STEPS(NAMED) "refused_cuMemMap"};
    static enum step steps[STEP_COUNT];
    use_as_ours(dlopen(NULL, RTLD_NOW));
    struct world *world = world_open((struct world_config){.memory_bytes = 4096 * MIB, .limit_bytes = 1024 * MIB});
    RUN(a_block_is_made_whole_or_not_at_all, world);
    world_close(world);
    for (size_t i = 0; i < STEP_COUNT; i++) {
        steps[i] = (enum step)i;
        run_refusing(names[i], a_refused_step_leaves_the_data_where_it_was, &steps[i]);
        run_refusing(names[i], a_refused_step_keeps_nobody_out, &steps[i]);
        if (i != STEP_cuMemCreate && i != STEP_cuMemcpyDtoDAsync_v2) {
            run_refusing(names[i], a_refused_step_loses_nothing_of_a_bare_process, &steps[i]);
        }
    }
    return finish_cases();
}
