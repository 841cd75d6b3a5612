/*
 * NULL and nonsense in every exported function: where the bare driver answers, so does the interposer, with the same code; it never
 * crashes where the driver does not. Each call runs in a process of its own with a time limit, once with us and once without.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support_world.h"

#define CALL_SECONDS 20
#define PATTERNS 5
/* Pages that cannot be written, at one place in all processes: as a size, whole or its lower half, there is not that much memory. */
#define READ_ONLY 0x6000f0000000ul
#define READ_ONLY_BYTES 65536

typedef unsigned long any_call(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t);

/* How a call ended. */
struct ending {
    int signal;
    unsigned int answer;
};

/* 0: zeros; 1: small numbers; 2: addresses that are not mapped; 3: pages that cannot be written; 4: ones. */
static void call_with(void *function, int pattern, unsigned int *answer)
{
    uintptr_t a[8];
    for (uintptr_t i = 0; i < 8; i++) {
        const uintptr_t values[PATTERNS] = {
            0, i + 1, 0x1000 * (i + 1), READ_ONLY + 64 * i, UINTPTR_MAX};
        a[i] = values[pattern];
    }
    *answer = (unsigned int)((any_call *)function)(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]);
}

/* Functions that end, block or look into the process itself by contract; nothing can be said of them by calling them with noise. */
static bool skipped(const char *name)
{
    static const char *const names[] = {"nvmlErrorString", "nvmlEventSetWait", "nvmlEventSetWait_v2", "nvmlSystemEventSetWait"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return strncmp(name, "cudbg", 5) == 0;
}

struct plan {
    const char *name;
    bool nvml, ours, started;
    int pattern;
};

static int open_null(void)
{
    return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static void prepare(const struct plan *plan)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    int null = open_null();
    dup2(null, STDERR_FILENO);
    dup2(null, STDOUT_FILENO);
    void *library = plan->nvml ? (plan->ours ? ours_nvml() : bare_nvml()) : (plan->ours ? ours() : bare());
    if (plan->started && plan->nvml) {
        ((nvmlReturn_t(*)(void))dlsym(library, "nvmlInit_v2"))();
    } else if (plan->started) {
        CUcontext context;
        ((__typeof__(cuInit) *)dlsym(library, "cuInit"))(0);
        ((__typeof__(cuDevicePrimaryCtxRetain) *)dlsym(library, "cuDevicePrimaryCtxRetain"))(&context, 1);
        ((__typeof__(cuCtxSetCurrent) *)dlsym(library, "cuCtxSetCurrent"))(context);
    }
}

/* One child makes all patterns of one function, reporting as it goes; after a crash the next child goes on behind it. */
static void endings_of(struct plan plan, struct ending endings[PATTERNS])
{
    struct ending *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    volatile int *done = (volatile int *)(shared + PATTERNS);
    for (int from = 0; from < PATTERNS;) {
        *done = from;
        pid_t child = fork();
        if (child == 0) {
            prepare(&plan);
            void *library = plan.nvml ? (plan.ours ? ours_nvml() : bare_nvml()) : (plan.ours ? ours() : bare());
            void *function = dlsym(library, plan.name);
            for (int pattern = from; pattern < PATTERNS; pattern++) {
                alarm(CALL_SECONDS);
                shared[pattern].signal = 0;
                call_with(function, pattern, &shared[pattern].answer);
                *done = pattern + 1;
            }
            _exit(0);
        }
        int status;
        waitpid(child, &status, 0);
        from = *done;
        if (WIFSIGNALED(status) && from < PATTERNS) {
            shared[from].signal = WTERMSIG(status);
            shared[from].answer = 0;
            from++;
        } else if (from < PATTERNS) {
            shared[from].signal = -1; /* it ended the process by itself */
            from = PATTERNS;
        }
    }
    memcpy(endings, shared, PATTERNS * sizeof *endings);
    munmap(shared, 4096);
}

static void one_function(struct world *world, const void *argument)
{
    const struct plan *plan = argument;
    struct ending with[PATTERNS], without[PATTERNS];
    struct plan bare_plan = *plan;
    (void)world;
    bare_plan.ours = false;
    alarm(2 * PATTERNS * CALL_SECONDS);
    memset(with, 0, sizeof with);
    memset(without, 0, sizeof without);
    endings_of(bare_plan, without);
    endings_of(*plan, with);
    for (int p = 0; p < PATTERNS; p++) {
        if (without[p].signal != 0) {
            continue; /* the driver's own crash or wait is the driver's */
        }
        if (plan->started && without[p].answer != CUDA_SUCCESS && with[p].signal == 0 && !plan->nvml &&
            with[p].answer == CUDA_ERROR_OUT_OF_MEMORY && p >= 2) {
            continue; /* a size beyond any limit is refused before the driver finds what else is wrong */
        }
        if (with[p].signal != 0 || with[p].answer != without[p].answer) {
            fprintf(stderr, "  %s(pattern %d, %s): signal %d, answer %u; the driver answers %u\n", plan->name, p,
                plan->started ? "started" : "not started", with[p].signal, with[p].answer, without[p].answer);
            check_failures++;
        }
    }
}

static const struct {
    const char *name;
    bool nvml, hook;
} functions[] = {
#define PASS(name) {#name, false, false},
#define GATE(name) {#name, false, false},
#define HOOK(name, family, class) {#name, false, true},
#define GATED(name, family, class) {#name, false, true},
#define DATA(name)
#include "functions.def"
#undef PASS
#undef GATE
#undef HOOK
#undef GATED
#define PASS(name) {#name, true, false},
#define HOOK(name, family, class) {#name, true, true},
#include "nvml_functions.def"
};

/* Hooks both before and after a start; what passes is the driver's own code, of which every eighth stands for all unless GARBAGE=all. */
int main(void)
{
    if (mmap((void *)READ_ONLY, READ_ONLY_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)READ_ONLY) {
        perror("mmap");
        return 1;
    }
    struct world *world = world_open((struct world_config){0});
    const char *which = getenv("GARBAGE");
    bool all = which != NULL && strcmp(which, "all") == 0;
    void *drivers[2] = {NULL, NULL};
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (skipped(functions[i].name) || (!functions[i].hook && !all && i % 8 != 0)) {
            continue;
        }
        void **driver = &drivers[functions[i].nvml];
        *driver = *driver != NULL ? *driver : functions[i].nvml ? bare_nvml() : bare();
        if (dlsym(*driver, functions[i].name) == NULL) {
            continue; /* there is no driver's answer to compare with */
        }
        for (int started = 0; started < (functions[i].hook ? 2 : 1); started++) {
            struct plan plan = {functions[i].name, functions[i].nvml, true, started != 0 || !functions[i].hook, 0};
            char name[160];
            snprintf(name, sizeof name, "complaint_12_%s_%s", functions[i].name, plan.started ? "started" : "not_started");
            run_case(name, one_function, world, &plan);
        }
    }
    world_close(world);
    return finish_cases();
}
