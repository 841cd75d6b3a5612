/*
 * What the tests of stream-ordered memory share: drawing it, and the pools it is drawn from. CUDA_SUCCESS is checked.
 */
#ifndef ALIQUOT_SUPPORT_POOLS_H
#define ALIQUOT_SUPPORT_POOLS_H

#include "support_moving.h"

/* How long a kernel takes that is to be there still when the next few calls have been made. */
#define SPIN_NS 1000000000ull

CUdeviceptr draw(uint64_t bytes, CUstream stream);
CUdeviceptr draw_from(CUmemoryPool pool, uint64_t bytes, CUstream stream);

/* The current device's default one; one of that device with those properties beside. */
CUmemoryPool device_pool(void);
CUmemoryPool new_pool(CUmemPoolProps properties);
uint64_t attribute(CUmemoryPool pool, CUmemPool_attribute which);
void set_attribute(CUmemoryPool pool, CUmemPool_attribute which, cuuint64_t value);
/* Has the pool give up nothing by itself. */
void keep_all(CUmemoryPool pool);

#endif
