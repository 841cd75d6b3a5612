/*
 * What the tests of the gate share. A program that includes this is linked with the stand-in's own objects, since the gate exports
 * nothing: cu* are the stand-in's entries, and ours() is not for it.
 */
#ifndef ALIQUOT_SUPPORT_GATE_H
#define ALIQUOT_SUPPORT_GATE_H

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "gate.h"
#include "support_world.h"

#define MS 1000000ull
#define SECOND (1000 * MS)
#define NEVER (3600 * SECOND)

static inline uint64_t time_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

/* Closes the gate for good, with time enough for any machine. */
static inline void close_for_moving(void)
{
    if (!alq_gate_close(time_ns() + 30 * SECOND, NEVER) || !alq_gate_commit()) {
        check_failed(__FILE__, __LINE__, "the gate closes", 0, 1);
        end_case();
    }
}

static inline pthread_t start(void *(*body)(void *), void *argument)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, argument) != 0) {
        check_failed(__FILE__, __LINE__, "a thread starts", 0, 1);
        end_case();
    }
    return thread;
}

/* Waits for a word that another thread writes; the case's own time limit ends it otherwise. */
static inline void await(const uint32_t *word, uint32_t value)
{
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value) {
        usleep(200);
    }
}

static inline void say(uint32_t *word, uint32_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

/* Whether a thread of this process is asleep in the kernel, waits until it is or `done` is set. */
static inline bool falls_asleep(const uint32_t *tid, const uint32_t *done)
{
    for (;; usleep(500)) {
        char path[64], text[512];
        uint32_t number = __atomic_load_n(tid, __ATOMIC_ACQUIRE);
        if (__atomic_load_n(done, __ATOMIC_ACQUIRE) != 0) {
            return false;
        }
        snprintf(path, sizeof path, "/proc/self/task/%u/stat", number);
        FILE *file = number == 0 ? NULL : fopen(path, "r");
        size_t bytes = file == NULL ? 0 : fread(text, 1, sizeof text - 1, file);
        text[bytes] = 0;
        if (file != NULL) {
            fclose(file);
        }
        const char *state = strrchr(text, ')');
        if (state != NULL && state[1] == ' ' && state[2] == 'S') {
            return true;
        }
    }
}

#endif
