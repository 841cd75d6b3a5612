/* The kernels: what each does to device memory. */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cuda_memory.h"
#include "cuda_module.h"

#define XID_MMU_FAULT 31
#define XID_STOPPED 43
#define SLICE_NS 20000000ull

static CUresult illegal(struct sim_context *ctx) {
    sim_xid(ctx->device, XID_MMU_FAULT, getpid(), NULL);
    return CUDA_ERROR_ILLEGAL_ADDRESS;
}

static uint32_t *words_at(uint64_t address, uint64_t words, bool write) {
    if (address % 4 != 0 || words > UINT64_MAX / 4) return NULL;
    return sim_reach(address, words * 4, write);
}

static CUresult run_fill(const uint64_t *a, struct sim_context *ctx) {
    if (a[1] == 0) return CUDA_SUCCESS;
    uint32_t *to = words_at(a[0], a[1], true), value = (uint32_t)a[2];
    if (to == NULL) return illegal(ctx);
    for (uint64_t i = 0; i < a[1]; i++) to[i] = value;
    return CUDA_SUCCESS;
}

static CUresult run_add(const uint64_t *a, struct sim_context *ctx) {
    if (a[1] == 0) return CUDA_SUCCESS;
    uint32_t *to = words_at(a[0], a[1], true), value = (uint32_t)a[2];
    if (to == NULL) return illegal(ctx);
    for (uint64_t i = 0; i < a[1]; i++) to[i] += value;
    return CUDA_SUCCESS;
}

static CUresult run_copy(const uint64_t *a, struct sim_context *ctx) {
    if (a[2] == 0) return CUDA_SUCCESS;
    uint32_t *to = words_at(a[0], a[2], true);
    const uint32_t *from = words_at(a[1], a[2], false);
    if (to == NULL || from == NULL) return illegal(ctx);
    memmove(to, from, a[2] * 4);
    return CUDA_SUCCESS;
}

static CUresult run_check(const uint64_t *a, struct sim_context *ctx) {
    const uint32_t *from = a[1] == 0 ? (const uint32_t *)"" : words_at(a[0], a[1], false);
    uint64_t *result = a[3] % 8 == 0 ? sim_reach(a[3], 8, true) : NULL;
    if (from == NULL || result == NULL) return illegal(ctx);
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < a[1]; i++) wrong += from[i] != (uint32_t)a[2];
    if (wrong != 0) __atomic_fetch_add(result, wrong, __ATOMIC_SEQ_CST);
    return CUDA_SUCCESS;
}

static CUresult run_spin(const uint64_t *a, struct sim_context *ctx) {
    uint64_t start = sim_now_ns(), told = start, end = start + a[0];
    if (end < start) end = UINT64_MAX;
    for (uint64_t now = start; now < end && !atomic_load(&ctx->dying);) {
        uint64_t step = end - now > SLICE_NS ? SLICE_NS : end - now;
        nanosleep(&(struct timespec){.tv_nsec = (long)step}, NULL);
        now = sim_now_ns();
        sim_busy_add(ctx->device, told, now);
        told = now;
    }
    return CUDA_SUCCESS;
}

static CUresult run_wild(const uint64_t *a, struct sim_context *ctx) {
    uint32_t *to = words_at(a[0], 1, true);
    if (to == NULL) return illegal(ctx);
    *to = 1;
    return CUDA_SUCCESS;
}

static CUresult run_trap(const uint64_t *a, struct sim_context *ctx) {
    (void)a;
    sim_xid(ctx->device, XID_STOPPED, getpid(), NULL);
    return CUDA_ERROR_LAUNCH_FAILED;
}

static const struct sim_kernel kernels[] = {
    {"aliquot_fill", 3, {8, 8, 4}, {0, 8, 16}, false, 1, run_fill},
    {"aliquot_check", 4, {8, 8, 4, 8}, {0, 8, 16, 24}, false, 1, run_check},
    {"aliquot_copy", 3, {8, 8, 8}, {0, 8, 16}, false, 2, run_copy},
    {"aliquot_spin", 1, {8}, {0}, true, -1, run_spin},
    {"aliquot_add", 3, {8, 8, 4}, {0, 8, 16}, false, 1, run_add},
    {"aliquot_wild", 1, {8}, {0}, false, -1, run_wild},
    {"aliquot_trap", 0, {0}, {0}, false, -1, run_trap},
};

const struct sim_kernel *sim_kernel_find(const char *name, size_t length) {
    for (unsigned i = 0; i < sizeof kernels / sizeof kernels[0]; i++) {
        if (strlen(kernels[i].name) == length && memcmp(kernels[i].name, name, length) == 0) return &kernels[i];
    }
    return NULL;
}

CUresult sim_arguments_read(const struct sim_kernel *kernel, void **parameters, void **extra, uint64_t *arguments) {
    memset(arguments, 0, SIM_KERNEL_ARGUMENTS * sizeof *arguments);
    if (kernel->parameters == 0) return CUDA_SUCCESS;
    SIM_NEED(parameters == NULL || extra == NULL);
    const uint8_t *buffer = NULL;
    size_t bytes = 0;
    if (extra != NULL) {
        for (unsigned i = 0; i < 8 && extra[i] != CU_LAUNCH_PARAM_END; i += 2) {
            if (extra[i] == CU_LAUNCH_PARAM_BUFFER_POINTER) buffer = extra[i + 1];
            else if (extra[i] == CU_LAUNCH_PARAM_BUFFER_SIZE && extra[i + 1] != NULL) bytes = *(size_t *)extra[i + 1];
            else return CUDA_ERROR_INVALID_VALUE;
        }
    }
    for (unsigned i = 0; i < kernel->parameters; i++) {
        const void *from = NULL;
        if (parameters != NULL) from = parameters[i];
        else if (buffer != NULL && kernel->offset[i] + (size_t)kernel->bytes[i] <= bytes) from = buffer + kernel->offset[i];
        SIM_NEED(from != NULL);
        memcpy(&arguments[i], from, kernel->bytes[i]);
    }
    return CUDA_SUCCESS;
}
