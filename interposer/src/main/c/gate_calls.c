/*
 * The hooks of the GATE rows: enter, call, leave. The trampoline comes here once the gate is armed; before that it goes straight to the
 * driver. gate_calls.def is written by gate_calls.awk when this is built.
 */
#include "hooks.h"

#define GATE_CALL(name, parameters, ...)          \
    CUresult alq_hook_##name parameters           \
    {                                             \
        return ALQ_PASS_GATED(name, __VA_ARGS__); \
    }
#include "gate_calls.def"
