/*
 * CUDA arrays: charged by their shape. Sparse and deferred-mapping arrays take no memory of their own; what is mapped to them
 * was charged when it was created.
 */
#include "hooks.h"
#include "pointers.h"
#include "pool.h"
#include "small.h"

/* Bits of one element of one channel; for block-compressed and planar formats bits of a whole pixel. *per_channel says which. */
static uint64_t alq_format_bits(unsigned int format, bool *per_channel)
{
    *per_channel = true;
    switch (format) {
    case CU_AD_FORMAT_UNSIGNED_INT8:
    case CU_AD_FORMAT_SIGNED_INT8:
        return 8;
    case CU_AD_FORMAT_UNSIGNED_INT16:
    case CU_AD_FORMAT_SIGNED_INT16:
    case CU_AD_FORMAT_HALF:
        return 16;
    case CU_AD_FORMAT_UNSIGNED_INT32:
    case CU_AD_FORMAT_SIGNED_INT32:
    case CU_AD_FORMAT_FLOAT:
        return 32;
    default:
        break;
    }
    *per_channel = false;
    switch (format) {
    case CU_AD_FORMAT_BC1_UNORM:
    case CU_AD_FORMAT_BC1_UNORM_SRGB:
    case CU_AD_FORMAT_BC4_UNORM:
    case CU_AD_FORMAT_BC4_SNORM:
        return 4;
    case CU_AD_FORMAT_BC2_UNORM:
    case CU_AD_FORMAT_BC2_UNORM_SRGB:
    case CU_AD_FORMAT_BC3_UNORM:
    case CU_AD_FORMAT_BC3_UNORM_SRGB:
    case CU_AD_FORMAT_BC5_UNORM:
    case CU_AD_FORMAT_BC5_SNORM:
    case CU_AD_FORMAT_BC6H_UF16:
    case CU_AD_FORMAT_BC6H_SF16:
    case CU_AD_FORMAT_BC7_UNORM:
    case CU_AD_FORMAT_BC7_UNORM_SRGB:
    case CU_AD_FORMAT_UNORM_INT8X1:
    case CU_AD_FORMAT_SNORM_INT8X1:
        return 8;
    case CU_AD_FORMAT_NV12:
    case CU_AD_FORMAT_YUV444_8bit_SemiPlanar:
    case CU_AD_FORMAT_Y444_PLANAR8:
        return format == CU_AD_FORMAT_NV12 ? 12 : 24;
    case CU_AD_FORMAT_NV16:
    case CU_AD_FORMAT_YUY2:
    case CU_AD_FORMAT_UNORM_INT8X2:
    case CU_AD_FORMAT_SNORM_INT8X2:
    case CU_AD_FORMAT_UNORM_INT16X1:
    case CU_AD_FORMAT_SNORM_INT16X1:
        return 16;
    case CU_AD_FORMAT_P010:
    case CU_AD_FORMAT_P016:
        return 24;
    case CU_AD_FORMAT_UNORM_INT8X4:
    case CU_AD_FORMAT_SNORM_INT8X4:
    case CU_AD_FORMAT_UNORM_INT16X2:
    case CU_AD_FORMAT_SNORM_INT16X2:
    case CU_AD_FORMAT_UNORM_INT_101010_2:
    case CU_AD_FORMAT_P210:
    case CU_AD_FORMAT_P216:
    case CU_AD_FORMAT_Y210:
    case CU_AD_FORMAT_Y216:
    case CU_AD_FORMAT_AYUV:
    case CU_AD_FORMAT_Y410:
        return 32;
    case CU_AD_FORMAT_YUV444_16bit_SemiPlanar:
    case CU_AD_FORMAT_Y444_PLANAR10:
        return 48;
    default:
        return 64; /* the widest pixel there is: also for formats of a newer driver */
    }
}

struct alq_shape {
    uint64_t width;
    uint64_t height;
    uint64_t depth;
    unsigned int format;
    unsigned int channels;
    unsigned int flags;
};

/* What one level of that shape takes, before rounding. */
static uint64_t alq_shape_bytes(const struct alq_shape *shape)
{
    bool per_channel;
    uint64_t bits = alq_format_bits(shape->format, &per_channel);
    uint64_t channels = per_channel ? shape->channels : 1;
    uint64_t elements = alq_mul(alq_mul(shape->width, shape->height == 0 ? 1 : shape->height), shape->depth == 0 ? 1 : shape->depth);
    uint64_t all_bits = alq_mul(elements, bits * channels);
    return all_bits == UINT64_MAX ? UINT64_MAX : alq_add(all_bits, 7) / 8;
}

/* What the levels take that have blocks of their own, and what the small ones do. */
struct alq_levels {
    uint64_t alone_bytes;
    uint64_t small_bytes;
};

/* Level by level, because nobody says that the driver makes one allocation of them: never less than the array as a whole. Layers (depth of
 * a layered or cube map) do not shrink from level to level. */
static struct alq_levels alq_levels_of(struct alq_shape shape, unsigned int levels)
{
    bool layered = (shape.flags & (CUDA_ARRAY3D_LAYERED | CUDA_ARRAY3D_CUBEMAP)) != 0;
    struct alq_levels sum = {0};
    for (unsigned int level = 0; level < levels && level < 64; level++) {
        uint64_t bytes = alq_shape_bytes(&shape);
        if (bytes >= ALQ_LARGE_BYTES) {
            sum.alone_bytes = alq_add(sum.alone_bytes, alq_charge_size(bytes));
        } else {
            sum.small_bytes += alq_charge_size(bytes);
        }
        shape.width = shape.width > 1 ? shape.width / 2 : shape.width;
        shape.height = shape.height > 1 ? shape.height / 2 : shape.height;
        shape.depth = !layered && shape.depth > 1 ? shape.depth / 2 : shape.depth;
    }
    return sum;
}

/* Whether an array takes memory of its own. */
static bool alq_array_counts(const struct alq_shape *shape)
{
    return (shape->flags & (CUDA_ARRAY3D_SPARSE | CUDA_ARRAY3D_DEFERRED_MAPPING)) == 0;
}

/* Charges an array of that shape; *holding has what for. False: the limit forbids it. */
static bool alq_array_begin(struct alq_holding *holding, int device, const struct alq_shape *shape, unsigned int levels)
{
    struct alq_levels sum = alq_levels_of(*shape, levels);
    *holding = (struct alq_holding){
        .bytes = sum.alone_bytes, .small_bytes = sum.small_bytes, .device = device, .context = alq_context_current()};
    if (!alq_take_fixed(device, sum.alone_bytes)) {
        return false;
    }
    if (sum.small_bytes != 0 && !alq_small_array_take(device, sum.small_bytes)) {
        alq_uncharge(device, sum.alone_bytes);
        return false;
    }
    return true;
}

#define ALQ_ARRAY_CREATE(name, destroy, shape_of, levels, parameters, ...)                     \
    CUresult alq_hook_##name parameters                                                        \
    {                                                                                           \
        ALQ_IN_FLIGHT(name, __VA_ARGS__);                                           \
        struct alq_place place;                                                                 \
        if (array == NULL || description == NULL || !alq_place_current(&place)) {               \
            return ALQ_CALL(name, __VA_ARGS__);                                                 \
        }                                                                                       \
        struct alq_shape shape = shape_of;                                                      \
        struct alq_holding holding;                                                             \
        if (!alq_array_counts(&shape)) {                                                        \
            return ALQ_CALL(name, __VA_ARGS__);                                                 \
        }                                                                                       \
        if (!alq_array_begin(&holding, place.device, &shape, levels)) {                         \
            return CUDA_ERROR_OUT_OF_MEMORY;                                                    \
        }                                                                                       \
        CUresult result = ALQ_CALL(name, __VA_ARGS__);                                          \
        if (result == CUDA_SUCCESS                                                              \
            && !alq_pointers_put(ALQ_SPACE_ARRAY, (uintptr_t)*array, &holding)) {               \
            ALQ_CALL(destroy, *array);                                                          \
            result = CUDA_ERROR_OUT_OF_MEMORY;                                                  \
        }                                                                                       \
        if (result != CUDA_SUCCESS) {                                                           \
            alq_give(&holding);                                                                 \
        }                                                                                       \
        return result;                                                                          \
    }

#define ALQ_SHAPE_2D \
    {description->Width, description->Height, 0, (unsigned int)description->Format, description->NumChannels, 0}
#define ALQ_SHAPE_3D                                                                                              \
    {description->Width, description->Height, description->Depth, (unsigned int)description->Format, description->NumChannels, \
        description->Flags}

ALQ_ARRAY_CREATE(cuArrayCreate, cuArrayDestroy, ALQ_SHAPE_2D, 1, (CUarray * array, const CUDA_ARRAY_DESCRIPTOR_v1 *description),
    array, description)
ALQ_ARRAY_CREATE(cuArrayCreate_v2, cuArrayDestroy, ALQ_SHAPE_2D, 1, (CUarray * array, const CUDA_ARRAY_DESCRIPTOR *description),
    array, description)
ALQ_ARRAY_CREATE(cuArray3DCreate, cuArrayDestroy, ALQ_SHAPE_3D, 1,
    (CUarray * array, const CUDA_ARRAY3D_DESCRIPTOR_v1 *description), array, description)
ALQ_ARRAY_CREATE(cuArray3DCreate_v2, cuArrayDestroy, ALQ_SHAPE_3D, 1,
    (CUarray * array, const CUDA_ARRAY3D_DESCRIPTOR *description), array, description)
ALQ_ARRAY_CREATE(cuMipmappedArrayCreate, cuMipmappedArrayDestroy, ALQ_SHAPE_3D, levels,
    (CUmipmappedArray * array, const CUDA_ARRAY3D_DESCRIPTOR *description, unsigned int levels), array, description, levels)

#define ALQ_ARRAY_DESTROY(name, type)                                                       \
    CUresult alq_hook_##name(type array)                                                    \
    {                                                                                       \
        ALQ_IN_FLIGHT(name, array);                                             \
        struct alq_holding holding;                                                         \
        bool tracked = alq_pointers_take(ALQ_SPACE_ARRAY, (uintptr_t)array, &holding);      \
        CUresult result = ALQ_CALL(name, array);                                            \
        if (tracked && result == CUDA_SUCCESS) {                                            \
            alq_give(&holding);                                                             \
        } else if (tracked) {                                                               \
            alq_pointers_put(ALQ_SPACE_ARRAY, (uintptr_t)array, &holding);                  \
        }                                                                                   \
        return result;                                                                      \
    }

ALQ_ARRAY_DESTROY(cuArrayDestroy, CUarray)
ALQ_ARRAY_DESTROY(cuMipmappedArrayDestroy, CUmipmappedArray)
