/* Choosing pieces, finding new backings for them, and what becomes of the old ones. */
#include "moves.h"

#include "ask.h"
#include "chunks.h"
#include "hooks.h"
#include "movable.h"
#include "own_thread.h"

/* The most that is moved with the gate closed, and how much of it where the bus is slow: what went in that time at the rate of the last
 * batch. */
#define ALQ_BATCH_BYTES (1ull << 30)
#define ALQ_BATCH_FIRST_BYTES (256ull << 20)
#define ALQ_BATCH_NS 1000000000.0
/* A batch is what chunks could be had for in that time: those that the agent has made ahead come quickly, others do not. */
#define ALQ_TAKE_NS 50000000ull

static uint64_t alq_batch_bytes = ALQ_BATCH_FIRST_BYTES;

/* Whether a piece comes before another. */
static bool alq_sooner(const struct alq_move *a, const struct alq_move *b, bool demote)
{
    bool whole_a = a->bytes == ALQ_PIECE_BYTES;
    bool whole_b = b->bytes == ALQ_PIECE_BYTES;
    if (whole_a != whole_b) {
        return whole_a;
    }
    if (a->block_id != b->block_id) {
        return demote == (a->block_id > b->block_id);
    }
    return demote == (a->piece > b->piece);
}

static void alq_insert(struct alq_move *moves, size_t *count, const struct alq_move *move, bool demote)
{
    size_t at = *count;
    while (at > 0 && alq_sooner(move, &moves[at - 1], demote)) {
        at--;
    }
    if (at == ALQ_MOVES) {
        return;
    }
    size_t last = *count < ALQ_MOVES ? *count : ALQ_MOVES - 1;
    for (size_t to = last; to > at; to--) {
        moves[to] = moves[to - 1];
    }
    moves[at] = *move;
    *count += *count < ALQ_MOVES;
}

/* The first pieces of a device, resident or demoted ones, as far as they amount to wanted_bytes and to a batch. How many. */
static size_t alq_choose(struct alq_move moves[ALQ_MOVES], uint32_t device, bool demote, uint64_t wanted_bytes)
{
    struct alq_movable_block *const *blocks;
    size_t found = 0;
    size_t count = alq_movables_lock(&blocks);
    for (size_t at = 0; at < count; at++) {
        const struct alq_movable_block *block = blocks[at];
        for (uint32_t piece = 0; block->device == (int)device && piece < block->piece_count; piece++) {
            if ((block->pieces[piece].backing.chunk == 0) == demote) {
                struct alq_move move = {.block_begin = block->begin,
                    .block_id = block->id,
                    .piece = piece,
                    .bytes = block->pieces[piece].bytes,
                    .ordinal = block->ordinal};
                alq_insert(moves, &found, &move, demote);
            }
        }
    }
    alq_movables_unlock();
    uint64_t sum_bytes = 0;
    size_t chosen = 0;
    while (chosen < found && sum_bytes < wanted_bytes && sum_bytes < alq_batch_bytes) {
        sum_bytes += moves[chosen++].bytes;
    }
    return chosen;
}

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

/* Gate MOVING: the piece is in its chunk now. */
static void alq_demoted(struct alq_move *move)
{
    struct alq_movable_block *block = alq_movables_at(move->block_begin);
    bool flying = alq_flight_begin();
    ALQ_CALL(cuMemRelease, move->stale.handle);
    alq_charge_shift(
        block->device, &(struct alq_shift){.used = 0 - move->bytes, .movable = 0 - move->bytes, .demoted = move->bytes});
    alq_flight_land(&flying);
}

/* Gate MOVING: the piece is on the device again; it was charged, and movable, before. */
static void alq_promoted(struct alq_move *move)
{
    struct alq_movable_block *block = alq_movables_at(move->block_begin);
    alq_charge_shift(block->device, &(struct alq_shift){.demoted = 0 - move->bytes});
}

static void alq_chunk_end(const struct alq_backing *chunk)
{
    ALQ_CALL(cuMemRelease, chunk->handle);
    alq_chunks_drop(chunk->chunk);
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
        size_t count = alq_choose(moves, device, true, used_bytes - resident_bytes);
        if (count == 0) {
            return ALQ_MOVE_NOTHING;
        }
        size_t ready = 0;
        uint64_t enough_ns = alq_clock_ns() + ALQ_TAKE_NS;
        enum alq_move_outcome fetched = ALQ_MOVE_DONE;
        while (ready < count && (ready == 0 || alq_clock_ns() < enough_ns)
            && (fetched = alq_chunks_take(device, moves[ready].bytes, &moves[ready].fresh)) == ALQ_MOVE_DONE) {
            ready++;
        }
        if (ready != 0) {
            outcome = alq_move_batch(moves, ready, alq_demoted, result);
        }
        for (size_t at = 0; at < ready; at++) {
            if (!moves[at].moved) {
                alq_chunk_end(&moves[at].fresh);
            }
        }
        outcome = outcome == ALQ_MOVE_DONE ? fetched : outcome;
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
    CUmemAllocationProp properties = {.type = CU_MEM_ALLOCATION_TYPE_PINNED};
    properties.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    properties.location.id = move->ordinal;
    __attribute__((cleanup(alq_flight_land))) bool flying = alq_flight_begin();
    if (!alq_charge_within_credit((int)device, move->bytes)) {
        return ALQ_MOVE_NOTHING;
    }
    alq_charge_shift((int)device, &(struct alq_shift){.movable = move->bytes});
    enum alq_move_outcome outcome = ALQ_MOVE_NOTHING;
    if (alq_charge_reported_bytes(device) <= resident_bytes) {
        outcome = ALQ_CALL(cuMemCreate, &move->fresh.handle, move->bytes, &properties, 0) == CUDA_SUCCESS ? ALQ_MOVE_DONE
                                                                                                          : ALQ_MOVE_FAILED;
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
        size_t count = alq_choose(moves, device, false, UINT64_MAX);
        size_t ready = 0;
        enum alq_move_outcome found = ALQ_MOVE_DONE;
        for (size_t at = 0; at < count && found != ALQ_MOVE_FAILED; at++) {
            /* one that does not fit does not keep a smaller one out */
            found = alq_room(device, resident_bytes, &moves[at]);
            if (found == ALQ_MOVE_DONE) {
                moves[ready++] = moves[at];
            }
        }
        if (ready == 0) {
            return found == ALQ_MOVE_FAILED ? ALQ_MOVE_FAILED : ALQ_MOVE_DONE;
        }
        outcome = alq_move_batch(moves, ready, alq_promoted, result);
        for (size_t at = 0; at < ready; at++) {
            if (moves[at].moved) {
                alq_chunk_end(&moves[at].stale);
            } else {
                bool flying = alq_flight_begin();
                ALQ_CALL(cuMemRelease, moves[at].fresh.handle);
                alq_room_end(device, moves[at].bytes);
                alq_flight_land(&flying);
            }
        }
    }
    return outcome;
}
