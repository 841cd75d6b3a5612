/* Copies: every direction, pageable and pinned, 2D and 3D, what is refused. */
#include "conformance.h"

#include <stdlib.h>
#include <string.h>

static uint32_t *pattern(size_t words, uint32_t seed) {
    uint32_t *data = malloc(words * 4);
    CHECK(data != NULL);
    for (size_t i = 0; i < words; i++) {
        data[i] = (uint32_t)i * 2654435761u + seed;
    }
    return data;
}

CASE(copies, there_over_and_back) {
    size_t words = 8 * MIB;
    uint32_t *from = pattern(words, 1);
    uint32_t *to = calloc(words, 4);
    conf_context();
    CUdeviceptr one = conf_alloc(words * 4);
    CUdeviceptr two = conf_alloc(words * 4);
    OK(cu(cuMemcpyHtoD_v2)(one, from, words * 4));
    OK(cu(cuMemcpyDtoD_v2)(two, one, words * 4));
    OK(cu(cuMemcpyDtoH_v2)(to, two, words * 4));
    CHECK(memcmp(from, to, words * 4) == 0);
    free(from);
    free(to);
}

CASE(copies, parts_at_odd_offsets) {
    uint32_t *from = pattern(1024, 2);
    unsigned char back[100];
    conf_context();
    CUdeviceptr address = conf_alloc(4096);
    OK(cu(cuMemcpyHtoD_v2)(address, from, 4096));
    OK(cu(cuMemcpyDtoH_v2)(back, address + 1001, sizeof back));
    CHECK(memcmp(back, (char *)from + 1001, sizeof back) == 0);
    OK(cu(cuMemcpyHtoD_v2)(address + 3, back, 7));
    OK(cu(cuMemcpyDtoH_v2)(back + 50, address + 3, 7));
    CHECK(memcmp(back, back + 50, 7) == 0);
    free(from);
}

CASE(copies, direction_follows_from_the_addresses) {
    uint32_t *from = pattern(1024, 3);
    void *pinned = NULL;
    conf_context();
    OK(cu(cuMemHostAlloc)(&pinned, 4096, 0));
    memset(pinned, 0, 4096);
    CUdeviceptr one = conf_alloc(4096);
    CUdeviceptr two = conf_alloc(4096);
    OK(cu(cuMemcpy)(one, (CUdeviceptr)(uintptr_t)from, 4096));
    OK(cu(cuMemcpy)(two, one, 4096));
    OK(cu(cuMemcpy)((CUdeviceptr)(uintptr_t)pinned, two, 4096));
    OK(cu(cuCtxSynchronize)());
    CHECK(memcmp(from, pinned, 4096) == 0);
    free(from);
}

CASE(copies, in_a_stream_keep_their_order) {
    size_t words = 4 * MIB;
    uint32_t *pinned = NULL;
    uint32_t *back = NULL;
    conf_context();
    CUstream stream = conf_stream();
    OK(cu(cuMemHostAlloc)((void **)&pinned, words * 4, 0));
    OK(cu(cuMemHostAlloc)((void **)&back, words * 4, 0));
    for (size_t i = 0; i < words; i++) {
        pinned[i] = 100;
    }
    CUdeviceptr one = conf_alloc(words * 4);
    CUdeviceptr two = conf_alloc(words * 4);
    OK(cu(cuMemcpyHtoDAsync_v2)(one, pinned, words * 4, stream));
    conf_add(one, words, 11, stream);
    OK(cu(cuMemcpyDtoDAsync_v2)(two, one, words * 4, stream));
    OK(cu(cuMemsetD32Async)(one, 0, words, stream));
    OK(cu(cuMemcpyDtoHAsync_v2)(back, two, words * 4, stream));
    OK(cu(cuStreamSynchronize)(stream));
    CHECK(back[0] == 111 && back[words - 1] == 111);
    EQ(conf_mismatches(one, words, 0), 0);
}

CASE(copies, asynchronous_ones_take_pageable_memory) {
    uint32_t *from = pattern(MIB, 4);
    uint32_t *to = calloc(MIB, 4);
    conf_context();
    CUstream stream = conf_stream();
    CUdeviceptr address = conf_alloc(4 * MIB);
    OK(cu(cuMemcpyHtoDAsync_v2)(address, from, 4 * MIB, stream));
    OK(cu(cuMemcpyDtoHAsync_v2)(to, address, 4 * MIB, stream));
    OK(cu(cuStreamSynchronize)(stream));
    CHECK(memcmp(from, to, 4 * MIB) == 0);
    free(from);
    free(to);
}

CASE(copies, of_nothing_succeed) {
    uint32_t word = 5;
    conf_context();
    CUdeviceptr address = conf_alloc(4096);
    OK(cu(cuMemcpyHtoD_v2)(address, &word, 0));
    OK(cu(cuMemcpyDtoH_v2)(&word, address, 0));
    EQ(word, 5);
}

CASE(copies, past_the_end_are_refused) {
    void *host = calloc(1, 64 * MIB);
    conf_context();
    CUdeviceptr address = conf_alloc(4 * MIB);
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuMemcpyHtoD_v2)(address, host, 64 * MIB));
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuMemcpyDtoH_v2)(host, address, 64 * MIB));
    OK(cu(cuMemcpyHtoD_v2)(address, host, 4 * MIB));
    free(host);
}

CASE(copies, to_freed_memory_are_refused) {
    uint32_t word = 1;
    conf_context();
    CUdeviceptr address = conf_alloc(64 * MIB);
    OK(cu(cuMemFree_v2)(address));
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuMemcpyHtoD_v2)(address, &word, sizeof word));
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuMemcpyDtoH_v2)(&word, address, sizeof word));
    OK(cu(cuCtxSynchronize)());
}

CASE(copies, of_rectangles) {
    enum { ROWS = 16, WIDTH = 64, PITCH = 128 };
    unsigned char from[ROWS * WIDTH];
    unsigned char to[ROWS * WIDTH];
    conf_context();
    for (size_t i = 0; i < sizeof from; i++) {
        from[i] = (unsigned char)(i * 7);
    }
    memset(to, 0, sizeof to);
    CUdeviceptr address = conf_alloc(ROWS * PITCH);
    CUDA_MEMCPY2D in = {.srcMemoryType = CU_MEMORYTYPE_HOST, .srcHost = from, .srcPitch = WIDTH,
                        .dstMemoryType = CU_MEMORYTYPE_DEVICE, .dstDevice = address, .dstPitch = PITCH,
                        .WidthInBytes = WIDTH, .Height = ROWS};
    OK(cu(cuMemcpy2D_v2)(&in));
    unsigned char byte = 0;
    OK(cu(cuMemcpyDtoH_v2)(&byte, address + 3 * PITCH + 5, 1));
    EQ(byte, from[3 * WIDTH + 5]);
    CUDA_MEMCPY2D out = {.srcMemoryType = CU_MEMORYTYPE_DEVICE, .srcDevice = address, .srcPitch = PITCH,
                         .srcXInBytes = 8, .srcY = 2,
                         .dstMemoryType = CU_MEMORYTYPE_HOST, .dstHost = to, .dstPitch = WIDTH, .dstXInBytes = 8, .dstY = 2,
                         .WidthInBytes = WIDTH - 8, .Height = ROWS - 2};
    OK(cu(cuMemcpy2D_v2)(&out));
    EQ(to[0], 0);
    CHECK(memcmp(to + 2 * WIDTH + 8, from + 2 * WIDTH + 8, WIDTH - 8) == 0);
    CHECK(memcmp(to + 15 * WIDTH + 8, from + 15 * WIDTH + 8, WIDTH - 8) == 0);
    out.srcPitch = WIDTH / 2;
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuMemcpy2D_v2)(&out));
}

CASE(copies, of_boxes) {
    enum { W = 32, H = 8, D = 4 };
    unsigned char from[W * H * D];
    unsigned char to[W * H * D];
    conf_context();
    for (size_t i = 0; i < sizeof from; i++) {
        from[i] = (unsigned char)(i * 5 + 1);
    }
    memset(to, 0, sizeof to);
    CUdeviceptr address = conf_alloc(64 * 16 * D);
    CUDA_MEMCPY3D in = {.srcMemoryType = CU_MEMORYTYPE_HOST, .srcHost = from, .srcPitch = W, .srcHeight = H,
                        .dstMemoryType = CU_MEMORYTYPE_DEVICE, .dstDevice = address, .dstPitch = 64, .dstHeight = 16,
                        .WidthInBytes = W, .Height = H, .Depth = D};
    OK(cu(cuMemcpy3D_v2)(&in));
    unsigned char byte = 0;
    OK(cu(cuMemcpyDtoH_v2)(&byte, address + 3 * 64 * 16 + 7 * 64 + 31, 1));
    EQ(byte, from[sizeof from - 1]);
    CUDA_MEMCPY3D out = {.srcMemoryType = CU_MEMORYTYPE_DEVICE, .srcDevice = address, .srcPitch = 64, .srcHeight = 16,
                         .dstMemoryType = CU_MEMORYTYPE_HOST, .dstHost = to, .dstPitch = W, .dstHeight = H,
                         .WidthInBytes = W, .Height = H, .Depth = D};
    OK(cu(cuMemcpy3D_v2)(&out));
    CHECK(memcmp(from, to, sizeof from) == 0);
}

CASE(copies, by_a_kernel_agree_with_those_by_the_driver) {
    size_t words = 3 * MIB + 17;
    uint32_t *from = pattern(words, 5);
    uint32_t *to = calloc(words, 4);
    conf_context();
    CUdeviceptr one = conf_alloc(words * 4);
    CUdeviceptr two = conf_alloc(words * 4);
    OK(cu(cuMemcpyHtoD_v2)(one, from, words * 4));
    conf_copy(two, one, words, NULL);
    OK(cu(cuMemcpyDtoH_v2)(to, two, words * 4));
    CHECK(memcmp(from, to, words * 4) == 0);
    free(from);
    free(to);
}
