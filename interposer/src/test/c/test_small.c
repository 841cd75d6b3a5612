/*
 * Allocations below 1 MiB, which the driver cuts out of 2 MiB blocks: charged by the blocks they are in, exactly where they have an
 * address, never less than the driver takes where they have none, and refused at the limit only where they need another block.
 */
#include "support_subjects.h"

#define LIMIT_BYTES (128 * MIB)
#define KIB (1ull << 10)
#define BLOCK_BYTES (2 * MIB)
#define PIECE_BYTES (64 * KIB)
#define PER_BLOCK (BLOCK_BYTES / PIECE_BYTES)

static uint64_t before_bytes; /* the driver's figure with nothing allocated */

static void start(struct world *world)
{
    start_cuda();
    before_bytes = truth_bytes(world, 0, 0);
    CHECK_EQ(used_bytes(world), 0);
}

static CUdeviceptr take(uint64_t bytes)
{
    CUdeviceptr address = 0;
    CHECK_EQ(CU(cuMemAlloc_v2)(&address, bytes), CUDA_SUCCESS);
    return address;
}

static void give(CUdeviceptr address)
{
    CHECK_EQ(CU(cuMemFree_v2)(address), CUDA_SUCCESS);
}

static void check_exact(struct world *world, uint64_t bytes)
{
    CHECK_EQ(used_bytes(world), bytes);
    CHECK_EQ(truth_bytes(world, 0, 0) - before_bytes, bytes);
}

/* Takes all but that much of the limit in one allocation. */
static CUdeviceptr leave_room(struct world *world, uint64_t bytes)
{
    return take(LIMIT_BYTES - test_agent_overhead(world->agent, 0) - used_bytes(world) - bytes);
}

static void check_refused(struct world *world, uint64_t bytes)
{
    CUdeviceptr address;
    uint64_t used = used_bytes(world), truth = truth_bytes(world, 0, 0), refusals = test_agent_refusals(world->agent);
    CHECK_EQ(CU(cuMemAlloc_v2)(&address, bytes), CUDA_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(used_bytes(world), used);
    CHECK_EQ(truth_bytes(world, 0, 0), truth);
    CHECK_EQ(test_agent_refusals(world->agent), refusals + 1);
}

static void a_block_is_charged_once_and_until_its_last_allocation_is_gone(struct world *world, const void *argument)
{
    (void)argument;
    CUdeviceptr held[3 * PER_BLOCK];
    start(world);
    for (uint64_t i = 0; i < 3 * PER_BLOCK; i++) {
        held[i] = take(PIECE_BYTES);
        check_exact(world, (i / PER_BLOCK + 1) * BLOCK_BYTES);
    }
    /* every other one, backwards: all blocks are torn, none is empty */
    for (uint64_t i = 3 * PER_BLOCK; i > 0; i -= 2) {
        give(held[i - 1]);
        check_exact(world, 3 * BLOCK_BYTES);
    }
    for (uint64_t i = 0; i < 3 * PER_BLOCK; i += 2) {
        give(held[i]);
        check_exact(world, (2 - i / PER_BLOCK + (i % PER_BLOCK != PER_BLOCK - 2)) * BLOCK_BYTES);
    }
    check_exact(world, 0);
}

static void at_the_limit_only_what_needs_a_block_is_refused(struct world *world, const void *argument)
{
    (void)argument;
    CUdeviceptr held[PER_BLOCK];
    start(world);
    CUdeviceptr rest = leave_room(world, BLOCK_BYTES);
    uint64_t full = used_bytes(world) + BLOCK_BYTES;
    for (uint64_t i = 0; i < PER_BLOCK; i++) {
        held[i] = take(PIECE_BYTES);
        check_exact(world, full);
    }
    check_refused(world, 1);
    check_refused(world, PIECE_BYTES);
    /* two holes that do not touch are not one of their sizes' sum */
    give(held[7]);
    give(held[20]);
    check_exact(world, full);
    check_refused(world, 2 * PIECE_BYTES);
    held[7] = take(PIECE_BYTES);
    held[20] = take(PIECE_BYTES - 1);
    check_exact(world, full);
    check_refused(world, PIECE_BYTES);
    for (uint64_t i = 0; i < PER_BLOCK; i++) {
        give(held[(i * 5) % PER_BLOCK]);
    }
    check_exact(world, full - BLOCK_BYTES);
    give(rest);
    check_exact(world, 0);
}

static void without_room_for_a_block_nothing_small_is_had(struct world *world, const void *argument)
{
    (void)argument;
    start(world);
    CUdeviceptr rest = leave_room(world, 0);
    check_refused(world, 1);
    check_refused(world, MIB - 1);
    give(rest);
    check_exact(world, 0);
}

/* Holes of plain memory are no promise for what the driver may cut from blocks of its own. */
static void other_families_do_not_count_on_holes_of_plain_memory(struct world *world, const void *argument)
{
    (void)argument;
    CUdeviceptr address;
    CUarray array;
    CUDA_ARRAY_DESCRIPTOR shape = {.Width = 64, .Height = 64, .Format = CU_AD_FORMAT_FLOAT, .NumChannels = 1};
    start(world);
    CUdeviceptr small = take(PIECE_BYTES);
    CUdeviceptr rest = leave_room(world, 0);
    uint64_t full = used_bytes(world);
    CHECK_EQ(CU(cuMemAllocManaged)(&address, PIECE_BYTES, CU_MEM_ATTACH_GLOBAL), CUDA_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(CU(cuArrayCreate_v2)(&array, &shape), CUDA_ERROR_OUT_OF_MEMORY);
    check_exact(world, full);
    CUdeviceptr fits = take(PIECE_BYTES);
    check_exact(world, full);
    give(fits);
    give(rest);
    give(small);
    check_exact(world, 0);
}

static void a_failure_of_the_driver_withdraws_the_block(struct world *world, const void *argument)
{
    (void)argument;
    CUdeviceptr address, rest, small[PER_BLOCK];
    size_t available = 0;
    start(world);
    CHECK_EQ(CU(cuMemGetInfo_v2)(&available, NULL), CUDA_SUCCESS);
    rest = take(available - BLOCK_BYTES);
    for (uint64_t i = 0; i < PER_BLOCK; i++) {
        small[i] = take(PIECE_BYTES);
    }
    check_exact(world, available);
    CHECK_EQ(CU(cuMemAlloc_v2)(&address, PIECE_BYTES), CUDA_ERROR_OUT_OF_MEMORY);
    check_exact(world, available);
    CHECK_EQ(test_agent_refusals(world->agent), 0);
    for (uint64_t i = 0; i < PER_BLOCK; i++) {
        give(small[i]);
    }
    give(rest);
    check_exact(world, 0);
}

static void a_context_takes_its_blocks_with_it(struct world *world, const void *argument)
{
    (void)argument;
    CUcontext first, second;
    CUdevice device;
    start(world);
    CHECK_EQ(CU(cuCtxGetCurrent)(&first), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxGetDevice)(&device), CUDA_SUCCESS);
    CUdeviceptr small = take(PIECE_BYTES);
    CHECK_EQ(CU(cuCtxCreate_v2)(&second, 0, device), CUDA_SUCCESS);
    for (uint64_t i = 0; i < 2 * PER_BLOCK; i++) {
        take(PIECE_BYTES);
    }
    CHECK_EQ(used_bytes(world), 3 * BLOCK_BYTES);
    CHECK_EQ(CU(cuCtxDestroy_v2)(second), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxSetCurrent)(first), CUDA_SUCCESS);
    check_exact(world, BLOCK_BYTES);
    give(small);
    check_exact(world, 0);
}

/* Sizes in all families, so that together with each way's neighbours no figure of the driver's is ever above the charge. */
static void what_is_small_is_never_charged_less_than_the_driver_takes(struct world *world, const void *argument)
{
    enum { COUNT = 8 };
    static const uint64_t sizes[COUNT] = {16384, 900 * 1024, 65536, 700 * 1024, 1008 * 1024, 16384, 512 * 1024, 128 * 1024};
    const struct subject *subject = argument;
    struct scratch held[COUNT] = {0};
    start(world);
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < COUNT; i++) {
            if (round == 0 || i % 2 == round % 2) {
                CHECK_EQ(subject->take(dlsym(ours(), subject->name), &held[i], sizes[(i + round) % COUNT] / 16384 * 16384),
                    CUDA_SUCCESS);
                CHECK(used_bytes(world) >= truth_bytes(world, 0, 0) - before_bytes);
            }
        }
        for (int i = 0; i < COUNT; i++) {
            if (i % 2 != round % 2 || round == 3) {
                CHECK_EQ(subject->give(&held[i]), CUDA_SUCCESS);
                CHECK(used_bytes(world) >= truth_bytes(world, 0, 0) - before_bytes);
            }
        }
    }
    check_exact(world, 0);
}

/* Levels of a mipmapped array are small from the third or so on. */
static void the_small_levels_of_an_array_share_a_block(struct world *world, const void *argument)
{
    (void)argument;
    CUmipmappedArray first, second;
    CUDA_ARRAY3D_DESCRIPTOR shape = {.Width = 1024, .Height = 1024, .Format = CU_AD_FORMAT_FLOAT, .NumChannels = 1};
    start(world);
    CHECK_EQ(CU(cuMipmappedArrayCreate)(&first, &shape, 11), CUDA_SUCCESS);
    check_exact(world, 4 * MIB + BLOCK_BYTES + BLOCK_BYTES);
    CHECK_EQ(CU(cuMipmappedArrayCreate)(&second, &shape, 11), CUDA_SUCCESS);
    CHECK(used_bytes(world) >= truth_bytes(world, 0, 0) - before_bytes);
    CHECK_EQ(CU(cuMipmappedArrayDestroy)(first), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMipmappedArrayDestroy)(second), CUDA_SUCCESS);
    check_exact(world, 0);
}

int main(void)
{
    static const char *const families[] = {"cuMemAlloc", "cuMemAlloc_v2", "cuMemAllocPitch", "cuMemAllocPitch_v2",
        "cuMemAllocManaged", "cuArrayCreate", "cuArrayCreate_v2", "cuArray3DCreate", "cuArray3DCreate_v2", "cuMipmappedArrayCreate"};
    struct world *world = world_open((struct world_config){.limit_bytes = LIMIT_BYTES});
    RUN(a_block_is_charged_once_and_until_its_last_allocation_is_gone, world);
    RUN(at_the_limit_only_what_needs_a_block_is_refused, world);
    RUN(without_room_for_a_block_nothing_small_is_had, world);
    RUN(other_families_do_not_count_on_holes_of_plain_memory, world);
    RUN(a_context_takes_its_blocks_with_it, world);
    RUN(the_small_levels_of_an_array_share_a_block, world);
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s_is_never_charged_less_than_the_driver_takes", families[i]);
        run_case(name, what_is_small_is_never_charged_less_than_the_driver_takes, world, subject_of(families[i]));
    }
    world_close(world);
    world = world_open((struct world_config){.memory_bytes = 512 * MIB, .limit_bytes = 2048 * MIB});
    RUN(a_failure_of_the_driver_withdraws_the_block, world);
    world_close(world);
    return finish_cases();
}
