/* Device memory: allocation, room, fills, many threads. */
#include "conformance.h"

#include <pthread.h>

CASE(memory, allocations_are_apart_and_aligned) {
    CUdeviceptr addresses[64];
    conf_context();
    for (size_t i = 0; i < 64; i++) {
        addresses[i] = conf_alloc(1000);
        EQ(addresses[i] % 256, 0);
        OK(cu(cuMemsetD8_v2)(addresses[i], (unsigned char)i, 1000));
    }
    for (size_t i = 0; i < 64; i++) {
        unsigned char bytes[1000];
        OK(cu(cuMemcpyDtoH_v2)(bytes, addresses[i], sizeof bytes));
        CHECK(bytes[0] == i && bytes[999] == i);
        OK(cu(cuMemFree_v2)(addresses[i]));
    }
}

CASE(memory, nothing_is_not_allocated) {
    CUdeviceptr address = 0;
    conf_context();
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuMemAlloc_v2)(&address, 0));
}

CASE(memory, freeing_twice_is_refused) {
    conf_context();
    CUdeviceptr address = conf_alloc(4 * MIB);
    OK(cu(cuMemFree_v2)(address));
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuMemFree_v2)(address));
    OK(cu(cuMemFree_v2)(conf_alloc(4 * MIB)));
}

CASE(memory, freeing_what_was_not_allocated_is_refused) {
    static char here[4096];
    conf_context();
    CUdeviceptr address = conf_alloc(4 * MIB);
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuMemFree_v2)((CUdeviceptr)(uintptr_t)here));
    FAILS(cu(cuMemFree_v2)(address + MIB));
    OK(cu(cuMemFree_v2)(address));
}

CASE(memory, room_falls_and_comes_back) {
    conf_context();
    uint64_t before = conf_room();
    CUdeviceptr address = conf_alloc(256 * MIB);
    CHECK(conf_room() + 256 * MIB <= before);
    OK(cu(cuMemFree_v2)(address));
    CHECK(conf_wait_for_room(before - 2 * MIB));
}

CASE(memory, small_allocations_come_from_shared_pages) {
    CUdeviceptr addresses[256];
    conf_context();
    addresses[0] = conf_alloc(4 * KIB);
    uint64_t before = conf_room();
    for (size_t i = 1; i < 256; i++) {
        addresses[i] = conf_alloc(4 * KIB);
    }
    CHECK(before - conf_room() <= 16 * MIB);
    for (size_t i = 0; i < 256; i++) {
        OK(cu(cuMemFree_v2)(addresses[i]));
    }
}

CASE(memory, more_than_there_is_is_out_of_memory) {
    CUdeviceptr address = 0;
    conf_context();
    IS(CUDA_ERROR_OUT_OF_MEMORY, cu(cuMemAlloc_v2)(&address, 2 * conf_total()));
    IS(CUDA_ERROR_OUT_OF_MEMORY, cu(cuMemAlloc_v2)(&address, 1ull << 46));
    ONE_OF(cu(cuMemAlloc_v2)(&address, SIZE_MAX), CUDA_ERROR_OUT_OF_MEMORY, CUDA_ERROR_INVALID_VALUE);
    OK(cu(cuCtxSynchronize)());
    OK(cu(cuMemFree_v2)(conf_alloc(MIB)));
}

CASE(memory, pitched_rows) {
    CUdeviceptr address = 0;
    size_t pitch = 0;
    conf_context();
    OK(cu(cuMemAllocPitch_v2)(&address, &pitch, 100, 10, 4));
    CHECK(pitch >= 100 && pitch % 32 == 0);
    OK(cu(cuMemsetD2D8_v2)(address, pitch, 7, 100, 10));
    unsigned char last = 0;
    OK(cu(cuMemcpyDtoH_v2)(&last, address + 9 * pitch + 99, 1));
    EQ(last, 7);
    OK(cu(cuMemFree_v2)(address));
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuMemAllocPitch_v2)(&address, &pitch, 100, 10, 3));
}

CASE(memory, memsets_of_every_width) {
    uint32_t words[64];
    conf_context();
    CUdeviceptr address = conf_alloc(sizeof words);
    OK(cu(cuMemsetD32_v2)(address, 0x01020304, 64));
    OK(cu(cuMemsetD16_v2)(address + 16, 0xabcd, 4));
    OK(cu(cuMemsetD8_v2)(address + 32, 0xee, 3));
    OK(cu(cuMemcpyDtoH_v2)(words, address, sizeof words));
    EQ(words[0], 0x01020304);
    EQ(words[4], 0xabcdabcd);
    EQ(words[5], 0xabcdabcd);
    EQ(words[6], 0x01020304);
    EQ(words[8], 0x01eeeeee);
    EQ(words[63], 0x01020304);
    OK(cu(cuMemsetD2D32_v2)(address, 64, 9, 2, 4));
    OK(cu(cuMemcpyDtoH_v2)(words, address, sizeof words));
    EQ(words[0], 9);
    EQ(words[1], 9);
    EQ(words[2], 0x01020304);
    EQ(words[16], 9);
    EQ(words[49], 9);
}

CASE(memory, memset_past_the_end_is_refused) {
    conf_context();
    CUdeviceptr address = conf_alloc(4 * MIB);
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuMemsetD32_v2)(address, 1, 64 * MIB));
    OK(cu(cuMemFree_v2)(address));
}

#define THREADS 8

static void *allocate_and_use(void *argument) {
    uint32_t value = (uint32_t)(uintptr_t)argument;
    CUcontext context = NULL;
    OK(cu(cuDevicePrimaryCtxRetain)(&context, 0));
    OK(cu(cuCtxSetCurrent)(context));
    for (uint32_t round = 0; round < 50; round++) {
        uint64_t bytes = round % 3 == 0 ? 4 * KIB : round % 3 == 1 ? 200 * KIB : 3 * MIB;
        uint32_t got = 0;
        CUdeviceptr address = conf_alloc(bytes);
        OK(cu(cuMemsetD32_v2)(address, value + round, bytes / 4));
        OK(cu(cuMemcpyDtoH_v2)(&got, address + bytes - 4, 4));
        EQ(got, value + round);
        OK(cu(cuMemFree_v2)(address));
    }
    return NULL;
}

CASE(memory, many_threads_allocate_at_once) {
    pthread_t threads[THREADS];
    conf_context();
    uint64_t before = conf_room();
    for (uintptr_t i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, allocate_and_use, (void *)(i << 16)) == 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    CHECK(conf_wait_for_room(before - CONF_NOISE));
}
