/* Pools and their pointers in other processes. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cuda_pool.h"
#include "cuda_share.h"

CUresult cuMemPoolExportToShareableHandle(void *out, CUmemoryPool handle, CUmemAllocationHandleType type, unsigned long long flags) {
    SIM_ENTER();
    struct sim_pool *pool = (struct sim_pool *)handle;
    SIM_NEED(out != NULL && flags == 0 && sim_pool_ok(pool) && type == CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR);
    SIM_NEED((pool->handle_types & type) != 0);
    if (pool->fd < 0) {
        struct sim_share share = {.device = pool->device, .fd = -1, .id = (uint64_t)pool};
        sim_share_sign(&share, SIM_SHARE_POOL);
        pool->fd = memfd_create("aliquot-sim-pool", MFD_CLOEXEC);
        if (pool->fd < 0 || pwrite(pool->fd, &share, sizeof share, 0) != (ssize_t)sizeof share) return CUDA_ERROR_OPERATING_SYSTEM;
    }
    int fd = fcntl(pool->fd, F_DUPFD_CLOEXEC, 3);
    if (fd < 0) return CUDA_ERROR_OPERATING_SYSTEM;
    *(int *)out = fd;
    return CUDA_SUCCESS;
}

CUresult cuMemPoolImportFromShareableHandle(CUmemoryPool *out, void *source, CUmemAllocationHandleType type, unsigned long long flags) {
    SIM_ENTER();
    SIM_NEED(out != NULL && flags == 0 && type == CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR);
    struct sim_share share;
    SIM_NEED(pread((int)(intptr_t)source, &share, sizeof share, 0) == (ssize_t)sizeof share && share.magic == SIM_SHARE_POOL);
    for (int i = 0; i < sim_process.device_count; i++) {
        if (sim_process.device[i] != share.device) continue;
        struct sim_pool *pool = sim_pool_make(i);
        if (pool == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
        pool->imported = true;
        *out = (CUmemoryPool)pool;
        return CUDA_SUCCESS;
    }
    return CUDA_ERROR_INVALID_DEVICE;
}

CUresult cuMemPoolExportPointer(CUmemPoolPtrExportData *out, CUdeviceptr address) {
    SIM_ENTER();
    struct sim_found found;
    SIM_NEED(out != NULL && sim_memory_find(address, &found) && found.range->kind == SIM_RANGE_SEGMENT);
    const struct sim_range *range = found.range;
    SIM_NEED((range->pool->handle_types & CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR) != 0 && address == found.base);
    struct sim_share share;
    if (!sim_share_make(&share, SIM_SHARE_POOL, &found)) return CUDA_ERROR_OUT_OF_MEMORY;
    memcpy(out, &share, sizeof share);
    return CUDA_SUCCESS;
}

CUresult cuMemPoolImportPointer(CUdeviceptr *out, CUmemoryPool handle, CUmemPoolPtrExportData *data) {
    SIM_ENTER();
    struct sim_pool *pool = (struct sim_pool *)handle;
    SIM_NEED(out != NULL && data != NULL && sim_pool_ok(pool) && pool->imported);
    struct sim_share share;
    memcpy(&share, data, sizeof share);
    uint64_t address;
    SIM_TRY(sim_share_map(&share, SIM_SHARE_POOL, NULL, &address));
    sim_space_range(address)->pool = pool;
    *out = address;
    return CUDA_SUCCESS;
}
