/*
 * Hooks of calls that take memory nobody can count beforehand: the call goes to the driver as it is, handles and flags untouched, and the agent
 * is asked to look afterwards.
 */
#ifndef ALIQUOT_INTERPOSER_SETTLED_H
#define ALIQUOT_INTERPOSER_SETTLED_H

#include "devices.h"
#include "hooks.h"

/* The call has succeeded: something has been brought in from outside, or given up. */
static inline CUresult alq_settled(CUresult result)
{
    struct alq_place place;
    if (result == CUDA_SUCCESS && alq_place_current(&place)) {
        alq_settle(place.device);
    }
    return result;
}

static inline CUresult alq_settled_lazily(CUresult result)
{
    struct alq_place place;
    if (result == CUDA_SUCCESS && alq_place_current(&place)) {
        alq_settle_lazily(place.device);
    }
    return result;
}

/* Whether the tenant has no room left at all on the current device: then nothing that takes an unknown amount may start. */
static inline bool alq_room_is_gone(void)
{
    struct alq_place place;
    if (alq_place_current(&place) && alq_charge_free_bytes(place.device) == 0) {
        alq_charge_refused();
        return true;
    }
    return false;
}

/* alq_hook_<name>: passes on, then settles. */
#define ALQ_SETTLED(name, parameters, ...)               \
    CUresult alq_hook_##name parameters                  \
    {                                                     \
        ALQ_PASS_WHEN_TRANSPARENT(name, __VA_ARGS__);     \
        return alq_settled(ALQ_CALL(name, __VA_ARGS__));  \
    }

/* The same, at most every so often. */
#define ALQ_SETTLED_LAZILY(name, parameters, ...)              \
    CUresult alq_hook_##name parameters                        \
    {                                                           \
        ALQ_PASS_WHEN_TRANSPARENT(name, __VA_ARGS__);           \
        return alq_settled_lazily(ALQ_CALL(name, __VA_ARGS__)); \
    }

/* What is free of the current device, by the driver; 0 where it does not say. */
static inline uint64_t alq_driver_free_bytes(void)
{
    size_t free_bytes = 0;
    size_t total_bytes = 0;
    return ALQ_CALL(cuMemGetInfo_v2, &free_bytes, &total_bytes) == CUDA_SUCCESS ? free_bytes : 0;
}

/* Code that takes this much of the device (large variables in it) is not left to the agent's next look. */
#define ALQ_LARGE_LOAD_BYTES (8ull << 20)

/* After code has been loaded: false where it has taken the tenant past its limit, and has to go again. */
static inline bool alq_load_fits(uint64_t free_before_bytes)
{
    struct alq_place place;
    if (!alq_place_current(&place)) {
        return true;
    }
    if (alq_sub(free_before_bytes, alq_driver_free_bytes()) < ALQ_LARGE_LOAD_BYTES) {
        alq_settle_lazily(place.device);
        return true;
    }
    alq_settle(place.device);
    if (!alq_charge_passed(place.device)) {
        return true;
    }
    alq_charge_refused();
    return false;
}

/* alq_hook_<name>: refused when there is no room at all, undone by unload(*loaded) when it turns out to pass the limit. */
#define ALQ_LOAD(name, loaded, unload, parameters, ...)                      \
    CUresult alq_hook_##name parameters                                     \
    {                                                                        \
        ALQ_PASS_WHEN_TRANSPARENT(name, __VA_ARGS__);                        \
        if (alq_room_is_gone()) {                                            \
            return CUDA_ERROR_OUT_OF_MEMORY;                                 \
        }                                                                    \
        uint64_t free_before_bytes = alq_driver_free_bytes();                \
        CUresult result = ALQ_CALL(name, __VA_ARGS__);                       \
        if (result == CUDA_SUCCESS && !alq_load_fits(free_before_bytes)) {   \
            ALQ_CALL(unload, *loaded);                                       \
            alq_settled(CUDA_SUCCESS);                                       \
            return CUDA_ERROR_OUT_OF_MEMORY;                                 \
        }                                                                    \
        return result;                                                       \
    }

/* The device of memory that has been brought in: its own where the driver says it, else the current one. */
static inline bool alq_place_of_address(CUdeviceptr address, struct alq_place *place)
{
    int ordinal = -1;
    if (ALQ_CALL(cuPointerGetAttribute, &ordinal, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL, address) != CUDA_SUCCESS) {
        return alq_place_current(place);
    }
    *place = (struct alq_place){.ordinal = ordinal, .device = alq_device_index(ordinal)};
    return true;
}

/* The same for a handle; false for host memory. */
static inline bool alq_place_of_handle(CUmemGenericAllocationHandle handle, struct alq_place *place)
{
    CUmemAllocationProp properties;
    if (ALQ_CALL(cuMemGetAllocationPropertiesFromHandle, &properties, handle) != CUDA_SUCCESS) {
        return alq_place_current(place);
    }
    CUdevice ordinal = properties.location.id;
    *place = (struct alq_place){.ordinal = ordinal, .device = alq_device_index(ordinal)};
    return properties.location.type == CU_MEM_LOCATION_TYPE_DEVICE;
}

static inline bool alq_place_of_external(CUexternalMemory memory, struct alq_place *place)
{
    (void)memory;
    return alq_place_current(place);
}

/* Whether the tenant, with what it has just brought in, holds no more than its limit. */
static inline bool alq_import_fits(const struct alq_place *place)
{
    alq_settle(place->device);
    if (!alq_charge_passed(place->device)) {
        return true;
    }
    alq_charge_refused();
    return false;
}

/* alq_hook_<name>: passes on, then settles; undone by undo(*imported) where the tenant has passed its limit. What a process of the
 * tenant has made is not counted twice, so it can always be imported while the tenant is within its limit. From then on the process is
 * never bare. */
#define ALQ_IMPORT(name, ...) ALQ_IMPORT_AS(CUresult alq_hook_##name, name, __VA_ARGS__)

/* The same as another function than the hook. */
#define ALQ_IMPORT_AS(function, name, imported, place_of, undo, parameters, ...)                           \
    function parameters                                                                                    \
    {                                                                                                      \
        ALQ_PASS_WHEN_TRANSPARENT(name, __VA_ARGS__);                                                      \
        struct alq_place place;                                                                            \
        alq_bare_never();                                                                                  \
        CUresult result = ALQ_CALL(name, __VA_ARGS__);                                                     \
        if (result == CUDA_SUCCESS && place_of(*imported, &place) && !alq_import_fits(&place)) {           \
            ALQ_CALL(undo, *imported);                                                                     \
            alq_settle(place.device);                                                                      \
            return CUDA_ERROR_OUT_OF_MEMORY;                                                               \
        }                                                                                                  \
        return result;                                                                                     \
    }

/* Passes on and settles at most every so often, refused when there is no room at all. */
#define ALQ_SETTLED_IF_ROOM(name, parameters, ...)             \
    CUresult alq_hook_##name parameters                        \
    {                                                           \
        ALQ_PASS_WHEN_TRANSPARENT(name, __VA_ARGS__);           \
        if (alq_room_is_gone()) {                               \
            return CUDA_ERROR_OUT_OF_MEMORY;                    \
        }                                                       \
        return alq_settled_lazily(ALQ_CALL(name, __VA_ARGS__)); \
    }

#endif
