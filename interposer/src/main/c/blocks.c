/* A hash table of chains. */
#include "blocks.h"

#include <stdlib.h>

#define ALQ_FIRST_BUCKETS 64u

static struct alq_block *alq_first_buckets[ALQ_FIRST_BUCKETS];
static struct alq_block **alq_buckets = alq_first_buckets;
static uint64_t alq_bucket_count = ALQ_FIRST_BUCKETS; /* a power of two */
static uint64_t alq_block_count;

static struct alq_block **alq_bucket_of(uint64_t number)
{
    uint64_t hash = number * 0x9e3779b97f4a7c15ull;
    return &alq_buckets[(hash ^ (hash >> 32)) & (alq_bucket_count - 1)];
}

struct alq_block *alq_blocks_get(uint64_t number)
{
    struct alq_block *block = *alq_bucket_of(number);
    while (block != NULL && block->number != number) {
        block = block->next;
    }
    return block;
}

static void alq_link(struct alq_block *block)
{
    struct alq_block **bucket = alq_bucket_of(block->number);
    block->next = *bucket;
    *bucket = block;
}

/* Where there is no memory for it the chains grow longer instead. */
static void alq_buckets_grow(void)
{
    struct alq_block **old = alq_buckets;
    uint64_t old_count = alq_bucket_count;
    struct alq_block **grown = calloc(old_count * 2, sizeof *grown);
    if (grown == NULL) {
        return;
    }
    alq_buckets = grown;
    alq_bucket_count = old_count * 2;
    for (uint64_t i = 0; i < old_count; i++) {
        for (struct alq_block *block = old[i], *next; block != NULL; block = next) {
            next = block->next;
            alq_link(block);
        }
    }
    if (old != alq_first_buckets) {
        free(old);
    }
}

struct alq_block *alq_blocks_refer(uint64_t number, const struct alq_cutting *cutting, uint32_t *opened)
{
    struct alq_block *block = alq_blocks_get(number);
    if (block == NULL) {
        block = calloc(1, sizeof *block);
        if (block == NULL) {
            return NULL;
        }
        block->number = number;
        block->cutting = *cutting;
        if (alq_block_count++ >= alq_bucket_count) {
            alq_buckets_grow();
        }
        alq_link(block);
        (*opened)++;
    } else if (block->cutting.device != cutting->device || block->cutting.context != cutting->context || !cutting->plain) {
        block->cutting.plain = false; /* its address has changed hands before its last free was seen here */
    }
    block->references++;
    return block;
}

bool alq_blocks_drop(struct alq_block *block)
{
    if (--block->references != 0) {
        return false;
    }
    struct alq_block **link = alq_bucket_of(block->number);
    while (*link != block) {
        link = &(*link)->next;
    }
    *link = block->next;
    alq_block_count--;
    free(block);
    return true;
}

void alq_blocks_mark(struct alq_block *block, uint64_t address, uint64_t bytes, bool taken)
{
    uint64_t start = block->number * ALQ_LARGE_BLOCK_BYTES;
    uint64_t first = address > start ? (address - start) / ALQ_GRAIN_BYTES : 0;
    uint64_t last = (address + bytes - 1 - start) / ALQ_GRAIN_BYTES;
    for (uint64_t i = first; i <= last && i < ALQ_BLOCK_PIECES; i++) {
        block->taken[i] = (uint8_t)(block->taken[i] + (taken ? 1 : -1));
    }
}

static bool alq_has_hole(const struct alq_block *block, uint64_t pieces)
{
    uint64_t run = 0;
    for (uint64_t i = 0; i < ALQ_BLOCK_PIECES && run < pieces; i++) {
        run = block->taken[i] == 0 ? run + 1 : 0;
    }
    return run >= pieces;
}

struct alq_block *alq_blocks_with_hole(const struct alq_cutting *cutting, uint64_t bytes)
{
    uint64_t pieces = (bytes + ALQ_GRAIN_BYTES - 1) / ALQ_GRAIN_BYTES;
    for (uint64_t i = 0; cutting->plain && i < alq_bucket_count; i++) {
        for (struct alq_block *block = alq_buckets[i]; block != NULL; block = block->next) {
            if (block->cutting.plain && block->cutting.device == cutting->device && block->cutting.context == cutting->context
                && alq_has_hole(block, pieces)) {
                return block;
            }
        }
    }
    return NULL;
}

void alq_blocks_after_fork(void)
{
    for (uint64_t i = 0; i < ALQ_FIRST_BUCKETS; i++) {
        alq_first_buckets[i] = NULL;
    }
    alq_buckets = alq_first_buckets;
    alq_bucket_count = ALQ_FIRST_BUCKETS;
    alq_block_count = 0;
}
