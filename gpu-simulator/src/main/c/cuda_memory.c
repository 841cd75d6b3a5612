/* Allocations of whole pages and small ones that share a page; the range behind an address. */
#include <stdlib.h>

#include "cuda_share.h"

#define UNITS (SIM_PAGE_BYTES / SIM_UNIT_BYTES)
#define SMALL_LIMIT (1ull << 20)

/* Small allocations of one page: length in units and bytes asked, at the first unit of each. */
struct sim_small {
    uint32_t used; /* units */
    uint16_t length[UNITS];
    uint32_t bytes[UNITS];
    uint64_t taken[UNITS / 64]; /* one bit for each unit */
};

struct sim_range *sim_range_make(enum sim_range_kind kind, int ordinal, uint64_t bytes, bool low, CUresult *result) {
    uint32_t device = sim_process.device[ordinal];
    uint64_t span = sim_round_up(bytes, SIM_PAGE_BYTES);
    *result = CUDA_ERROR_OUT_OF_MEMORY;
    if (span < bytes || span > sim_mem_capacity(device)) return NULL;
    if (!sim_mem_take(device, span) && !(sim_pool_trim_all(device) && sim_mem_take(device, span))) return NULL;
    uint64_t base = sim_space_take(span, SIM_PAGE_BYTES, 0, low);
    struct sim_range *range = base == 0 ? NULL : sim_handle_new(SIM_KIND_RANGE);
    if (range == NULL) {
        if (base != 0) sim_space_give(base, span);
        sim_mem_give(device, span);
        return NULL;
    }
    range->kind = kind;
    range->base = base;
    range->bytes = bytes;
    range->span = span;
    range->ordinal = ordinal;
    range->device = device;
    range->id = sim_new_id();
    range->access = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
    sim_space_bind(range, base, span);
    *result = CUDA_SUCCESS;
    return range;
}

/* What another process still has open keeps its bytes, and its addresses here, which are plenty, are not used again. */
static bool held_elsewhere(const struct sim_range *range) {
    if (range->object == 0) return false;
    sim_object_drop(range->object);
    return sim_share_is_open(range);
}

void sim_range_unmake(struct sim_range *range, bool charged) {
    sim_space_bind(NULL, range->base, range->span);
    if (range->managed) sim_space_hide(range->base, range->span);
    if (charged && range->object == 0) sim_mem_give(range->device, range->span);
    if (!held_elsewhere(range)) {
        sim_space_discard(range->base, range->span);
        sim_space_give(range->base, range->span);
    }
    free(range->small);
    sim_handle_free(range);
}

static void link_range(struct sim_context *ctx, struct sim_range *range) {
    range->ctx = ctx;
    range->previous = NULL;
    range->next = ctx->ranges;
    if (ctx->ranges != NULL) ctx->ranges->previous = range;
    ctx->ranges = range;
}

static void unlink_range(struct sim_context *ctx, struct sim_range *range) {
    if (range->previous != NULL) range->previous->next = range->next;
    else ctx->ranges = range->next;
    if (range->next != NULL) range->next->previous = range->previous;
}

static bool unit_taken(const struct sim_small *small, unsigned unit) { return (small->taken[unit / 64] >> (unit % 64)) & 1; }

static void mark_units(struct sim_small *small, unsigned unit, unsigned count, bool taken) {
    for (unsigned i = unit; i < unit + count; i++) {
        if (taken) small->taken[i / 64] |= 1ull << (i % 64);
        else small->taken[i / 64] &= ~(1ull << (i % 64));
    }
}

/* First fit in the page; UINT32_MAX when there is none. */
static unsigned small_take(struct sim_small *small, uint64_t bytes) {
    unsigned need = (unsigned)(sim_round_up(bytes, SIM_UNIT_BYTES) / SIM_UNIT_BYTES), run = 0;
    if (UNITS - small->used < need) return UINT32_MAX;
    for (unsigned unit = 0; unit < UNITS; unit++) {
        if (run == 0 && unit % 64 == 0 && small->taken[unit / 64] == UINT64_MAX) {
            unit += 63;
            continue;
        }
        run = unit_taken(small, unit) ? 0 : run + 1;
        if (run < need) continue;
        unsigned first = unit + 1 - need;
        mark_units(small, first, need, true);
        small->length[first] = (uint16_t)need;
        small->bytes[first] = (uint32_t)bytes;
        small->used += need;
        return first;
    }
    return UINT32_MAX;
}

static CUresult take_small(struct sim_context *ctx, uint64_t bytes, bool low, bool array, uint64_t *address) {
    for (struct sim_range *range = ctx->ranges; range != NULL; range = range->next) {
        if (range->kind != SIM_RANGE_SMALL || range->array != array || (range->base < (1ull << 32)) != low) continue;
        unsigned unit = small_take(range->small, bytes);
        if (unit == UINT32_MAX) continue;
        *address = range->base + unit * SIM_UNIT_BYTES;
        return CUDA_SUCCESS;
    }
    struct sim_small *small = calloc(1, sizeof *small);
    if (small == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    CUresult result;
    struct sim_range *range = sim_range_make(SIM_RANGE_SMALL, ctx->ordinal, SIM_PAGE_BYTES, low, &result);
    if (range == NULL) {
        free(small);
        return result;
    }
    range->small = small;
    range->array = array;
    link_range(ctx, range);
    *address = range->base + small_take(small, bytes) * SIM_UNIT_BYTES;
    return CUDA_SUCCESS;
}

CUresult sim_memory_take(struct sim_context *ctx, uint64_t bytes, bool low, bool array, uint64_t *address) {
    CUresult result = CUDA_SUCCESS;
    pthread_mutex_lock(&ctx->mutex);
    if (bytes < SMALL_LIMIT) {
        result = take_small(ctx, bytes, low, array, address);
    } else {
        struct sim_range *range = sim_range_make(SIM_RANGE_BLOCK, ctx->ordinal, bytes, low, &result);
        if (range != NULL) {
            range->array = array;
            link_range(ctx, range);
            *address = range->base;
        }
    }
    pthread_mutex_unlock(&ctx->mutex);
    return result;
}

uint64_t sim_small_bytes(const struct sim_range *range, uint64_t address, uint64_t *base) {
    const struct sim_small *small = range->small;
    unsigned unit = (unsigned)((address - range->base) / SIM_UNIT_BYTES), at = unit;
    while (at > 0 && small->length[at] == 0) at--;
    if (small->length[at] == 0 || unit >= at + small->length[at]) return 0;
    *base = range->base + at * SIM_UNIT_BYTES;
    return small->bytes[at];
}

bool sim_memory_find(uint64_t address, struct sim_found *found) {
    struct sim_range *range = sim_space_range(address);
    if (range == NULL) return false;
    *found = (struct sim_found){range, range->base, range->bytes, range->id};
    if (range->kind == SIM_RANGE_SEGMENT) return sim_pool_find(range, address, found);
    if (range->kind == SIM_RANGE_SMALL) {
        found->bytes = sim_small_bytes(range, address, &found->base);
        found->id = (range->id << 20) + (found->base - range->base) / SIM_UNIT_BYTES;
    }
    return address - found->base < found->bytes;
}

CUresult sim_memory_give(uint64_t address) {
    struct sim_range *range = sim_space_range(address);
    if (range == NULL || (range->kind != SIM_RANGE_BLOCK && range->kind != SIM_RANGE_SMALL)) return CUDA_ERROR_INVALID_VALUE;
    struct sim_context *ctx = range->ctx;
    CUresult result = CUDA_ERROR_INVALID_VALUE;
    pthread_mutex_lock(&ctx->mutex);
    if (sim_space_range(address) != range) {
        /* Freed by another thread in between. */
    } else if (range->kind == SIM_RANGE_BLOCK) {
        if (address == range->base) {
            unlink_range(ctx, range);
            sim_range_unmake(range, true);
            result = CUDA_SUCCESS;
        }
    } else {
        struct sim_small *small = range->small;
        unsigned unit = (unsigned)((address - range->base) / SIM_UNIT_BYTES);
        unsigned length = (address - range->base) % SIM_UNIT_BYTES == 0 ? small->length[unit] : 0;
        if (length != 0) {
            mark_units(small, unit, length, false);
            small->length[unit] = 0;
            small->used -= length;
            if (small->used == 0) {
                unlink_range(ctx, range);
                sim_range_unmake(range, true);
            }
            result = CUDA_SUCCESS;
        }
    }
    pthread_mutex_unlock(&ctx->mutex);
    return result;
}

void sim_memory_release_context(struct sim_context *ctx) {
    pthread_mutex_lock(&ctx->mutex);
    while (ctx->ranges != NULL) {
        struct sim_range *range = ctx->ranges;
        unlink_range(ctx, range);
        sim_range_unmake(range, true);
    }
    pthread_mutex_unlock(&ctx->mutex);
}
