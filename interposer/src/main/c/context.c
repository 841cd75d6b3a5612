/*
 * Contexts. What a new one will take is charged as an estimate while it is made, so that the credit for it is there; then the estimate is
 * withdrawn and the agent moves that credit into the overhead, by what the driver really took. A context that goes takes with it
 * what was allocated in it.
 */
#include <time.h>

#include "capture.h"
#include "contexts.h"
#include "drain.h"
#include "fork.h"
#include "gate.h"
#include "kept.h"
#include "movable.h"
#include "mover.h"
#include "pointers.h"
#include "pool.h"
#include "settled.h"
#include "small.h"
#include "virtual.h"

#define ALQ_ORDINALS 64

/* Primary contexts by ordinal, to know what goes with them. */
static CUcontext alq_primaries[ALQ_ORDINALS];
/* Threads that are making a primary context right now, with its estimate charged. */
static uint32_t alq_primary_makers[ALQ_ORDINALS];
/* Threads that charge it, and may be makers in a moment. */
static uint32_t alq_primary_tries[ALQ_ORDINALS];
static uint64_t alq_next_mark;

/* A context in the making. */
struct alq_making {
    int device;
    uint64_t estimate_bytes;
};

/* Charges the estimate. False: the limit forbids another context. */
static bool alq_making_begin(struct alq_making *making, CUdevice ordinal)
{
    const struct alq_control_page *control = alq_pages_control();
    *making = (struct alq_making){.device = alq_device_index(ordinal)};
    if (making->device < 0) {
        /* a device that is not there is the driver's to name; one that is not the tenant's has no room */
        return !alq_device_exists(ordinal);
    }
    if (control != NULL) {
        making->estimate_bytes = __atomic_load_n(&control->devices[making->device].context_estimate_bytes, __ATOMIC_ACQUIRE);
    }
    if (making->estimate_bytes == 0) {
        if (alq_charge_free_bytes(making->device) != 0) {
            return true;
        }
        alq_charge_refused();
        return false;
    }
    return alq_take(making->device, making->estimate_bytes);
}

static CUresult alq_making_end(const struct alq_making *making, CUresult result)
{
    alq_uncharge(making->device, making->estimate_bytes);
    alq_settle(making->device);
    return result;
}

/* Everything of a context that is about to be destroyed, and what to do once it is. From begin to end the gate is entered, and be it not
 * armed yet: the mover never meets a context that is going. */
struct alq_ending {
    uint64_t mark;
    int device;
    CUcontext context;
    bool gated;
};

static void alq_ending_begin(struct alq_ending *ending, CUcontext context, int device)
{
    *ending = (struct alq_ending){
        .mark = __atomic_add_fetch(&alq_next_mark, 1, __ATOMIC_RELAXED), .device = device, .context = context};
    alq_pointers_doom(context, ending->mark);
    ending->gated = alq_gate_enter_seen();
    alq_kept_doom(context, true);
    alq_drain_leave(context);
}

static void alq_ending_end(const struct alq_ending *ending, bool gone)
{
    if (gone) {
        alq_contexts_remove(ending->context);
        alq_movable_reap(ending->context);
    } else {
        alq_kept_doom(ending->context, false);
    }
    alq_gate_leave(ending->gated);
    if (!gone) {
        alq_pointers_spare(ending->mark);
        return;
    }
    struct alq_holding holding;
    while (alq_pointers_reap(ending->mark, &holding)) {
        alq_give(&holding);
    }
    alq_capture_forget(ending->context);
    alq_pool_settle_all(ending->device);
    alq_settle(ending->device);
}

static bool alq_primary_active(CUdevice ordinal)
{
    unsigned int flags;
    int active = 0;
    return ALQ_CALL(cuDevicePrimaryCtxGetState, ordinal, &flags, &active) == CUDA_SUCCESS && active != 0;
}

static bool alq_ordinal_fits(CUdevice ordinal)
{
    return ordinal >= 0 && ordinal < ALQ_ORDINALS;
}

/* Charges the estimate and counts a maker; who sees no try sees the maker that came of it. */
static bool alq_primary_try(struct alq_making *making, CUdevice ordinal)
{
    __atomic_add_fetch(&alq_primary_tries[ordinal], 1, __ATOMIC_ACQ_REL);
    bool begun = alq_making_begin(making, ordinal);
    if (begun) {
        __atomic_add_fetch(&alq_primary_makers[ordinal], 1, __ATOMIC_ACQ_REL);
    }
    __atomic_sub_fetch(&alq_primary_tries[ordinal], 1, __ATOMIC_ACQ_REL);
    return begun;
}

/*
 * Charges the estimate of a primary context. All threads of a process share that context: one that finds no room for a second
 * estimate waits for the thread that is making it, and *fresh becomes false when there is nothing left to make.
 */
static bool alq_primary_begin(struct alq_making *making, CUdevice ordinal, bool *fresh)
{
    if (!alq_ordinal_fits(ordinal)) {
        return alq_making_begin(making, ordinal);
    }
    while (!alq_primary_try(making, ordinal)) {
        /* nobody who waits here tries: the tries come to an end */
        while (__atomic_load_n(&alq_primary_tries[ordinal], __ATOMIC_ACQUIRE) != 0
            && __atomic_load_n(&alq_primary_makers[ordinal], __ATOMIC_ACQUIRE) == 0) {
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        }
        bool nobody = __atomic_load_n(&alq_primary_makers[ordinal], __ATOMIC_ACQUIRE) == 0;
        *fresh = !alq_primary_active(ordinal);
        if (!*fresh || nobody) {
            return !*fresh;
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return true;
}

CUresult alq_hook_cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice ordinal)
{
    ALQ_IN_FLIGHT(cuDevicePrimaryCtxRetain, context, ordinal);
    bool fresh = context != NULL && !alq_primary_active(ordinal);
    struct alq_making making;
    if (fresh && !alq_primary_begin(&making, ordinal, &fresh)) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    CUresult result = ALQ_CALL(cuDevicePrimaryCtxRetain, context, ordinal);
    if (fresh && alq_ordinal_fits(ordinal)) {
        __atomic_sub_fetch(&alq_primary_makers[ordinal], 1, __ATOMIC_RELEASE);
    }
    if (result == CUDA_SUCCESS && context != NULL && ordinal >= 0 && ordinal < ALQ_ORDINALS) {
        __atomic_store_n(&alq_primaries[ordinal], *context, __ATOMIC_RELEASE);
        alq_contexts_put(*context);
        alq_virtual_settle();
        alq_mover_listen(alq_device_index(ordinal));
    }
    return fresh ? alq_making_end(&making, result) : result;
}

static void alq_primary_ending(struct alq_ending *ending, CUdevice ordinal)
{
    CUcontext context =
        ordinal >= 0 && ordinal < ALQ_ORDINALS ? __atomic_load_n(&alq_primaries[ordinal], __ATOMIC_ACQUIRE) : NULL;
    alq_ending_begin(ending, context, alq_device_index(ordinal));
}

#define ALQ_PRIMARY_END(name)                                                                          \
    CUresult alq_hook_##name(CUdevice ordinal)                                                         \
    {                                                                                                  \
        ALQ_IN_FLIGHT(name, ordinal);                                                      \
        bool active = alq_primary_active(ordinal);                                                     \
        struct alq_ending ending;                                                                      \
        alq_primary_ending(&ending, ordinal);                                                          \
        CUresult result = ALQ_CALL_GATED(name, ordinal);                                               \
        alq_ending_end(&ending, result == CUDA_SUCCESS && active && !alq_primary_active(ordinal));     \
        return result;                                                                                 \
    }

ALQ_PRIMARY_END(cuDevicePrimaryCtxRelease)
ALQ_PRIMARY_END(cuDevicePrimaryCtxRelease_v2)

/* A reset destroys what is in the context even where it stays retained. */
#define ALQ_PRIMARY_RESET(name)                            \
    CUresult alq_hook_##name(CUdevice ordinal)             \
    {                                                      \
        ALQ_IN_FLIGHT(name, ordinal);          \
        struct alq_ending ending;                          \
        alq_primary_ending(&ending, ordinal);              \
        CUresult result = ALQ_CALL_GATED(name, ordinal);   \
        alq_ending_end(&ending, result == CUDA_SUCCESS);   \
        return result;                                     \
    }

ALQ_PRIMARY_RESET(cuDevicePrimaryCtxReset)
ALQ_PRIMARY_RESET(cuDevicePrimaryCtxReset_v2)

/* Green contexts are waited for with their primary context. */
#define ALQ_OWN_CONTEXT(context) _Generic(*(context), CUgreenCtx: NULL, default: (CUcontext)(void *)*(context))

#define ALQ_CONTEXT_CREATE(name, parameters, ...)                          \
    CUresult alq_hook_##name parameters                                    \
    {                                                                       \
        ALQ_IN_FLIGHT(name, __VA_ARGS__);                       \
        struct alq_making making;                                           \
        if (context == NULL) {                                              \
            return ALQ_CALL(name, __VA_ARGS__);                             \
        }                                                                   \
        if (!alq_making_begin(&making, ordinal)) {                          \
            return CUDA_ERROR_OUT_OF_MEMORY;                                \
        }                                                                   \
        CUresult result = ALQ_CALL(name, __VA_ARGS__);                      \
        if (result == CUDA_SUCCESS) {                                       \
            alq_contexts_put(ALQ_OWN_CONTEXT(context));                     \
            alq_virtual_settle();                                           \
            alq_mover_listen(making.device);                                \
        }                                                                   \
        return alq_making_end(&making, result);                             \
    }

ALQ_CONTEXT_CREATE(cuCtxCreate, (CUcontext * context, unsigned int flags, CUdevice ordinal), context, flags, ordinal)
ALQ_CONTEXT_CREATE(cuCtxCreate_v2, (CUcontext * context, unsigned int flags, CUdevice ordinal), context, flags, ordinal)
ALQ_CONTEXT_CREATE(cuCtxCreate_v3,
    (CUcontext * context, CUexecAffinityParam *affinities, int affinity_count, unsigned int flags, CUdevice ordinal), context,
    affinities, affinity_count, flags, ordinal)
ALQ_CONTEXT_CREATE(cuCtxCreate_v4, (CUcontext * context, CUctxCreateParams *parameters, unsigned int flags, CUdevice ordinal),
    context, parameters, flags, ordinal)
ALQ_CONTEXT_CREATE(cuGLCtxCreate, (CUcontext * context, unsigned int flags, CUdevice ordinal), context, flags, ordinal)
ALQ_CONTEXT_CREATE(cuGLCtxCreate_v2, (CUcontext * context, unsigned int flags, CUdevice ordinal), context, flags, ordinal)
ALQ_CONTEXT_CREATE(cuVDPAUCtxCreate,
    (CUcontext * context, unsigned int flags, CUdevice ordinal, uint32_t vdpau_device, void *get_address), context, flags,
    ordinal, vdpau_device, get_address)
ALQ_CONTEXT_CREATE(cuVDPAUCtxCreate_v2,
    (CUcontext * context, unsigned int flags, CUdevice ordinal, uint32_t vdpau_device, void *get_address), context, flags,
    ordinal, vdpau_device, get_address)
ALQ_CONTEXT_CREATE(cuGreenCtxCreate, (CUgreenCtx * context, CUdevResourceDesc description, CUdevice ordinal, unsigned int flags),
    context, description, ordinal, flags)
ALQ_SETTLED(cuCtxFromGreenCtx, (CUcontext * context, CUgreenCtx green), context, green)
ALQ_SETTLED(cuGreenCtxDestroy, (CUgreenCtx green), green)

#define ALQ_CONTEXT_DESTROY(name)                                                          \
    CUresult alq_hook_##name(CUcontext context)                                            \
    {                                                                                      \
        ALQ_IN_FLIGHT(name, context);                                          \
        struct alq_place place;                                                            \
        struct alq_ending ending;                                                          \
        bool known = alq_place_of_context(context, &place);                                \
        alq_ending_begin(&ending, context, known ? place.device : -1);                     \
        CUresult result = ALQ_CALL_GATED(name, context);                                   \
        alq_ending_end(&ending, result == CUDA_SUCCESS && known);                          \
        return result;                                                                     \
    }

ALQ_CONTEXT_DESTROY(cuCtxDestroy)
ALQ_CONTEXT_DESTROY(cuCtxDestroy_v2)

CUresult alq_hook_cuCtxDetach(CUcontext context)
{
    ALQ_IN_FLIGHT(cuCtxDetach, context);
    struct alq_place place;
    struct alq_ending ending;
    unsigned int version;
    bool known = alq_place_of_context(context, &place);
    alq_ending_begin(&ending, context, known ? place.device : -1);
    CUresult result = ALQ_CALL_GATED(cuCtxDetach, context);
    /* it goes with the last of its attachments */
    bool gone = result == CUDA_SUCCESS && known && ALQ_CALL(cuCtxGetApiVersion, context, &version) != CUDA_SUCCESS;
    alq_ending_end(&ending, gone);
    return result;
}

void alq_context_after_fork(void)
{
    for (int ordinal = 0; ordinal < ALQ_ORDINALS; ordinal++) {
        alq_primaries[ordinal] = NULL;
        alq_primary_makers[ordinal] = 0;
        alq_primary_tries[ordinal] = 0;
    }
}
