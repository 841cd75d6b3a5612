/*
 * What of this process's is pinned, and why, in the few words that the usage page has for it (protocol.h).
 */
#ifndef ALIQUOT_INTERPOSER_PINS_H
#define ALIQUOT_INTERPOSER_PINS_H

#include <stddef.h>
#include <stdint.h>

#include "protocol.h"

/* The most words that one change takes. */
#define ALQ_PIN_CHANGES ((size_t)2 * ALQ_PIN_WORDS)

/* How a word was changed: to be added to its copy in the usage page. */
struct alq_pin_change {
    size_t word;
    uint64_t difference;
};

/* Adds bytes (in two's complement) to what is pinned of a device for a reason. How many words have changed. Thread-safe: changes of one word
 * may be added to its copy in any order. */
size_t alq_pins_change(uint64_t words[ALQ_PIN_WORDS], uint32_t device, enum alq_pin_reason reason, uint64_t bytes,
    struct alq_pin_change changes[ALQ_PIN_CHANGES]);

#endif
