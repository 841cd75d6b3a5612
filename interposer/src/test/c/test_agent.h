/*
 * A small agent for the C tests: speaks protocol.h over a temporary tenant directory, in a process of its own.
 *
 * Glossary
 *   mode      how the agent answers; anything but AGENT_HONEST is a fault that a test asks for
 *   truth     what the driver's NVML says that a process holds on a device
 *
 * What holds: the sum of all credits plus the overhead plus other use stays within the limit whenever an answer is GRANTED.
 * Slots of dead processes are taken back within AGENT_TICK_MS, and before any answer is REFUSED.
 *
 * Failure contract: test_agent_start answers NULL and says why on stderr; everything else asserts nothing and never blocks
 * longer than PATIENCE_MS. Not thread-safe; the figures in `struct agent_shared` may be read by any process forked after the start.
 */
#ifndef ALIQUOT_TEST_AGENT_H
#define ALIQUOT_TEST_AGENT_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "protocol.h"

#define AGENT_TICK_MS 50
#define PATIENCE_MS 60000 /* for what should come at once: a machine may stall for seconds, and no test is about how fast */

enum agent_mode {
    AGENT_HONEST = 0,
    AGENT_REFUSES = 1,       /* every ASK gets REFUSED with STATUS_LIMIT */
    AGENT_HANGS_UP = 2,      /* closes each connection without a word */
    AGENT_BAD_MAGIC = 3,     /* answers with another magic */
    AGENT_LONG_PAYLOAD = 4,  /* answers with a length of 2^32-1 */
    AGENT_SHORT_PAYLOAD = 5, /* answers with half a payload, then closes */
    AGENT_WRONG_ID = 6,      /* answers another request */
    AGENT_WRONG_TYPE = 7,    /* answers with a type that nobody knows */
    AGENT_NOISE = 8,         /* answers with bytes from a generator */
    AGENT_STALE = 9,         /* answers STATUS_STALE to the next exchange that is no HELLO, then is honest */
    AGENT_SENDS_AWAY = 10,   /* every ASK gets REFUSED with STATUS_AWAY */
    AGENT_PUTS_OFF = 11      /* the same only where `away` is set */
};

/* What comes with an answer to TAKE_CHUNK. */
enum agent_chunk_mode {
    CHUNKS_HONEST = 0,
    CHUNKS_NONE = 1,               /* REFUSED with STATUS_HOST_POOL */
    CHUNKS_WITHOUT_DESCRIPTOR = 2, /* the byte comes without one */
    CHUNKS_TWO_DESCRIPTORS = 3,
    CHUNKS_NO_MEMORY = 4,          /* a descriptor of something else */
    CHUNKS_WRONG_SIZE = 5,         /* says half the size */
    CHUNKS_SMALLER = 6,            /* is half the size */
    CHUNKS_WITHOUT_ID = 7,
    CHUNKS_LAST_WORDS = 8,         /* the agent dies as it answers: frame and payload are sent, the descriptor is not */
    CHUNKS_THEN_DEATH = 9,         /* the agent dies after it has answered */
    CHUNKS_NOT_REOPENED = 10       /* REOPEN_CHUNK is REFUSED */
};

/* How SHARE and OPEN_SHARE are answered. */
enum agent_share_mode {
    SHARES_HONEST = 0,
    SHARES_REFUSED = 1,            /* both, with STATUS_NO_SHARE */
    SHARES_FIRST_ONLY = 2,         /* what comes after piece 0 */
    SHARES_WITHOUT_DESCRIPTOR = 3, /* an OPEN_SHARE's byte comes without one */
    SHARES_NO_MEMORY = 4,          /* a descriptor of something else */
    SHARES_WRONG_SIZE = 5          /* says half the size */
};

/* What the agent is told to have the driver do with a process. */
enum agent_order {
    ORDER_NONE = 0,
    ORDER_CHECKPOINT = 1, /* lock and checkpoint; CUDA_ERROR_NOT_READY where the process is not bare, or not to be so */
    ORDER_RESTORE = 2,    /* restore and unlock, whatever the slot says */
    ORDER_CHECKPOINT_ANYWAY = 3
};

/* How RESUME is answered. */
enum agent_resume_mode {
    RESUMES_GRANTED = 0, /* with room for all that was demoted, as far as the limit goes */
    RESUMES_REFUSED = 1, /* STATUS_LIMIT */
    RESUMES_HELD = 2     /* not before the mode has changed; nobody else is served meanwhile */
};

#define AGENT_MOVES 64u

/* Shared with the agent's process. Limits may be changed by a test at any time; the agent follows at its next tick. */
struct agent_shared {
    _Atomic uint32_t mode;
    _Atomic uint32_t go; /* what was prepared starts */
    _Atomic uint32_t ready;
    _Atomic uint32_t stop;
    _Atomic uint64_t ticks; /* ended so far */
    _Atomic uint64_t hellos, asks, granted, refused, settles, byes, malformed, reaped;
    _Atomic uint64_t limit_bytes[ALQ_MAX_DEVICES];
    _Atomic uint64_t other_used_bytes[ALQ_MAX_DEVICES];
    _Atomic uint32_t chunk_mode;
    _Atomic uint64_t chunks_asked, chunks_given, chunks_returned;
    _Atomic uint64_t chunks_most;        /* given in all, before the pool is empty */
    _Atomic uint64_t moves;              /* MOVED frames */
    struct alq_moved moved[AGENT_MOVES]; /* the latest of them: move i is in place i % AGENT_MOVES */
    _Atomic uint32_t resume_mode;
    _Atomic uint64_t resumes;
    _Atomic uint64_t sent_away; /* asks of processes that are to leave */
    _Atomic uint32_t order; /* enum agent_order, for the process of order_slot; ORDER_NONE again once order_result is there */
    _Atomic uint32_t order_slot, order_result;
    _Atomic uint32_t share_mode;
    _Atomic uint64_t shares_kept; /* pieces there are */
    _Atomic uint64_t shares_asked, shares_opened; /* SHARE and OPEN_SHARE frames */
    _Atomic uint64_t reopens;   /* REOPEN_CHUNK frames */
    _Atomic uint64_t restores;  /* processes that have been restored for their RESUME */
    _Atomic uint64_t slack_bytes; /* credit given beyond what was asked for, where there is room */
};

struct test_agent {
    char dir[ALQ_PATH_BYTES];
    pid_t pid;
    uint32_t device_count;
    struct agent_shared *shared;
    const struct alq_control_page *control;
    const struct alq_usage_page *usage;
};

struct test_agent_config {
    const char *dir;              /* tenant directory, existing */
    const char *library_dir;      /* where the driver's two libraries lie */
    uint32_t device_count;        /* devices of the tenant */
    const char *const *uuids;     /* "GPU-..." */
    const uint64_t *limit_bytes;  /* one per device */
    uint64_t slack_bytes;
    uint64_t context_estimate_bytes;
    uint32_t agent_wait_ms;
};

/* Starts an agent over the directory; pages that are already there are taken over, as after a restart of a real agent. */
struct test_agent *test_agent_start(const struct test_agent_config *config);
/* The same in two steps, for a process that will have CUDA in between: the driver does not go through a fork. The second says whether it runs. */
struct test_agent *test_agent_prepare(const struct test_agent_config *config);
int test_agent_go(struct test_agent *agent);
/* Ends it: orderly removes the socket, otherwise it is killed and everything stays as it lies. */
void test_agent_stop(struct test_agent *agent, int orderly);

/* Sum over live slots of what the tenant's processes report; saturating. */
uint64_t test_agent_used(const struct test_agent *agent, uint32_t device);
uint64_t test_agent_credit(const struct test_agent *agent, uint32_t device);
uint64_t test_agent_overhead(const struct test_agent *agent, uint32_t device);
uint64_t test_agent_refusals(const struct test_agent *agent);
/* The slot of a process, by its pid as the agent sees it; -1 when it has none. */
int test_agent_slot(const struct test_agent *agent, pid_t pid);
uint32_t test_agent_slots(const struct test_agent *agent);

/* What a real agent decides and a test decides in its place; from any process forked after the start. */

/* The tenant may borrow on the device, beyond that request. */
void test_agent_lend(const struct test_agent *agent, uint32_t device, uint64_t request_bytes);
/* Adds flags of the device. */
void test_agent_say(const struct test_agent *agent, uint32_t device, uint64_t flags);
void test_agent_set_credit(const struct test_agent *agent, uint32_t slot, uint32_t device, uint64_t bytes);
/* Says how much may stay on the device, and wakes the slot. */
void test_agent_set_resident(const struct test_agent *agent, uint32_t slot, uint32_t device, uint64_t bytes);
/* The same, and wakes nobody. */
void test_agent_set_resident_quietly(const struct test_agent *agent, uint32_t slot, uint32_t device, uint64_t bytes);
/* Says which devices the process is to be off, and wakes nobody. */
void test_agent_set_away(const struct test_agent *agent, uint32_t slot, uint32_t devices);
/* Says whether the process is to be bare, and wakes the slot. */
void test_agent_set_deep(const struct test_agent *agent, uint32_t slot, uint32_t deep);
/* Has the driver do something with the process of a slot; its answer. */
uint32_t test_agent_order(const struct test_agent *agent, uint32_t slot, enum agent_order order);
/* Wakes the slot with nothing changed. */
void test_agent_wake(const struct test_agent *agent, uint32_t slot);

#endif
