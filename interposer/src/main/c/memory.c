/* Plain device memory: one charge per allocation, by its address. */
#include "async.h"
#include "hooks.h"
#include "pointers.h"
#include "pool.h"

#define ALQ_PITCH_BYTES 512u

/* Charges for the current device before the driver is asked. CUDA_SUCCESS: charged, or *place is unknown to the driver, which will say so. */
static CUresult alq_memory_begin(struct alq_place *place, bool *charged, uint64_t bytes)
{
    *charged = alq_place_current(place);
    if (*charged && !alq_take(place->device, bytes)) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    return CUDA_SUCCESS;
}

/* Remembers an allocation that the driver has made; undoes it where it cannot be remembered. */
static CUresult alq_memory_keep(const struct alq_place *place, CUdeviceptr address, uint64_t bytes)
{
    struct alq_holding holding = {.bytes = bytes, .device = place->device, .context = alq_context_current()};
    if (alq_pointers_put(ALQ_SPACE_ADDRESS, address, &holding)) {
        return CUDA_SUCCESS;
    }
    ALQ_CALL(cuMemFree_v2, address);
    alq_uncharge(place->device, bytes);
    return CUDA_ERROR_OUT_OF_MEMORY;
}

/* The driver was asked first, because it should have refused: charges now, and undoes it where the limit forbids it. */
static CUresult alq_memory_late(CUresult result, const CUdeviceptr *address, uint64_t bytes)
{
    struct alq_place place;
    if (result != CUDA_SUCCESS || !alq_place_current(&place)) {
        return result;
    }
    if (!alq_take(place.device, bytes)) {
        ALQ_CALL(cuMemFree_v2, *address);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    return alq_memory_keep(&place, *address, bytes);
}

CUresult alq_hook_cuMemAlloc_v2(CUdeviceptr *address, size_t bytes)
{
    ALQ_IN_FLIGHT(cuMemAlloc_v2, address, bytes);
    struct alq_place place;
    bool charged;
    uint64_t charge_bytes = alq_charge_size(bytes);
    if (address == NULL || bytes == 0) {
        return ALQ_CALL(cuMemAlloc_v2, address, bytes);
    }
    if (alq_memory_begin(&place, &charged, charge_bytes) != CUDA_SUCCESS) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    CUresult result = ALQ_CALL(cuMemAlloc_v2, address, bytes);
    if (!charged) {
        return result;
    }
    if (result != CUDA_SUCCESS) {
        alq_uncharge(place.device, charge_bytes);
        return result;
    }
    return alq_memory_keep(&place, *address, charge_bytes);
}

CUresult alq_hook_cuMemAlloc(CUdeviceptr_v1 *address, unsigned int bytes)
{
    ALQ_IN_FLIGHT(cuMemAlloc, address, bytes);
    struct alq_place place;
    bool charged;
    uint64_t charge_bytes = alq_charge_size(bytes);
    if (address == NULL || bytes == 0) {
        return ALQ_CALL(cuMemAlloc, address, bytes);
    }
    if (alq_memory_begin(&place, &charged, charge_bytes) != CUDA_SUCCESS) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    CUresult result = ALQ_CALL(cuMemAlloc, address, bytes);
    if (!charged) {
        return result;
    }
    if (result != CUDA_SUCCESS) {
        alq_uncharge(place.device, charge_bytes);
        return result;
    }
    return alq_memory_keep(&place, *address, charge_bytes);
}

CUresult alq_hook_cuMemAllocManaged(CUdeviceptr *address, size_t bytes, unsigned int flags)
{
    ALQ_IN_FLIGHT(cuMemAllocManaged, address, bytes, flags);
    struct alq_place place;
    bool charged;
    uint64_t charge_bytes = alq_charge_size(bytes);
    if (address == NULL || bytes == 0) {
        return ALQ_CALL(cuMemAllocManaged, address, bytes, flags);
    }
    /* flags that no driver takes are the driver's to refuse */
    bool odd = flags != CU_MEM_ATTACH_GLOBAL && flags != CU_MEM_ATTACH_HOST;
    if (!odd && alq_memory_begin(&place, &charged, charge_bytes) != CUDA_SUCCESS) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    CUresult result = ALQ_CALL(cuMemAllocManaged, address, bytes, flags);
    if (odd) {
        return alq_memory_late(result, address, charge_bytes);
    }
    if (!charged) {
        return result;
    }
    if (result != CUDA_SUCCESS) {
        alq_uncharge(place.device, charge_bytes);
        return result;
    }
    return alq_memory_keep(&place, *address, charge_bytes);
}

/* What rows of that width are charged before the driver has chosen the pitch. */
static uint64_t alq_pitch_size(uint64_t width_bytes, uint64_t height)
{
    return alq_charge_size(alq_mul(alq_add(width_bytes, ALQ_PITCH_BYTES - 1) / ALQ_PITCH_BYTES * ALQ_PITCH_BYTES, height));
}

/* Sizes of an element that no driver takes. */
static bool alq_element_odd(unsigned int element_bytes)
{
    return element_bytes != 4 && element_bytes != 8 && element_bytes != 16;
}

/* The driver has chosen another pitch than was charged for. False: the limit forbids what it has taken. */
static bool alq_pitch_correct(int device, uint64_t *charged_bytes, uint64_t pitch_bytes, uint64_t height)
{
    uint64_t actual_bytes = alq_charge_size(alq_mul(pitch_bytes, height));
    if (actual_bytes > *charged_bytes && !alq_take(device, actual_bytes - *charged_bytes)) {
        return false;
    }
    if (actual_bytes < *charged_bytes) {
        alq_uncharge(device, *charged_bytes - actual_bytes);
    }
    *charged_bytes = actual_bytes;
    return true;
}

CUresult alq_hook_cuMemAllocPitch_v2(
    CUdeviceptr *address, size_t *pitch_bytes, size_t width_bytes, size_t height, unsigned int element_bytes)
{
    ALQ_IN_FLIGHT(cuMemAllocPitch_v2, address, pitch_bytes, width_bytes, height, element_bytes);
    struct alq_place place;
    bool charged;
    uint64_t charge_bytes = alq_pitch_size(width_bytes, height);
    if (address == NULL || pitch_bytes == NULL || width_bytes == 0 || height == 0) {
        return ALQ_CALL(cuMemAllocPitch_v2, address, pitch_bytes, width_bytes, height, element_bytes);
    }
    bool odd = alq_element_odd(element_bytes);
    if (!odd && alq_memory_begin(&place, &charged, charge_bytes) != CUDA_SUCCESS) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    CUresult result = ALQ_CALL(cuMemAllocPitch_v2, address, pitch_bytes, width_bytes, height, element_bytes);
    if (odd) {
        return alq_memory_late(result, address, result == CUDA_SUCCESS ? alq_charge_size(alq_mul(*pitch_bytes, height)) : 0);
    }
    if (!charged) {
        return result;
    }
    if (result == CUDA_SUCCESS && !alq_pitch_correct(place.device, &charge_bytes, *pitch_bytes, height)) {
        ALQ_CALL(cuMemFree_v2, *address);
        result = CUDA_ERROR_OUT_OF_MEMORY;
    }
    if (result != CUDA_SUCCESS) {
        alq_uncharge(place.device, charge_bytes);
        return result;
    }
    return alq_memory_keep(&place, *address, charge_bytes);
}

CUresult alq_hook_cuMemAllocPitch(CUdeviceptr_v1 *address, unsigned int *pitch_bytes, unsigned int width_bytes,
    unsigned int height, unsigned int element_bytes)
{
    ALQ_IN_FLIGHT(cuMemAllocPitch, address, pitch_bytes, width_bytes, height, element_bytes);
    struct alq_place place;
    bool charged;
    uint64_t charge_bytes = alq_pitch_size(width_bytes, height);
    if (address == NULL || pitch_bytes == NULL || width_bytes == 0 || height == 0) {
        return ALQ_CALL(cuMemAllocPitch, address, pitch_bytes, width_bytes, height, element_bytes);
    }
    bool odd = alq_element_odd(element_bytes);
    if (!odd && alq_memory_begin(&place, &charged, charge_bytes) != CUDA_SUCCESS) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    CUresult result = ALQ_CALL(cuMemAllocPitch, address, pitch_bytes, width_bytes, height, element_bytes);
    if (odd) {
        CUdeviceptr wide_address = result == CUDA_SUCCESS ? *address : 0;
        return alq_memory_late(
            result, &wide_address, result == CUDA_SUCCESS ? alq_charge_size(alq_mul(*pitch_bytes, height)) : 0);
    }
    if (!charged) {
        return result;
    }
    if (result == CUDA_SUCCESS && !alq_pitch_correct(place.device, &charge_bytes, *pitch_bytes, height)) {
        ALQ_CALL(cuMemFree, *address);
        result = CUDA_ERROR_OUT_OF_MEMORY;
    }
    if (result != CUDA_SUCCESS) {
        alq_uncharge(place.device, charge_bytes);
        return result;
    }
    return alq_memory_keep(&place, *address, charge_bytes);
}

CUresult alq_hook_cuMemFree_v2(CUdeviceptr address)
{
    ALQ_IN_FLIGHT(cuMemFree_v2, address);
    struct alq_freeing freeing;
    alq_free_begin(&freeing, address);
    return alq_free_end(&freeing, ALQ_CALL(cuMemFree_v2, address));
}

CUresult alq_hook_cuMemFree(CUdeviceptr_v1 address)
{
    ALQ_IN_FLIGHT(cuMemFree, address);
    struct alq_freeing freeing;
    alq_free_begin(&freeing, address);
    return alq_free_end(&freeing, ALQ_CALL(cuMemFree, address));
}
