/*
 * With the gate closed and the devices at rest: map the new backings at addresses of the mover's own, copy all pieces at once, exchange
 * the mappings of each piece, and end the mover's own. None of it happens beside the program's work, for the driver may have it wait
 * for what runs; beside the copy the mappings cost little.
 */
#include "move.h"

#include <time.h>

#include "capture.h"
#include "drain.h"
#include "gate.h"
#include "hooks.h"
#include "peers.h"
#include "own_thread.h"

#define ALQ_CAPTURE_STEP_NS 10000000l
#define ALQ_MAP_TRIES 3
/* The program breaks the gate only where the mover itself has been kept from opening it. */
#define ALQ_BREAK_NS (ALQ_DRAIN_NS + 1000000000ull)

/* Addresses for all the new backings of a list, one behind the other. */
struct alq_staging {
    CUdeviceptr begin;
    uint64_t bytes;
    uint64_t mapped_bytes;
    size_t mapped;
};

static bool alq_stage(struct alq_staging *staging, const struct alq_move *moves, size_t count)
{
    *staging = (struct alq_staging){0};
    for (size_t at = 0; at < count; at++) {
        staging->bytes += moves[at].bytes;
    }
    if (ALQ_CALL(cuMemAddressReserve, &staging->begin, staging->bytes, 0, 0, 0) != CUDA_SUCCESS) {
        staging->bytes = 0;
        return false;
    }
    CUmemAccessDesc access = {.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
    access.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    access.location.id = moves[0].ordinal;
    for (size_t at = 0; at < count; at++) {
        CUdeviceptr address = staging->begin + staging->mapped_bytes;
        if (ALQ_CALL(cuMemMap, address, moves[at].bytes, 0, moves[at].fresh.handle, 0) != CUDA_SUCCESS) {
            return false;
        }
        staging->mapped++;
        staging->mapped_bytes += moves[at].bytes;
    }
    return ALQ_CALL(cuMemSetAccess, staging->begin, staging->bytes, &access, 1) == CUDA_SUCCESS;
}

static void alq_unstage(const struct alq_staging *staging, const struct alq_move *moves)
{
    CUdeviceptr address = staging->begin;
    for (size_t at = 0; at < staging->mapped; at++) {
        ALQ_CALL(cuMemUnmap, address, moves[at].bytes);
        address += moves[at].bytes;
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

/* The piece that a move is about, if it is still there; NULL: it is not, or is on its new side already. Gate held. */
static struct alq_piece *alq_move_piece(const struct alq_move *move, CUcontext *context)
{
    struct alq_movable_block *block = alq_movables_at(move->block_begin);
    if (block == NULL || block->id != move->block_id) {
        return NULL;
    }
    struct alq_piece *piece = &block->pieces[move->piece];
    *context = block->context;
    return (piece->backing.chunk == 0) == (move->fresh.chunk == 0) ? NULL : piece;
}

/* All copies side by side in streams of this thread's own; false: one has failed. */
static bool alq_move_copy(struct alq_piece **pieces, CUcontext *contexts, const struct alq_move *moves, size_t count, CUdeviceptr staging)
{
    CUcontext current = NULL;
    bool good = true;
    for (size_t at = 0; at < count && good; at++) {
        if (pieces[at] != NULL && contexts[at] != current) {
            good = current == NULL || ALQ_CALL(cuStreamSynchronize, CU_STREAM_PER_THREAD) == CUDA_SUCCESS;
            current = contexts[at];
            good = good && ALQ_CALL(cuCtxSetCurrent, current) == CUDA_SUCCESS;
        }
        if (pieces[at] != NULL && good) {
            good = ALQ_CALL(cuMemcpyDtoDAsync_v2, staging, pieces[at]->begin, moves[at].bytes, CU_STREAM_PER_THREAD)
                == CUDA_SUCCESS;
        }
        staging += moves[at].bytes;
    }
    bool ended = current == NULL || ALQ_CALL(cuStreamSynchronize, CU_STREAM_PER_THREAD) == CUDA_SUCCESS;
    ALQ_CALL(cuCtxSetCurrent, NULL);
    return good && ended;
}

/* Maps a backing at a piece's address, reachable as the piece was; false: nothing is mapped there. */
static bool alq_piece_map(const struct alq_piece *piece, CUdevice ordinal, const struct alq_backing *backing)
{
    CUmemAccessDesc access[ALQ_ACCESSES];
    size_t count = alq_peers_access(ordinal, access);
    if (ALQ_CALL(cuMemMap, piece->begin, piece->bytes, 0, backing->handle, 0) != CUDA_SUCCESS) {
        return false;
    }
    if (ALQ_CALL(cuMemSetAccess, piece->begin, piece->bytes, access, count) == CUDA_SUCCESS) {
        return true;
    }
    ALQ_CALL(cuMemUnmap, piece->begin, piece->bytes);
    return false;
}

/* The new backing takes the old one's place. Both hold the data: should the driver refuse it, the old one is put back. */
static bool alq_piece_exchange(struct alq_piece *piece, struct alq_move *move)
{
    if (ALQ_CALL(cuMemUnmap, piece->begin, piece->bytes) != CUDA_SUCCESS) {
        return false;
    }
    move->moved = alq_piece_map(piece, move->ordinal, &move->fresh);
    for (int attempt = 0; !move->moved && attempt < ALQ_MAP_TRIES; attempt++) {
        if (alq_piece_map(piece, move->ordinal, &piece->backing)) {
            return false;
        }
        move->moved = alq_piece_map(piece, move->ordinal, &move->fresh);
    }
    if (move->moved) {
        move->stale = piece->backing;
        piece->backing = move->fresh;
    }
    return move->moved;
}

/* Gate held. */
static enum alq_move_outcome alq_move_exchange(struct alq_move *moves, size_t count, const struct alq_staging *staging,
    void (*settle)(struct alq_move *), struct alq_move_result *result)
{
    struct alq_piece *pieces[ALQ_MOVES];
    CUcontext contexts[ALQ_MOVES];
    struct alq_movable_block *const *unused;
    enum alq_move_outcome outcome = ALQ_MOVE_DONE;
    uint64_t started_ns = alq_clock_ns();
    alq_movables_lock(&unused);
    for (size_t at = 0; at < count; at++) {
        pieces[at] = alq_move_piece(&moves[at], &contexts[at]);
    }
    alq_movables_unlock(); /* while the gate is held nobody adds or takes any */
    bool copied = alq_move_copy(pieces, contexts, moves, count, staging->begin);
    result->copy_ns += alq_clock_ns() - started_ns;
    for (size_t at = 0; at < count && copied; at++) {
        if (pieces[at] != NULL && alq_piece_exchange(pieces[at], &moves[at])) {
            result->moved_bytes += moves[at].bytes;
            settle(&moves[at]);
        } else if (pieces[at] != NULL) {
            outcome = ALQ_MOVE_FAILED;
        }
    }
    return copied ? outcome : ALQ_MOVE_FAILED;
}

enum alq_move_outcome alq_move_all(
    struct alq_move *moves, size_t count, void (*settle)(struct alq_move *move), struct alq_move_result *result)
{
    struct alq_staging staging;
    uint64_t closed_at_ns = 0;
    bool held = alq_gate_held();
    enum alq_move_outcome outcome = held ? ALQ_MOVE_DONE : alq_move_close(&closed_at_ns);
    if (outcome == ALQ_MOVE_DONE) {
        outcome = alq_stage(&staging, moves, count) ? alq_move_exchange(moves, count, &staging, settle, result) : ALQ_MOVE_FAILED;
        alq_unstage(&staging, moves);
        if (!held) {
            alq_gate_open();
        }
    }
    result->closed_ns += closed_at_ns == 0 ? 0 : alq_clock_ns() - closed_at_ns;
    return outcome;
}
