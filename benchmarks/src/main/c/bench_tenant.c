/*
 * A tenant that attaches, says what that took, and then stays until its standard input ends.
 *
 *   bench-tenant LIBRARY BYTES COUNT
 *
 * COUNT processes one after the other, all of which stay. Each prints one line of JSON on stdout: the time in cuInit (under Aliquot
 * the attach is in it), in the creation of the first context, and in one allocation of BYTES with its free. The caller runs it with
 * and without Aliquot and compares.
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

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void *function(void *library, const char *name)
{
    void *address = dlsym(library, name);
    if (address == NULL) {
        fprintf(stderr, "bench-tenant: the driver has no %s\n", name);
        exit(2);
    }
    return address;
}

static void check(CUresult result, const char *call)
{
    if (result != CUDA_SUCCESS) {
        fprintf(stderr, "bench-tenant: %s answered %d\n", call, (int)result);
        exit(1);
    }
}

static void measure(const char *library_name, size_t bytes)
{
    void *library = dlopen(library_name, RTLD_NOW);
    if (library == NULL) {
        fprintf(stderr, "bench-tenant: %s\n", dlerror());
        exit(2);
    }
    __typeof__(&cuInit) init = (__typeof__(&cuInit))function(library, "cuInit");
    __typeof__(&cuDevicePrimaryCtxRetain) retain =
        (__typeof__(&cuDevicePrimaryCtxRetain))function(library, "cuDevicePrimaryCtxRetain");
    __typeof__(&cuCtxSetCurrent) set_current = (__typeof__(&cuCtxSetCurrent))function(library, "cuCtxSetCurrent");
    __typeof__(&cuMemAlloc_v2) allocate = (__typeof__(&cuMemAlloc_v2))function(library, "cuMemAlloc_v2");
    __typeof__(&cuMemFree_v2) release = (__typeof__(&cuMemFree_v2))function(library, "cuMemFree_v2");

    double began_us = now_us();
    check(init(0), "cuInit");
    double init_us = now_us() - began_us;

    CUcontext context;
    began_us = now_us();
    check(retain(&context, 0), "cuDevicePrimaryCtxRetain");
    double context_us = now_us() - began_us;
    check(set_current(context), "cuCtxSetCurrent");

    CUdeviceptr memory;
    began_us = now_us();
    check(allocate(&memory, bytes), "cuMemAlloc_v2");
    check(release(memory), "cuMemFree_v2");
    double allocate_us = now_us() - began_us;

    printf("{\"init_us\": %.1f, \"context_us\": %.1f, \"allocate_us\": %.1f}\n", init_us, context_us, allocate_us);
    fflush(stdout);
}

/* A child that measures, tells the parent that it has, and stays until it is killed; one that fails ends the parent. */
static pid_t start_child(const char *library_name, size_t bytes)
{
    int done[2];
    if (pipe(done) != 0) {
        perror("bench-tenant: pipe");
        exit(2);
    }
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(done[0]);
        measure(library_name, bytes);
        if (write(done[1], "", 1) != 1) {
            exit(1);
        }
        for (;;) {
            pause();
        }
    }
    close(done[1]);
    char byte;
    if (read(done[0], &byte, 1) != 1) {
        exit(1);
    }
    close(done[0]);
    return child;
}

int main(int argc, char **argv)
{
    if (argc != 4 || atoi(argv[3]) < 1) {
        fprintf(stderr, "usage: bench-tenant LIBRARY BYTES COUNT\n");
        return 2;
    }
    int count = atoi(argv[3]);
    pid_t *children = calloc((size_t)count, sizeof *children);
    if (children == NULL) {
        return 2;
    }
    for (int i = 0; i < count; i++) {
        children[i] = start_child(argv[1], strtoull(argv[2], NULL, 10));
    }
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    for (int i = 0; i < count; i++) {
        kill(children[i], SIGKILL);
        waitpid(children[i], NULL, 0);
    }
    free(children);
    return 0;
}
