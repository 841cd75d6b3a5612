/*
 * Movable memory and other makers' devices: a network card that reads and writes the memory itself (GPUDirect RDMA).
 *
 * A dma-buf leads to where the memory is when it is made, and nobody sees when it ends. So whatever it is asked for is brought back, pinned until it
 * is freed, and has to fit the tenant's request as everything that does not move. What does not fit, memory of a pool and memory that was opened is
 * refused as where there is no such thing: programs have to copy through the host. What the driver refuses moves on as before.
 *
 * Registration by address alone (nvidia-peermem) happens in the kernel, where nobody would see that it has to stay: pieces are not made for that,
 * the driver refuses it, and the pointer attributes say so.
 */
#ifndef ALIQUOT_INTERPOSER_RDMA_H
#define ALIQUOT_INTERPOSER_RDMA_H

#include <stdbool.h>
#include <stddef.h>

#include <aliquot/cuda_abi.h>

/* What cuMemGetHandleForAddressRange is asked for. */
struct alq_rdma_range {
    void *shared;
    CUdeviceptr address;
    size_t bytes;
    CUmemRangeHandleType type;
    unsigned long long flags;
};

/* False: there is no movable memory in the range, and nothing has happened. */
bool alq_rdma_register(const struct alq_rdma_range *range, CUresult *result);

/* The driver's answer; from then on this process is never bare. Inside the gate. */
CUresult alq_rdma_handle(const struct alq_rdma_range *range);

#endif
