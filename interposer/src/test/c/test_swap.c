/*
 * A process that is swapped out as a whole and comes back: its device is free meanwhile, its data is right, and whoever needs the device waits
 * for it to come back and notices nothing else.
 */
#include "support_faults.h"

#include <pthread.h>
#include <unistd.h>

/* Blocks of all sizes, the last of them not of whole pages. */
static const uint64_t sizes[] = {130 * MIB, 6 * MIB, 66 * MIB, 2 * MIB, 64 * MIB, 4 * MIB, MIB + 4};
#define BLOCKS (sizeof sizes / sizeof sizes[0])
#define BLOCKS_BYTES (274 * MIB) /* rounded up */

struct blocks {
    CUdeviceptr at[BLOCKS];
};

static void fill_blocks(const struct moving *m, struct blocks *blocks)
{
    for (uint32_t i = 0; i < BLOCKS; i++) {
        blocks->at[i] = moving_alloc(sizes[i]);
        moving_filled(m, blocks->at[i], sizes[i], 100 + i);
    }
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
}

static void check_blocks(const struct moving *m, const struct blocks *blocks, uint32_t added)
{
    for (uint32_t i = 0; i < BLOCKS; i++) {
        CHECK_EQ(moving_wrong(m, blocks->at[i], sizes[i], 100 + i + added, NULL), 0);
    }
}

static void free_blocks(const struct moving *m, const struct blocks *blocks)
{
    for (uint32_t i = 0; i < BLOCKS; i++) {
        CHECK_EQ(CU(cuMemFree_v2)(blocks->at[i]), CUDA_SUCCESS);
    }
    CHECK(moving_becomes(m, moving_used, 0));
    CHECK_EQ(moving_demoted(m), 0);
    CHECK(moving_chunks_are_back(m));
}

/* A case in a world of its own that begins with blocks, which are freed after it. */
typedef void blocks_body(const struct moving *m, struct blocks *blocks);

static void with_blocks(struct world *world, const void *argument)
{
    blocks_body *const *body = argument;
    struct moving m;
    struct blocks blocks;
    moving_start(&m, world, 256 * MIB);
    fill_blocks(&m, &blocks);
    (*body)(&m, &blocks);
    free_blocks(&m, &blocks);
}

static void run_blocks(const char *name, blocks_body *body)
{
    run_alone(name, with_blocks, &body);
}

#define RUN_BLOCKS(name) run_blocks(#name, name)

static void an_idle_process_leaves_its_device_and_comes_back(const struct moving *m)
{
    struct blocks blocks;
    uint64_t truth = truth_bytes(m->world, 0, 0), total = truth_total(m->world, 0);
    fill_blocks(m, &blocks);
    CHECK_EQ(truth_total(m->world, 0) - total, BLOCKS_BYTES);
    moving_park(m);
    CHECK_EQ(moving_used(m), 0);
    CHECK_EQ(moving_movable(m), 0);
    CHECK_EQ(moving_demoted(m), BLOCKS_BYTES);
    CHECK_EQ(truth_bytes(m->world, 0, 0), truth);
    CHECK_EQ(truth_total(m->world, 0), total);
    const struct alq_moved *out = moving_report(m, 0, ALQ_MOVE_DONE, false);
    CHECK_EQ(out->moved_bytes, BLOCKS_BYTES);
    CHECK(out->copy_ns > 0 && out->copy_ns <= out->closed_ns);
    CHECK_EQ(moving_reports(m), 1);
    moving_return(m);
    const struct alq_moved *in = moving_report(m, 0, ALQ_MOVE_DONE, true);
    CHECK_EQ(in->moved_bytes, BLOCKS_BYTES);
    CHECK_EQ(in->closed_ns, 0);
    CHECK_EQ(moving_parked(m), 0);
    CHECK_EQ(moving_used(m), BLOCKS_BYTES);
    CHECK_EQ(moving_movable(m), BLOCKS_BYTES);
    CHECK_EQ(moving_demoted(m), 0);
    check_blocks(m, &blocks, 0);
    CHECK_EQ(moving_resumes(m), 0);
    free_blocks(m, &blocks);
}

static void a_launch_at_the_parked_gate_brings_the_process_back(const struct moving *m, struct blocks *blocks)
{
    for (uint32_t round = 1; round <= 3; round++) {
        moving_park(m);
        uint64_t reports = moving_reports(m);
        for (uint32_t i = 0; i < BLOCKS; i++) {
            moving_add(m, blocks->at[i], sizes[i], 1, NULL);
        }
        CHECK_EQ(moving_resumes(m), round);
        CHECK(moving_becomes(m, moving_parked, 0));
        CHECK(moving_becomes(m, moving_demoted, 0));
        const struct alq_moved *in = moving_report(m, reports, ALQ_MOVE_DONE, true);
        CHECK_EQ(in->moved_bytes, BLOCKS_BYTES);
        CHECK(in->closed_ns > 0);
        check_blocks(m, blocks, round);
        CHECK_EQ(moving_resumes(m), round);
    }
}

static void a_copy_at_the_parked_gate_reads_what_was_there(const struct moving *m, struct blocks *blocks)
{
    uint32_t words[2] = {0};
    moving_park(m);
    CHECK_EQ(CU(cuMemcpyDtoH_v2)(words, blocks->at[0] + 129 * MIB, sizeof words), CUDA_SUCCESS);
    CHECK_EQ(words[0], 100);
    CHECK_EQ(words[1], 100);
    CHECK_EQ(moving_resumes(m), 1);
    moving_park(m);
    CHECK_EQ(CU(cuMemcpyHtoD_v2)(blocks->at[1], words, sizeof words), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemcpyDtoH_v2)(words, blocks->at[1], sizeof words), CUDA_SUCCESS);
    CHECK_EQ(words[0], 100);
    CHECK_EQ(moving_resumes(m), 2);
    CHECK_EQ(CU(cuMemsetD32_v2)(blocks->at[1], 101, 2), CUDA_SUCCESS);
    check_blocks(m, blocks, 0);
}

struct caller {
    const struct moving *m;
    CUdeviceptr block;
    uint64_t bytes, wrong;
    uint32_t value;
};

static void *call(void *argument)
{
    struct caller *caller = argument;
    CHECK_EQ(CU(cuCtxSetCurrent)(caller->m->context), CUDA_SUCCESS);
    moving_add(caller->m, caller->block, caller->bytes, 7, CU_STREAM_PER_THREAD);
    caller->wrong = moving_wrong(caller->m, caller->block, caller->bytes, caller->value + 7, CU_STREAM_PER_THREAD);
    return NULL;
}

static void many_threads_at_the_gate_ask_once(const struct moving *m, struct blocks *blocks)
{
    struct caller callers[BLOCKS];
    pthread_t threads[BLOCKS];
    moving_park(m);
    atomic_store(&m->world->agent->shared->resume_mode, RESUMES_HELD);
    for (uint32_t i = 0; i < BLOCKS; i++) {
        callers[i] = (struct caller){.m = m, .block = blocks->at[i], .bytes = sizes[i], .value = 100 + i, .wrong = 1};
        CHECK_EQ(pthread_create(&threads[i], NULL, call, &callers[i]), 0);
    }
    CHECK(moving_becomes(m, moving_resumes, 1));
    usleep(50000);
    CHECK_EQ(moving_parked(m), 1);
    CHECK_EQ(moving_demoted(m), BLOCKS_BYTES);
    atomic_store(&m->world->agent->shared->resume_mode, RESUMES_GRANTED);
    for (uint32_t i = 0; i < BLOCKS; i++) {
        pthread_join(threads[i], NULL);
        CHECK_EQ(callers[i].wrong, 0);
    }
    CHECK_EQ(moving_resumes(m), 1);
    check_blocks(m, blocks, 7);
}

/* Whether it has been told since. */
static bool has_left(const struct moving *m, uint64_t since, uint32_t device)
{
    for (uint64_t at = since; at < moving_reports(m); at++) {
        const struct alq_moved *moved = &m->world->agent->shared->moved[at % AGENT_MOVES];
        if (moved->device == device && moved->promoted == 0) {
            return true;
        }
    }
    return false;
}

static void several_devices_are_left_together(struct world *world, const void *argument)
{
    static const uint64_t bytes[2] = {70 * MIB, 134 * MIB};
    static const uint32_t values[2] = {40, 41};
    CUcontext contexts[2];
    CUdeviceptr blocks[2];
    uint64_t totals[2];
    struct moving m = {.world = world};
    (void)argument;
    CHECK_EQ(CU(cuInit)(0), CUDA_SUCCESS);
    m.slot = (uint32_t)test_agent_slot(world->agent, getpid());
    for (uint32_t d = 0; d < 2; d++) {
        test_agent_lend(world->agent, d, 256 * MIB);
        CHECK_EQ(CU(cuDevicePrimaryCtxRetain)(&contexts[d], (CUdevice)d), CUDA_SUCCESS);
        CHECK_EQ(CU(cuCtxSetCurrent)(contexts[d]), CUDA_SUCCESS);
        totals[d] = truth_total(world, d);
        blocks[d] = moving_alloc(bytes[d]);
        CHECK_EQ(CU(cuMemsetD32_v2)(blocks[d], values[d], bytes[d] / 4), CUDA_SUCCESS);
    }
    const struct alq_usage_slot *usage = &world->agent->usage->slots[m.slot];
    for (uint32_t devices = 1; devices <= 3; devices++) {
        uint64_t reports = moving_reports(&m);
        moving_leave(&m, devices);
        CHECK(moving_becomes(&m, moving_parked, 1));
        for (uint32_t d = 0; d < 2; d++) {
            bool left = (devices >> d & 1) != 0;
            CHECK_EQ(usage->demoted_bytes[d], left ? bytes[d] : 0);
            CHECK_EQ(truth_total(world, d) - totals[d], left ? 0 : bytes[d]);
        }
        for (uint32_t d = 0; d < 2; d++) {
            bool left = (devices >> d & 1) != 0;
            for (int i = 0; i < PATIENCE_MS && left && !has_left(&m, reports, d); i++) {
                usleep(1000);
            }
            CHECK_EQ(has_left(&m, reports, d), left);
        }
        for (uint32_t d = 0; d < 2; d++) {
            uint32_t words[2];
            CHECK_EQ(CU(cuCtxSetCurrent)(contexts[d]), CUDA_SUCCESS);
            CHECK_EQ(CU(cuMemcpyDtoH_v2)(words, blocks[d] + 69 * MIB, sizeof words), CUDA_SUCCESS);
            CHECK_EQ(words[0], values[d]);
            CHECK_EQ(words[1], values[d]);
            CHECK_EQ(usage->demoted_bytes[d], 0);
        }
        CHECK_EQ(moving_resumes(&m), devices);
    }
}

static void without_anything_on_the_device_the_process_still_leaves(const struct moving *m)
{
    CHECK_EQ(CU(cuMemFree_v2)(moving_alloc(6 * MIB)), CUDA_SUCCESS);
    moving_park(m);
    CHECK_EQ(moving_report(m, 0, ALQ_MOVE_DONE, false)->moved_bytes, 0);
    CUdeviceptr block = moving_alloc(6 * MIB);
    CHECK_EQ(moving_resumes(m), 1);
    CHECK(moving_becomes(m, moving_parked, 0));
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
}

static void what_may_stay_may_be_said_after_the_process_has_left(const struct moving *m, struct blocks *blocks)
{
    test_agent_set_away(m->world->agent, m->slot, 1);
    test_agent_wake(m->world->agent, m->slot);
    CHECK(moving_becomes(m, moving_parked, 1));
    CHECK_EQ(moving_used(m), BLOCKS_BYTES);
    moving_resident(m, 150 * MIB);
    CHECK(moving_becomes(m, moving_used, 146 * MIB)); /* two whole pieces are gone */
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_used, 0));
    CHECK_EQ(moving_parked(m), 1);
    CHECK_EQ(moving_resumes(m), 0);
    check_blocks(m, blocks, 0);
    CHECK_EQ(moving_resumes(m), 1);
}

static void only_what_has_room_comes_back(const struct moving *m, struct blocks *blocks)
{
    moving_park(m);
    uint64_t reports = moving_reports(m);
    test_agent_set_resident_quietly(m->world->agent, m->slot, 0, 100 * MIB);
    test_agent_set_away(m->world->agent, m->slot, 0);
    test_agent_wake(m->world->agent, m->slot);
    CHECK_EQ(moving_report(m, reports, ALQ_MOVE_DONE, true)->moved_bytes, 82 * MIB); /* a whole piece, and all that are smaller */
    CHECK_EQ(moving_used(m), 82 * MIB);
    check_blocks(m, blocks, 0);
    CHECK_EQ(moving_resumes(m), 0);
    moving_resident(m, ALQ_RESIDENT_ALL);
    CHECK(moving_becomes(m, moving_demoted, 0));
    check_blocks(m, blocks, 0);
}

static void memory_is_freed_and_taken_while_away(const struct moving *m, struct blocks *blocks)
{
    moving_park(m);
    CHECK_EQ(CU(cuMemFree_v2)(blocks->at[2]), CUDA_SUCCESS);
    CHECK_EQ(moving_resumes(m), 1);
    CHECK(moving_becomes(m, moving_used, BLOCKS_BYTES - 66 * MIB));
    moving_park(m);
    moving_credit(m, 0); /* as an agent lowers it, behind what is used */
    uint64_t asks = atomic_load(&m->world->agent->shared->asks);
    blocks->at[2] = moving_alloc(66 * MIB);
    CHECK(atomic_load(&m->world->agent->shared->asks) > asks);
    CHECK_EQ(moving_resumes(m), 2);
    moving_filled(m, blocks->at[2], 66 * MIB, 102);
    check_blocks(m, blocks, 0);
    CHECK(moving_becomes(m, moving_demoted, 0));
}

/* Allocates; the answer. */
static void *take(void *argument)
{
    const struct moving *m = argument;
    CUdeviceptr address = 0;
    CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_RELAXED; /* the capture is not this thread's */
    CHECK_EQ(CU(cuThreadExchangeStreamCaptureMode)(&mode), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxSetCurrent)(m->context), CUDA_SUCCESS);
    CUresult result = CU(cuMemAlloc_v2)(&address, 130 * MIB);
    if (result == CUDA_SUCCESS) {
        result = CU(cuMemFree_v2)(address);
    }
    return (void *)(uintptr_t)result;
}

static uint64_t sent_away(const struct moving *m)
{
    return atomic_load(&m->world->agent->shared->sent_away);
}

static void who_asks_for_more_while_it_is_told_to_leave_gets_it_when_it_is_back(const struct moving *m, struct blocks *blocks)
{
    pthread_t thread;
    void *result = NULL;
    CUgraph graph = NULL;
    CUstream stream = capturing_stream(); /* it leaves when that has ended */
    moving_credit(m, 0);
    atomic_store(&m->world->agent->shared->mode, AGENT_PUTS_OFF);
    moving_leave(m, 1);
    CHECK_EQ(pthread_create(&thread, NULL, take, (void *)(uintptr_t)m), 0);
    for (int i = 0; i < PATIENCE_MS && sent_away(m) < 3; i++) {
        usleep(1000);
    }
    CHECK(sent_away(m) >= 3);
    CHECK_EQ(CU(cuStreamEndCapture)(stream, &graph), CUDA_SUCCESS);
    pthread_join(thread, &result);
    CHECK_EQ((uintptr_t)result, CUDA_SUCCESS);
    CHECK_EQ(moving_resumes(m), 1);
    CHECK_EQ(moving_report(m, 0, ALQ_MOVE_DONE, false)->moved_bytes, BLOCKS_BYTES);
    CHECK_EQ(m->world->agent->usage->slots[m->slot].refusals, 0);
    check_blocks(m, blocks, 0);
}

#define SHORT_WAIT_MS 5000

/* How long it was out does not count as waiting: it asks once more when it is back, and that is all. */
static void who_is_sent_away_again_and_again_is_refused_in_the_end(struct world *world, const void *argument)
{
    struct moving m;
    pthread_t thread;
    void *result = NULL;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    moving_alloc(64 * MIB);
    moving_credit(&m, 0);
    atomic_store(&world->agent->shared->mode, AGENT_SENDS_AWAY);
    atomic_store(&world->agent->shared->resume_mode, RESUMES_HELD);
    CHECK_EQ(pthread_create(&thread, NULL, take, &m), 0);
    for (int i = 0; i < PATIENCE_MS && sent_away(&m) == 0; i++) {
        usleep(1000);
    }
    moving_leave(&m, 1);
    CHECK(moving_becomes(&m, moving_resumes, 1));
    usleep((SHORT_WAIT_MS + 200) * 1000);
    uint64_t before = sent_away(&m);
    atomic_store(&world->agent->shared->resume_mode, RESUMES_GRANTED);
    pthread_join(thread, &result);
    CHECK_EQ((uintptr_t)result, CUDA_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(sent_away(&m) - before, 1);
    CHECK(world->agent->usage->slots[m.slot].refusals > 0);
}

static uint64_t submissions(const struct moving *m)
{
    return __atomic_load_n(&m->world->agent->usage->slots[m->slot].submissions, __ATOMIC_SEQ_CST);
}

/* Wakes the slot; what is told then, once it is no longer what was told before. */
static uint64_t submissions_after(const struct moving *m, uint64_t before)
{
    test_agent_wake(m->world->agent, m->slot);
    for (int i = 0; i < PATIENCE_MS && submissions(m) == before; i++) {
        usleep(1000);
    }
    return submissions(m);
}

static void how_much_was_submitted_is_told_whenever_the_slot_is_woken(const struct moving *m)
{
    CUdeviceptr block = moving_alloc(6 * MIB);
    uint64_t before = submissions_after(m, 0);
    CHECK(before > 0);
    for (int i = 0; i < 50; i++) {
        moving_fill(m, block, 6 * MIB, 1, NULL);
    }
    CHECK_EQ(submissions(m), before);
    CHECK_EQ(submissions_after(m, before), before + 50);
    moving_park(m);
    moving_report(m, 0, ALQ_MOVE_DONE, false);
    for (int i = 0; i < 5; i++) {
        test_agent_wake(m->world->agent, m->slot);
        usleep(20000);
    }
    CHECK_EQ(moving_reports(m), 1); /* there was nothing to say */
    CHECK_EQ(submissions(m), before + 50);
    CHECK_EQ(moving_parked(m), 1);
}

int main(void)
{
    RUN_MOVING_ALONE(an_idle_process_leaves_its_device_and_comes_back);
    RUN_BLOCKS(a_launch_at_the_parked_gate_brings_the_process_back);
    RUN_BLOCKS(a_copy_at_the_parked_gate_reads_what_was_there);
    RUN_BLOCKS(many_threads_at_the_gate_ask_once);
    RUN_MOVING_ALONE(without_anything_on_the_device_the_process_still_leaves);
    RUN_BLOCKS(what_may_stay_may_be_said_after_the_process_has_left);
    RUN_BLOCKS(only_what_has_room_comes_back);
    RUN_BLOCKS(memory_is_freed_and_taken_while_away);
    RUN_BLOCKS(who_asks_for_more_while_it_is_told_to_leave_gets_it_when_it_is_back);
    RUN_MOVING_ALONE(how_much_was_submitted_is_told_whenever_the_slot_is_woken);
    struct world *world = world_open(
        (struct world_config){.tenant_devices = 2, .memory_bytes = 4096 * MIB, .limit_bytes = 1024 * MIB});
    RUN(several_devices_are_left_together, world);
    world_close(world);
    world = world_open((struct world_config){.memory_bytes = 4096 * MIB, .limit_bytes = 1024 * MIB, .agent_wait_ms = SHORT_WAIT_MS});
    RUN(who_is_sent_away_again_and_again_is_refused_in_the_end, world);
    world_close(world);
    return finish_cases();
}
