/*
 * A second process of the tenant that shares movable memory with this one, both ways: it does what it is told, one order at a time.
 *
 * To be started before this process has called CUDA; it starts CUDA itself with its first order. Both processes may be looked into by the
 * test's agent, which is no ancestor of theirs.
 */
#ifndef ALIQUOT_SUPPORT_SHARER_H
#define ALIQUOT_SUPPORT_SHARER_H

#include "support_moving.h"

enum sharer_order {
    SHARER_MAKES,  /* allocates bytes, fills them with value, and shares them: handle */
    SHARER_FREES,  /* address */
    SHARER_OPENS,  /* handle: address */
    SHARER_CLOSES, /* address */
    SHARER_ADDS,   /* value, to bytes at address */
    SHARER_LOOKS,  /* how many words of bytes at address are not value: figure */
    SHARER_COUNTS  /* descriptors that it has open: figure */
};

struct sharer_message {
    enum sharer_order order;
    CUresult result;
    CUdeviceptr address;
    CUipcMemHandle handle;
    uint64_t bytes, figure;
    uint32_t value;
};

struct sharer {
    pid_t pid;
    int channel;
};

struct sharer sharer_start(struct world *world);
/* What it answers. */
struct sharer_message sharer_does(const struct sharer *sharer, struct sharer_message message);
/* Ends by itself, or by kill -9. */
void sharer_ends(const struct sharer *sharer, bool killed);

/* CUDA_SUCCESS is checked. */
CUipcMemHandle sharer_handle(CUdeviceptr address);
/* Descriptors of this process. */
uint64_t sharer_descriptors(void);

#endif
