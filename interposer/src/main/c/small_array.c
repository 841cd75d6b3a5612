/*
 * Small arrays: no address says which block they are in, so what they need together is a function of one word per device, and the charge
 * is that function's value at every moment: a change of the word is charged by the difference of the values before and after it.
 * What grows is charged before the word changes, so nobody counts on room that a refusal takes away again.
 */
#include "small_array.h"

#include "small.h"

#include "pool.h"

/* Blocks that are taken on trust to have one array each: frees tear a few blocks first. */
#define ALQ_TORN_BLOCKS 8ull
#define ALQ_UNIT_BYTES 512ull

/* Half of a block, which arrays below 1 MiB fill at least before the driver needs another. */
#define ALQ_HALF_BLOCK_UNITS (ALQ_LARGE_BLOCK_BYTES / 2 / ALQ_UNIT_BYTES)

/* By device: how many in the upper 32 bits, how many units in the lower. */
static uint64_t alq_arrays[ALQ_MAX_DEVICES];

static uint64_t alq_need_bytes(uint64_t arrays)
{
    uint64_t count = arrays >> 32;
    uint64_t half_full = ALQ_TORN_BLOCKS + ((uint32_t)arrays + ALQ_HALF_BLOCK_UNITS - 1) / ALQ_HALF_BLOCK_UNITS;
    return (count < half_full ? count : half_full) * ALQ_LARGE_BLOCK_BYTES;
}

/* What one adds to the word: small levels of one array can be more than half a block together, and then be in two. */
static uint64_t alq_word(uint64_t bytes)
{
    uint64_t units = (bytes + ALQ_UNIT_BYTES - 1) / ALQ_UNIT_BYTES;
    return ((units + ALQ_HALF_BLOCK_UNITS - 1) / ALQ_HALF_BLOCK_UNITS) << 32 | units;
}

bool alq_small_array_take(int device, uint64_t bytes)
{
    if (device < 0) {
        return alq_take(device, bytes);
    }
    uint64_t before = __atomic_load_n(&alq_arrays[device], __ATOMIC_RELAXED);
    for (;;) {
        uint64_t after = before + alq_word(bytes);
        uint64_t growth_bytes = alq_need_bytes(after) - alq_need_bytes(before);
        if (!alq_take_fixed(device, growth_bytes)) {
            return false;
        }
        if (__atomic_compare_exchange_n(&alq_arrays[device], &before, after, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
            return true;
        }
        alq_uncharge(device, growth_bytes);
    }
}

void alq_small_array_give(int device, uint64_t bytes)
{
    uint64_t before = __atomic_fetch_sub(&alq_arrays[device], alq_word(bytes), __ATOMIC_ACQ_REL);
    alq_uncharge(device, alq_need_bytes(before) - alq_need_bytes(before - alq_word(bytes)));
}

void alq_small_array_after_fork(void)
{
    for (uint32_t device = 0; device < ALQ_MAX_DEVICES; device++) {
        alq_arrays[device] = 0;
    }
}
