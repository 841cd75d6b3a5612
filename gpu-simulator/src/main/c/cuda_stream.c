/* Streams: making, naming, asking, waiting. */
#include <stdlib.h>

#include "cuda_memory.h"
#include "cuda_stream.h"

CUresult sim_stream_own(struct sim_call *call, struct sim_stream **out) {
    struct sim_thread *thread = call->thread;
    int spare = -1;
    for (int i = 0; i < SIM_PER_THREAD_STREAMS; i++) {
        struct sim_stream *stream = thread->own[i];
        bool alive = stream != NULL && sim_handle_is(stream, SIM_KIND_STREAM) && stream->owner == thread;
        if (alive && stream->ctx == call->ctx) {
            *out = stream;
            return CUDA_SUCCESS;
        }
        if (!alive && spare < 0) spare = i;
    }
    if (spare < 0) return CUDA_ERROR_OUT_OF_MEMORY;
    struct sim_stream *stream = sim_stream_make(call->ctx, 0, 0);
    if (stream == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    stream->owner = thread;
    thread->own[spare] = stream;
    *out = stream;
    return CUDA_SUCCESS;
}

void sim_stream_drop_own(struct sim_stream *stream) {
    if (stream == NULL || !sim_handle_is(stream, SIM_KIND_STREAM)) return;
    if (!atomic_load(&sim_process.ready) || stream->owner == NULL) return;
    sim_stream_unmake(stream);
}

CUresult sim_stream_resolve(struct sim_call *call, CUstream handle, struct sim_stream **out) {
    if (handle == NULL || handle == CU_STREAM_LEGACY) {
        *out = call->ctx->legacy;
        return CUDA_SUCCESS;
    }
    if (handle == CU_STREAM_PER_THREAD) return sim_stream_own(call, out);
    if (!sim_handle_is(handle, SIM_KIND_STREAM)) return CUDA_ERROR_INVALID_HANDLE;
    *out = (struct sim_stream *)handle;
    return (CUresult)atomic_load_explicit(&(*out)->ctx->sticky, memory_order_relaxed);
}

#define STREAM(handle)                                 \
    SIM_ENTER_CONTEXT();                               \
    struct sim_stream *stream;                         \
    SIM_TRY(sim_stream_resolve(&call, handle, &stream))

CUresult cuStreamCreateWithPriority(CUstream *out, unsigned int flags, int priority) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL && (flags & ~(unsigned)CU_STREAM_NON_BLOCKING) == 0);
    if (priority > 0) priority = 0;
    if (priority < -5) priority = -5;
    struct sim_stream *stream = sim_stream_make(call.ctx, flags, priority);
    if (stream == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    *out = (CUstream)stream;
    return CUDA_SUCCESS;
}
CUresult cuStreamCreate(CUstream *out, unsigned int flags) { return cuStreamCreateWithPriority(out, flags, 0); }

CUresult cuStreamQuery(CUstream handle) {
    STREAM(handle);
    if (sim_stream_capturing(stream)) return sim_capture_spoil(stream);
    if (stream->legacy && atomic_load(&stream->ctx->captures) != 0) {
        return sim_capture_spoil_context(stream->ctx, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
    }
    if (!sim_stream_idle(stream)) return CUDA_ERROR_NOT_READY;
    if (stream->legacy && atomic_load(&stream->ctx->busy_streams) != 0) {
        bool busy = false;
        pthread_mutex_lock(&stream->ctx->mutex);
        for (struct sim_stream *other = stream->ctx->streams; other != NULL; other = other->next) {
            busy |= !(other->flags & CU_STREAM_NON_BLOCKING) && !sim_stream_idle(other);
        }
        pthread_mutex_unlock(&stream->ctx->mutex);
        if (busy) return CUDA_ERROR_NOT_READY;
    }
    return (CUresult)atomic_load(&stream->ctx->sticky);
}
CUresult cuStreamQuery_ptsz(CUstream handle) { return cuStreamQuery(sim_pts(handle)); }

CUresult cuStreamSynchronize(CUstream handle) {
    STREAM(handle);
    if (sim_stream_capturing(stream)) return sim_capture_spoil(stream);
    if (stream->legacy) {
        if (atomic_load(&stream->ctx->captures) != 0) {
            return sim_capture_spoil_context(stream->ctx, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
        }
        if (atomic_load(&stream->ctx->busy_streams) != 0) {
            struct sim_work work = {.type = SIM_WORK_EMPTY};
            SIM_TRY(sim_submit_now(stream, &work, SIM_SUBMIT_SYNC));
        }
    }
    CUresult result = sim_stream_drain(stream);
    sim_pool_settle();
    return result;
}
CUresult cuStreamSynchronize_ptsz(CUstream handle) { return cuStreamSynchronize(sim_pts(handle)); }

CUresult cuStreamGetCtx(CUstream handle, CUcontext *out) {
    STREAM(handle);
    SIM_NEED(out != NULL);
    *out = (CUcontext)stream->ctx;
    return CUDA_SUCCESS;
}
CUresult cuStreamGetCtx_ptsz(CUstream handle, CUcontext *out) { return cuStreamGetCtx(sim_pts(handle), out); }

CUresult cuStreamGetCtx_v2(CUstream handle, CUcontext *out, CUgreenCtx *green) {
    STREAM(handle);
    SIM_NEED(out != NULL && green != NULL);
    *out = stream->green == NULL ? (CUcontext)stream->ctx : NULL;
    *green = stream->green;
    return CUDA_SUCCESS;
}
CUresult cuStreamGetCtx_v2_ptsz(CUstream handle, CUcontext *out, CUgreenCtx *green) {
    return cuStreamGetCtx_v2(sim_pts(handle), out, green);
}
CUresult cuStreamGetGreenCtx(CUstream handle, CUgreenCtx *green) {
    STREAM(handle);
    SIM_NEED(green != NULL);
    *green = stream->green;
    return CUDA_SUCCESS;
}

CUresult cuStreamGetDevice(CUstream handle, CUdevice *out) {
    STREAM(handle);
    SIM_NEED(out != NULL);
    *out = stream->ctx->ordinal;
    return CUDA_SUCCESS;
}
CUresult cuStreamGetDevice_ptsz(CUstream handle, CUdevice *out) { return cuStreamGetDevice(sim_pts(handle), out); }

CUresult cuStreamGetFlags(CUstream handle, unsigned int *out) {
    STREAM(handle);
    SIM_NEED(out != NULL);
    *out = stream->flags;
    return CUDA_SUCCESS;
}
CUresult cuStreamGetFlags_ptsz(CUstream handle, unsigned int *out) { return cuStreamGetFlags(sim_pts(handle), out); }

CUresult cuStreamGetId(CUstream handle, unsigned long long *out) {
    STREAM(handle);
    SIM_NEED(out != NULL);
    *out = stream->id;
    return CUDA_SUCCESS;
}
CUresult cuStreamGetId_ptsz(CUstream handle, unsigned long long *out) { return cuStreamGetId(sim_pts(handle), out); }

CUresult cuStreamGetPriority(CUstream handle, int *out) {
    STREAM(handle);
    SIM_NEED(out != NULL);
    *out = stream->priority;
    return CUDA_SUCCESS;
}
CUresult cuStreamGetPriority_ptsz(CUstream handle, int *out) { return cuStreamGetPriority(sim_pts(handle), out); }

CUresult cuStreamGetAttribute(CUstream handle, CUstreamAttrID attribute, CUstreamAttrValue *out) {
    STREAM(handle);
    SIM_NEED(out != NULL);
    memset(out, 0, sizeof *out);
    switch (attribute) {
    case CU_STREAM_ATTRIBUTE_SYNCHRONIZATION_POLICY: out->syncPolicy = stream->policy; return CUDA_SUCCESS;
    case CU_STREAM_ATTRIBUTE_PRIORITY: out->priority = stream->priority; return CUDA_SUCCESS;
    case CU_STREAM_ATTRIBUTE_ACCESS_POLICY_WINDOW:
    case CU_STREAM_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP:
    case CU_STREAM_ATTRIBUTE_MEM_SYNC_DOMAIN: return CUDA_SUCCESS;
    default: return CUDA_ERROR_INVALID_VALUE;
    }
}
CUresult cuStreamGetAttribute_ptsz(CUstream handle, CUstreamAttrID attribute, CUstreamAttrValue *out) {
    return cuStreamGetAttribute(sim_pts(handle), attribute, out);
}

CUresult cuStreamSetAttribute(CUstream handle, CUstreamAttrID attribute, const CUstreamAttrValue *value) {
    STREAM(handle);
    SIM_NEED(value != NULL);
    switch (attribute) {
    case CU_STREAM_ATTRIBUTE_SYNCHRONIZATION_POLICY: stream->policy = value->syncPolicy; return CUDA_SUCCESS;
    case CU_STREAM_ATTRIBUTE_PRIORITY: stream->priority = value->priority; return CUDA_SUCCESS;
    case CU_STREAM_ATTRIBUTE_ACCESS_POLICY_WINDOW:
    case CU_STREAM_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP:
    case CU_STREAM_ATTRIBUTE_MEM_SYNC_DOMAIN: return CUDA_SUCCESS;
    default: return CUDA_ERROR_INVALID_VALUE;
    }
}
CUresult cuStreamSetAttribute_ptsz(CUstream handle, CUstreamAttrID attribute, const CUstreamAttrValue *value) {
    return cuStreamSetAttribute(sim_pts(handle), attribute, value);
}

CUresult cuStreamCopyAttributes(CUstream to, CUstream from) {
    STREAM(to);
    struct sim_stream *source;
    SIM_TRY(sim_stream_resolve(&call, from, &source));
    stream->policy = source->policy;
    return CUDA_SUCCESS;
}
CUresult cuStreamCopyAttributes_ptsz(CUstream to, CUstream from) { return cuStreamCopyAttributes(sim_pts(to), sim_pts(from)); }

CUresult cuStreamAttachMemAsync(CUstream handle, CUdeviceptr address, size_t bytes, unsigned int flags) {
    STREAM(handle);
    (void)bytes;
    SIM_NEED(flags == CU_MEM_ATTACH_GLOBAL || flags == CU_MEM_ATTACH_HOST || flags == CU_MEM_ATTACH_SINGLE);
    struct sim_range *range = sim_space_range(address);
    SIM_NEED(range != NULL && range->managed);
    return CUDA_SUCCESS;
}
CUresult cuStreamAttachMemAsync_ptsz(CUstream handle, CUdeviceptr address, size_t bytes, unsigned int flags) {
    return cuStreamAttachMemAsync(sim_pts(handle), address, bytes, flags);
}
