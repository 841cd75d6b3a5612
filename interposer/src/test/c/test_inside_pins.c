/*
 * The words about what is pinned (pins.h): exact for up to as many reasons and devices as there are words, whichever threads change them at once;
 * beyond that something is left unsaid, and nothing is ever said that is not.
 */
#include "pins.h"
#include "support_world.h"

#include <pthread.h>
#include <string.h>

#define ROUNDS 20000
#define THREADS 4
#define REASONS 5u

struct words {
    uint64_t own[ALQ_PIN_WORDS];
    uint64_t copy[ALQ_PIN_WORDS]; /* as the usage page has them */
    uint32_t devices;
};

static void change(struct words *words, uint32_t device, uint32_t reason, uint64_t bytes)
{
    struct alq_pin_change changes[ALQ_PIN_CHANGES];
    size_t count = alq_pins_change(words->own, device, reason, bytes, changes);
    CHECK(count <= ALQ_PIN_CHANGES);
    for (size_t at = 0; at < count; at++) {
        __atomic_fetch_add(&words->copy[changes[at].word], changes[at].difference, __ATOMIC_SEQ_CST);
    }
}

static uint64_t said(const struct words *words, uint32_t device, uint32_t reason)
{
    uint64_t bytes = 0;
    for (uint32_t at = 0; at < ALQ_PIN_WORDS; at++) {
        uint64_t word = words->copy[at];
        bool it = word >> ALQ_PIN_REASON_SHIFT == reason && (word >> ALQ_PIN_DEVICE_SHIFT & 0xff) == device;
        bytes += it ? word & ALQ_PIN_BYTES_MASK : 0;
    }
    return bytes;
}

static uint64_t said_in_all(const struct words *words)
{
    uint64_t bytes = 0;
    for (uint32_t at = 0; at < ALQ_PIN_WORDS; at++) {
        bytes += words->copy[at] & ALQ_PIN_BYTES_MASK;
    }
    return bytes;
}

/* Pins and lets go again, a few at a time. */
static void *pin_and_let_go(void *argument)
{
    struct words *words = argument;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t device = round % words->devices, reason = 1 + round / words->devices % 4;
        change(words, device, reason, 3ull << 20);
        change(words, device, reason, 1);
        change(words, device, reason, 0 - (3ull << 20));
        change(words, device, reason, 0 - 1ull);
    }
    return NULL;
}

static void run_threads(struct words *words)
{
    pthread_t threads[THREADS];
    for (int at = 0; at < THREADS; at++) {
        CHECK_EQ(pthread_create(&threads[at], NULL, pin_and_let_go, words), 0);
    }
    for (int at = 0; at < THREADS; at++) {
        pthread_join(threads[at], NULL);
    }
    CHECK(memcmp(words->own, words->copy, sizeof words->own) == 0);
}

static void threads_change_them_and_nothing_is_lost(struct world *world, const void *unused)
{
    struct words words = {.devices = 1};
    (void)world;
    (void)unused;
    change(&words, 0, ALQ_PINNED_SHARED, 77);
    run_threads(&words);
    CHECK_EQ(said(&words, 0, ALQ_PINNED_SHARED), 77);
    CHECK_EQ(said_in_all(&words), 77);
}

static void what_there_is_no_word_for_is_left_unsaid(struct world *world, const void *unused)
{
    struct words words = {.devices = 4};
    (void)world;
    (void)unused;
    for (uint32_t device = 0; device < 2; device++) {
        for (uint32_t reason = 1; reason <= REASONS; reason++) {
            change(&words, device, reason, 10);
        }
    }
    CHECK_EQ(said_in_all(&words), 80);
    for (uint32_t reason = 1; reason <= REASONS; reason++) {
        change(&words, 0, reason, 0 - 10ull);
        CHECK_EQ(said(&words, 0, reason), 0);
    }
    change(&words, 15, ALQ_PINNED_RDMA, ALQ_PIN_BYTES_MASK);
    CHECK_EQ(said(&words, 15, ALQ_PINNED_RDMA), ALQ_PIN_BYTES_MASK);
    change(&words, 15, ALQ_PINNED_RDMA, 0 - ALQ_PIN_BYTES_MASK);
    for (uint32_t reason = 1; reason <= REASONS; reason++) {
        change(&words, 1, reason, 0 - 10ull);
    }
    CHECK_EQ(said_in_all(&words), 0);
    run_threads(&words);
    CHECK_EQ(said_in_all(&words), 0);
}

int main(void)
{
    struct world *world = world_open((struct world_config){.limit_bytes = 256 * MIB});
    RUN(threads_change_them_and_nothing_is_lost, world);
    RUN(what_there_is_no_word_for_is_left_unsaid, world);
    world_close(world);
    return finish_cases();
}
