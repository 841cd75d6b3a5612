/* See virtual.h: registering it for RDMA. */
#include <time.h>

#include "mover.h"
#include "rdma.h"
#include "share.h"
#include "virtual_inside.h"

/* How long until another thread that has a block pinned is looked for again. */
#define ALQ_REGISTER_STEP_NS 1000000l

enum alq_step { ALQ_STEP_DONE, ALQ_STEP_PULL, ALQ_STEP_WAIT };

/* Whether all blocks of a range are on their device. PULL: the one that begins at *begin has to be brought back first; WAIT: another thread is at that. */
static enum alq_step alq_are_here(CUdeviceptr address, CUdeviceptr end, CUdeviceptr *begin, CUresult *result)
{
    *result = CUDA_SUCCESS;
    for (struct alq_movable_block *block; (block = alq_virtual_touched(address, end)) != NULL; address = block->begin + block->bytes) {
        bool here = block->virtual != NULL && block->advance_bytes == 0 && alq_movables_resident_bytes(block) == block->bytes;
        if (block->virtual == NULL) {
            *result = CUDA_ERROR_INVALID_VALUE;
            return ALQ_STEP_DONE;
        }
        if (!here && !alq_virtual_reached(block)) {
            *result = CUDA_ERROR_NOT_SUPPORTED; /* nothing brings it back */
            return ALQ_STEP_DONE;
        }
        if (!here) {
            *begin = block->begin;
            return block->tie == ALQ_LOOSE ? ALQ_STEP_PULL : ALQ_STEP_WAIT;
        }
    }
    return ALQ_STEP_DONE;
}

static CUresult alq_pin_all(CUdeviceptr address, CUdeviceptr end)
{
    CUresult result = CUDA_SUCCESS;
    struct alq_movable_block *block;
    for (; result == CUDA_SUCCESS && (block = alq_virtual_touched(address, end)) != NULL; address = block->begin + block->bytes) {
        result = alq_virtual_pin(block, ALQ_PINNED_RDMA);
    }
    return result == CUDA_ERROR_OUT_OF_MEMORY ? CUDA_ERROR_NOT_SUPPORTED : result;
}

/* What is registered is pinned whatever becomes of its mapping; where it is not, what has been pinned for it moves on. */
static void alq_settle_all(CUdeviceptr address, CUdeviceptr end, bool registered)
{
    for (struct alq_movable_block *block; (block = alq_virtual_touched(address, end)) != NULL; address = block->begin + block->bytes) {
        if (registered) {
            alq_virtual_keep(block, ALQ_PINNED_RDMA);
        } else if (block->virtual != NULL && !block->virtual->host) {
            alq_virtual_unpin(block); /* a thread that yields it pins it again */
        }
    }
    if (!registered) {
        alq_mover_kick(); /* what has come back for it may have to go again */
    }
}

static enum alq_step alq_register(const struct alq_rdma_range *range, CUdeviceptr *begin, CUresult *result)
{
    CUdeviceptr end = range->address + range->bytes;
    enum alq_step step = alq_are_here(range->address, end, begin, result);
    if (step == ALQ_STEP_DONE && *result == CUDA_SUCCESS) {
        *result = alq_pin_all(range->address, end);
    }
    if (step == ALQ_STEP_DONE && *result == CUDA_SUCCESS) {
        *result = alq_rdma_handle(range);
    }
    if (step == ALQ_STEP_DONE) {
        alq_settle_all(range->address, end, *result == CUDA_SUCCESS);
    }
    return step;
}

bool alq_virtual_register(const struct alq_rdma_range *range, CUresult *result)
{
    enum alq_step step = ALQ_STEP_WAIT;
    if (alq_virtual_none() || range->address + range->bytes <= range->address) {
        return false;
    }
    while (step != ALQ_STEP_DONE) {
        struct alq_movable_block copy;
        CUdeviceptr begin = 0;
        struct alq_virtual_entry entry = alq_virtual_enter();
        const struct alq_movable_block *first = alq_virtual_touched(range->address, range->address + range->bytes);
        bool ours = first != NULL && first->virtual != NULL;
        step = ours ? alq_register(range, &begin, result) : ALQ_STEP_DONE;
        alq_virtual_leave(entry);
        if (!ours) {
            return false;
        }
        if (step == ALQ_STEP_PULL && alq_share_pin(begin, true, ALQ_PINNED_RDMA, &copy) == ALQ_PIN_FULL) {
            *result = CUDA_ERROR_NOT_SUPPORTED;
            entry = alq_virtual_enter();
            alq_settle_all(range->address, range->address + range->bytes, false);
            alq_virtual_leave(entry);
            return true;
        }
        if (step == ALQ_STEP_WAIT) {
            nanosleep(&(struct timespec){.tv_nsec = ALQ_REGISTER_STEP_NS}, NULL);
        }
    }
    return true;
}
