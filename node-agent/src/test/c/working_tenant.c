/*
 * An ordinary CUDA program that computes all the time: one thread launches kernels that check what it wrote, over and over, while
 * another takes and frees memory on command. One command a line, one answer a line:
 *
 *   init          cuInit, context, kernels; answers the CUresult
 *   grow BYTES    allocates a block and writes a pattern into 64 KiB of every 16 MiB of it; answers "CUresult MICROSECONDS", the time
 *                 that the allocation alone took
 *   work [MS]     starts checking, or goes on with it; each round begins with a kernel of that length
 *   rest          stops checking; answers when no check is under way any more
 *   check         checks every block once; answers "CUresult MICROSECONDS", the time until its first launch had returned
 *   report        answers "ROUNDS WRONG": how often every block was checked, and how many words were ever wrong
 *   spin SECONDS  runs a kernel of that length; answers its CUresult at once
 *   wild, trap    runs a kernel that writes to where nothing is, or stops itself; answers the error that the program gets
 *   share         makes an IPC handle of the block that was allocated last; answers the CUresult
 *   register      makes a dma-buf of it; answers the CUresult
 *   reach BYTES   maps memory that the host may reach, too; answers the CUresult
 *   manage BYTES  allocates managed memory; answers the CUresult
 *   drop          frees the block that was allocated last; answers the CUresult
 *   exec          becomes this program anew; answers 0 before that
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MOST 4096
#define STRIDE (16ull << 20)
#define SPAN_WORDS (64ull << 8)

typedef unsigned long long address;

static const char ptx[] = ".version 7.0\n.target sm_50\n.address_size 64\n"
                          ".visible .entry aliquot_fill(.param .u64 p, .param .u64 n, .param .u32 v)\n{\n\tret;\n}\n"
                          ".visible .entry aliquot_check(.param .u64 p, .param .u64 n, .param .u32 v, .param .u64 o)\n{\n\tret;\n}\n"
                          ".visible .entry aliquot_wild(.param .u64 p)\n{\n\tret;\n}\n"
                          ".visible .entry aliquot_trap()\n{\n\tret;\n}\n"
                          ".visible .entry aliquot_spin(.param .u64 ns)\n{\n\tret;\n}\n";

static void *library, *context, *module, *fill, *check, *spin;
static address wrong;
static struct {
    address begin, bytes;
    uint32_t value;
} blocks[MOST];
static unsigned count;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static unsigned rounds;
static int failed;
static int working;
static address kernel_ns;

static void *function(const char *name)
{
    void *found = dlsym(library, name);
    if (found == NULL) {
        fprintf(stderr, "no %s\n", name);
        exit(1);
    }
    return found;
}
#define DRIVER(name, ...) ((int (*)(__VA_ARGS__))function(#name))

static int launch(void *kernel, void **arguments)
{
    return DRIVER(cuLaunchKernel, void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *, void **,
        void **)(kernel, 1, 1, 1, 32, 1, 1, 0, NULL, arguments, NULL);
}

static int synchronize(void)
{
    return DRIVER(cuCtxSynchronize, void)();
}

static int init(void)
{
    library = dlopen("libcuda.so.1", RTLD_NOW);
    int result = library == NULL ? -1 : DRIVER(cuInit, unsigned)(0);
    result = result ? result : DRIVER(cuDevicePrimaryCtxRetain, void **, int)(&context, 0);
    result = result ? result : DRIVER(cuCtxSetCurrent, void *)(context);
    result = result ? result : DRIVER(cuModuleLoadData, void **, const void *)(&module, ptx);
    result = result ? result : DRIVER(cuModuleGetFunction, void **, void *, const char *)(&fill, module, "aliquot_fill");
    result = result ? result : DRIVER(cuModuleGetFunction, void **, void *, const char *)(&check, module, "aliquot_check");
    result = result ? result : DRIVER(cuModuleGetFunction, void **, void *, const char *)(&spin, module, "aliquot_spin");
    result = result ? result : DRIVER(cuMemAlloc_v2, address *, size_t)(&wrong, 8);
    return result ? result : DRIVER(cuMemsetD8_v2, address, unsigned char, size_t)(wrong, 0, 8);
}

static int over_block(void *kernel, unsigned at)
{
    int result = 0;
    for (address offset = 0; offset < blocks[at].bytes && result == 0; offset += STRIDE) {
        address begin = blocks[at].begin + offset;
        address words = SPAN_WORDS;
        uint32_t value = blocks[at].value + (uint32_t)(offset / STRIDE);
        void *arguments[] = {&begin, &words, &value, &wrong};
        result = launch(kernel, arguments);
    }
    return result;
}

static long long microseconds(const struct timespec *before, const struct timespec *after)
{
    return (after->tv_sec - before->tv_sec) * 1000000ll + (after->tv_nsec - before->tv_nsec) / 1000;
}

static void grow(address bytes)
{
    struct timespec before, after;
    address begin = 0;
    clock_gettime(CLOCK_MONOTONIC, &before);
    int result = DRIVER(cuMemAlloc_v2, address *, size_t)(&begin, bytes);
    clock_gettime(CLOCK_MONOTONIC, &after);
    if (result == 0) {
        pthread_mutex_lock(&mutex);
        blocks[count].begin = begin;
        blocks[count].bytes = bytes;
        blocks[count].value = 1000003u * (count + 1);
        result = over_block(fill, count);
        count++;
        pthread_mutex_unlock(&mutex);
        result = result ? result : synchronize();
    }
    printf("%d %lld\n", result, microseconds(&before, &after));
}

static void check_once(void)
{
    struct timespec before, after;
    uint64_t none = 0;
    void *nothing[] = {&none};
    pthread_mutex_lock(&mutex);
    clock_gettime(CLOCK_MONOTONIC, &before);
    int result = launch(spin, nothing);
    clock_gettime(CLOCK_MONOTONIC, &after);
    for (unsigned at = 0; at < count && result == 0; at++) {
        result = over_block(check, at);
    }
    result = result ? result : synchronize();
    failed = failed ? failed : result;
    pthread_mutex_unlock(&mutex);
    printf("%d %lld\n", result, microseconds(&before, &after));
}

static void *work(void *none)
{
    DRIVER(cuCtxSetCurrent, void *)(context);
    for (;;) {
        int result = 0;
        pthread_mutex_lock(&mutex);
        if (working && kernel_ns != 0) {
            void *arguments[] = {&kernel_ns};
            result = launch(spin, arguments);
        }
        for (unsigned at = 0; working && at < count && result == 0; at++) {
            result = over_block(check, at);
        }
        result = result || !working ? result : synchronize();
        failed = failed ? failed : result;
        rounds += working && count > 0 && result == 0;
        pthread_mutex_unlock(&mutex);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return none;
}

static int set_working(int now, address milliseconds)
{
    static int begun;
    pthread_t worker;
    pthread_mutex_lock(&mutex);
    working = now;
    kernel_ns = milliseconds * 1000000ull;
    pthread_mutex_unlock(&mutex);
    int first = now && !begun;
    begun |= now;
    return first ? pthread_create(&worker, NULL, work, NULL) : 0;
}

static void report(void)
{
    address words = 0;
    pthread_mutex_lock(&mutex);
    int result = DRIVER(cuMemcpyDtoH_v2, void *, address, size_t)(&words, wrong, 8);
    result = failed ? failed : result;
    printf(result ? "error %d\n" : "%u %llu\n", result ? (unsigned)result : rounds, words);
    pthread_mutex_unlock(&mutex);
}

static int fault(const char *name)
{
    void *kernel = NULL;
    address nowhere = 0x70000000000ull;
    void *arguments[] = {&nowhere};
    pthread_mutex_lock(&mutex);
    int result = DRIVER(cuModuleGetFunction, void **, void *, const char *)(&kernel, module, name);
    result = result ? result : launch(kernel, arguments);
    result = result ? result : synchronize();
    pthread_mutex_unlock(&mutex);
    return result;
}

struct location {
    int type, id;
};

struct properties {
    int type, handle_types;
    struct location location;
    void *none;
    unsigned char flags[8];
};

struct access {
    struct location location;
    int flags;
};

static int reach(address bytes)
{
    address range = 0, handle = 0;
    struct properties properties = {.type = 1, .location = {.type = 1}};
    struct access device = {.location = {.type = 1}, .flags = 3}, host = {.location = {.type = 2}, .flags = 3};
    int result = DRIVER(cuMemAddressReserve, address *, size_t, size_t, address, unsigned long long)(&range, bytes, 0, 0, 0);
    result = result ? result
                    : DRIVER(cuMemCreate, address *, size_t, const struct properties *, unsigned long long)(&handle, bytes, &properties, 0);
    result = result ? result : DRIVER(cuMemMap, address, size_t, size_t, address, unsigned long long)(range, bytes, 0, handle, 0);
    result = result ? result : DRIVER(cuMemSetAccess, address, size_t, const struct access *, size_t)(range, bytes, &device, 1);
    return result ? result : DRIVER(cuMemSetAccess, address, size_t, const struct access *, size_t)(range, bytes, &host, 1);
}

static int drop(void)
{
    pthread_mutex_lock(&mutex);
    int result = count == 0 ? -1 : DRIVER(cuMemFree_v2, address)(blocks[--count].begin);
    pthread_mutex_unlock(&mutex);
    return result;
}

int main(void)
{
    char line[256], word[32];
    address number;
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof line, stdin) != NULL) {
        number = 0;
        if (sscanf(line, "%31s %llu", word, &number) < 1) {
            continue;
        }
        if (strcmp(word, "init") == 0) {
            printf("%d\n", init());
        } else if (strcmp(word, "grow") == 0) {
            grow(number);
        } else if (strcmp(word, "work") == 0) {
            printf("%d\n", set_working(1, number));
        } else if (strcmp(word, "rest") == 0) {
            printf("%d\n", set_working(0, 0));
        } else if (strcmp(word, "check") == 0) {
            check_once();
        } else if (strcmp(word, "report") == 0) {
            report();
        } else if (strcmp(word, "spin") == 0) {
            address nanoseconds = number * 1000000000ull;
            void *arguments[] = {&nanoseconds};
            printf("%d\n", launch(spin, arguments));
        } else if (strcmp(word, "wild") == 0) {
            printf("%d\n", fault("aliquot_wild"));
        } else if (strcmp(word, "trap") == 0) {
            printf("%d\n", fault("aliquot_trap"));
        } else if (strcmp(word, "share") == 0) {
            char handle[64];
            printf("%d\n", DRIVER(cuIpcGetMemHandle, void *, address)(handle, blocks[count - 1].begin));
        } else if (strcmp(word, "register") == 0) {
            int descriptor;
            printf("%d\n", DRIVER(cuMemGetHandleForAddressRange, void *, address, size_t, int, unsigned long long)(
                                &descriptor, blocks[count - 1].begin, blocks[count - 1].bytes, 1, 0));
        } else if (strcmp(word, "exec") == 0) {
            puts("0");
            execl("/proc/self/exe", "working_tenant", (char *)NULL);
        } else if (strcmp(word, "reach") == 0) {
            printf("%d\n", reach(number));
        } else if (strcmp(word, "manage") == 0) {
            address begin = 0;
            printf("%d\n", DRIVER(cuMemAllocManaged, address *, size_t, unsigned)(&begin, number, 1));
        } else if (strcmp(word, "drop") == 0) {
            printf("%d\n", drop());
        } else {
            puts("?");
        }
    }
    return 0;
}
