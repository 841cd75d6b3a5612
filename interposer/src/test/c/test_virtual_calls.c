/*
 * What a program sees of memory that it maps itself is what the driver shows, wherever the memory is: handles, answers, attributes, access.
 */
#include "support_faults.h"
#include "support_segments.h"

#include <unistd.h>

static void a_handle_lives_as_long_as_it_is_used(const struct moving *m)
{
    CUmemGenericAllocationHandle handle, again = 0;
    CUmemAllocationProp properties;
    CUdeviceptr range = segment_reserve(SEGMENT);
    segment_put(range, SEGMENT, &handle);
    CHECK_EQ(CU(cuMemRetainAllocationHandle)(&again, (void *)(range + MIB)), CUDA_SUCCESS);
    CHECK_EQ(again, handle);
    segment_release(handle);
    segment_release(handle);
    CHECK(CU(cuMemRelease)(handle) != CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemRetainAllocationHandle)(&again, (void *)range), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemGetAllocationPropertiesFromHandle)(&properties, again), CUDA_SUCCESS);
    CHECK_EQ(properties.type, CU_MEM_ALLOCATION_TYPE_PINNED);
    CHECK_EQ(properties.location.id, moving_device());
    segment_unmap(range, SEGMENT);
    CHECK_EQ(moving_used(m), SEGMENT);
    CHECK(CU(cuMemRetainAllocationHandle)(&again, (void *)range) != CUDA_SUCCESS);
    segment_release(again);
    CHECK_EQ(moving_used(m), 0);
    CHECK(CU(cuMemGetAllocationPropertiesFromHandle)(&properties, again) != CUDA_SUCCESS);
}

/* The same calls, right and wrong, to memory that moves and to the driver's own. */
static void calls_are_answered_as_the_driver_answers_them(const struct moving *m)
{
    struct {
        __typeof__(cuMemMap) *map;
        __typeof__(cuMemUnmap) *unmap;
        __typeof__(cuMemRelease) *release;
        __typeof__(cuMemSetAccess) *access;
        __typeof__(cuMemCreate) *create;
        __typeof__(cuMemExportToShareableHandle) *export;
    } sides[2] = {{CU(cuMemMap), CU(cuMemUnmap), CU(cuMemRelease), CU(cuMemSetAccess), CU(cuMemCreate), CU(cuMemExportToShareableHandle)},
        {BARE(cuMemMap), BARE(cuMemUnmap), BARE(cuMemRelease), BARE(cuMemSetAccess), BARE(cuMemCreate), BARE(cuMemExportToShareableHandle)}};
    CUresult answers[2][16];
    CUmemAccessDesc access = {.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
    access.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    access.location.id = moving_device();
    CUmemAllocationProp properties = segment_properties(false);
    for (int side = 0; side < 2; side++) {
        CUmemGenericAllocationHandle handle = 0;
        int fd = -1, at = 0;
        CUdeviceptr range = segment_reserve(4 * SEGMENT);
        answers[side][at++] = sides[side].create(&handle, SEGMENT, &properties, 0);
        answers[side][at++] = sides[side].map(range, SEGMENT, 0, handle, 1);
        answers[side][at++] = sides[side].map(range, SEGMENT, 2 * MIB, handle, 0);
        answers[side][at++] = sides[side].map(range, 2 * SEGMENT, 0, handle, 0);
        answers[side][at++] = sides[side].map(range, 0, 0, handle, 0);
        answers[side][at++] = sides[side].map(range + 4096, SEGMENT, 0, handle, 0);
        answers[side][at++] = sides[side].access(range, SEGMENT, &access, 1);
        answers[side][at++] = sides[side].map(range, SEGMENT, 0, handle, 0);
        answers[side][at++] = sides[side].access(range, 2 * SEGMENT, &access, 1);
        answers[side][at++] = sides[side].access(range, SEGMENT, &access, 1);
        answers[side][at++] = sides[side].export(&fd, handle, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0);
        answers[side][at++] = sides[side].unmap(range + SEGMENT, SEGMENT);
        answers[side][at++] = sides[side].unmap(range, 2 * SEGMENT);
        answers[side][at++] = sides[side].unmap(range, SEGMENT);
        answers[side][at++] = sides[side].release(handle);
        answers[side][at++] = sides[side].unmap(range, SEGMENT);
    }
    for (int i = 0; i < 16; i++) {
        CHECK_EQ(answers[0][i] * 100 + (unsigned)i, answers[1][i] * 100 + (unsigned)i);
    }
    CHECK_EQ(moving_used(m), 0);
}

static void a_segment_has_the_attributes_of_mapped_memory(const struct moving *m)
{
    static const CUpointer_attribute same[] = {CU_POINTER_ATTRIBUTE_CONTEXT, CU_POINTER_ATTRIBUTE_MEMORY_TYPE,
        CU_POINTER_ATTRIBUTE_HOST_POINTER, CU_POINTER_ATTRIBUTE_IS_MANAGED, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL,
        CU_POINTER_ATTRIBUTE_RANGE_SIZE, CU_POINTER_ATTRIBUTE_MAPPED, CU_POINTER_ATTRIBUTE_ALLOWED_HANDLE_TYPES,
        CU_POINTER_ATTRIBUTE_ACCESS_FLAGS, CU_POINTER_ATTRIBUTE_MEMPOOL_HANDLE, CU_POINTER_ATTRIBUTE_MAPPING_SIZE,
        CU_POINTER_ATTRIBUTE_IS_LEGACY_CUDA_IPC_CAPABLE};
    CUmemGenericAllocationHandle plain = 0, handle = segment_make(SEGMENT, true);
    CUmemAllocationProp properties = segment_properties(true);
    CUdeviceptr range = segment_reserve(2 * SEGMENT);
    segment_map(range, SEGMENT, handle);
    CHECK_EQ(BARE(cuMemCreate)(&plain, SEGMENT, &properties, 0), CUDA_SUCCESS);
    CHECK_EQ(BARE(cuMemMap)(range + SEGMENT, SEGMENT, 0, plain, 0), CUDA_SUCCESS);
    segment_access(range, 2 * SEGMENT, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    for (int demoted = 0; demoted <= 1; demoted++) {
        moving_resident(m, demoted ? 0 : ALQ_RESIDENT_ALL);
        CHECK(moving_becomes(m, moving_demoted, demoted ? SEGMENT : 0));
        for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
            uint64_t one = 0, other = 0;
            CUresult answer = CU(cuPointerGetAttribute)(&one, same[i], range + MIB);
            CHECK_EQ(answer * 100 + i, CU(cuPointerGetAttribute)(&other, same[i], range + SEGMENT + MIB) * 100 + i);
            CHECK_EQ(one * 100 + i, other * 100 + i);
        }
        CUipcMemHandle shared;
        CHECK_EQ(CU(cuIpcGetMemHandle)(&shared, range), CU(cuIpcGetMemHandle)(&shared, range + SEGMENT));
        CHECK_EQ(moving_access(moving_device(), range), CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    }
}

/* Nothing is copied from what its device may not read, nor to what it may not write. */
static void a_segment_moves_only_where_its_device_may_write(const struct moving *m)
{
    CUdeviceptr range = segment_reserve(3 * SEGMENT);
    for (int i = 0; i < 3; i++) {
        segment_put(range + i * SEGMENT, SEGMENT, NULL);
    }
    moving_filled(m, range, 3 * SEGMENT, 8);
    segment_access(range, SEGMENT, CU_MEM_ACCESS_FLAGS_PROT_READ);
    segment_access(range + SEGMENT, SEGMENT, CU_MEM_ACCESS_FLAGS_PROT_NONE);
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_demoted, SEGMENT));
    segment_access(range + 2 * SEGMENT, SEGMENT, CU_MEM_ACCESS_FLAGS_PROT_READ);
    CHECK_EQ(moving_wrong(m, range + 2 * SEGMENT, SEGMENT, 8, NULL), 0);
    CHECK_EQ(moving_access(moving_device(), range + 2 * SEGMENT), CU_MEM_ACCESS_FLAGS_PROT_READ);
    moving_park(m);
    CHECK_EQ(moving_wrong(m, range + 2 * SEGMENT, SEGMENT, 8, NULL), 0);
    CHECK_EQ(moving_access(moving_device(), range + 2 * SEGMENT), CU_MEM_ACCESS_FLAGS_PROT_READ);
    moving_return(m);
    CHECK(moving_becomes(m, moving_parked, 0));
    segment_access(range, 3 * SEGMENT, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_demoted, 3 * SEGMENT));
    moving_resident(m, ALQ_RESIDENT_ALL);
    CHECK(moving_becomes(m, moving_demoted, 0));
    CHECK_EQ(moving_wrong(m, range, 3 * SEGMENT, 8, NULL), 0);
}

static void access_is_given_to_each_mapping_anew(const struct moving *m)
{
    CUmemGenericAllocationHandle handle;
    unsigned int flags = 1;
    CUdeviceptr range = segment_reserve(2 * SEGMENT);
    segment_put(range, SEGMENT, &handle);
    segment_unmap(range, SEGMENT);
    segment_map(range + SEGMENT, SEGMENT, handle);
    CHECK_EQ(CU(cuPointerGetAttribute)(&flags, CU_POINTER_ATTRIBUTE_ACCESS_FLAGS, range + SEGMENT), CUDA_SUCCESS);
    CHECK_EQ(flags, CU_MEM_ACCESS_FLAGS_PROT_NONE);
    uint64_t reports = moving_reports(m);
    moving_resident(m, 0);
    moving_report(m, reports, ALQ_MOVE_NOTHING, false);
    CHECK_EQ(moving_reports(m) - reports, 1);
    segment_access(range + SEGMENT, SEGMENT, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_demoted, SEGMENT));
}

/* A part of a mapping has no access of its own, whatever it is made of here. */
static void a_part_of_a_segment_is_given_no_access(const struct moving *m)
{
    static const uint64_t sizes[] = {SEGMENT, 130 * MIB};
    CUmemAccessDesc access = {.flags = CU_MEM_ACCESS_FLAGS_PROT_READ};
    access.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    access.location.id = moving_device();
    for (int i = 0; i < 2; i++) {
        CUdeviceptr range = segment_reserve(sizes[i]);
        segment_put(range, sizes[i], NULL);
        CHECK_EQ(CU(cuMemSetAccess)(range, sizes[i] - 2 * MIB, &access, 1), CUDA_ERROR_INVALID_VALUE);
        CHECK_EQ(CU(cuMemSetAccess)(range + 64 * MIB, sizes[i] - 64 * MIB, &access, 1), CUDA_ERROR_INVALID_VALUE);
        segments_go_out_and_in(m, sizes[i]);
        segment_unmap(range, sizes[i]);
    }
}

static void what_the_host_may_reach_stays(const struct moving *m)
{
    CUmemAccessDesc access = {.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
    access.location.type = CU_MEM_LOCATION_TYPE_HOST;
    CUdeviceptr range = segment_reserve(SEGMENT);
    uint64_t truth = truth_bytes(m->world, 0, 0);
    segment_put(range, SEGMENT, NULL);
    moving_filled(m, range, SEGMENT, 4);
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_demoted, SEGMENT));
    CHECK_EQ(CU(cuMemSetAccess)(range, SEGMENT, &access, 1), CUDA_ERROR_NOT_SUPPORTED);
    moving_resident(m, ALQ_RESIDENT_ALL);
    CHECK(moving_becomes(m, moving_demoted, 0));
    CHECK_EQ(CU(cuMemSetAccess)(range, SEGMENT, &access, 1), CUDA_SUCCESS);
    CHECK_EQ(moving_movable(m), 0);
    CHECK_EQ(moving_used(m), SEGMENT);
    moving_park(m);
    CHECK_EQ(moving_demoted(m), 0);
    CHECK_EQ(moving_wrong(m, range, SEGMENT, 4, NULL), 0);
    segment_unmap(range, SEGMENT);
    segments_are_gone(m, truth);
}

static uint64_t demoted_there(const struct moving *m)
{
    return __atomic_load_n(&m->world->agent->usage->slots[m->slot].demoted_bytes[1], __ATOMIC_SEQ_CST);
}

static void peers_reach_a_segment_wherever_it_is(struct world *world, const void *argument)
{
    struct moving m;
    (void)argument;
    test_agent_lend(world->agent, 1, 256 * MIB); /* the current one is the tenant's last */
    moving_start(&m, world, 256 * MIB);
    CUdevice own = moving_device(), peer = moving_peer();
    CUdeviceptr range = segment_reserve(130 * MIB);
    CUmemAccessDesc both[2] = {{.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE}, {.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE}};
    both[0].location.type = both[1].location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    both[0].location.id = own;
    both[1].location.id = peer;
    segment_put(range, 130 * MIB, NULL);
    CHECK_EQ(moving_access(peer, range + 65 * MIB), 0);
    CUcontext there = NULL; /* peers are given access to what is allocated, and to nothing else */
    CHECK_EQ(CU(cuCtxCreate_v2)(&there, 0, peer), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxEnablePeerAccess)(m.context, 0), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxDestroy_v2)(there), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxSetCurrent)(m.context), CUDA_SUCCESS);
    CHECK_EQ(moving_access(peer, range + 65 * MIB), 0);
    CHECK_EQ(CU(cuMemSetAccess)(range, 130 * MIB, both, 2), CUDA_SUCCESS);
    for (int round = 0; round < 4; round++) {
        uint64_t demoted = round % 2 == 0 ? 130 * MIB : 0;
        test_agent_set_resident(world->agent, m.slot, 1, demoted == 0 ? ALQ_RESIDENT_ALL : 0);
        CHECK(moving_becomes(&m, demoted_there, demoted));
        CHECK_EQ(moving_access(own, range + 65 * MIB), CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
        CHECK_EQ(moving_access(peer, range + 65 * MIB), CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    }
    segment_unmap(range, 130 * MIB);
}

/* Chosen before the capture has ended, and copied after it. */
static void access_that_is_taken_meanwhile_keeps_nothing_else_from_moving(const struct moving *m)
{
    CUgraph graph = NULL;
    CUdeviceptr range = segment_reserve(2 * SEGMENT);
    segment_put(range, SEGMENT, NULL);
    segment_put(range + SEGMENT, SEGMENT, NULL);
    moving_filled(m, range, 2 * SEGMENT, 4);
    CUstream stream = capturing_stream();
    uint64_t reports = moving_reports(m);
    moving_resident(m, 0);
    usleep(200000);
    segment_access(range, SEGMENT, CU_MEM_ACCESS_FLAGS_PROT_NONE);
    CHECK_EQ(CU(cuStreamEndCapture)(stream, &graph), CUDA_SUCCESS);
    moving_report(m, reports, ALQ_MOVE_NOTHING, false);
    CHECK_EQ(moving_reports(m) - reports, 1); /* none that failed before */
    CHECK_EQ(moving_demoted(m), SEGMENT);
}

static void a_device_that_is_not_there_pins_nothing(const struct moving *m)
{
    static const int ordinals[] = {100, -1};
    CUmemAccessDesc access = {.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
    CUdeviceptr range = segment_reserve(SEGMENT);
    access.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    segment_put(range, SEGMENT, NULL);
    for (int demoted = 0; demoted <= 1; demoted++) {
        moving_resident(m, demoted ? 0 : ALQ_RESIDENT_ALL);
        CHECK(moving_becomes(m, moving_demoted, demoted ? SEGMENT : 0));
        for (int i = 0; i < 2; i++) {
            access.location.id = ordinals[i];
            CHECK_EQ(CU(cuMemSetAccess)(range, SEGMENT, &access, 1), CUDA_ERROR_INVALID_DEVICE);
            CHECK_EQ(moving_movable(m), demoted ? 0 : SEGMENT);
        }
    }
}

/* The second one has gone out: the first one has been pinned for nothing. */
static void a_range_that_the_host_is_refused_moves_on(const struct moving *m)
{
    CUmemAccessDesc access = {.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
    CUdeviceptr range = segment_reserve(2 * SEGMENT);
    access.location.type = CU_MEM_LOCATION_TYPE_HOST;
    for (int i = 0; i < 2; i++) {
        segment_put(range + i * SEGMENT, SEGMENT, NULL);
    }
    moving_resident(m, SEGMENT);
    CHECK(moving_becomes(m, moving_demoted, SEGMENT));
    CHECK_EQ(CU(cuMemSetAccess)(range, 2 * SEGMENT, &access, 1), CUDA_ERROR_NOT_SUPPORTED);
    CHECK_EQ(moving_movable(m), SEGMENT);
    segments_go_out_and_in(m, 2 * SEGMENT);
}

int main(void)
{
    RUN_MOVING_ALONE(a_handle_lives_as_long_as_it_is_used);
    RUN_MOVING_ALONE(calls_are_answered_as_the_driver_answers_them);
    RUN_MOVING_ALONE(a_segment_has_the_attributes_of_mapped_memory);
    RUN_MOVING_ALONE(a_segment_moves_only_where_its_device_may_write);
    RUN_MOVING_ALONE(access_is_given_to_each_mapping_anew);
    RUN_MOVING_ALONE(a_part_of_a_segment_is_given_no_access);
    RUN_MOVING_ALONE(what_the_host_may_reach_stays);
    RUN_MOVING_ALONE(access_that_is_taken_meanwhile_keeps_nothing_else_from_moving);
    RUN_MOVING_ALONE(a_device_that_is_not_there_pins_nothing);
    RUN_MOVING_ALONE(a_range_that_the_host_is_refused_moves_on);
    struct world *world =
        world_open((struct world_config){.node_devices = 2, .tenant_devices = 2, .memory_bytes = 4096 * MIB, .limit_bytes = 1024 * MIB});
    RUN(peers_reach_a_segment_wherever_it_is, world);
    world_close(world);
    return finish_cases();
}
