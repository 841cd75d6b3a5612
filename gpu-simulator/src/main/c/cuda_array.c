/* Arrays of one, two and three dimensions. */
#include <stdlib.h>

#include "cuda_array.h"
#include "cuda_memory.h"

static pthread_mutex_t array_mutex = PTHREAD_MUTEX_INITIALIZER;

/* Bytes of one channel; 0: a format this device cannot have. */
static unsigned channel_bytes(CUarray_format format) {
    switch (format) {
    case CU_AD_FORMAT_UNSIGNED_INT8:
    case CU_AD_FORMAT_SIGNED_INT8: return 1;
    case CU_AD_FORMAT_UNSIGNED_INT16:
    case CU_AD_FORMAT_SIGNED_INT16:
    case CU_AD_FORMAT_HALF: return 2;
    case CU_AD_FORMAT_UNSIGNED_INT32:
    case CU_AD_FORMAT_SIGNED_INT32:
    case CU_AD_FORMAT_FLOAT: return 4;
    default: return 0;
    }
}

static CUresult measure(const CUDA_ARRAY3D_DESCRIPTOR *shape, uint64_t *pitch, uint64_t *slice, uint64_t *bytes) {
    unsigned element = channel_bytes(shape->Format) * shape->NumChannels;
    SIM_NEED(element != 0 && (shape->NumChannels == 1 || shape->NumChannels == 2 || shape->NumChannels == 4));
    SIM_NEED(shape->Width != 0 && shape->Width <= 131072 && shape->Height <= 131072 && shape->Depth <= 16384);
    SIM_NEED(shape->Depth == 0 || shape->Height != 0 || (shape->Flags & CUDA_ARRAY3D_LAYERED) != 0);
    SIM_NEED(!(shape->Flags & CUDA_ARRAY3D_CUBEMAP) || (shape->Width == shape->Height && shape->Depth % 6 == 0 && shape->Depth != 0));
    *pitch = sim_round_up(shape->Width * element, 64);
    *slice = *pitch * (shape->Height == 0 ? 1 : shape->Height);
    *bytes = *slice * (shape->Depth == 0 ? 1 : shape->Depth);
    return CUDA_SUCCESS;
}

CUresult sim_array_make(struct sim_context *ctx, const CUDA_ARRAY3D_DESCRIPTOR *shape, struct sim_array **out) {
    uint64_t pitch, slice, bytes, address;
    SIM_TRY(measure(shape, &pitch, &slice, &bytes));
    if (shape->Flags & (CUDA_ARRAY3D_SPARSE | CUDA_ARRAY3D_DEFERRED_MAPPING)) return CUDA_ERROR_NOT_SUPPORTED;
    SIM_TRY(sim_memory_take(ctx, bytes, false, true, &address));
    struct sim_array *array = sim_handle_new(SIM_KIND_ARRAY);
    if (array == NULL) {
        sim_memory_give(address);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    array->ctx = ctx;
    array->shape = *shape;
    array->address = address;
    array->pitch = pitch;
    array->slice = slice;
    array->bytes = bytes;
    pthread_mutex_lock(&array_mutex);
    array->next = ctx->arrays;
    ctx->arrays = array;
    pthread_mutex_unlock(&array_mutex);
    *out = array;
    return CUDA_SUCCESS;
}

void sim_array_unmake(struct sim_array *array) {
    pthread_mutex_lock(&array_mutex);
    for (struct sim_array **link = (struct sim_array **)&array->ctx->arrays; *link != NULL; link = &(*link)->next) {
        if (*link != array) continue;
        *link = array->next;
        break;
    }
    pthread_mutex_unlock(&array_mutex);
    sim_memory_give(array->address);
    sim_handle_free(array);
}

void sim_array_release_context(struct sim_context *ctx) {
    sim_mipmap_release_context(ctx);
    while (ctx->arrays != NULL) sim_array_unmake(ctx->arrays);
}

static CUresult create(CUarray *out, const CUDA_ARRAY3D_DESCRIPTOR *shape) {
    SIM_ENTER_CONTEXT();
    SIM_TRY(sim_unsafe(&call));
    struct sim_array *array;
    SIM_TRY(sim_array_make(call.ctx, shape, &array));
    *out = (CUarray)array;
    return CUDA_SUCCESS;
}
CUresult cuArray3DCreate_v2(CUarray *out, const CUDA_ARRAY3D_DESCRIPTOR *shape) {
    SIM_NEED(out != NULL && shape != NULL);
    return create(out, shape);
}
CUresult cuArray3DCreate(CUarray *out, const CUDA_ARRAY3D_DESCRIPTOR_v1 *shape) {
    SIM_NEED(out != NULL && shape != NULL);
    return create(out, &(CUDA_ARRAY3D_DESCRIPTOR){shape->Width, shape->Height, shape->Depth, shape->Format, shape->NumChannels, shape->Flags});
}
CUresult cuArrayCreate_v2(CUarray *out, const CUDA_ARRAY_DESCRIPTOR *shape) {
    SIM_NEED(out != NULL && shape != NULL);
    return create(out, &(CUDA_ARRAY3D_DESCRIPTOR){shape->Width, shape->Height, 0, shape->Format, shape->NumChannels, 0});
}
CUresult cuArrayCreate(CUarray *out, const CUDA_ARRAY_DESCRIPTOR_v1 *shape) {
    SIM_NEED(out != NULL && shape != NULL);
    return create(out, &(CUDA_ARRAY3D_DESCRIPTOR){shape->Width, shape->Height, 0, shape->Format, shape->NumChannels, 0});
}

CUresult cuArrayDestroy(CUarray handle) {
    SIM_ENTER_CONTEXT();
    if (!sim_handle_is(handle, SIM_KIND_ARRAY)) return CUDA_ERROR_INVALID_HANDLE;
    struct sim_array *array = (struct sim_array *)handle;
    if (array->part) return CUDA_ERROR_INVALID_HANDLE;
    SIM_TRY(sim_unsafe(&call));
    sim_context_drain(array->ctx);
    sim_array_unmake(array);
    return CUDA_SUCCESS;
}

CUresult cuArray3DGetDescriptor_v2(CUDA_ARRAY3D_DESCRIPTOR *out, CUarray handle) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL);
    if (!sim_handle_is(handle, SIM_KIND_ARRAY)) return CUDA_ERROR_INVALID_HANDLE;
    *out = ((const struct sim_array *)handle)->shape;
    return CUDA_SUCCESS;
}
CUresult cuArray3DGetDescriptor(CUDA_ARRAY3D_DESCRIPTOR_v1 *out, CUarray handle) {
    CUDA_ARRAY3D_DESCRIPTOR shape;
    SIM_NEED(out != NULL);
    SIM_TRY(cuArray3DGetDescriptor_v2(&shape, handle));
    *out = (CUDA_ARRAY3D_DESCRIPTOR_v1){(unsigned)shape.Width, (unsigned)shape.Height, (unsigned)shape.Depth, shape.Format,
                                        shape.NumChannels, shape.Flags};
    return CUDA_SUCCESS;
}
CUresult cuArrayGetDescriptor_v2(CUDA_ARRAY_DESCRIPTOR *out, CUarray handle) {
    CUDA_ARRAY3D_DESCRIPTOR shape;
    SIM_NEED(out != NULL);
    SIM_TRY(cuArray3DGetDescriptor_v2(&shape, handle));
    *out = (CUDA_ARRAY_DESCRIPTOR){shape.Width, shape.Height, shape.Format, shape.NumChannels};
    return CUDA_SUCCESS;
}
CUresult cuArrayGetDescriptor(CUDA_ARRAY_DESCRIPTOR_v1 *out, CUarray handle) {
    CUDA_ARRAY3D_DESCRIPTOR shape;
    SIM_NEED(out != NULL);
    SIM_TRY(cuArray3DGetDescriptor_v2(&shape, handle));
    *out = (CUDA_ARRAY_DESCRIPTOR_v1){(unsigned)shape.Width, (unsigned)shape.Height, shape.Format, shape.NumChannels};
    return CUDA_SUCCESS;
}
CUresult cuArrayGetMemoryRequirements(CUDA_ARRAY_MEMORY_REQUIREMENTS *out, CUarray handle, CUdevice ordinal) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL);
    if (!sim_ordinal_ok(ordinal)) return CUDA_ERROR_INVALID_DEVICE;
    if (!sim_handle_is(handle, SIM_KIND_ARRAY)) return CUDA_ERROR_INVALID_HANDLE;
    *out = (CUDA_ARRAY_MEMORY_REQUIREMENTS){.size = ((const struct sim_array *)handle)->bytes, .alignment = SIM_UNIT_BYTES};
    return CUDA_SUCCESS;
}
CUresult cuArrayGetSparseProperties(CUDA_ARRAY_SPARSE_PROPERTIES *out, CUarray handle) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL);
    return sim_handle_is(handle, SIM_KIND_ARRAY) ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
}
CUresult cuArrayGetPlane(CUarray *out, CUarray handle, unsigned int plane) {
    SIM_ENTER_CONTEXT();
    (void)plane;
    SIM_NEED(out != NULL);
    return sim_handle_is(handle, SIM_KIND_ARRAY) ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
}

CUresult sim_array_side(CUarray handle, const CUDA_MEMCPY3D *copy, size_t x, size_t y, size_t z, uint64_t *address, uint64_t *pitch,
                        uint64_t *slice) {
    if (!sim_handle_is(handle, SIM_KIND_ARRAY)) return CUDA_ERROR_INVALID_HANDLE;
    const struct sim_array *array = (const struct sim_array *)handle;
    uint64_t width = array->shape.Width * channel_bytes(array->shape.Format) * array->shape.NumChannels;
    uint64_t height = array->shape.Height == 0 ? 1 : array->shape.Height, depth = array->shape.Depth == 0 ? 1 : array->shape.Depth;
    SIM_NEED(x <= width && copy->WidthInBytes <= width - x && y <= height && copy->Height <= height - y);
    SIM_NEED(z <= depth && copy->Depth <= depth - z);
    *address = array->address;
    *pitch = array->pitch;
    *slice = array->slice;
    return CUDA_SUCCESS;
}
