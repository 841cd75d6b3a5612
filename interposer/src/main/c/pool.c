/* The records of pools, and their charge. */
#include "pool.h"

#include <pthread.h>
#include <stdlib.h>

#include "fork.h"
#include "hooks.h"
#include "pool_movable.h"

struct alq_pool {
    struct alq_pool *next;
    CUmemoryPool handle; /* NULL: the graph memory of a device */
    struct alq_place place; /* its device is negative where it is not the tenant's */
    bool alive;
    uint64_t started; /* readings begun */
    uint64_t applied; /* the latest reading in force, by its number */
    uint64_t charged_bytes;
    uint64_t live_bytes; /* allocations that we know of */
    bool lent;           /* other processes may hold memory of it */
    struct alq_pool_movable movable;
};

/* Guards the list and the records; never held across a call of the driver. Records are never freed: holdings point to them. */
static pthread_mutex_t alq_pool_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct alq_pool *alq_pools;
static uint32_t alq_pools_dirty;
static uint64_t alq_pool_piece_bytes = ALQ_POOL_PIECE_BYTES;

static struct alq_pool *alq_pool_find(CUmemoryPool handle, const struct alq_place *place)
{
    pthread_mutex_lock(&alq_pool_mutex);
    struct alq_pool *pool = alq_pools;
    while (pool != NULL && !(pool->alive && pool->handle == handle && (handle != NULL || pool->place.ordinal == place->ordinal))) {
        pool = pool->next;
    }
    if (pool == NULL && place != NULL) {
        pool = calloc(1, sizeof *pool);
        if (pool != NULL) {
            *pool = (struct alq_pool){.next = alq_pools, .handle = handle, .place = *place, .alive = true};
            __atomic_store_n(&alq_pools, pool, __ATOMIC_RELEASE);
        }
    }
    pthread_mutex_unlock(&alq_pool_mutex);
    return pool;
}

struct alq_pool *alq_pool_of(CUmemoryPool handle, const struct alq_place *place)
{
    return handle == NULL ? NULL : alq_pool_find(handle, place);
}

struct alq_pool *alq_pool_of_graphs(const struct alq_place *place)
{
    return alq_pool_find(NULL, place);
}

bool alq_pool_figures(struct alq_pool *pool, uint64_t *reserved_bytes, uint64_t *in_use_bytes)
{
    cuuint64_t reserved = 0;
    cuuint64_t in_use = 0;
    CUresult result;
    if (pool->handle != NULL) {
        result = ALQ_CALL(cuMemPoolGetAttribute, pool->handle, CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT, &reserved);
        if (result == CUDA_SUCCESS) {
            result = ALQ_CALL(cuMemPoolGetAttribute, pool->handle, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &in_use);
        }
    } else {
        CUdevice ordinal = pool->place.ordinal;
        result = ALQ_CALL(cuDeviceGetGraphMemAttribute, ordinal, CU_GRAPH_MEM_ATTR_RESERVED_MEM_CURRENT, &reserved);
        if (result == CUDA_SUCCESS) {
            result = ALQ_CALL(cuDeviceGetGraphMemAttribute, ordinal, CU_GRAPH_MEM_ATTR_USED_MEM_CURRENT, &in_use);
        }
    }
    *reserved_bytes = reserved > in_use ? reserved : in_use;
    *in_use_bytes = in_use;
    if (result == CUDA_SUCCESS) {
        alq_pool_movable_seen(pool, reserved, in_use);
    }
    return result == CUDA_SUCCESS;
}

void alq_pool_settle(struct alq_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    uint64_t reading = __atomic_add_fetch(&pool->started, 1, __ATOMIC_SEQ_CST);
    uint64_t reserved_bytes = 0;
    uint64_t in_use_bytes = 0;
    bool known = __atomic_load_n(&pool->alive, __ATOMIC_ACQUIRE) && alq_pool_figures(pool, &reserved_bytes, &in_use_bytes);
    uint64_t before_bytes = 0;
    uint64_t after_bytes = 0;
    pthread_mutex_lock(&alq_pool_mutex);
    /* A reading that began later covers what this one saw. */
    if (reading > pool->applied && (known || !pool->alive)) {
        pool->applied = reading;
        before_bytes = pool->charged_bytes;
        after_bytes = pool->alive ? reserved_bytes : pool->live_bytes;
        pool->charged_bytes = after_bytes;
        if (reserved_bytes > in_use_bytes) {
            __atomic_store_n(&alq_pools_dirty, 1, __ATOMIC_RELAXED);
        }
    }
    pthread_mutex_unlock(&alq_pool_mutex);
    if (after_bytes > before_bytes) {
        alq_charge_held(pool->place.device, after_bytes - before_bytes);
    } else if (before_bytes > after_bytes) {
        bool lent = __atomic_load_n(&pool->lent, __ATOMIC_ACQUIRE);
        (lent ? alq_uncharge_lent : alq_uncharge)(pool->place.device, before_bytes - after_bytes);
    }
}

void alq_pool_settle_all(int device)
{
    __atomic_store_n(&alq_pools_dirty, 0, __ATOMIC_RELAXED);
    for (struct alq_pool *pool = __atomic_load_n(&alq_pools, __ATOMIC_ACQUIRE); pool != NULL; pool = pool->next) {
        if (device < 0 || pool->place.device == device) {
            alq_pool_settle(pool);
        } else {
            __atomic_store_n(&alq_pools_dirty, 1, __ATOMIC_RELAXED);
        }
    }
}

bool alq_pool_dirty(void)
{
    return __atomic_load_n(&alq_pools_dirty, __ATOMIC_RELAXED) != 0;
}

void alq_pool_trim(struct alq_pool *pool, uint64_t keep_bytes)
{
    if (__atomic_load_n(&pool->alive, __ATOMIC_ACQUIRE)) {
        if (pool->handle != NULL) {
            ALQ_CALL(cuMemPoolTrimTo, pool->handle, keep_bytes);
        } else {
            ALQ_CALL(cuDeviceGraphMemTrim, pool->place.ordinal);
        }
        alq_pool_settle(pool);
    }
}

void alq_pool_trim_all(int device)
{
    for (struct alq_pool *pool = __atomic_load_n(&alq_pools, __ATOMIC_ACQUIRE); pool != NULL; pool = pool->next) {
        if (pool->place.device == device) {
            alq_pool_trim(pool, 0);
        }
    }
}

bool alq_pools_seen(void)
{
    return __atomic_load_n(&alq_pools, __ATOMIC_ACQUIRE) != NULL;
}

void alq_pool_live_add(struct alq_pool *pool, uint64_t bytes)
{
    pthread_mutex_lock(&alq_pool_mutex);
    pool->live_bytes = alq_add(pool->live_bytes, bytes);
    pthread_mutex_unlock(&alq_pool_mutex);
}

void alq_pool_live_sub(struct alq_pool *pool, uint64_t bytes)
{
    pthread_mutex_lock(&alq_pool_mutex);
    pool->live_bytes = alq_sub(pool->live_bytes, bytes);
    pthread_mutex_unlock(&alq_pool_mutex);
}

void alq_pool_lend(struct alq_pool *pool)
{
    __atomic_store_n(&pool->lent, true, __ATOMIC_RELEASE);
}

uint64_t alq_pool_growth_bytes(uint64_t bytes)
{
    uint64_t piece_bytes = __atomic_load_n(&alq_pool_piece_bytes, __ATOMIC_RELAXED);
    return alq_mul(alq_add(bytes, piece_bytes - 1) / piece_bytes, piece_bytes);
}

void alq_pool_grown(uint64_t bytes)
{
    if (bytes % ALQ_POOL_PIECE_BYTES != 0) {
        __atomic_store_n(&alq_pool_piece_bytes, ALQ_LARGE_BLOCK_BYTES, __ATOMIC_RELAXED);
    }
}

const struct alq_place *alq_pool_place(const struct alq_pool *pool)
{
    return &pool->place;
}

CUmemoryPool alq_pool_handle(const struct alq_pool *pool)
{
    return pool->handle;
}

bool alq_pool_alive(const struct alq_pool *pool)
{
    return __atomic_load_n(&pool->alive, __ATOMIC_ACQUIRE);
}

struct alq_pool_movable *alq_pool_part(struct alq_pool *pool)
{
    return &pool->movable;
}

void alq_pool_retire(struct alq_pool *pool)
{
    __atomic_store_n(&pool->alive, false, __ATOMIC_RELEASE);
}

void alq_pool_retired(struct alq_pool *pool, bool destroyed)
{
    if (!destroyed) {
        __atomic_store_n(&pool->alive, true, __ATOMIC_RELEASE);
    }
    alq_pool_settle(pool);
}

void alq_pool_after_fork(void)
{
    pthread_mutex_init(&alq_pool_mutex, NULL);
    alq_pools = NULL;
    alq_pools_dirty = 0;
}
