/*
 * Memory made with cuMemCreate, for those who bind it to something else.
 */
#ifndef ALIQUOT_INTERPOSER_VMM_H
#define ALIQUOT_INTERPOSER_VMM_H

#include <aliquot/cuda_abi.h>

/* The memory behind a handle has been bound to something that keeps it without a reference of ours: once its last reference is
 * gone, the agent is asked to look. Handles that are not on record are none of our business. */
void alq_vmm_lend(CUmemGenericAllocationHandle handle);

#endif
