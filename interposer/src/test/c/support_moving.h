/*
 * What the tests of movable memory share: a process of the tenant with kernels, and the figures it reports.
 */
#ifndef ALIQUOT_SUPPORT_MOVING_H
#define ALIQUOT_SUPPORT_MOVING_H

#include "support_world.h"

struct moving {
    struct world *world;
    CUcontext context;
    CUmodule module;
    CUfunction fill, check, add, spin;
    uint32_t slot;
};

/* Has the tenant borrow beyond request_bytes, and starts CUDA in this process; ends the case where that fails. */
void moving_start(struct moving *moving, struct world *world, uint64_t request_bytes);
/* The same without borrowing. */
void moving_start_fixed(struct moving *moving, struct world *world);

/* The kernels, in the current context. */
void moving_load(struct moving *moving);

/* Runs a case in a world of its own: a device of 4 GiB, 1 GiB of it the tenant's limit. */
void run_alone(const char *name, case_body *body, const void *argument);
#define RUN_ALONE(name) run_alone(#name, name, NULL)

/* A case that begins where moving_start with a request of 256 MiB has ended: in a world that is there, or in one of its own. */
typedef void moving_body(const struct moving *moving);
void run_moving(const char *name, moving_body *body, struct world *world);
void run_moving_alone(const char *name, moving_body *body);
#define RUN_MOVING(name, world) run_moving(#name, name, world)
#define RUN_MOVING_ALONE(name) run_moving_alone(#name, name)

/* CUDA_SUCCESS is checked. */
CUdeviceptr moving_alloc(uint64_t bytes);
/* One that waits for no other. */
CUstream moving_stream(void);
/* The current device, and where the tenant has two, the other one. */
CUdevice moving_device(void);
CUdevice moving_peer(void);
/* What a device may do with an address, by the driver. */
unsigned long long moving_access(CUdevice device, CUdeviceptr address);
void moving_fill(const struct moving *moving, CUdeviceptr address, uint64_t bytes, uint32_t value, CUstream stream);
/* Filled when it returns: where memory is slow to touch, a device that is still at it keeps the mover from closing its gate. */
void moving_filled(const struct moving *moving, CUdeviceptr address, uint64_t bytes, uint32_t value);
void moving_add(const struct moving *moving, CUdeviceptr address, uint64_t bytes, uint32_t value, CUstream stream);
/* How many words are not value; waits for the stream. */
uint64_t moving_wrong(const struct moving *moving, CUdeviceptr address, uint64_t bytes, uint32_t value, CUstream stream);
void moving_spin(const struct moving *moving, uint64_t ns, CUstream stream);

/* What this process reports of device 0. */
uint64_t moving_used(const struct moving *moving);
uint64_t moving_movable(const struct moving *moving);
uint64_t moving_demoted(const struct moving *moving);
/* What of the host's memory the agent has lent this process. */
uint64_t moving_host_bytes(const struct moving *moving);

/* Tells this process to be off those devices, and that nothing but what cannot move may stay there; or that it may be on all of them. */
void moving_leave(const struct moving *moving, uint32_t devices);
void moving_return(const struct moving *moving);
uint64_t moving_parked(const struct moving *moving);
/* Has this process leave device 0, and waits until it has; checked. */
void moving_park(const struct moving *moving);
/* How often the tenant's processes have asked this agent to come back. */
uint64_t moving_resumes(const struct moving *moving);

/* Say what may stay on device 0. */
void moving_resident(const struct moving *moving, uint64_t bytes);
void moving_credit(const struct moving *moving, uint64_t bytes);

/* Waits for a figure, a long time on a stalled machine; whether it came. */
bool moving_becomes(const struct moving *moving, uint64_t (*figure)(const struct moving *), uint64_t bytes);
/* The first MOVED frame from number `since` on that says how it ended so; NULL after a long time without one. */
const struct alq_moved *moving_report(const struct moving *moving, uint64_t since, uint32_t outcome, bool promoted);
uint64_t moving_reports(const struct moving *moving);
/* Waits until the agent has back what it gave. */
bool moving_chunks_are_back(const struct moving *moving);

#endif
