/* Plain device memory: one charge per allocation, by its address. */
#include "async.h"
#include "hooks.h"
#include "movable.h"
#include "pointers.h"
#include "pool.h"
#include "small.h"

#define ALQ_PITCH_BYTES 512u

/* An allocation in progress. */
struct alq_taking {
    bool counted;           /* false: no current device, the driver will say so */
    uint64_t charged_bytes; /* for it alone */
    struct alq_small small; /* its part in shared blocks */
};

/* For the current device; nothing is charged yet. */
static struct alq_taking alq_taking_of(bool plain)
{
    struct alq_place place = {.device = -1};
    struct alq_taking taking = {.counted = alq_place_current(&place)};
    taking.small.cutting = (struct alq_cutting){.device = place.device, .plain = plain};
    return taking;
}

/* Charges before the driver is asked. False: the limit forbids it. */
static bool alq_taking_begin(struct alq_taking *taking, uint64_t bytes)
{
    if (!taking->counted) {
        return true;
    }
    if (bytes < ALQ_LARGE_BYTES) {
        return alq_small_begin(&taking->small, bytes);
    }
    taking->charged_bytes = alq_charge_size(bytes);
    return alq_take_fixed(taking->small.cutting.device, taking->charged_bytes);
}

static void alq_taking_cancel(struct alq_taking *taking)
{
    alq_small_cancel(&taking->small);
    alq_uncharge(taking->small.cutting.device, taking->charged_bytes);
}

/* Charges what an allocation of whole blocks has really taken: the driver may have chosen another pitch, or should have refused. */
static bool alq_taking_correct(struct alq_taking *taking, uint64_t bytes)
{
    int device = taking->small.cutting.device;
    uint64_t wanted_bytes = alq_charge_size(bytes);
    if (wanted_bytes > taking->charged_bytes && !alq_take_fixed(device, wanted_bytes - taking->charged_bytes)) {
        return false;
    }
    alq_uncharge(device, alq_sub(taking->charged_bytes, wanted_bytes));
    alq_small_cancel(&taking->small);
    taking->charged_bytes = wanted_bytes;
    return true;
}

/* The driver has answered: remembers the allocation of bytes that it has made, or undoes what cannot be charged or remembered. */
static CUresult alq_taking_end(struct alq_taking *taking, CUresult result, CUdeviceptr address, uint64_t bytes)
{
    int device = taking->small.cutting.device;
    if (!taking->counted) {
        return result;
    }
    if (result != CUDA_SUCCESS) {
        alq_taking_cancel(taking);
        return result;
    }
    struct alq_holding holding = {.device = device, .context = alq_context_current()};
    taking->small.cutting.context = holding.context;
    if (bytes >= ALQ_LARGE_BYTES || device < 0) {
        if (!alq_taking_correct(taking, bytes)) {
            ALQ_CALL(cuMemFree_v2, address);
            alq_taking_cancel(taking);
            return CUDA_ERROR_OUT_OF_MEMORY;
        }
        holding.bytes = taking->charged_bytes;
    } else {
        bool landed = alq_small_land(&taking->small, address, bytes);
        alq_uncharge(device, taking->charged_bytes);
        if (!landed) {
            return CUDA_ERROR_OUT_OF_MEMORY;
        }
        holding.small_bytes = bytes;
        holding.small_address = address;
    }
    if (alq_pointers_put(ALQ_SPACE_ADDRESS, address, &holding)) {
        return CUDA_SUCCESS;
    }
    ALQ_CALL(cuMemFree_v2, address);
    alq_give(&holding);
    return CUDA_ERROR_OUT_OF_MEMORY;
}

/* Whether an allocation of that size becomes movable; place is filled in where it does. */
static bool alq_becomes_movable(struct alq_place *place, uint64_t bytes)
{
    return bytes >= ALQ_LARGE_BYTES && alq_place_current(place) && alq_movable(place->device, bytes);
}

#define ALQ_ALLOC(name, type, bytes_type, plain)                                                      \
    CUresult alq_hook_##name(type *address, bytes_type bytes)                                         \
    {                                                                                                 \
        ALQ_IN_FLIGHT(name, address, bytes);                                                          \
        if (address == NULL || bytes == 0) {                                                          \
            return ALQ_CALL(name, address, bytes);                                                    \
        }                                                                                             \
        struct alq_place place;                                                                       \
        if (plain && alq_becomes_movable(&place, bytes)) {                                            \
            CUdeviceptr begin = 0;                                                                    \
            CUresult made = alq_movable_create(&begin, bytes, &place);                                \
            if (made == CUDA_SUCCESS) {                                                               \
                *address = (type)begin;                                                               \
            }                                                                                         \
            return made;                                                                              \
        }                                                                                             \
        struct alq_taking taking = alq_taking_of(plain);                                              \
        if (!alq_taking_begin(&taking, bytes)) {                                                      \
            return CUDA_ERROR_OUT_OF_MEMORY;                                                          \
        }                                                                                             \
        CUresult result = ALQ_CALL(name, address, bytes);                                             \
        return alq_taking_end(&taking, result, result == CUDA_SUCCESS ? *address : 0, bytes);         \
    }

ALQ_ALLOC(cuMemAlloc_v2, CUdeviceptr, size_t, true)
ALQ_ALLOC(cuMemAlloc, CUdeviceptr_v1, unsigned int, false)

CUresult alq_hook_cuMemAllocManaged(CUdeviceptr *address, size_t bytes, unsigned int flags)
{
    ALQ_IN_FLIGHT(cuMemAllocManaged, address, bytes, flags);
    if (address == NULL || bytes == 0) {
        return ALQ_CALL(cuMemAllocManaged, address, bytes, flags);
    }
    struct alq_taking taking = alq_taking_of(false);
    /* flags that no driver takes are the driver's to refuse; what it makes of them all the same is charged after it */
    bool odd = flags != CU_MEM_ATTACH_GLOBAL && flags != CU_MEM_ATTACH_HOST;
    if (!odd && !alq_taking_begin(&taking, bytes)) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    CUresult result = ALQ_CALL(cuMemAllocManaged, address, bytes, flags);
    return alq_taking_end(&taking, result, result == CUDA_SUCCESS ? *address : 0, bytes);
}

/* What rows of that width take before the driver has chosen the pitch. */
static uint64_t alq_pitch_size(uint64_t width_bytes, uint64_t height)
{
    return alq_mul(alq_add(width_bytes, ALQ_PITCH_BYTES - 1) / ALQ_PITCH_BYTES * ALQ_PITCH_BYTES, height);
}

/* The widest row that drivers take, less what rounding adds to it; a wider one is the driver's to refuse. */
#define ALQ_MOVABLE_ROW_BYTES (1ull << 30)

/* Movable memory for rows of that width. Its pitch is the one that drivers choose for rows this wide. */
static CUresult alq_pitch_movable(
    CUdeviceptr *address, size_t *pitch_bytes, size_t width_bytes, size_t height, const struct alq_place *place)
{
    size_t pitch = (width_bytes + ALQ_PITCH_BYTES - 1) / ALQ_PITCH_BYTES * ALQ_PITCH_BYTES;
    CUresult result = alq_movable_create(address, alq_mul(pitch, height), place);
    if (result == CUDA_SUCCESS) {
        *pitch_bytes = pitch;
    }
    return result;
}

/* Sizes of an element that no driver takes: the driver's to refuse. */
static bool alq_element_odd(unsigned int element_bytes)
{
    return element_bytes != 4 && element_bytes != 8 && element_bytes != 16;
}

#define ALQ_ALLOC_PITCH(name, type, bytes_type, plain)                                                                       \
    CUresult alq_hook_##name(                                                                                                \
        type *address, bytes_type *pitch_bytes, bytes_type width_bytes, bytes_type height, unsigned int element_bytes)       \
    {                                                                                                                        \
        ALQ_IN_FLIGHT(name, address, pitch_bytes, width_bytes, height, element_bytes);                                       \
        if (address == NULL || pitch_bytes == NULL || width_bytes == 0 || height == 0) {                                     \
            return ALQ_CALL(name, address, pitch_bytes, width_bytes, height, element_bytes);                                 \
        }                                                                                                                    \
        struct alq_place place;                                                                                              \
        if (plain && !alq_element_odd(element_bytes) && width_bytes <= ALQ_MOVABLE_ROW_BYTES                                 \
            && alq_becomes_movable(&place, alq_pitch_size(width_bytes, height))) {                                           \
            return alq_pitch_movable((CUdeviceptr *)address, (size_t *)pitch_bytes, width_bytes, height, &place);            \
        }                                                                                                                    \
        struct alq_taking taking = alq_taking_of(plain);                                                                     \
        if (!alq_element_odd(element_bytes) && !alq_taking_begin(&taking, alq_pitch_size(width_bytes, height))) {            \
            return CUDA_ERROR_OUT_OF_MEMORY;                                                                                 \
        }                                                                                                                    \
        CUresult result = ALQ_CALL(name, address, pitch_bytes, width_bytes, height, element_bytes);                          \
        bool made = result == CUDA_SUCCESS;                                                                                  \
        return alq_taking_end(&taking, result, made ? *address : 0, made ? alq_mul(*pitch_bytes, height) : 0);               \
    }

ALQ_ALLOC_PITCH(cuMemAllocPitch_v2, CUdeviceptr, size_t, true)
ALQ_ALLOC_PITCH(cuMemAllocPitch, CUdeviceptr_v1, unsigned int, false)

CUresult alq_hook_cuMemFree_v2(CUdeviceptr address)
{
    ALQ_IN_FLIGHT(cuMemFree_v2, address);
    struct alq_freeing freeing;
    CUresult result;
    if (alq_movable_free(address, &result)) {
        return result;
    }
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
