/*
 * The tenant of `aliquot demo`: an ordinary CUDA driver API program that knows nothing of Aliquot.
 *
 * It takes a part of what the device offers it, block by block, writes a pattern into every block with a kernel, changes the
 * pattern every round and has a kernel count the words that are wrong. On demand it asks once for more than the device has left.
 *
 *   demo_tenant [--seconds N] [--hold-percent N] [--touch-mib N] [--ask-beyond-after N]
 *
 * Output: one line for each thing that happens, `event key=value ...`, so that another program can follow it.
 * Exit code: 0 when every word was right and the request beyond, if asked for, got CUDA_ERROR_OUT_OF_MEMORY; 1 otherwise;
 * 2 for wrong arguments; 3 when there is no driver or no device.
 *
 * Glossary: a block is one allocation; its span is the part that the kernels touch, at the block's start and at its end.
 */
#include <aliquot/cuda_abi.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BLOCKS 8
#define MIB ((size_t)1 << 20)
#define ROUND_MS 100
#define COPY_WORDS 4

/* Grid-stride loops, so that any grid works on any amount of words. */
static const char PTX[] =
    ".version 6.5\n"
    ".target sm_50\n"
    ".address_size 64\n"
    ".visible .entry aliquot_fill(.param .u64 p, .param .u64 n, .param .u32 v)\n"
    "{\n"
    " .reg .pred %q; .reg .b32 %r<6>; .reg .b64 %d<6>;\n"
    " ld.param.u64 %d0, [p]; ld.param.u64 %d1, [n]; ld.param.u32 %r0, [v];\n"
    " mov.u32 %r1, %ctaid.x; mov.u32 %r2, %ntid.x; mov.u32 %r3, %tid.x; mov.u32 %r4, %nctaid.x;\n"
    " mul.wide.u32 %d2, %r1, %r2; cvt.u64.u32 %d3, %r3; add.u64 %d2, %d2, %d3; mul.wide.u32 %d4, %r4, %r2;\n"
    "FILL_NEXT:\n"
    " setp.ge.u64 %q, %d2, %d1; @%q bra FILL_DONE;\n"
    " shl.b64 %d5, %d2, 2; add.u64 %d5, %d0, %d5; st.global.u32 [%d5], %r0;\n"
    " add.u64 %d2, %d2, %d4; bra FILL_NEXT;\n"
    "FILL_DONE:\n"
    " ret;\n"
    "}\n"
    ".visible .entry aliquot_add(.param .u64 p, .param .u64 n, .param .u32 v)\n"
    "{\n"
    " .reg .pred %q; .reg .b32 %r<6>; .reg .b64 %d<6>;\n"
    " ld.param.u64 %d0, [p]; ld.param.u64 %d1, [n]; ld.param.u32 %r0, [v];\n"
    " mov.u32 %r1, %ctaid.x; mov.u32 %r2, %ntid.x; mov.u32 %r3, %tid.x; mov.u32 %r4, %nctaid.x;\n"
    " mul.wide.u32 %d2, %r1, %r2; cvt.u64.u32 %d3, %r3; add.u64 %d2, %d2, %d3; mul.wide.u32 %d4, %r4, %r2;\n"
    "ADD_NEXT:\n"
    " setp.ge.u64 %q, %d2, %d1; @%q bra ADD_DONE;\n"
    " shl.b64 %d5, %d2, 2; add.u64 %d5, %d0, %d5; ld.global.u32 %r5, [%d5];\n"
    " add.u32 %r5, %r5, %r0; st.global.u32 [%d5], %r5;\n"
    " add.u64 %d2, %d2, %d4; bra ADD_NEXT;\n"
    "ADD_DONE:\n"
    " ret;\n"
    "}\n"
    ".visible .entry aliquot_check(.param .u64 p, .param .u64 n, .param .u32 v, .param .u64 out)\n"
    "{\n"
    " .reg .pred %q; .reg .b32 %r<6>; .reg .b64 %d<9>;\n"
    " ld.param.u64 %d0, [p]; ld.param.u64 %d1, [n]; ld.param.u32 %r0, [v]; ld.param.u64 %d6, [out];\n"
    " mov.u32 %r1, %ctaid.x; mov.u32 %r2, %ntid.x; mov.u32 %r3, %tid.x; mov.u32 %r4, %nctaid.x;\n"
    " mul.wide.u32 %d2, %r1, %r2; cvt.u64.u32 %d3, %r3; add.u64 %d2, %d2, %d3; mul.wide.u32 %d4, %r4, %r2;\n"
    " mov.u64 %d7, 1;\n"
    "CHECK_NEXT:\n"
    " setp.ge.u64 %q, %d2, %d1; @%q bra CHECK_DONE;\n"
    " shl.b64 %d5, %d2, 2; add.u64 %d5, %d0, %d5; ld.global.u32 %r5, [%d5];\n"
    " add.u64 %d2, %d2, %d4;\n"
    " setp.eq.u32 %q, %r5, %r0; @%q bra CHECK_NEXT;\n"
    " atom.global.add.u64 %d8, [%d6], %d7; bra CHECK_NEXT;\n"
    "CHECK_DONE:\n"
    " ret;\n"
    "}\n";

#define DRIVER_CALLS(CALL)     \
    CALL(cuInit)               \
    CALL(cuDeviceGet)          \
    CALL(cuDevicePrimaryCtxRetain) \
    CALL(cuCtxSetCurrent)      \
    CALL(cuCtxSynchronize)     \
    CALL(cuModuleLoadData)     \
    CALL(cuModuleGetFunction)  \
    CALL(cuLaunchKernel)       \
    CALL(cuMemGetInfo_v2)      \
    CALL(cuMemAlloc_v2)        \
    CALL(cuMemFree_v2)         \
    CALL(cuMemcpyDtoH_v2)      \
    CALL(cuMemcpyHtoD_v2)      \
    CALL(cuGetErrorName)

static struct {
#define DECLARE(name) __typeof__(name) *name;
    DRIVER_CALLS(DECLARE)
#undef DECLARE
} driver;

static CUfunction fill_kernel, add_kernel, check_kernel;
static CUdeviceptr result;

struct block {
    CUdeviceptr address;
    size_t bytes;
    uint32_t value;
};

struct options {
    long seconds, hold_percent, touch_mib, ask_beyond_after;
};

static const char *error_name(CUresult code)
{
    const char *name = NULL;
    if (!driver.cuGetErrorName || driver.cuGetErrorName(code, &name) != CUDA_SUCCESS || !name)
        return "an unknown error";
    return name;
}

static void must(CUresult code, const char *call)
{
    if (code == CUDA_SUCCESS)
        return;
    printf("failed call=%s code=%d name=%s\n", call, (int)code, error_name(code));
    exit(3);
}

static void load_driver(void)
{
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        printf("failed call=dlopen reason=%s\n", dlerror());
        exit(3);
    }
#define LOOK_UP(name)                                          \
    *(void **)&driver.name = dlsym(library, #name);            \
    if (!driver.name) {                                        \
        printf("failed call=dlsym symbol=%s\n", #name);        \
        exit(3);                                               \
    }
    DRIVER_CALLS(LOOK_UP)
#undef LOOK_UP
}

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void launch(CUfunction kernel, CUdeviceptr address, uint64_t words, uint32_t value)
{
    void *parameters[] = {&address, &words, &value, &result};
    must(driver.cuLaunchKernel(kernel, 64, 1, 1, 256, 1, 1, 0, NULL, parameters, NULL), "cuLaunchKernel");
}

/* Runs a kernel over both ends of a block. */
static void over_span(CUfunction kernel, const struct block *block, size_t touch_bytes, uint32_t value)
{
    size_t span = touch_bytes / 2;
    if (span * 2 >= block->bytes) {
        launch(kernel, block->address, block->bytes / sizeof(uint32_t), value);
        return;
    }
    launch(kernel, block->address, span / sizeof(uint32_t), value);
    launch(kernel, block->address + (block->bytes - span), span / sizeof(uint32_t), value);
}

static uint64_t wrong_words(const struct block *blocks, int count, size_t touch_bytes)
{
    uint64_t wrong = 0;
    must(driver.cuMemcpyHtoD_v2(result, &wrong, sizeof wrong), "cuMemcpyHtoD");
    for (int i = 0; i < count; i++)
        over_span(check_kernel, &blocks[i], touch_bytes, blocks[i].value);
    must(driver.cuCtxSynchronize(), "cuCtxSynchronize");
    must(driver.cuMemcpyDtoH_v2(&wrong, result, sizeof wrong), "cuMemcpyDtoH");
    /* A look of our own, so that a kernel that checks nothing would be noticed. */
    for (int i = 0; i < count; i++) {
        uint32_t words[COPY_WORDS];
        CUdeviceptr tail = blocks[i].address + blocks[i].bytes - sizeof words;
        must(driver.cuMemcpyDtoH_v2(words, tail, sizeof words), "cuMemcpyDtoH");
        for (int w = 0; w < COPY_WORDS; w++)
            wrong += words[w] != blocks[i].value;
    }
    return wrong;
}

static void start_device(void)
{
    CUdevice device;
    CUcontext context;
    CUmodule module;
    load_driver();
    must(driver.cuInit(0), "cuInit");
    must(driver.cuDeviceGet(&device, 0), "cuDeviceGet");
    must(driver.cuDevicePrimaryCtxRetain(&context, device), "cuDevicePrimaryCtxRetain");
    must(driver.cuCtxSetCurrent(context), "cuCtxSetCurrent");
    must(driver.cuModuleLoadData(&module, PTX), "cuModuleLoadData");
    must(driver.cuModuleGetFunction(&fill_kernel, module, "aliquot_fill"), "cuModuleGetFunction");
    must(driver.cuModuleGetFunction(&add_kernel, module, "aliquot_add"), "cuModuleGetFunction");
    must(driver.cuModuleGetFunction(&check_kernel, module, "aliquot_check"), "cuModuleGetFunction");
    must(driver.cuMemAlloc_v2(&result, MIB), "cuMemAlloc");
}

/* One request for more than is left. Answers whether it was refused as it should be. */
static bool ask_beyond(void)
{
    size_t free_bytes, total_bytes;
    CUdeviceptr address = 0;
    must(driver.cuMemGetInfo_v2(&free_bytes, &total_bytes), "cuMemGetInfo");
    size_t asked = free_bytes + 256 * MIB;
    CUresult code = driver.cuMemAlloc_v2(&address, asked);
    printf("beyond asked_bytes=%zu free_bytes=%zu code=%d name=%s\n", asked, free_bytes, (int)code, error_name(code));
    if (code == CUDA_SUCCESS)
        driver.cuMemFree_v2(address);
    return code == CUDA_ERROR_OUT_OF_MEMORY;
}

static int work(const struct options *options)
{
    size_t free_bytes, total_bytes, held = 0, touch = (size_t)options->touch_mib * MIB;
    must(driver.cuMemGetInfo_v2(&free_bytes, &total_bytes), "cuMemGetInfo");
    printf("start total_bytes=%zu free_bytes=%zu\n", total_bytes, free_bytes);
    size_t block_bytes = free_bytes / 100 * (size_t)options->hold_percent / BLOCKS / (2 * MIB) * (2 * MIB);
    struct block blocks[BLOCKS];
    int count = 0;
    bool asked = options->ask_beyond_after < 0, refused = true;
    uint64_t rounds = 0, wrong = 0;
    double began = now_seconds(), growing = (double)options->seconds / 2;
    for (double age = 0; age < (double)options->seconds; age = now_seconds() - began) {
        if (count < BLOCKS && block_bytes > 0 && age >= growing * count / BLOCKS) {
            struct block *block = &blocks[count];
            must(driver.cuMemAlloc_v2(&block->address, block_bytes), "cuMemAlloc");
            block->bytes = block_bytes;
            block->value = 0x01010101u * (uint32_t)(count + 1);
            over_span(fill_kernel, block, touch, block->value);
            held += block_bytes;
            count++;
        }
        if (!asked && age >= (double)options->ask_beyond_after) {
            refused = ask_beyond();
            asked = true;
        }
        for (int i = 0; i < count; i++) {
            over_span(add_kernel, &blocks[i], touch, (uint32_t)rounds + 1);
            blocks[i].value += (uint32_t)rounds + 1;
        }
        wrong += wrong_words(blocks, count, touch);
        rounds++;
        printf("round n=%llu held_bytes=%zu wrong=%llu\n", (unsigned long long)rounds, held, (unsigned long long)wrong);
        nanosleep(&(struct timespec){.tv_nsec = ROUND_MS * 1000000L}, NULL);
    }
    for (int i = 0; i < count; i++)
        must(driver.cuMemFree_v2(blocks[i].address), "cuMemFree");
    printf("end rounds=%llu wrong=%llu\n", (unsigned long long)rounds, (unsigned long long)wrong);
    return wrong == 0 && refused ? 0 : 1;
}

static bool parse(int argc, char **argv, struct options *options)
{
    struct {
        const char *name;
        long *value;
        long least, most;
    } known[] = {
        {"--seconds", &options->seconds, 1, 3600},
        {"--hold-percent", &options->hold_percent, 0, 100},
        {"--touch-mib", &options->touch_mib, 1, 1 << 20},
        {"--ask-beyond-after", &options->ask_beyond_after, 0, 3600},
    };
    for (int i = 1; i < argc; i += 2) {
        bool found = false;
        for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
            if (strcmp(argv[i], known[k].name) != 0 || i + 1 >= argc)
                continue;
            char *end;
            long value = strtol(argv[i + 1], &end, 10);
            if (*end || end == argv[i + 1] || value < known[k].least || value > known[k].most)
                return false;
            *known[k].value = value;
            found = true;
        }
        if (!found)
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct options options = {.seconds = 8, .hold_percent = 75, .touch_mib = 32, .ask_beyond_after = -1};
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!parse(argc, argv, &options)) {
        fprintf(stderr, "usage: demo_tenant [--seconds N] [--hold-percent N] [--touch-mib N] [--ask-beyond-after N]\n");
        return 2;
    }
    start_device();
    return work(&options);
}
