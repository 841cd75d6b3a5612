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

/* The same, refused when there is no room at all. */
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
