/*
 * Checkpoint: a thread of each process serves what other processes ask; lock closes the gate, checkpoint gives the device
 * memory back (the bytes are host memory already), restore takes it again.
 *
 * As on the real driver, a process with imported handles can be checkpointed and then never be restored: restore answers
 * NOT_SUPPORTED, unlock ILLEGAL_STATE, and its calls stay blocked. A restore without room fails the process for good.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cuda_checkpoint.h"
#include "cuda_memory.h"

enum operation { OP_LOCK = 1, OP_CHECKPOINT, OP_RESTORE, OP_UNLOCK, OP_THREAD };

#define SLACK_MS 5000u
#define LONG_MS 3600000u

static enum sim_checkpoint_state state;
static uint64_t saved_bytes[SIM_MAX_DEVICES];
static pid_t server_tid;

static void enter_state(enum sim_checkpoint_state next) {
    state = next;
    sim_checkpoint_state_set(next);
}

static CUresult serve_lock(uint32_t timeout_ms) {
    if (state != SIM_RUNNING) return CUDA_ERROR_ILLEGAL_STATE;
    sim_gate_close();
    if (!sim_gate_drain(timeout_ms)) {
        sim_gate_open();
        return CUDA_ERROR_NOT_READY;
    }
    enter_state(SIM_LOCKED);
    return CUDA_SUCCESS;
}

static CUresult serve_checkpoint(void) {
    if (state != SIM_LOCKED) return CUDA_ERROR_ILLEGAL_STATE;
    if (sim_process.managed) return CUDA_ERROR_NOT_SUPPORTED;
    sim_context_drain_all();
    for (uint32_t device = 0; device < sim_config()->device_count; device++) {
        uint64_t before = sim_mem_own(device);
        sim_mem_give(device, before);
        saved_bytes[device] = before - sim_mem_own(device);
    }
    enter_state(SIM_CHECKPOINTED);
    return CUDA_SUCCESS;
}

static CUresult serve_restore(void) {
    if (state != SIM_CHECKPOINTED) return CUDA_ERROR_ILLEGAL_STATE;
    if (atomic_load(&sim_process.imported) != 0) return CUDA_ERROR_NOT_SUPPORTED;
    for (uint32_t device = 0; device < sim_config()->device_count; device++) {
        if (saved_bytes[device] == 0 || sim_mem_take(device, saved_bytes[device])) continue;
        while (device-- > 0) sim_mem_give(device, saved_bytes[device]);
        enter_state(SIM_FAILED);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    enter_state(SIM_LOCKED);
    return CUDA_SUCCESS;
}

static CUresult serve_unlock(void) {
    if (state != SIM_LOCKED) return CUDA_ERROR_ILLEGAL_STATE;
    enter_state(SIM_RUNNING);
    sim_gate_open();
    return CUDA_SUCCESS;
}

static void *serve(void *ready) {
    server_tid = (pid_t)syscall(SYS_gettid);
    (void)ready;
    for (;;) {
        uint32_t op;
        uint64_t argument;
        if (!sim_command_next(1000, &op, &argument)) continue;
        switch (op) {
        case OP_LOCK: sim_command_answer(serve_lock((uint32_t)argument)); break;
        case OP_CHECKPOINT: sim_command_answer(serve_checkpoint()); break;
        case OP_RESTORE: sim_command_answer(serve_restore()); break;
        case OP_UNLOCK: sim_command_answer(serve_unlock()); break;
        case OP_THREAD: sim_command_answer((uint32_t)server_tid); break;
        default: sim_command_answer(CUDA_ERROR_INVALID_VALUE);
        }
    }
    return NULL;
}

bool sim_checkpoint_serve(void) {
    sigset_t all, before;
    pthread_attr_t attributes;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 128 << 10);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    bool good = pthread_create(&thread, &attributes, serve, NULL) == 0;
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return good;
}

/* ---- the asking side: not behind this process's own gate ---- */

static CUresult find_process(int pid, struct sim_process_info *info) {
    if (!atomic_load(&sim_process.ready)) return CUDA_ERROR_NOT_INITIALIZED;
    SIM_NEED(pid > 0 && sim_process_find(pid, info));
    if (kill(pid, 0) != 0 && errno == EPERM) return CUDA_ERROR_NOT_PERMITTED;
    return CUDA_SUCCESS;
}

static CUresult ask(int pid, enum operation op, uint64_t argument, uint32_t timeout_ms) {
    struct sim_process_info info;
    uint32_t answer;
    SIM_TRY(find_process(pid, &info));
    if (pid == getpid()) return CUDA_ERROR_NOT_SUPPORTED;
    if (!sim_command_call(info.slot, op, argument, timeout_ms, &answer)) return CUDA_ERROR_NOT_READY;
    return (CUresult)answer;
}

CUresult cuCheckpointProcessGetState(int pid, CUprocessState *out) {
    struct sim_process_info info;
    SIM_NEED(out != NULL);
    SIM_TRY(find_process(pid, &info));
    *out = (CUprocessState)info.checkpoint_state;
    return CUDA_SUCCESS;
}
CUresult cuCheckpointProcessLock(int pid, CUcheckpointLockArgs *args) {
    uint32_t timeout = args == NULL ? 0 : args->timeoutMs;
    uint32_t patience = timeout == 0 || timeout > LONG_MS ? LONG_MS : timeout + SLACK_MS;
    return ask(pid, OP_LOCK, timeout, patience);
}
CUresult cuCheckpointProcessCheckpoint(int pid, CUcheckpointCheckpointArgs *args) {
    (void)args;
    return ask(pid, OP_CHECKPOINT, 0, LONG_MS);
}
CUresult cuCheckpointProcessRestore(int pid, CUcheckpointRestoreArgs *args) {
    if (args != NULL && args->gpuPairsCount != 0) SIM_NEED(args->gpuPairs != NULL && args->gpuPairsCount <= SIM_MAX_DEVICES);
    for (unsigned i = 0; args != NULL && i < args->gpuPairsCount; i++) {
        const CUcheckpointGpuPair *pair = &args->gpuPairs[i];
        if (memcmp(pair->oldUuid.bytes, pair->newUuid.bytes, sizeof pair->oldUuid.bytes) != 0) return CUDA_ERROR_NOT_SUPPORTED;
    }
    return ask(pid, OP_RESTORE, 0, LONG_MS);
}
CUresult cuCheckpointProcessUnlock(int pid, CUcheckpointUnlockArgs *args) {
    (void)args;
    return ask(pid, OP_UNLOCK, 0, LONG_MS);
}
CUresult cuCheckpointProcessGetRestoreThreadId(int pid, int *tid) {
    struct sim_process_info info;
    uint32_t answer;
    SIM_NEED(tid != NULL);
    SIM_TRY(find_process(pid, &info));
    if (pid == getpid()) answer = (uint32_t)server_tid;
    else if (!sim_command_call(info.slot, OP_THREAD, 0, SLACK_MS, &answer)) return CUDA_ERROR_NOT_READY;
    *tid = (int)answer;
    return CUDA_SUCCESS;
}
