/* Pinned host memory: allocated or registered; never device memory. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>

#include "cuda_memory.h"

static struct {
    pthread_rwlock_t lock;
    struct sim_host *list; /* ascending by base */
    size_t count, capacity;
} hosts = {.lock = PTHREAD_RWLOCK_INITIALIZER};

/* The first entry whose end is after address. */
static size_t place_of(uint64_t address) {
    size_t low = 0, high = hosts.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (hosts.list[middle].base + hosts.list[middle].bytes <= address) low = middle + 1;
        else high = middle;
    }
    return low;
}

bool sim_host_find(uint64_t address, uint64_t bytes, struct sim_host *found) {
    pthread_rwlock_rdlock(&hosts.lock);
    size_t at = place_of(address);
    bool good = at < hosts.count && hosts.list[at].base <= address &&
                bytes <= hosts.list[at].bytes - (address - hosts.list[at].base);
    if (good) *found = hosts.list[at];
    pthread_rwlock_unlock(&hosts.lock);
    return good;
}

static CUresult add(struct sim_context *ctx, void *base, uint64_t bytes, unsigned flags, bool registered) {
    CUresult result = CUDA_SUCCESS;
    pthread_rwlock_wrlock(&hosts.lock);
    size_t at = place_of((uint64_t)base);
    if (at < hosts.count && hosts.list[at].base < (uint64_t)base + bytes) {
        result = CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED;
    } else if (hosts.count == hosts.capacity) {
        size_t capacity = hosts.capacity == 0 ? 64 : hosts.capacity * 2;
        struct sim_host *list = realloc(hosts.list, capacity * sizeof *list);
        if (list == NULL) {
            result = CUDA_ERROR_OUT_OF_MEMORY;
        } else {
            hosts.list = list;
            hosts.capacity = capacity;
        }
    }
    if (result == CUDA_SUCCESS) {
        memmove(hosts.list + at + 1, hosts.list + at, (hosts.count - at) * sizeof *hosts.list);
        hosts.list[at] = (struct sim_host){(uint64_t)base, bytes, flags, registered, sim_new_id(), ctx};
        hosts.count++;
    }
    pthread_rwlock_unlock(&hosts.lock);
    return result;
}

static bool take_out(uint64_t base, bool registered, struct sim_host *out) {
    pthread_rwlock_wrlock(&hosts.lock);
    size_t at = place_of(base);
    bool good = at < hosts.count && hosts.list[at].base == base && hosts.list[at].registered == registered;
    if (good) {
        *out = hosts.list[at];
        hosts.count--;
        memmove(hosts.list + at, hosts.list + at + 1, (hosts.count - at) * sizeof *hosts.list);
    }
    pthread_rwlock_unlock(&hosts.lock);
    return good;
}

void sim_host_release_context(struct sim_context *ctx) {
    for (;;) {
        struct sim_host host = {0};
        pthread_rwlock_rdlock(&hosts.lock);
        for (size_t i = 0; i < hosts.count && host.base == 0; i++) {
            if (hosts.list[i].ctx == ctx) host = hosts.list[i];
        }
        pthread_rwlock_unlock(&hosts.lock);
        if (host.base == 0 || !take_out(host.base, host.registered, &host)) return;
        if (!host.registered) munmap((void *)host.base, host.bytes);
    }
}

static CUresult allocate(void **out, size_t bytes, unsigned flags) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL && bytes != 0 && (flags & ~7u) == 0);
    SIM_TRY(sim_unsafe(&call));
    uint64_t span = sim_round_up(bytes, 4096);
    if (span < bytes) return CUDA_ERROR_OUT_OF_MEMORY;
    void *base = mmap(NULL, span, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) return CUDA_ERROR_OUT_OF_MEMORY;
    CUresult result = add(call.ctx, base, span, flags, false);
    if (result != CUDA_SUCCESS) munmap(base, span);
    else *out = base;
    return result;
}
CUresult cuMemHostAlloc(void **out, size_t bytes, unsigned int flags) { return allocate(out, bytes, flags); }
CUresult cuMemAllocHost_v2(void **out, size_t bytes) { return allocate(out, bytes, 0); }
CUresult cuMemAllocHost(void **out, unsigned int bytes) { return allocate(out, bytes, 0); }

CUresult cuMemFreeHost(void *base) {
    SIM_ENTER_CONTEXT();
    if (base == NULL) return CUDA_SUCCESS;
    SIM_TRY(sim_unsafe(&call));
    struct sim_host host;
    sim_context_drain(call.ctx);
    SIM_NEED(take_out((uint64_t)base, false, &host));
    munmap(base, host.bytes);
    return CUDA_SUCCESS;
}

CUresult cuMemHostRegister_v2(void *base, size_t bytes, unsigned int flags) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(base != NULL && bytes != 0 && (flags & ~15u) == 0 && (uint64_t)base + bytes > (uint64_t)base);
    SIM_NEED(!sim_in_window((uint64_t)base, 1));
    SIM_TRY(sim_unsafe(&call));
    return add(call.ctx, base, bytes, flags, true);
}
CUresult cuMemHostRegister(void *base, size_t bytes, unsigned int flags) { return cuMemHostRegister_v2(base, bytes, flags); }

CUresult cuMemHostUnregister(void *base) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(base != NULL);
    SIM_TRY(sim_unsafe(&call));
    struct sim_host host;
    sim_context_drain(call.ctx);
    return take_out((uint64_t)base, true, &host) ? CUDA_SUCCESS : CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED;
}

CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr *out, void *address, unsigned int flags) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL && address != NULL && flags == 0);
    struct sim_host host;
    SIM_NEED(sim_host_find((uint64_t)address, 1, &host));
    *out = (CUdeviceptr)address;
    return CUDA_SUCCESS;
}
CUresult cuMemHostGetDevicePointer(CUdeviceptr_v1 *out, void *address, unsigned int flags) {
    CUdeviceptr wide;
    SIM_NEED(out != NULL);
    SIM_TRY(cuMemHostGetDevicePointer_v2(&wide, address, flags));
    *out = (CUdeviceptr_v1)wide;
    return CUDA_SUCCESS;
}
CUresult cuMemHostGetFlags(unsigned int *out, void *address) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL && address != NULL);
    struct sim_host host;
    SIM_NEED(sim_host_find((uint64_t)address, 1, &host));
    *out = host.flags | CU_MEMHOSTALLOC_DEVICEMAP;
    return CUDA_SUCCESS;
}
