/*
 * What a program maps itself moves like any movable memory, and the program sees what the driver shows: PyTorch's expandable segments, pools that
 * grow, memory that is mapped elsewhere.
 */
#include "support_faults.h"
#include "support_segments.h"

#include <pthread.h>
#include <unistd.h>

#define SEGMENT (20 * MIB)
#define SEGMENTS 16
#define ALL_BYTES (SEGMENTS * SEGMENT) /* more than the request */

static void nothing_is_left(const struct moving *m, uint64_t truth)
{
    CHECK(moving_becomes(m, moving_used, 0));
    CHECK_EQ(moving_movable(m), 0);
    CHECK_EQ(moving_demoted(m), 0);
    CHECK(moving_chunks_are_back(m));
    CHECK_EQ(truth_bytes(m->world, 0, 0), truth);
}

static void goes_out_and_in(const struct moving *m, uint64_t bytes)
{
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_demoted, bytes));
    CHECK_EQ(moving_used(m), 0);
    CHECK_EQ(moving_movable(m), 0);
    moving_resident(m, ALQ_RESIDENT_ALL);
    CHECK(moving_becomes(m, moving_demoted, 0));
    CHECK_EQ(moving_used(m), bytes);
    CHECK_EQ(moving_movable(m), bytes);
}

/* As an allocator does it: all handles before the first mapping, access for all at once; later the end of the range is given back first. */
static void segments_beyond_the_request_move_and_keep_their_data(const struct moving *m)
{
    CUmemGenericAllocationHandle handles[SEGMENTS];
    uint64_t truth = truth_bytes(m->world, 0, 0);
    CUdeviceptr range = segment_reserve(1024 * MIB);
    for (int i = 0; i < SEGMENTS; i++) {
        handles[i] = segment_make(SEGMENT, true);
        CHECK(i == 0 || handles[i] != handles[i - 1]);
    }
    CHECK_EQ(moving_used(m), ALL_BYTES);
    CHECK_EQ(moving_movable(m), ALL_BYTES);
    CHECK_EQ(truth_bytes(m->world, 0, 0) - truth, ALL_BYTES);
    for (int i = 0; i < SEGMENTS; i++) {
        segment_map(range + i * SEGMENT, SEGMENT, handles[i]);
    }
    segment_access(range, ALL_BYTES, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    moving_filled(m, range, ALL_BYTES, 5);
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_demoted, ALL_BYTES));
    CHECK_EQ(truth_bytes(m->world, 0, 0), truth);
    CHECK_EQ(moving_wrong(m, range, ALL_BYTES, 5, NULL), 0);
    moving_add(m, range, ALL_BYTES, 1, NULL);
    moving_resident(m, ALQ_RESIDENT_ALL);
    CHECK(moving_becomes(m, moving_demoted, 0));
    CHECK_EQ(moving_used(m), ALL_BYTES);
    CHECK_EQ(moving_wrong(m, range, ALL_BYTES, 6, NULL), 0);
    for (int i = SEGMENTS - 1; i >= 0; i--) {
        segment_unmap(range + i * SEGMENT, SEGMENT);
        segment_release(handles[i]);
    }
    CHECK_EQ(CU(cuMemAddressFree)(range, 1024 * MIB), CUDA_SUCCESS);
    nothing_is_left(m, truth);
}

/* One handle of many pieces, released as soon as it is mapped. */
static void a_large_segment_is_moved_in_pieces_and_is_one(const struct moving *m)
{
    uint64_t truth = truth_bytes(m->world, 0, 0), bytes = 202 * MIB;
    CUdeviceptr range = segment_reserve(bytes), begin = 0;
    size_t found = 0;
    segment_put(range, bytes, NULL);
    moving_filled(m, range, bytes, 9);
    goes_out_and_in(m, bytes);
    moving_resident(m, 100 * MIB);
    CHECK(moving_becomes(m, moving_demoted, 128 * MIB));
    CHECK_EQ(moving_wrong(m, range, bytes, 9, NULL), 0);
    CHECK_EQ(CU(cuMemGetAddressRange_v2)(&begin, &found, range + 150 * MIB), CUDA_SUCCESS);
    CHECK_EQ(begin, range);
    CHECK_EQ(found, bytes);
    CHECK_EQ(CU(cuMemUnmap)(range, 64 * MIB), CUDA_ERROR_INVALID_VALUE);
    CHECK_EQ(CU(cuMemUnmap)(range + 64 * MIB, bytes - 64 * MIB), CUDA_ERROR_INVALID_VALUE);
    CHECK_EQ(CU(cuMemFree_v2)(range), CUDA_ERROR_INVALID_VALUE);
    CHECK_EQ(moving_wrong(m, range, bytes, 9, NULL), 0);
    segment_unmap(range, bytes);
    nothing_is_left(m, truth);
}

/* As pools that grow are given back: all segments in one call. */
static void a_range_of_segments_is_unmapped_at_once(const struct moving *m)
{
    uint64_t truth = truth_bytes(m->world, 0, 0);
    CUdeviceptr range = segment_reserve(3 * SEGMENT);
    for (int i = 0; i < 3; i++) {
        segment_put(range + i * SEGMENT, SEGMENT, NULL);
    }
    moving_filled(m, range, 3 * SEGMENT, 2);
    moving_resident(m, 2 * SEGMENT);
    CHECK(moving_becomes(m, moving_demoted, SEGMENT));
    CHECK_EQ(CU(cuMemUnmap)(range, 3 * SEGMENT - 2 * MIB), CUDA_ERROR_INVALID_VALUE);
    segment_unmap(range, 3 * SEGMENT);
    nothing_is_left(m, truth);
}

static void what_is_not_mapped_stays_and_keeps_its_data(const struct moving *m)
{
    CUmemGenericAllocationHandle handle;
    uint64_t truth = truth_bytes(m->world, 0, 0), bytes = 66 * MIB;
    CUdeviceptr range = segment_reserve(2 * bytes);
    for (int demoted = 0; demoted <= 1; demoted++) {
        segment_put(range, bytes, &handle);
        moving_filled(m, range, bytes, 3);
        if (demoted) {
            moving_resident(m, 0);
            CHECK(moving_becomes(m, moving_demoted, bytes));
        }
        segment_unmap(range, bytes);
        uint64_t reports = moving_reports(m);
        moving_resident(m, 0);
        if (!demoted) {
            moving_report(m, reports, ALQ_MOVE_NOTHING, false);
        }
        moving_resident(m, ALQ_RESIDENT_ALL);
        usleep(20000);
        CHECK_EQ(moving_demoted(m), demoted ? bytes : 0);
        CHECK_EQ(moving_used(m), demoted ? 0 : bytes);
        segment_map(range + bytes, bytes, handle);
        segment_access(range + bytes, bytes, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
        CHECK_EQ(moving_wrong(m, range + bytes, bytes, 3, NULL), 0);
        moving_resident(m, ALQ_RESIDENT_ALL);
        CHECK(moving_becomes(m, moving_demoted, 0));
        CHECK_EQ(moving_wrong(m, range + bytes, bytes, 3, NULL), 0);
        segment_release(handle);
        CHECK_EQ(moving_used(m), bytes);
        segment_unmap(range + bytes, bytes);
        nothing_is_left(m, truth);
    }
}

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

/* What the maker of the memory sees through another mapping of what it has exported. */
static void an_exported_segment_is_the_drivers_own(const struct moving *m)
{
    uint64_t truth = truth_bytes(m->world, 0, 0);
    CUdeviceptr range = segment_reserve(2 * SEGMENT);
    CUmemGenericAllocationHandle imported = 0, handle = segment_make(SEGMENT, true), again = 0;
    int fd = -1;
    segment_map(range, SEGMENT, handle);
    segment_access(range, SEGMENT, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    moving_filled(m, range, SEGMENT, 4);
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_demoted, SEGMENT));
    CHECK_EQ(CU(cuMemExportToShareableHandle)(&fd, handle, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0), CUDA_SUCCESS);
    CHECK_EQ(moving_demoted(m), 0);
    CHECK_EQ(moving_used(m), SEGMENT);
    CHECK_EQ(moving_movable(m), 0);
    CHECK_EQ(CU(cuMemImportFromShareableHandle)(&imported, (void *)(uintptr_t)fd, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR), CUDA_SUCCESS);
    close(fd);
    segment_map(range + SEGMENT, SEGMENT, imported);
    segment_access(range + SEGMENT, SEGMENT, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    moving_add(m, range + SEGMENT, SEGMENT, 2, NULL);
    CHECK_EQ(moving_wrong(m, range, SEGMENT, 6, NULL), 0);
    CHECK_EQ(CU(cuMemRetainAllocationHandle)(&again, (void *)range), CUDA_SUCCESS);
    segment_release(again);
    segment_unmap(range + SEGMENT, SEGMENT);
    segment_release(imported);
    segment_unmap(range, SEGMENT);
    CHECK_EQ(moving_used(m), SEGMENT);
    segment_release(handle);
    CHECK(CU(cuMemRelease)(handle) != CUDA_SUCCESS);
    nothing_is_left(m, truth);
}

static void mapped_twice_it_does_not_move(const struct moving *m)
{
    CUmemGenericAllocationHandle handle;
    uint64_t truth = truth_bytes(m->world, 0, 0);
    CUdeviceptr range = segment_reserve(3 * SEGMENT);
    segment_put(range, SEGMENT, &handle);
    moving_filled(m, range, SEGMENT, 4);
    segment_map(range + SEGMENT, SEGMENT, handle);
    segment_map(range + 2 * SEGMENT, 2 * MIB, handle);
    segment_access(range + SEGMENT, SEGMENT, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    segment_access(range + 2 * SEGMENT, 2 * MIB, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    CHECK_EQ(moving_movable(m), 0);
    uint64_t reports = moving_reports(m);
    moving_resident(m, 0);
    moving_report(m, reports, ALQ_MOVE_NOTHING, false);
    moving_add(m, range + SEGMENT, SEGMENT, 2, NULL);
    CHECK_EQ(moving_wrong(m, range, SEGMENT, 6, NULL), 0);
    CHECK_EQ(moving_wrong(m, range + 2 * SEGMENT, 2 * MIB, 6, NULL), 0);
    segment_release(handle);
    segment_unmap(range, SEGMENT);
    segment_unmap(range + SEGMENT, SEGMENT);
    CHECK_EQ(moving_used(m), SEGMENT);
    segment_unmap(range + 2 * SEGMENT, 2 * MIB);
    nothing_is_left(m, truth);
}

/* What cannot move has to fit the request of 256 MiB; what is refused moves on. */
static void what_would_not_fit_is_not_yielded(const struct moving *m)
{
    CUmemGenericAllocationHandle handle;
    CUdeviceptr range = segment_reserve(SEGMENT), other = segment_reserve(200 * MIB), fixed = 0;
    CHECK_EQ(CU(cuMemAllocManaged)(&fixed, 230 * MIB, CU_MEM_ATTACH_GLOBAL), CUDA_SUCCESS);
    uint64_t used = moving_used(m);
    segment_put(range, SEGMENT, &handle);
    moving_filled(m, range, SEGMENT, 1);
    for (int demoted = 0; demoted <= 1; demoted++) {
        moving_resident(m, demoted ? 0 : ALQ_RESIDENT_ALL);
        CHECK(moving_becomes(m, moving_demoted, demoted ? SEGMENT : 0));
        CHECK_EQ(CU(cuMemMap)(other, SEGMENT, 0, handle, 0), CUDA_ERROR_OUT_OF_MEMORY);
        CHECK_EQ(moving_demoted(m), demoted ? SEGMENT : 0);
        CHECK_EQ(moving_wrong(m, range, SEGMENT, 1, NULL), 0);
    }
    moving_resident(m, ALQ_RESIDENT_ALL);
    CHECK(moving_becomes(m, moving_demoted, 0));
    CHECK_EQ(moving_movable(m), SEGMENT);
    segment_unmap(range, SEGMENT);
    segment_release(handle);
    CHECK_EQ(moving_used(m), used);
    segment_put(other, 200 * MIB, &handle);
    CHECK_EQ(CU(cuMemMap)(range, SEGMENT, 0, handle, 0), CUDA_ERROR_NOT_SUPPORTED);
    CHECK_EQ(moving_movable(m), 200 * MIB);
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
        goes_out_and_in(m, sizes[i]);
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
    nothing_is_left(m, truth);
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

static void a_process_with_segments_leaves_its_device_and_comes_back(const struct moving *m)
{
    uint64_t total = truth_total(m->world, 0);
    CUdeviceptr range = segment_reserve(ALL_BYTES), block = moving_alloc(30 * MIB);
    for (int i = 0; i < SEGMENTS; i++) {
        segment_put(range + i * SEGMENT, SEGMENT, NULL);
    }
    moving_filled(m, range, ALL_BYTES, 5);
    moving_filled(m, block, 30 * MIB, 6);
    for (uint32_t round = 0; round < 3; round++) {
        moving_park(m);
        CHECK_EQ(moving_demoted(m), ALL_BYTES + 30 * MIB);
        CHECK_EQ(truth_total(m->world, 0), total);
        moving_add(m, range, ALL_BYTES, 1, NULL);
        CHECK_EQ(moving_wrong(m, range, ALL_BYTES, 6 + round, NULL), 0);
        CHECK_EQ(moving_wrong(m, block, 30 * MIB, 6, NULL), 0);
        moving_return(m);
        CHECK(moving_becomes(m, moving_demoted, 0));
    }
    moving_park(m);
    segment_unmap(range, SEGMENT);
    CHECK_EQ(moving_wrong(m, range + SEGMENT, ALL_BYTES - SEGMENT, 8, NULL), 0);
}

static void a_segment_outlives_its_context(const struct moving *m)
{
    CUcontext second = NULL;
    CUdevice device = moving_device();
    CUdeviceptr range = segment_reserve(2 * SEGMENT);
    CHECK_EQ(CU(cuCtxCreate_v2)(&second, 0, device), CUDA_SUCCESS);
    segment_put(range, SEGMENT, NULL);
    CHECK_EQ(CU(cuMemsetD32_v2)(range, 3, SEGMENT / 4), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxDestroy_v2)(second), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxSetCurrent)(m->context), CUDA_SUCCESS);
    goes_out_and_in(m, SEGMENT);
    CHECK_EQ(moving_wrong(m, range, SEGMENT, 3, NULL), 0);
    segment_unmap(range, SEGMENT);
    CHECK_EQ(moving_used(m), 0);
}

static void a_forked_child_has_nothing_of_it(const struct moving *m)
{
    CUmemGenericAllocationHandle handle;
    CUdeviceptr range = segment_reserve(SEGMENT);
    segment_put(range, SEGMENT, &handle);
    pid_t child = fork();
    if (child == 0) {
        CHECK(CU(cuMemRelease)(handle) != CUDA_SUCCESS);
        CHECK(CU(cuMemUnmap)(range, SEGMENT) != CUDA_SUCCESS);
        end_case();
    }
    check_child(child);
    goes_out_and_in(m, SEGMENT);
    segment_unmap(range, SEGMENT);
    segment_release(handle);
    CHECK_EQ(moving_used(m), 0);
}

static void what_is_made_otherwise_stays_the_drivers(const struct moving *m)
{
    CUmemGenericAllocationHandle handle = segment_make(66 * MIB, true), real = 0;
    CUmemAllocationProp properties = segment_properties(true);
    CHECK_EQ(CU(cuMemCreate)(&real, 250 * MIB, &properties, 0), CUDA_ERROR_OUT_OF_MEMORY); /* as all that does not move */
    CUdeviceptr range = segment_reserve(66 * MIB);
    CHECK_EQ(moving_movable(m), 0);
    segment_map(range, 66 * MIB, handle);
    CHECK_EQ(BARE(cuMemRetainAllocationHandle)(&real, (void *)range), CUDA_SUCCESS);
    CHECK_EQ(real, handle);
    CHECK_EQ(BARE(cuMemRelease)(real), CUDA_SUCCESS);
    segment_unmap(range, 66 * MIB);
    segment_release(handle);
    CHECK_EQ(moving_used(m), 0);
}

/* ---- what comes in between ------------------------------------------------------------------------------------------ */

struct yield {
    const struct moving *moving;
    CUdeviceptr range; /* of two segments; the first one is mapped */
    CUmemGenericAllocationHandle handle;
    pthread_t thread;
    CUstream stream;
    CUresult result;
};

static void *yield_body(void *argument)
{
    struct yield *self = argument;
    CHECK_EQ(CU(cuCtxSetCurrent)(self->moving->context), CUDA_SUCCESS);
    self->result = CU(cuMemMap)(self->range + SEGMENT, SEGMENT, 0, self->handle, 0);
    return NULL;
}

/* A thread waits for a demoted segment that it maps a second time; a capture keeps the mover from it. */
static void yield_begin(struct yield *self, const struct moving *m)
{
    *self = (struct yield){.moving = m, .range = segment_reserve(2 * SEGMENT), .result = CUDA_ERROR_UNKNOWN};
    segment_put(self->range, SEGMENT, &self->handle);
    moving_filled(m, self->range, SEGMENT, 4);
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_demoted, SEGMENT));
    self->stream = capturing_stream();
    CHECK_EQ(pthread_create(&self->thread, NULL, yield_body, self), 0);
    CHECK(moving_becomes(m, moving_used, SEGMENT)); /* what comes back is charged */
    usleep(20000);
}

static void yield_end(struct yield *self)
{
    CUgraph graph = NULL;
    CHECK_EQ(CU(cuStreamEndCapture)(self->stream, &graph), CUDA_SUCCESS);
    pthread_join(self->thread, NULL);
}

static void what_is_unmapped_while_it_is_brought_back_stays_where_it_is(const struct moving *m)
{
    uint64_t truth = truth_bytes(m->world, 0, 0);
    for (int mapped_again = 0; mapped_again <= 1; mapped_again++) {
        struct yield yield;
        yield_begin(&yield, m);
        segment_unmap(yield.range, SEGMENT);
        if (mapped_again) {
            segment_map(yield.range, SEGMENT, yield.handle);
        }
        yield_end(&yield);
        CHECK_EQ(yield.result, CUDA_ERROR_NOT_SUPPORTED);
        CHECK_EQ(moving_used(m), 0);
        CHECK_EQ(moving_demoted(m), SEGMENT);
        if (!mapped_again) {
            segment_map(yield.range, SEGMENT, yield.handle);
        }
        segment_access(yield.range, SEGMENT, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
        CHECK_EQ(moving_wrong(m, yield.range, SEGMENT, 4, NULL), 0);
        segment_release(yield.handle);
        segment_unmap(yield.range, SEGMENT);
        nothing_is_left(m, truth);
    }
}

static void a_thread_that_yields_is_cancelled_behind_that(const struct moving *m)
{
    struct yield yield;
    uint64_t truth = truth_bytes(m->world, 0, 0);
    yield_begin(&yield, m);
    CHECK_EQ(pthread_cancel(yield.thread), 0);
    yield_end(&yield);
    CHECK_EQ(yield.result, CUDA_SUCCESS);
    CHECK_EQ(moving_wrong(m, yield.range, SEGMENT, 4, NULL), 0);
    segment_unmap(yield.range, SEGMENT);
    segment_unmap(yield.range + SEGMENT, SEGMENT);
    segment_release(yield.handle);
    nothing_is_left(m, truth);
}

static void what_nothing_brings_back_is_not_waited_for(const struct moving *m)
{
    CUmemGenericAllocationHandle handle;
    CUdeviceptr range = segment_reserve(2 * SEGMENT);
    segment_put(range, SEGMENT, &handle);
    moving_filled(m, range, SEGMENT, 4);
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_demoted, SEGMENT));
    segment_access(range, SEGMENT, CU_MEM_ACCESS_FLAGS_PROT_READ);
    double since = seconds_now();
    CHECK_EQ(CU(cuMemMap)(range + SEGMENT, SEGMENT, 0, handle, 0), CUDA_ERROR_NOT_SUPPORTED);
    CHECK(seconds_now() - since < 5);
    segment_access(range, SEGMENT, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    goes_out_and_in(m, SEGMENT);
    CHECK_EQ(moving_wrong(m, range, SEGMENT, 4, NULL), 0);
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
    goes_out_and_in(m, 2 * SEGMENT);
}

static void a_segment_moves_on_with_the_next_context(const struct moving *m)
{
    CUcontext context = NULL;
    CUdevice device = moving_device();
    CUdeviceptr range = segment_reserve(SEGMENT);
    segment_put(range, SEGMENT, NULL);
    CHECK_EQ(CU(cuDevicePrimaryCtxReset_v2)(device), CUDA_SUCCESS);
    CHECK_EQ(CU(cuDevicePrimaryCtxRetain)(&context, device), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxSetCurrent)(context), CUDA_SUCCESS);
    goes_out_and_in(m, SEGMENT);
    segment_unmap(range, SEGMENT);
    CHECK_EQ(moving_used(m), 0);
}

struct worker {
    const struct moving *moving;
    uint64_t rounds, wrong;
    uint32_t number;
};

static uint32_t work_ends;

/* Segments come, are filled, mapped elsewhere, looked at and go. */
static void *work(void *argument)
{
    struct worker *self = argument;
    const struct moving *m = self->moving;
    CHECK_EQ(CU(cuCtxSetCurrent)(m->context), CUDA_SUCCESS);
    CUstream stream = moving_stream();
    CUdeviceptr range = segment_reserve(200 * MIB);
    for (uint32_t round = 1; __atomic_load_n(&work_ends, __ATOMIC_SEQ_CST) == 0; round++, self->rounds++) {
        uint64_t bytes = (2 + 2 * (round * 7 % 41)) * MIB;
        CUmemGenericAllocationHandle handle;
        CUdeviceptr at = range;
        segment_put(at, bytes, &handle);
        moving_fill(m, at, bytes, round, stream);
        CHECK_EQ(CU(cuStreamSynchronize)(stream), CUDA_SUCCESS);
        if (round % 3 == 0) {
            segment_unmap(at, bytes);
            at += 100 * MIB;
            segment_map(at, bytes, handle);
            segment_access(at, bytes, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
        }
        if (round % 5 == 0) {
            CUmemGenericAllocationHandle again = 0;
            CHECK_EQ(CU(cuMemRetainAllocationHandle)(&again, (void *)at), CUDA_SUCCESS);
            segment_release(again);
        }
        moving_add(m, at, bytes, self->number, stream);
        self->wrong += moving_wrong(m, at, bytes, round + self->number, stream);
        if (round % 2 == 0) {
            segment_release(handle);
            segment_unmap(at, bytes);
        } else {
            segment_unmap(at, bytes);
            segment_release(handle);
        }
    }
    CHECK_EQ(CU(cuMemAddressFree)(range, 200 * MIB), CUDA_SUCCESS);
    return NULL;
}

static void threads_map_and_unmap_while_all_moves(const struct moving *m)
{
    struct worker workers[4];
    pthread_t threads[4];
    uint64_t truth = truth_bytes(m->world, 0, 0);
    for (uint32_t i = 0; i < 4; i++) {
        workers[i] = (struct worker){.moving = m, .number = i + 1};
        CHECK_EQ(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    double until = seconds_now() + 5;
    for (uint32_t round = 0; seconds_now() < until || workers[0].rounds < 20; round++) {
        if (round % 4 == 3) {
            moving_leave(m, 1);
            usleep(50000);
            moving_return(m);
        } else {
            moving_resident(m, round % 2 == 0 ? 0 : ALQ_RESIDENT_ALL);
        }
        usleep(20000);
    }
    moving_return(m);
    __atomic_store_n(&work_ends, 1, __ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        CHECK_EQ(workers[i].wrong, 0);
        CHECK(workers[i].rounds > 5);
    }
    CHECK(moving_becomes(m, moving_parked, 0));
    nothing_is_left(m, truth);
}

int main(void)
{
    RUN_MOVING_ALONE(segments_beyond_the_request_move_and_keep_their_data);
    RUN_MOVING_ALONE(a_large_segment_is_moved_in_pieces_and_is_one);
    RUN_MOVING_ALONE(a_range_of_segments_is_unmapped_at_once);
    RUN_MOVING_ALONE(what_is_not_mapped_stays_and_keeps_its_data);
    RUN_MOVING_ALONE(a_handle_lives_as_long_as_it_is_used);
    RUN_MOVING_ALONE(calls_are_answered_as_the_driver_answers_them);
    RUN_MOVING_ALONE(a_segment_has_the_attributes_of_mapped_memory);
    RUN_MOVING_ALONE(an_exported_segment_is_the_drivers_own);
    RUN_MOVING_ALONE(mapped_twice_it_does_not_move);
    RUN_MOVING_ALONE(what_would_not_fit_is_not_yielded);
    RUN_MOVING_ALONE(a_segment_moves_only_where_its_device_may_write);
    RUN_MOVING_ALONE(access_is_given_to_each_mapping_anew);
    RUN_MOVING_ALONE(a_part_of_a_segment_is_given_no_access);
    RUN_MOVING_ALONE(what_the_host_may_reach_stays);
    RUN_MOVING_ALONE(a_process_with_segments_leaves_its_device_and_comes_back);
    RUN_MOVING_ALONE(a_segment_outlives_its_context);
    RUN_MOVING_ALONE(a_forked_child_has_nothing_of_it);
    RUN_MOVING_ALONE(what_is_made_otherwise_stays_the_drivers);
    RUN_MOVING_ALONE(what_is_unmapped_while_it_is_brought_back_stays_where_it_is);
    RUN_MOVING_ALONE(a_thread_that_yields_is_cancelled_behind_that);
    RUN_MOVING_ALONE(what_nothing_brings_back_is_not_waited_for);
    RUN_MOVING_ALONE(access_that_is_taken_meanwhile_keeps_nothing_else_from_moving);
    RUN_MOVING_ALONE(a_device_that_is_not_there_pins_nothing);
    RUN_MOVING_ALONE(a_range_that_the_host_is_refused_moves_on);
    RUN_MOVING_ALONE(a_segment_moves_on_with_the_next_context);
    RUN_MOVING_ALONE(threads_map_and_unmap_while_all_moves);
    struct world *world =
        world_open((struct world_config){.node_devices = 2, .tenant_devices = 2, .memory_bytes = 4096 * MIB, .limit_bytes = 1024 * MIB});
    RUN(peers_reach_a_segment_wherever_it_is, world);
    world_close(world);
    return finish_cases();
}
