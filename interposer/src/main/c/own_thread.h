/*
 * Threads of the library's own, and how they wait.
 */
#ifndef ALIQUOT_INTERPOSER_OWN_THREAD_H
#define ALIQUOT_INTERPOSER_OWN_THREAD_H

#include <stdbool.h>
#include <stdint.h>

/* A thread with every signal blocked, detached, of a small stack. False: there is none. */
bool alq_thread_start(void *(*body)(void *));

/* Names the calling thread. */
void alq_thread_name(const char *name);

/* Waits while *word is value, at most until the deadline (CLOCK_MONOTONIC; 0: without end). The word is in memory that may be shared between
 * processes, and only readable. Returns early for no reason now and then. */
void alq_futex_wait(const uint32_t *word, uint32_t value, uint64_t deadline_ns);

/* Wakes who waits for the word; how many that were. */
int alq_futex_wake(const uint32_t *word);

uint64_t alq_clock_ns(void);

#endif
