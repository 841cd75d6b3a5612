/* Small allocations by address: what is in flight, and the charge of the blocks. */
#include "small.h"

#include <pthread.h>

#include "fork.h"
#include "hooks.h"
#include "movable.h"
#include "pool.h"
#include "small_array.h"

/*
 * What is charged for blocks of a device: those on record + pot. An allocation in flight either has brought a block's charge into the pot or
 * counts on a hole. One that brought a charge may take the hole that another counts on, and then needs none itself; and a block that
 * goes off the record may still have one in it that counted on another. So a block's charge stays in the pot for each that counts on a hole.
 */
struct alq_pot {
    uint64_t bytes;
    uint64_t pending_bytes;  /* brought by those still in flight */
    uint64_t promises;       /* those in flight that count on a hole */
    uint64_t promised_bytes; /* their sizes */
};

/* Guards the pots and the blocks. */
static pthread_mutex_t alq_small_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct alq_pot alq_pots[ALQ_MAX_DEVICES];

/* Takes out of the pot what nobody in flight may need; to be uncharged. Mutex held. */
static uint64_t alq_spare(struct alq_pot *pot)
{
    uint64_t spare_bytes = alq_sub(pot->bytes, pot->pending_bytes + pot->promises * ALQ_LARGE_BLOCK_BYTES);
    pot->bytes -= spare_bytes;
    return spare_bytes;
}

/* Counts on a hole. It has to have room beside all who count on one, wherever in it they may lie: then whoever takes another's leaves it
 * his own. And the charge of everybody in flight has to be in the pot still: whose charge has gone to another may lie in this very hole. */
static bool alq_promise(struct alq_small *small, uint64_t bytes)
{
    struct alq_pot *pot = &alq_pots[small->cutting.device];
    uint32_t opened = 0;
    pthread_mutex_lock(&alq_small_mutex);
    uint64_t hole_bytes = pot->promised_bytes + (pot->promises + 1) * bytes;
    struct alq_block *block =
        pot->bytes < pot->pending_bytes ? NULL : alq_blocks_with_hole(&small->cutting, hole_bytes);
    if (block != NULL) {
        small->promise = alq_blocks_refer(block->number, &small->cutting, &opened);
        small->promise_bytes = bytes;
        pot->promised_bytes += bytes;
        pot->promises++;
    }
    pthread_mutex_unlock(&alq_small_mutex);
    return block != NULL;
}

bool alq_small_begin(struct alq_small *small, uint64_t bytes)
{
    int device = small->cutting.device;
    /* what cannot move has to fit the request: the agent cannot have it back */
    if (!alq_fixed_fits(device, ALQ_LARGE_BLOCK_BYTES) || !alq_charge_within_credit(device, ALQ_LARGE_BLOCK_BYTES)) {
        if (device >= 0 && small->cutting.plain) {
            small->cutting.context = alq_context_current();
            if (alq_promise(small, bytes)) {
                return true;
            }
        }
        if (!alq_take_fixed(device, ALQ_LARGE_BLOCK_BYTES)) {
            return false;
        }
    }
    small->pending_bytes = ALQ_LARGE_BLOCK_BYTES;
    pthread_mutex_lock(&alq_small_mutex);
    alq_pots[device].bytes += ALQ_LARGE_BLOCK_BYTES;
    alq_pots[device].pending_bytes += ALQ_LARGE_BLOCK_BYTES;
    pthread_mutex_unlock(&alq_small_mutex);
    return true;
}

/* No longer in flight, with so many blocks opened. Mutex held. What is spare now, to be uncharged, and what is missing. */
static uint64_t alq_arrive(struct alq_small *small, uint32_t opened, uint64_t *missing_bytes)
{
    struct alq_pot *pot = &alq_pots[small->cutting.device];
    uint64_t needed_bytes = opened * ALQ_LARGE_BLOCK_BYTES;
    pot->pending_bytes -= small->pending_bytes;
    pot->promised_bytes -= small->promise_bytes;
    pot->promises -= small->promise != NULL;
    if (small->promise != NULL && alq_blocks_drop(small->promise)) {
        pot->bytes += ALQ_LARGE_BLOCK_BYTES;
    }
    *missing_bytes = alq_sub(needed_bytes, pot->bytes);
    pot->bytes -= needed_bytes - *missing_bytes;
    return alq_spare(pot);
}

void alq_small_cancel(struct alq_small *small)
{
    uint64_t missing_bytes;
    if (small->pending_bytes == 0 && small->promise == NULL) {
        return;
    }
    pthread_mutex_lock(&alq_small_mutex);
    uint64_t spare_bytes = alq_arrive(small, 0, &missing_bytes);
    pthread_mutex_unlock(&alq_small_mutex);
    alq_uncharge(small->cutting.device, spare_bytes);
}

/* Takes an allocation off its blocks from first to before end. Mutex held. How many are gone with it. */
static uint32_t alq_leave(uint64_t first, uint64_t end, CUdeviceptr address, uint64_t bytes)
{
    uint32_t closed = 0;
    for (uint64_t number = first; number < end; number++) {
        struct alq_block *block = alq_blocks_get(number);
        alq_blocks_mark(block, address, bytes, false);
        closed += alq_blocks_drop(block);
    }
    return closed;
}

/* Puts it on the record of its blocks, as a rule one. Mutex held. False: no memory for that, nothing is on record. */
static bool alq_enter(struct alq_small *small, CUdeviceptr address, uint64_t bytes, uint32_t *opened)
{
    uint64_t first = address / ALQ_LARGE_BLOCK_BYTES;
    uint64_t last = (address + bytes - 1) / ALQ_LARGE_BLOCK_BYTES;
    for (uint64_t number = first; number <= last; number++) {
        struct alq_block *block = alq_blocks_refer(number, &small->cutting, opened);
        if (block == NULL) {
            *opened -= alq_leave(first, number, address, bytes);
            return false;
        }
        alq_blocks_mark(block, address, bytes, true);
    }
    return true;
}

static void alq_address_give(int device, CUdeviceptr address, uint64_t bytes)
{
    pthread_mutex_lock(&alq_small_mutex);
    alq_pots[device].bytes += ALQ_LARGE_BLOCK_BYTES
        * alq_leave(address / ALQ_LARGE_BLOCK_BYTES, (address + bytes - 1) / ALQ_LARGE_BLOCK_BYTES + 1, address, bytes);
    uint64_t spare_bytes = alq_spare(&alq_pots[device]);
    pthread_mutex_unlock(&alq_small_mutex);
    alq_uncharge(device, spare_bytes);
}

bool alq_small_land(struct alq_small *small, CUdeviceptr address, uint64_t bytes)
{
    int device = small->cutting.device;
    uint32_t opened = 0;
    uint64_t missing_bytes;
    pthread_mutex_lock(&alq_small_mutex);
    bool entered = alq_enter(small, address, bytes, &opened);
    if (!entered) {
        pthread_mutex_unlock(&alq_small_mutex);
        ALQ_CALL(cuMemFree_v2, address);
        alq_small_cancel(small);
        return false;
    }
    uint64_t spare_bytes = alq_arrive(small, opened, &missing_bytes);
    pthread_mutex_unlock(&alq_small_mutex);
    alq_uncharge(device, spare_bytes);
    if (missing_bytes == 0) {
        return true;
    }
    /* the driver holds it already: another thread may share the block by now, so it is charged before it is judged */
    alq_charge_held(device, missing_bytes);
    if (alq_charge_covered(device)) {
        return true;
    }
    ALQ_CALL(cuMemFree_v2, address);
    alq_address_give(device, address, bytes);
    alq_charge_refused();
    return false;
}

void alq_give(const struct alq_holding *holding)
{
    (holding->lent ? alq_uncharge_lent : alq_uncharge)(holding->device, holding->bytes);
    if (holding->small_bytes != 0 && holding->small_address != 0) {
        alq_address_give(holding->device, holding->small_address, holding->small_bytes);
    } else if (holding->small_bytes != 0) {
        alq_small_array_give(holding->device, holding->small_bytes);
    }
    if (holding->lent) {
        alq_uncharge_lent(holding->device, 0);
    }
}

void alq_small_after_fork(void)
{
    pthread_mutex_init(&alq_small_mutex, NULL);
    for (uint32_t device = 0; device < ALQ_MAX_DEVICES; device++) {
        alq_pots[device] = (struct alq_pot){0};
    }
    alq_blocks_after_fork();
    alq_small_array_after_fork();
}
