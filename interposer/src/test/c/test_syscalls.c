/*
 * System calls of an allocation within credit, counted by the kernel (ptrace) beside the bare driver's: none is added. So of a launch.
 * Each side runs in a process of its own between two marks; what the other threads of it do is not counted.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support_world.h"

#define ROUNDS 1000
#define NOT_PERMITTED (-1)

struct side {
    bool interposed;
    void (*round)(bool interposed);
};

static void allocate_and_free(bool interposed)
{
    CUdeviceptr address = 0;
    if (interposed) {
        CHECK_EQ(CU(cuMemAlloc_v2)(&address, 4 * MIB), CUDA_SUCCESS);
        CHECK_EQ(CU(cuMemFree_v2)(address), CUDA_SUCCESS);
    } else {
        CHECK_EQ(BARE(cuMemAlloc_v2)(&address, 4 * MIB), CUDA_SUCCESS);
        CHECK_EQ(BARE(cuMemFree_v2)(address), CUDA_SUCCESS);
    }
}

static void allocate_small_and_free(bool interposed)
{
    CUdeviceptr address = 0;
    CUresult made = interposed ? CU(cuMemAlloc_v2)(&address, 4096) : BARE(cuMemAlloc_v2)(&address, 4096);
    CHECK_EQ(made, CUDA_SUCCESS);
    CHECK_EQ(interposed ? CU(cuMemFree_v2)(address) : BARE(cuMemFree_v2)(address), CUDA_SUCCESS);
}

static void ask_for_what_is_free(bool interposed)
{
    size_t free_bytes, total_bytes;
    CHECK_EQ(interposed ? CU(cuMemGetInfo_v2)(&free_bytes, &total_bytes) : BARE(cuMemGetInfo_v2)(&free_bytes, &total_bytes),
        CUDA_SUCCESS);
}

static void mark(void)
{
    syscall(SYS_getppid);
}

static _Noreturn void traced(const struct side *side)
{
    CUcontext context;
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
        _exit(77);
    }
    raise(SIGSTOP);
    if (side->interposed) {
        start_cuda();
    } else {
        BARE(cuInit)(0);
        BARE(cuDevicePrimaryCtxRetain)(&context, 1);
        BARE(cuCtxSetCurrent)(context);
    }
    for (int i = 0; i < ROUNDS; i++) {
        side->round(side->interposed);
    }
    mark();
    for (int i = 0; i < ROUNDS; i++) {
        side->round(side->interposed);
    }
    mark();
    _exit(check_failures != 0);
}

/* How many system calls the first thread makes between the marks; NOT_PERMITTED where nobody may be traced here. */
static long count_calls(const struct side *side)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        traced(side);
    }
    int status = 0;
    long calls = 0;
    int marks = 0;
    if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)
        || ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD) != 0) {
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        return NOT_PERMITTED;
    }
    int deliver = 0;
    while (ptrace(PTRACE_SYSCALL, child, NULL, deliver) == 0 && waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
        deliver = 0;
        if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
            deliver = WSTOPSIG(status) == SIGSTOP || WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
            continue;
        }
        struct __ptrace_syscall_info info;
        if (ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info) > 0 && info.op == PTRACE_SYSCALL_INFO_ENTRY) {
            if (info.entry.nr == SYS_getppid) {
                marks++;
            } else {
                calls += marks == 1;
            }
        }
    }
    CHECK_EQ(marks, 2);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return calls;
}

static void adds_none(struct world *world, const void *argument)
{
    (void)world;
    void (*round)(bool) = *(void (*const *)(bool))argument;
    long bare_calls = count_calls(&(struct side){.interposed = false, .round = round});
    long calls = count_calls(&(struct side){.interposed = true, .round = round});
    if (bare_calls == NOT_PERMITTED || calls == NOT_PERMITTED) {
        fprintf(stderr, "  skipped: this machine lets nobody trace\n");
        return;
    }
    printf("  %d rounds: %ld system calls with the library, %ld without\n", ROUNDS, calls, bare_calls);
    CHECK(calls <= bare_calls);
}

int main(void)
{
    static void (*const large)(bool) = allocate_and_free;
    static void (*const small)(bool) = allocate_small_and_free;
    static void (*const info)(bool) = ask_for_what_is_free;
    require_libraries();
    struct world *world = world_open((struct world_config){.limit_bytes = 256 * MIB});
    run_case("an_allocation_within_credit_adds_no_system_call", adds_none, world, &large);
    run_case("a_small_allocation_within_credit_adds_none", adds_none, world, &small);
    run_case("asking_for_what_is_free_adds_none", adds_none, world, &info);
    world_close(world);
    return finish_cases();
}
