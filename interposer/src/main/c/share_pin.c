/* See share.h. */
#include <time.h>

#include "devices.h"
#include "hooks.h"
#include "movable.h"
#include "mover.h"
#include "own_thread.h"
#include "pages.h"
#include "pool.h"
#include "share.h"

/* How long the mover may take to bring a block back: its devices may have work that does not end. */
#define ALQ_PULL_NS 10000000000ull
#define ALQ_STEP_NS 1000000l
#define ALQ_KICK_STEPS 50

static void alq_step(void)
{
    nanosleep(&(struct timespec){.tv_nsec = ALQ_STEP_NS}, NULL);
}

/* Locked. The live block that was copied; NULL: it has been freed. */
static struct alq_movable_block *alq_again(const struct alq_movable_block *copy)
{
    struct alq_movable_block *block = alq_movables_at(copy->begin);
    return block != NULL && block->id == copy->id && block->tie == ALQ_PINNED ? block : NULL;
}

/* Pins it unless it is pinned. Inside the gate nothing moves: what is on the device now stays there. */
static bool alq_tie(const struct alq_movable_block *copy, enum alq_pin_reason reason, uint64_t *demoted_bytes)
{
    struct alq_movable_block *const *unused;
    bool gated = alq_gate_enter();
    alq_movables_lock(&unused);
    struct alq_movable_block *block = alq_movables_at(copy->begin);
    bool tied = block != NULL && block->id == copy->id && !block->kept && block->tie == ALQ_LOOSE;
    if (tied) {
        uint64_t resident_bytes = alq_movables_resident_bytes(block);
        block->tie = ALQ_PINNED;
        block->reason = reason;
        block->busy = false;
        *demoted_bytes = block->bytes - resident_bytes;
        alq_charge_shift(
            block->device, &(struct alq_shift){.movable = 0 - resident_bytes, .pinned = block->bytes, .reason = reason});
    }
    alq_movables_unlock();
    alq_gate_leave(gated);
    return tied;
}

void alq_share_unpin(const struct alq_movable_block *copy)
{
    struct alq_movable_block *const *unused;
    bool gated = alq_gate_enter();
    alq_movables_lock(&unused);
    struct alq_movable_block *block = alq_again(copy);
    if (block != NULL && !block->registered) { /* what is virtual may have been registered just when it had come back */
        alq_charge_shift(block->device,
            &(struct alq_shift){.used = 0 - block->advance_bytes,
                .movable = alq_movables_resident_bytes(block),
                .pinned = 0 - block->bytes,
                .reason = block->reason});
        block->advance_bytes = 0;
        block->tie = ALQ_LOOSE;
    }
    alq_movables_unlock();
    alq_gate_leave(gated);
    alq_mover_kick();
}

uint64_t alq_share_epoch(void)
{
    const struct alq_control_page *control = alq_pages_control();
    return control == NULL ? 0 : __atomic_load_n(&control->agent_epoch, __ATOMIC_SEQ_CST);
}

/* Whoever takes the old share off a block, or its registration, is to share it anew or to put that back. False: another thread was first. */
static bool alq_share_claim(const struct alq_movable_block *copy)
{
    struct alq_movable_block *const *unused;
    alq_movables_lock(&unused);
    struct alq_movable_block *block = alq_again(copy);
    bool claimed = block != NULL && block->share == copy->share && block->registered == copy->registered;
    if (claimed) {
        block->share = 0;
        block->registered = false;
    }
    alq_movables_unlock();
    return claimed;
}

bool alq_share_name(const struct alq_movable_block *copy, uint64_t share, uint64_t epoch)
{
    struct alq_movable_block *const *unused;
    alq_movables_lock(&unused);
    struct alq_movable_block *block = alq_again(copy);
    if (block != NULL) {
        block->share = share;
        block->share_epoch = epoch;
    }
    alq_movables_unlock();
    return block != NULL;
}

void alq_share_register(const struct alq_movable_block *copy)
{
    struct alq_movable_block *const *unused;
    alq_movables_lock(&unused);
    struct alq_movable_block *block = alq_again(copy);
    if (block != NULL) {
        block->registered = true;
    }
    alq_movables_unlock();
}

/* Hands the mover what has been charged for the demoted pieces. False: the block has been freed. */
static bool alq_advance(const struct alq_movable_block *copy, uint64_t bytes)
{
    struct alq_movable_block *const *unused;
    bool gated = alq_gate_enter();
    alq_movables_lock(&unused);
    struct alq_movable_block *block = alq_again(copy);
    if (block != NULL) {
        block->advance_bytes += bytes; /* a move of an earlier pin may have come in between */
    }
    alq_movables_unlock();
    alq_gate_leave(gated);
    return block != NULL;
}

enum alq_advanced { ALQ_ADVANCED_ALL, ALQ_ADVANCED_SOME, ALQ_ADVANCED_BUSY };

/* How far the mover is; ALL where the block has been freed. */
static enum alq_advanced alq_advanced(const struct alq_movable_block *copy)
{
    struct alq_movable_block *const *unused;
    alq_movables_lock(&unused);
    struct alq_movable_block *block = alq_again(copy);
    bool all = block == NULL || __atomic_load_n(&block->advance_bytes, __ATOMIC_SEQ_CST) == 0;
    bool busy = !all && block->busy;
    alq_movables_unlock();
    return all ? ALQ_ADVANCED_ALL : busy ? ALQ_ADVANCED_BUSY : ALQ_ADVANCED_SOME;
}

/* Has the demoted pieces brought back. Whoever comes to the gate has a process that is away come back, too. */
static bool alq_pull_wait(const struct alq_movable_block *copy, uint64_t demoted_bytes)
{
    __attribute__((unused, cleanup(alq_flight_land))) bool flying = alq_flight_begin();
    if (!alq_take(copy->device, demoted_bytes)) {
        return false;
    }
    if (!alq_advance(copy, demoted_bytes)) {
        alq_uncharge(copy->device, demoted_bytes);
        return false;
    }
    uint64_t end_ns = alq_clock_ns() + ALQ_PULL_NS;
    for (int step = 0; alq_advanced(copy) == ALQ_ADVANCED_SOME && alq_clock_ns() < end_ns; step++) {
        if (step % ALQ_KICK_STEPS == 0) {
            alq_mover_kick();
        }
        alq_step();
        alq_gate_leave(alq_gate_enter());
    }
    return alq_advanced(copy) == ALQ_ADVANCED_ALL;
}

enum alq_pin alq_share_pin(CUdeviceptr address, bool of_virtual, enum alq_pin_reason reason, struct alq_movable_block *copy)
{
    uint64_t demoted_bytes = 0;
    for (;;) {
        if (!alq_movables_find(address, copy) || copy->pool != NULL || copy->tie == ALQ_OPENED
            || (copy->virtual != NULL) != of_virtual || (of_virtual && copy->tie == ALQ_PINNED)) {
            return ALQ_PIN_NONE;
        }
        if (copy->tie == ALQ_PINNED && copy->share != 0 && copy->share_epoch == alq_share_epoch()) {
            return ALQ_PIN_SHARED;
        }
        if (copy->tie == ALQ_PINNED && copy->share != 0 && alq_share_claim(copy)) {
            return ALQ_PIN_OLD;
        }
        if (copy->tie == ALQ_PINNED && copy->registered && alq_share_claim(copy)) {
            return ALQ_PIN_REGISTERED;
        }
        if (copy->tie == ALQ_LOOSE && alq_tie(copy, reason, &demoted_bytes)) {
            break;
        }
        alq_step();
    }
    if (alq_fixed_fits(copy->device, demoted_bytes) && (demoted_bytes == 0 || alq_pull_wait(copy, demoted_bytes))) {
        return ALQ_PIN_NEW;
    }
    alq_share_unpin(copy);
    return ALQ_PIN_FULL;
}
