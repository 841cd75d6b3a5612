/* Stream-ordered allocation. */
#include "conformance.h"

static void need_async(void) {
    conf_context();
    if (conf_attribute(CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED) == 0) {
        SKIP("the device has no memory pools");
    }
}

CASE(async, allocation_used_and_freed_in_stream_order) {
    CUdeviceptr address = 0;
    uint32_t *back = NULL;
    need_async();
    CUstream stream = conf_stream();
    OK(cu(cuMemHostAlloc)((void **)&back, 4 * MIB, 0));
    for (uint32_t round = 0; round < 20; round++) {
        back[0] = back[MIB - 1] = 0;
        OK(cu(cuMemAllocAsync)(&address, 4 * MIB, stream));
        CHECK(address != 0);
        conf_fill(address, MIB, round + 1, stream);
        conf_add(address, MIB, 1000, stream);
        OK(cu(cuMemcpyDtoHAsync_v2)(back, address, 4 * MIB, stream));
        OK(cu(cuMemFreeAsync)(address, stream));
        OK(cu(cuStreamSynchronize)(stream));
        EQ(back[0], round + 1001);
        EQ(back[MIB - 1], round + 1001);
    }
}

CASE(async, allocations_of_every_size) {
    static const uint64_t SIZES[] = {1, 100, 4096, 70000, MIB + 1, 33 * MIB};
    CUdeviceptr addresses[6];
    need_async();
    CUstream stream = conf_stream();
    for (size_t i = 0; i < 6; i++) {
        OK(cu(cuMemAllocAsync)(&addresses[i], SIZES[i], stream));
        EQ(addresses[i] % 256, 0);
        OK(cu(cuMemsetD8Async)(addresses[i], (unsigned char)(i + 1), SIZES[i], stream));
    }
    OK(cu(cuStreamSynchronize)(stream));
    for (size_t i = 0; i < 6; i++) {
        unsigned char byte = 0;
        OK(cu(cuMemcpyDtoH_v2)(&byte, addresses[i] + SIZES[i] - 1, 1));
        EQ(byte, i + 1);
        OK(cu(cuMemFreeAsync)(addresses[i], stream));
    }
    OK(cu(cuStreamSynchronize)(stream));
}

CASE(async, freed_by_the_plain_call) {
    CUdeviceptr address = 0;
    need_async();
    CUstream stream = conf_stream();
    OK(cu(cuMemAllocAsync)(&address, 8 * MIB, stream));
    OK(cu(cuStreamSynchronize)(stream));
    OK(cu(cuMemFree_v2)(address));
    FAILS(cu(cuMemFree_v2)(address));
}

CASE(async, frees_plain_allocations) {
    CUmemoryPool pool = NULL;
    need_async();
    CUstream stream = conf_stream();
    uint64_t before = conf_room();
    CUdeviceptr address = conf_alloc(256 * MIB);
    conf_fill(address, MIB, 3, stream);
    OK(cu(cuMemFreeAsync)(address, stream));
    OK(cu(cuStreamSynchronize)(stream));
    OK(cu(cuDeviceGetDefaultMemPool)(&pool, 0));
    OK(cu(cuMemPoolTrimTo)(pool, 0));
    CHECK(conf_wait_for_room(before - CONF_NOISE));
}

CASE(async, more_than_there_is_is_out_of_memory) {
    CUdeviceptr address = 0;
    need_async();
    CUstream stream = conf_stream();
    IS(CUDA_ERROR_OUT_OF_MEMORY, cu(cuMemAllocAsync)(&address, 2 * conf_total(), stream));
    OK(cu(cuStreamSynchronize)(stream));
    OK(cu(cuMemAllocAsync)(&address, MIB, stream));
    OK(cu(cuMemFreeAsync)(address, stream));
    OK(cu(cuStreamSynchronize)(stream));
}

CASE(async, allocation_crosses_streams_by_events) {
    CUdeviceptr address = 0;
    CUevent ready = NULL;
    CUevent done = NULL;
    need_async();
    CUstream one = conf_stream();
    CUstream two = conf_stream();
    OK(cu(cuEventCreate)(&ready, CU_EVENT_DISABLE_TIMING));
    OK(cu(cuEventCreate)(&done, CU_EVENT_DISABLE_TIMING));
    conf_spin(50, one);
    OK(cu(cuMemAllocAsync)(&address, 4 * MIB, one));
    conf_fill(address, MIB, 1, one);
    OK(cu(cuEventRecord)(ready, one));
    OK(cu(cuStreamWaitEvent)(two, ready, 0));
    conf_add(address, MIB, 1, two);
    OK(cu(cuEventRecord)(done, two));
    OK(cu(cuStreamSynchronize)(two));
    EQ(conf_mismatches(address, MIB, 2), 0);
    OK(cu(cuStreamWaitEvent)(one, done, 0));
    OK(cu(cuMemFreeAsync)(address, one));
    OK(cu(cuStreamSynchronize)(one));
}

CASE(async, pointer_is_device_memory) {
    CUdeviceptr address = 0;
    unsigned type = 0;
    CUmemoryPool pool = NULL;
    CUmemoryPool standard = NULL;
    need_async();
    OK(cu(cuMemAllocAsync)(&address, 4 * MIB, NULL));
    OK(cu(cuCtxSynchronize)());
    OK(cu(cuPointerGetAttribute)(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, address));
    EQ(type, CU_MEMORYTYPE_DEVICE);
    OK(cu(cuPointerGetAttribute)(&pool, CU_POINTER_ATTRIBUTE_MEMPOOL_HANDLE, address));
    OK(cu(cuDeviceGetDefaultMemPool)(&standard, 0));
    CHECK(pool == standard);
    OK(cu(cuMemFreeAsync)(address, NULL));
    OK(cu(cuCtxSynchronize)());
}
