/*
 * CU_POINTER_ATTRIBUTE_SYNC_MEMOPS of movable memory. The driver keeps it of what is mapped: so it is kept with the block, set for all of its pieces
 * on the device, and set again for each that comes back to it (move.c).
 */
#include "devices.h"
#include "hooks.h"
#include "movables.h"

/* Sets it, of what is on the device. */
static CUresult alq_memops_set(const void *value, CUdeviceptr address)
{
    struct alq_movable_block *const *unused;
    bool gated = alq_gate_enter();
    alq_movables_lock(&unused);
    struct alq_movable_block *block = alq_movables_above(address);
    block = block != NULL && block->begin <= address ? block : NULL; /* it may have been freed meanwhile */
    CUresult result = block == NULL ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
    for (uint32_t at = 0; block != NULL && result == CUDA_SUCCESS && at < block->piece_count; at++) {
        if (block->pieces[at].backing.chunk == 0) {
            result = ALQ_CALL(cuPointerSetAttribute, value, CU_POINTER_ATTRIBUTE_SYNC_MEMOPS, block->pieces[at].begin);
        }
    }
    if (block != NULL && result == CUDA_SUCCESS) {
        block->sync_memops = *(const unsigned int *)value != 0;
    }
    alq_movables_unlock();
    alq_gate_leave(gated);
    return result;
}

CUresult alq_hook_cuPointerSetAttribute(const void *value, CUpointer_attribute attribute, CUdeviceptr address)
{
    struct alq_movable_block block;
    if (alq_transparent() || value == NULL || attribute != CU_POINTER_ATTRIBUTE_SYNC_MEMOPS || alq_context_current() == NULL
        || !alq_movables_find(address, &block)) {
        return ALQ_PASS_GATED(cuPointerSetAttribute, value, attribute, address);
    }
    return alq_memops_set(value, address);
}
