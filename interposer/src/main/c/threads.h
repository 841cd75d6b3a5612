/*
 * Waiting for all threads of this process to get beyond where they were, where they leave no mark of that.
 */
#ifndef ALIQUOT_INTERPOSER_THREADS_H
#define ALIQUOT_INTERPOSER_THREADS_H

#include <stdbool.h>
#include <stdint.h>

/* Waits until each other thread of the process has slept in a system call or has run for a while since this was called, or is gone: what it
 * had begun that sleeps in none and takes a few instructions is done. A handler of a signal that came into those, and sleeps, is
 * not told apart. False: the deadline (CLOCK_MONOTONIC) has come, or /proc cannot be read. Opens files for a moment. */
bool alq_threads_pass(uint64_t deadline_ns);

#endif
