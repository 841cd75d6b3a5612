/* See deep.h. Pieces stay where they are while the gate is held; what a backing has (handle, window) says how far it has got. */
#include "deep.h"

#include <stdlib.h>
#include <time.h>

#include "agent.h"
#include "bare.h"
#include "chunks.h"
#include "descriptors.h"
#include "drain.h"
#include "fork.h"
#include "gate.h"
#include "hooks.h"
#include "move.h"
#include "own_thread.h"
#include "stash.h"
#include "threads.h"

#define ALQ_PASS_NS 2000000000ull
#define ALQ_IMPORT_STEP_NS 10000000l

/* A piece whose data is in a chunk; the descriptor of that is in the place of the same number. */
struct alq_sunk {
    struct alq_piece *piece;
    const struct alq_movable_block *block;
};

static struct {
    struct alq_sunk *list;
    size_t count;
    bool bare;
} alq;

/* Locked. Into list, if that is not NULL; how many there are. */
static size_t alq_sunk_of(struct alq_movable_block *const *blocks, size_t count, struct alq_sunk *list)
{
    size_t found = 0;
    for (size_t at = 0; at < count; at++) {
        for (uint32_t i = 0; i < blocks[at]->piece_count; i++) {
            struct alq_piece *piece = &blocks[at]->pieces[i];
            if (piece->backing.chunk != 0 && list != NULL) {
                list[found] = (struct alq_sunk){.piece = piece, .block = blocks[at]};
            }
            found += piece->backing.chunk != 0;
        }
    }
    return found;
}

/* False: no memory. */
static bool alq_deep_list(void)
{
    struct alq_movable_block *const *blocks;
    size_t count = alq_movables_lock(&blocks);
    alq.count = alq_sunk_of(blocks, count, NULL);
    alq.list = malloc((alq.count + 1) * sizeof *alq.list);
    if (alq.list != NULL) {
        alq_sunk_of(blocks, count, alq.list);
    }
    alq_movables_unlock();
    return alq.list != NULL;
}

static bool alq_deep_copy(const struct alq_sunk *sunk, const struct alq_backing *fresh)
{
    const struct alq_piece *piece = sunk->piece;
    bool good = ALQ_CALL(cuCtxSetCurrent, sunk->block->context) == CUDA_SUCCESS
        && ALQ_CALL(cuMemcpyDtoDAsync_v2, fresh->window, piece->backing.window, piece->bytes, CU_STREAM_PER_THREAD) == CUDA_SUCCESS
        && ALQ_CALL(cuStreamSynchronize, CU_STREAM_PER_THREAD) == CUDA_SUCCESS;
    ALQ_CALL(cuCtxSetCurrent, NULL);
    return good;
}

/* Data in a chunk that an earlier agent gave moves to one of this agent's, and the old one goes back before the next is taken. What has been unmapped
 * for that is mapped again before the gate opens, whichever chunk it is in. */
static enum alq_move_outcome alq_deep_renew(const struct alq_sunk *sunk)
{
    struct alq_piece *piece = sunk->piece;
    struct alq_backing fresh;
    if (sunk->block->context == NULL || alq_gate_wanted()) {
        return sunk->block->context == NULL ? ALQ_MOVE_FAILED : ALQ_MOVE_BUSY;
    }
    enum alq_move_outcome outcome =
        alq_chunks_take(ALQ_CHUNK_HASTE_MS, (uint32_t)sunk->block->device, sunk->block->ordinal, piece->bytes, &fresh);
    if (outcome != ALQ_MOVE_DONE) {
        return outcome;
    }
    if (!piece->absent) {
        piece->absent = ALQ_CALL(cuMemUnmap, piece->begin, piece->bytes) == CUDA_SUCCESS;
    }
    if (!piece->absent || !alq_deep_copy(sunk, &fresh)) {
        alq_chunks_end(&fresh, piece->bytes);
        return ALQ_MOVE_FAILED;
    }
    alq_chunks_end(&piece->backing, piece->bytes);
    piece->backing = fresh;
    return alq_chunks_return() ? ALQ_MOVE_DONE : ALQ_MOVE_FAILED;
}

static enum alq_move_outcome alq_deep_fetch(size_t at)
{
    const struct alq_sunk *sunk = &alq.list[at];
    int descriptor = -1;
    enum alq_agent_answer answer = alq_chunks_reopen(&sunk->piece->backing, sunk->piece->bytes, &descriptor);
    if (answer == ALQ_AGENT_REFUSED) {
        enum alq_move_outcome outcome = alq_deep_renew(sunk);
        if (outcome != ALQ_MOVE_DONE) {
            return outcome;
        }
        answer = alq_chunks_reopen(&sunk->piece->backing, sunk->piece->bytes, &descriptor);
    }
    if (answer != ALQ_AGENT_YES) {
        return ALQ_MOVE_FAILED;
    }
    return descriptor >= 0 && alq_descriptors_put(at, descriptor) ? ALQ_MOVE_DONE : ALQ_MOVE_DESCRIPTORS;
}

static enum alq_move_outcome alq_deep_fetch_all(void)
{
    enum alq_move_outcome outcome = ALQ_MOVE_DONE;
    if (!alq_descriptors_begin(alq.count)) {
        return ALQ_MOVE_DESCRIPTORS;
    }
    for (size_t at = 0; at < alq.count && outcome == ALQ_MOVE_DONE; at++) {
        outcome = alq_gate_wanted() ? ALQ_MOVE_BUSY : alq_deep_fetch(at);
    }
    alq_descriptors_settle();
    return outcome;
}

static bool alq_deep_release(struct alq_piece *piece)
{
    if (!piece->absent) {
        piece->absent = ALQ_CALL(cuMemUnmap, piece->begin, piece->bytes) == CUDA_SUCCESS;
    }
    return piece->absent && alq_chunks_release(&piece->backing, piece->bytes);
}

/* False: the driver refuses a step, or there are imports of others'. */
static bool alq_deep_release_all(void)
{
    for (size_t at = 0; at < alq.count; at++) {
        if (!alq_deep_release(alq.list[at].piece)) {
            return false;
        }
    }
    return alq_chunks_imported() == 0;
}

static bool alq_deep_import(const struct alq_sunk *sunk, int descriptor)
{
    return alq_chunks_import(&sunk->piece->backing, sunk->block->ordinal, sunk->piece->bytes, descriptor);
}

/* From a descriptor of the agent's: somebody may have closed the one that was kept. */
static bool alq_deep_import_afresh(const struct alq_sunk *sunk)
{
    int descriptor = -1;
    bool good = alq_chunks_reopen(&sunk->piece->backing, sunk->piece->bytes, &descriptor) == ALQ_AGENT_YES && alq_deep_import(sunk, descriptor);
    if (descriptor >= 0) {
        alq_agent_close(descriptor);
    }
    return good;
}

static void alq_deep_import_all(void)
{
    for (size_t at = 0; at < alq.count; at++) {
        const struct alq_sunk *sunk = &alq.list[at];
        while (!alq_deep_import(sunk, alq_descriptors_get(at)) && !alq_deep_import_afresh(sunk)) {
            nanosleep(&(struct timespec){.tv_nsec = ALQ_IMPORT_STEP_NS}, NULL);
        }
        alq_descriptors_close(at);
    }
}

static void alq_deep_end(void)
{
    alq_descriptors_end();
    free(alq.list);
    alq.list = NULL;
    alq.count = 0;
}

static enum alq_move_outcome alq_deep_dive(void)
{
    enum alq_move_outcome outcome = ALQ_MOVE_FAILED;
    if (alq_deep_release_all()) {
        alq_bare_begin();
        outcome = !alq_threads_pass(alq_clock_ns() + ALQ_PASS_NS) ? ALQ_MOVE_BUSY
            : !alq_bare_possible()                                ? ALQ_MOVE_FAILED
                                                                  : ALQ_MOVE_DONE;
    }
    if (outcome != ALQ_MOVE_DONE) {
        alq_bare_end();
        alq_deep_import_all();
    }
    return outcome;
}

enum alq_move_outcome alq_deep_leave(void)
{
    if (!alq_bare_possible()) {
        return ALQ_MOVE_FAILED;
    }
    if (!alq_drain(alq_clock_ns() + ALQ_DRAIN_NS)) {
        return ALQ_MOVE_BUSY;
    }
    alq_stash_empty();
    alq_chunks_return();
    if (!alq_deep_list()) {
        return ALQ_MOVE_FAILED;
    }
    enum alq_move_outcome outcome = alq_deep_fetch_all();
    outcome = outcome == ALQ_MOVE_DONE ? alq_deep_dive() : outcome;
    alq.bare = outcome == ALQ_MOVE_DONE;
    if (!alq.bare) {
        alq_deep_end();
    }
    return outcome;
}

bool alq_deep_is_bare(void)
{
    return alq.bare;
}

void alq_deep_return(void)
{
    alq_bare_end();
    alq_deep_import_all();
    alq_deep_end();
    alq.bare = false;
}

void alq_deep_after_fork(void)
{
    alq.list = NULL;
    alq.count = 0;
    alq.bare = false;
}
