/* The end of a graph, or of a context; see graph_blocks.h. */
#include <stdlib.h>

#include "fork.h"
#include "gate.h"
#include "graph_blocks.h"
#include "graph_notes.h"
#include "hooks.h"
#include "kept.h"
#include "movable.h"
#include "pool_movable.h"

static struct alq_hold *alq_ended;

struct alq_movable_block *alq_graph_block(CUdeviceptr address, uint64_t id)
{
    struct alq_movable_block *block = alq_movables_at(address);
    return block != NULL && block->id == id && !block->kept ? block : NULL;
}

void alq_hold_end(void *argument)
{
    struct alq_hold *hold = argument;
    hold->next = __atomic_load_n(&alq_ended, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&alq_ended, &hold->next, hold, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
    }
    alq_kept_unsettle();
}

void alq_freed_forget(const struct alq_freed *freed)
{
    if (freed->event != NULL && !freed->doomed) {
        ALQ_CALL(cuEventDestroy_v2, freed->event);
    }
}

void alq_graph_doom(CUcontext context, bool doomed)
{
    struct alq_movable_block *const *blocks;
    size_t count = alq_movables_lock(&blocks);
    for (size_t at = 0; at < count; at++) {
        if (blocks[at]->graph.state == ALQ_HELD && blocks[at]->freed.context == context) {
            blocks[at]->freed.doomed = doomed;
        }
    }
    alq_movables_unlock();
}

void alq_graph_reap(CUcontext context)
{
    struct alq_movable_block *const *blocks;
    size_t count = alq_movables_lock(&blocks);
    for (size_t at = 0; at < count; at++) {
        if (blocks[at]->graph.state == ALQ_HELD && blocks[at]->freed.context == context) {
            blocks[at]->freed = (struct alq_freed){0};
        }
    }
    alq_movables_unlock();
}

/* A block whose graph has ended becomes the program's, or is kept; the end of a context finds it as the one or the other. Answers one that is the
 * caller's to free, for what may use it has to be waited for; else NULL. */
static struct alq_movable_block *alq_let_go(const struct alq_hold *hold)
{
    struct alq_movable_block *const *blocks;
    struct alq_freed forgotten = {0};
    alq_movables_lock(&blocks);
    struct alq_movable_block *block = alq_graph_block(hold->address, hold->block);
    bool left = block != NULL && (block->graph.live || alq_notes_lost());
    if (left) {
        forgotten = block->freed;
        block->freed = (struct alq_freed){0};
        block->graph.state = ALQ_LEFT;
        block = NULL;
    } else if (block != NULL) {
        bool unwaited = block->graph.unwaited;
        block->graph = (struct alq_graph_tie){0};
        block->kept = true;
        alq_pool_movable_shift(block->pool, 0 - alq_pool_units(block->asked_bytes), 0);
        if (!unwaited) {
            struct alq_freed freed = block->freed;
            alq_kept_put(block, &freed);
            block = NULL;
        }
    }
    alq_movables_unlock();
    alq_freed_forget(&forgotten);
    alq_notes_forget(hold->block, !left);
    return block;
}

void alq_graph_collect(void)
{
    if (__builtin_expect(__atomic_load_n(&alq_ended, __ATOMIC_ACQUIRE) == NULL, 1)) {
        return;
    }
    bool gated = alq_gate_enter();
    struct alq_hold *hold = __atomic_exchange_n(&alq_ended, NULL, __ATOMIC_ACQUIRE);
    while (hold != NULL) {
        struct alq_hold *next = hold->next;
        struct alq_movable_block *block = alq_let_go(hold);
        if (block != NULL) {
            alq_movables_drop(block);
            alq_movable_bury(block);
        }
        free(hold);
        hold = next;
    }
    alq_gate_leave(gated);
}

void alq_graph_blocks_after_fork(void)
{
    alq_ended = NULL;
}
