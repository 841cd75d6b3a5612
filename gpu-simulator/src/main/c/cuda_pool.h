/* Pools: segments of device memory cut into blocks; what is free stays reserved until a wait finds it above the threshold. */
#ifndef SIM_CUDA_POOL_H
#define SIM_CUDA_POOL_H

#include "cuda_memory.h"

#define SIM_SEGMENT_BYTES (32ull << 20)

struct sim_block {
    uint64_t base, span; /* span: in units */
    uint64_t bytes;      /* as asked */
    uint64_t id;
    bool used, freeing;
    struct sim_block *next;
};

struct sim_segment {
    struct sim_range *range;
    struct sim_block *blocks; /* ascending, without gaps */
    uint64_t used;
    struct sim_segment *next;
};

struct sim_pool {
    struct sim_head head;
    int ordinal;
    uint32_t device;
    bool standard; /* a device's default pool */
    bool imported;
    pthread_mutex_t mutex;
    struct sim_segment *segments;
    uint64_t threshold, maximum;
    uint64_t reserved, reserved_high, used, used_high;
    int reuse[3];
    CUmemAllocationHandleType handle_types;
    uint32_t readers; /* ordinals given access */
    int fd;           /* of the page that stands for the pool in other processes */
    struct sim_pool *next;
};

struct sim_pool *sim_pool_make(int ordinal);
CUresult sim_pool_take(struct sim_pool *pool, uint64_t bytes, uint64_t *address);
/* Gives segments without blocks back until at most keep bytes are reserved. */
void sim_pool_trim(struct sim_pool *pool, uint64_t keep);
void sim_pool_unmake(struct sim_pool *pool);
CUresult sim_pool_default(int ordinal, struct sim_pool **out);
bool sim_pool_ok(const void *handle);

#endif
