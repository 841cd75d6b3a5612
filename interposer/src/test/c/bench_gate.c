/*
 * What the gate adds to a launch, unarmed and armed and open, in one process with one driver: lower quartiles of the thread's own time.
 * It is armed by its own function, which the library does not export: for that this program holds the library's objects.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "gate.h"
#include "library.h"
#include "support_world.h"

#define CALLS 40000
#define TURNS 151

/* Of this thread alone: what others take of the processor does not count. */
static double own_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* A launch that the driver answers at once, as it has no kernel: what stands before the driver is a larger part of it. */
static double failing_launches(__typeof__(cuLaunchKernel) *launch)
{
    double start = own_ns();
    for (int i = 0; i < CALLS; i++) {
        launch(NULL, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL);
    }
    return (own_ns() - start) / CALLS;
}

/* By turns called directly and through the gate; arming is for good, so unarmed first. */
void bench_gate(void)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        double direct[2][TURNS], gated[2][TURNS], added[2];
        CUcontext context;
        int count = 0;
        cuInit(0);
        cuDeviceGetCount(&count);
        cuDevicePrimaryCtxRetain(&context, count - 1);
        cuCtxSetCurrent(context);
        Dl_info driver = {0};
        dladdr(alq_library_symbol(ALQ_FN_cuEventCreate), &driver);
        void *library = dlopen(driver.dli_fname, RTLD_NOW | RTLD_NOLOAD);
        __typeof__(cuLaunchKernel) *bare_launch = (__typeof__(cuLaunchKernel) *)dlsym(library, "cuLaunchKernel");
        for (int armed = 0; armed < 2; armed++) {
            for (int i = 0; i < TURNS; i++) {
                direct[armed][i] = failing_launches(bare_launch);
                gated[armed][i] = failing_launches(cuLaunchKernel);
            }
            added[armed] = quantile(gated[armed], TURNS, 0.25) - quantile(direct[armed], TURNS, 0.25);
            if (!alq_gate_arm()) {
                _exit(1);
            }
        }
        printf("  \"gate\": {\"bare_ns\": %.1f, \"unarmed_ns\": %.1f, \"bare_again_ns\": %.1f, \"armed_ns\": %.1f, "
               "\"unarmed_added_ns\": %.1f, \"armed_added_ns\": %.1f},\n",
            quantile(direct[0], TURNS, 0.25), quantile(gated[0], TURNS, 0.25), quantile(direct[1], TURNS, 0.25),
            quantile(gated[1], TURNS, 0.25), added[0], added[1]);
        fflush(NULL);
        _exit(0);
    }
    waitpid(child, NULL, 0);
}
