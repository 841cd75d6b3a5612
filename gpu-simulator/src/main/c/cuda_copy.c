/* Any copy is a box of bytes between two sides: device, host, array, or whatever an address turns out to be. */
#include <stdlib.h>

#include "cuda_array.h"
#include "cuda_copy.h"
#include "cuda_memory.h"

#define STAGED_BYTES (64u << 10)

struct side {
    char *start;
    uint64_t pitch, slice;
    bool pageable;
};

/* Where a side's bytes are, checked for the whole box. */
static CUresult find_side(CUmemorytype type, uint64_t host, uint64_t device, CUarray array, size_t x, size_t y, size_t z,
                          size_t pitch, size_t height, const CUDA_MEMCPY3D *copy, bool write, bool later, struct side *side) {
    uint64_t address = device;
    side->pageable = false;
    if (type == CU_MEMORYTYPE_ARRAY) {
        SIM_TRY(sim_array_side(array, copy, x, y, z, &address, &side->pitch, &side->slice));
        address += x + y * side->pitch + z * side->slice;
    } else {
        if (type == CU_MEMORYTYPE_HOST) address = host;
        else SIM_NEED(type == CU_MEMORYTYPE_DEVICE || type == CU_MEMORYTYPE_UNIFIED);
        SIM_NEED(pitch == 0 || pitch >= copy->WidthInBytes);
        side->pitch = pitch == 0 ? copy->WidthInBytes + x : pitch;
        side->slice = side->pitch * (height == 0 ? copy->Height + y : height);
        SIM_NEED(address != 0);
        address += x + y * side->pitch + z * side->slice;
    }
    uint64_t bytes = (copy->Depth - 1) * side->slice + (copy->Height - 1) * side->pitch + copy->WidthInBytes;
    if (type == CU_MEMORYTYPE_HOST && !sim_in_window(address, bytes)) {
        struct sim_host pinned;
        side->start = (char *)address;
        side->pageable = !sim_host_find(address, bytes, &pinned);
        return CUDA_SUCCESS;
    }
    side->start = sim_reach(address, bytes, write);
    if (side->start == NULL && type == CU_MEMORYTYPE_UNIFIED && sim_space_offset(address) == UINT64_MAX) {
        side->start = (char *)address; /* ordinary memory of the program */
        side->pageable = true;
    }
    if (side->start == NULL && later && sim_graph_memory_holds(address)) side->start = sim_shadow(address);
    return side->start != NULL ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

/* later: memory that a graph will have when the copy runs is good enough. */
static CUresult find_sides(const CUDA_MEMCPY3D *copy, bool later, struct side *from, struct side *to) {
    SIM_TRY(find_side(copy->srcMemoryType, (uint64_t)copy->srcHost, copy->srcDevice, copy->srcArray, copy->srcXInBytes, copy->srcY,
                      copy->srcZ, copy->srcPitch, copy->srcHeight, copy, false, later, from));
    return find_side(copy->dstMemoryType, (uint64_t)copy->dstHost, copy->dstDevice, copy->dstArray, copy->dstXInBytes, copy->dstY,
                     copy->dstZ, copy->dstPitch, copy->dstHeight, copy, true, later, to);
}

CUresult sim_copy_check(const CUDA_MEMCPY3D *copy) {
    struct side from, to;
    if (copy->WidthInBytes == 0 || copy->Height == 0 || copy->Depth == 0) return CUDA_SUCCESS;
    return find_sides(copy, true, &from, &to);
}

CUresult sim_copy_run(const CUDA_MEMCPY3D *copy) {
    struct side from, to;
    if (copy->WidthInBytes == 0 || copy->Height == 0 || copy->Depth == 0) return CUDA_SUCCESS;
    if (find_sides(copy, false, &from, &to) != CUDA_SUCCESS) return CUDA_ERROR_ILLEGAL_ADDRESS;
    for (size_t z = 0; z < copy->Depth; z++) {
        const char *source = from.start + z * from.slice;
        char *target = to.start + z * to.slice;
        if (from.pitch == copy->WidthInBytes && to.pitch == copy->WidthInBytes) {
            memmove(target, source, copy->WidthInBytes * copy->Height);
            continue;
        }
        for (size_t y = 0; y < copy->Height; y++) memmove(target + y * to.pitch, source + y * from.pitch, copy->WidthInBytes);
    }
    return CUDA_SUCCESS;
}

CUresult sim_copy_submit(CUstream handle, const CUDA_MEMCPY3D *copy, bool wait) {
    SIM_ENTER_CONTEXT();
    struct sim_stream *stream;
    SIM_TRY(sim_stream_resolve(&call, handle, &stream));
    if (copy->WidthInBytes == 0 || copy->Height == 0 || copy->Depth == 0) return CUDA_SUCCESS;
    struct side from, to;
    SIM_TRY(find_sides(copy, sim_stream_capturing(stream), &from, &to));
    struct sim_work work;
    work.type = SIM_WORK_COPY;
    work.staged = NULL;
    work.copy = *copy;
    if (wait) return sim_submit(&call, stream, &work, SIM_SUBMIT_SYNC | SIM_SUBMIT_UNSAFE);
    if (sim_stream_capturing(stream)) return sim_submit(&call, stream, &work, 0);
    /* Ordinary memory may be reused when the call returns: it is copied now, or waited for. */
    if (to.pageable) return sim_submit(&call, stream, &work, SIM_SUBMIT_SYNC);
    if (from.pageable && !sim_stream_idle(stream)) {
        if (copy->WidthInBytes > STAGED_BYTES || copy->Height != 1 || copy->Depth != 1) {
            return sim_submit(&call, stream, &work, SIM_SUBMIT_SYNC);
        }
        work.staged = malloc(copy->WidthInBytes);
        if (work.staged == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
        memcpy(work.staged, from.start, copy->WidthInBytes);
        work.copy.srcMemoryType = CU_MEMORYTYPE_HOST;
        work.copy.srcHost = work.staged;
        work.copy.srcXInBytes = work.copy.srcY = work.copy.srcZ = 0;
        return sim_submit(&call, stream, &work, SIM_SUBMIT_LONG);
    }
    if (from.pageable) return sim_submit(&call, stream, &work, SIM_SUBMIT_SYNC);
    return sim_submit(&call, stream, &work, sim_work_is_long(&work) ? SIM_SUBMIT_LONG : 0);
}
