/* See virtual.h: making it the driver's own. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "hooks.h"
#include "movable.h"
#include "share.h"
#include "virtual_inside.h"
#include "vmm.h"

/* How long until another thread that has a block pinned is looked for again. */
#define ALQ_YIELD_STEP_NS 1000000l

/* Whatever is changed here, another thread may be having the block brought back, and give up just now. */
static bool alq_tie_change(struct alq_movable_block *block, enum alq_tie from, enum alq_tie to, enum alq_pin_reason *reason)
{
    struct alq_movable_block *const *unused;
    alq_movables_lock(&unused);
    bool was = block->tie == from && !block->registered;
    if (was) {
        block->tie = to;
        block->reason = to == ALQ_PINNED ? *reason : block->reason;
        *reason = block->reason;
    }
    alq_movables_unlock();
    return was;
}

void alq_virtual_unpin(struct alq_movable_block *block)
{
    enum alq_pin_reason reason;
    if (alq_tie_change(block, ALQ_PINNED, ALQ_LOOSE, &reason)) {
        uint64_t advance_bytes = __atomic_exchange_n(&block->advance_bytes, 0, __ATOMIC_SEQ_CST);
        alq_charge_shift(block->device,
            &(struct alq_shift){.used = 0 - advance_bytes,
                .movable = alq_movables_resident_bytes(block),
                .pinned = 0 - block->bytes,
                .reason = reason});
    }
}

CUresult alq_virtual_pin(struct alq_movable_block *block, enum alq_pin_reason reason)
{
    if (alq_movables_resident_bytes(block) != block->bytes) {
        return CUDA_ERROR_NOT_SUPPORTED;
    }
    if (!alq_tie_change(block, ALQ_LOOSE, ALQ_PINNED, &reason)) {
        return CUDA_SUCCESS;
    }
    alq_charge_shift(block->device, &(struct alq_shift){.movable = 0 - block->bytes, .pinned = block->bytes, .reason = reason});
    if (alq_fixed_fits(block->device, 0)) {
        return CUDA_SUCCESS;
    }
    alq_virtual_unpin(block);
    alq_charge_refused();
    return CUDA_ERROR_OUT_OF_MEMORY;
}

void alq_virtual_keep(struct alq_movable_block *block, enum alq_pin_reason reason)
{
    struct alq_movable_block *const *unused;
    alq_movables_lock(&unused);
    bool pinned = block->tie == ALQ_PINNED;
    struct alq_shift before = {.pinned = 0 - block->bytes, .reason = block->reason};
    struct alq_shift after = {.movable = pinned ? 0 : 0 - block->bytes, .pinned = block->bytes, .reason = reason};
    alq_charge_shift(block->device, &after);
    if (pinned) {
        alq_charge_shift(block->device, &before);
    }
    block->tie = ALQ_PINNED;
    block->reason = reason;
    block->registered = true;
    alq_movables_unlock();
}

/* A block of one piece, on its device and pinned, becomes the driver's own. */
static CUresult alq_hand_over(struct alq_virtual *it)
{
    struct alq_movable_block *block = it->block;
    CUresult result = alq_virtual_pin(block, ALQ_PINNED_EXPORTED);
    if (result != CUDA_SUCCESS) {
        return result;
    }
    bool registered = block->registered;
    alq_virtual_keep(block, ALQ_PINNED_EXPORTED);
    struct alq_vmm_adopted adopted = {
        .device = block->device, .bytes = block->bytes, .address = it->mapped ? block->begin : 0, .lent = registered};
    if (!alq_vmm_adopt(block->pieces[0].backing.handle, &adopted)) {
        block->registered = registered;
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    it->real = block->pieces[0].backing.handle;
    if (it->mapped) {
        alq_movables_drop(block);
    }
    it->mapped = false;
    it->block = NULL;
    free(block);
    return CUDA_SUCCESS;
}

enum alq_yield { ALQ_YIELDED, ALQ_YIELD_PIN, ALQ_YIELD_WAIT };

/* One step; its end is in *result. PIN: the block that begins at *begin has to be pinned first; WAIT: another thread is at that. */
static enum alq_yield alq_yield(CUmemGenericAllocationHandle *handle, CUdeviceptr *begin, CUresult *result)
{
    struct alq_virtual *it = alq_virtual_named(*handle);
    *result = CUDA_SUCCESS;
    if (it != NULL && it->real == 0) {
        const struct alq_movable_block *block = it->block;
        *begin = block->begin;
        if (block->piece_count != 1) {
            *result = CUDA_ERROR_NOT_SUPPORTED;
            return ALQ_YIELDED;
        }
        if (it->mapped && block->pieces[0].backing.chunk != 0 && !alq_virtual_reached(block)) {
            *result = CUDA_ERROR_NOT_SUPPORTED; /* nothing brings it back */
            return ALQ_YIELDED;
        }
        if (it->mapped && block->tie == ALQ_LOOSE) {
            return ALQ_YIELD_PIN;
        }
        if (it->mapped && (block->pieces[0].backing.chunk != 0 || block->advance_bytes != 0)) {
            return ALQ_YIELD_WAIT;
        }
        *result = alq_hand_over(it);
    }
    if (it != NULL && it->real != 0) {
        *handle = it->real;
    }
    return ALQ_YIELDED;
}

static CUresult alq_yield_waiting(CUmemGenericAllocationHandle *handle)
{
    CUresult result = CUDA_SUCCESS;
    enum alq_yield step = ALQ_YIELD_WAIT;
    while (step != ALQ_YIELDED) {
        struct alq_movable_block copy;
        CUdeviceptr begin = 0;
        struct alq_virtual_entry entry = alq_virtual_enter();
        step = alq_yield(handle, &begin, &result);
        alq_virtual_leave(entry);
        if (step == ALQ_YIELD_PIN && alq_share_pin(begin, true, ALQ_PINNED_EXPORTED, &copy) == ALQ_PIN_FULL) {
            alq_charge_refused();
            return CUDA_ERROR_OUT_OF_MEMORY;
        }
        if (step == ALQ_YIELD_WAIT) {
            nanosleep(&(struct timespec){.tv_nsec = ALQ_YIELD_STEP_NS}, NULL);
        }
    }
    return result;
}

CUresult alq_virtual_yield(CUmemGenericAllocationHandle *handle)
{
    int cancel_state;
    int saved_errno = errno;
    if (alq_virtual_none()) {
        return CUDA_SUCCESS;
    }
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state); /* what is pinned would stay so */
    CUresult result = alq_yield_waiting(handle);
    pthread_setcancelstate(cancel_state, NULL);
    errno = saved_errno;
    return result;
}
