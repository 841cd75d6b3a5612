/*
 * What a program maps itself moves like any movable memory: PyTorch's expandable segments, pools that grow, memory that is mapped elsewhere.
 */
#include "support_segments.h"

#include <pthread.h>
#include <unistd.h>

#define SEGMENTS 16
#define ALL_BYTES (SEGMENTS * SEGMENT) /* more than the request */

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
    segments_are_gone(m, truth);
}

/* One handle of many pieces, released as soon as it is mapped. */
static void a_large_segment_is_moved_in_pieces_and_is_one(const struct moving *m)
{
    uint64_t truth = truth_bytes(m->world, 0, 0), bytes = 202 * MIB;
    CUdeviceptr range = segment_reserve(bytes), begin = 0;
    size_t found = 0;
    segment_put(range, bytes, NULL);
    moving_filled(m, range, bytes, 9);
    segments_go_out_and_in(m, bytes);
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
    segments_are_gone(m, truth);
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
    segments_are_gone(m, truth);
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
        segments_are_gone(m, truth);
    }
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
    segments_go_out_and_in(m, SEGMENT);
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
    segments_go_out_and_in(m, SEGMENT);
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

static void a_segment_moves_on_with_the_next_context(const struct moving *m)
{
    CUcontext context = NULL;
    CUdevice device = moving_device();
    CUdeviceptr range = segment_reserve(SEGMENT);
    segment_put(range, SEGMENT, NULL);
    CHECK_EQ(CU(cuDevicePrimaryCtxReset_v2)(device), CUDA_SUCCESS);
    CHECK_EQ(CU(cuDevicePrimaryCtxRetain)(&context, device), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxSetCurrent)(context), CUDA_SUCCESS);
    segments_go_out_and_in(m, SEGMENT);
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
    segments_are_gone(m, truth);
}

int main(void)
{
    RUN_MOVING_ALONE(segments_beyond_the_request_move_and_keep_their_data);
    RUN_MOVING_ALONE(a_large_segment_is_moved_in_pieces_and_is_one);
    RUN_MOVING_ALONE(a_range_of_segments_is_unmapped_at_once);
    RUN_MOVING_ALONE(what_is_not_mapped_stays_and_keeps_its_data);
    RUN_MOVING_ALONE(a_process_with_segments_leaves_its_device_and_comes_back);
    RUN_MOVING_ALONE(a_segment_outlives_its_context);
    RUN_MOVING_ALONE(a_forked_child_has_nothing_of_it);
    RUN_MOVING_ALONE(what_is_made_otherwise_stays_the_drivers);
    RUN_MOVING_ALONE(a_segment_moves_on_with_the_next_context);
    RUN_MOVING_ALONE(threads_map_and_unmap_while_all_moves);
    return finish_cases();
}
