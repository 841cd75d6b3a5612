/* Descriptors of device memory for other makers' devices. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cuda_memory.h"

#define HOST_PAGE_BYTES 4096u

/* Whether all of the range is memory of one device: mapped without gaps, or of one allocation. */
static bool of_one_device(uint64_t address, uint64_t end) {
    struct sim_found first, found;
    if (!sim_memory_find(address, &first)) return false;
    for (uint64_t at = address; at < end;) {
        if (!sim_memory_find(at, &found) || found.range->array || found.range->managed || found.range->device == SIM_HOST) return false;
        if (found.range->device != first.range->device) return false;
        bool mapped = found.range->kind == SIM_RANGE_MAPPING;
        if (!mapped && found.base != first.base) return false;
        uint64_t bytes = mapped ? found.range->span : (found.bytes + HOST_PAGE_BYTES - 1) / HOST_PAGE_BYTES * HOST_PAGE_BYTES;
        at = (mapped ? found.range->base : found.base) + bytes;
        if (!mapped) return at >= end;
    }
    return true;
}

/* The descriptor leads to the memory, from the beginning of its allocation on, where the range lies in one that has a file of its own; else it is of
 * that size and leads nowhere. Unlike a real one it does not keep the memory. */
static int descriptor(uint64_t address, uint64_t bytes) {
    struct sim_found found;
    const struct sim_physical *physical = sim_memory_find(address, &found) ? found.range->physical : NULL;
    if (physical != NULL && physical->fd >= 0 && bytes <= found.range->span - (address - found.range->base)) {
        return fcntl(physical->fd, F_DUPFD_CLOEXEC, 3);
    }
    int fd = memfd_create("aliquot-sim-dma-buf", MFD_CLOEXEC);
    if (fd >= 0 && ftruncate(fd, (off_t)bytes) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

CUresult cuMemGetHandleForAddressRange(void *out, CUdeviceptr address, size_t bytes, CUmemRangeHandleType type,
                                       unsigned long long flags) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL && type == CU_MEM_RANGE_HANDLE_TYPE_DMA_BUF_FD && flags <= CU_MEM_RANGE_FLAG_DMA_BUF_MAPPING_TYPE_PCIE);
    SIM_NEED(bytes != 0 && address % HOST_PAGE_BYTES == 0 && bytes % HOST_PAGE_BYTES == 0 && address + bytes > address);
    SIM_NEED(of_one_device(address, address + bytes));
    int fd = descriptor(address, bytes);
    if (fd < 0) return CUDA_ERROR_OPERATING_SYSTEM;
    *(int *)out = fd;
    return CUDA_SUCCESS;
}
