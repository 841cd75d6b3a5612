/* A list, longest kept first. */
#include "kept.h"

#include <pthread.h>

#include "capture.h"
#include "fork.h"
#include "gate.h"
#include "graph_blocks.h"
#include "hooks.h"
#include "movable.h"

static pthread_mutex_t alq_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct alq_movable_block *alq_first;
static struct alq_movable_block **alq_end = &alq_first;

static bool alq_chosen(const struct alq_movable_block *block, const struct alq_choice *choice)
{
    return choice->any_pool ? block->device == choice->device : block->pool == choice->pool;
}

/* Mutex held. */
static struct alq_movable_block *alq_unlink(struct alq_movable_block **link)
{
    struct alq_movable_block *block = *link;
    *link = block->next;
    if (*link == NULL) {
        alq_end = link;
    }
    return block;
}

/* Mutex held. */
static void alq_forget_event(struct alq_freed *freed)
{
    if (freed->event != NULL && !freed->doomed) {
        ALQ_CALL(cuEventDestroy_v2, freed->event);
        freed->event = NULL;
    }
}

/* Whether nothing may use the block any more. Mutex held, and the thread's calls harmless to captures. */
static bool alq_passed(struct alq_freed *freed)
{
    if (freed->event != NULL && !freed->doomed && ALQ_CALL(cuEventQuery, freed->event) != CUDA_ERROR_NOT_READY) {
        alq_forget_event(freed); /* an event of a context that has failed has nothing behind it either */
    }
    return freed->event == NULL;
}

/* Between the two the calling thread's questions about events break no capture, of whatever thread. */
static CUstreamCaptureMode alq_lock_quietly(void)
{
    CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_RELAXED;
    ALQ_CALL(cuThreadExchangeStreamCaptureMode, &mode);
    pthread_mutex_lock(&alq_mutex);
    return mode;
}

static void alq_unlock_quietly(CUstreamCaptureMode mode)
{
    pthread_mutex_unlock(&alq_mutex);
    ALQ_CALL(cuThreadExchangeStreamCaptureMode, &mode);
}

bool alq_kept_none(void)
{
    return __atomic_load_n(&alq_first, __ATOMIC_ACQUIRE) == NULL;
}

void alq_kept_put(struct alq_movable_block *block, const struct alq_freed *freed)
{
    pthread_mutex_lock(&alq_mutex);
    block->freed = *freed;
    block->next = NULL;
    __atomic_store_n(alq_end, block, __ATOMIC_RELEASE);
    alq_end = &block->next;
    pthread_mutex_unlock(&alq_mutex);
    alq_kept_unsettle();
}

enum alq_way { ALQ_SAME_STREAM, ALQ_OUT_OF_USE, ALQ_IN_USE };

/* Takes the longest kept block that may be had in that way off the list; NULL: none. Mutex held. */
static struct alq_movable_block *alq_pick(struct alq_pool *pool, uint64_t bytes, enum alq_way way, uint64_t stream)
{
    for (struct alq_movable_block **link = &alq_first; *link != NULL; link = &(*link)->next) {
        struct alq_freed *freed = &(*link)->freed;
        if ((*link)->pool == pool && (*link)->bytes == bytes && !freed->doomed
            && (way == ALQ_SAME_STREAM ? stream != 0 && freed->stream == stream : way == ALQ_IN_USE || alq_passed(freed))) {
            return alq_unlink(link);
        }
    }
    return NULL;
}

struct alq_movable_block *alq_kept_take(struct alq_pool *pool, uint64_t bytes, uint64_t stream)
{
    if (alq_kept_none()) {
        return NULL;
    }
    pthread_mutex_lock(&alq_mutex);
    struct alq_movable_block *block = alq_pick(pool, bytes, ALQ_SAME_STREAM, stream);
    if (block != NULL) {
        alq_forget_event(&block->freed);
    }
    pthread_mutex_unlock(&alq_mutex);
    return block;
}

struct alq_movable_block *alq_kept_take_passed(struct alq_pool *pool, uint64_t bytes)
{
    if (alq_kept_none()) {
        return NULL;
    }
    CUstreamCaptureMode mode = alq_lock_quietly();
    struct alq_movable_block *block = alq_pick(pool, bytes, ALQ_OUT_OF_USE, 0);
    alq_unlock_quietly(mode);
    return block;
}

struct alq_movable_block *alq_kept_take_behind(struct alq_pool *pool, uint64_t bytes, CUstream stream)
{
    if (alq_kept_none()) {
        return NULL;
    }
    pthread_mutex_lock(&alq_mutex);
    struct alq_movable_block *block = alq_pick(pool, bytes, ALQ_IN_USE, 0);
    pthread_mutex_unlock(&alq_mutex);
    if (block == NULL) {
        return NULL;
    }
    struct alq_freed freed = block->freed;
    /* not with the mutex held: a stream whose queue is full has its caller wait */
    if (freed.event != NULL && ALQ_CALL(cuStreamWaitEvent, stream, freed.event, 0) != CUDA_SUCCESS) {
        alq_kept_put(block, &freed);
        return NULL;
    }
    pthread_mutex_lock(&alq_mutex);
    alq_forget_event(&block->freed);
    pthread_mutex_unlock(&alq_mutex);
    return block;
}

/* Takes blocks off the list that are no longer in use, as many as amount to bytes; whether some of the chosen ones are still in use. */
static bool alq_take_passed(const struct alq_choice *choice, uint64_t bytes, struct alq_movable_block **taken)
{
    bool in_use = false;
    CUstreamCaptureMode mode = alq_lock_quietly();
    for (struct alq_movable_block **link = &alq_first; *link != NULL && bytes != 0;) {
        struct alq_movable_block *block = *link;
        bool passed = alq_chosen(block, choice) && alq_passed(&block->freed);
        in_use = in_use || (!passed && alq_chosen(block, choice));
        if (!passed) {
            link = &block->next;
            continue;
        }
        alq_unlink(link);
        bytes = alq_sub(bytes, block->bytes);
        block->next = *taken;
        *taken = block;
    }
    alq_unlock_quietly(mode);
    return in_use;
}

static uint64_t alq_give_up(struct alq_movable_block *blocks)
{
    uint64_t bytes = 0;
    while (blocks != NULL) {
        struct alq_movable_block *block = blocks;
        blocks = block->next;
        bytes += block->bytes;
        alq_movables_drop(block);
        alq_movable_release(block);
    }
    return bytes;
}

uint64_t alq_kept_release(const struct alq_choice *choice, uint64_t bytes, bool *in_use)
{
    struct alq_movable_block *taken = NULL;
    *in_use = false;
    if (bytes == 0 || alq_kept_none()) {
        return 0;
    }
    if (alq_capture_active()) {
        *in_use = true;
        return 0;
    }
    __attribute__((unused, cleanup(alq_flight_land))) bool flying = alq_flight_begin();
    bool gated = alq_gate_enter();
    *in_use = alq_take_passed(choice, bytes, &taken);
    uint64_t released_bytes = alq_give_up(taken);
    alq_gate_leave(gated);
    return released_bytes;
}

size_t alq_kept_pools(struct alq_pool *pools[ALQ_KEPT_POOLS])
{
    size_t count = 0;
    pthread_mutex_lock(&alq_mutex);
    for (struct alq_movable_block *block = alq_first; block != NULL && count < ALQ_KEPT_POOLS; block = block->next) {
        size_t at = 0;
        while (at < count && pools[at] != block->pool) {
            at++;
        }
        pools[at] = block->pool;
        count += at == count;
    }
    pthread_mutex_unlock(&alq_mutex);
    return count;
}

void alq_kept_doom(CUcontext context, bool doomed)
{
    if (context == NULL) {
        return;
    }
    alq_graph_doom(context, doomed);
    if (alq_kept_none()) {
        return;
    }
    pthread_mutex_lock(&alq_mutex);
    for (struct alq_movable_block *block = alq_first; block != NULL; block = block->next) {
        if (block->freed.context == context) {
            block->freed.doomed = doomed;
        }
    }
    pthread_mutex_unlock(&alq_mutex);
}

void alq_kept_reap(CUcontext context)
{
    struct alq_movable_block *taken = NULL;
    if (context == NULL) {
        return;
    }
    alq_graph_reap(context);
    if (alq_kept_none()) {
        return;
    }
    pthread_mutex_lock(&alq_mutex);
    for (struct alq_movable_block **link = &alq_first; *link != NULL;) {
        struct alq_movable_block *block = *link;
        if (block->freed.context != context && block->context != context) {
            link = &block->next;
            continue;
        }
        alq_unlink(link);
        if (block->freed.context == context) {
            block->freed.event = NULL; /* it is gone, too */
        }
        alq_forget_event(&block->freed);
        block->next = taken;
        taken = block;
    }
    pthread_mutex_unlock(&alq_mutex);
    alq_give_up(taken);
}

void alq_kept_after_fork(void)
{
    pthread_mutex_init(&alq_mutex, NULL);
    alq_first = NULL;
    alq_end = &alq_first;
}
