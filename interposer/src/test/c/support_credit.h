/* What the test agent decides: slots, credits, overhead. One process and thread only. */
#ifndef ALIQUOT_SUPPORT_CREDIT_H
#define ALIQUOT_SUPPORT_CREDIT_H

#include <sys/types.h>

#include "test_agent.h"

struct credit_truth; /* the driver's NVML, opened for the process lists */

struct credit_book {
    struct alq_control_page *control;
    struct alq_usage_page *usage;
    struct agent_shared *shared;
    struct credit_truth *truth;
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
    } body;
};

void credit_truth_open(struct credit_book *book, const char *library_dir);
/* Bytes of each slot's process on the device by the driver, 0 where it has none; false when nothing can be said. */
int credit_truth_read(struct credit_book *book, uint32_t device, uint64_t bytes[ALQ_MAX_SLOTS]);

void credit_refuse(struct credit_answer *said, uint32_t status, const char *reason);
void credit_exchange(
    struct credit_book *book, pid_t peer, uint16_t type, const void *payload, uint32_t length, struct credit_answer *said);
/* Follows limits, takes back the slots of the dead, refreshes the overhead. */
void credit_tick(struct credit_book *book);
uint64_t credit_used(const struct alq_control_page *control, const struct alq_usage_page *usage, uint32_t device);

#endif
