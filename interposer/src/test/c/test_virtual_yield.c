/*
 * Memory that a program maps itself and that becomes the driver's own, for it is exported or mapped twice: brought back first, kept within the
 * request, and whole whatever comes in between.
 */
#include "support_faults.h"
#include "support_segments.h"

#include <pthread.h>
#include <unistd.h>

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
    segments_are_gone(m, truth);
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
    segments_are_gone(m, truth);
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
        segments_are_gone(m, truth);
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
    segments_are_gone(m, truth);
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
    segments_go_out_and_in(m, SEGMENT);
    CHECK_EQ(moving_wrong(m, range, SEGMENT, 4, NULL), 0);
}

int main(void)
{
    RUN_MOVING_ALONE(an_exported_segment_is_the_drivers_own);
    RUN_MOVING_ALONE(mapped_twice_it_does_not_move);
    RUN_MOVING_ALONE(what_would_not_fit_is_not_yielded);
    RUN_MOVING_ALONE(what_is_unmapped_while_it_is_brought_back_stays_where_it_is);
    RUN_MOVING_ALONE(a_thread_that_yields_is_cancelled_behind_that);
    RUN_MOVING_ALONE(what_nothing_brings_back_is_not_waited_for);
    return finish_cases();
}
