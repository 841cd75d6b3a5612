/*
 * The simulator's NVML: what its files share.
 *
 * Glossary
 *   handle   an nvmlDevice_t: the address of a place in a table, so that anything else is recognised and refused
 *   lost     a device that fell off the bus: all calls on it answer NVML_ERROR_GPU_IS_LOST until a drill brings it back
 *
 * Failure contract
 *   Before nvmlInit every call answers NVML_ERROR_UNINITIALIZED; a NULL or foreign pointer NVML_ERROR_INVALID_ARGUMENT. What
 *   the model has not (fans, NVLink, MIG instances, vGPU) answers NVML_ERROR_NOT_SUPPORTED. No call prints or ends a process.
 *   Calls are thread-safe. Sizes are bytes, power is milliwatts, clocks MHz, as NVML has them.
 */
#ifndef SIM_NVML_CORE_H
#define SIM_NVML_CORE_H

#pragma GCC visibility push(default)
#include <aliquot/nvml_abi.h>
#include <aliquot/nvml_memory_limits.h>
#pragma GCC visibility pop

#include "node.h"

/* Answers the index of the handle in *index, or why not. */
nvmlReturn_t nv_device(nvmlDevice_t handle, uint32_t *index);
/* As nv_device, and also when the device is lost. */
nvmlReturn_t nv_device_even_lost(nvmlDevice_t handle, uint32_t *index);
nvmlDevice_t nv_handle(uint32_t index);
bool nv_initialised(void);
/* NVML_ERROR_INSUFFICIENT_SIZE when text does not fit into length with its zero. */
nvmlReturn_t nv_copy(const char *text, char *out, unsigned int length);
/* Realtime in microseconds, the clock of NVML's time stamps. */
unsigned long long nv_time_us(void);
/* Root may change settings; others get NVML_ERROR_NO_PERMISSION. */
nvmlReturn_t nv_may_change(void);

uint32_t nv_temperature(uint32_t index);
uint32_t nv_power_mw(uint32_t index);
uint64_t nv_energy_mj(uint32_t index);
uint32_t nv_clock(uint32_t index, nvmlClockType_t type);

/* Starts a call on a device: defines `d` (index) and `model` (its configuration). */
#define ON_DEVICE(handle, ok)                                                                                                \
    uint32_t d;                                                                                                              \
    nvmlReturn_t found_ = nv_device((handle), &d);                                                                           \
    if (found_ != NVML_SUCCESS)                                                                                              \
        return found_;                                                                                                       \
    if (!(ok))                                                                                                               \
        return NVML_ERROR_INVALID_ARGUMENT;                                                                                  \
    const struct sim_device_config *model = &sim_config()->devices[d];                                                       \
    (void)model

/* The whole body of a call that gives one value. */
#define GIVE(handle, pointer, value)                                                                                         \
    do {                                                                                                                     \
        ON_DEVICE(handle, (pointer) != NULL);                                                                                \
        *(pointer) = (value);                                                                                                \
        return NVML_SUCCESS;                                                                                                 \
    } while (0)

/* The whole body of a call about something that no model has. */
#define HAS_NOT(handle)                                                                                                      \
    do {                                                                                                                     \
        ON_DEVICE(handle, true);                                                                                             \
        return NVML_ERROR_NOT_SUPPORTED;                                                                                     \
    } while (0)

#endif
