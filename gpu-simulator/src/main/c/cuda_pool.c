/* Segments and blocks of pools. */
#include <stdlib.h>
#include <unistd.h>

#include "cuda_pool.h"

static struct sim_pool *pools;
static pthread_mutex_t pools_mutex = PTHREAD_MUTEX_INITIALIZER;
static _Atomic bool unsettled; /* something was freed since the last wait */

bool sim_pool_ok(const void *handle) { return sim_handle_is(handle, SIM_KIND_POOL); }

struct sim_pool *sim_pool_make(int ordinal) {
    struct sim_pool *pool = sim_handle_new(SIM_KIND_POOL);
    if (pool == NULL) return NULL;
    pool->ordinal = ordinal;
    pool->device = sim_process.device[ordinal];
    pool->reuse[0] = pool->reuse[1] = pool->reuse[2] = 1;
    pool->readers = 1u << ordinal;
    pool->fd = -1;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_mutex_lock(&pools_mutex);
    pool->next = pools;
    pools = pool;
    pthread_mutex_unlock(&pools_mutex);
    return pool;
}

CUresult sim_pool_default(int ordinal, struct sim_pool **out) {
    static pthread_mutex_t default_mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&default_mutex);
    if (sim_process.default_pool[ordinal] == NULL) {
        struct sim_pool *pool = sim_pool_make(ordinal);
        if (pool != NULL) pool->standard = true;
        sim_process.default_pool[ordinal] = pool;
    }
    if (sim_process.current_pool[ordinal] == NULL) sim_process.current_pool[ordinal] = sim_process.default_pool[ordinal];
    pthread_mutex_unlock(&default_mutex);
    *out = sim_process.default_pool[ordinal];
    return *out == NULL ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_SUCCESS;
}

static void segment_unmake(struct sim_pool *pool, struct sim_segment *segment) {
    pool->reserved -= segment->range->span;
    sim_range_unmake(segment->range, true);
    while (segment->blocks != NULL) {
        struct sim_block *block = segment->blocks;
        segment->blocks = block->next;
        free(block);
    }
    free(segment);
}

static void trim_locked(struct sim_pool *pool, uint64_t keep) {
    for (struct sim_segment **link = &pool->segments; *link != NULL && pool->reserved > keep;) {
        struct sim_segment *segment = *link;
        if (segment->used != 0) {
            link = &segment->next;
            continue;
        }
        *link = segment->next;
        segment_unmake(pool, segment);
    }
}

void sim_pool_trim(struct sim_pool *pool, uint64_t keep) {
    pthread_mutex_lock(&pool->mutex);
    trim_locked(pool, keep);
    pthread_mutex_unlock(&pool->mutex);
}

void sim_pool_unmake(struct sim_pool *pool) {
    pthread_mutex_lock(&pools_mutex);
    for (struct sim_pool **link = &pools; *link != NULL; link = &(*link)->next) {
        if (*link != pool) continue;
        *link = pool->next;
        break;
    }
    pthread_mutex_unlock(&pools_mutex);
    pthread_mutex_lock(&pool->mutex);
    while (pool->segments != NULL) {
        struct sim_segment *segment = pool->segments;
        pool->segments = segment->next;
        segment_unmake(pool, segment);
    }
    pthread_mutex_unlock(&pool->mutex);
    if (pool->fd >= 0) close(pool->fd);
    sim_handle_free(pool);
}

/* The default pool's memory goes with the primary context. */
void sim_pool_release_ordinal(int ordinal) {
    struct sim_pool *pool = sim_process.default_pool[ordinal];
    if (pool == NULL) return;
    pthread_mutex_lock(&pool->mutex);
    while (pool->segments != NULL) {
        struct sim_segment *segment = pool->segments;
        pool->segments = segment->next;
        segment_unmake(pool, segment);
    }
    pool->used = 0;
    pthread_mutex_unlock(&pool->mutex);
}

bool sim_pool_trim_all(uint32_t device) {
    bool trimmed = false;
    pthread_mutex_lock(&pools_mutex);
    for (struct sim_pool *pool = pools; pool != NULL; pool = pool->next) {
        if (pool->device != device || pthread_mutex_trylock(&pool->mutex) != 0) continue;
        uint64_t before = pool->reserved;
        trim_locked(pool, 0);
        trimmed |= pool->reserved < before;
        pthread_mutex_unlock(&pool->mutex);
    }
    pthread_mutex_unlock(&pools_mutex);
    return trimmed;
}

void sim_pool_settle(void) {
    if (!atomic_load_explicit(&unsettled, memory_order_acquire)) return;
    atomic_store(&unsettled, false);
    pthread_mutex_lock(&pools_mutex);
    for (struct sim_pool *pool = pools; pool != NULL; pool = pool->next) sim_pool_trim(pool, pool->threshold);
    pthread_mutex_unlock(&pools_mutex);
}

static struct sim_segment *segment_make(struct sim_pool *pool, uint64_t bytes) {
    CUresult result;
    struct sim_segment *segment = calloc(1, sizeof *segment);
    struct sim_block *block = calloc(1, sizeof *block);
    struct sim_range *range = NULL;
    if (segment != NULL && block != NULL) {
        range = sim_range_make(SIM_RANGE_SEGMENT, pool->ordinal, sim_round_up(bytes, SIM_SEGMENT_BYTES), false, &result);
        if (range == NULL) range = sim_range_make(SIM_RANGE_SEGMENT, pool->ordinal, bytes, false, &result);
    }
    if (range == NULL) {
        free(segment);
        free(block);
        return NULL;
    }
    range->pool = pool;
    range->segment = segment;
    range->ctx = sim_process.primary[pool->ordinal];
    *block = (struct sim_block){.base = range->base, .span = range->span};
    segment->range = range;
    segment->blocks = block;
    segment->next = pool->segments;
    pool->segments = segment;
    pool->reserved += range->span;
    if (pool->reserved > pool->reserved_high) pool->reserved_high = pool->reserved;
    return segment;
}

/* Best fit over all segments. */
static struct sim_block *find_block(struct sim_pool *pool, uint64_t span, struct sim_segment **where) {
    struct sim_block *best = NULL;
    for (struct sim_segment *segment = pool->segments; segment != NULL; segment = segment->next) {
        for (struct sim_block *block = segment->blocks; block != NULL; block = block->next) {
            if (block->used || block->span < span || (best != NULL && best->span <= block->span)) continue;
            best = block;
            *where = segment;
        }
    }
    return best;
}

CUresult sim_pool_take(struct sim_pool *pool, uint64_t bytes, uint64_t *address) {
    uint64_t span = sim_round_up(bytes, SIM_UNIT_BYTES);
    struct sim_segment *segment = NULL;
    CUresult result = CUDA_ERROR_OUT_OF_MEMORY;
    if (span < bytes) return result;
    pthread_mutex_lock(&pool->mutex);
    if (pool->maximum != 0 && span > pool->maximum - (pool->used < pool->maximum ? pool->used : pool->maximum)) goto out;
    struct sim_block *block = find_block(pool, span, &segment);
    if (block == NULL) {
        segment = segment_make(pool, span);
        if (segment == NULL) {
            trim_locked(pool, 0);
            segment = segment_make(pool, span);
        }
        if (segment == NULL) goto out;
        block = segment->blocks;
    }
    if (block->span > span) {
        struct sim_block *rest = calloc(1, sizeof *rest);
        if (rest == NULL) goto out;
        *rest = (struct sim_block){.base = block->base + span, .span = block->span - span, .next = block->next};
        block->next = rest;
        block->span = span;
    }
    block->used = true;
    block->freeing = false;
    block->bytes = bytes;
    block->id = sim_new_id();
    segment->used += span;
    pool->used += span;
    if (pool->used > pool->used_high) pool->used_high = pool->used;
    *address = block->base;
    result = CUDA_SUCCESS;
out:
    pthread_mutex_unlock(&pool->mutex);
    return result;
}

static struct sim_block *block_at(struct sim_segment *segment, uint64_t address) {
    for (struct sim_block *block = segment->blocks; block != NULL; block = block->next) {
        if (address - block->base < block->span) return block->used ? block : NULL;
    }
    return NULL;
}

bool sim_pool_find(struct sim_range *range, uint64_t address, struct sim_found *found) {
    pthread_mutex_lock(&range->pool->mutex);
    struct sim_block *block = block_at(range->segment, address);
    if (block != NULL) *found = (struct sim_found){range, block->base, block->bytes, block->id};
    pthread_mutex_unlock(&range->pool->mutex);
    return block != NULL && address - found->base < found->bytes;
}

CUmemoryPool sim_pool_handle(const struct sim_range *range) { return (CUmemoryPool)range->pool; }

/* Joins free neighbours. */
static void join(struct sim_segment *segment) {
    for (struct sim_block *block = segment->blocks; block != NULL; block = block->next) {
        while (!block->used && block->next != NULL && !block->next->used) {
            struct sim_block *gone = block->next;
            block->span += gone->span;
            block->next = gone->next;
            free(gone);
        }
    }
}

CUresult sim_pool_free_now(uint64_t address) {
    struct sim_range *range = sim_space_range(address);
    SIM_NEED(range != NULL && range->kind == SIM_RANGE_SEGMENT);
    struct sim_pool *pool = range->pool;
    pthread_mutex_lock(&pool->mutex);
    struct sim_block *block = block_at(range->segment, address);
    bool good = block != NULL && block->base == address;
    if (good) {
        block->used = false;
        range->segment->used -= block->span;
        pool->used -= block->span;
        join(range->segment);
        atomic_store(&unsettled, true);
    }
    pthread_mutex_unlock(&pool->mutex);
    return good ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
