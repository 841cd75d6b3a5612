/* Checkpoints of another process: its states, its memory, its calls. Needs driver 570, and a right to the other process. */
#include "conformance.h"

#include <string.h>
#include <sys/mman.h>

#define HELD (256 * MIB)

static volatile uint64_t *shared_page(void) {
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    return page;
}

static CUprocessState state_of(pid_t pid) {
    CUprocessState state = (CUprocessState)77;
    OK(cu(cuCheckpointProcessGetState)(pid, &state));
    return state;
}

/* The state of pid; skips where this machine gives no right to ask. */
static void need_checkpoints(pid_t pid) {
    CUprocessState state = (CUprocessState)77;
    CUresult result = cu(cuCheckpointProcessGetState)(pid, &state);
    if (result == CUDA_ERROR_NOT_SUPPORTED || result == CUDA_ERROR_NOT_PERMITTED || result == CUDA_ERROR_OPERATING_SYSTEM) {
        SKIP("no checkpoints here: %s", conf_error_name(result));
    }
    OK(result);
    EQ(state, CU_PROCESS_STATE_RUNNING);
}

static void lock(pid_t pid) {
    CUcheckpointLockArgs arguments;
    memset(&arguments, 0, sizeof arguments);
    arguments.timeoutMs = 10000;
    CUresult result = cu(cuCheckpointProcessLock)(pid, &arguments);
    if (result == CUDA_ERROR_NOT_SUPPORTED || result == CUDA_ERROR_NOT_PERMITTED) {
        SKIP("no checkpoints here: %s", conf_error_name(result));
    }
    OK(result);
    EQ(state_of(pid), CU_PROCESS_STATE_LOCKED);
}

static void unlock(pid_t pid) {
    CUcheckpointUnlockArgs arguments;
    memset(&arguments, 0, sizeof arguments);
    OK(cu(cuCheckpointProcessUnlock)(pid, &arguments));
    EQ(state_of(pid), CU_PROCESS_STATE_RUNNING);
}

static void subject(int channel, void *unused) {
    (void)unused;
    conf_context();
    CUdeviceptr address = conf_alloc(HELD);
    conf_fill(address, HELD / 4, 61, NULL);
    OK(cu(cuCtxSynchronize)());
    conf_signal(channel);
    conf_await(channel);
    EQ(conf_mismatches(address, HELD / 4, 61), 0);
    conf_add(address, HELD / 4, 1, NULL);
    EQ(conf_mismatches(address, HELD / 4, 62), 0);
    OK(cu(cuMemFree_v2)(conf_alloc(4 * MIB)));
    conf_signal(channel);
    conf_await(channel);
}

CASE_WITHIN(checkpoint, memory_leaves_the_device_and_comes_back, 90) {
    CUcheckpointCheckpointArgs out;
    CUcheckpointRestoreArgs in;
    struct conf_peer peer = conf_start(subject, NULL);
    conf_await(peer.channel);
    conf_context();
    need_checkpoints(peer.pid);
    uint64_t with = conf_room();
    lock(peer.pid);
    memset(&out, 0, sizeof out);
    OK(cu(cuCheckpointProcessCheckpoint)(peer.pid, &out));
    EQ(state_of(peer.pid), CU_PROCESS_STATE_CHECKPOINTED);
    CHECK(conf_wait_for_room(with + HELD - CONF_NOISE));
    memset(&in, 0, sizeof in);
    OK(cu(cuCheckpointProcessRestore)(peer.pid, &in));
    EQ(state_of(peer.pid), CU_PROCESS_STATE_LOCKED);
    CHECK(conf_room() <= with + CONF_NOISE);
    unlock(peer.pid);
    conf_signal(peer.channel);
    conf_await(peer.channel);
    conf_signal(peer.channel);
    conf_join(&peer);
}

static void counter(int channel, void *argument) {
    volatile uint64_t *count = argument;
    conf_context();
    CUdeviceptr address = conf_alloc(4096);
    conf_fill(address, 1024, 0, NULL);
    OK(cu(cuCtxSynchronize)());
    conf_signal(channel);
    while (count[1] == 0) {
        conf_add(address, 1024, 1, NULL);
        OK(cu(cuCtxSynchronize)());
        count[0]++;
        conf_sleep_ms(1);
    }
    EQ(conf_mismatches(address, 1024, (uint32_t)count[0]), 0);
}

CASE_WITHIN(checkpoint, locked_process_waits_in_its_calls, 90) {
    volatile uint64_t *count = shared_page();
    struct conf_peer peer = conf_start(counter, (void *)count);
    conf_await(peer.channel);
    conf_context();
    need_checkpoints(peer.pid);
    lock(peer.pid);
    uint64_t held = count[0];
    conf_sleep_ms(600);
    CHECK(count[0] <= held + 1); /* a call that had ended may be counted late, and no other ends */
    unlock(peer.pid);
    for (int i = 0; i < CONF_PATIENCE_MS / 20 && count[0] <= held + 3; i++) {
        conf_sleep_ms(20);
    }
    CHECK(count[0] > held + 3);
    count[1] = 1;
    conf_join(&peer);
}

CASE(checkpoint, steps_out_of_order_are_refused) {
    CUcheckpointCheckpointArgs out;
    CUcheckpointRestoreArgs in;
    struct conf_peer peer = conf_start(subject, NULL);
    conf_await(peer.channel);
    conf_context();
    need_checkpoints(peer.pid);
    memset(&out, 0, sizeof out);
    memset(&in, 0, sizeof in);
    FAILS(cu(cuCheckpointProcessCheckpoint)(peer.pid, &out));
    FAILS(cu(cuCheckpointProcessRestore)(peer.pid, &in));
    EQ(state_of(peer.pid), CU_PROCESS_STATE_RUNNING);
    lock(peer.pid);
    FAILS(cu(cuCheckpointProcessRestore)(peer.pid, &in));
    unlock(peer.pid);
    conf_signal(peer.channel);
    conf_await(peer.channel);
    conf_signal(peer.channel);
    conf_join(&peer);
}

static void no_cuda(int channel, void *unused) {
    (void)unused;
    conf_signal(channel);
    conf_await(channel);
}

CASE(checkpoint, process_without_cuda_is_refused) {
    CUcheckpointLockArgs arguments;
    struct conf_peer peer = conf_start(no_cuda, NULL);
    conf_await(peer.channel);
    conf_context();
    memset(&arguments, 0, sizeof arguments);
    arguments.timeoutMs = 1000;
    FAILS(cu(cuCheckpointProcessLock)(peer.pid, &arguments));
    conf_signal(peer.channel);
    conf_join(&peer);
    FAILS(cu(cuCheckpointProcessLock)(0x3ffffff, &arguments));
}
