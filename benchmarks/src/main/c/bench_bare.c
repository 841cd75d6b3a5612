/*
 * What a tenant's swap is measured beside: the same memory without Aliquot.
 *
 *   bench-bare LIBRARY BYTES BLOCK
 *
 * A process takes BYTES of the first device in allocations of BLOCK, copies all of it to pinned host memory and back, and is then frozen
 * and thawed by another process with nothing but the driver's checkpoint. One line of JSON on stdout: the milliseconds of each, the
 * bytes, and how many of the words looked at afterwards were wrong. A driver without the checkpoint calls: those figures are 0.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <aliquot/cuda_abi.h>

#define MIB (1ull << 20)
#define STAGING_BYTES (1024 * MIB)
#define PATTERN 0x5a17c0deu
#define LOCK_MS 10000u

static void *library;

struct memory {
    CUdeviceptr *blocks;
    size_t count;
    size_t block_bytes;
};

/* What the process with the memory tells the one that freezes it. */
struct copies {
    double out_ms;
    double in_ms;
};

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void *function(const char *name)
{
    void *address = dlsym(library, name);
    if (address == NULL) {
        fprintf(stderr, "bench-bare: the driver has no %s\n", name);
        exit(2);
    }
    return address;
}
#define DRIVER(name) ((__typeof__(&name))function(#name))

static void check(CUresult result, const char *call)
{
    if (result != CUDA_SUCCESS) {
        fprintf(stderr, "bench-bare: %s answered %d\n", call, (int)result);
        exit(1);
    }
}
#define MUST(name, ...) check(DRIVER(name)(__VA_ARGS__), #name)

static struct memory take(size_t bytes, size_t block_bytes)
{
    CUcontext context;
    struct memory memory = {.count = bytes / block_bytes, .block_bytes = block_bytes};
    memory.blocks = calloc(memory.count, sizeof *memory.blocks);
    if (memory.blocks == NULL) {
        exit(2);
    }
    MUST(cuInit, 0);
    MUST(cuDevicePrimaryCtxRetain, &context, 0);
    MUST(cuCtxSetCurrent, context);
    for (size_t at = 0; at < memory.count; at++) {
        MUST(cuMemAlloc_v2, &memory.blocks[at], block_bytes);
        MUST(cuMemsetD32_v2, memory.blocks[at], PATTERN, block_bytes / 4);
    }
    MUST(cuCtxSynchronize, );
    return memory;
}

/* All of it, over pinned memory that holds a part of it: pinned memory is as quick however much there is. */
static double copy(const struct memory *memory, char *staging, size_t staging_bytes, int out)
{
    __typeof__(&cuMemcpyDtoHAsync_v2) to_host = DRIVER(cuMemcpyDtoHAsync_v2);
    __typeof__(&cuMemcpyHtoDAsync_v2) to_device = DRIVER(cuMemcpyHtoDAsync_v2);
    double began_ms = now_ms();
    size_t used = 0;
    for (size_t at = 0; at < memory->count; at++) {
        used = used + memory->block_bytes > staging_bytes ? 0 : used;
        check(out ? to_host(staging + used, memory->blocks[at], memory->block_bytes, NULL)
                  : to_device(memory->blocks[at], staging + used, memory->block_bytes, NULL),
            "a copy");
        used += memory->block_bytes;
    }
    MUST(cuCtxSynchronize, );
    return now_ms() - began_ms;
}

static struct copies copy_both_ways(const struct memory *memory)
{
    void *staging;
    struct copies copies;
    size_t bytes = memory->count * memory->block_bytes;
    size_t most = memory->block_bytes > STAGING_BYTES ? memory->block_bytes : STAGING_BYTES;
    size_t staging_bytes = bytes < most ? bytes : most;
    MUST(cuMemHostAlloc, &staging, staging_bytes, 0);
    copy(memory, staging, staging_bytes, 1); /* touches it */
    copies.out_ms = copy(memory, staging, staging_bytes, 1);
    copies.in_ms = copy(memory, staging, staging_bytes, 0);
    MUST(cuMemFreeHost, staging);
    return copies;
}

static unsigned long long wrong_words(const struct memory *memory)
{
    unsigned long long wrong = 0;
    for (size_t at = 0; at < memory->count; at++) {
        unsigned words[2];
        MUST(cuMemcpyDtoH_v2, &words[0], memory->blocks[at], 4);
        MUST(cuMemcpyDtoH_v2, &words[1], memory->blocks[at] + memory->block_bytes - 4, 4);
        wrong += (words[0] != PATTERN) + (words[1] != PATTERN);
    }
    return wrong;
}

static _Noreturn void hold(size_t bytes, size_t block_bytes, int in, int out)
{
    char byte;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct memory memory = take(bytes, block_bytes);
    struct copies copies = copy_both_ways(&memory);
    if (write(out, &copies, sizeof copies) != (ssize_t)sizeof copies || read(in, &byte, 1) != 1) {
        exit(1);
    }
    unsigned long long wrong = wrong_words(&memory);
    exit(write(out, &wrong, sizeof wrong) == (ssize_t)sizeof wrong ? 0 : 1);
}

static double freeze(pid_t pid)
{
    CUcheckpointLockArgs lock = {.timeoutMs = LOCK_MS};
    CUcheckpointCheckpointArgs checkpoint = {0};
    double began_ms = now_ms();
    MUST(cuCheckpointProcessLock, pid, &lock);
    MUST(cuCheckpointProcessCheckpoint, pid, &checkpoint);
    return now_ms() - began_ms;
}

static double thaw(pid_t pid)
{
    CUcheckpointRestoreArgs restore = {0};
    CUcheckpointUnlockArgs unlock = {0};
    double began_ms = now_ms();
    MUST(cuCheckpointProcessRestore, pid, &restore);
    MUST(cuCheckpointProcessUnlock, pid, &unlock);
    return now_ms() - began_ms;
}

int main(int argc, char **argv)
{
    size_t bytes = argc == 4 ? strtoull(argv[2], NULL, 10) : 0;
    size_t block_bytes = argc == 4 ? strtoull(argv[3], NULL, 10) : 0;
    int to[2], from[2];
    if (block_bytes < 4 || bytes < block_bytes) {
        fprintf(stderr, "usage: bench-bare LIBRARY BYTES BLOCK\n");
        return 2;
    }
    library = dlopen(argv[1], RTLD_NOW);
    if (library == NULL) {
        fprintf(stderr, "bench-bare: %s\n", dlerror());
        return 2;
    }
    if (pipe(to) != 0 || pipe(from) != 0) {
        perror("bench-bare: pipe");
        return 2;
    }
    pid_t child = fork();
    if (child == 0) {
        close(to[1]);
        close(from[0]);
        hold(bytes, block_bytes, to[0], from[1]);
    }
    close(to[0]);
    close(from[1]);
    struct copies copies;
    unsigned long long wrong;
    double freeze_ms = 0, thaw_ms = 0;
    if (read(from[0], &copies, sizeof copies) != (ssize_t)sizeof copies) {
        return 1;
    }
    if (dlsym(library, "cuCheckpointProcessLock") != NULL) {
        MUST(cuInit, 0);
        freeze_ms = freeze(child);
        thaw_ms = thaw(child);
    }
    if (write(to[1], "", 1) != 1 || read(from[0], &wrong, sizeof wrong) != (ssize_t)sizeof wrong) {
        return 1;
    }
    waitpid(child, NULL, 0);
    printf("{\"bytes\": %zu, \"out_ms\": %.3f, \"in_ms\": %.3f, \"freeze_ms\": %.3f, \"thaw_ms\": %.3f, \"wrong\": %llu}\n",
        bytes / block_bytes * block_bytes, copies.out_ms, copies.in_ms, freeze_ms, thaw_ms, wrong);
    return 0;
}
