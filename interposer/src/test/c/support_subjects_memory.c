/* Linear memory, pools, physical handles, arrays, and pinned host memory. */
#include "support_subjects.h"

#include <stdlib.h>
#include <string.h>

#define AS(name, function) ((__typeof__(name) *)(function))

static CUresult free_address(struct scratch *s)
{
    return CU(cuMemFree_v2)(s->address);
}

static CUresult take_alloc_v1(void *function, struct scratch *s, uint64_t bytes)
{
    CUdeviceptr_v1 address = 0;
    CUresult answer = AS(cuMemAlloc, function)(&address, (unsigned int)bytes);
    s->address = address;
    return answer;
}

static CUresult take_alloc(void *function, struct scratch *s, uint64_t bytes)
{
    return AS(cuMemAlloc_v2, function)(&s->address, bytes);
}

static CUresult take_managed(void *function, struct scratch *s, uint64_t bytes)
{
    return AS(cuMemAllocManaged, function)(&s->address, bytes, CU_MEM_ATTACH_GLOBAL);
}

/* A pitch that needs no padding. */
static CUresult take_pitch_v1(void *function, struct scratch *s, uint64_t bytes)
{
    CUdeviceptr_v1 address = 0;
    unsigned int pitch;
    CUresult answer = AS(cuMemAllocPitch, function)(&address, &pitch, 4096, (unsigned int)(bytes / 4096), 4);
    s->address = address;
    return answer;
}

static CUresult take_pitch(void *function, struct scratch *s, uint64_t bytes)
{
    size_t pitch;
    return AS(cuMemAllocPitch_v2, function)(&s->address, &pitch, 4096, bytes / 4096, 4);
}

static CUresult take_async(void *function, struct scratch *s, uint64_t bytes)
{
    return AS(cuMemAllocAsync, function)(&s->address, bytes, NULL);
}

static CUresult give_async(struct scratch *s)
{
    CUresult answer = CU(cuMemFreeAsync)(s->address, NULL);
    return answer != CUDA_SUCCESS ? answer : CU(cuStreamSynchronize)(NULL);
}

static CUresult take_from_pool(void *function, struct scratch *s, uint64_t bytes)
{
    CUmemPoolProps props;
    memset(&props, 0, sizeof props);
    props.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
    props.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    props.location.id = s->device;
    CUresult answer = s->pool != NULL ? CUDA_SUCCESS : CU(cuMemPoolCreate)(&s->pool, &props);
    return answer != CUDA_SUCCESS ? answer
                                  : AS(cuMemAllocFromPoolAsync, function)(&s->address, bytes, s->pool, NULL);
}

static CUresult give_to_pool(struct scratch *s)
{
    CUresult answer = give_async(s);
    answer = answer != CUDA_SUCCESS ? answer : CU(cuMemPoolDestroy)(s->pool);
    s->pool = NULL;
    return answer;
}

static CUresult take_handle(void *function, struct scratch *s, uint64_t bytes)
{
    CUmemAllocationProp prop;
    memset(&prop, 0, sizeof prop);
    prop.type = CU_MEM_ALLOCATION_TYPE_PINNED;
    prop.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    prop.location.id = s->device;
    return AS(cuMemCreate, function)(&s->handle, bytes, &prop, 0);
}

static CUresult give_handle(struct scratch *s)
{
    return CU(cuMemRelease)(s->handle);
}

static CUresult take_array_v1(void *function, struct scratch *s, uint64_t bytes)
{
    CUDA_ARRAY_DESCRIPTOR_v1 shape = {
        .Width = 16384, .Height = (unsigned int)(bytes / 16384), .Format = CU_AD_FORMAT_UNSIGNED_INT8, .NumChannels = 1};
    return AS(cuArrayCreate, function)(&s->array, &shape);
}

static CUresult take_array(void *function, struct scratch *s, uint64_t bytes)
{
    CUDA_ARRAY_DESCRIPTOR shape = {
        .Width = 4096, .Height = bytes / 16384, .Format = CU_AD_FORMAT_FLOAT, .NumChannels = 1};
    return AS(cuArrayCreate_v2, function)(&s->array, &shape);
}

static CUresult take_array3d_v1(void *function, struct scratch *s, uint64_t bytes)
{
    CUDA_ARRAY3D_DESCRIPTOR_v1 shape = {.Width = 512,
        .Height = 128,
        .Depth = (unsigned int)(bytes / (512 * 128)),
        .Format = CU_AD_FORMAT_UNSIGNED_INT8,
        .NumChannels = 1};
    return AS(cuArray3DCreate, function)(&s->array, &shape);
}

static CUresult take_array3d(void *function, struct scratch *s, uint64_t bytes)
{
    CUDA_ARRAY3D_DESCRIPTOR shape = {.Width = 512,
        .Height = 128,
        .Depth = bytes / (512 * 128 * 8),
        .Format = CU_AD_FORMAT_FLOAT,
        .NumChannels = 2};
    return AS(cuArray3DCreate_v2, function)(&s->array, &shape);
}

static CUresult give_array(struct scratch *s)
{
    return CU(cuArrayDestroy)(s->array);
}

static CUresult take_mipmapped(void *function, struct scratch *s, uint64_t bytes)
{
    CUDA_ARRAY3D_DESCRIPTOR shape = {
        .Width = 16384, .Height = bytes / 16384, .Format = CU_AD_FORMAT_UNSIGNED_INT8, .NumChannels = 1};
    return AS(cuMipmappedArrayCreate, function)(&s->mipmapped, &shape, 1);
}

static CUresult give_mipmapped(struct scratch *s)
{
    return CU(cuMipmappedArrayDestroy)(s->mipmapped);
}

static CUresult take_host(void *function, struct scratch *s, uint64_t bytes)
{
    return AS(cuMemAllocHost_v2, function)(&s->host, bytes);
}

static CUresult take_host_flags(void *function, struct scratch *s, uint64_t bytes)
{
    return AS(cuMemHostAlloc, function)(&s->host, bytes, 0);
}

static CUresult give_host(struct scratch *s)
{
    return CU(cuMemFreeHost)(s->host);
}

static CUresult take_registered(void *function, struct scratch *s, uint64_t bytes)
{
    s->host = aligned_alloc(4096, bytes);
    return s->host == NULL ? CUDA_ERROR_OUT_OF_MEMORY : AS(cuMemHostRegister_v2, function)(s->host, bytes, 0);
}

static CUresult give_registered(struct scratch *s)
{
    CUresult answer = CU(cuMemHostUnregister)(s->host);
    free(s->host);
    return answer;
}

const struct subject subjects_memory[] = {
    {"cuMemAlloc", SUBJECT_EXACT, take_alloc_v1, free_address, 0},
    {"cuMemAlloc_v2", SUBJECT_EXACT, take_alloc, free_address, 0},
    {"cuMemAllocManaged", SUBJECT_EXACT, take_managed, free_address, 0},
    {"cuMemAllocPitch", SUBJECT_EXACT, take_pitch_v1, free_address, 0},
    {"cuMemAllocPitch_v2", SUBJECT_EXACT, take_pitch, free_address, 0},
    {"cuMemAllocAsync", SUBJECT_POOL, take_async, give_async, 0},
    {"cuMemAllocAsync_ptsz", SUBJECT_POOL, take_async, give_async, 0},
    {"cuMemAllocFromPoolAsync", SUBJECT_POOL, take_from_pool, give_to_pool, 0},
    {"cuMemAllocFromPoolAsync_ptsz", SUBJECT_POOL, take_from_pool, give_to_pool, 0},
    {"cuMemCreate", SUBJECT_EXACT, take_handle, give_handle, 0},
    {"cuArrayCreate", SUBJECT_EXACT, take_array_v1, give_array, 0},
    {"cuArrayCreate_v2", SUBJECT_EXACT, take_array, give_array, 0},
    {"cuArray3DCreate", SUBJECT_EXACT, take_array3d_v1, give_array, 0},
    {"cuArray3DCreate_v2", SUBJECT_EXACT, take_array3d, give_array, 0},
    {"cuMipmappedArrayCreate", SUBJECT_EXACT, take_mipmapped, give_mipmapped, 0},
    {"cuMemAllocHost_v2", SUBJECT_HOST, take_host, give_host, 0},
    {"cuMemHostAlloc", SUBJECT_HOST, take_host_flags, give_host, 0},
    {"cuMemHostRegister_v2", SUBJECT_HOST, take_registered, give_registered, 0},
    {NULL, SUBJECT_PLAIN, NULL, NULL, 0}};
