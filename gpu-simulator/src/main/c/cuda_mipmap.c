/* Mipmapped arrays: an array for each level. */
#include <stdlib.h>

#include "cuda_array.h"
#include "cuda_memory.h"

#define MAX_LEVELS 18

struct mipmap {
    struct sim_head head;
    struct sim_context *ctx;
    struct mipmap *next;
    CUDA_ARRAY3D_DESCRIPTOR shape;
    unsigned count;
    uint64_t bytes;
    struct sim_array *levels[MAX_LEVELS];
};

static struct mipmap *mipmaps;
static pthread_mutex_t mipmap_mutex = PTHREAD_MUTEX_INITIALIZER;

void sim_mipmap_release_context(struct sim_context *ctx) {
    pthread_mutex_lock(&mipmap_mutex);
    for (struct mipmap **link = &mipmaps; *link != NULL;) {
        struct mipmap *mipmap = *link;
        if (mipmap->ctx != ctx) {
            link = &mipmap->next;
            continue;
        }
        *link = mipmap->next;
        sim_handle_free(mipmap);
    }
    pthread_mutex_unlock(&mipmap_mutex);
}

static size_t halved(size_t size, unsigned level) { return size == 0 ? 0 : (size >> level) == 0 ? 1 : size >> level; }

CUresult cuMipmappedArrayCreate(CUmipmappedArray *out, const CUDA_ARRAY3D_DESCRIPTOR *shape, unsigned int levels) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL && shape != NULL && levels != 0);
    SIM_TRY(sim_unsafe(&call));
    struct mipmap *mipmap = sim_handle_new(SIM_KIND_MIPMAP);
    if (mipmap == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    mipmap->ctx = call.ctx;
    mipmap->shape = *shape;
    bool layered = (shape->Flags & CUDA_ARRAY3D_LAYERED) != 0;
    for (unsigned level = 0; level < levels && level < MAX_LEVELS; level++) {
        CUDA_ARRAY3D_DESCRIPTOR part = *shape;
        part.Width = halved(shape->Width, level);
        part.Height = halved(shape->Height, level);
        if (!layered) part.Depth = halved(shape->Depth, level);
        CUresult result = sim_array_make(call.ctx, &part, &mipmap->levels[level]);
        if (result != CUDA_SUCCESS) {
            while (mipmap->count > 0) sim_array_unmake(mipmap->levels[--mipmap->count]);
            sim_handle_free(mipmap);
            return result;
        }
        mipmap->levels[level]->part = true;
        mipmap->bytes += mipmap->levels[level]->bytes;
        mipmap->count++;
        if (part.Width == 1 && part.Height <= 1 && (layered || part.Depth <= 1)) break;
    }
    pthread_mutex_lock(&mipmap_mutex);
    mipmap->next = mipmaps;
    mipmaps = mipmap;
    pthread_mutex_unlock(&mipmap_mutex);
    *out = (CUmipmappedArray)mipmap;
    return CUDA_SUCCESS;
}

CUresult cuMipmappedArrayDestroy(CUmipmappedArray handle) {
    SIM_ENTER_CONTEXT();
    if (!sim_handle_is(handle, SIM_KIND_MIPMAP)) return CUDA_ERROR_INVALID_HANDLE;
    struct mipmap *mipmap = (struct mipmap *)handle;
    SIM_TRY(sim_unsafe(&call));
    sim_context_drain(mipmap->ctx);
    pthread_mutex_lock(&mipmap_mutex);
    for (struct mipmap **link = &mipmaps; *link != NULL; link = &(*link)->next) {
        if (*link != mipmap) continue;
        *link = mipmap->next;
        break;
    }
    pthread_mutex_unlock(&mipmap_mutex);
    while (mipmap->count > 0) sim_array_unmake(mipmap->levels[--mipmap->count]);
    sim_handle_free(mipmap);
    return CUDA_SUCCESS;
}
CUresult cuMipmappedArrayGetLevel(CUarray *out, CUmipmappedArray handle, unsigned int level) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL);
    if (!sim_handle_is(handle, SIM_KIND_MIPMAP)) return CUDA_ERROR_INVALID_HANDLE;
    struct mipmap *mipmap = (struct mipmap *)handle;
    SIM_NEED(level < mipmap->count);
    *out = (CUarray)mipmap->levels[level];
    return CUDA_SUCCESS;
}
CUresult cuMipmappedArrayGetMemoryRequirements(CUDA_ARRAY_MEMORY_REQUIREMENTS *out, CUmipmappedArray handle, CUdevice ordinal) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL);
    if (!sim_ordinal_ok(ordinal)) return CUDA_ERROR_INVALID_DEVICE;
    if (!sim_handle_is(handle, SIM_KIND_MIPMAP)) return CUDA_ERROR_INVALID_HANDLE;
    *out = (CUDA_ARRAY_MEMORY_REQUIREMENTS){.size = ((const struct mipmap *)handle)->bytes, .alignment = SIM_UNIT_BYTES};
    return CUDA_SUCCESS;
}
CUresult cuMipmappedArrayGetSparseProperties(CUDA_ARRAY_SPARSE_PROPERTIES *out, CUmipmappedArray handle) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL);
    return sim_handle_is(handle, SIM_KIND_MIPMAP) ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
}
