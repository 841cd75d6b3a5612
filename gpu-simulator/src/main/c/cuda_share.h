/* Memory and events that another process of the node opens by what a handle of 64 bytes says. */
#ifndef SIM_CUDA_SHARE_H
#define SIM_CUDA_SHARE_H

#include "cuda_memory.h"

#define SIM_SHARE_MEMORY 0x4d434c41u
#define SIM_SHARE_EVENT 0x45434c41u
#define SIM_SHARE_POOL 0x50434c41u

struct sim_share {
    uint32_t magic;
    uint32_t device; /* index in the node */
    int32_t pid;
    int32_t fd; /* of that process */
    uint64_t start_time;
    uint64_t offset; /* of the pages in the file */
    uint64_t span;
    uint64_t inner; /* of the allocation in the pages */
    uint64_t bytes;
    uint64_t id;
};
_Static_assert(sizeof(struct sim_share) == 64, "fits every handle of the driver");

/* Fills in who this process is. */
void sim_share_sign(struct sim_share *share, uint32_t magic);
/* A descriptor of the file that share names, in this process; -1 when its owner is gone or it is no such handle. */
int sim_share_open(const struct sim_share *share, uint32_t magic);
/* Maps the memory of share; the same memory again gives the same address. */
CUresult sim_share_map(const struct sim_share *share, uint32_t magic, struct sim_context *ctx, uint64_t *address);
CUresult sim_share_unmap(uint64_t address);

#endif
