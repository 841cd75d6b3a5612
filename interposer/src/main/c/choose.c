/* See choose.h. */
#include "choose.h"

#include <stdlib.h>

#include "movable.h"
#include "virtual.h"

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

static struct alq_move alq_move_of(const struct alq_movable_block *block, uint32_t piece)
{
    return (struct alq_move){.block_begin = block->begin,
        .block_id = block->id,
        .piece = piece,
        .bytes = block->pieces[piece].bytes,
        .ordinal = block->ordinal,
        .pinned = block->tie == ALQ_PINNED};
}

static bool alq_chosen(const struct alq_movable_block *block, uint32_t piece, enum alq_choose which)
{
    bool resident = block->pieces[piece].backing.chunk == 0;
    if (!alq_virtual_reached(block)) {
        return false;
    }
    return which == ALQ_CHOOSE_PINNED ? !resident && block->tie == ALQ_PINNED && block->advance_bytes != 0 && !block->busy
                                      : resident == (which == ALQ_CHOOSE_RESIDENT) && block->tie == ALQ_LOOSE;
}

size_t alq_choose(struct alq_move moves[ALQ_MOVES], uint32_t device, enum alq_choose which, uint64_t wanted_bytes)
{
    struct alq_movable_block *const *blocks;
    size_t found = 0;
    size_t count = alq_movables_lock(&blocks);
    for (size_t at = 0; at < count; at++) {
        const struct alq_movable_block *block = blocks[at];
        for (uint32_t piece = 0; block->device == (int)device && piece < block->piece_count; piece++) {
            if (alq_chosen(block, piece, which)) {
                struct alq_move move = alq_move_of(block, piece);
                alq_insert(moves, &found, &move, which == ALQ_CHOOSE_RESIDENT);
            }
        }
    }
    alq_movables_unlock();
    uint64_t sum_bytes = 0;
    size_t chosen = 0;
    while (chosen < found && sum_bytes < wanted_bytes) {
        sum_bytes += moves[chosen++].bytes;
    }
    return chosen;
}

/* For qsort. */
static int alq_by_turn(const void *a, const void *b)
{
    return alq_sooner(b, a, true) - alq_sooner(a, b, true);
}

size_t alq_list_resident(struct alq_move **moves, uint32_t device)
{
    struct alq_movable_block *const *blocks;
    size_t found = 0;
    size_t pieces = 0;
    size_t count = alq_movables_lock(&blocks);
    for (size_t at = 0; at < count; at++) {
        pieces += blocks[at]->piece_count;
    }
    *moves = malloc((pieces + 1) * sizeof **moves);
    for (size_t at = 0; *moves != NULL && at < count; at++) {
        for (uint32_t piece = 0; blocks[at]->device == (int)device && piece < blocks[at]->piece_count; piece++) {
            if (alq_chosen(blocks[at], piece, ALQ_CHOOSE_RESIDENT)) {
                (*moves)[found++] = alq_move_of(blocks[at], piece);
            }
        }
    }
    alq_movables_unlock();
    if (*moves == NULL) {
        return SIZE_MAX;
    }
    qsort(*moves, found, sizeof **moves, alq_by_turn);
    return found;
}
