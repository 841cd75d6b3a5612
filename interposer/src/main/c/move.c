/*
 * With the gate closed and the devices at rest: copy all pieces at once, between their own addresses and the windows of their chunks, and exchange
 * what is mapped at the pieces' addresses. Device memory that comes to an address that a chunk is mapped at is filled at one of the mover's own
 * first. A chunk is not mapped at the piece's address while the process is away: that costs more than the copy.
 */
#include "move.h"

#include <time.h>

#include "capture.h"
#include "drain.h"
#include "gate.h"
#include "hooks.h"
#include "peers.h"
#include "own_thread.h"
#include "virtual.h"

#define ALQ_CAPTURE_STEP_NS 10000000l
#define ALQ_MAP_TRIES 3
#define ALQ_REACH_STEP_NS 10000000l
/* The program breaks the gate only where the mover itself has been kept from opening it. */
#define ALQ_BREAK_NS (ALQ_DRAIN_NS + 1000000000ull)

/* Addresses for device memory that takes the place of a mapped chunk, one behind the other: until the data is in it. */
struct alq_staging {
    CUdeviceptr begin;
    uint64_t bytes;
    uint64_t mapped_bytes;
};

/* One move with the gate held: the piece, and where its data is and goes. */
struct alq_way {
    struct alq_piece *piece; /* NULL: it is gone, or on its new side already */
    const struct alq_movable_block *block;
    CUcontext context;
    CUdeviceptr from;
    CUdeviceptr to;
    bool staged;
    bool landed; /* the new backing is mapped at the piece's own address already, where nothing was */
};

static CUmemAccessDesc alq_own_access(CUdevice ordinal)
{
    CUmemAccessDesc access = {.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
    access.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    access.location.id = ordinal;
    return access;
}

/* What the driver keeps of a mapping, not of an address. */
static void alq_piece_settle(const struct alq_movable_block *block, const struct alq_piece *piece)
{
    unsigned int on = 1;
    CUcontext popped;
    if (block->sync_memops && ALQ_CALL(cuCtxPushCurrent_v2, block->context) == CUDA_SUCCESS) {
        ALQ_CALL(cuPointerSetAttribute, &on, CU_POINTER_ATTRIBUTE_SYNC_MEMOPS, piece->begin);
        ALQ_CALL(cuCtxPopCurrent_v2, &popped);
    }
}

/* Maps a backing at a piece's address, reachable as the piece was; false: nothing is mapped there. */
static bool alq_piece_map(const struct alq_movable_block *block, const struct alq_piece *piece, const struct alq_backing *backing)
{
    CUmemAccessDesc access[ALQ_ACCESSES];
    size_t count = block->virtual != NULL ? alq_virtual_accesses(block, access) : alq_peers_access(block->ordinal, access);
    if (ALQ_CALL(cuMemMap, piece->begin, piece->bytes, 0, backing->handle, 0) != CUDA_SUCCESS) {
        return false;
    }
    if (count == 0 || ALQ_CALL(cuMemSetAccess, piece->begin, piece->bytes, access, count) == CUDA_SUCCESS) {
        if (backing->chunk == 0) {
            alq_piece_settle(block, piece);
        }
        return true;
    }
    ALQ_CALL(cuMemUnmap, piece->begin, piece->bytes);
    return false;
}

/* The piece that a move is about. */
static void alq_way_find(struct alq_way *way, const struct alq_move *move)
{
    struct alq_movable_block *block = alq_movables_at(move->block_begin);
    *way = (struct alq_way){0};
    if (block != NULL && block->id == move->block_id && (block->tie == ALQ_PINNED) == move->pinned && alq_virtual_reached(block)) {
        struct alq_piece *piece = &block->pieces[move->piece];
        way->piece = (piece->backing.chunk == 0) == (move->fresh.chunk == 0) ? NULL : piece;
        way->block = block;
        way->context = block->context;
    }
}

/* Out: to the chunk's window. In: to the piece's own address where nothing is mapped there, else to a staging one. */
static bool alq_way_open(struct alq_way *way, const struct alq_move *move, struct alq_staging *staging)
{
    struct alq_piece *piece = way->piece;
    way->from = piece->absent ? piece->backing.window : piece->begin;
    if (move->fresh.chunk != 0) {
        way->to = move->fresh.window;
        return true;
    }
    if (piece->absent) {
        way->to = piece->begin;
        way->landed = alq_piece_map(way->block, piece, &move->fresh);
        return way->landed;
    }
    CUmemAccessDesc access = alq_own_access(move->ordinal);
    way->to = staging->begin + staging->mapped_bytes;
    if (ALQ_CALL(cuMemMap, way->to, move->bytes, 0, move->fresh.handle, 0) != CUDA_SUCCESS) {
        return false;
    }
    way->staged = true;
    staging->mapped_bytes += move->bytes;
    return ALQ_CALL(cuMemSetAccess, way->to, move->bytes, &access, 1) == CUDA_SUCCESS;
}

/* Finds what is to be moved, and reserves what is staged; false: the driver has no addresses for it. */
static bool alq_ways_find(struct alq_way *ways, const struct alq_move *moves, size_t count, struct alq_staging *staging)
{
    struct alq_movable_block *const *unused;
    *staging = (struct alq_staging){0};
    alq_movables_lock(&unused);
    for (size_t at = 0; at < count; at++) {
        alq_way_find(&ways[at], &moves[at]);
        bool stages = ways[at].piece != NULL && moves[at].fresh.chunk == 0 && !ways[at].piece->absent;
        staging->bytes += stages ? moves[at].bytes : 0;
    }
    alq_movables_unlock(); /* while the gate is held nobody adds or takes any */
    if (staging->bytes != 0 && ALQ_CALL(cuMemAddressReserve, &staging->begin, staging->bytes, 0, 0, 0) != CUDA_SUCCESS) {
        staging->bytes = 0;
        return false;
    }
    return true;
}

/* What has not moved is as it was before; no address of the mover's own is left. */
static void alq_ways_close(struct alq_way *ways, const struct alq_move *moves, size_t count, const struct alq_staging *staging)
{
    for (size_t at = 0; at < count; at++) {
        if (ways[at].staged) {
            ALQ_CALL(cuMemUnmap, ways[at].to, moves[at].bytes);
        }
        if (ways[at].landed && !moves[at].moved) {
            ALQ_CALL(cuMemUnmap, ways[at].to, moves[at].bytes);
        }
    }
    if (staging->bytes != 0) {
        ALQ_CALL(cuMemAddressFree, staging->begin, staging->bytes);
    }
}

enum alq_move_outcome alq_move_close(uint64_t *closed_at_ns)
{
    uint64_t deadline_ns = alq_clock_ns() + ALQ_DRAIN_NS;
    for (;;) {
        while (alq_capture_active()) {
            if (alq_clock_ns() >= deadline_ns) {
                return ALQ_MOVE_CAPTURING;
            }
            nanosleep(&(struct timespec){.tv_nsec = ALQ_CAPTURE_STEP_NS}, NULL);
        }
        *closed_at_ns = alq_clock_ns();
        uint64_t drained_by_ns = *closed_at_ns + ALQ_DRAIN_NS;
        if (!alq_gate_close(drained_by_ns, ALQ_BREAK_NS)) {
            return ALQ_MOVE_BUSY;
        }
        if (alq_capture_active()) {
            alq_gate_open();
            *closed_at_ns = 0;
            continue;
        }
        if (alq_drain(drained_by_ns) && alq_gate_commit()) {
            return ALQ_MOVE_DONE;
        }
        alq_gate_open();
        return ALQ_MOVE_BUSY;
    }
}

/* All copies in streams of this thread's own, each begun as soon as its way is open: the next is opened beside it. False: one has failed. */
static bool alq_move_copy(struct alq_way *ways, const struct alq_move *moves, size_t count, struct alq_staging *staging)
{
    CUcontext current = NULL;
    bool good = true;
    for (size_t at = 0; at < count && good; at++) {
        if (ways[at].piece == NULL) {
            continue;
        }
        good = alq_way_open(&ways[at], &moves[at], staging);
        if (good && ways[at].context != current) {
            good = current == NULL || ALQ_CALL(cuStreamSynchronize, CU_STREAM_PER_THREAD) == CUDA_SUCCESS;
            current = ways[at].context;
            good = good && ALQ_CALL(cuCtxSetCurrent, current) == CUDA_SUCCESS;
        }
        good = good
            && ALQ_CALL(cuMemcpyDtoDAsync_v2, ways[at].to, ways[at].from, moves[at].bytes, CU_STREAM_PER_THREAD) == CUDA_SUCCESS;
    }
    bool ended = current == NULL || ALQ_CALL(cuStreamSynchronize, CU_STREAM_PER_THREAD) == CUDA_SUCCESS;
    ALQ_CALL(cuCtxSetCurrent, NULL);
    return good && ended;
}

/* The new backing takes the old one's place. Both hold the data: should the driver refuse it, the old one is put back.
 * away: nobody reaches for the piece before alq_move_reach, and a chunk is not mapped at its address. */
static bool alq_piece_exchange(const struct alq_way *way, struct alq_move *move, bool away)
{
    struct alq_piece *piece = way->piece;
    bool landed = way->landed;
    if (!landed && ALQ_CALL(cuMemUnmap, piece->begin, piece->bytes) != CUDA_SUCCESS) {
        return false;
    }
    bool absent = away && move->fresh.chunk != 0;
    move->moved = landed || absent || alq_piece_map(way->block, piece, &move->fresh);
    for (int attempt = 0; !move->moved && attempt < ALQ_MAP_TRIES; attempt++) {
        if (alq_piece_map(way->block, piece, &piece->backing)) {
            return false;
        }
        move->moved = alq_piece_map(way->block, piece, &move->fresh);
    }
    if (move->moved) {
        move->stale = piece->backing;
        piece->backing = move->fresh;
        piece->absent = absent;
    }
    return move->moved;
}

/* Gate held. */
static enum alq_move_outcome alq_move_exchange(struct alq_way *ways, struct alq_move *moves, size_t count, struct alq_staging *staging,
    bool away, void (*settle)(struct alq_move *), struct alq_move_result *result)
{
    enum alq_move_outcome outcome = ALQ_MOVE_DONE;
    uint64_t started_ns = alq_clock_ns();
    bool copied = alq_move_copy(ways, moves, count, staging);
    result->copy_ns += alq_clock_ns() - started_ns;
    for (size_t at = 0; at < count && copied; at++) {
        if (ways[at].piece != NULL && alq_piece_exchange(&ways[at], &moves[at], away)) {
            result->moved_bytes += moves[at].bytes;
            settle(&moves[at]);
        } else if (ways[at].piece != NULL) {
            outcome = ALQ_MOVE_FAILED;
        }
    }
    return copied ? outcome : ALQ_MOVE_FAILED;
}

enum alq_move_outcome alq_move_all(
    struct alq_move *moves, size_t count, void (*settle)(struct alq_move *move), struct alq_move_result *result)
{
    struct alq_way ways[ALQ_MOVES];
    struct alq_staging staging;
    uint64_t closed_at_ns = 0;
    bool held = alq_gate_held();
    enum alq_move_outcome outcome = held ? ALQ_MOVE_DONE : alq_move_close(&closed_at_ns);
    if (outcome == ALQ_MOVE_DONE) {
        outcome = alq_ways_find(ways, moves, count, &staging)
            ? alq_move_exchange(ways, moves, count, &staging, held, settle, result)
            : ALQ_MOVE_FAILED;
        alq_ways_close(ways, moves, count, &staging);
        if (!held) {
            alq_gate_open();
        }
    }
    result->closed_ns += closed_at_ns == 0 ? 0 : alq_clock_ns() - closed_at_ns;
    return outcome;
}

static bool alq_reach(void)
{
    struct alq_movable_block *const *blocks;
    bool all = true;
    size_t count = alq_movables_lock(&blocks);
    for (size_t at = 0; at < count; at++) {
        for (uint32_t i = 0; i < blocks[at]->piece_count; i++) {
            struct alq_piece *piece = &blocks[at]->pieces[i];
            piece->absent = piece->absent && !alq_piece_map(blocks[at], piece, &piece->backing);
            all = all && !piece->absent;
        }
    }
    alq_movables_unlock();
    return all;
}

void alq_move_reach(void)
{
    while (!alq_reach()) {
        nanosleep(&(struct timespec){.tv_nsec = ALQ_REACH_STEP_NS}, NULL);
    }
}
