/* Contexts: primary and own, what they cost, how they end. */
#include <stdlib.h>

#include "cuda_module.h"
#include "cuda_memory.h"
#include "cuda_stream.h"
#include "cuda_array.h"

static const size_t default_limits[CU_LIMIT_MAX] = {
    [CU_LIMIT_STACK_SIZE] = 1024,
    [CU_LIMIT_PRINTF_FIFO_SIZE] = 1 << 20,
    [CU_LIMIT_MALLOC_HEAP_SIZE] = 8 << 20,
    [CU_LIMIT_DEV_RUNTIME_SYNC_DEPTH] = 2,
    [CU_LIMIT_DEV_RUNTIME_PENDING_LAUNCH_COUNT] = 2048,
    [CU_LIMIT_MAX_L2_FETCH_GRANULARITY] = 128,
};

CUresult sim_context_make(struct sim_context **out, int ordinal, unsigned flags, unsigned version) {
    uint32_t device = sim_process.device[ordinal];
    if (sim_health_get(device, SIM_HEALTH_LOST) != 0) return CUDA_ERROR_DEVICE_UNAVAILABLE;
    if (sim_health_get(device, SIM_HEALTH_COMPUTE_MODE) == CU_COMPUTEMODE_PROHIBITED) return CUDA_ERROR_INVALID_DEVICE;
    struct sim_context *ctx = sim_handle_new(SIM_KIND_CONTEXT);
    if (ctx == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    if (!sim_node_context_add(device)) {
        sim_handle_free(ctx);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    ctx->ordinal = ordinal;
    ctx->device = device;
    ctx->flags = flags;
    ctx->version = version;
    ctx->id = sim_new_id();
    ctx->retained = 1;
    pthread_mutex_init(&ctx->mutex, NULL);
    memcpy(ctx->limits, default_limits, sizeof default_limits);
    ctx->legacy = sim_stream_make(ctx, 0, 0);
    if (ctx->legacy == NULL) {
        sim_node_context_remove(device);
        sim_handle_free(ctx);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    ctx->legacy->legacy = true;
    pthread_mutex_lock(&sim_process.mutex);
    ctx->next = sim_process.contexts;
    sim_process.contexts = ctx;
    pthread_mutex_unlock(&sim_process.mutex);
    *out = ctx;
    return CUDA_SUCCESS;
}

void sim_context_unmake(struct sim_context *ctx) {
    pthread_mutex_lock(&sim_process.mutex);
    for (struct sim_context **link = &sim_process.contexts; *link != NULL; link = &(*link)->next) {
        if (*link != ctx) continue;
        *link = ctx->next;
        break;
    }
    pthread_mutex_unlock(&sim_process.mutex);
    atomic_store(&ctx->dying, true);
    if (atomic_load(&ctx->sticky) == 0) sim_context_drain(ctx);
    atomic_store(&ctx->head.kind, SIM_KIND_FREE); /* nobody finds it from here on */
    while (ctx->streams != NULL) sim_stream_unmake(ctx->streams);
    sim_module_release_context(ctx);
    sim_array_release_context(ctx);
    sim_memory_release_context(ctx);
    sim_host_release_context(ctx);
    if (ctx->primary) sim_pool_release_ordinal(ctx->ordinal);
    sim_node_context_remove(ctx->device);
    sim_handle_free(ctx);
}

void sim_context_fail(struct sim_context *ctx, CUresult result) {
    int none = 0;
    atomic_compare_exchange_strong(&ctx->sticky, &none, (int)result);
}

CUresult sim_context_drain(struct sim_context *ctx) {
    if (!sim_context_ok(ctx) && !atomic_load(&ctx->dying)) return CUDA_SUCCESS;
    if (atomic_load(&ctx->busy_streams) != 0 || !sim_stream_idle(ctx->legacy)) {
        for (;;) {
            struct sim_stream *busy = NULL;
            pthread_mutex_lock(&ctx->mutex);
            for (struct sim_stream *stream = ctx->streams; stream != NULL && busy == NULL; stream = stream->next) {
                if (!sim_stream_idle(stream)) busy = stream;
            }
            if (busy != NULL) atomic_fetch_add(&busy->refs, 1);
            pthread_mutex_unlock(&ctx->mutex);
            if (busy == NULL) break;
            sim_stream_drain(busy);
            sim_stream_unref(busy);
        }
    }
    return (CUresult)atomic_load(&ctx->sticky);
}

void sim_context_drain_all(void) {
    struct sim_context *list[64];
    size_t count = 0;
    pthread_mutex_lock(&sim_process.mutex);
    for (struct sim_context *ctx = sim_process.contexts; ctx != NULL && count < 64; ctx = ctx->next) list[count++] = ctx;
    pthread_mutex_unlock(&sim_process.mutex);
    for (size_t i = 0; i < count; i++) sim_context_drain(list[i]);
}

/* ---- primary contexts ---- */

static pthread_mutex_t primary_mutex = PTHREAD_MUTEX_INITIALIZER;

CUresult cuDevicePrimaryCtxRetain(CUcontext *out, CUdevice ordinal) {
    SIM_ENTER();
    SIM_NEED(out != NULL);
    if (!sim_ordinal_ok(ordinal)) return CUDA_ERROR_INVALID_DEVICE;
    pthread_mutex_lock(&primary_mutex);
    struct sim_context *ctx = sim_process.primary[ordinal];
    CUresult result = CUDA_SUCCESS;
    if (ctx != NULL) {
        ctx->retained++;
    } else {
        result = sim_context_make(&ctx, ordinal, sim_process.primary_flags[ordinal], 3020);
        if (result == CUDA_SUCCESS) {
            ctx->primary = true;
            sim_process.primary[ordinal] = ctx;
        }
    }
    pthread_mutex_unlock(&primary_mutex);
    if (result == CUDA_SUCCESS) *out = (CUcontext)ctx;
    return result;
}

static CUresult release_primary(CUdevice ordinal, bool all) {
    SIM_ENTER();
    if (!sim_ordinal_ok(ordinal)) return CUDA_ERROR_INVALID_DEVICE;
    pthread_mutex_lock(&primary_mutex);
    struct sim_context *ctx = sim_process.primary[ordinal];
    bool last = ctx != NULL && (all || --ctx->retained == 0);
    if (last) sim_process.primary[ordinal] = NULL;
    pthread_mutex_unlock(&primary_mutex);
    if (ctx == NULL) return all ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT;
    if (last) sim_context_unmake(ctx);
    return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice ordinal) { return release_primary(ordinal, false); }
CUresult cuDevicePrimaryCtxRelease(CUdevice ordinal) { return release_primary(ordinal, false); }
CUresult cuDevicePrimaryCtxReset_v2(CUdevice ordinal) { return release_primary(ordinal, true); }
CUresult cuDevicePrimaryCtxReset(CUdevice ordinal) { return release_primary(ordinal, true); }

static bool context_flags_ok(unsigned flags) {
    unsigned policy = flags & CU_CTX_SCHED_MASK;
    return (flags & ~(unsigned)CU_CTX_FLAGS_MASK) == 0 && (policy <= 2 || policy == 4);
}

CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice ordinal, unsigned int flags) {
    SIM_ENTER();
    if (!sim_ordinal_ok(ordinal)) return CUDA_ERROR_INVALID_DEVICE;
    SIM_NEED(context_flags_ok(flags));
    sim_process.primary_flags[ordinal] = flags;
    if (sim_process.primary[ordinal] != NULL) sim_process.primary[ordinal]->flags = flags;
    return CUDA_SUCCESS;
}
CUresult cuDevicePrimaryCtxSetFlags(CUdevice ordinal, unsigned int flags) {
    if (atomic_load(&sim_process.ready) && sim_ordinal_ok(ordinal) && sim_process.primary[ordinal] != NULL) {
        return CUDA_ERROR_PRIMARY_CONTEXT_ACTIVE;
    }
    return cuDevicePrimaryCtxSetFlags_v2(ordinal, flags);
}

CUresult cuDevicePrimaryCtxGetState(CUdevice ordinal, unsigned int *flags, int *active) {
    SIM_ENTER();
    if (!sim_ordinal_ok(ordinal)) return CUDA_ERROR_INVALID_DEVICE;
    SIM_NEED(flags != NULL && active != NULL);
    *flags = sim_process.primary_flags[ordinal];
    *active = sim_process.primary[ordinal] != NULL;
    return CUDA_SUCCESS;
}

/* ---- own contexts ---- */

static CUresult create(CUcontext *out, unsigned flags, CUdevice ordinal, unsigned version) {
    SIM_ENTER();
    SIM_NEED(out != NULL && context_flags_ok(flags));
    if (!sim_ordinal_ok(ordinal)) return CUDA_ERROR_INVALID_DEVICE;
    if (call.thread->top >= SIM_STACK_DEPTH) return CUDA_ERROR_OUT_OF_MEMORY;
    struct sim_context *ctx;
    SIM_TRY(sim_context_make(&ctx, ordinal, flags, version));
    call.thread->stack[call.thread->top++] = ctx;
    *out = (CUcontext)ctx;
    return CUDA_SUCCESS;
}

CUresult cuCtxCreate(CUcontext *out, unsigned int flags, CUdevice ordinal) { return create(out, flags, ordinal, 3010); }
CUresult cuCtxCreate_v2(CUcontext *out, unsigned int flags, CUdevice ordinal) { return create(out, flags, ordinal, 3020); }
CUresult cuCtxCreate_v3(CUcontext *out, CUexecAffinityParam *params, int count, unsigned int flags, CUdevice ordinal) {
    SIM_NEED(count >= 0 && (count == 0) == (params == NULL));
    if (count != 0) return CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY;
    return create(out, flags, ordinal, 3021);
}
CUresult cuCtxCreate_v4(CUcontext *out, CUctxCreateParams *params, unsigned int flags, CUdevice ordinal) {
    if (params != NULL && params->numExecAffinityParams != 0) return CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY;
    if (params != NULL && params->cigParams != NULL) return CUDA_ERROR_NOT_SUPPORTED;
    return create(out, flags, ordinal, 3022);
}

CUresult cuCtxDestroy_v2(CUcontext handle) {
    SIM_ENTER();
    struct sim_context *ctx = (struct sim_context *)handle;
    if (!sim_context_ok(ctx) || ctx->primary) return CUDA_ERROR_INVALID_CONTEXT;
    if (call.thread->top > 0 && call.thread->stack[call.thread->top - 1] == ctx) call.thread->top--;
    sim_context_unmake(ctx);
    return CUDA_SUCCESS;
}
CUresult cuCtxDestroy(CUcontext handle) { return cuCtxDestroy_v2(handle); }

CUresult cuCtxAttach(CUcontext *out, unsigned int flags) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL && flags == 0);
    call.ctx->retained++;
    *out = (CUcontext)call.ctx;
    return CUDA_SUCCESS;
}
CUresult cuCtxDetach(CUcontext handle) {
    SIM_ENTER();
    struct sim_context *ctx = (struct sim_context *)handle;
    if (!sim_context_ok(ctx) || ctx->primary) return CUDA_ERROR_INVALID_CONTEXT;
    if (--ctx->retained > 0) return CUDA_SUCCESS;
    return cuCtxDestroy_v2(handle);
}
