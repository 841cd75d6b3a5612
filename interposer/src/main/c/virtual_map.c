/* See virtual.h: mapping and unmapping. */
#include <string.h>

#include "contexts.h"
#include "devices.h"
#include "hooks.h"
#include "virtual_inside.h"

struct alq_movable_block *alq_virtual_touched(CUdeviceptr address, CUdeviceptr end)
{
    struct alq_movable_block *const *unused;
    alq_movables_lock(&unused);
    struct alq_movable_block *block = alq_movables_above(address);
    block = block != NULL && block->begin < end ? block : NULL; /* one beyond the range may be gone any time */
    alq_movables_unlock();
    return block;
}

void alq_virtual_find_context(struct alq_movable_block *block)
{
    struct alq_place place;
    struct alq_movable_block *const *unused;
    bool current = alq_place_current(&place) && place.ordinal == block->ordinal;
    CUcontext context = current ? alq_context_current() : alq_contexts_on(block->ordinal);
    if (current) {
        alq_contexts_put(context);
    }
    alq_movables_lock(&unused);
    block->context = alq_contexts_has(context) ? context : NULL; /* who ends it from here on finds the block */
    alq_movables_unlock();
}

/* What of a block is mapped, from its beginning on. */
static CUresult alq_pieces_unmap(struct alq_movable_block *block, uint32_t count)
{
    CUresult result = CUDA_SUCCESS;
    for (uint32_t at = 0; at < count; at++) {
        CUresult unmapped = ALQ_CALL(cuMemUnmap, block->pieces[at].begin, block->pieces[at].bytes);
        result = result == CUDA_SUCCESS ? unmapped : result;
    }
    return result;
}

static CUresult alq_map(struct alq_virtual *it, CUdeviceptr address)
{
    struct alq_movable_block *block = it->block;
    CUdeviceptr begin = address;
    for (uint32_t at = 0; at < block->piece_count; at++) {
        struct alq_piece *piece = &block->pieces[at];
        CUresult result = ALQ_CALL(cuMemMap, begin, piece->bytes, 0, piece->backing.handle, 0);
        if (result != CUDA_SUCCESS) {
            alq_pieces_unmap(block, at);
            return result;
        }
        piece->begin = begin;
        piece->absent = false;
        begin += piece->bytes;
    }
    block->begin = address;
    block->id = alq_movables_id();
    memset(block->access, 0, sizeof block->access);
    block->sync_memops = false;
    block->context = NULL;
    if (!alq_movables_put(block)) {
        alq_pieces_unmap(block, block->piece_count);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    alq_virtual_find_context(block);
    it->mapped = true;
    return CUDA_SUCCESS;
}

bool alq_virtual_map(CUdeviceptr address, size_t bytes, size_t offset, CUmemGenericAllocationHandle name, CUresult *result)
{
    if (alq_virtual_none()) {
        return false;
    }
    struct alq_virtual_entry entry = alq_virtual_enter();
    struct alq_virtual *it = alq_virtual_named(name);
    bool block = it != NULL && it->real == 0;
    bool wrong = block && (offset != 0 || bytes == 0 || bytes > it->block->bytes || bytes % ALQ_LARGE_BLOCK_BYTES != 0);
    bool whole = block && !it->mapped && bytes == it->block->bytes;
    *result = wrong ? CUDA_ERROR_INVALID_VALUE : whole ? alq_map(it, address) : CUDA_SUCCESS;
    alq_virtual_leave(entry);
    return wrong || whole;
}

/* Whether a range that touches a block is made of whole ones; what is between them is the driver's to judge. */
static bool alq_whole(CUdeviceptr address, CUdeviceptr end)
{
    CUdeviceptr at = address;
    for (struct alq_movable_block *block; (block = alq_virtual_touched(at, end)) != NULL; at = block->begin + block->bytes) {
        if (block->virtual == NULL || !alq_virtual_within(block, address, end)) {
            return false;
        }
    }
    return true;
}

/* What is between the blocks of a range. */
static CUresult alq_unmap_others(CUdeviceptr address, CUdeviceptr end, CUresult (*driver)(CUdeviceptr, size_t))
{
    CUresult result = CUDA_SUCCESS;
    for (CUdeviceptr at = address; at < end && result == CUDA_SUCCESS;) {
        struct alq_movable_block *block = alq_virtual_touched(at, end);
        CUdeviceptr until = block == NULL ? end : block->begin;
        if (until > at) {
            result = driver(at, until - at);
        }
        at = block == NULL ? end : block->begin + block->bytes;
    }
    return result;
}

static CUresult alq_unmap_all(CUdeviceptr address, CUdeviceptr end)
{
    for (struct alq_movable_block *block; (block = alq_virtual_touched(address, end)) != NULL;) {
        struct alq_virtual *it = block->virtual;
        CUresult result = alq_pieces_unmap(block, block->piece_count);
        if (result != CUDA_SUCCESS) {
            return result; /* only a driver that has failed altogether */
        }
        alq_movables_drop(block);
        alq_virtual_unpin(block);
        block->begin = 0;
        it->mapped = false;
        it->host = false;
        if (it->uses == 0) {
            alq_virtual_end(it);
        }
    }
    return CUDA_SUCCESS;
}

bool alq_virtual_unmap(CUdeviceptr address, size_t bytes, CUresult (*driver)(CUdeviceptr address, size_t bytes), CUresult *result)
{
    CUdeviceptr end = address + bytes;
    struct alq_movable_block unused;
    if (alq_virtual_none()) {
        *result = CUDA_ERROR_INVALID_VALUE; /* as for plain memory: the program has not mapped it */
        return alq_movables_find(address, &unused);
    }
    struct alq_virtual_entry entry = alq_virtual_enter();
    bool touched = end > address && alq_virtual_touched(address, end) != NULL;
    if (touched) {
        *result = alq_whole(address, end) ? alq_unmap_others(address, end, driver) : CUDA_ERROR_INVALID_VALUE;
        *result = *result == CUDA_SUCCESS ? alq_unmap_all(address, end) : *result;
    }
    alq_virtual_leave(entry);
    return touched;
}

bool alq_virtual_retain(CUmemGenericAllocationHandle *name, CUdeviceptr address, CUresult *result)
{
    if (alq_virtual_none()) {
        return false;
    }
    struct alq_virtual_entry entry = alq_virtual_enter();
    struct alq_movable_block *block = alq_virtual_touched(address, address + 1);
    struct alq_virtual *it = block == NULL ? NULL : block->virtual;
    if (it != NULL) {
        *result = alq_virtual_use(it) ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
        *name = *result == CUDA_SUCCESS ? it->name : *name;
    }
    alq_virtual_leave(entry);
    return it != NULL;
}

void alq_virtual_settle(void)
{
    if (alq_virtual_none()) {
        return;
    }
    struct alq_virtual_entry entry = alq_virtual_enter();
    struct alq_movable_block *const *blocks;
    CUdeviceptr at = 0;
    bool found = true;
    while (found) {
        struct alq_movable_block *block = NULL;
        size_t count = alq_movables_lock(&blocks);
        for (size_t i = 0; i < count && block == NULL; i++) {
            block = blocks[i]->virtual != NULL && blocks[i]->context == NULL && blocks[i]->begin >= at ? blocks[i] : NULL;
        }
        alq_movables_unlock();
        found = block != NULL;
        if (found) {
            at = block->begin + 1;
            alq_virtual_find_context(block);
        }
    }
    alq_virtual_leave(entry);
}
