/* See virtual.h: names, and what is behind them. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "chunks.h"
#include "devices.h"
#include "fork.h"
#include "hooks.h"
#include "kept.h"
#include "movable.h"
#include "mover.h"
#include "pool.h"
#include "stash.h"
#include "virtual_inside.h"
#include "vmm_table.h"

/* Names count up from here: drivers give addresses, or small numbers. */
#define ALQ_NAMES 0x6c61000000000000ull

size_t alq_virtual_alive;

static pthread_mutex_t alq_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct alq_vmm_table alq_by_name;
static uint64_t alq_last_name;

bool alq_virtual_any(void)
{
    return !alq_virtual_none();
}

struct alq_virtual_entry alq_virtual_enter(void)
{
    struct alq_virtual_entry entry;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &entry.cancel_state);
    entry.gated = alq_gate_enter();
    pthread_mutex_lock(&alq_mutex);
    return entry;
}

void alq_virtual_leave(struct alq_virtual_entry entry)
{
    pthread_mutex_unlock(&alq_mutex);
    alq_gate_leave(entry.gated);
    pthread_setcancelstate(entry.cancel_state, NULL);
}

struct alq_virtual *alq_virtual_named(CUmemGenericAllocationHandle name)
{
    struct alq_vmm_entry *entry = alq_vmm_get(&alq_by_name, name);
    return entry == NULL ? NULL : entry->what;
}

static bool alq_wanted(size_t bytes, const CUmemAllocationProp *properties, unsigned long long flags, int device)
{
    CUmemAllocationHandleType types = properties->requestedHandleTypes;
    bool whole = types == CU_MEM_HANDLE_TYPE_NONE || (types == CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR && bytes <= ALQ_PIECE_BYTES);
    return whole && flags == 0 && properties->type == CU_MEM_ALLOCATION_TYPE_PINNED
        && properties->location.type == CU_MEM_LOCATION_TYPE_DEVICE && properties->win32HandleMetaData == NULL
        && properties->allocFlags.compressionType == 0 && properties->allocFlags.usage == 0 && bytes % ALQ_LARGE_BLOCK_BYTES == 0
        && alq_movable(device, bytes);
}

/* Lets go of what is behind a block, and of the block. */
static void alq_block_drop(struct alq_movable_block *block)
{
    bool lent = block->registered;
    uint64_t lent_bytes = 0;
    struct alq_shift shift = {.pinned = block->tie == ALQ_LOOSE ? 0 : 0 - block->bytes, .reason = block->reason};
    for (uint32_t at = 0; at < block->piece_count; at++) {
        struct alq_piece *piece = &block->pieces[at];
        if (piece->backing.chunk != 0) {
            alq_chunks_end(&piece->backing, piece->bytes);
            shift.demoted -= piece->bytes;
        } else {
            ALQ_CALL(cuMemRelease, piece->backing.handle);
            shift.used -= lent ? 0 : piece->bytes;
            lent_bytes += lent ? piece->bytes : 0;
            shift.movable -= block->tie == ALQ_LOOSE ? piece->bytes : 0;
        }
    }
    alq_charge_shift(block->device, &shift);
    if (lent_bytes != 0) {
        alq_uncharge_lent(block->device, lent_bytes);
    }
    /* trimming unmaps, which would spoil a capture: the mover gets to it */
    if (alq_capture_active() || alq_stash_trim((uint32_t)block->device) || alq_charge_demoted_bytes((uint32_t)block->device) != 0 || shift.demoted != 0) {
        alq_mover_kick();
    }
    free(block);
}

bool alq_virtual_use(struct alq_virtual *it)
{
    bool named = it->uses != 0 || alq_vmm_put(&alq_by_name, (struct alq_vmm_entry){it->name, 0, it});
    it->uses += named;
    return named;
}

void alq_virtual_end(struct alq_virtual *it)
{
    if (it->block != NULL) {
        alq_block_drop(it->block);
    }
    free(it);
    __atomic_sub_fetch(&alq_virtual_alive, 1, __ATOMIC_RELEASE);
}

static CUresult alq_pieces_create(struct alq_movable_block *block, uint64_t bytes)
{
    while (block->bytes < bytes) {
        struct alq_piece *piece = &block->pieces[block->piece_count];
        uint64_t left_bytes = bytes - block->bytes;
        *piece = (struct alq_piece){.bytes = left_bytes < ALQ_PIECE_BYTES ? left_bytes : ALQ_PIECE_BYTES};
        CUresult result = alq_piece_create(&piece->backing.handle, block->ordinal, piece->bytes);
        if (result != CUDA_SUCCESS) {
            return result;
        }
        block->bytes += piece->bytes;
        block->piece_count++;
    }
    return CUDA_SUCCESS;
}

/* Everything of it; what is not made of its bytes stays charged. */
static CUresult alq_make(CUmemGenericAllocationHandle *name, size_t bytes, const CUmemAllocationProp *properties, int device)
{
    size_t pieces = (bytes + ALQ_PIECE_BYTES - 1) / ALQ_PIECE_BYTES;
    struct alq_virtual *it = calloc(1, sizeof *it);
    struct alq_movable_block *block = calloc(1, sizeof *block + pieces * sizeof block->pieces[0]);
    if (it == NULL || block == NULL) {
        free(it);
        free(block);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    *it = (struct alq_virtual){.name = ALQ_NAMES + ++alq_last_name, .uses = 1, .block = block, .properties = *properties};
    it->properties.allocFlags.gpuDirectRDMACapable = 0;
    *block = (struct alq_movable_block){
        .device = device, .ordinal = properties->location.id, .virtual = it, .handle_types = properties->requestedHandleTypes};
    CUresult result = alq_pieces_create(block, bytes);
    if (result == CUDA_SUCCESS && !alq_vmm_put(&alq_by_name, (struct alq_vmm_entry){it->name, 0, it})) {
        result = CUDA_ERROR_OUT_OF_MEMORY;
    }
    if (result == CUDA_SUCCESS) {
        block->asked_bytes = bytes;
        __atomic_add_fetch(&alq_virtual_alive, 1, __ATOMIC_RELEASE);
        *name = it->name;
        return result;
    }
    for (uint32_t at = 0; at < block->piece_count; at++) {
        ALQ_CALL(cuMemRelease, block->pieces[at].backing.handle);
    }
    free(block);
    free(it);
    return result;
}

bool alq_virtual_create(
    CUmemGenericAllocationHandle *name, size_t bytes, const CUmemAllocationProp *properties, unsigned long long flags, CUresult *result)
{
    int device = alq_device_index(properties->location.id);
    if (!alq_wanted(bytes, properties, flags, device)) {
        return false;
    }
    *result = CUDA_ERROR_OUT_OF_MEMORY;
    if (!alq_take(device, bytes)) {
        return true;
    }
    alq_charge_shift(device, &(struct alq_shift){.movable = bytes});
    struct alq_virtual_entry entry = alq_virtual_enter();
    *result = alq_make(name, bytes, properties, device);
    if (*result == CUDA_ERROR_OUT_OF_MEMORY && alq_kept_shrink(device, bytes) != 0) {
        *result = alq_make(name, bytes, properties, device);
    }
    alq_virtual_leave(entry);
    if (*result != CUDA_SUCCESS) {
        alq_charge_shift(device, &(struct alq_shift){.movable = 0 - (uint64_t)bytes, .used = 0 - (uint64_t)bytes});
    }
    return true;
}

bool alq_virtual_release(CUmemGenericAllocationHandle *handle, CUresult *result)
{
    if (alq_virtual_none()) {
        return false;
    }
    struct alq_virtual_entry entry = alq_virtual_enter();
    struct alq_virtual *it = alq_virtual_named(*handle);
    bool last = it != NULL && --it->uses == 0;
    bool driver = it == NULL || (last && it->real != 0);
    *result = CUDA_SUCCESS;
    if (last) {
        alq_vmm_remove(&alq_by_name, alq_vmm_get(&alq_by_name, it->name));
        *handle = it->real;
    }
    if (last && !it->mapped) {
        alq_virtual_end(it);
    }
    alq_virtual_leave(entry);
    return !driver;
}

bool alq_virtual_properties(CUmemAllocationProp *properties, CUmemGenericAllocationHandle name)
{
    if (alq_virtual_none()) {
        return false;
    }
    struct alq_virtual_entry entry = alq_virtual_enter();
    struct alq_virtual *it = alq_virtual_named(name);
    if (it != NULL) {
        *properties = it->properties;
    }
    alq_virtual_leave(entry);
    return it != NULL;
}

void alq_virtual_after_fork(void)
{
    pthread_mutex_init(&alq_mutex, NULL);
    memset(&alq_by_name, 0, sizeof alq_by_name);
    alq_virtual_alive = 0;
}
