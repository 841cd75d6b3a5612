/*
 * Waiting until the devices have finished what the program submitted, but not for ever: the driver's own wait has no end, so it happens in a
 * thread of its own that is left alone with it where it lasts too long.
 */
#ifndef ALIQUOT_INTERPOSER_DRAIN_H
#define ALIQUOT_INTERPOSER_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include <aliquot/cuda_abi.h>

/* Waits, until the deadline (CLOCK_MONOTONIC), for every context of the program to be idle. The gate is closed and nothing is being
 * captured. False: one is not, or it cannot be said. The mover only. */
bool alq_drain(uint64_t deadline_ns);

/* Before a context is destroyed, inside the gate: returns once no wait left over from an earlier drain is in it, or after a time in which the
 * driver, too, would wait for what runs there. */
void alq_drain_leave(CUcontext context);

#endif
