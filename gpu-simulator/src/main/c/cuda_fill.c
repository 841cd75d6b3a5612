/* Fills of every width: one and two dimensions, waited for and not. */
#include "cuda_copy.h"
#include "cuda_memory.h"

CUresult sim_fill_check(const CUDA_MEMSET_NODE_PARAMS_v2 *fill) {
    SIM_NEED(fill->elementSize == 1 || fill->elementSize == 2 || fill->elementSize == 4);
    if (fill->width == 0 || fill->height == 0) return CUDA_SUCCESS;
    uint64_t row;
    SIM_NEED(!__builtin_mul_overflow(fill->width, fill->elementSize, &row));
    SIM_NEED(fill->dst % fill->elementSize == 0 && (fill->height == 1 || fill->pitch >= row));
    uint64_t rows;
    SIM_NEED(!__builtin_mul_overflow(fill->pitch, fill->height - 1, &rows) && rows + row >= rows);
    bool good = sim_reach(fill->dst, rows + row, true) != NULL || sim_graph_memory_holds(fill->dst);
    return good ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult sim_fill_run(const CUDA_MEMSET_NODE_PARAMS_v2 *fill) {
    if (fill->width == 0 || fill->height == 0) return CUDA_SUCCESS;
    if (sim_fill_check(fill) != CUDA_SUCCESS) return CUDA_ERROR_ILLEGAL_ADDRESS;
    size_t row = fill->width * fill->elementSize;
    char *start = sim_reach(fill->dst, fill->pitch * (fill->height - 1) + row, true);
    if (start == NULL) return CUDA_ERROR_ILLEGAL_ADDRESS;
    for (size_t y = 0; y < fill->height; y++) {
        char *to = start + y * fill->pitch;
        if (fill->elementSize == 1) {
            memset(to, (int)(fill->value & 0xff), row);
        } else if (fill->elementSize == 2) {
            for (size_t x = 0; x < fill->width; x++) ((uint16_t *)to)[x] = (uint16_t)fill->value;
        } else {
            for (size_t x = 0; x < fill->width; x++) ((uint32_t *)to)[x] = fill->value;
        }
    }
    return CUDA_SUCCESS;
}

static CUresult fill(CUdeviceptr to, size_t pitch, unsigned value, unsigned element, size_t width, size_t height, CUstream handle,
                     bool wait) {
    SIM_ENTER_CONTEXT();
    struct sim_stream *stream;
    SIM_TRY(sim_stream_resolve(&call, handle, &stream));
    struct sim_work work;
    work.type = SIM_WORK_FILL;
    work.staged = NULL;
    work.fill = (CUDA_MEMSET_NODE_PARAMS_v2){to, pitch, value, element, width, height, NULL};
    SIM_TRY(sim_fill_check(&work.fill));
    if (width == 0 || height == 0) return CUDA_SUCCESS;
    unsigned flags = sim_work_is_long(&work) ? SIM_SUBMIT_LONG : 0;
    return sim_submit(&call, stream, &work, wait ? SIM_SUBMIT_SYNC | SIM_SUBMIT_UNSAFE : flags);
}

CUresult cuMemsetD8(CUdeviceptr_v1 to, unsigned char value, unsigned int count) { return fill(to, 0, value, 1, count, 1, NULL, true); }
CUresult cuMemsetD8_v2(CUdeviceptr to, unsigned char value, size_t count) { return fill(to, 0, value, 1, count, 1, NULL, true); }
CUresult cuMemsetD8_v2_ptds(CUdeviceptr to, unsigned char value, size_t count) { return fill(to, 0, value, 1, count, 1, CU_STREAM_PER_THREAD, true); }
CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t count, CUstream stream) { return fill(to, 0, value, 1, count, 1, stream, false); }
CUresult cuMemsetD8Async_ptsz(CUdeviceptr to, unsigned char value, size_t count, CUstream stream) { return fill(to, 0, value, 1, count, 1, sim_pts(stream), false); }
CUresult cuMemsetD2D8(CUdeviceptr_v1 to, unsigned int pitch, unsigned char value, unsigned int width, unsigned int height) { return fill(to, pitch, value, 1, width, height, NULL, true); }
CUresult cuMemsetD2D8_v2(CUdeviceptr to, size_t pitch, unsigned char value, size_t width, size_t height) { return fill(to, pitch, value, 1, width, height, NULL, true); }
CUresult cuMemsetD2D8_v2_ptds(CUdeviceptr to, size_t pitch, unsigned char value, size_t width, size_t height) { return fill(to, pitch, value, 1, width, height, CU_STREAM_PER_THREAD, true); }
CUresult cuMemsetD2D8Async(CUdeviceptr to, size_t pitch, unsigned char value, size_t width, size_t height, CUstream stream) { return fill(to, pitch, value, 1, width, height, stream, false); }
CUresult cuMemsetD2D8Async_ptsz(CUdeviceptr to, size_t pitch, unsigned char value, size_t width, size_t height, CUstream stream) { return fill(to, pitch, value, 1, width, height, sim_pts(stream), false); }
CUresult cuMemsetD16(CUdeviceptr_v1 to, unsigned short value, unsigned int count) { return fill(to, 0, value, 2, count, 1, NULL, true); }
CUresult cuMemsetD16_v2(CUdeviceptr to, unsigned short value, size_t count) { return fill(to, 0, value, 2, count, 1, NULL, true); }
CUresult cuMemsetD16_v2_ptds(CUdeviceptr to, unsigned short value, size_t count) { return fill(to, 0, value, 2, count, 1, CU_STREAM_PER_THREAD, true); }
CUresult cuMemsetD16Async(CUdeviceptr to, unsigned short value, size_t count, CUstream stream) { return fill(to, 0, value, 2, count, 1, stream, false); }
CUresult cuMemsetD16Async_ptsz(CUdeviceptr to, unsigned short value, size_t count, CUstream stream) { return fill(to, 0, value, 2, count, 1, sim_pts(stream), false); }
CUresult cuMemsetD2D16(CUdeviceptr_v1 to, unsigned int pitch, unsigned short value, unsigned int width, unsigned int height) { return fill(to, pitch, value, 2, width, height, NULL, true); }
CUresult cuMemsetD2D16_v2(CUdeviceptr to, size_t pitch, unsigned short value, size_t width, size_t height) { return fill(to, pitch, value, 2, width, height, NULL, true); }
CUresult cuMemsetD2D16_v2_ptds(CUdeviceptr to, size_t pitch, unsigned short value, size_t width, size_t height) { return fill(to, pitch, value, 2, width, height, CU_STREAM_PER_THREAD, true); }
CUresult cuMemsetD2D16Async(CUdeviceptr to, size_t pitch, unsigned short value, size_t width, size_t height, CUstream stream) { return fill(to, pitch, value, 2, width, height, stream, false); }
CUresult cuMemsetD2D16Async_ptsz(CUdeviceptr to, size_t pitch, unsigned short value, size_t width, size_t height, CUstream stream) { return fill(to, pitch, value, 2, width, height, sim_pts(stream), false); }
CUresult cuMemsetD32(CUdeviceptr_v1 to, unsigned int value, unsigned int count) { return fill(to, 0, value, 4, count, 1, NULL, true); }
CUresult cuMemsetD32_v2(CUdeviceptr to, unsigned int value, size_t count) { return fill(to, 0, value, 4, count, 1, NULL, true); }
CUresult cuMemsetD32_v2_ptds(CUdeviceptr to, unsigned int value, size_t count) { return fill(to, 0, value, 4, count, 1, CU_STREAM_PER_THREAD, true); }
CUresult cuMemsetD32Async(CUdeviceptr to, unsigned int value, size_t count, CUstream stream) { return fill(to, 0, value, 4, count, 1, stream, false); }
CUresult cuMemsetD32Async_ptsz(CUdeviceptr to, unsigned int value, size_t count, CUstream stream) { return fill(to, 0, value, 4, count, 1, sim_pts(stream), false); }
CUresult cuMemsetD2D32(CUdeviceptr_v1 to, unsigned int pitch, unsigned int value, unsigned int width, unsigned int height) { return fill(to, pitch, value, 4, width, height, NULL, true); }
CUresult cuMemsetD2D32_v2(CUdeviceptr to, size_t pitch, unsigned int value, size_t width, size_t height) { return fill(to, pitch, value, 4, width, height, NULL, true); }
CUresult cuMemsetD2D32_v2_ptds(CUdeviceptr to, size_t pitch, unsigned int value, size_t width, size_t height) { return fill(to, pitch, value, 4, width, height, CU_STREAM_PER_THREAD, true); }
CUresult cuMemsetD2D32Async(CUdeviceptr to, size_t pitch, unsigned int value, size_t width, size_t height, CUstream stream) { return fill(to, pitch, value, 4, width, height, stream, false); }
CUresult cuMemsetD2D32Async_ptsz(CUdeviceptr to, size_t pitch, unsigned int value, size_t width, size_t height, CUstream stream) { return fill(to, pitch, value, 4, width, height, sim_pts(stream), false); }
