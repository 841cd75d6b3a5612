/* See pool_movable.h. */
#include "pool_movable.h"

#include "hooks.h"

#define ALQ_UNIT_BYTES 512u

enum { ALQ_KIND_UNKNOWN, ALQ_KIND_MOVABLE, ALQ_KIND_DRIVER };

bool alq_pool_takes_movable(struct alq_pool *pool)
{
    struct alq_pool_movable *part = alq_pool_part(pool);
    uint32_t kind = __atomic_load_n(&part->kind, __ATOMIC_RELAXED);
    if (kind == ALQ_KIND_UNKNOWN) {
        /* one that was not seen being made: the device's own, or from somewhere else */
        CUmemoryPool initial = NULL;
        bool own = ALQ_CALL(cuDeviceGetDefaultMemPool, &initial, alq_pool_place(pool)->ordinal) == CUDA_SUCCESS
            && initial == alq_pool_handle(pool);
        kind = own ? ALQ_KIND_MOVABLE : ALQ_KIND_DRIVER;
        __atomic_store_n(&part->kind, kind, __ATOMIC_RELAXED);
    }
    return kind == ALQ_KIND_MOVABLE;
}

void alq_pool_made(struct alq_pool *pool, const CUmemPoolProps *properties)
{
    if (pool != NULL) {
        bool plain = properties->allocType == CU_MEM_ALLOCATION_TYPE_PINNED && properties->handleTypes == CU_MEM_HANDLE_TYPE_NONE
            && properties->maxSize == 0 && properties->usage == 0;
        __atomic_store_n(&alq_pool_part(pool)->kind, plain ? ALQ_KIND_MOVABLE : ALQ_KIND_DRIVER, __ATOMIC_RELAXED);
    }
}

/* What a level is now may be the highest yet. */
static void alq_level_rise(struct alq_pool_level *level)
{
    uint64_t now_bytes = alq_add(__atomic_load_n(&level->bytes, __ATOMIC_RELAXED), __atomic_load_n(&level->driver_bytes, __ATOMIC_RELAXED));
    uint64_t high_bytes = __atomic_load_n(&level->high_bytes, __ATOMIC_RELAXED);
    while (now_bytes > high_bytes
        && !__atomic_compare_exchange_n(&level->high_bytes, &high_bytes, now_bytes, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
}

static void alq_level_shift(struct alq_pool_level *level, uint64_t difference)
{
    __atomic_add_fetch(&level->bytes, difference, __ATOMIC_RELAXED);
    alq_level_rise(level);
}

static void alq_level_seen(struct alq_pool_level *level, uint64_t bytes)
{
    __atomic_store_n(&level->driver_bytes, bytes, __ATOMIC_RELAXED);
    alq_level_rise(level);
}

uint64_t alq_pool_units(uint64_t asked_bytes)
{
    return alq_add(asked_bytes, ALQ_UNIT_BYTES - 1) / ALQ_UNIT_BYTES * ALQ_UNIT_BYTES;
}

void alq_pool_movable_shift(struct alq_pool *pool, uint64_t used_bytes, uint64_t reserved_bytes)
{
    if (pool != NULL) {
        alq_level_shift(&alq_pool_part(pool)->used, used_bytes);
        alq_level_shift(&alq_pool_part(pool)->reserved, reserved_bytes);
    }
}

uint64_t alq_pool_movable_bytes(struct alq_pool *pool)
{
    return __atomic_load_n(&alq_pool_part(pool)->reserved.bytes, __ATOMIC_RELAXED);
}

void alq_pool_movable_seen(struct alq_pool *pool, uint64_t reserved_bytes, uint64_t used_bytes)
{
    alq_level_seen(&alq_pool_part(pool)->used, used_bytes);
    alq_level_seen(&alq_pool_part(pool)->reserved, reserved_bytes);
}

void alq_pool_attribute_read(struct alq_pool *pool, CUmemPool_attribute attribute, cuuint64_t *value)
{
    struct alq_pool_movable *part = alq_pool_part(pool);
    struct alq_pool_level *level = attribute == CU_MEMPOOL_ATTR_USED_MEM_CURRENT || attribute == CU_MEMPOOL_ATTR_USED_MEM_HIGH
        ? &part->used
        : &part->reserved;
    if (attribute == CU_MEMPOOL_ATTR_USED_MEM_CURRENT || attribute == CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT) {
        *value = alq_add(*value, __atomic_load_n(&level->bytes, __ATOMIC_RELAXED));
    } else if (attribute == CU_MEMPOOL_ATTR_USED_MEM_HIGH || attribute == CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH) {
        uint64_t high_bytes = __atomic_load_n(&level->high_bytes, __ATOMIC_RELAXED);
        *value = high_bytes > *value ? high_bytes : *value;
    }
}

void alq_pool_attribute_set(struct alq_pool *pool, CUmemPool_attribute attribute)
{
    struct alq_pool_movable *part = alq_pool_part(pool);
    uint64_t reserved_bytes;
    uint64_t used_bytes;
    if (attribute == CU_MEMPOOL_ATTR_USED_MEM_HIGH || attribute == CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH) {
        struct alq_pool_level *level = attribute == CU_MEMPOOL_ATTR_USED_MEM_HIGH ? &part->used : &part->reserved;
        alq_pool_figures(pool, &reserved_bytes, &used_bytes);
        __atomic_store_n(&level->high_bytes, 0, __ATOMIC_RELAXED);
        alq_level_rise(level);
    }
}

uint64_t alq_pool_excess(struct alq_pool *pool)
{
    cuuint64_t threshold = 0;
    uint64_t reserved_bytes = 0;
    uint64_t used_bytes = 0;
    if (pool == NULL || alq_pool_handle(pool) == NULL || !alq_pool_alive(pool) || !alq_pool_figures(pool, &reserved_bytes, &used_bytes)
        || ALQ_CALL(cuMemPoolGetAttribute, alq_pool_handle(pool), CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, &threshold) != CUDA_SUCCESS) {
        return UINT64_MAX;
    }
    return alq_sub(alq_add(reserved_bytes, alq_pool_movable_bytes(pool)), threshold);
}

bool alq_pool_reuses(struct alq_pool *pool, CUmemPool_attribute attribute)
{
    int on = 0;
    return ALQ_CALL(cuMemPoolGetAttribute, alq_pool_handle(pool), attribute, &on) == CUDA_SUCCESS && on != 0;
}
