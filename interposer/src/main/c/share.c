/* See share.h. */
#include "share.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "ask.h"
#include "fork.h"
#include "grow.h"
#include "hooks.h"
#include "mover.h"
#include "own_thread.h"

#define ALQ_SHARE_WAIT_MS 5000u
#define ALQ_UNSHARE_WAIT_MS 1000u
/* The program's own thread does not wait as long for an agent that has gone: the mover tells that what there is to say. */
#define ALQ_OVER_WAIT_MS 250u

static pthread_mutex_t alq_mutex = PTHREAD_MUTEX_INITIALIZER; /* guards the list; held for look-ups only */
static uint64_t *alq_over;                                    /* shares whose end the agent has yet to be told */
static size_t alq_count;
static size_t alq_capacity;
static uint32_t alq_untold; /* the agent has not answered the last time that it was told; the mover tries again */
static uint64_t alq_maker;

uint64_t alq_share_maker(void)
{
    uint64_t maker = __atomic_load_n(&alq_maker, __ATOMIC_ACQUIRE);
    uint64_t none = 0;
    if (maker != 0) {
        return maker;
    }
    if (getrandom(&maker, sizeof maker, GRND_NONBLOCK) != sizeof maker || maker == 0) {
        maker = alq_clock_ns() | 1;
    }
    return __atomic_compare_exchange_n(&alq_maker, &none, maker, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) ? maker : none;
}

static void alq_over_put(uint64_t id)
{
    pthread_mutex_lock(&alq_mutex);
    uint64_t *grown = alq_grown(alq_over, alq_count, &alq_capacity, sizeof *grown);
    /* without memory for it, it is over with this process */
    if (grown != NULL) {
        alq_over = grown;
        alq_over[alq_count] = id;
        __atomic_store_n(&alq_count, alq_count + 1, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&alq_mutex);
}

static uint64_t alq_over_take(void)
{
    uint64_t id = 0;
    pthread_mutex_lock(&alq_mutex);
    if (alq_count != 0) {
        id = alq_over[alq_count - 1];
        __atomic_store_n(&alq_count, alq_count - 1, __ATOMIC_SEQ_CST);
    }
    pthread_mutex_unlock(&alq_mutex);
    return id;
}

uint64_t alq_share_take(struct alq_movable_block *block)
{
    uint64_t id = block->tie == ALQ_PINNED ? block->share : 0;
    block->share = id == 0 ? block->share : 0;
    return id;
}

void alq_share_drop(const struct alq_movable_block *block)
{
    if (block->tie == ALQ_PINNED && block->share != 0) {
        alq_over_put(block->share);
        alq_mover_kick();
    }
}

/* An agent that refuses it does not know it (any more). */
static bool alq_over_tell(uint64_t id, uint32_t wait_ms)
{
    struct alq_seat seat;
    struct alq_agent_refusal refusal;
    bool told = alq_charge_seat(&seat) != NULL && alq_agent_unshare(wait_ms, &seat, id, &refusal) != ALQ_AGENT_ABSENT;
    __atomic_store_n(&alq_untold, !told, __ATOMIC_RELEASE);
    return told;
}

void alq_share_over(uint64_t id)
{
    int cancel_state;
    if (__builtin_expect(id == 0, 1)) {
        return;
    }
    int saved_errno = errno;
    bool flying = alq_flight_pause();
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    if (__atomic_load_n(&alq_untold, __ATOMIC_ACQUIRE) != 0 || !alq_over_tell(id, ALQ_OVER_WAIT_MS)) {
        alq_over_put(id);
        alq_mover_kick();
    }
    pthread_setcancelstate(cancel_state, NULL);
    if (flying) {
        alq_flight_begin();
    }
    errno = saved_errno;
}

bool alq_shares_end(void)
{
    bool told = true;
    if (__builtin_expect(__atomic_load_n(&alq_count, __ATOMIC_SEQ_CST) == 0, 1)) {
        return true;
    }
    for (uint64_t id = alq_over_take(); id != 0; id = told ? alq_over_take() : 0) {
        told = alq_over_tell(id, ALQ_UNSHARE_WAIT_MS);
        if (!told) {
            alq_over_put(id);
        }
    }
    return told;
}

/* One piece; *id is the share's. */
static bool alq_piece_share(const struct alq_piece *piece, uint32_t at, uint32_t pieces, uint64_t *id)
{
    int descriptor = -1;
    struct alq_seat seat;
    struct alq_shared shared;
    struct alq_agent_refusal refusal;
    enum alq_agent_answer answer = ALQ_AGENT_ABSENT;
    if (ALQ_CALL(cuMemExportToShareableHandle, &descriptor, piece->backing.handle, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0)
        != CUDA_SUCCESS) {
        return false;
    }
    descriptor = alq_agent_adopt(descriptor);
    for (int attempt = 0; descriptor >= 0 && attempt < 2 && alq_charge_seat(&seat) != NULL; attempt++) {
        struct alq_share share = {.slot = seat.slot,
            .descriptor = (uint32_t)descriptor,
            .generation = seat.generation,
            .id = *id,
            .bytes = piece->bytes,
            .piece = at,
            .pieces = pieces};
        answer = alq_agent_share(ALQ_SHARE_WAIT_MS, &share, &shared, &refusal);
        if (answer != ALQ_AGENT_REFUSED || refusal.status != ALQ_STATUS_STALE || !alq_ask_again()) {
            break;
        }
    }
    if (descriptor >= 0) {
        alq_agent_close(descriptor);
    }
    if (answer == ALQ_AGENT_YES) {
        *id = shared.id;
    }
    return answer == ALQ_AGENT_YES && shared.id != 0 && shared.piece == at;
}

/* What is behind a pinned block does not change; NULL: it has been freed, or there is no memory. */
static struct alq_movable_block *alq_pieces_of(const struct alq_movable_block *copy)
{
    struct alq_movable_block *const *unused;
    size_t bytes = sizeof *copy + copy->piece_count * sizeof copy->pieces[0];
    struct alq_movable_block *whole = malloc(bytes);
    alq_movables_lock(&unused);
    struct alq_movable_block *block = alq_movables_at(copy->begin);
    bool there = whole != NULL && block != NULL && block->id == copy->id;
    if (there) {
        memcpy(whole, block, bytes);
    }
    alq_movables_unlock();
    if (!there) {
        free(whole);
        return NULL;
    }
    return whole;
}

/* Shares all pieces with one agent. 0: they cannot be. */
static uint64_t alq_pieces_share(const struct alq_movable_block *whole)
{
    uint64_t id = 0;
    bool good = true;
    for (uint32_t at = 0; good && at < whole->piece_count; at++) {
        good = alq_piece_share(&whole->pieces[at], at, whole->piece_count, &id);
    }
    if (!good) {
        alq_share_over(id);
    }
    return good ? id : 0;
}

/* Shares a pinned block. 0: it cannot be. */
static uint64_t alq_share(const struct alq_movable_block *copy)
{
    struct alq_movable_block *whole = alq_pieces_of(copy);
    uint64_t epoch = alq_share_epoch();
    uint64_t id = whole == NULL ? 0 : alq_pieces_share(whole);
    /* there may be another agent since */
    if (id != 0 && epoch != alq_share_epoch()) {
        alq_share_over(id);
        epoch = alq_share_epoch();
        id = alq_pieces_share(whole);
    }
    free(whole);
    if (id != 0 && !alq_share_name(copy, id, epoch)) {
        alq_share_over(id);
        id = 0;
    }
    return id;
}

static void alq_handle_write(CUipcMemHandle *handle, const struct alq_movable_block *copy)
{
    struct alq_share_handle own = {.magic = ALQ_SHARE_MAGIC,
        .maker = alq_share_maker(),
        .id = copy->share,
        .bytes = copy->bytes,
        .asked_bytes = copy->asked_bytes};
    memcpy(handle, &own, sizeof own);
}

bool alq_share_get(CUdeviceptr address, CUipcMemHandle *handle, CUresult *result)
{
    struct alq_movable_block copy;
    int cancel_state;
    int saved_errno = errno;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    enum alq_pin pin = alq_share_pin(address, false, ALQ_PINNED_SHARED, &copy);
    if (pin == ALQ_PIN_NEW || pin == ALQ_PIN_OLD || pin == ALQ_PIN_REGISTERED) {
        alq_bare_never();
        uint64_t share = alq_share(&copy);
        if (share == 0 && pin == ALQ_PIN_NEW) {
            alq_share_unpin(&copy);
        } else if (share == 0 && pin == ALQ_PIN_REGISTERED) {
            alq_share_register(&copy);
        } else if (share == 0) {
            alq_share_name(&copy, copy.share, copy.share_epoch);
        }
        pin = share == 0 ? ALQ_PIN_NONE : pin;
        copy.share = share;
    }
    pthread_setcancelstate(cancel_state, NULL);
    errno = saved_errno;
    if (pin == ALQ_PIN_NONE) {
        return false;
    }
    if (pin == ALQ_PIN_FULL) {
        alq_charge_refused();
        *result = CUDA_ERROR_OUT_OF_MEMORY;
        return true;
    }
    alq_handle_write(handle, &copy);
    *result = CUDA_SUCCESS;
    return true;
}

void alq_share_after_fork(void)
{
    pthread_mutex_init(&alq_mutex, NULL);
    alq_over = NULL;
    alq_count = 0;
    alq_capacity = 0;
    alq_untold = 0;
    alq_maker = 0;
}
