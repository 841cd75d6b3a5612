/* A sorted array of blocks: thousands at most, changed at the pace of cuMemAlloc of large blocks. */
#include "movables.h"

#include <pthread.h>
#include <string.h>

#include "contexts.h"
#include "fork.h"
#include "grow.h"

static pthread_mutex_t alq_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct alq_movable_block **alq_movables;
static size_t alq_count;
static size_t alq_capacity;
static uint64_t alq_last_id;

/* The first block that does not begin below the address. */
static size_t alq_place(CUdeviceptr address)
{
    size_t low = 0;
    size_t high = alq_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (alq_movables[middle]->begin < address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool alq_room(void)
{
    struct alq_movable_block **grown = alq_grown(alq_movables, alq_count, &alq_capacity, sizeof(struct alq_movable_block *));
    alq_movables = grown != NULL ? grown : alq_movables;
    return grown != NULL;
}

/* Mutex held. */
static bool alq_put(struct alq_movable_block *block)
{
    bool room = alq_room();
    if (room) {
        size_t at = alq_place(block->begin);
        memmove(&alq_movables[at + 1], &alq_movables[at], (alq_count - at) * sizeof(struct alq_movable_block *));
        alq_movables[at] = block;
        __atomic_store_n(&alq_count, alq_count + 1, __ATOMIC_RELEASE);
    }
    return room;
}

bool alq_movables_put(struct alq_movable_block *block)
{
    pthread_mutex_lock(&alq_mutex);
    bool put = alq_put(block);
    pthread_mutex_unlock(&alq_mutex);
    return put;
}

/* Mutex held. One time more; NULL: there is none of that share and context. */
static struct alq_movable_block *alq_open(uint64_t share, CUcontext context)
{
    for (size_t at = 0; at < alq_count; at++) {
        struct alq_movable_block *block = alq_movables[at];
        if (block->tie == ALQ_OPENED && block->share == share && block->context == context) {
            block->opens++;
            return block;
        }
    }
    return NULL;
}

struct alq_movable_block *alq_movables_put_opened(struct alq_movable_block *block)
{
    pthread_mutex_lock(&alq_mutex);
    struct alq_movable_block *there = alq_open(block->share, block->context);
    if (there == NULL) {
        there = alq_put(block) ? block : NULL;
    }
    pthread_mutex_unlock(&alq_mutex);
    return there;
}

CUdeviceptr alq_movables_open(uint64_t share, CUcontext context)
{
    pthread_mutex_lock(&alq_mutex);
    struct alq_movable_block *block = alq_open(share, context);
    CUdeviceptr begin = block == NULL ? 0 : block->begin;
    pthread_mutex_unlock(&alq_mutex);
    return begin;
}

static struct alq_movable_block *alq_take_out(size_t at)
{
    struct alq_movable_block *block = alq_movables[at];
    __atomic_store_n(&alq_count, alq_count - 1, __ATOMIC_RELEASE);
    memmove(&alq_movables[at], &alq_movables[at + 1], (alq_count - at) * sizeof(struct alq_movable_block *));
    return block;
}

struct alq_movable_block *alq_movables_at(CUdeviceptr address)
{
    size_t at = alq_place(address);
    return at < alq_count && alq_movables[at]->begin == address ? alq_movables[at] : NULL;
}

struct alq_movable_block *alq_movables_above(CUdeviceptr address)
{
    size_t at = alq_place(address);
    at -= at > 0 && address - alq_movables[at - 1]->begin < alq_movables[at - 1]->bytes;
    return at < alq_count ? alq_movables[at] : NULL;
}

/* The program's own allocation, which it may free. */
static struct alq_movable_block *alq_live_at(CUdeviceptr address)
{
    struct alq_movable_block *block = alq_movables_at(address);
    return block == NULL || block->kept || block->tie == ALQ_OPENED || block->virtual != NULL || block->graph.state == ALQ_HELD ? NULL
                                                                                                                         : block;
}

bool alq_movables_close(CUdeviceptr address, struct alq_movable_block **last)
{
    pthread_mutex_lock(&alq_mutex);
    struct alq_movable_block *block = alq_movables_at(address);
    bool opened = block != NULL && block->tie == ALQ_OPENED;
    *last = opened && --block->opens == 0 ? alq_take_out(alq_place(address)) : NULL;
    pthread_mutex_unlock(&alq_mutex);
    return opened;
}

struct alq_movable_block *alq_movables_take(CUdeviceptr address)
{
    pthread_mutex_lock(&alq_mutex);
    struct alq_movable_block *block = alq_live_at(address);
    if (block != NULL) {
        alq_take_out(alq_place(address));
    }
    pthread_mutex_unlock(&alq_mutex);
    return block;
}

struct alq_movable_block *alq_movables_keep(CUdeviceptr address)
{
    pthread_mutex_lock(&alq_mutex);
    struct alq_movable_block *block = alq_live_at(address);
    if (block != NULL) {
        block->kept = true;
    }
    pthread_mutex_unlock(&alq_mutex);
    return block;
}

void alq_movables_revive(struct alq_movable_block *block, uint64_t asked_bytes, CUcontext context)
{
    pthread_mutex_lock(&alq_mutex);
    block->kept = false;
    if (asked_bytes != 0) {
        block->asked_bytes = asked_bytes;
        block->context = context;
        block->graph = (struct alq_graph_tie){0};
        block->id = alq_movables_id();
        block->sync_memops = false;
    }
    pthread_mutex_unlock(&alq_mutex);
}

void alq_movables_drop(struct alq_movable_block *block)
{
    pthread_mutex_lock(&alq_mutex);
    alq_take_out(alq_place(block->begin));
    pthread_mutex_unlock(&alq_mutex);
}

bool alq_movables_inherit(CUcontext gone, CUcontext heir)
{
    pthread_mutex_lock(&alq_mutex);
    bool lives = heir == NULL || alq_contexts_has(heir);
    for (size_t at = 0; at < alq_count && lives; at++) {
        struct alq_movable_block *block = alq_movables[at];
        if (block->context == gone && (block->virtual != NULL || (block->pool != NULL && heir != NULL))) {
            block->context = heir;
        }
    }
    pthread_mutex_unlock(&alq_mutex);
    return lives;
}

struct alq_movable_block *alq_movables_take_of(CUcontext context)
{
    struct alq_movable_block *block = NULL;
    pthread_mutex_lock(&alq_mutex);
    for (size_t at = 0; at < alq_count && block == NULL; at++) {
        if (alq_movables[at]->context == context && !alq_movables[at]->kept) {
            block = alq_take_out(at);
        }
    }
    pthread_mutex_unlock(&alq_mutex);
    return block;
}

bool alq_movables_find(CUdeviceptr address, struct alq_movable_block *copy)
{
    if (__builtin_expect(__atomic_load_n(&alq_count, __ATOMIC_ACQUIRE) == 0, 1)) {
        return false;
    }
    pthread_mutex_lock(&alq_mutex);
    size_t at = alq_place(address);
    if (at == alq_count || alq_movables[at]->begin != address) {
        at = at == 0 ? alq_count : at - 1;
    }
    bool found = at < alq_count && !alq_movables[at]->kept && address - alq_movables[at]->begin < alq_movables[at]->bytes;
    if (found) {
        *copy = *alq_movables[at];
    }
    pthread_mutex_unlock(&alq_mutex);
    return found;
}

size_t alq_movables_lock(struct alq_movable_block *const **blocks)
{
    pthread_mutex_lock(&alq_mutex);
    *blocks = alq_movables;
    return alq_count;
}

void alq_movables_unlock(void)
{
    pthread_mutex_unlock(&alq_mutex);
}

uint64_t alq_movables_resident_bytes(const struct alq_movable_block *block)
{
    uint64_t bytes = 0;
    for (uint32_t at = 0; at < block->piece_count; at++) {
        bytes += block->pieces[at].backing.chunk == 0 ? block->pieces[at].bytes : 0;
    }
    return bytes;
}

uint64_t alq_movables_id(void)
{
    return __atomic_add_fetch(&alq_last_id, 1, __ATOMIC_RELAXED);
}

void alq_movables_after_fork(void)
{
    pthread_mutex_init(&alq_mutex, NULL);
    alq_movables = NULL;
    alq_count = 0;
    alq_capacity = 0;
}
