/* See pins.h. */
#include "pins.h"

#include <stdbool.h>

static uint64_t alq_key(uint32_t device, enum alq_pin_reason reason)
{
    return (uint64_t)reason << ALQ_PIN_REASON_SHIFT | (uint64_t)device << ALQ_PIN_DEVICE_SHIFT;
}

/* Adds to the word of that key, or to one that says nothing. False: it is neither. */
static bool alq_pin_more(uint64_t *word, uint64_t key, uint64_t bytes, bool empty, uint64_t *difference)
{
    uint64_t before = __atomic_load_n(word, __ATOMIC_SEQ_CST);
    for (;;) {
        uint64_t there_bytes = before & ALQ_PIN_BYTES_MASK;
        if (empty ? there_bytes != 0 : (before & ~ALQ_PIN_BYTES_MASK) != key || there_bytes == 0) {
            return false;
        }
        uint64_t after = key | (there_bytes + bytes);
        if (__atomic_compare_exchange_n(word, &before, after, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
            *difference = after - before;
            return true;
        }
    }
}

/* Takes away as much as the word of that key has; how much that is. */
static uint64_t alq_pin_less(uint64_t *word, uint64_t key, uint64_t bytes)
{
    uint64_t before = __atomic_load_n(word, __ATOMIC_SEQ_CST);
    for (;;) {
        uint64_t there_bytes = before & ALQ_PIN_BYTES_MASK;
        uint64_t less_bytes = there_bytes < bytes ? there_bytes : bytes;
        if ((before & ~ALQ_PIN_BYTES_MASK) != key || less_bytes == 0) {
            return 0;
        }
        if (__atomic_compare_exchange_n(word, &before, before - less_bytes, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
            return less_bytes;
        }
    }
}

size_t alq_pins_change(uint64_t words[ALQ_PIN_WORDS], uint32_t device, enum alq_pin_reason reason, uint64_t bytes,
    struct alq_pin_change changes[ALQ_PIN_CHANGES])
{
    uint64_t key = alq_key(device, reason);
    bool less = bytes >> 63 != 0;
    uint64_t left_bytes = less ? 0 - bytes : bytes;
    size_t count = 0;
    /* once more where others change words about the same meanwhile */
    for (size_t step = 0; less && left_bytes != 0 && step < ALQ_PIN_CHANGES; step++) {
        size_t at = step % ALQ_PIN_WORDS;
        uint64_t less_bytes = alq_pin_less(&words[at], key, left_bytes);
        left_bytes -= less_bytes;
        if (less_bytes != 0) {
            changes[count++] = (struct alq_pin_change){at, 0 - less_bytes};
        }
    }
    for (size_t step = 0; !less && left_bytes != 0 && step < ALQ_PIN_CHANGES; step++) {
        size_t at = step % ALQ_PIN_WORDS;
        uint64_t difference;
        if (alq_pin_more(&words[at], key, left_bytes, step >= ALQ_PIN_WORDS, &difference)) {
            changes[count++] = (struct alq_pin_change){at, difference};
            left_bytes = 0;
        }
    }
    return count;
}
