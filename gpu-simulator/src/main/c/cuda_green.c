/* Green contexts: a share of a device's multiprocessors as a view of its primary context. The share is only remembered. */
#include <stdlib.h>

#include "cuda_stream.h"

#define SM_STEP 8u /* multiprocessors come in steps of this */

struct green {
    struct sim_head head;
    struct sim_context *ctx;
    int ordinal;
    uint64_t id;
    CUdevResource resource;
};

struct description {
    struct sim_head head;
    CUdevResource resource;
};

static CUresult green_of(CUgreenCtx handle, struct green **out) {
    if (!sim_handle_is(handle, SIM_KIND_GREEN)) return CUDA_ERROR_INVALID_CONTEXT;
    *out = (struct green *)handle;
    return CUDA_SUCCESS;
}

static void whole_device(uint32_t device, CUdevResource *out) {
    memset(out, 0, sizeof *out);
    out->type = CU_DEV_RESOURCE_TYPE_SM;
    out->sm = (CUdevSmResource){sim_config()->devices[device].sm_count, SM_STEP, SM_STEP};
}

CUresult cuDeviceGetDevResource(CUdevice ordinal, CUdevResource *out, CUdevResourceType type) {
    SIM_ENTER();
    if (!sim_ordinal_ok(ordinal)) return CUDA_ERROR_INVALID_DEVICE;
    SIM_NEED(out != NULL);
    if (type != CU_DEV_RESOURCE_TYPE_SM) return CUDA_ERROR_INVALID_RESOURCE_TYPE;
    whole_device(sim_process.device[ordinal], out);
    return CUDA_SUCCESS;
}
CUresult cuCtxGetDevResource(CUcontext handle, CUdevResource *out, CUdevResourceType type) {
    SIM_ENTER();
    if (!sim_context_ok(handle)) return CUDA_ERROR_INVALID_CONTEXT;
    return cuDeviceGetDevResource(((struct sim_context *)handle)->ordinal, out, type);
}

CUresult cuDevSmResourceSplitByCount(CUdevResource *out, unsigned int *groups, const CUdevResource *from, CUdevResource *rest,
                                     unsigned int flags, unsigned int minimum) {
    SIM_ENTER();
    (void)flags;
    SIM_NEED(groups != NULL && from != NULL);
    if (from->type != CU_DEV_RESOURCE_TYPE_SM) return CUDA_ERROR_INVALID_RESOURCE_TYPE;
    unsigned share = minimum == 0 ? SM_STEP : (unsigned)sim_round_up(minimum, SM_STEP);
    unsigned possible = from->sm.smCount / share;
    if (possible == 0) return CUDA_ERROR_INVALID_RESOURCE_CONFIGURATION;
    if (out == NULL) {
        *groups = possible;
        return CUDA_SUCCESS;
    }
    if (*groups > possible) *groups = possible;
    for (unsigned i = 0; i < *groups; i++) {
        out[i] = *from;
        out[i].sm.smCount = share;
    }
    if (rest != NULL) {
        *rest = *from;
        rest->sm.smCount = from->sm.smCount - share * *groups;
        if (rest->sm.smCount == 0) rest->type = CU_DEV_RESOURCE_TYPE_INVALID;
    }
    return CUDA_SUCCESS;
}

CUresult cuDevResourceGenerateDesc(CUdevResourceDesc *out, CUdevResource *list, unsigned int count) {
    SIM_ENTER();
    SIM_NEED(out != NULL && list != NULL && count != 0);
    if (count != 1 || list[0].type != CU_DEV_RESOURCE_TYPE_SM) return CUDA_ERROR_INVALID_RESOURCE_CONFIGURATION;
    struct description *description = sim_handle_new(SIM_KIND_RESOURCE);
    if (description == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    description->resource = list[0];
    *out = (CUdevResourceDesc)description;
    return CUDA_SUCCESS;
}

CUresult cuGreenCtxCreate(CUgreenCtx *out, CUdevResourceDesc handle, CUdevice ordinal, unsigned int flags) {
    SIM_ENTER();
    SIM_NEED(out != NULL && sim_handle_is(handle, SIM_KIND_RESOURCE) && flags == CU_GREEN_CTX_DEFAULT_STREAM);
    if (!sim_ordinal_ok(ordinal)) return CUDA_ERROR_INVALID_DEVICE;
    struct green *green = sim_handle_new(SIM_KIND_GREEN);
    if (green == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    CUcontext primary;
    CUresult result = cuDevicePrimaryCtxRetain(&primary, ordinal);
    if (result != CUDA_SUCCESS) {
        sim_handle_free(green);
        return result;
    }
    green->ctx = (struct sim_context *)primary;
    green->ordinal = ordinal;
    green->id = sim_new_id();
    green->resource = ((const struct description *)handle)->resource;
    *out = (CUgreenCtx)green;
    return CUDA_SUCCESS;
}
CUresult cuGreenCtxDestroy(CUgreenCtx handle) {
    SIM_ENTER();
    struct green *green;
    SIM_TRY(green_of(handle, &green));
    int ordinal = green->ordinal;
    sim_handle_free(green);
    return cuDevicePrimaryCtxRelease_v2(ordinal);
}
CUresult cuCtxFromGreenCtx(CUcontext *out, CUgreenCtx handle) {
    SIM_ENTER();
    struct green *green;
    SIM_NEED(out != NULL);
    SIM_TRY(green_of(handle, &green));
    *out = (CUcontext)green->ctx;
    return CUDA_SUCCESS;
}
CUresult cuGreenCtxGetDevResource(CUgreenCtx handle, CUdevResource *out, CUdevResourceType type) {
    SIM_ENTER();
    struct green *green;
    SIM_NEED(out != NULL);
    SIM_TRY(green_of(handle, &green));
    if (type != CU_DEV_RESOURCE_TYPE_SM) return CUDA_ERROR_INVALID_RESOURCE_TYPE;
    *out = green->resource;
    return CUDA_SUCCESS;
}
CUresult cuGreenCtxGetId(CUgreenCtx handle, unsigned long long *out) {
    SIM_ENTER();
    struct green *green;
    SIM_NEED(out != NULL);
    SIM_TRY(green_of(handle, &green));
    *out = green->id;
    return CUDA_SUCCESS;
}
CUresult cuGreenCtxStreamCreate(CUstream *out, CUgreenCtx handle, unsigned int flags, int priority) {
    SIM_ENTER();
    struct green *green;
    SIM_NEED(out != NULL && flags == CU_STREAM_NON_BLOCKING);
    SIM_TRY(green_of(handle, &green));
    struct sim_stream *stream = sim_stream_make(green->ctx, flags, priority);
    if (stream == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    stream->green = handle;
    *out = (CUstream)stream;
    return CUDA_SUCCESS;
}
