/*
 * What the tenant sees of its devices' memory: its limit as the total, its own room as free, for all its processes together.
 *
 * free = limit - overhead - used and demoted of every slot, never below 0, never above what the driver says is free on the device.
 */
#include "hooks.h"
#include "pool.h"

/* Turns the driver's figures into the tenant's. */
static void alq_slice(int device, uint64_t *free_bytes, uint64_t *total_bytes)
{
    uint64_t limit_bytes = alq_charge_limit_bytes(device);
    if (limit_bytes < *total_bytes) {
        *total_bytes = limit_bytes;
    }
    if (alq_pool_dirty()) {
        alq_pool_settle_all(device);
    }
    alq_charge_pay(device);
    uint64_t room_bytes = alq_charge_free_bytes(device);
    if (room_bytes < *free_bytes) {
        *free_bytes = room_bytes;
    }
    if (*free_bytes > *total_bytes) {
        *free_bytes = *total_bytes;
    }
}

CUresult alq_hook_cuMemGetInfo_v2(size_t *free_bytes, size_t *total_bytes)
{
    ALQ_PASS_WHEN_TRANSPARENT(cuMemGetInfo_v2, free_bytes, total_bytes);
    size_t driver_free_bytes = SIZE_MAX;
    size_t driver_total_bytes = SIZE_MAX;
    struct alq_place place;
    CUresult result = ALQ_CALL(cuMemGetInfo_v2, free_bytes == NULL ? NULL : &driver_free_bytes,
        total_bytes == NULL ? NULL : &driver_total_bytes);
    if (result != CUDA_SUCCESS) {
        return result;
    }
    uint64_t shown_free_bytes = driver_free_bytes;
    uint64_t shown_total_bytes = driver_total_bytes;
    if (alq_place_current(&place)) {
        alq_slice(place.device, &shown_free_bytes, &shown_total_bytes);
    }
    if (free_bytes != NULL) {
        *free_bytes = shown_free_bytes;
    }
    if (total_bytes != NULL) {
        *total_bytes = shown_total_bytes;
    }
    return result;
}

static unsigned int alq_clamp(uint64_t bytes)
{
    return bytes > UINT32_MAX ? UINT32_MAX : (unsigned int)bytes;
}

CUresult alq_hook_cuMemGetInfo(unsigned int *free_bytes, unsigned int *total_bytes)
{
    ALQ_PASS_WHEN_TRANSPARENT(cuMemGetInfo, free_bytes, total_bytes);
    unsigned int driver_free_bytes = UINT32_MAX;
    unsigned int driver_total_bytes = UINT32_MAX;
    struct alq_place place;
    CUresult result = ALQ_CALL(
        cuMemGetInfo, free_bytes == NULL ? NULL : &driver_free_bytes, total_bytes == NULL ? NULL : &driver_total_bytes);
    if (result != CUDA_SUCCESS) {
        return result;
    }
    uint64_t shown_free_bytes = driver_free_bytes;
    uint64_t shown_total_bytes = driver_total_bytes;
    if (alq_place_current(&place)) {
        alq_slice(place.device, &shown_free_bytes, &shown_total_bytes);
    }
    if (free_bytes != NULL) {
        *free_bytes = alq_clamp(shown_free_bytes);
    }
    if (total_bytes != NULL) {
        *total_bytes = alq_clamp(shown_total_bytes);
    }
    return result;
}

CUresult alq_hook_cuDeviceTotalMem_v2(size_t *bytes, CUdevice ordinal)
{
    ALQ_PASS_WHEN_TRANSPARENT(cuDeviceTotalMem_v2, bytes, ordinal);
    CUresult result = ALQ_CALL(cuDeviceTotalMem_v2, bytes, ordinal);
    uint64_t limit_bytes = alq_charge_limit_bytes(alq_device_index(ordinal));
    if (result == CUDA_SUCCESS && bytes != NULL && limit_bytes < *bytes) {
        *bytes = limit_bytes;
    }
    return result;
}

CUresult alq_hook_cuDeviceTotalMem(unsigned int *bytes, CUdevice ordinal)
{
    ALQ_PASS_WHEN_TRANSPARENT(cuDeviceTotalMem, bytes, ordinal);
    CUresult result = ALQ_CALL(cuDeviceTotalMem, bytes, ordinal);
    uint64_t limit_bytes = alq_charge_limit_bytes(alq_device_index(ordinal));
    if (result == CUDA_SUCCESS && bytes != NULL && limit_bytes < *bytes) {
        *bytes = alq_clamp(limit_bytes);
    }
    return result;
}
