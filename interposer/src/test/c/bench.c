/*
 * What the interposer costs, as JSON on stdout: every figure with and without it in the same run, alternating, medians. Times are this
 * machine's and the simulator's; only their differences say something. Nothing is asserted.
 */
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "support_subjects.h"

#define ROUNDS 15
#define LAUNCHES 20000
#define ALLOCATIONS 2000
#define STARTS 300
#define MOST_PROCESSES 64

static double *results; /* shared with the children */

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double quantile(double *values, int count, double part)
{
    qsort(values, (size_t)count, sizeof *values, by_value);
    int at = (int)(part * (count - 1) + 0.5);
    return values[at];
}

static void begin(void *library)
{
    CUcontext context;
    int count = 0;
    ((__typeof__(cuInit) *)dlsym(library, "cuInit"))(0);
    ((__typeof__(cuDeviceGetCount) *)dlsym(library, "cuDeviceGetCount"))(&count);
    ((__typeof__(cuDevicePrimaryCtxRetain) *)dlsym(library, "cuDevicePrimaryCtxRetain"))(&context, count - 1);
    ((__typeof__(cuCtxSetCurrent) *)dlsym(library, "cuCtxSetCurrent"))(context);
}

/* Nanoseconds per launch of a kernel that does nothing. */
static double launches(void *library)
{
    __typeof__(cuLaunchKernel) *launch = (__typeof__(cuLaunchKernel) *)dlsym(library, "cuLaunchKernel");
    __typeof__(cuCtxSynchronize) *synchronize = (__typeof__(cuCtxSynchronize) *)dlsym(library, "cuCtxSynchronize");
    CUmodule module;
    CUfunction function = NULL;
    unsigned long long address = 0, words = 0;
    unsigned int value = 0;
    void *parameters[] = {&address, &words, &value};
    ((__typeof__(cuModuleLoadData) *)dlsym(library, "cuModuleLoadData"))(&module, subject_ptx);
    ((__typeof__(cuModuleGetFunction) *)dlsym(library, "cuModuleGetFunction"))(&function, module, "aliquot_fill");
    double start = now_ns();
    for (int i = 0; i < LAUNCHES; i++) {
        launch(function, 1, 1, 1, 1, 1, 1, 0, NULL, parameters, NULL);
    }
    double each = (now_ns() - start) / LAUNCHES;
    synchronize();
    return each;
}

/* Nanoseconds per pair of cuMemAlloc and cuMemFree of 64 KiB, within credit. */
static double allocations(void *library)
{
    __typeof__(cuMemAlloc_v2) *allocate = (__typeof__(cuMemAlloc_v2) *)dlsym(library, "cuMemAlloc_v2");
    __typeof__(cuMemFree_v2) *release = (__typeof__(cuMemFree_v2) *)dlsym(library, "cuMemFree_v2");
    CUdeviceptr address, first;
    allocate(&first, 65536);
    double start = now_ns();
    for (int i = 0; i < ALLOCATIONS; i++) {
        if (allocate(&address, 65536) == CUDA_SUCCESS) {
            release(address);
        }
    }
    return (now_ns() - start) / ALLOCATIONS;
}

static double in_a_process(double (*measure)(void *), bool with)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        void *library = with ? ours() : bare();
        begin(library);
        results[0] = measure(library);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    return results[0];
}

static void compare(const char *name, double (*measure)(void *))
{
    double with[ROUNDS], without[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        without[i] = in_a_process(measure, false);
        with[i] = in_a_process(measure, true);
    }
    double a = quantile(without, ROUNDS, 0.5), b = quantile(with, ROUNDS, 0.5);
    printf("  \"%s\": {\"without_ns\": %.0f, \"with_ns\": %.0f, \"added_ns\": %.0f, \"ratio\": %.3f},\n", name, a, b, b - a, b / a);
}

static double start_of_true(const char *preload)
{
    char *argv[] = {"/bin/true", NULL};
    char variable[9000];
    char *environment[] = {variable, NULL};
    snprintf(variable, sizeof variable, "%s%s", preload == NULL ? "NOTHING=" : "LD_PRELOAD=", preload == NULL ? "" : preload);
    pid_t child;
    double start = now_ns();
    if (posix_spawn(&child, "/bin/true", NULL, NULL, argv, environment) != 0) {
        return 0;
    }
    waitpid(child, NULL, 0);
    return now_ns() - start;
}

static void starts(void)
{
    static double with[STARTS], without[STARTS];
    char preload[8300], dir[4096];
    if (realpath(library_dir(), dir) == NULL) {
        exit(1);
    }
    snprintf(preload, sizeof preload, "%s/libaliquot-cuda.so:%s/libaliquot-nvml.so", dir, dir);
    for (int i = 0; i < STARTS; i++) {
        without[i] = start_of_true(NULL);
        with[i] = start_of_true(preload);
    }
    double a = quantile(without, STARTS, 0.5), b = quantile(with, STARTS, 0.5);
    printf("  \"process_start\": {\"without_us\": %.0f, \"with_us\": %.0f, \"added_us\": %.0f},\n", a / 1e3, b / 1e3, (b - a) / 1e3);
}

/* cuInit of many processes that start at the same moment. */
static void attaches(void)
{
    printf("  \"attach\": [\n");
    for (int processes = 1; processes <= MOST_PROCESSES; processes *= 2) {
        pid_t children[MOST_PROCESSES];
        int gate[2];
        if (pipe(gate) != 0) {
            exit(1);
        }
        fflush(NULL);
        for (int i = 0; i < processes; i++) {
            children[i] = fork();
            if (children[i] == 0) {
                char byte;
                close(gate[1]);
                __typeof__(cuInit) *start = CU(cuInit);
                (void)!read(gate[0], &byte, 1); /* returns when the parent closes its end */
                double begin_ns = now_ns();
                CUresult answer = start(0);
                results[i] = answer == CUDA_SUCCESS ? now_ns() - begin_ns : 0;
                _exit(0);
            }
        }
        close(gate[0]);
        usleep(20000);
        close(gate[1]);
        for (int i = 0; i < processes; i++) {
            waitpid(children[i], NULL, 0);
        }
        double middle = quantile(results, processes, 0.5), last = quantile(results, processes, 1.0);
        printf("    {\"processes\": %d, \"median_us\": %.0f, \"slowest_us\": %.0f}%s\n", processes, middle / 1e3, last / 1e3,
            processes == MOST_PROCESSES ? "" : ",");
    }
    printf("  ]\n");
}

int main(void)
{
    results = mmap(NULL, MOST_PROCESSES * sizeof *results, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct world *world = world_open((struct world_config){.slack_bytes = 16 * MIB, .agent_wait_ms = 20000});
    printf("{\n");
    compare("launch", launches);
    bench_gate();
    compare("allocate_and_free", allocations);
    starts();
    attaches();
    printf("}\n");
    world_close(world);
    return 0;
}
