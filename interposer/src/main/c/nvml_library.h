/*
 * libaliquot-nvml.so: stands in for libnvidia-ml.so.1 inside a tenant, so that nvidia-smi and every other reader of NVML shows the
 * tenant's slice: its devices in its order, its limit as their memory, its processes under the pids it knows them by.
 *
 * Glossary
 *   slice    the devices of the control page; slice index i is the page's device i
 *   granted  a device that is in the slice
 *   list     what an NVML call fills into the caller's array, with a count that goes both ways
 *
 * Failure contract
 *   Not in a tenant, or no control page yet, or the tenant has ended: nvmlInit* answers NVML_ERROR_NOT_READY, as cuInit answers
 *   CUDA_ERROR_SYSTEM_NOT_READY, and everything else NVML_ERROR_UNINITIALIZED. No device of the machine is ever shown instead.
 *   Nothing of that is final: the next nvmlInit looks again. It never waits; waiting for an agent is the CUDA library's.
 *   A device that is not granted does not exist: looked up by name NVML_ERROR_NOT_FOUND, used by handle or index
 *   NVML_ERROR_INVALID_ARGUMENT. A function that the driver lacks answers NVML_ERROR_FUNCTION_NOT_FOUND.
 *   Arguments are judged by the driver first: what it refuses (NULL, versions, lost devices) is refused with its own code. This
 *   library reads or writes an argument only after the driver has accepted it, or at least the device that comes with it.
 *   Silent, keeps no lock, starts no thread; every function is thread-safe.
 *
 * Known bounds: utilisation, clocks, power, BAR1 and errors are the whole device's. nvmlInternalGetExportTable goes to the driver unchanged.
 */
#ifndef ALIQUOT_INTERPOSER_NVML_LIBRARY_H
#define ALIQUOT_INTERPOSER_NVML_LIBRARY_H

#include <aliquot/nvml_abi.h>

#include "library.h"

/* Hooks are found by name from the table; this declares each with the type of the function it stands for. */
#define ALQ_NVML_HOOK(name) __attribute__((visibility("hidden"))) __typeof__(name) alq_hook_##name

/* Slice index of a handle, or -1 where its device is not granted or the driver does not know the handle; then *why says how to
 * answer the caller: the driver's own code, or NVML_ERROR_INVALID_ARGUMENT. */
int alq_nvml_slice_index(nvmlDevice_t device, nvmlReturn_t *why);

/* Takes the handles that are not granted out of a list, keeping the order; returns how many are left. */
unsigned int alq_nvml_keep_granted(nvmlDevice_t *devices, unsigned int count);

/* Forgets which handle is which device; called around every start and end of NVML. */
void alq_nvml_forget_handles(void);

/* Whose pids a list carries, and the tenant's own pid for each. */
struct alq_nvml_pids {
    const struct alq_control_page *control;
    bool translated; /* the driver has put the pids into this process's pid namespace already */
};

/* Judges a list of pids, which lie `stride` bytes apart from `first` on. */
struct alq_nvml_pids alq_nvml_pids_of(const unsigned int *first, size_t stride, unsigned int count);

/* The pid as the tenant sees it; 0 where the process is not the tenant's. */
unsigned int alq_nvml_tenant_pid(const struct alq_nvml_pids *pids, unsigned int pid);

/* Takes foreign processes out of a list of elements of `stride` bytes with the pid at `pid_offset`, and puts the tenant's pids
 * in; returns how many are left. */
unsigned int alq_nvml_keep_tenant(void *list, size_t stride, size_t pid_offset, unsigned int count);

#endif
