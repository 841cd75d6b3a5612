/* fork: a child of a process that uses CUDA cannot use it, and does not disturb its parent. */
#include "conformance.h"

#include <sys/wait.h>
#include <unistd.h>

static int status_of_child(void (*child)(void)) {
    int status = -1;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        child();
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    return status;
}

static void init_again(void) {
    IS(CUDA_ERROR_NOT_INITIALIZED, cu(cuInit)(0));
}

CASE(fork, child_cannot_initialise) {
    OK(cu(cuInit)(0));
    EQ(status_of_child(init_again), 0);
    int count = 0;
    OK(cu(cuDeviceGetCount)(&count));
}

static void allocate(void) {
    CUdeviceptr address = 0;
    FAILS(cu(cuMemAlloc_v2)(&address, 4096));
}

CASE(fork, child_cannot_allocate_and_the_parent_goes_on) {
    conf_context();
    CUdeviceptr address = conf_alloc(4 * MIB);
    conf_fill(address, MIB, 5, NULL);
    OK(cu(cuCtxSynchronize)());
    uint64_t before = conf_room();
    EQ(status_of_child(allocate), 0);
    EQ(conf_mismatches(address, MIB, 5), 0);
    conf_add(address, MIB, 1, NULL);
    EQ(conf_mismatches(address, MIB, 6), 0);
    CHECK(conf_room() + CONF_NOISE >= before);
}

static void do_nothing(void) {
}

CASE(fork, child_that_does_nothing_is_harmless) {
    conf_context();
    CUdeviceptr address = conf_alloc(64 * MIB);
    uint64_t before = conf_room();
    for (int i = 0; i < 5; i++) {
        EQ(status_of_child(do_nothing), 0);
    }
    conf_fill(address, MIB, 5, NULL);
    EQ(conf_mismatches(address, MIB, 5), 0);
    CHECK(conf_room() <= before + CONF_NOISE);
}

static void allocate_and_use(void) {
    conf_context();
    CUdeviceptr address = conf_alloc(4 * MIB);
    conf_fill(address, MIB, 5, NULL);
    EQ(conf_mismatches(address, MIB, 5), 0);
}

static void from_the_start(int channel, void *unused) {
    (void)unused;
    allocate_and_use();
    conf_signal(channel);
}

CASE(fork, before_any_call_both_sides_work) {
    struct conf_peer peer = conf_start(from_the_start, NULL);
    allocate_and_use();
    conf_await(peer.channel);
    conf_join(&peer);
}
