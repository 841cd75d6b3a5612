/* Launches: shapes, ways of passing arguments, what is refused. */
#include "conformance.h"

static CUfunction fill_kernel(CUdeviceptr *address) {
    conf_context();
    *address = conf_alloc(4 * MIB);
    OK(cu(cuMemsetD32_v2)(*address, 0, MIB));
    OK(cu(cuCtxSynchronize)());
    return conf_kernel("aliquot_fill");
}

CASE(launch, every_shape_does_the_whole_work) {
    static const unsigned SHAPES[][2] = {{1, 1}, {1, 32}, {1, 1024}, {7, 33}, {1000, 64}, {100000, 128}};
    CUdeviceptr address = 0;
    CUfunction function = fill_kernel(&address);
    for (uint32_t i = 0; i < sizeof SHAPES / sizeof SHAPES[0]; i++) {
        uint64_t words = 100003;
        uint32_t value = i + 1;
        void *arguments[] = {&address, &words, &value};
        OK(cu(cuLaunchKernel)(function, SHAPES[i][0], 1, 1, SHAPES[i][1], 1, 1, 0, NULL, arguments, NULL));
        EQ(conf_mismatches(address, words, value), 0);
        EQ(conf_mismatches(address + words * 4, 100, 0), 0);
    }
}

CASE(launch, arguments_are_taken_at_the_call) {
    CUdeviceptr address = 0;
    CUfunction function = fill_kernel(&address);
    uint64_t words = MIB;
    uint32_t value = 5;
    void *arguments[] = {&address, &words, &value};
    CUdeviceptr kept = address;
    CUstream stream = conf_stream();
    conf_spin(100, stream);
    OK(cu(cuLaunchKernel)(function, 4, 1, 1, 64, 1, 1, 0, stream, arguments, NULL));
    value = 6;
    words = 1;
    address = 0;
    OK(cu(cuStreamSynchronize)(stream));
    EQ(conf_mismatches(kept, MIB, 5), 0);
}

CASE(launch, arguments_in_one_buffer) {
    CUdeviceptr address = 0;
    CUfunction function = fill_kernel(&address);
    struct {
        CUdeviceptr address;
        uint64_t words;
        uint32_t value;
    } buffer = {address, MIB, 77};
    size_t size = 20;
    void *extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, &buffer, CU_LAUNCH_PARAM_BUFFER_SIZE, &size, CU_LAUNCH_PARAM_END};
    OK(cu(cuLaunchKernel)(function, 4, 1, 1, 64, 1, 1, 0, NULL, NULL, extra));
    EQ(conf_mismatches(address, MIB, 77), 0);
}

CASE(launch, with_a_configuration) {
    CUdeviceptr address = 0;
    CUfunction function = fill_kernel(&address);
    uint64_t words = MIB;
    uint32_t value = 8;
    void *arguments[] = {&address, &words, &value};
    CUstream stream = conf_stream();
    CUlaunchConfig config = {.gridDimX = 16, .gridDimY = 1, .gridDimZ = 1, .blockDimX = 64, .blockDimY = 1, .blockDimZ = 1,
                             .hStream = stream};
    OK(cu(cuLaunchKernelEx)(&config, function, arguments, NULL));
    OK(cu(cuStreamSynchronize)(stream));
    EQ(conf_mismatches(address, MIB, 8), 0);
}

CASE(launch, cooperatively) {
    CUdeviceptr address = 0;
    CUfunction function = fill_kernel(&address);
    uint64_t words = MIB;
    uint32_t value = 9;
    void *arguments[] = {&address, &words, &value};
    if (conf_attribute(CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH) == 0) {
        SKIP("the device has no cooperative launches");
    }
    OK(cu(cuLaunchCooperativeKernel)(function, 4, 1, 1, 64, 1, 1, 0, NULL, arguments));
    EQ(conf_mismatches(address, MIB, 9), 0);
}

CASE(launch, of_an_impossible_shape_is_refused) {
    CUdeviceptr address = 0;
    CUfunction function = fill_kernel(&address);
    uint64_t words = 1024;
    uint32_t value = 1;
    void *arguments[] = {&address, &words, &value};
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuLaunchKernel)(function, 0, 1, 1, 64, 1, 1, 0, NULL, arguments, NULL));
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuLaunchKernel)(function, 1, 1, 1, 0, 1, 1, 0, NULL, arguments, NULL));
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuLaunchKernel)(function, 1, 1, 1, 2048, 1, 1, 0, NULL, arguments, NULL));
    FAILS(cu(cuLaunchKernel)(function, 1, 1, 1, 1024, 2, 1, 0, NULL, arguments, NULL));
    FAILS(cu(cuLaunchKernel)(function, 1, 70000, 1, 64, 1, 1, 0, NULL, arguments, NULL));
    FAILS(cu(cuLaunchKernel)(function, 1, 1, 1, 64, 1, 1, 64 * MIB, NULL, arguments, NULL));
    OK(cu(cuCtxSynchronize)());
    EQ(conf_mismatches(address, 1024, 0), 0);
    OK(cu(cuLaunchKernel)(function, 1, 1, 1, 64, 1, 1, 0, NULL, arguments, NULL));
    EQ(conf_mismatches(address, 1024, 1), 0);
}

CASE(launch, without_a_function_is_refused) {
    conf_context();
    FAILS(cu(cuLaunchKernel)(NULL, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL));
}

CASE(launch, many_in_a_row) {
    CUdeviceptr address = 0;
    fill_kernel(&address);
    CUstream stream = conf_stream();
    for (int i = 0; i < 3000; i++) {
        conf_add(address, 256, 1, stream);
    }
    OK(cu(cuStreamSynchronize)(stream));
    EQ(conf_mismatches(address, 256, 3000), 0);
}

CASE(launch, per_thread_default_stream_variants) {
    CUdeviceptr address = 0;
    CUfunction function = fill_kernel(&address);
    uint64_t words = MIB;
    uint32_t value = 10;
    void *arguments[] = {&address, &words, &value};
    OK(cu(cuLaunchKernel_ptsz)(function, 4, 1, 1, 64, 1, 1, 0, NULL, arguments, NULL));
    OK(cu(cuStreamSynchronize)(CU_STREAM_PER_THREAD));
    EQ(conf_mismatches(address, MIB, 10), 0);
}
