/* See stash.h. */
#include "stash.h"

#include <pthread.h>
#include <stdlib.h>

#include "charge.h"
#include "chunks.h"
#include "fork.h"
#include "grow.h"

struct alq_stashed {
    struct alq_backing chunk;
    uint64_t bytes;
    uint32_t device;
    bool reserved;
};

static pthread_mutex_t alq_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct alq_stashed *alq_stash;
static size_t alq_count;
static size_t alq_capacity;
static uint64_t alq_bytes[ALQ_MAX_DEVICES]; /* in hand; read without the lock by who frees */

/* Locked. False: no memory. */
static bool alq_stash_put(const struct alq_stashed *stashed)
{
    struct alq_stashed *grown = alq_grown(alq_stash, alq_count, &alq_capacity, sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    alq_stash = grown;
    alq_stash[alq_count++] = *stashed;
    __atomic_add_fetch(&alq_bytes[stashed->device], stashed->bytes, __ATOMIC_RELAXED);
    return true;
}

/* Locked. */
static struct alq_stashed alq_stash_remove(size_t at)
{
    struct alq_stashed stashed = alq_stash[at];
    alq_stash[at] = alq_stash[--alq_count];
    __atomic_sub_fetch(&alq_bytes[stashed.device], stashed.bytes, __ATOMIC_RELAXED);
    return stashed;
}

static void alq_stash_add(const struct alq_stashed *stashed)
{
    pthread_mutex_lock(&alq_mutex);
    bool put = alq_stash_put(stashed);
    pthread_mutex_unlock(&alq_mutex);
    if (!put) {
        alq_chunks_end(&stashed->chunk, stashed->bytes);
    }
}

void alq_stash_begin(void)
{
    pthread_mutex_lock(&alq_mutex);
    for (size_t at = 0; at < alq_count; at++) {
        alq_stash[at].reserved = false;
    }
    pthread_mutex_unlock(&alq_mutex);
}

static bool alq_stash_set_aside(uint32_t device, uint64_t bytes)
{
    bool found = false;
    pthread_mutex_lock(&alq_mutex);
    for (size_t at = 0; at < alq_count && !found; at++) {
        struct alq_stashed *stashed = &alq_stash[at];
        found = stashed->bytes == bytes && stashed->device == device && !stashed->reserved;
        stashed->reserved = stashed->reserved || found;
    }
    pthread_mutex_unlock(&alq_mutex);
    return found;
}

enum alq_move_outcome alq_stash_reserve(uint32_t device, CUdevice ordinal, uint64_t bytes)
{
    struct alq_stashed fresh = {.bytes = bytes, .device = device, .reserved = true};
    if (alq_stash_set_aside(device, bytes)) {
        return ALQ_MOVE_DONE;
    }
    enum alq_move_outcome outcome = alq_chunks_take(ALQ_CHUNK_WAIT_MS, device, ordinal, bytes, &fresh.chunk);
    if (outcome == ALQ_MOVE_DONE) {
        alq_stash_add(&fresh);
    }
    return outcome;
}

enum alq_move_outcome alq_stash_take(uint32_t device, CUdevice ordinal, uint64_t bytes, struct alq_backing *chunk)
{
    bool found = false;
    pthread_mutex_lock(&alq_mutex);
    for (size_t at = alq_count; at-- > 0 && !found;) {
        found = alq_stash[at].bytes == bytes && alq_stash[at].device == device;
        if (found) {
            *chunk = alq_stash_remove(at).chunk;
        }
    }
    pthread_mutex_unlock(&alq_mutex);
    return found ? ALQ_MOVE_DONE : alq_chunks_take(ALQ_CHUNK_WAIT_MS, device, ordinal, bytes, chunk);
}

void alq_stash_keep(uint32_t device, uint64_t bytes, const struct alq_backing *chunk)
{
    alq_stash_add(&(struct alq_stashed){.chunk = *chunk, .bytes = bytes, .device = device});
}

static bool alq_stash_exceeds(uint32_t device)
{
    return __atomic_load_n(&alq_bytes[device], __ATOMIC_RELAXED) > alq_charge_movable_bytes(device);
}

/* One that is more than could be used. */
static bool alq_stash_surplus(uint32_t device, struct alq_stashed *surplus)
{
    bool found = false;
    pthread_mutex_lock(&alq_mutex);
    for (size_t at = alq_count; at-- > 0 && !found;) {
        found = alq_stash[at].device == device && alq_stash_exceeds(device);
        if (found) {
            *surplus = alq_stash_remove(at);
        }
    }
    pthread_mutex_unlock(&alq_mutex);
    return found;
}

bool alq_stash_trim(uint32_t device)
{
    struct alq_stashed surplus;
    bool any = false;
    while (__builtin_expect(alq_stash_exceeds(device), 0) && alq_stash_surplus(device, &surplus)) {
        alq_chunks_end(&surplus.chunk, surplus.bytes);
        any = true;
    }
    return any;
}

static bool alq_stash_last(struct alq_stashed *last)
{
    pthread_mutex_lock(&alq_mutex);
    bool found = alq_count != 0;
    if (found) {
        *last = alq_stash_remove(alq_count - 1);
    }
    pthread_mutex_unlock(&alq_mutex);
    return found;
}

void alq_stash_empty(void)
{
    struct alq_stashed last;
    while (alq_stash_last(&last)) {
        alq_chunks_end(&last.chunk, last.bytes);
    }
}

void alq_stash_after_fork(void)
{
    pthread_mutex_init(&alq_mutex, NULL);
    alq_stash = NULL;
    alq_count = 0;
    alq_capacity = 0;
    for (uint32_t device = 0; device < ALQ_MAX_DEVICES; device++) {
        alq_bytes[device] = 0;
    }
}
