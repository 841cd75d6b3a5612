/* See stash.h. */
#include "stash.h"

#include <stdlib.h>

#include "chunks.h"
#include "fork.h"

struct alq_stashed {
    struct alq_backing chunk;
    uint64_t bytes;
    uint32_t device;
};

static struct alq_stashed *alq_stash;
static size_t alq_count;
static size_t alq_capacity;

static bool alq_stash_room(void)
{
    if (alq_count < alq_capacity) {
        return true;
    }
    size_t capacity = alq_capacity == 0 ? 64 : alq_capacity * 2;
    struct alq_stashed *grown = realloc(alq_stash, capacity * sizeof *grown);
    if (grown != NULL) {
        alq_stash = grown;
        alq_capacity = capacity;
    }
    return grown != NULL;
}

enum alq_move_outcome alq_stash_fetch(uint32_t device, uint64_t bytes)
{
    struct alq_stashed *next;
    if (!alq_stash_room()) {
        return ALQ_MOVE_HOST_POOL;
    }
    next = &alq_stash[alq_count];
    *next = (struct alq_stashed){.bytes = bytes, .device = device};
    enum alq_move_outcome outcome = alq_chunks_take(device, bytes, &next->chunk);
    alq_count += outcome == ALQ_MOVE_DONE;
    return outcome;
}

enum alq_move_outcome alq_stash_take(uint32_t device, uint64_t bytes, struct alq_backing *chunk)
{
    for (size_t at = alq_count; at-- > 0;) {
        if (alq_stash[at].bytes == bytes && alq_stash[at].device == device) {
            *chunk = alq_stash[at].chunk;
            alq_stash[at] = alq_stash[--alq_count];
            return ALQ_MOVE_DONE;
        }
    }
    return alq_chunks_take(device, bytes, chunk);
}

void alq_stash_keep(uint32_t device, uint64_t bytes, const struct alq_backing *chunk)
{
    if (alq_stash_room()) {
        alq_stash[alq_count++] = (struct alq_stashed){.chunk = *chunk, .bytes = bytes, .device = device};
    } else {
        alq_chunks_end(chunk);
    }
}

void alq_stash_end(void)
{
    while (alq_count != 0) {
        alq_chunks_end(&alq_stash[--alq_count].chunk);
    }
    free(alq_stash);
    alq_stash = NULL;
    alq_capacity = 0;
}

void alq_stash_after_fork(void)
{
    alq_stash = NULL;
    alq_count = 0;
    alq_capacity = 0;
}
