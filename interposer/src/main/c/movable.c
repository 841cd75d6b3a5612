/* Making blocks. */
#include "movable.h"

#include <stdlib.h>
#include <time.h>

#include "movables.h"
#include "contexts.h"
#include "gate.h"
#include "hooks.h"
#include "kept.h"
#include "mover.h"
#include "peers.h"
#include "pool_movable.h"

/* How often a reading that says no is read again: charges in progress make what cannot move look larger than it is. */
#define ALQ_FIXED_READINGS 20

bool alq_movable(int device, uint64_t bytes)
{
    const struct alq_control_page *control = alq_pages_control();
    return bytes >= ALQ_LARGE_BYTES && device >= 0 && control != NULL
        && (__atomic_load_n(&control->devices[device].flags, __ATOMIC_ACQUIRE) & ALQ_DEVICE_MOVABLE) != 0 && alq_gate_arm()
        && alq_mover_start();
}

bool alq_fixed_fits(int device, uint64_t bytes)
{
    const struct alq_control_page *control = alq_pages_control();
    if (device < 0 || control == NULL
        || (__atomic_load_n(&control->devices[device].flags, __ATOMIC_ACQUIRE) & ALQ_DEVICE_MOVABLE) == 0) {
        return true;
    }
    uint64_t request_bytes = __atomic_load_n(&control->devices[device].request_bytes, __ATOMIC_ACQUIRE);
    for (int reading = 0; reading < ALQ_FIXED_READINGS; reading++) {
        if (alq_add(alq_charge_fixed_bytes(device), bytes) <= request_bytes) {
            return true;
        }
        if (bytes > request_bytes) {
            return false;
        }
        nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
    }
    return false;
}

CUresult alq_piece_create(CUmemGenericAllocationHandle *handle, CUdevice ordinal, uint64_t bytes)
{
    CUmemAllocationProp properties = {
        .type = CU_MEM_ALLOCATION_TYPE_PINNED, .requestedHandleTypes = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR};
    properties.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    properties.location.id = ordinal;
    CUresult result = ALQ_CALL(cuMemCreate, handle, bytes, &properties, 0);
    if (result == CUDA_ERROR_NOT_SUPPORTED) {
        properties.requestedHandleTypes = CU_MEM_HANDLE_TYPE_NONE;
        result = ALQ_CALL(cuMemCreate, handle, bytes, &properties, 0);
    }
    return result;
}

/* One piece more, mapped behind the others. */
static CUresult alq_piece_make(struct alq_movable_block *block, uint64_t bytes)
{
    struct alq_piece *piece = &block->pieces[block->piece_count];
    *piece = (struct alq_piece){.begin = block->begin + block->piece_count * ALQ_PIECE_BYTES, .bytes = bytes};
    CUresult result = alq_piece_create(&piece->backing.handle, block->ordinal, bytes);
    if (result != CUDA_SUCCESS) {
        return result;
    }
    result = ALQ_CALL(cuMemMap, piece->begin, bytes, 0, piece->backing.handle, 0);
    if (result != CUDA_SUCCESS) {
        ALQ_CALL(cuMemRelease, piece->backing.handle);
        return result;
    }
    block->piece_count++;
    return CUDA_SUCCESS;
}

CUresult alq_block_access(const struct alq_movable_block *block)
{
    CUmemAccessDesc access[ALQ_ACCESSES];
    size_t count = alq_peers_access(block->ordinal, access);
    return ALQ_CALL(cuMemSetAccess, block->begin, block->bytes, access, count);
}

/* Reserves, backs and maps; inside the gate. */
static CUresult alq_block_make(struct alq_movable_block *block)
{
    CUresult result = ALQ_CALL(cuMemAddressReserve, &block->begin, block->bytes, 0, 0, 0);
    if (result != CUDA_SUCCESS) {
        free(block);
        return result;
    }
    for (uint64_t done = 0; done < block->bytes && result == CUDA_SUCCESS; done += ALQ_PIECE_BYTES) {
        uint64_t left = block->bytes - done;
        result = alq_piece_make(block, left < ALQ_PIECE_BYTES ? left : ALQ_PIECE_BYTES);
    }
    uint32_t version = alq_peers_version();
    if (result == CUDA_SUCCESS) {
        result = alq_block_access(block);
    }
    if (result == CUDA_SUCCESS && !alq_movables_put(block)) {
        result = CUDA_ERROR_OUT_OF_MEMORY;
    }
    if (result != CUDA_SUCCESS) {
        alq_block_end(block);
    } else if (version != alq_peers_version()) {
        /* peers came or went meanwhile and may have missed this block */
        alq_block_access(block);
    }
    return result;
}

/* One attempt; inside the gate. */
static CUresult alq_movable_try(CUdeviceptr *address, const struct alq_movable_use *use)
{
    uint64_t bytes = alq_charge_size(use->asked_bytes);
    uint64_t pieces = (bytes + ALQ_PIECE_BYTES - 1) / ALQ_PIECE_BYTES;
    struct alq_movable_block *block = calloc(1, sizeof *block + pieces * sizeof block->pieces[0]);
    if (block == NULL) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    *block = (struct alq_movable_block){.bytes = bytes,
        .asked_bytes = use->asked_bytes,
        .id = alq_movables_id(),
        .device = use->place.device,
        .ordinal = use->place.ordinal,
        .context = use->context,
        .pool = use->pool};
    CUresult result = alq_block_make(block);
    if (result == CUDA_SUCCESS) {
        *address = block->begin;
    }
    return result;
}

CUresult alq_movable_make(CUdeviceptr *address, const struct alq_movable_use *use)
{
    uint64_t bytes = alq_charge_size(use->asked_bytes);
    alq_charge_shift(use->place.device, &(struct alq_shift){.movable = bytes});
    bool gated = alq_gate_enter();
    alq_contexts_put(use->context);
    CUresult result = alq_movable_try(address, use);
    if (result == CUDA_ERROR_OUT_OF_MEMORY && alq_kept_shrink(use->place.device, bytes) != 0) {
        result = alq_movable_try(address, use);
    }
    if (result == CUDA_SUCCESS) {
        alq_pool_movable_shift(use->pool, alq_pool_units(use->asked_bytes), bytes);
    }
    alq_gate_leave(gated);
    if (result != CUDA_SUCCESS) {
        alq_charge_shift(use->place.device, &(struct alq_shift){.movable = 0 - bytes, .used = 0 - bytes});
    }
    return result;
}

CUresult alq_movable_create(CUdeviceptr *address, uint64_t asked_bytes, const struct alq_place *place)
{
    alq_movable_unbury();
    if (!alq_take(place->device, alq_charge_size(asked_bytes))) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    return alq_movable_make(
        address, &(struct alq_movable_use){.asked_bytes = asked_bytes, .place = *place, .context = alq_context_current()});
}
