/* Many threads at once, and handles that are none: the library keeps its books and does not crash. */
#include <aliquot/cuda_abi.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS 8
#define ROUNDS 400

static CUcontext context;
static CUfunction fill_kernel, check_kernel, spin_kernel;
static _Atomic int failures;

#define EXPECT(condition)                                                             \
    do {                                                                              \
        if (!(condition)) {                                                           \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);           \
            atomic_fetch_add(&failures, 1);                                           \
        }                                                                             \
    } while (0)

static const char ptx[] =
    ".version 7.0\n.target sm_70\n.address_size 64\n"
    ".visible .entry aliquot_fill(.param .u64 a, .param .u64 b, .param .u32 c) { ret; }\n"
    ".visible .entry aliquot_check(.param .u64 a, .param .u64 b, .param .u32 c, .param .u64 d) { ret; }\n"
    ".visible .entry aliquot_spin(.param .u64 a) { ret; }\n";

static void launch(CUfunction function, CUstream stream, void **parameters) {
    EXPECT(cuLaunchKernel(function, 4, 1, 1, 64, 1, 1, 0, stream, parameters, NULL) == CUDA_SUCCESS);
}

static void one_round(unsigned seed, CUstream stream, CUdeviceptr result) {
    static const size_t sizes[] = {512, 4096, 70000, 1 << 20, 3 << 20};
    size_t bytes = sizes[seed % 5];
    CUdeviceptr memory = 0;
    bool pooled = seed % 3 == 0;
    CUresult made = pooled ? cuMemAllocAsync(&memory, bytes, stream) : cuMemAlloc_v2(&memory, bytes);
    EXPECT(made == CUDA_SUCCESS);
    if (made != CUDA_SUCCESS) return;
    unsigned long long words = bytes / 4, wrong = 1, nanoseconds = 20000;
    unsigned value = seed;
    EXPECT(cuMemsetD8Async(result, 0, 8, stream) == CUDA_SUCCESS);
    if (seed % 7 == 0) launch(spin_kernel, stream, (void *[]){&nanoseconds});
    launch(fill_kernel, stream, (void *[]){&memory, &words, &value});
    launch(check_kernel, stream, (void *[]){&memory, &words, &value, &result});
    EXPECT(cuMemcpyDtoHAsync_v2(&wrong, result, 8, stream) == CUDA_SUCCESS);
    EXPECT(cuStreamSynchronize(stream) == CUDA_SUCCESS);
    EXPECT(wrong == 0);
    EXPECT((pooled ? cuMemFreeAsync(memory, stream) : cuMemFree_v2(memory)) == CUDA_SUCCESS);
}

static void *work(void *argument) {
    unsigned seed = (unsigned)(size_t)argument * 7919;
    CUstream stream;
    CUdeviceptr result;
    EXPECT(cuCtxSetCurrent(context) == CUDA_SUCCESS);
    EXPECT(cuStreamCreate(&stream, seed % 2 ? CU_STREAM_NON_BLOCKING : CU_STREAM_DEFAULT) == CUDA_SUCCESS);
    EXPECT(cuMemAlloc_v2(&result, 8) == CUDA_SUCCESS);
    for (int i = 0; i < ROUNDS; i++) {
        seed = seed * 1103515245u + 12345u;
        one_round(seed >> 8, seed & 1024 ? stream : CU_STREAM_PER_THREAD, result);
    }
    EXPECT(cuMemFree_v2(result) == CUDA_SUCCESS);
    EXPECT(cuStreamDestroy_v2(stream) == CUDA_SUCCESS);
    return NULL;
}

static void threads_leave_no_memory_behind(void) {
    size_t before, after, total;
    CUmemoryPool pool;
    EXPECT(cuMemGetInfo_v2(&before, &total) == CUDA_SUCCESS);
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, work, (void *)(i + 1));
    for (size_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    EXPECT(cuCtxSynchronize() == CUDA_SUCCESS);
    EXPECT(cuDeviceGetDefaultMemPool(&pool, 0) == CUDA_SUCCESS && cuMemPoolTrimTo(pool, 0) == CUDA_SUCCESS);
    EXPECT(cuMemGetInfo_v2(&after, &total) == CUDA_SUCCESS);
    EXPECT(before == after);
}

static void handles_that_are_none_are_refused(void) {
    static const size_t junk[] = {3, 0x1000, 0xdeadbeef, 0x7fffffffffff, (size_t)1 << 63, ~(size_t)0};
    for (size_t i = 0; i < sizeof junk / sizeof junk[0]; i++) {
        void *bad = (void *)junk[i];
        CUdevice device;
        CUcontext ctx;
        size_t count;
        EXPECT(cuStreamSynchronize(bad) != CUDA_SUCCESS);
        EXPECT(cuStreamDestroy_v2(bad) != CUDA_SUCCESS);
        EXPECT(cuEventRecord(bad, NULL) != CUDA_SUCCESS);
        EXPECT(cuEventDestroy_v2(bad) != CUDA_SUCCESS);
        EXPECT(cuModuleUnload(bad) != CUDA_SUCCESS);
        EXPECT(cuLaunchKernel(bad, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL) != CUDA_SUCCESS);
        EXPECT(cuCtxSetCurrent(bad) != CUDA_SUCCESS);
        EXPECT(cuCtxGetDevice_v2(&device, bad) != CUDA_SUCCESS);
        EXPECT(cuStreamGetCtx(bad, &ctx) != CUDA_SUCCESS);
        EXPECT(cuGraphGetNodes(bad, NULL, &count) != CUDA_SUCCESS);
        EXPECT(cuGraphLaunch(bad, NULL) != CUDA_SUCCESS);
        EXPECT(cuMemPoolDestroy(bad) != CUDA_SUCCESS);
        EXPECT(cuArrayDestroy(bad) != CUDA_SUCCESS);
        EXPECT(cuMemFree_v2(junk[i]) != CUDA_SUCCESS);
        EXPECT(cuMemRelease(junk[i]) != CUDA_SUCCESS);
        EXPECT(cuMemFreeAsync(junk[i], NULL) != CUDA_SUCCESS);
        EXPECT(cuMemsetD8_v2(junk[i], 0, 16) != CUDA_SUCCESS);
        EXPECT(cuMemUnmap(junk[i], 2 << 20) != CUDA_SUCCESS);
    }
}

static void a_green_context_shares_the_primary_one(void) {
    CUdevResource whole, part;
    CUdevResourceDesc description;
    CUgreenCtx green;
    CUcontext seen;
    CUstream stream;
    unsigned groups = 1;
    EXPECT(cuDeviceGetDevResource(0, &whole, CU_DEV_RESOURCE_TYPE_SM) == CUDA_SUCCESS && whole.sm.smCount > 0);
    EXPECT(cuDevSmResourceSplitByCount(&part, &groups, &whole, NULL, 0, 8) == CUDA_SUCCESS && groups == 1);
    EXPECT(cuDevResourceGenerateDesc(&description, &part, 1) == CUDA_SUCCESS);
    EXPECT(cuGreenCtxCreate(&green, description, 0, CU_GREEN_CTX_DEFAULT_STREAM) == CUDA_SUCCESS);
    EXPECT(cuCtxFromGreenCtx(&seen, green) == CUDA_SUCCESS && seen == context);
    EXPECT(cuGreenCtxStreamCreate(&stream, green, CU_STREAM_NON_BLOCKING, 0) == CUDA_SUCCESS);
    unsigned long long nanoseconds = 1000;
    launch(spin_kernel, stream, (void *[]){&nanoseconds});
    EXPECT(cuStreamSynchronize(stream) == CUDA_SUCCESS);
    EXPECT(cuStreamDestroy_v2(stream) == CUDA_SUCCESS);
    EXPECT(cuGreenCtxDestroy(green) == CUDA_SUCCESS);
    EXPECT(cuGreenCtxDestroy(green) != CUDA_SUCCESS);
}

static void linked_text_loads_as_a_module(void) {
    CUlinkState link;
    void *image;
    size_t bytes;
    CUmodule module;
    CUfunction function;
    EXPECT(cuLinkCreate_v2(0, NULL, NULL, &link) == CUDA_SUCCESS);
    EXPECT(cuLinkAddData_v2(link, CU_JIT_INPUT_PTX, (void *)ptx, sizeof ptx, "a", 0, NULL, NULL) == CUDA_SUCCESS);
    EXPECT(cuLinkComplete(link, &image, &bytes) == CUDA_SUCCESS && bytes >= sizeof ptx - 1);
    EXPECT(cuModuleLoadData(&module, image) == CUDA_SUCCESS);
    EXPECT(cuLinkDestroy(link) == CUDA_SUCCESS);
    EXPECT(cuModuleGetFunction(&function, module, "aliquot_fill") == CUDA_SUCCESS);
    EXPECT(cuModuleUnload(module) == CUDA_SUCCESS);
}

int main(void) {
    CUmodule module;
    if (cuInit(0) != CUDA_SUCCESS || cuDevicePrimaryCtxRetain(&context, 0) != CUDA_SUCCESS) return 1;
    if (cuCtxSetCurrent(context) != CUDA_SUCCESS || cuModuleLoadData(&module, ptx) != CUDA_SUCCESS) return 1;
    EXPECT(cuModuleGetFunction(&fill_kernel, module, "aliquot_fill") == CUDA_SUCCESS);
    EXPECT(cuModuleGetFunction(&check_kernel, module, "aliquot_check") == CUDA_SUCCESS);
    EXPECT(cuModuleGetFunction(&spin_kernel, module, "aliquot_spin") == CUDA_SUCCESS);
    threads_leave_no_memory_behind();
    handles_that_are_none_are_refused();
    a_green_context_shares_the_primary_one();
    linked_text_loads_as_a_module();
    EXPECT(cuDevicePrimaryCtxRelease_v2(0) == CUDA_SUCCESS);
    return atomic_load(&failures) == 0 ? 0 : 1;
}
