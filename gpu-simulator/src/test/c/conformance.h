/*
 * The conformance suite: what programs rely on from the CUDA driver, asked through the driver API alone.
 *
 * It passes unchanged on the simulator and on a real device (driver 570 and newer), so every assertion states what the real
 * driver does; where the real driver's answer is not documented or not certain, only "refused" is asserted (FAILS, ONE_OF).
 *
 * Glossary
 *   case    one behaviour, named subject.behaviour; runs in a process of its own that has made no CUDA call before
 *   peer    another process that a case starts, also without any CUDA call made before; its failure is the case's failure
 *   seam    how an entry point is found: by dlsym or by cuGetProcAddress_v2
 *   room    free device memory, as cuMemGetInfo gives it
 *
 * Failure contract
 *   The first assertion that does not hold ends the process it runs in and fails the case with file, line and values. A crash
 *   or a time limit passed fails the case. SKIP ends it with a reason that names what is missing. A case leaves nothing
 *   behind: its processes are in one group, which the runner ends after the case.
 */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include <aliquot/cuda_abi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define KIB (1024ull)
#define MIB (1024ull * KIB)
#define GIB (1024ull * MIB)

/* ---- cases (conformance_main.c) ------------------------------------------------------------------------------------------ */

struct conf_case {
    const char *subject;
    const char *behaviour;
    void (*run)(void);
    unsigned limit_s;
    struct conf_case *next;
};
void conf_register(struct conf_case *one);

#define CASE_WITHIN(subject_, behaviour_, seconds_)                                                                          \
    static void subject_##_##behaviour_(void);                                                                               \
    __attribute__((constructor)) static void register_##subject_##_##behaviour_(void) {                                      \
        static struct conf_case one = {#subject_, #behaviour_, subject_##_##behaviour_, (seconds_), NULL};                   \
        conf_register(&one);                                                                                                 \
    }                                                                                                                        \
    static void subject_##_##behaviour_(void)
#define CASE(subject_, behaviour_) CASE_WITHIN(subject_, behaviour_, 60)

/* ---- assertions (conformance_assert.c) ----------------------------------------------------------------------------------- */

_Noreturn void conf_fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
_Noreturn void conf_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));
void conf_result(const char *file, int line, const char *call, CUresult got, const CUresult *wanted, size_t count);
void conf_refused(const char *file, int line, const char *call, CUresult got);
void conf_equal(const char *file, int line, const char *left, const char *right, uint64_t a, uint64_t b);
void conf_report_to(int fd); /* where a failing or skipping process writes its sentence */
const char *conf_error_name(CUresult result);

/* The calls of an assertion are evaluated once; each macro takes its text before cu() is expanded in it. */
#define CONF_RESULT(text_, call_, ...)                                                                                       \
    conf_result(__FILE__, __LINE__, text_, (call_), (const CUresult[]){__VA_ARGS__},                                         \
                sizeof((const CUresult[]){__VA_ARGS__}) / sizeof(CUresult))
#define ONE_OF(call_, ...) CONF_RESULT(#call_, call_, __VA_ARGS__)
#define IS(wanted_, call_) CONF_RESULT(#call_, call_, wanted_)
#define OK(call_) CONF_RESULT(#call_, call_, CUDA_SUCCESS)
#define FAILS(call_) conf_refused(__FILE__, __LINE__, #call_, (call_))
#define CHECK(condition_)                                                                                                    \
    do {                                                                                                                     \
        if (!(condition_)) {                                                                                                 \
            conf_fail(__FILE__, __LINE__, "%s does not hold", #condition_);                                                  \
        }                                                                                                                    \
    } while (0)
#define EQ(left_, right_) conf_equal(__FILE__, __LINE__, #left_, #right_, (uint64_t)(left_), (uint64_t)(right_))
#define SKIP(...) conf_skip(__VA_ARGS__)

/* ---- entry points (conformance_api.c) ------------------------------------------------------------------------------------ */

enum conf_seam { CONF_MIXED, CONF_DLSYM, CONF_PROC_ADDRESS };
struct conf_entry {
    const char *symbol; /* exported name */
    const char *base;   /* name for cuGetProcAddress_v2 */
    int version;        /* interface version in which the symbol is the answer for the base name */
};
extern const struct conf_entry conf_entries[];
extern const size_t conf_entry_count;
void conf_set_seam(enum conf_seam seam);
/* The driver's library, opened in this process; ends the process as a failure where there is none. */
void *conf_library(void);
/* The symbol's address; NULL where the driver has none. */
void *conf_find(const char *symbol);
/* The same; skips the case where the driver has none. Thread-safe. */
void *conf_entry_point(const char *symbol);

/* The driver's function of that exported name, typed. */
#define cu(symbol_)                                                                                                          \
    ({                                                                                                                       \
        static void *address_;                                                                                               \
        void *found_ = __atomic_load_n(&address_, __ATOMIC_ACQUIRE);                                                         \
        if (found_ == NULL) {                                                                                                \
            found_ = conf_entry_point(#symbol_);                                                                             \
            __atomic_store_n(&address_, found_, __ATOMIC_RELEASE);                                                           \
        }                                                                                                                    \
        (__typeof__(&symbol_))found_;                                                                                        \
    })

/* ---- ready-made situations (conformance_support.c) ----------------------------------------------------------------------- */

CUdevice conf_device(void);     /* cuInit, then device 0 */
CUcontext conf_context(void);   /* conf_device's primary context, made current */
int conf_attribute(CUdevice_attribute attribute); /* of device 0; 0 where the driver does not know the attribute */
uint64_t conf_room(void);
uint64_t conf_total(void);
/* For what should come at once: a machine may stall for seconds, and no case is about how fast. Less than a case's limit. */
#define CONF_PATIENCE_MS 25000
/* Waits until room is at least bytes; false after CONF_PATIENCE_MS. */
bool conf_wait_for_room(uint64_t bytes);
CUdeviceptr conf_alloc(uint64_t bytes);
CUstream conf_stream(void); /* non-blocking */
CUmemAllocationProp conf_device_prop(bool exportable);
uint64_t conf_granularity(void);
/* A chunk of granules, mapped for reading and writing at *address (reserved here). */
CUmemGenericAllocationHandle conf_mapped_chunk(uint64_t bytes, bool exportable, CUdeviceptr *address);
void conf_map_chunk(CUmemGenericAllocationHandle chunk, uint64_t bytes, CUdeviceptr *address);

uint64_t conf_now_ns(void);
void conf_sleep_ms(unsigned ms);
/* Room as another's moves by less than this are noise. */
#define CONF_NOISE (48 * MIB)

/* ---- kernels (conformance_kernels.c) ------------------------------------------------------------------------------------- */

extern const char conf_ptx[];       /* the module with the kernels below */
extern const char conf_ptx_global[]; /* a module with a 64-bit variable "aliquot_cell" */
CUfunction conf_kernel(const char *name);
void conf_fill(CUdeviceptr address, uint64_t words, uint32_t value, CUstream stream);
void conf_add(CUdeviceptr address, uint64_t words, uint32_t value, CUstream stream);
void conf_copy(CUdeviceptr to, CUdeviceptr from, uint64_t words, CUstream stream);
void conf_spin(unsigned ms, CUstream stream);
/*
 * To look at a stream while a kernel spins on it, though this thread may stall until the kernel has ended: spin, look, and all of it
 * again, with a longer kernel, until conf_is_spinning says that the look was in time.
 */
struct conf_spell {
    unsigned ms;
    uint64_t end_ns; /* the kernel ends no sooner */
};
/* Fails the case where even the longest kernel had ended when the launch came back. */
void conf_spin_longer(struct conf_spell *spell, CUstream stream);
bool conf_is_spinning(const struct conf_spell *spell);
/* Words that differ from value, counted by a kernel; synchronous. */
uint64_t conf_mismatches(CUdeviceptr address, uint64_t words, uint32_t value);

/* ---- graphs (conformance_graph_kit.c) ------------------------------------------------------------------------------------- */

CUgraph conf_graph(void);
CUgraphExec conf_instantiate(CUgraph graph);
void conf_run_graph(CUgraphExec exec); /* in a stream of its own, until it is done */
/* A kernel node that applies the kernel to MIB words; its arguments are copied by the driver. */
CUgraphNode conf_kernel_node(CUgraph graph, CUgraphNode after, const char *name, CUdeviceptr address, uint32_t value);

/* ---- peers (conformance_peer.c) ------------------------------------------------------------------------------------------ */

struct conf_peer {
    pid_t pid;
    int channel; /* a socket to the peer's main */
};
/* Starts main(channel, argument) in a new process. Call it before this process's first CUDA call. */
struct conf_peer conf_start(void (*main_)(int channel, void *argument), void *argument);
/* Waits for the peer's end; its failure or skip becomes this process's. */
void conf_join(struct conf_peer *peer);
/* kill -9, and waits for it. */
void conf_kill(struct conf_peer *peer);
/* Messages: fixed size, in order. Ends the process as a failure where the other side is gone or silent for 30 s. */
void conf_send(int channel, const void *data, size_t bytes);
void conf_receive(int channel, void *data, size_t bytes);
void conf_send_fd(int channel, int fd);
int conf_receive_fd(int channel);
void conf_signal(int channel); /* one byte, for "go on" */
void conf_await(int channel);

#endif
