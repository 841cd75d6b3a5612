/* What the test agent decides: slots, credits, overhead. One process and thread only. */
#ifndef ALIQUOT_SUPPORT_CREDIT_H
#define ALIQUOT_SUPPORT_CREDIT_H

#include <sys/types.h>

#include "test_agent.h"

struct credit_truth;  /* the driver's NVML, opened for the process lists */
struct credit_chunks; /* host chunks that have been given */
struct credit_shares; /* pieces that processes have shared */

struct credit_book {
    struct alq_control_page *control;
    struct alq_usage_page *usage;
    struct agent_shared *shared;
    struct credit_truth *truth;
    struct credit_chunks *chunks; /* NULL until the first */
    struct credit_shares *shares; /* NULL until the first */
    uint64_t noise;
    uint64_t last_tick_ns;
    uint64_t slot_overhead_bytes[ALQ_MAX_SLOTS][ALQ_MAX_DEVICES];
    uint64_t seen_changes[ALQ_MAX_SLOTS];
    uint32_t quiet_ticks[ALQ_MAX_SLOTS]; /* for how many ticks `changes` has stood still */
};

struct credit_answer {
    uint16_t type;
    uint32_t length;
    union {
        struct alq_welcome welcome;
        struct alq_granted granted;
        struct alq_refused refused;
        struct alq_chunk_given given;
        struct alq_shared shared;
    } body;
    int descriptors[2]; /* sent after a CHUNK or a SHARED that has any, and closed */
    int descriptor_count;
};

void credit_truth_open(struct credit_book *book, const char *library_dir);
/* Bytes of each slot's process on the device by the driver, 0 where it has none; false when nothing can be said. */
int credit_truth_read(struct credit_book *book, uint32_t device, uint64_t bytes[ALQ_MAX_SLOTS]);

void credit_refuse(struct credit_answer *said, uint32_t status, const char *reason);
void credit_exchange(
    struct credit_book *book, pid_t peer, uint16_t type, const void *payload, uint32_t length, struct credit_answer *said);
/* Follows limits, takes back the slots of the dead, refreshes the overhead. */
void credit_tick(struct credit_book *book);

/* ---- host chunks ---- */

void credit_take_chunk(struct credit_book *book, const struct alq_take_chunk *from, struct credit_answer *said);
/* Whether it had been given to that slot. */
int credit_return_chunk(struct credit_book *book, const struct alq_return_chunk *from);
/* Those of a process that is gone. */
void credit_drop_chunks(struct credit_book *book, uint32_t slot);
void credit_moved(struct credit_book *book, const struct alq_moved *from);
void credit_reopen_chunk(struct credit_book *book, const struct alq_reopen_chunk *from, struct credit_answer *said);
/* A function of the driver, started in this process; NULL: there is none. */
void *credit_symbol(struct credit_book *book, const char *name);

/* ---- shares ---- */

void credit_share(struct credit_book *book, pid_t peer, const struct alq_share *from, struct credit_answer *said);
/* Whether it was that slot's. */
int credit_unshare(struct credit_book *book, const struct alq_unshare *from);
void credit_open_share(struct credit_book *book, const struct alq_open_share *from, struct credit_answer *said);
/* Those of a process that is gone. */
void credit_drop_shares(struct credit_book *book, uint32_t slot);

/* ---- processes that are bare ---- */

/* Does what the test has ordered. */
void credit_obey(struct credit_book *book);
/* Has the driver serve a process that may have been checkpointed, and says so in its slot; whether it does. */
int credit_surface(struct credit_book *book, uint32_t slot);

/* ---- slots, shared by the files of this module ---- */

#define LOAD(at) __atomic_load_n(&(at), __ATOMIC_SEQ_CST)
#define STORE(at, value) __atomic_store_n(&(at), (value), __ATOMIC_SEQ_CST)

static inline uint64_t minus(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static inline uint64_t plus(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* Field 22 of /proc/<pid>/stat; 0 when the process is gone or only its zombie is left. */
uint64_t credit_start_time(pid_t pid);
void credit_free_slot(struct credit_book *book, uint32_t slot);
/* Truth less `used`, per process and in sum. */
void credit_refresh_overhead(struct credit_book *book, uint32_t device);
void credit_count_quiet_ticks(struct credit_book *book);
/* Takes back the slots of the dead; how many of them still linger. */
uint32_t credit_reap(struct credit_book *book);

uint64_t credit_used(const struct alq_control_page *control, const struct alq_usage_page *usage, uint32_t device);

#endif
