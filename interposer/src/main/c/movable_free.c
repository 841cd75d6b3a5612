/* Freeing blocks. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "movables.h"
#include "capture.h"
#include "chunks.h"
#include "contexts.h"
#include "devices.h"
#include "fork.h"
#include "gate.h"
#include "graph_blocks.h"
#include "hooks.h"
#include "kept.h"
#include "movable.h"
#include "mover.h"
#include "pool_movable.h"
#include "share.h"
#include "stash.h"

/* Blocks that were freed while a stream was being captured: freeing waits for the device, and a wait spoils a capture. They stay mapped and
 * charged until the next call that finds no capture. */
static pthread_mutex_t alq_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct alq_movable_block *alq_buried;

/* Takes away what is behind a piece. */
static void alq_piece_end(const struct alq_piece *piece)
{
    if (!piece->absent) {
        ALQ_CALL(cuMemUnmap, piece->begin, piece->bytes);
    }
    if (piece->backing.chunk != 0) {
        alq_chunks_end(&piece->backing, piece->bytes);
    } else {
        ALQ_CALL(cuMemRelease, piece->backing.handle);
    }
}

void alq_block_end(struct alq_movable_block *block)
{
    for (uint32_t at = 0; at < block->piece_count; at++) {
        alq_piece_end(&block->pieces[at]);
    }
    ALQ_CALL(cuMemAddressFree, block->begin, block->bytes);
    free(block);
}

/* What is uncharged when the block is gone, but for what is pinned. */
static struct alq_shift alq_block_shift(const struct alq_movable_block *block)
{
    struct alq_shift shift = {.pinned = block->tie == ALQ_LOOSE ? 0 : 0 - block->bytes, .reason = block->reason};
    for (uint32_t at = 0; at < block->piece_count; at++) {
        const struct alq_piece *piece = &block->pieces[at];
        if (piece->backing.chunk != 0) {
            shift.demoted -= piece->bytes;
        } else if (block->tie == ALQ_LOOSE) {
            shift.used -= piece->bytes;
            shift.movable -= piece->bytes;
        }
    }
    return shift;
}

/* What a pinned block has on the device, or is charged for in advance. */
static uint64_t alq_pinned_bytes(const struct alq_movable_block *block)
{
    return block->tie == ALQ_PINNED ? block->advance_bytes + alq_movables_resident_bytes(block) : 0;
}

CUresult alq_block_wait(CUcontext context)
{
    CUcontext popped;
    CUresult result = ALQ_CALL(cuCtxPushCurrent_v2, context);
    if (result == CUDA_SUCCESS) {
        result = ALQ_CALL(cuCtxSynchronize);
        ALQ_CALL(cuCtxPopCurrent_v2, &popped);
    }
    return result;
}

void alq_movable_release(struct alq_movable_block *block)
{
    struct alq_shift shift = alq_block_shift(block);
    uint64_t pinned_bytes = alq_pinned_bytes(block);
    int device = block->device;
    alq_pool_movable_shift(block->pool, block->kept ? 0 : 0 - alq_pool_units(block->asked_bytes), 0 - block->bytes);
    alq_share_drop(block);
    alq_block_end(block);
    alq_charge_shift(device, &shift);
    if (pinned_bytes != 0) {
        alq_uncharge_lent(device, pinned_bytes);
    }
    if (alq_stash_trim((uint32_t)device) || alq_charge_demoted_bytes((uint32_t)device) != 0 || shift.demoted != 0) {
        alq_mover_kick();
    }
}

void alq_movable_bury(struct alq_movable_block *block)
{
    pthread_mutex_lock(&alq_mutex);
    block->next = alq_buried;
    __atomic_store_n(&alq_buried, block, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&alq_mutex);
}

/* One buried block, of a context or (NULL) of any; NULL: there is none. */
static struct alq_movable_block *alq_dig_up(CUcontext context)
{
    pthread_mutex_lock(&alq_mutex);
    struct alq_movable_block **link = &alq_buried;
    while (*link != NULL && context != NULL && (*link)->context != context) {
        link = &(*link)->next;
    }
    struct alq_movable_block *block = *link;
    if (block != NULL) {
        *link = block->next;
    }
    pthread_mutex_unlock(&alq_mutex);
    return block;
}

void alq_movable_unbury(void)
{
    struct alq_movable_block *block;
    alq_graph_collect();
    while (__builtin_expect(__atomic_load_n(&alq_buried, __ATOMIC_ACQUIRE) != NULL, 0) && !alq_capture_active()
        && (block = alq_dig_up(NULL)) != NULL) {
        alq_block_wait(block->context);
        bool gated = alq_gate_enter();
        alq_movable_release(block);
        alq_gate_leave(gated);
    }
}

/* What a free during a capture answers: the driver's word, which knows what is being captured how; true where it would have freed. */
static bool alq_free_captured(CUdeviceptr address, CUresult *result)
{
    *result = ALQ_CALL(cuMemFree_v2, address);
    return *result == CUDA_ERROR_INVALID_VALUE;
}

bool alq_movable_free(CUdeviceptr address, CUresult *result)
{
    struct alq_movable_block copy;
    if (!alq_movables_find(address, &copy) || copy.begin != address || copy.tie == ALQ_OPENED || copy.virtual != NULL || alq_context_current() == NULL) {
        return false;
    }
    int saved_errno = errno;
    alq_movable_unbury();
    bool captured = alq_capture_active();
    if (captured && !alq_free_captured(address, result)) {
        return true;
    }
    if (!captured && (*result = alq_block_wait(copy.context)) != CUDA_SUCCESS) {
        return true;
    }
    /* memory of a pool may have been used from here without being of this context */
    if (!captured && copy.pool != NULL && copy.context != alq_context_current()) {
        ALQ_CALL(cuCtxSynchronize);
    }
    bool gated = alq_gate_enter();
    if (copy.graph.state == ALQ_HELD && alq_graph_free(address, NULL, !captured, result)) {
        alq_gate_leave(gated);
        errno = saved_errno;
        return true;
    }
    struct alq_movable_block *block = alq_movables_take(address);
    uint64_t share = block == NULL ? 0 : alq_share_take(block);
    if (block != NULL && captured) {
        alq_movable_bury(block);
    } else if (block != NULL) {
        alq_movable_release(block);
    }
    alq_gate_leave(gated);
    alq_share_over(share);
    errno = saved_errno;
    *result = CUDA_SUCCESS;
    return block != NULL;
}

/* A context of the device that one was of which is gone; NULL: there is none. */
static CUcontext alq_heir(CUcontext gone)
{
    struct alq_movable_block *const *blocks;
    CUdevice ordinal = -1;
    size_t count = alq_movables_lock(&blocks);
    for (size_t at = 0; at < count; at++) {
        bool outlives = blocks[at]->pool != NULL || blocks[at]->virtual != NULL;
        ordinal = blocks[at]->context == gone && outlives ? blocks[at]->ordinal : ordinal;
    }
    alq_movables_unlock();
    return ordinal < 0 ? NULL : alq_contexts_on(ordinal);
}

void alq_movable_reap(CUcontext context)
{
    struct alq_movable_block *block;
    while (context != NULL && !alq_movables_inherit(context, alq_heir(context))) {
    }
    alq_kept_reap(context);
    while (context != NULL && ((block = alq_movables_take_of(context)) != NULL || (block = alq_dig_up(context)) != NULL)) {
        alq_movable_release(block);
    }
}

void alq_movable_after_fork(void)
{
    pthread_mutex_init(&alq_mutex, NULL);
    alq_buried = NULL;
}
