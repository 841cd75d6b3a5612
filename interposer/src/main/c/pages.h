/*
 * The tenant's pages as this process sees them. Shared by both stand-ins.
 *
 * Contract: every function is thread-safe and keeps errno. A page that was mapped once stays mapped for the life of the
 * process, whatever becomes of the agent. A page is only ever handed out when its magic, version and size are right; its
 * contents beyond that may change at any moment and must be read with the accessors below or with atomics, once.
 */
#ifndef ALIQUOT_INTERPOSER_PAGES_H
#define ALIQUOT_INTERPOSER_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol.h"

/* How long to wait for an agent when no control page says it. */
#define ALQ_DEFAULT_WAIT_MS 30000u

enum alq_pages_status {
    ALQ_PAGES_OK = 0,
    ALQ_PAGES_NO_DIRECTORY, /* this process is in no tenant's directory: waiting does not help */
    ALQ_PAGES_NO_PAGE,      /* the directory is there, the page is not, or it is not filled in yet */
    ALQ_PAGES_BAD_PAGE,     /* a page of another version or size */
    ALQ_PAGES_CLOSED        /* the agent has ended this tenant */
};

/* The tenant's directory: the environment's, else the default. Never NULL. */
const char *alq_pages_directory(void);

/* Writes "<tenant directory>/<file>" and tells whether it fitted. */
bool alq_pages_path(char *path, size_t path_size, const char *file);

/* The control page if it is mapped and READY already, else NULL. One load: fit for every call. */
const struct alq_control_page *alq_pages_control(void);

/* Maps the control page, waiting for the agent to make it: up to wait_ms after the first call of the process that waited (0: one
 * try). So a process without an agent waits once in its life, and its threads wait side by side. */
enum alq_pages_status alq_pages_open_control(uint32_t wait_ms, const struct alq_control_page **control);

/* In the child after fork: it may wait for itself. */
void alq_pages_after_fork(void);

/* Maps the usage page for writing; NULL with *status set where that fails. One try. */
struct alq_usage_page *alq_pages_open_usage(enum alq_pages_status *status);

/* What to tell a person: cause and what to do, one sentence without a newline. */
const char *alq_pages_explain(enum alq_pages_status status);

/* Index of the device with that UUID in the control page, or -1. uuid is "GPU-..." or "MIG-..."; what counts is what follows
 * the prefix, in either case. */
int alq_pages_device(const struct alq_control_page *control, const char *uuid);

/* Devices of the tenant, bounded by the page's size whatever the page says. */
uint32_t alq_pages_device_count(const struct alq_control_page *control);

/* What the tenant's processes report as held on a device: the sum of `used` over all slots that are taken and whose report is of
 * the slot's generation, saturating. usage may be NULL: 0. */
uint64_t alq_pages_used_bytes(
    const struct alq_control_page *control, const struct alq_usage_page *usage, uint32_t device);

/* What the tenant holds of a device: overhead + held outside of slots + used_bytes, saturating. */
uint64_t alq_pages_held_bytes(
    const struct alq_control_page *control, const struct alq_usage_page *usage, uint32_t device);

/* The same without what reports say beyond their credit: somebody has asked for that, and does not hold it. */
uint64_t alq_pages_covered_bytes(
    const struct alq_control_page *control, const struct alq_usage_page *usage, uint32_t device);

/* What of it cannot move: overhead + held outside of slots + `used` less `movable`, saturating. */
uint64_t alq_pages_fixed_bytes(
    const struct alq_control_page *control, const struct alq_usage_page *usage, uint32_t device);

/* Room left under the tenant's limit: limit - held_bytes - what is demoted, which the program still holds; never below 0. */
uint64_t alq_pages_free_bytes(
    const struct alq_control_page *control, const struct alq_usage_page *usage, uint32_t device);

/* A descriptor that the kernel gave, moved off 0, 1 and 2 and closed at exec: a program that runs without its standard streams writes
 * to those numbers. -1 stays -1; -1 too where none is left. */
int alq_pages_off_standard(int descriptor);

/* One line on stderr, "aliquot: <what>: <why>", once per process and library; later calls are silent. */
void alq_pages_complain(const char *what, const char *why);

/* Saturating 64-bit arithmetic. */
static inline uint64_t alq_add(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static inline uint64_t alq_sub(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static inline uint64_t alq_mul(uint64_t a, uint64_t b)
{
    uint64_t product;
    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

#endif
