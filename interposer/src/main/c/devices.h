/*
 * Which of the tenant's devices a driver's device, stream or context is.
 *
 * Thread-safe, keeps errno; a device's index is asked of the driver once.
 */
#ifndef ALIQUOT_INTERPOSER_DEVICES_H
#define ALIQUOT_INTERPOSER_DEVICES_H

#include <stdbool.h>

#include <aliquot/cuda_abi.h>

/* A device as the driver and as the control page number it. */
struct alq_place {
    CUdevice ordinal;
    int device; /* index in the control page, negative: not the tenant's */
};

/* Index in the control page, or negative. */
int alq_device_index(CUdevice ordinal);

/* Whether the driver knows a device of that ordinal, the tenant's or not. */
bool alq_device_exists(CUdevice ordinal);

/* The calling thread's current device; false without a context. */
bool alq_place_current(struct alq_place *place);

/* The device that a stream belongs to; false where the driver does not say. */
bool alq_place_of_stream(CUstream stream, struct alq_place *place);

/* The device that a context belongs to; false where the driver does not say. */
bool alq_place_of_context(CUcontext context, struct alq_place *place);

/* The calling thread's current context, NULL without one. */
CUcontext alq_context_current(void);

/* The context that a stream belongs to, for the default streams the current one; NULL where the driver does not say. */
CUcontext alq_context_of_stream(CUstream stream);

/* Whether a stream is being captured. */
bool alq_capturing(CUstream stream);

#endif
