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
    uint64_t id; /* of the range, unique in that process */
};
_Static_assert(sizeof(struct sim_share) == 64, "fits every handle of the driver");

/* Fills in who this process is. */
void sim_share_sign(struct sim_share *share, uint32_t magic);
/* A descriptor of the file that share names, in this process; -1 when its owner is gone or it is no such handle. */
int sim_share_open(const struct sim_share *share, uint32_t magic);
/* Fills in what share says of an allocation in range, and makes range an object of the node: from now on it lives as long as
 * anyone has it open, charged to this process while that holds it. False: no room in the node's table. */
bool sim_share_make(struct sim_share *share, uint32_t magic, const struct sim_found *found);
/* Whether an exported range that this process has given up is open in another. */
bool sim_share_is_open(const struct sim_range *range);
/* Maps the memory of share; the same memory again gives the same address. */
CUresult sim_share_map(const struct sim_share *share, uint32_t magic, struct sim_context *ctx, uint64_t *address);
CUresult sim_share_unmap(uint64_t address);

#endif
