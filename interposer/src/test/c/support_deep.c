/* The driver's checkpoint as the test agent uses it: from a process of its own, as whoever the checkpointed one waits for. */
#include <aliquot/cuda_abi.h>

#include "support_credit.h"

#define LOCK_MS 2000

#define DRIVER(name) ((__typeof__(name) *)credit_symbol(book, #name))

static CUresult checkpoint(struct credit_book *book, int pid)
{
    CUcheckpointLockArgs patience = {.timeoutMs = LOCK_MS};
    CUresult result = DRIVER(cuCheckpointProcessLock)(pid, &patience);
    if (result == CUDA_SUCCESS) {
        result = DRIVER(cuCheckpointProcessCheckpoint)(pid, NULL);
        if (result != CUDA_SUCCESS) {
            DRIVER(cuCheckpointProcessUnlock)(pid, NULL);
        }
    }
    return result;
}

/* From wherever it is. */
static CUresult restore(struct credit_book *book, int pid)
{
    CUprocessState state = CU_PROCESS_STATE_RUNNING;
    CUresult result = DRIVER(cuCheckpointProcessGetState)(pid, &state);
    if (result == CUDA_SUCCESS && state == CU_PROCESS_STATE_CHECKPOINTED) {
        result = DRIVER(cuCheckpointProcessRestore)(pid, NULL);
    }
    if (result == CUDA_SUCCESS && state != CU_PROCESS_STATE_RUNNING) {
        result = DRIVER(cuCheckpointProcessUnlock)(pid, NULL);
    }
    return result;
}

void credit_obey(struct credit_book *book)
{
    enum agent_order order = atomic_load(&book->shared->order);
    if (order == ORDER_NONE) {
        return;
    }
    uint32_t slot = atomic_load(&book->shared->order_slot);
    int pid = (int)LOAD(book->control->slots[slot].host_pid);
    CUresult result = CUDA_ERROR_NOT_READY;
    if (order == ORDER_RESTORE) {
        result = restore(book, pid);
    } else if (order == ORDER_CHECKPOINT_ANYWAY ||
        (LOAD(book->control->slots[slot].deep) != 0 && LOAD(book->usage->slots[slot].parked) == ALQ_PARKED_BARE)) {
        result = checkpoint(book, pid);
    }
    atomic_store(&book->shared->order_result, result);
    atomic_store(&book->shared->order, ORDER_NONE);
}

int credit_surface(struct credit_book *book, uint32_t slot)
{
    struct alq_control_slot *control = &book->control->slots[slot];
    if (restore(book, (int)control->host_pid) != CUDA_SUCCESS) {
        return 0;
    }
    atomic_fetch_add(&book->shared->restores, 1);
    STORE(control->deep, 0);
    return 1;
}
