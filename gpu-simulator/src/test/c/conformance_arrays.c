/* Arrays: creation, description, copies in and out, levels. */
#include "conformance.h"

#include <string.h>

CASE(arrays, contents_go_in_and_out) {
    enum { W = 64, H = 32 };
    uint32_t from[W * H];
    uint32_t to[W * H];
    CUarray array = NULL;
    conf_context();
    for (size_t i = 0; i < W * H; i++) {
        from[i] = (uint32_t)i * 3 + 1;
    }
    memset(to, 0, sizeof to);
    CUDA_ARRAY_DESCRIPTOR shape = {.Width = W, .Height = H, .Format = CU_AD_FORMAT_UNSIGNED_INT32, .NumChannels = 1};
    OK(cu(cuArrayCreate_v2)(&array, &shape));
    CUDA_MEMCPY2D in = {.srcMemoryType = CU_MEMORYTYPE_HOST, .srcHost = from, .srcPitch = W * 4,
                        .dstMemoryType = CU_MEMORYTYPE_ARRAY, .dstArray = array, .WidthInBytes = W * 4, .Height = H};
    OK(cu(cuMemcpy2D_v2)(&in));
    CUdeviceptr address = conf_alloc(sizeof from);
    CUDA_MEMCPY2D over = {.srcMemoryType = CU_MEMORYTYPE_ARRAY, .srcArray = array, .dstMemoryType = CU_MEMORYTYPE_DEVICE,
                          .dstDevice = address, .dstPitch = W * 4, .WidthInBytes = W * 4, .Height = H};
    OK(cu(cuMemcpy2D_v2)(&over));
    OK(cu(cuMemcpyDtoH_v2)(to, address, sizeof to));
    CHECK(memcmp(from, to, sizeof to) == 0);
    memset(to, 0, sizeof to);
    CUDA_MEMCPY2D out = {.srcMemoryType = CU_MEMORYTYPE_ARRAY, .srcArray = array, .srcXInBytes = 16, .srcY = 2,
                         .dstMemoryType = CU_MEMORYTYPE_HOST, .dstHost = to, .dstPitch = W * 4, .WidthInBytes = 32, .Height = 4};
    OK(cu(cuMemcpy2D_v2)(&out));
    EQ(to[0], from[2 * W + 4]);
    EQ(to[3 * W + 7], from[5 * W + 11]);
    OK(cu(cuArrayDestroy)(array));
}

CASE(arrays, know_their_shape) {
    CUarray array = NULL;
    CUDA_ARRAY_DESCRIPTOR got;
    CUDA_ARRAY3D_DESCRIPTOR got3;
    conf_context();
    CUDA_ARRAY3D_DESCRIPTOR shape = {.Width = 16, .Height = 8, .Depth = 4, .Format = CU_AD_FORMAT_FLOAT, .NumChannels = 2};
    OK(cu(cuArray3DCreate_v2)(&array, &shape));
    OK(cu(cuArray3DGetDescriptor_v2)(&got3, array));
    EQ(got3.Width, 16);
    EQ(got3.Height, 8);
    EQ(got3.Depth, 4);
    EQ(got3.Format, CU_AD_FORMAT_FLOAT);
    EQ(got3.NumChannels, 2);
    OK(cu(cuArrayDestroy)(array));
    CUDA_ARRAY_DESCRIPTOR flat = {.Width = 100, .Height = 0, .Format = CU_AD_FORMAT_UNSIGNED_INT8, .NumChannels = 4};
    OK(cu(cuArrayCreate_v2)(&array, &flat));
    OK(cu(cuArrayGetDescriptor_v2)(&got, array));
    EQ(got.Width, 100);
    EQ(got.Height, 0);
    EQ(got.NumChannels, 4);
    OK(cu(cuArrayDestroy)(array));
}

CASE(arrays, impossible_shapes_are_refused) {
    CUarray array = NULL;
    conf_context();
    CUDA_ARRAY_DESCRIPTOR empty = {.Width = 0, .Height = 4, .Format = CU_AD_FORMAT_FLOAT, .NumChannels = 1};
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuArrayCreate_v2)(&array, &empty));
    CUDA_ARRAY_DESCRIPTOR channels = {.Width = 4, .Height = 4, .Format = CU_AD_FORMAT_FLOAT, .NumChannels = 5};
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuArrayCreate_v2)(&array, &channels));
}

CASE(arrays, take_room) {
    CUarray array = NULL;
    conf_context();
    uint64_t before = conf_room();
    CUDA_ARRAY_DESCRIPTOR shape = {.Width = 8192, .Height = 8192, .Format = CU_AD_FORMAT_FLOAT, .NumChannels = 1};
    OK(cu(cuArrayCreate_v2)(&array, &shape));
    CHECK(conf_room() + 256 * MIB <= before);
    OK(cu(cuArrayDestroy)(array));
    CHECK(conf_wait_for_room(before - CONF_NOISE));
}

CASE(arrays, with_levels) {
    CUmipmappedArray levels = NULL;
    CUarray level = NULL;
    CUDA_ARRAY3D_DESCRIPTOR got;
    conf_context();
    CUDA_ARRAY3D_DESCRIPTOR shape = {.Width = 64, .Height = 64, .Format = CU_AD_FORMAT_UNSIGNED_INT8, .NumChannels = 4};
    OK(cu(cuMipmappedArrayCreate)(&levels, &shape, 3));
    OK(cu(cuMipmappedArrayGetLevel)(&level, levels, 2));
    OK(cu(cuArray3DGetDescriptor_v2)(&got, level));
    EQ(got.Width, 16);
    EQ(got.Height, 16);
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuMipmappedArrayGetLevel)(&level, levels, 3));
    OK(cu(cuMipmappedArrayDestroy)(levels));
}
