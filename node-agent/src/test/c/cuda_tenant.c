/*
 * A CUDA program as any other: it opens libcuda.so.1 and knows nothing of Aliquot. With the driver's path as its argument it opens
 * that instead, with a second argument in a link namespace of its own, where no preloaded library is. Each line on stdin is a command, each answer one
 * line on stdout.
 *
 *   init              cuInit and a context on device 0; answers the CUresult
 *   alloc BYTES       cuMemAlloc; answers the CUresult
 *   free              frees what was allocated last; answers the CUresult
 *   export            answers the IPC handle of what was allocated last, in hexadecimal
 *   open HANDLE       opens another process's memory; answers the CUresult
 *   close             closes what was opened last; answers the CUresult
 *   churn MS BYTES    for MS milliseconds (longer while nothing was granted yet) allocates and frees pieces at random, half of them below 1 MiB, the others of 1 MiB to BYTES
 *                     more, then frees all; answers how many allocations there were and how many were refused
 *   info              answers "FREE TOTAL" of cuMemGetInfo
 *   total             answers cuDeviceTotalMem
 *   devices           answers cuDeviceGetCount
 *   reset             destroys the context with all that is in it; answers the CUresult
 *   processes         answers the pids of NVML's list of the first device's processes, in its order
 *   pid | quit
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MOST 4096
#define CHURN_MOST 24 /* so that small pieces do not fill every gap that a new process needs */
#define GRACE_MS 20000

typedef unsigned long long address;

static void *driver;
static address held[MOST];
static int count;
static address opened[MOST];
static int opened_count;

struct handle {
    unsigned char bytes[64];
};

static void *function(const char *name)
{
    void *found = dlsym(driver, name);
    if (found == NULL) {
        fprintf(stderr, "no %s\n", name);
        exit(1);
    }
    return found;
}

static int init(void)
{
    int (*cu_init)(unsigned) = (int (*)(unsigned))function("cuInit");
    int (*device_get)(int *, int) = (int (*)(int *, int))function("cuDeviceGet");
    int (*retain)(void **, int) = (int (*)(void **, int))function("cuDevicePrimaryCtxRetain");
    int (*set_current)(void *) = (int (*)(void *))function("cuCtxSetCurrent");
    int device = -1;
    void *context = NULL;
    int result = cu_init(0);
    result = result != 0 ? result : device_get(&device, 0);
    result = result != 0 ? result : retain(&context, device);
    return result != 0 ? result : set_current(context);
}

static void export_last(void)
{
    int (*get)(struct handle *, address) = (int (*)(struct handle *, address))function("cuIpcGetMemHandle");
    struct handle handle;
    int result = count > 0 ? get(&handle, held[count - 1]) : -1;
    if (result != 0) {
        printf("error %d\n", result);
        return;
    }
    for (size_t i = 0; i < sizeof handle.bytes; i++) {
        printf("%02x", handle.bytes[i]);
    }
    puts("");
}

static int open_other(const char *digits)
{
    int (*open)(address *, struct handle, unsigned) =
        (int (*)(address *, struct handle, unsigned))function("cuIpcOpenMemHandle_v2");
    struct handle handle;
    for (size_t i = 0; i < sizeof handle.bytes; i++) {
        if (sscanf(digits + 2 * i, "%2hhx", &handle.bytes[i]) != 1) {
            return -1;
        }
    }
    int result = opened_count < MOST ? open(&opened[opened_count], handle, 1) : -1;
    opened_count += result == 0;
    return result;
}

static int close_last(void)
{
    int (*close)(address) = (int (*)(address))function("cuIpcCloseMemHandle");
    return opened_count > 0 ? close(opened[--opened_count]) : -1;
}

static void churn(address milliseconds, address most)
{
    int (*alloc)(address *, size_t) = (int (*)(address *, size_t))function("cuMemAlloc_v2");
    int (*release)(address) = (int (*)(address))function("cuMemFree_v2");
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    address end = (address)now.tv_sec * 1000 + (address)now.tv_nsec / 1000000 + milliseconds;
    unsigned seed = (unsigned)getpid();
    unsigned allocated = 0, refused = 0;
    do {
        if (count < CHURN_MOST && rand_r(&seed) % 3 != 0) {
            size_t small = 1 + (size_t)rand_r(&seed) % ((1 << 20) - 1);
            size_t large = (1 << 20) + (((size_t)rand_r(&seed) << 10) % most);
            int result = alloc(&held[count], rand_r(&seed) % 2 == 0 ? small : large);
            allocated += result == 0;
            count += result == 0;
            refused += result == 2;
            if (result != 0 && result != 2) {
                printf("error %d\n", result);
                return;
            }
        } else if (count > 0) {
            int index = (int)(rand_r(&seed) % (unsigned)count);
            release(held[index]);
            held[index] = held[--count];
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((address)now.tv_sec * 1000 + (address)now.tv_nsec / 1000000 < end + (allocated == 0 ? GRACE_MS : 0));
    while (count > 0) {
        release(held[--count]);
    }
    printf("%u %u\n", allocated, refused);
}

static void processes(void)
{
    void *nvml = dlopen("libnvidia-ml.so.1", RTLD_NOW);
    int (*nvml_init)(void) = nvml == NULL ? NULL : (int (*)(void))dlsym(nvml, "nvmlInit_v2");
    int (*handle)(unsigned, void **) = nvml == NULL ? NULL : (int (*)(unsigned, void **))dlsym(nvml, "nvmlDeviceGetHandleByIndex_v2");
    int (*list)(void *, unsigned *, void *) =
        nvml == NULL ? NULL : (int (*)(void *, unsigned *, void *))dlsym(nvml, "nvmlDeviceGetComputeRunningProcesses_v3");
    struct {
        unsigned pid;
        address used;
        unsigned instances[2];
    } found[64];
    unsigned found_count = sizeof found / sizeof *found;
    void *device = NULL;
    if (nvml_init == NULL || handle == NULL || list == NULL || nvml_init() != 0 || handle(0, &device) != 0
        || list(device, &found_count, found) != 0) {
        puts("error");
        return;
    }
    for (unsigned i = 0; i < found_count; i++) {
        printf(i == 0 ? "%u" : " %u", found[i].pid);
    }
    puts("");
}

static void run(const char *word, const char *text, address a, address b)
{
    if (strcmp(word, "export") == 0) {
        export_last();
    } else if (strcmp(word, "open") == 0) {
        printf("%d\n", open_other(text));
    } else if (strcmp(word, "close") == 0) {
        printf("%d\n", close_last());
    } else if (strcmp(word, "init") == 0) {
        printf("%d\n", init());
    } else if (strcmp(word, "alloc") == 0) {
        int (*alloc)(address *, size_t) = (int (*)(address *, size_t))function("cuMemAlloc_v2");
        int result = count < MOST ? alloc(&held[count], (size_t)a) : -1;
        count += result == 0;
        printf("%d\n", result);
    } else if (strcmp(word, "free") == 0) {
        int (*release)(address) = (int (*)(address))function("cuMemFree_v2");
        printf("%d\n", count > 0 ? release(held[--count]) : -1);
    } else if (strcmp(word, "churn") == 0) {
        churn(a, b);
    } else if (strcmp(word, "info") == 0) {
        int (*info)(size_t *, size_t *) = (int (*)(size_t *, size_t *))function("cuMemGetInfo_v2");
        size_t free_bytes = 0, total_bytes = 0;
        int result = info(&free_bytes, &total_bytes);
        result == 0 ? printf("%zu %zu\n", free_bytes, total_bytes) : printf("error %d\n", result);
    } else if (strcmp(word, "total") == 0) {
        int (*total)(size_t *, int) = (int (*)(size_t *, int))function("cuDeviceTotalMem_v2");
        size_t bytes = 0;
        int result = total(&bytes, 0);
        result == 0 ? printf("%zu\n", bytes) : printf("error %d\n", result);
    } else if (strcmp(word, "devices") == 0) {
        int (*devices)(int *) = (int (*)(int *))function("cuDeviceGetCount");
        int devices_seen = -1;
        int result = devices(&devices_seen);
        result == 0 ? printf("%d\n", devices_seen) : printf("error %d\n", result);
    } else if (strcmp(word, "reset") == 0) {
        int (*reset)(int) = (int (*)(int))function("cuDevicePrimaryCtxReset_v2");
        count = 0;
        printf("%d\n", reset(0));
    } else if (strcmp(word, "processes") == 0) {
        processes();
    } else if (strcmp(word, "pid") == 0) {
        printf("%d\n", (int)getpid());
    } else if (strcmp(word, "quit") == 0) {
        exit(0);
    } else {
        puts("unknown");
    }
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    driver = argc > 2 ? dlmopen(LM_ID_NEWLM, argv[1], RTLD_NOW) : dlopen(argc > 1 ? argv[1] : "libcuda.so.1", RTLD_NOW);
    if (driver == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    char line[256];
    while (fgets(line, sizeof line, stdin) != NULL) {
        char word[32] = "", text[160] = "";
        address a = 0, b = 0;
        sscanf(line, "%31s %159s", word, text);
        sscanf(line, "%31s %llu %llu", word, &a, &b);
        run(word, text, a, b);
    }
    return 0;
}
