/*
 * Exchanges with the agent: one connection each, closed after it.
 *
 * Thread-safe: each exchange has its own connection. ask.c lets one thread of the process ask at a time; the mover's exchanges go beside
 * it. Everything that comes back is checked. Signals
 * only restart what they interrupt. No descriptor stays open, none survives exec.
 */
#ifndef ALIQUOT_INTERPOSER_AGENT_H
#define ALIQUOT_INTERPOSER_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol.h"

enum alq_agent_answer {
    ALQ_AGENT_YES,     /* WELCOME, GRANTED, CHUNK or SHARED */
    ALQ_AGENT_REFUSED, /* *refused is filled in */
    ALQ_AGENT_ABSENT   /* nobody answered in time */
};

struct alq_agent_refusal {
    uint32_t status; /* enum alq_status */
    char reason[sizeof((struct alq_refused *)0)->reason + 1];
};

/* The place an agent gave this process. */
struct alq_seat {
    uint32_t slot; /* below ALQ_MAX_SLOTS */
    uint64_t generation;
};

/* wait_ms bounds the whole exchange, from looking for the agent to its answer. */
enum alq_agent_answer alq_agent_hello(uint32_t wait_ms, struct alq_seat *seat, struct alq_agent_refusal *refusal);
enum alq_agent_answer alq_agent_ask(
    uint32_t wait_ms, const struct alq_seat *seat, uint32_t device, uint64_t wanted_bytes, struct alq_agent_refusal *refusal);
enum alq_agent_answer alq_agent_settle(
    uint32_t wait_ms, const struct alq_seat *seat, uint32_t device, struct alq_agent_refusal *refusal);

/* A host chunk, as the agent hands it over. Nothing of it has been looked at. */
struct alq_agent_chunk {
    uint64_t id;
    uint64_t bytes;
    int descriptor; /* to be closed with alq_agent_close; -1: none came */
};

enum alq_agent_answer alq_agent_take_chunk(uint32_t wait_ms, const struct alq_seat *seat, uint32_t device, uint64_t bytes,
    struct alq_agent_chunk *chunk, struct alq_agent_refusal *refusal);
enum alq_agent_answer alq_agent_reopen_chunk(
    uint32_t wait_ms, const struct alq_seat *seat, uint64_t id, struct alq_agent_chunk *chunk, struct alq_agent_refusal *refusal);
enum alq_agent_answer alq_agent_return_chunk(
    uint32_t wait_ms, const struct alq_seat *seat, uint64_t id, struct alq_agent_refusal *refusal);
enum alq_agent_answer alq_agent_moved(uint32_t wait_ms, const struct alq_moved *moved, struct alq_agent_refusal *refusal);

/* Waits for an agent that makes room as long as it takes, up to wait_ms; for one that is not there, or hangs up, 2 s at most. */
enum alq_agent_answer alq_agent_resume(uint32_t wait_ms, const struct alq_seat *seat, struct alq_agent_refusal *refusal);

/* A piece of a share, as the agent has it. Nothing of it has been looked at. */
struct alq_agent_piece {
    struct alq_shared shared;
    int descriptor; /* to be closed with alq_agent_close; -1: none came */
};

/* agent_share.c. */
enum alq_agent_answer alq_agent_share(
    uint32_t wait_ms, const struct alq_share *share, struct alq_shared *shared, struct alq_agent_refusal *refusal);
enum alq_agent_answer alq_agent_unshare(
    uint32_t wait_ms, const struct alq_seat *seat, uint64_t id, struct alq_agent_refusal *refusal);
enum alq_agent_answer alq_agent_open_share(uint32_t wait_ms, const struct alq_seat *seat, uint64_t id, uint32_t piece,
    struct alq_agent_piece *opened, struct alq_agent_refusal *refusal);

/* Takes charge of a descriptor: a forked child closes it. What it is now. To be closed with alq_agent_close. */
int alq_agent_adopt(int descriptor);

/* Closes a descriptor that an exchange brought, or that was adopted. */
void alq_agent_close(int descriptor);

/* ---- between agent.c and agent_share.c ---- */

/* Repeats an exchange until an agent answers it or the time is over. wanted: what an answer of wanted_type begins with. *descriptor: what
 * a CHUNK or SHARED brings; NULL: it brings none. */
enum alq_agent_answer alq_agent_exchange(uint32_t wait_ms, enum alq_frame_type type, const void *payload, uint32_t length,
    enum alq_frame_type wanted_type, void *wanted, size_t wanted_length, int *descriptor, struct alq_agent_refusal *refusal);

/* In the child after fork: closes what the parent may have had open. */
void alq_agent_after_fork(void);

#endif
