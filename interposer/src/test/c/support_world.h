/*
 * A world for one test program: a simulated node, a tenant on it with an agent, and cases that run in processes of their own.
 *
 * Glossary
 *   world    temporary directory with a node and a tenant directory; the environment points the libraries at both
 *   case     a function that runs in a forked child with a time limit; a failed CHECK or a signal fails it
 *   truth    bytes that the driver itself counts for this process on a device (its NVML, not ours)
 *
 * Environment: ALIQUOT_LIB_DIR = folder of libaliquot-cuda.so and libaliquot-nvml.so; SIM_LIB_DIR = folder of the simulator's
 * libcuda.so.1 and libnvidia-ml.so.1, whose parent holds the tool aliquot-sim.
 */
#ifndef ALIQUOT_SUPPORT_WORLD_H
#define ALIQUOT_SUPPORT_WORLD_H

#include <aliquot/cuda_abi.h>
#include <aliquot/nvml_abi.h>

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "test_agent.h"

#define MIB (1ull << 20)
#define WORLD_MAX_DEVICES 4u

struct world_config {
    uint32_t node_devices;
    uint32_t tenant_devices;   /* the last ones of the node's, so that indices differ inside and outside of the tenant */
    uint64_t memory_bytes;     /* per device */
    uint64_t limit_bytes;      /* per device */
    uint64_t context_bytes;    /* what the simulator takes for a context */
    uint64_t estimate_bytes;   /* what the agent expects of a context */
    uint64_t slack_bytes;
    uint64_t module_bytes;     /* what the simulator takes for a module */
    const char *library_dir;   /* where the agent says the driver is; NULL: simulator_dir() */
    uint32_t agent_wait_ms;
    bool no_agent;             /* the agent is started by the test */
};

struct world {
    struct world_config config;
    char root[128];
    char node[160];
    char tenant[160];
    char node_uuids[WORLD_MAX_DEVICES][ALQ_UUID_BYTES];
    struct test_agent *agent;
    struct test_agent *next; /* prepared */
};

/* Fields that are 0 get: 2 devices, 1 of them the tenant's, 2 GiB, limit 512 MiB, context 16 MiB and the same estimate, module 2 MiB,
 * PATIENCE_MS for the agent: shorter only where it is meant to stay away. */
struct world *world_open(struct world_config config);
void world_start_agent(struct world *world);
/* An agent to come after this one, from before CUDA starts in the process; then: the next one takes over. */
void world_prepare_agent(struct world *world);
void world_next_agent(struct world *world);
void world_close(struct world *world);
const char *world_uuid(const struct world *world, uint32_t slice_index);

const char *library_dir(void);   /* ALIQUOT_LIB_DIR */
const char *simulator_dir(void); /* SIM_LIB_DIR */

/* The interposer's CUDA library, the bare simulator's, the interposer's NVML, the simulator's; opened once per process. */
void *ours(void);
void *bare(void);
void *ours_nvml(void);
void *bare_nvml(void);

/* From then on ours() is this: a program that has the stand-in's objects in it names itself. */
void use_as_ours(void *library);

#define CU(name) ((__typeof__(name) *)dlsym(ours(), #name))
#define BARE(name) ((__typeof__(name) *)dlsym(bare(), #name))
#define NV(name) ((__typeof__(name) *)dlsym(ours_nvml(), #name))
#define BARE_NV(name) ((__typeof__(name) *)dlsym(bare_nvml(), #name))

/* Bytes the driver counts for a process on the tenant's device; pid 0 is this one. */
uint64_t truth_bytes(const struct world *world, uint32_t slice_index, pid_t pid);
/* What is taken of that device by anyone, read at one instant. */
uint64_t truth_total(const struct world *world, uint32_t slice_index);
/* What the tenant's processes report, less nothing. */
uint64_t used_bytes(const struct world *world);
/* Waits until `used` on device 0 is as given, or PATIENCE_MS have passed; whether it is. */
bool used_becomes(const struct world *world, uint64_t bytes);
bool overhead_becomes(const struct world *world, uint64_t bytes);
/* Waits until the agent has made a whole tick that began after this call: it follows what the test has changed. */
bool agent_ticks(const struct world *world);

double seconds_now(void);
/* Prints how long something took since then beside its bar. How fast a stalling machine is fails no test. */
void show_time(const char *what, double since, double bar);

/* cuInit and the primary context of the tenant's device 0, current; exits the case when that fails. */
CUcontext start_cuda(void);

/* ---- cases ------------------------------------------------------------------------------------------------------ */

extern int check_failures;
void check_failed(const char *file, int line, const char *what, unsigned long long got, unsigned long long want);

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            check_failed(__FILE__, __LINE__, #condition, 0, 1); \
        } \
    } while (0)
#define CHECK_EQ(got, want) \
    do { \
        unsigned long long got_ = (unsigned long long)(got), want_ = (unsigned long long)(want); \
        if (got_ != want_) { \
            check_failed(__FILE__, __LINE__, #got, got_, want_); \
        } \
    } while (0)

typedef void case_body(struct world *world, const void *argument);
/* Runs the body in a child; prints only failures. Whether it passed. */
bool run_case(const char *name, case_body *body, struct world *world, const void *argument);
#define RUN(name, world) run_case(#name, name, world, NULL)
void count_failure(const char *name, const char *why);
/* Ends the child of a case at once with what it has checked so far. */
_Noreturn void end_case(void);
/* Waits for a process that a case has forked and that ends with end_case, and takes over whether its checks passed. */
void check_child(pid_t child);
/* Runs the body in that many processes side by side, each with its number, and counts their cases as this program's. The cases are the
 * body's to share out; each part opens a world of its own. */
void run_in_parts(unsigned int parts, void (*body)(unsigned int part, unsigned int parts));
/* Prints "N passed, N failed"; the program's exit status. */
int finish_cases(void);
/* Where a test needs a simulator that is not there: prints why and exits 0 with nothing passed only if ALIQUOT_TEST_OPTIONAL is set. */
void require_libraries(void);

#endif
