/*
 * A process that is swapped out as a whole and comes back: its device is free meanwhile, its data is right, and whoever needs the device waits
 * for it to come back and notices nothing else.
 */
#include "support_workers.h"

#include <pthread.h>
#include <string.h>
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
        moving_fill(m, blocks->at[i], sizes[i], 100 + i, NULL);
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

static uint64_t resumes(const struct moving *m)
{
    return atomic_load(&m->world->agent->shared->resumes);
}

/* Out, with everything. */
static void leave(const struct moving *m)
{
    moving_leave(m, 1);
    CHECK(moving_becomes(m, moving_parked, 1));
}

static void an_idle_process_leaves_its_device_and_comes_back(struct world *world, const void *argument)
{
    struct moving m;
    struct blocks blocks;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    uint64_t truth = truth_bytes(world, 0, 0), total = truth_total(world, 0);
    fill_blocks(&m, &blocks);
    CHECK_EQ(truth_total(world, 0) - total, BLOCKS_BYTES);
    leave(&m);
    CHECK_EQ(moving_used(&m), 0);
    CHECK_EQ(moving_movable(&m), 0);
    CHECK_EQ(moving_demoted(&m), BLOCKS_BYTES);
    CHECK_EQ(truth_bytes(world, 0, 0), truth);
    CHECK_EQ(truth_total(world, 0), total);
    const struct alq_moved *out = moving_report(&m, 0, ALQ_MOVE_DONE, false);
    CHECK_EQ(out->moved_bytes, BLOCKS_BYTES);
    CHECK(out->copy_ns > 0 && out->copy_ns <= out->closed_ns);
    CHECK_EQ(moving_reports(&m), 1);
    moving_return(&m);
    const struct alq_moved *in = moving_report(&m, 0, ALQ_MOVE_DONE, true);
    CHECK_EQ(in->moved_bytes, BLOCKS_BYTES);
    CHECK_EQ(in->closed_ns, 0);
    CHECK_EQ(moving_parked(&m), 0);
    CHECK_EQ(moving_used(&m), BLOCKS_BYTES);
    CHECK_EQ(moving_movable(&m), BLOCKS_BYTES);
    CHECK_EQ(moving_demoted(&m), 0);
    check_blocks(&m, &blocks, 0);
    CHECK_EQ(resumes(&m), 0);
    free_blocks(&m, &blocks);
}

static void a_launch_at_the_parked_gate_brings_the_process_back(struct world *world, const void *argument)
{
    struct moving m;
    struct blocks blocks;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    fill_blocks(&m, &blocks);
    for (uint32_t round = 1; round <= 3; round++) {
        leave(&m);
        uint64_t reports = moving_reports(&m);
        for (uint32_t i = 0; i < BLOCKS; i++) {
            moving_add(&m, blocks.at[i], sizes[i], 1, NULL);
        }
        CHECK_EQ(resumes(&m), round);
        CHECK(moving_becomes(&m, moving_parked, 0));
        CHECK(moving_becomes(&m, moving_demoted, 0));
        const struct alq_moved *in = moving_report(&m, reports, ALQ_MOVE_DONE, true);
        CHECK_EQ(in->moved_bytes, BLOCKS_BYTES);
        CHECK(in->closed_ns > 0);
        check_blocks(&m, &blocks, round);
        CHECK_EQ(resumes(&m), round);
    }
    free_blocks(&m, &blocks);
}

static void a_copy_at_the_parked_gate_reads_what_was_there(struct world *world, const void *argument)
{
    struct moving m;
    struct blocks blocks;
    uint32_t words[2] = {0};
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    fill_blocks(&m, &blocks);
    leave(&m);
    CHECK_EQ(CU(cuMemcpyDtoH_v2)(words, blocks.at[0] + 129 * MIB, sizeof words), CUDA_SUCCESS);
    CHECK_EQ(words[0], 100);
    CHECK_EQ(words[1], 100);
    CHECK_EQ(resumes(&m), 1);
    leave(&m);
    CHECK_EQ(CU(cuMemcpyHtoD_v2)(blocks.at[1], words, sizeof words), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemcpyDtoH_v2)(words, blocks.at[1], sizeof words), CUDA_SUCCESS);
    CHECK_EQ(words[0], 100);
    CHECK_EQ(resumes(&m), 2);
    CHECK_EQ(CU(cuMemsetD32_v2)(blocks.at[1], 101, 2), CUDA_SUCCESS);
    check_blocks(&m, &blocks, 0);
    free_blocks(&m, &blocks);
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

static void many_threads_at_the_gate_ask_once(struct world *world, const void *argument)
{
    struct moving m;
    struct blocks blocks;
    struct caller callers[BLOCKS];
    pthread_t threads[BLOCKS];
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    fill_blocks(&m, &blocks);
    leave(&m);
    atomic_store(&world->agent->shared->resume_mode, RESUMES_HELD);
    for (uint32_t i = 0; i < BLOCKS; i++) {
        callers[i] = (struct caller){.m = &m, .block = blocks.at[i], .bytes = sizes[i], .value = 100 + i, .wrong = 1};
        CHECK_EQ(pthread_create(&threads[i], NULL, call, &callers[i]), 0);
    }
    for (int i = 0; i < PATIENCE_MS && resumes(&m) == 0; i++) {
        usleep(1000);
    }
    usleep(50000);
    CHECK_EQ(moving_parked(&m), 1);
    CHECK_EQ(moving_demoted(&m), BLOCKS_BYTES);
    atomic_store(&world->agent->shared->resume_mode, RESUMES_GRANTED);
    for (uint32_t i = 0; i < BLOCKS; i++) {
        pthread_join(threads[i], NULL);
        CHECK_EQ(callers[i].wrong, 0);
    }
    CHECK_EQ(resumes(&m), 1);
    check_blocks(&m, &blocks, 7);
    free_blocks(&m, &blocks);
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
    CUcontext contexts[2];
    CUdeviceptr blocks[2];
    uint32_t words[2];
    struct moving m = {.world = world};
    (void)argument;
    CHECK_EQ(CU(cuInit)(0), CUDA_SUCCESS);
    m.slot = (uint32_t)test_agent_slot(world->agent, getpid());
    uint64_t totals[2];
    for (int d = 0; d < 2; d++) {
        test_agent_lend(world->agent, (uint32_t)d, 256 * MIB);
        CHECK_EQ(CU(cuDevicePrimaryCtxRetain)(&contexts[d], d), CUDA_SUCCESS);
        CHECK_EQ(CU(cuCtxSetCurrent)(contexts[d]), CUDA_SUCCESS);
        totals[d] = truth_total(world, (uint32_t)d);
        blocks[d] = moving_alloc((70 + 64 * (uint64_t)d) * MIB);
        CHECK_EQ(CU(cuMemsetD32_v2)(blocks[d], 40 + (uint32_t)d, (70 + 64 * (uint64_t)d) * MIB / 4), CUDA_SUCCESS);
    }
    const struct alq_usage_slot *usage = &world->agent->usage->slots[m.slot];
    for (uint32_t devices = 1; devices <= 3; devices++) {
        uint64_t reports = moving_reports(&m);
        moving_leave(&m, devices);
        CHECK(moving_becomes(&m, moving_parked, 1));
        for (uint32_t d = 0; d < 2; d++) {
            uint64_t bytes = (70 + 64 * (uint64_t)d) * MIB;
            CHECK_EQ(usage->demoted_bytes[d], (devices >> d & 1) != 0 ? bytes : 0);
            CHECK_EQ(truth_total(world, d) - totals[d], (devices >> d & 1) != 0 ? 0 : bytes);
        }
        for (uint32_t d = 0; d < 2; d++) {
            for (int i = 0; i < PATIENCE_MS && (devices >> d & 1) != 0 && !has_left(&m, reports, d); i++) {
                usleep(1000);
            }
            CHECK_EQ(has_left(&m, reports, d), devices >> d & 1);
        }
        for (int d = 0; d < 2; d++) {
            CHECK_EQ(CU(cuCtxSetCurrent)(contexts[d]), CUDA_SUCCESS);
            CHECK_EQ(CU(cuMemcpyDtoH_v2)(words, blocks[d] + 69 * MIB, sizeof words), CUDA_SUCCESS);
            CHECK_EQ(words[0], 40u + (uint32_t)d);
            CHECK_EQ(words[1], 40u + (uint32_t)d);
            CHECK_EQ(usage->demoted_bytes[d], 0);
        }
        CHECK_EQ(resumes(&m), devices);
    }
}

static void without_anything_on_the_device_the_process_still_leaves(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    CHECK_EQ(CU(cuMemFree_v2)(moving_alloc(6 * MIB)), CUDA_SUCCESS);
    leave(&m);
    CHECK_EQ(moving_report(&m, 0, ALQ_MOVE_DONE, false)->moved_bytes, 0);
    CUdeviceptr block = moving_alloc(6 * MIB);
    CHECK_EQ(resumes(&m), 1);
    CHECK(moving_becomes(&m, moving_parked, 0));
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
}

static void what_may_stay_may_be_said_after_the_process_has_left(struct world *world, const void *argument)
{
    struct moving m;
    struct blocks blocks;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    fill_blocks(&m, &blocks);
    test_agent_set_away(world->agent, m.slot, 1);
    test_agent_wake(world->agent, m.slot);
    CHECK(moving_becomes(&m, moving_parked, 1));
    CHECK_EQ(moving_used(&m), BLOCKS_BYTES);
    moving_resident(&m, 150 * MIB);
    CHECK(moving_becomes(&m, moving_used, 146 * MIB)); /* two whole pieces are gone */
    moving_resident(&m, 0);
    CHECK(moving_becomes(&m, moving_used, 0));
    CHECK_EQ(moving_parked(&m), 1);
    CHECK_EQ(resumes(&m), 0);
    check_blocks(&m, &blocks, 0);
    CHECK_EQ(resumes(&m), 1);
    free_blocks(&m, &blocks);
}

static void only_what_has_room_comes_back(struct world *world, const void *argument)
{
    struct moving m;
    struct blocks blocks;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    fill_blocks(&m, &blocks);
    leave(&m);
    uint64_t reports = moving_reports(&m);
    test_agent_set_resident_quietly(world->agent, m.slot, 0, 100 * MIB);
    test_agent_set_away(world->agent, m.slot, 0);
    test_agent_wake(world->agent, m.slot);
    CHECK_EQ(moving_report(&m, reports, ALQ_MOVE_DONE, true)->moved_bytes, 82 * MIB); /* a whole piece, and all that are smaller */
    CHECK_EQ(moving_used(&m), 82 * MIB);
    check_blocks(&m, &blocks, 0);
    CHECK_EQ(resumes(&m), 0);
    moving_resident(&m, ALQ_RESIDENT_ALL);
    CHECK(moving_becomes(&m, moving_demoted, 0));
    check_blocks(&m, &blocks, 0);
    free_blocks(&m, &blocks);
}

static void memory_is_freed_and_taken_while_away(struct world *world, const void *argument)
{
    struct moving m;
    struct blocks blocks;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    fill_blocks(&m, &blocks);
    leave(&m);
    CHECK_EQ(CU(cuMemFree_v2)(blocks.at[2]), CUDA_SUCCESS);
    CHECK_EQ(resumes(&m), 1);
    CHECK(moving_becomes(&m, moving_used, BLOCKS_BYTES - 66 * MIB));
    leave(&m);
    moving_credit(&m, 0); /* as an agent lowers it, behind what is used */
    uint64_t asks = atomic_load(&world->agent->shared->asks);
    blocks.at[2] = moving_alloc(66 * MIB);
    CHECK(atomic_load(&world->agent->shared->asks) > asks);
    CHECK_EQ(resumes(&m), 2);
    moving_fill(&m, blocks.at[2], 66 * MIB, 102, NULL);
    check_blocks(&m, &blocks, 0);
    CHECK(moving_becomes(&m, moving_demoted, 0));
    free_blocks(&m, &blocks);
}

static void how_much_was_submitted_is_told_whenever_the_slot_is_woken(struct world *world, const void *argument)
{
    struct moving m;
    const uint64_t *told;
    (void)argument;
    moving_start(&m, world, 256 * MIB);
    CUdeviceptr block = moving_alloc(6 * MIB);
    told = &world->agent->usage->slots[m.slot].submissions;
    test_agent_wake(world->agent, m.slot);
    for (int i = 0; i < PATIENCE_MS && __atomic_load_n(told, __ATOMIC_SEQ_CST) == 0; i++) {
        usleep(1000);
    }
    uint64_t before = __atomic_load_n(told, __ATOMIC_SEQ_CST);
    CHECK(before > 0);
    for (int i = 0; i < 50; i++) {
        moving_fill(&m, block, 6 * MIB, 1, NULL);
    }
    CHECK_EQ(__atomic_load_n(told, __ATOMIC_SEQ_CST), before);
    test_agent_wake(world->agent, m.slot);
    for (int i = 0; i < PATIENCE_MS && __atomic_load_n(told, __ATOMIC_SEQ_CST) == before; i++) {
        usleep(1000);
    }
    CHECK_EQ(__atomic_load_n(told, __ATOMIC_SEQ_CST), before + 50);
    leave(&m);
    uint64_t reports = 1;
    moving_report(&m, 0, ALQ_MOVE_DONE, false);
    for (int i = 0; i < 5; i++) {
        test_agent_wake(world->agent, m.slot);
        usleep(20000);
    }
    CHECK_EQ(moving_reports(&m), reports); /* there was nothing to say */
    CHECK_EQ(__atomic_load_n(told, __ATOMIC_SEQ_CST), before + 50);
    CHECK_EQ(moving_parked(&m), 1);
}

static void run_alone(const char *name, case_body *body, uint32_t devices)
{
    struct world *world = world_open(
        (struct world_config){.tenant_devices = devices, .memory_bytes = 4096 * MIB, .limit_bytes = 1024 * MIB});
    run_case(name, body, world, NULL);
    world_close(world);
}

#define RUN_ALONE(name) run_alone(#name, name, 1)

int main(void)
{
    RUN_ALONE(an_idle_process_leaves_its_device_and_comes_back);
    RUN_ALONE(a_launch_at_the_parked_gate_brings_the_process_back);
    RUN_ALONE(a_copy_at_the_parked_gate_reads_what_was_there);
    RUN_ALONE(many_threads_at_the_gate_ask_once);
    run_alone("several_devices_are_left_together", several_devices_are_left_together, 2);
    RUN_ALONE(without_anything_on_the_device_the_process_still_leaves);
    RUN_ALONE(what_may_stay_may_be_said_after_the_process_has_left);
    RUN_ALONE(only_what_has_room_comes_back);
    RUN_ALONE(memory_is_freed_and_taken_while_away);
    RUN_ALONE(how_much_was_submitted_is_told_whenever_the_slot_is_woken);
    return finish_cases();
}
