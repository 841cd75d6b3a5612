/* Finding new backings for pieces, and what becomes of the old ones. */
#include "moves.h"

#include <stdlib.h>

#include "ask.h"
#include "choose.h"
#include "hooks.h"
#include "movable.h"
#include "own_thread.h"
#include "stash.h"

/* The most that is moved with the gate closed, and how much of it where the bus is slow: what went in that time at the rate of the last
 * batch. */
#define ALQ_BATCH_BYTES (1ull << 30)
#define ALQ_BATCH_FIRST_BYTES (256ull << 20)
#define ALQ_BATCH_NS 1000000000.0
/* A batch is what chunks could be had for in that time: those that the agent has made ahead come quickly, others do not. */
#define ALQ_TAKE_NS 50000000ull

static uint64_t alq_batch_bytes = ALQ_BATCH_FIRST_BYTES;

static enum alq_move_outcome alq_move_batch(
    struct alq_move *moves, size_t count, void (*settle)(struct alq_move *move), struct alq_move_result *result)
{
    struct alq_move_result batch = {0};
    enum alq_move_outcome outcome = alq_move_all(moves, count, settle, &batch);
    if (batch.moved_bytes != 0 && batch.copy_ns != 0) {
        double bytes = (double)batch.moved_bytes / (double)batch.copy_ns * ALQ_BATCH_NS;
        alq_batch_bytes = bytes < (double)ALQ_BATCH_BYTES ? (uint64_t)bytes : ALQ_BATCH_BYTES;
    }
    result->moved_bytes += batch.moved_bytes;
    result->copy_ns += batch.copy_ns;
    result->closed_ns += batch.closed_ns;
    return outcome;
}

/* Gate held: the piece is in its chunk now. */
static void alq_demoted(struct alq_move *move)
{
    struct alq_movable_block *block = alq_movables_at(move->block_begin);
    bool flying = alq_flight_begin();
    ALQ_CALL(cuMemRelease, move->stale.handle);
    alq_charge_shift(
        block->device, &(struct alq_shift){.used = 0 - move->bytes, .movable = 0 - move->bytes, .demoted = move->bytes});
    alq_flight_land(&flying);
}

/* Gate held: the piece is on the device again; it was charged, and movable, before. Who frees it next finds its chunk in hand. */
static void alq_promoted(struct alq_move *move)
{
    struct alq_movable_block *block = alq_movables_at(move->block_begin);
    alq_stash_keep((uint32_t)block->device, move->bytes, &move->stale);
    alq_charge_shift(block->device, &(struct alq_shift){.demoted = 0 - move->bytes});
}

enum alq_move_outcome alq_demote_prepare(uint32_t device, uint64_t resident_bytes)
{
    struct alq_move *moves = NULL;
    enum alq_move_outcome outcome = ALQ_MOVE_DONE;
    uint64_t wanted_bytes = alq_sub(alq_charge_reported_bytes(device), resident_bytes);
    if (wanted_bytes == 0) {
        return ALQ_MOVE_DONE;
    }
    size_t count = alq_list_resident(&moves, device);
    if (count == SIZE_MAX) {
        return ALQ_MOVE_HOST_POOL;
    }
    alq_stash_begin();
    for (size_t at = 0; at < count && wanted_bytes != 0 && outcome == ALQ_MOVE_DONE; at++) {
        outcome = alq_stash_reserve(device, moves[at].ordinal, moves[at].bytes);
        wanted_bytes = alq_sub(wanted_bytes, moves[at].bytes);
    }
    free(moves);
    return outcome;
}

static uint64_t alq_at_most(uint64_t bytes, uint64_t most_bytes)
{
    return bytes < most_bytes ? bytes : most_bytes;
}

enum alq_move_outcome alq_demote(uint32_t device, uint64_t resident_bytes, struct alq_move_result *result)
{
    struct alq_move moves[ALQ_MOVES];
    enum alq_move_outcome outcome = ALQ_MOVE_DONE;
    uint64_t asked_bytes = alq_sub(alq_charge_reported_bytes(device), resident_bytes);
    while (outcome == ALQ_MOVE_DONE) {
        uint64_t used_bytes = alq_charge_reported_bytes(device);
        if (used_bytes <= resident_bytes || result->moved_bytes >= asked_bytes) {
            return ALQ_MOVE_DONE;
        }
        size_t count = alq_choose(moves, device, ALQ_CHOOSE_RESIDENT, alq_at_most(used_bytes - resident_bytes, alq_batch_bytes));
        if (count == 0) {
            return ALQ_MOVE_NOTHING;
        }
        size_t ready = 0;
        uint64_t enough_ns = alq_clock_ns() + ALQ_TAKE_NS;
        enum alq_move_outcome fetched = ALQ_MOVE_DONE;
        while (ready < count && (ready == 0 || alq_clock_ns() < enough_ns)
            && (fetched = alq_stash_take(device, moves[ready].ordinal, moves[ready].bytes, &moves[ready].fresh)) == ALQ_MOVE_DONE) {
            ready++;
        }
        if (ready != 0) {
            outcome = alq_move_batch(moves, ready, alq_demoted, result);
        }
        for (size_t at = 0; at < ready; at++) {
            if (!moves[at].moved) {
                alq_stash_keep(device, moves[at].bytes, &moves[at].fresh);
            }
        }
        outcome = outcome == ALQ_MOVE_DONE ? fetched : outcome;
    }
    return outcome;
}

/* Gate held: a piece of a pinned block is on the device; who pinned it has charged it. */
static void alq_pulled(struct alq_move *move)
{
    struct alq_movable_block *block = alq_movables_at(move->block_begin);
    alq_stash_keep((uint32_t)block->device, move->bytes, &move->stale);
    alq_charge_shift(block->device, &(struct alq_shift){.demoted = 0 - move->bytes});
    __atomic_fetch_sub(&block->advance_bytes, move->bytes, __ATOMIC_SEQ_CST);
}

/* Who pinned them gives up: each attempt holds the whole program up. */
static void alq_pull_end(const struct alq_move *moves, size_t count)
{
    struct alq_movable_block *const *unused;
    alq_movables_lock(&unused);
    for (size_t at = 0; at < count; at++) {
        struct alq_movable_block *block = alq_movables_at(moves[at].block_begin);
        if (block != NULL && block->id == moves[at].block_id && block->tie == ALQ_PINNED) {
            block->busy = true;
        }
    }
    alq_movables_unlock();
}

enum alq_move_outcome alq_pull(uint32_t device, struct alq_move_result *result)
{
    struct alq_move moves[ALQ_MOVES];
    enum alq_move_outcome outcome = ALQ_MOVE_DONE;
    size_t count = alq_choose(moves, device, ALQ_CHOOSE_PINNED, alq_batch_bytes);
    while (outcome == ALQ_MOVE_DONE && count != 0) {
        size_t ready = 0;
        while (ready < count && alq_piece_create(&moves[ready].fresh.handle, moves[ready].ordinal, moves[ready].bytes) == CUDA_SUCCESS) {
            ready++;
        }
        outcome = ready == 0 ? ALQ_MOVE_FAILED : alq_move_batch(moves, ready, alq_pulled, result);
        if (outcome == ALQ_MOVE_BUSY) {
            alq_pull_end(moves, ready);
        }
        for (size_t at = 0; at < ready; at++) {
            if (!moves[at].moved) {
                ALQ_CALL(cuMemRelease, moves[at].fresh.handle);
            }
        }
        count = alq_choose(moves, device, ALQ_CHOOSE_PINNED, alq_batch_bytes);
    }
    return outcome;
}

static void alq_room_end(uint32_t device, uint64_t bytes)
{
    alq_charge_shift((int)device, &(struct alq_shift){.used = 0 - bytes, .movable = 0 - bytes});
}

/* Charges a piece, as movable from the start: it may be long until the device is at rest, and what the program takes meanwhile that does
 * not move is held against the rest. Makes memory of the device for it. DONE: it is there; NOTHING: it does not fit; FAILED: the driver has none. */
static enum alq_move_outcome alq_room(uint32_t device, uint64_t resident_bytes, struct alq_move *move)
{
    __attribute__((cleanup(alq_flight_land))) bool flying = alq_flight_begin();
    if (!alq_charge_within_credit((int)device, move->bytes)) {
        return ALQ_MOVE_NOTHING;
    }
    alq_charge_shift((int)device, &(struct alq_shift){.movable = move->bytes});
    enum alq_move_outcome outcome = ALQ_MOVE_NOTHING;
    if (alq_charge_reported_bytes(device) <= resident_bytes) {
        outcome = alq_piece_create(&move->fresh.handle, move->ordinal, move->bytes) == CUDA_SUCCESS ? ALQ_MOVE_DONE : ALQ_MOVE_FAILED;
    }
    if (outcome != ALQ_MOVE_DONE) {
        alq_room_end(device, move->bytes);
    }
    return outcome;
}

enum alq_move_outcome alq_promote(uint32_t device, uint64_t resident_bytes, struct alq_move_result *result)
{
    struct alq_move moves[ALQ_MOVES];
    enum alq_move_outcome outcome = ALQ_MOVE_DONE;
    while (outcome == ALQ_MOVE_DONE) {
        size_t count = alq_choose(moves, device, ALQ_CHOOSE_DEMOTED, UINT64_MAX);
        size_t ready = 0;
        uint64_t ready_bytes = 0;
        enum alq_move_outcome found = ALQ_MOVE_DONE;
        for (size_t at = 0; at < count && found != ALQ_MOVE_FAILED && ready_bytes < alq_batch_bytes; at++) {
            /* one that does not fit does not keep a smaller one out, nor does it count for the batch */
            found = alq_room(device, resident_bytes, &moves[at]);
            if (found == ALQ_MOVE_DONE) {
                ready_bytes += moves[at].bytes;
                moves[ready++] = moves[at];
            }
        }
        if (ready == 0) {
            return found == ALQ_MOVE_FAILED ? ALQ_MOVE_FAILED : ALQ_MOVE_DONE;
        }
        outcome = alq_move_batch(moves, ready, alq_promoted, result);
        for (size_t at = 0; at < ready; at++) {
            if (!moves[at].moved) {
                bool flying = alq_flight_begin();
                ALQ_CALL(cuMemRelease, moves[at].fresh.handle);
                alq_room_end(device, moves[at].bytes);
                alq_flight_land(&flying);
            }
        }
    }
    return outcome;
}
