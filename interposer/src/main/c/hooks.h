/*
 * What every hook is made of. Only in the CUDA stand-in.
 *
 * Contract of a hook: it has the real function's type; it answers what the driver answers, except CUDA_ERROR_OUT_OF_MEMORY where
 * the tenant's limit forbids the call; it passes NULL and nonsense on to the driver; it calls the driver with no lock held; it
 * keeps errno; it is transparent before CUDA is started, and when the driver itself is what calls it.
 *
 * Known bounds, left to the agent's own look at the device: programs that this library is not in (static, set-uid, of a C library that
 * cannot load the driver either); dlmopen into another namespace; the driver's private tables; memory that lives on in an exported
 * descriptor; managed memory moved to another device than it was charged to; the blocks of small allocations as far as small.h says.
 * A hook that is left by longjmp leaves its thread uncharged from then on; CUDA itself does not allow that.
 */
#ifndef ALIQUOT_INTERPOSER_HOOKS_H
#define ALIQUOT_INTERPOSER_HOOKS_H

#include <aliquot/cuda_abi.h>

#include "bare.h"
#include "charge.h"
#include "gate.h"
#include "library.h"

#define ALQ_DECLARE_charged(name) extern __typeof__(name) alq_hook_##name;
#define ALQ_DECLARE_released(name) extern __typeof__(name) alq_hook_##name;
#define ALQ_DECLARE_settled(name) extern __typeof__(name) alq_hook_##name;
#define ALQ_DECLARE_queried(name) extern __typeof__(name) alq_hook_##name;
#define ALQ_DECLARE_routed(name) extern __typeof__(name) alq_hook_##name;
#define ALQ_DECLARE_watched(name) extern __typeof__(name) alq_hook_##name;
#define ALQ_DECLARE_free(name)
#define PASS(name)
#define DATA(name)
#define GATE(name) extern __typeof__(name) alq_hook_##name;
#define HOOK(name, family, class) ALQ_DECLARE_##class(name)
#define GATED(name, family, class) ALQ_DECLARE_##class(name)
#include ALQ_TABLE
#undef PASS
#undef DATA
#undef GATE
#undef HOOK
#undef GATED

/* How deep this thread is in calls of the driver made by hooks: what the driver calls itself is not charged again. */
extern __thread int alq_depth __attribute__((tls_model("initial-exec")));

/* Calls the driver from a hook. */
#define ALQ_CALL(name, ...)                          \
    ({                                               \
        alq_bare_pass();                             \
        alq_depth++;                                 \
        CUresult alq_r_ = ALQ_REAL(name)(__VA_ARGS__); \
        alq_depth--;                                 \
        alq_r_;                                      \
    })

/* The same inside the gate: in the hook of a GATED row around the call that the row is there for, and around nothing else. */
#define ALQ_CALL_GATED(name, ...)                         \
    ({                                                    \
        bool alq_entered_ = alq_gate_enter();             \
        CUresult alq_g_ = ALQ_CALL(name, __VA_ARGS__);    \
        alq_gate_leave(alq_entered_);                     \
        alq_g_;                                           \
    })

/* Passes a call on through the gate, with what the driver calls itself left to the hooks as ever. */
#define ALQ_PASS_GATED(name, ...)                            \
    ({                                                       \
        bool alq_entered_ = alq_gate_enter();                \
        CUresult alq_g_ = ALQ_REAL(name)(__VA_ARGS__);       \
        alq_gate_leave(alq_entered_);                        \
        alq_g_;                                              \
    })

/*
 * For a process that is not attached: whether the driver runs all the same, because somebody started it without our cuInit (a private
 * table of the driver, a pointer of a library that was there first). Then this attaches; where that fails nothing can be charged, and
 * whatever takes memory is refused. A forked child's driver does not run.
 */
bool alq_driver_is_running(void);

/* Whether this call is none of our business. */
static inline bool alq_transparent(void)
{
    return alq_depth != 0 || (__builtin_expect(!alq_charge_attached(), 0) && !alq_driver_is_running());
}

#define ALQ_PASS_WHEN_TRANSPARENT(name, ...)    \
    do {                                        \
        if (__builtin_expect(alq_transparent(), 0)) { \
            return ALQ_REAL(name)(__VA_ARGS__); \
        }                                       \
    } while (0)

/* The same, and the rest of the hook is in flight: `used` and what the driver holds may differ until it returns. */
#define ALQ_IN_FLIGHT(name, ...)                  \
    ALQ_PASS_WHEN_TRANSPARENT(name, __VA_ARGS__); \
    __attribute__((unused, cleanup(alq_flight_land))) bool alq_flight_ = alq_flight_begin()

static inline void alq_flight_land(bool *begun)
{
    if (*begun) {
        alq_flight_end();
    }
}

#endif
