/*
 * What users of other tools complain of, one case per complaint, at the level of the C library:
 * processes that start, die, fork, and share a tenant.
 * The numbers are those of the list of complaints in the project's documents.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support_world.h"

#define LIMIT_BYTES (256 * MIB)

/* A second process of the tenant: allocates, says so, and waits to be told to end (or is killed). */
struct neighbour {
    pid_t pid;
    int said, told;
};

static struct neighbour neighbour_start(uint64_t bytes)
{
    int said[2], told[2];
    CHECK(pipe(said) == 0 && pipe(told) == 0);
    struct neighbour n = {.said = said[0], .told = told[1]};
    fflush(NULL);
    n.pid = fork();
    if (n.pid == 0) {
        close(said[0]);
        close(told[1]);
        start_cuda();
        CUdeviceptr address;
        char answer = bytes == 0 || CU(cuMemAlloc_v2)(&address, bytes) == CUDA_SUCCESS ? 'y' : 'n';
        (void)!write(said[1], &answer, 1);
        (void)!read(told[0], &answer, 1);
        _exit(0);
    }
    close(said[1]);
    close(told[0]);
    char answer = 0;
    CHECK_EQ(read(n.said, &answer, 1), 1);
    CHECK_EQ(answer, 'y');
    return n;
}

static void neighbour_end(struct neighbour *n, int signal_number)
{
    if (signal_number != 0) {
        kill(n->pid, signal_number);
    }
    close(n->told);
    close(n->said);
    waitpid(n->pid, NULL, 0);
}

static void complaint_01_nothing_stays_locked_after_a_kill(struct world *world, const void *argument)
{
    (void)argument;
    for (int i = 0; i < 5; i++) {
        struct neighbour n = neighbour_start(64 * MIB);
        neighbour_end(&n, SIGKILL);
    }
    start_cuda();
    CUdeviceptr address;
    double begin = seconds_now();
    CHECK_EQ(CU(cuMemAlloc_v2)(&address, 200 * MIB), CUDA_SUCCESS);
    show_time("an allocation after five kills", begin, 5);
    CHECK_EQ(used_bytes(world), 200 * MIB);
}

static void complaint_02_many_processes_start_together(struct world *world, const void *argument)
{
    (void)argument;
    enum { COUNT = 12 };
    pid_t children[COUNT];
    double begin = seconds_now();
    fflush(NULL);
    for (int i = 0; i < COUNT; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            CUdeviceptr address;
            start_cuda();
            _exit(CU(cuMemAlloc_v2)(&address, MIB) == CUDA_SUCCESS ? 0 : 1);
        }
    }
    for (int i = 0; i < COUNT; i++) {
        int status;
        waitpid(children[i], &status, 0);
        CHECK_EQ(status, 0);
    }
    show_time("12 processes starting together", begin, 20);
    CHECK_EQ(atomic_load(&world->agent->shared->malformed), 0);
}

static void complaint_03_a_dead_holder_keeps_no_limit_open_and_none_shut(struct world *world, const void *argument)
{
    (void)argument;
    struct neighbour n = neighbour_start(192 * MIB);
    start_cuda();
    CUdeviceptr address;
    CHECK_EQ(CU(cuMemAlloc_v2)(&address, 128 * MIB), CUDA_ERROR_OUT_OF_MEMORY);
    neighbour_end(&n, SIGKILL);
    double begin = seconds_now();
    CHECK_EQ(CU(cuMemAlloc_v2)(&address, 128 * MIB), CUDA_SUCCESS);
    show_time("a dead holder's memory allocated", begin, 2);
    CHECK_EQ(CU(cuMemAlloc_v2)(&address, 128 * MIB), CUDA_ERROR_OUT_OF_MEMORY);
    (void)world;
}

static void complaint_06_a_second_process_sees_the_shared_use(struct world *world, const void *argument)
{
    (void)argument;
    struct neighbour n = neighbour_start(100 * MIB);
    start_cuda();
    size_t free_bytes, total_bytes;
    CHECK_EQ(CU(cuMemGetInfo_v2)(&free_bytes, &total_bytes), CUDA_SUCCESS);
    CHECK_EQ(total_bytes, LIMIT_BYTES);
    CHECK_EQ(free_bytes, LIMIT_BYTES - 100 * MIB - test_agent_overhead(world->agent, 0));
    CUdeviceptr address;
    CHECK_EQ(CU(cuMemAlloc_v2)(&address, LIMIT_BYTES - 64 * MIB), CUDA_ERROR_OUT_OF_MEMORY);
    neighbour_end(&n, 0);
}

/* A child of fork is not its parent: what it does without cuInit charges nobody, with cuInit itself. */
static void forked_children_attach_afresh(struct world *world, const void *argument)
{
    (void)argument;
    start_cuda();
    CUdeviceptr address;
    CHECK_EQ(CU(cuMemAlloc_v2)(&address, 32 * MIB), CUDA_SUCCESS);
    pid_t child = fork();
    if (child == 0) {
        _exit(used_bytes(world) == 32 * MIB ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
    CHECK_EQ(used_bytes(world), 32 * MIB);
    CHECK_EQ(test_agent_slots(world->agent), 1);
    CHECK_EQ(CU(cuMemFree_v2)(address), CUDA_SUCCESS);
    CHECK_EQ(used_bytes(world), 0);
}

static void complaint_23_the_library_may_be_replaced_under_a_program(struct world *world, const void *argument)
{
    (void)argument;
    char from[512], copy[256], command[2048];
    snprintf(from, sizeof from, "%s/libaliquot-cuda.so", library_dir());
    snprintf(copy, sizeof copy, "%s/copy.so", world->root);
    snprintf(command, sizeof command, "cp '%s' '%s' && cp '%s' '%s.new'", from, copy, from, copy);
    CHECK_EQ(system(command), 0);
    void *library = dlopen(copy, RTLD_NOW | RTLD_LOCAL);
    CHECK(library != NULL);
    if (library == NULL) {
        return;
    }
    char new_copy[300];
    snprintf(new_copy, sizeof new_copy, "%s.new", copy);
    CHECK_EQ(rename(new_copy, copy), 0);
    __typeof__(cuInit) *start = (__typeof__(cuInit) *)dlsym(library, "cuInit");
    CHECK_EQ(start(0), CUDA_SUCCESS);
    __typeof__(cuDriverGetVersion) *version = (__typeof__(cuDriverGetVersion) *)dlsym(library, "cuDriverGetVersion");
    int number = 0;
    CHECK_EQ(version(&number), CUDA_SUCCESS);
    CHECK(number > 0);
}

int main(void)
{
    struct world *world = world_open((struct world_config){.limit_bytes = LIMIT_BYTES, .context_bytes = 4 * MIB});
    RUN(complaint_01_nothing_stays_locked_after_a_kill, world);
    RUN(complaint_02_many_processes_start_together, world);
    RUN(complaint_03_a_dead_holder_keeps_no_limit_open_and_none_shut, world);
    RUN(complaint_06_a_second_process_sees_the_shared_use, world);
    RUN(forked_children_attach_afresh, world);
    RUN(complaint_23_the_library_may_be_replaced_under_a_program, world);
    world_close(world);
    return finish_cases();
}
