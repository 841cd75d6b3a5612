/* The current context of a thread, and what can be asked of and set on a context. */
#include "cuda_memory.h"
#include "cuda_stream.h"

CUresult cuCtxPushCurrent_v2(CUcontext handle) {
    SIM_ENTER();
    if (!sim_context_ok(handle)) return CUDA_ERROR_INVALID_CONTEXT;
    if (call.thread->top >= SIM_STACK_DEPTH) return CUDA_ERROR_OUT_OF_MEMORY;
    call.thread->stack[call.thread->top++] = (struct sim_context *)handle;
    return CUDA_SUCCESS;
}
CUresult cuCtxPushCurrent(CUcontext handle) { return cuCtxPushCurrent_v2(handle); }

CUresult cuCtxPopCurrent_v2(CUcontext *out) {
    SIM_ENTER();
    if (call.thread->top == 0) return CUDA_ERROR_INVALID_CONTEXT;
    struct sim_context *ctx = call.thread->stack[--call.thread->top];
    if (out != NULL) *out = (CUcontext)ctx;
    return CUDA_SUCCESS;
}
CUresult cuCtxPopCurrent(CUcontext *out) { return cuCtxPopCurrent_v2(out); }

CUresult cuCtxSetCurrent(CUcontext handle) {
    SIM_ENTER();
    struct sim_thread *thread = call.thread;
    if (handle == NULL) {
        if (thread->top > 0) thread->top--;
        return CUDA_SUCCESS;
    }
    if (!sim_context_ok(handle)) return CUDA_ERROR_INVALID_CONTEXT;
    if (thread->top == 0) thread->top = 1;
    thread->stack[thread->top - 1] = (struct sim_context *)handle;
    return CUDA_SUCCESS;
}

CUresult cuCtxGetCurrent(CUcontext *out) {
    SIM_ENTER();
    SIM_NEED(out != NULL);
    *out = call.thread->top > 0 ? (CUcontext)call.thread->stack[call.thread->top - 1] : NULL;
    return CUDA_SUCCESS;
}

/* The context that an argument means: itself, or the current one for NULL. */
static CUresult chosen(struct sim_call *call, CUcontext handle, struct sim_context **out) {
    if (handle != NULL) {
        if (!sim_context_ok(handle)) return CUDA_ERROR_INVALID_CONTEXT;
        *out = (struct sim_context *)handle;
        return CUDA_SUCCESS;
    }
    if (call->thread->top == 0) return CUDA_ERROR_INVALID_CONTEXT;
    *out = call->thread->stack[call->thread->top - 1];
    return sim_context_ok(*out) ? CUDA_SUCCESS : CUDA_ERROR_CONTEXT_IS_DESTROYED;
}

CUresult cuCtxGetDevice_v2(CUdevice *out, CUcontext handle) {
    SIM_ENTER();
    struct sim_context *ctx;
    SIM_TRY(chosen(&call, handle, &ctx));
    SIM_NEED(out != NULL);
    *out = ctx->ordinal;
    return CUDA_SUCCESS;
}
CUresult cuCtxGetDevice(CUdevice *out) { return cuCtxGetDevice_v2(out, NULL); }

CUresult cuCtxGetId(CUcontext handle, unsigned long long *out) {
    SIM_ENTER();
    struct sim_context *ctx;
    SIM_TRY(chosen(&call, handle, &ctx));
    SIM_NEED(out != NULL);
    *out = ctx->id;
    return CUDA_SUCCESS;
}
CUresult cuCtxGetApiVersion(CUcontext handle, unsigned int *out) {
    SIM_ENTER();
    struct sim_context *ctx;
    SIM_TRY(chosen(&call, handle, &ctx));
    SIM_NEED(out != NULL);
    *out = ctx->version;
    return CUDA_SUCCESS;
}

CUresult cuCtxGetFlags(unsigned int *out) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL);
    *out = call.ctx->flags;
    return CUDA_SUCCESS;
}
CUresult cuCtxSetFlags(unsigned int flags) {
    SIM_ENTER_CONTEXT();
    SIM_NEED((flags & ~(unsigned)CU_CTX_FLAGS_MASK) == 0);
    call.ctx->flags = flags;
    return CUDA_SUCCESS;
}

CUresult cuCtxGetLimit(size_t *out, CUlimit limit) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL);
    if ((unsigned)limit >= CU_LIMIT_SHMEM_SIZE) return CUDA_ERROR_UNSUPPORTED_LIMIT;
    *out = call.ctx->limits[limit];
    return CUDA_SUCCESS;
}
CUresult cuCtxSetLimit(CUlimit limit, size_t value) {
    SIM_ENTER_CONTEXT();
    if ((unsigned)limit >= CU_LIMIT_SHMEM_SIZE) return CUDA_ERROR_UNSUPPORTED_LIMIT;
    SIM_NEED(limit != CU_LIMIT_STACK_SIZE || value <= 512 * 1024);
    if (limit == CU_LIMIT_MALLOC_HEAP_SIZE || limit == CU_LIMIT_PRINTF_FIFO_SIZE) {
        if (value > sim_mem_capacity(call.ctx->device)) return CUDA_ERROR_OUT_OF_MEMORY;
    }
    call.ctx->limits[limit] = value;
    return CUDA_SUCCESS;
}

CUresult cuCtxGetCacheConfig(CUfunc_cache *out) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL);
    *out = call.ctx->cache;
    return CUDA_SUCCESS;
}
CUresult cuCtxSetCacheConfig(CUfunc_cache config) {
    SIM_ENTER_CONTEXT();
    SIM_NEED((unsigned)config <= CU_FUNC_CACHE_PREFER_EQUAL);
    call.ctx->cache = config;
    return CUDA_SUCCESS;
}
CUresult cuCtxGetSharedMemConfig(CUsharedconfig *out) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL);
    *out = CU_SHARED_MEM_CONFIG_FOUR_BYTE_BANK_SIZE;
    return CUDA_SUCCESS;
}
CUresult cuCtxSetSharedMemConfig(CUsharedconfig config) {
    SIM_ENTER_CONTEXT();
    SIM_NEED((unsigned)config <= CU_SHARED_MEM_CONFIG_EIGHT_BYTE_BANK_SIZE);
    return CUDA_SUCCESS;
}
CUresult cuCtxGetStreamPriorityRange(int *least, int *greatest) {
    SIM_ENTER_CONTEXT();
    if (least != NULL) *least = 0;
    if (greatest != NULL) *greatest = -5;
    return CUDA_SUCCESS;
}
CUresult cuCtxResetPersistingL2Cache(void) {
    SIM_ENTER_CONTEXT();
    return CUDA_SUCCESS;
}
CUresult cuCtxGetExecAffinity(CUexecAffinityParam *out, CUexecAffinityType type) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL);
    if (type != CU_EXEC_AFFINITY_TYPE_SM_COUNT) return CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY;
    out->type = type;
    out->param.smCount.val = sim_config()->devices[call.ctx->device].sm_count;
    return CUDA_SUCCESS;
}
CUresult cuFlushGPUDirectRDMAWrites(CUflushGPUDirectRDMAWritesTarget target, CUflushGPUDirectRDMAWritesScope scope) {
    SIM_ENTER_CONTEXT();
    (void)scope;
    SIM_NEED(target == CU_FLUSH_GPU_DIRECT_RDMA_WRITES_TARGET_CURRENT_CTX);
    return CUDA_SUCCESS;
}

static CUresult synchronize(struct sim_context *ctx) {
    if (atomic_load(&ctx->captures) != 0) return sim_capture_spoil_context(ctx, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    CUresult result = sim_context_drain(ctx);
    sim_pool_settle();
    return result;
}
CUresult cuCtxSynchronize(void) {
    SIM_ENTER_CONTEXT();
    return synchronize(call.ctx);
}
CUresult cuCtxSynchronize_v2(CUcontext handle) {
    SIM_ENTER();
    struct sim_context *ctx;
    SIM_TRY(chosen(&call, handle, &ctx));
    SIM_TRY((CUresult)atomic_load(&ctx->sticky));
    return synchronize(ctx);
}

CUresult cuCtxEnablePeerAccess(CUcontext handle, unsigned int flags) {
    SIM_ENTER_CONTEXT();
    struct sim_context *peer = (struct sim_context *)handle;
    if (!sim_context_ok(peer) || peer->device == call.ctx->device) return CUDA_ERROR_INVALID_CONTEXT;
    SIM_NEED(flags == 0);
    uint32_t bit = 1u << peer->ordinal;
    if (call.ctx->peers & bit) return CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED;
    call.ctx->peers |= bit;
    return CUDA_SUCCESS;
}
CUresult cuCtxDisablePeerAccess(CUcontext handle) {
    SIM_ENTER_CONTEXT();
    struct sim_context *peer = (struct sim_context *)handle;
    if (!sim_context_ok(peer)) return CUDA_ERROR_INVALID_CONTEXT;
    uint32_t bit = 1u << peer->ordinal;
    if (!(call.ctx->peers & bit)) return CUDA_ERROR_PEER_ACCESS_NOT_ENABLED;
    call.ctx->peers &= ~bit;
    return CUDA_SUCCESS;
}
