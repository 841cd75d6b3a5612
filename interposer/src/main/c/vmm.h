/*
 * Memory made with cuMemCreate, for those who export it or bind it to something else.
 */
#ifndef ALIQUOT_INTERPOSER_VMM_H
#define ALIQUOT_INTERPOSER_VMM_H

#include <stdbool.h>
#include <stdint.h>

#include <aliquot/cuda_abi.h>

/* Memory that was charged elsewhere and is pinned as exported, and is on record here from now on. */
struct alq_vmm_adopted {
    int device;
    uint64_t bytes;
    CUdeviceptr address; /* where the whole of it is mapped; 0: nowhere */
    bool lent;           /* as after alq_vmm_lend */
};

/* False: no memory, and nothing has happened. */
bool alq_vmm_adopt(CUmemGenericAllocationHandle handle, const struct alq_vmm_adopted *adopted);

/* The memory behind a handle has been exported, or bound to something that keeps it without a reference of ours: once its last
 * reference is gone, the agent looks before it counts as free. Handles that are not on record are none of our business. */
void alq_vmm_lend(CUmemGenericAllocationHandle handle);

/* The same for everything mapped in a range. */
void alq_vmm_lend_range(CUdeviceptr address, size_t bytes);

#endif
