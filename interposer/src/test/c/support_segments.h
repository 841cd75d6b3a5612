/*
 * Memory that a program maps itself, as allocators of frameworks do: addresses that are reserved once, filled with segments behind handles.
 * CUDA_SUCCESS is checked.
 */
#ifndef ALIQUOT_SUPPORT_SEGMENTS_H
#define ALIQUOT_SUPPORT_SEGMENTS_H

#include "support_moving.h"

#define SEGMENT (20 * MIB)

/* Memory of the current device, exportable where a descriptor is wanted. */
CUmemAllocationProp segment_properties(bool exportable);
CUmemGenericAllocationHandle segment_make(uint64_t bytes, bool exportable);

CUdeviceptr segment_reserve(uint64_t bytes);
void segment_map(CUdeviceptr address, uint64_t bytes, CUmemGenericAllocationHandle handle);
/* What the current device may do. */
void segment_access(CUdeviceptr address, uint64_t bytes, CUmemAccess_flags flags);

/* Made, mapped at that address, to read and write; the handle is released, unless it is wanted. */
void segment_put(CUdeviceptr address, uint64_t bytes, CUmemGenericAllocationHandle *handle);

void segment_unmap(CUdeviceptr address, uint64_t bytes);
void segment_release(CUmemGenericAllocationHandle handle);

/* All that there is, of that many bytes, is demoted and comes back; checked. */
void segments_go_out_and_in(const struct moving *moving, uint64_t bytes);
/* This process has no memory but what it had at first, by the driver; checked. */
void segments_are_gone(const struct moving *moving, uint64_t truth);

#endif
