/*
 * The simulated driver inside one process: what every cuda_*.c file shares.
 *
 * Glossary
 *   ordinal   a device as this process counts it (after CUDA_VISIBLE_DEVICES); CUdevice is an ordinal
 *   handle    what a program holds: the address of a slot in one arena, so that any value can be checked without a crash
 *   window    the device address range of the process; nothing is mapped there, a host access faults
 *   shadow    the same bytes at another address, where the simulator itself reads and writes them
 *   range     a part of the window with memory behind it: an allocation, a mapping, a pool segment
 *   work      one thing a device does: a kernel, a copy, a fill, a host call; a graph node carries the same
 *   op        work queued on a stream
 *   mark      one recording of an event
 *   gate      what holds every call while the process is locked for a checkpoint
 *
 * Locks, outermost first: process.mutex (rare operations), context, pool, stream, graph memory, address space. Launches and
 * copies take the stream's lock only.
 *
 * Failure contract
 *   Bad arguments get the driver's code and change nothing. A failure of the device itself (a wild store) sticks to the
 *   context: every later call in it gets the same code until the context is destroyed. Nothing here prints or exits.
 */
#ifndef SIM_CUDA_CORE_H
#define SIM_CUDA_CORE_H

#pragma GCC visibility push(default)
#include <aliquot/cuda_abi.h>
#pragma GCC visibility pop

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "node.h"

#define SIM_PAGE_BYTES (2ull << 20) /* physical granularity of the device */
#define SIM_UNIT_BYTES 512ull       /* granularity of small allocations */
#define SIM_STACK_DEPTH 64
#define SIM_PER_THREAD_STREAMS 8

enum sim_kind {
    SIM_KIND_FREE = 0,
    SIM_KIND_CONTEXT = 0x51c0,
    SIM_KIND_GREEN,
    SIM_KIND_STREAM,
    SIM_KIND_EVENT,
    SIM_KIND_RANGE,
    SIM_KIND_PHYSICAL,
    SIM_KIND_POOL,
    SIM_KIND_ARRAY,
    SIM_KIND_MIPMAP,
    SIM_KIND_MODULE,
    SIM_KIND_FUNCTION,
    SIM_KIND_LIBRARY,
    SIM_KIND_GRAPH,
    SIM_KIND_NODE,
    SIM_KIND_EXEC,
    SIM_KIND_USER_OBJECT,
    SIM_KIND_LINK,
    SIM_KIND_RESOURCE,
    SIM_KIND_DEAD_STREAM,
};

struct sim_head {
    _Atomic uint32_t kind;
    uint32_t reserved;
};

struct sim_stream;
struct sim_context;
struct sim_range;
struct sim_pool;
struct sim_graph_memory;

/* ---- handles (cuda_handle.c) ---- */

/* A zeroed slot of SIM_SLOT_BYTES; NULL when the arena is full. */
#define SIM_SLOT_BYTES 512u
void *sim_handle_new(enum sim_kind kind);
void sim_handle_free(void *slot);
bool sim_handle_is(const void *handle, enum sim_kind kind);

/* ---- process, threads, calls (cuda_init.c, cuda_call.c) ---- */

struct sim_thread {
    int depth;              /* nested API calls; only the outermost passes the gate */
    _Atomic uint32_t in_call;
    int top;
    struct sim_context *stack[SIM_STACK_DEPTH];
    CUstreamCaptureMode mode;
    int captures; /* captures begun by this thread and not ended, other than relaxed ones */
    struct sim_stream *own[SIM_PER_THREAD_STREAMS];
    struct sim_thread *next;
};

struct sim_process {
    _Atomic bool ready;  /* cuInit succeeded in this process */
    _Atomic bool forked; /* a child of a process that had initialised: never usable */
    _Atomic uint32_t gate;
    _Atomic int captures;        /* active captures of any mode */
    _Atomic int global_captures; /* active captures begun in global mode */
    _Atomic uint64_t next_id;
    pthread_mutex_t mutex;
    int device_count;
    uint32_t device[SIM_MAX_DEVICES]; /* ordinal to index in the node */
    struct sim_context *primary[SIM_MAX_DEVICES];
    unsigned primary_flags[SIM_MAX_DEVICES];
    struct sim_pool *default_pool[SIM_MAX_DEVICES];
    struct sim_pool *current_pool[SIM_MAX_DEVICES];
    struct sim_thread *threads;
    struct sim_context *contexts;
    _Atomic int imported; /* imported handles alive: such a process cannot be restored */
    bool managed;         /* managed memory was used: no checkpoint */
};
extern struct sim_process sim_process;

struct sim_call {
    struct sim_thread *thread;
    struct sim_context *ctx;
};
CUresult sim_enter(struct sim_call *call);
CUresult sim_enter_context(struct sim_call *call);
void sim_leave(struct sim_call *call);
/* Refuses what must not happen while a stream is being captured, and spoils that capture. */
CUresult sim_unsafe(struct sim_call *call);
struct sim_thread *sim_thread_self(void);
void sim_gate_close(void);
void sim_gate_open(void);
/* Waits until no call is inside the driver; false after timeout_ms (0: no limit). */
bool sim_gate_drain(uint32_t timeout_ms);

/* Every exported function that needs an initialised driver begins with one of these. */
#define SIM_ENTER()                                                           \
    struct sim_call call __attribute__((cleanup(sim_leave))) = {NULL, NULL};  \
    do {                                                                      \
        CUresult entered_ = sim_enter(&call);                                 \
        if (entered_ != CUDA_SUCCESS) return entered_;                        \
    } while (0)
#define SIM_ENTER_CONTEXT()                                                   \
    struct sim_call call __attribute__((cleanup(sim_leave))) = {NULL, NULL};  \
    do {                                                                      \
        CUresult entered_ = sim_enter_context(&call);                         \
        if (entered_ != CUDA_SUCCESS) return entered_;                        \
    } while (0)
#define SIM_TRY(expression)                                                   \
    do {                                                                      \
        CUresult tried_ = (expression);                                       \
        if (tried_ != CUDA_SUCCESS) return tried_;                            \
    } while (0)
#define SIM_NEED(condition)                                                   \
    do {                                                                      \
        if (!(condition)) return CUDA_ERROR_INVALID_VALUE;                    \
    } while (0)

/* The default stream of a _ptsz or _ptds variant is the calling thread's own. */
static inline CUstream sim_pts(CUstream stream) {
    return stream == NULL ? CU_STREAM_PER_THREAD : stream;
}

static inline bool sim_ordinal_ok(int ordinal) {
    return ordinal >= 0 && ordinal < sim_process.device_count;
}
static inline uint64_t sim_new_id(void) {
    return atomic_fetch_add_explicit(&sim_process.next_id, 1, memory_order_relaxed) + 1;
}
static inline uint64_t sim_round_up(uint64_t value, uint64_t unit) {
    return value > UINT64_MAX - unit ? UINT64_MAX - UINT64_MAX % unit : (value + unit - 1) / unit * unit;
}

/* ---- contexts (cuda_context.c) ---- */

struct sim_context {
    struct sim_head head;
    int ordinal;
    uint32_t device;
    bool primary;
    _Atomic bool dying; /* being destroyed: running work stops early */
    unsigned flags;
    unsigned version;
    int retained;
    uint64_t id;
    _Atomic int sticky; /* CUresult of a failure of the device */
    pthread_mutex_t mutex;
    struct sim_stream *legacy;
    struct sim_stream *streams;
    struct sim_range *ranges;
    void *modules;
    void *arrays;
    _Atomic int busy_streams; /* blocking streams, other than the legacy one, with queued ops */
    _Atomic int captures;     /* captures on blocking streams of this context */
    size_t limits[CU_LIMIT_MAX];
    CUfunc_cache cache;
    CUsharedconfig bank;
    uint32_t peers;
    struct sim_context *next;
};

static inline bool sim_context_ok(const void *handle) {
    return sim_handle_is(handle, SIM_KIND_CONTEXT);
}
/* The device failed: every later call in the context answers result. The first failure stays. */
void sim_context_fail(struct sim_context *ctx, CUresult result);
/* Waits for everything queued in the context. */
CUresult sim_context_drain(struct sim_context *ctx);
void sim_context_drain_all(void);
/* A context nobody has current; the cost is charged. */
CUresult sim_context_make(struct sim_context **out, int ordinal, unsigned flags, unsigned version);
void sim_context_unmake(struct sim_context *ctx);

#endif
