/* Arrays: memory with a shape. Inside the simulator the rows lie one after the other. */
#ifndef SIM_CUDA_ARRAY_H
#define SIM_CUDA_ARRAY_H

#include "cuda_core.h"

struct sim_array {
    struct sim_head head;
    struct sim_context *ctx;
    struct sim_array *next;
    CUDA_ARRAY3D_DESCRIPTOR shape;
    uint64_t address, pitch, slice, bytes;
    bool part; /* of a mipmapped array: destroyed with it */
};

CUresult sim_array_make(struct sim_context *ctx, const CUDA_ARRAY3D_DESCRIPTOR *shape, struct sim_array **out);
void sim_array_unmake(struct sim_array *array);
void sim_mipmap_release_context(struct sim_context *ctx);

/* Address and strides of an array for the box of a copy at (x bytes, y, z). */
CUresult sim_array_side(CUarray array, const CUDA_MEMCPY3D *copy, size_t x, size_t y, size_t z, uint64_t *address, uint64_t *pitch,
                        uint64_t *slice);
void sim_array_release_context(struct sim_context *ctx);

#endif
