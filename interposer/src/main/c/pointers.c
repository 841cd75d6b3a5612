/* A sharded hash table with open addressing and backward-shift deletion. */
#include "pointers.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fork.h"

#define ALQ_SHARDS 64u
#define ALQ_FIRST_CAPACITY 32u

struct alq_entry {
    uint64_t key;
    uint32_t space_plus_1; /* 0: empty */
    uint64_t mark;
    struct alq_holding holding;
};

struct alq_shard {
    pthread_mutex_t mutex;
    uint32_t capacity; /* a power of two, or 0 */
    uint32_t count;
    struct alq_entry *entries;
} __attribute__((aligned(64)));

static struct alq_shard alq_shards[ALQ_SHARDS] = {[0 ... ALQ_SHARDS - 1] = {.mutex = PTHREAD_MUTEX_INITIALIZER}};

static uint64_t alq_hash(uint32_t space, uint64_t key)
{
    uint64_t hash = (key ^ ((uint64_t)space << 56)) * 0x9e3779b97f4a7c15ull;
    return hash ^ (hash >> 32);
}

static struct alq_shard *alq_shard_of(uint64_t hash)
{
    return &alq_shards[hash % ALQ_SHARDS];
}

static uint32_t alq_home(const struct alq_shard *shard, const struct alq_entry *entry)
{
    return (uint32_t)(alq_hash(entry->space_plus_1 - 1, entry->key) / ALQ_SHARDS) & (shard->capacity - 1);
}

/* The entry's place, or the empty place where it would go. Capacity is not 0 and the table not full. */
static uint32_t alq_find(const struct alq_shard *shard, uint32_t space, uint64_t key)
{
    uint32_t at = (uint32_t)(alq_hash(space, key) / ALQ_SHARDS) & (shard->capacity - 1);
    while (shard->entries[at].space_plus_1 != 0
        && (shard->entries[at].space_plus_1 != space + 1 || shard->entries[at].key != key)) {
        at = (at + 1) & (shard->capacity - 1);
    }
    return at;
}

static bool alq_grow(struct alq_shard *shard)
{
    struct alq_shard grown = {.capacity = shard->capacity == 0 ? ALQ_FIRST_CAPACITY : shard->capacity * 2};
    grown.entries = calloc(grown.capacity, sizeof *grown.entries);
    if (grown.entries == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < shard->capacity; i++) {
        if (shard->entries[i].space_plus_1 != 0) {
            grown.entries[alq_find(&grown, shard->entries[i].space_plus_1 - 1, shard->entries[i].key)] = shard->entries[i];
        }
    }
    free(shard->entries);
    shard->entries = grown.entries;
    shard->capacity = grown.capacity;
    return true;
}

static void alq_remove(struct alq_shard *shard, uint32_t hole)
{
    uint32_t mask = shard->capacity - 1;
    for (uint32_t next = (hole + 1) & mask; shard->entries[next].space_plus_1 != 0; next = (next + 1) & mask) {
        uint32_t home = alq_home(shard, &shard->entries[next]);
        if (((next - home) & mask) >= ((next - hole) & mask)) {
            shard->entries[hole] = shard->entries[next];
            hole = next;
        }
    }
    shard->entries[hole] = (struct alq_entry){0};
    shard->count--;
}

bool alq_pointers_put(uint32_t space, uint64_t key, const struct alq_holding *holding)
{
    struct alq_shard *shard = alq_shard_of(alq_hash(space, key));
    pthread_mutex_lock(&shard->mutex);
    bool room = (shard->count + 1) * 4 <= shard->capacity * 3 || alq_grow(shard);
    if (room) {
        uint32_t at = alq_find(shard, space, key);
        shard->count += shard->entries[at].space_plus_1 == 0;
        shard->entries[at] = (struct alq_entry){.key = key, .space_plus_1 = space + 1, .holding = *holding};
    }
    pthread_mutex_unlock(&shard->mutex);
    return room;
}

static bool alq_look(uint32_t space, uint64_t key, struct alq_holding *holding, bool take)
{
    struct alq_shard *shard = alq_shard_of(alq_hash(space, key));
    bool found = false;
    pthread_mutex_lock(&shard->mutex);
    if (shard->count != 0) {
        uint32_t at = alq_find(shard, space, key);
        found = shard->entries[at].space_plus_1 != 0;
        if (found) {
            *holding = shard->entries[at].holding;
            if (take) {
                alq_remove(shard, at);
            }
        }
    }
    pthread_mutex_unlock(&shard->mutex);
    return found;
}

bool alq_pointers_take(uint32_t space, uint64_t key, struct alq_holding *holding)
{
    return alq_look(space, key, holding, true);
}

bool alq_pointers_get(uint32_t space, uint64_t key, struct alq_holding *holding)
{
    return alq_look(space, key, holding, false);
}

void alq_pointers_lend(uint32_t space, uint64_t key)
{
    struct alq_shard *shard = alq_shard_of(alq_hash(space, key));
    pthread_mutex_lock(&shard->mutex);
    if (shard->count != 0) {
        struct alq_entry *entry = &shard->entries[alq_find(shard, space, key)];
        entry->holding.lent = entry->space_plus_1 != 0;
    }
    pthread_mutex_unlock(&shard->mutex);
}

void alq_pointers_doom(CUcontext context, uint64_t mark)
{
    for (uint32_t i = 0; context != NULL && i < ALQ_SHARDS; i++) {
        pthread_mutex_lock(&alq_shards[i].mutex);
        for (uint32_t at = 0; at < alq_shards[i].capacity; at++) {
            struct alq_entry *entry = &alq_shards[i].entries[at];
            if (entry->space_plus_1 != 0 && entry->holding.context == context) {
                entry->mark = mark;
            }
        }
        pthread_mutex_unlock(&alq_shards[i].mutex);
    }
}

void alq_pointers_spare(uint64_t mark)
{
    for (uint32_t i = 0; i < ALQ_SHARDS; i++) {
        pthread_mutex_lock(&alq_shards[i].mutex);
        for (uint32_t at = 0; at < alq_shards[i].capacity; at++) {
            if (alq_shards[i].entries[at].mark == mark) {
                alq_shards[i].entries[at].mark = 0;
            }
        }
        pthread_mutex_unlock(&alq_shards[i].mutex);
    }
}

bool alq_pointers_reap(uint64_t mark, struct alq_holding *holding)
{
    bool found = false;
    for (uint32_t i = 0; i < ALQ_SHARDS && !found; i++) {
        pthread_mutex_lock(&alq_shards[i].mutex);
        for (uint32_t at = 0; at < alq_shards[i].capacity && !found; at++) {
            struct alq_entry *entry = &alq_shards[i].entries[at];
            if (entry->space_plus_1 != 0 && entry->mark == mark) {
                *holding = entry->holding;
                alq_remove(&alq_shards[i], at);
                found = true;
            }
        }
        pthread_mutex_unlock(&alq_shards[i].mutex);
    }
    return found;
}

void alq_pointers_after_fork(void)
{
    for (uint32_t i = 0; i < ALQ_SHARDS; i++) {
        pthread_mutex_init(&alq_shards[i].mutex, NULL);
        alq_shards[i].entries = NULL;
        alq_shards[i].capacity = 0;
        alq_shards[i].count = 0;
    }
}
