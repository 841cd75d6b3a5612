/*
 * Graphs with alloc nodes. Instantiating one is looked at node by node; what it needs of each device is remembered by its exec. Before
 * a launch or an upload the growth of the device's graph memory is charged, and corrected after it by the driver's own figure. What graphs do to
 * movable blocks is noted (graph_notes.h), and passed on from a graph to its executables here.
 */
#include "graph.h"

#include "fork.h"
#include "graph_blocks.h"
#include "graph_need.h"
#include "graph_notes.h"
#include "hooks.h"
#include "kept.h"
#include "movable.h"
#include "pointers.h"
#include "pool.h"
#include "pool_movable.h"

static uint32_t alq_graphs_seen;

bool alq_graph_seen(void)
{
    return __atomic_load_n(&alq_graphs_seen, __ATOMIC_RELAXED) != 0;
}

void alq_graph_see(bool seen)
{
    if (seen) {
        __atomic_store_n(&alq_graphs_seen, 1, __ATOMIC_RELAXED);
    }
}

void alq_graph_after_fork(void)
{
    alq_graphs_seen = 0;
}

/* Remembers what an exec needs. */
static void alq_exec_keep(CUgraphExec exec, const struct alq_need *need)
{
    for (uint32_t device = 0; device < ALQ_MAX_DEVICES; device++) {
        if (need->devices[device].peak_bytes != 0) {
            struct alq_place place = {.ordinal = need->devices[device].ordinal, .device = (int)device};
            struct alq_holding holding = {.bytes = need->devices[device].peak_bytes,
                .device = (int)device,
                .pool = alq_pool_of_graphs(&place)};
            alq_pointers_put(ALQ_SPACE_EXEC + device, (uintptr_t)exec, &holding);
        }
    }
}

static void alq_exec_load(CUgraphExec exec, struct alq_need *need)
{
    for (uint32_t device = 0; device < ALQ_MAX_DEVICES; device++) {
        struct alq_holding holding;
        if (alq_pointers_get(ALQ_SPACE_EXEC + device, (uintptr_t)exec, &holding) && holding.pool != NULL) {
            need->devices[device].peak_bytes = holding.bytes;
            need->devices[device].ordinal = alq_pool_place(holding.pool)->ordinal;
        }
    }
}

/* Charges what the graph memory may grow by; all devices or none. pending_bytes has what was charged. */
static bool alq_growth_begin(const struct alq_need *need, uint64_t pending_bytes[ALQ_MAX_DEVICES])
{
    for (uint32_t device = 0; device < ALQ_MAX_DEVICES; device++) {
        uint64_t reserved_bytes = 0;
        uint64_t in_use_bytes = 0;
        struct alq_place place = {.ordinal = need->devices[device].ordinal, .device = (int)device};
        struct alq_pool *pool = need->devices[device].peak_bytes == 0 ? NULL : alq_pool_of_graphs(&place);
        pending_bytes[device] = 0;
        if (pool == NULL || !alq_pool_figures(pool, &reserved_bytes, &in_use_bytes)) {
            continue;
        }
        uint64_t growth_bytes = alq_pool_growth_bytes(need->devices[device].peak_bytes);
        bool fits = alq_fixed_fits((int)device, growth_bytes) && alq_charge_within_credit((int)device, growth_bytes);
        if (!fits && need->devices[device].peak_bytes <= alq_sub(reserved_bytes, in_use_bytes)) {
            growth_bytes = 0;
            fits = true;
        }
        if (!fits && !alq_take_fixed((int)device, growth_bytes)) {
            while (device-- > 0) {
                alq_uncharge((int)device, pending_bytes[device]);
            }
            return false;
        }
        pending_bytes[device] = growth_bytes;
    }
    return true;
}

static void alq_growth_end(const struct alq_need *need, const uint64_t pending_bytes[ALQ_MAX_DEVICES])
{
    for (uint32_t device = 0; device < ALQ_MAX_DEVICES; device++) {
        if (need->devices[device].peak_bytes != 0) {
            struct alq_place place = {.ordinal = need->devices[device].ordinal, .device = (int)device};
            alq_pool_settle(alq_pool_of_graphs(&place));
            alq_uncharge((int)device, pending_bytes[device]);
            /* what a launch has taken cannot be given back: at least let the agent know */
            alq_charge_covered((int)device);
        }
    }
}

/* A graph that is uploaded as it is instantiated takes its memory at once. */
#define ALQ_INSTANTIATE(name, upload, parameters, ...)                                   \
    CUresult alq_hook_##name parameters                                                  \
    {                                                                                     \
        ALQ_IN_FLIGHT(name, __VA_ARGS__);                                     \
        if (!alq_graph_seen() && !alq_notes_any(ALQ_OF_GRAPH)) {                          \
            return ALQ_PASS_GATED(name, __VA_ARGS__);                                     \
        }                                                                                 \
        struct alq_need need = {0};                                                       \
        uint64_t pending_bytes[ALQ_MAX_DEVICES] = {0};                                    \
        bool takes = upload;                                                              \
        if (alq_graph_seen()) {                                                           \
            alq_need_graph(&need, graph, 0);                                              \
        }                                                                                 \
        if (need.forbidden) {                                                             \
            alq_charge_refused();                                                         \
            return CUDA_ERROR_OUT_OF_MEMORY;                                              \
        }                                                                                 \
        if (takes && !alq_growth_begin(&need, pending_bytes)) {                           \
            return CUDA_ERROR_OUT_OF_MEMORY;                                              \
        }                                                                                 \
        CUresult result = ALQ_CALL_GATED(name, __VA_ARGS__);                              \
        if (takes) {                                                                      \
            alq_growth_end(&need, pending_bytes);                                         \
        }                                                                                 \
        if (result == CUDA_SUCCESS && exec != NULL) {                                     \
            alq_exec_keep(*exec, &need);                                                  \
            alq_notes_copy(ALQ_OF_GRAPH, alq_note_owner(graph), ALQ_OF_EXEC, alq_note_owner(*exec)); \
        }                                                                                 \
        return result;                                                                    \
    }

ALQ_INSTANTIATE(cuGraphInstantiate, false,
    (CUgraphExec * exec, CUgraph graph, CUgraphNode *error_node, char *log, size_t log_bytes), exec, graph, error_node, log,
    log_bytes)
ALQ_INSTANTIATE(cuGraphInstantiate_v2, false,
    (CUgraphExec * exec, CUgraph graph, CUgraphNode *error_node, char *log, size_t log_bytes), exec, graph, error_node, log,
    log_bytes)
ALQ_INSTANTIATE(cuGraphInstantiateWithFlags, (flags & CUDA_GRAPH_INSTANTIATE_FLAG_UPLOAD) != 0,
    (CUgraphExec * exec, CUgraph graph, unsigned long long flags), exec, graph, flags)
ALQ_INSTANTIATE(cuGraphInstantiateWithParams, parameters != NULL && (parameters->flags & CUDA_GRAPH_INSTANTIATE_FLAG_UPLOAD) != 0,
    (CUgraphExec * exec, CUgraph graph, CUDA_GRAPH_INSTANTIATE_PARAMS *parameters), exec, graph, parameters)
ALQ_INSTANTIATE(cuGraphInstantiateWithParams_ptsz,
    parameters != NULL && (parameters->flags & CUDA_GRAPH_INSTANTIATE_FLAG_UPLOAD) != 0,
    (CUgraphExec * exec, CUgraph graph, CUDA_GRAPH_INSTANTIATE_PARAMS *parameters), exec, graph, parameters)

/* Without alloc nodes and notes of executables anywhere in the process: two loads, and on to the driver. */
#define ALQ_RUN(name, launches, own_stream)                             \
    CUresult alq_hook_##name(CUgraphExec exec, CUstream stream)         \
    {                                                                   \
        if (__builtin_expect(!alq_graph_seen(), 1) && !alq_notes_any(ALQ_OF_EXEC)) { \
            return ALQ_PASS_GATED(name, exec, stream);                  \
        }                                                               \
        ALQ_IN_FLIGHT(name, exec, stream);                              \
        if (launches && !alq_graph_may_launch(exec, own_stream)) {      \
            return CUDA_ERROR_INVALID_VALUE;                            \
        }                                                               \
        struct alq_need need = {0};                                     \
        uint64_t pending_bytes[ALQ_MAX_DEVICES];                        \
        alq_exec_load(exec, &need);                                     \
        if (!alq_growth_begin(&need, pending_bytes)) {                  \
            return CUDA_ERROR_OUT_OF_MEMORY;                            \
        }                                                               \
        CUresult result = ALQ_CALL_GATED(name, exec, stream);           \
        alq_growth_end(&need, pending_bytes);                           \
        if (launches && result == CUDA_SUCCESS) {                       \
            alq_graph_launched(exec, own_stream);                       \
        }                                                               \
        return result;                                                  \
    }

/* In the per-thread variants the stream 0 is the thread's own. */
#define ALQ_OWN_STREAM(stream) ((stream) == NULL ? CU_STREAM_PER_THREAD : (stream))

ALQ_RUN(cuGraphUpload, false, stream)
ALQ_RUN(cuGraphUpload_ptsz, false, ALQ_OWN_STREAM(stream))
ALQ_RUN(cuGraphLaunch, true, stream)
ALQ_RUN(cuGraphLaunch_ptsz, true, ALQ_OWN_STREAM(stream))

CUresult alq_hook_cuGraphExecDestroy(CUgraphExec exec)
{
    alq_notes_drop(ALQ_OF_EXEC, alq_note_owner(exec));
    if (!alq_graph_seen()) {
        return ALQ_REAL(cuGraphExecDestroy)(exec);
    }
    ALQ_IN_FLIGHT(cuGraphExecDestroy, exec);
    struct alq_holding taken[ALQ_MAX_DEVICES];
    bool had[ALQ_MAX_DEVICES];
    for (uint32_t device = 0; device < ALQ_MAX_DEVICES; device++) {
        had[device] = alq_pointers_take(ALQ_SPACE_EXEC + device, (uintptr_t)exec, &taken[device]);
    }
    CUresult result = ALQ_CALL(cuGraphExecDestroy, exec);
    for (uint32_t device = 0; device < ALQ_MAX_DEVICES; device++) {
        if (had[device] && result != CUDA_SUCCESS) {
            alq_pointers_put(ALQ_SPACE_EXEC + device, (uintptr_t)exec, &taken[device]);
        } else if (had[device]) {
            alq_pool_settle(taken[device].pool);
        }
    }
    return result;
}

CUresult alq_hook_cuDeviceGraphMemTrim(CUdevice ordinal)
{
    ALQ_IN_FLIGHT(cuDeviceGraphMemTrim, ordinal);
    CUresult result = ALQ_CALL(cuDeviceGraphMemTrim, ordinal);
    struct alq_place place = {.ordinal = ordinal, .device = alq_device_index(ordinal)};
    struct alq_pool *pool = place.device < 0 ? NULL : alq_pool_of_graphs(&place);
    if (pool != NULL && alq_pool_movable_bytes(pool) != 0) {
        alq_kept_trim(pool, UINT64_MAX);
    }
    if (alq_graph_seen()) {
        alq_pool_settle_all(place.device);
    }
    return result;
}
