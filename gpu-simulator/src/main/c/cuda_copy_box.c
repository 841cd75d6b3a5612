/* Two- and three-dimensional copies, and batches of copies. */
#include "cuda_copy.h"

/* All box descriptors carry the same facts under the same names. */
#define SIDES(to, from)                                                       \
    do {                                                                      \
        (to).srcXInBytes = (from)->srcXInBytes;                               \
        (to).srcY = (from)->srcY;                                             \
        (to).srcMemoryType = (from)->srcMemoryType;                           \
        (to).srcHost = (from)->srcHost;                                       \
        (to).srcDevice = (from)->srcDevice;                                   \
        (to).srcArray = (from)->srcArray;                                     \
        (to).srcPitch = (from)->srcPitch;                                     \
        (to).dstXInBytes = (from)->dstXInBytes;                               \
        (to).dstY = (from)->dstY;                                             \
        (to).dstMemoryType = (from)->dstMemoryType;                           \
        (to).dstHost = (from)->dstHost;                                       \
        (to).dstDevice = (from)->dstDevice;                                   \
        (to).dstArray = (from)->dstArray;                                     \
        (to).dstPitch = (from)->dstPitch;                                     \
        (to).WidthInBytes = (from)->WidthInBytes;                             \
        (to).Height = (from)->Height;                                         \
    } while (0)
#define DEPTHS(to, from)                                                      \
    do {                                                                      \
        (to).srcZ = (from)->srcZ;                                             \
        (to).srcHeight = (from)->srcHeight;                                   \
        (to).dstZ = (from)->dstZ;                                             \
        (to).dstHeight = (from)->dstHeight;                                   \
        (to).Depth = (from)->Depth;                                           \
    } while (0)

static CUresult flat(const CUDA_MEMCPY2D *copy, CUstream stream, bool wait) {
    SIM_NEED(copy != NULL);
    CUDA_MEMCPY3D box;
    memset(&box, 0, sizeof box);
    SIDES(box, copy);
    box.Depth = 1;
    return sim_copy_submit(stream, &box, wait);
}
static CUresult flat_v1(const CUDA_MEMCPY2D_v1 *copy, CUstream stream, bool wait) {
    SIM_NEED(copy != NULL);
    CUDA_MEMCPY3D box;
    memset(&box, 0, sizeof box);
    SIDES(box, copy);
    box.Depth = 1;
    return sim_copy_submit(stream, &box, wait);
}
static CUresult deep(const CUDA_MEMCPY3D *copy, CUstream stream, bool wait) {
    SIM_NEED(copy != NULL);
    return sim_copy_submit(stream, copy, wait);
}
static CUresult deep_v1(const CUDA_MEMCPY3D_v1 *copy, CUstream stream, bool wait) {
    SIM_NEED(copy != NULL);
    CUDA_MEMCPY3D box;
    memset(&box, 0, sizeof box);
    SIDES(box, copy);
    DEPTHS(box, copy);
    return sim_copy_submit(stream, &box, wait);
}
static CUresult deep_peer(const CUDA_MEMCPY3D_PEER *copy, CUstream stream, bool wait) {
    SIM_NEED(copy != NULL);
    CUDA_MEMCPY3D box;
    memset(&box, 0, sizeof box);
    SIDES(box, copy);
    DEPTHS(box, copy);
    return sim_copy_submit(stream, &box, wait);
}
CUresult cuMemcpy2D(const CUDA_MEMCPY2D_v1 *copy) { return flat_v1(copy, NULL, true); }
CUresult cuMemcpy2D_v2(const CUDA_MEMCPY2D *copy) { return flat(copy, NULL, true); }
CUresult cuMemcpy2D_v2_ptds(const CUDA_MEMCPY2D *copy) { return flat(copy, CU_STREAM_PER_THREAD, true); }
CUresult cuMemcpy2DUnaligned(const CUDA_MEMCPY2D_v1 *copy) { return flat_v1(copy, NULL, true); }
CUresult cuMemcpy2DUnaligned_v2(const CUDA_MEMCPY2D *copy) { return flat(copy, NULL, true); }
CUresult cuMemcpy2DUnaligned_v2_ptds(const CUDA_MEMCPY2D *copy) { return flat(copy, CU_STREAM_PER_THREAD, true); }
CUresult cuMemcpy2DAsync(const CUDA_MEMCPY2D_v1 *copy, CUstream stream) { return flat_v1(copy, stream, false); }
CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D *copy, CUstream stream) { return flat(copy, stream, false); }
CUresult cuMemcpy2DAsync_v2_ptsz(const CUDA_MEMCPY2D *copy, CUstream stream) { return flat(copy, sim_pts(stream), false); }
CUresult cuMemcpy3D(const CUDA_MEMCPY3D_v1 *copy) { return deep_v1(copy, NULL, true); }
CUresult cuMemcpy3D_v2(const CUDA_MEMCPY3D *copy) { return deep(copy, NULL, true); }
CUresult cuMemcpy3D_v2_ptds(const CUDA_MEMCPY3D *copy) { return deep(copy, CU_STREAM_PER_THREAD, true); }
CUresult cuMemcpy3DAsync(const CUDA_MEMCPY3D_v1 *copy, CUstream stream) { return deep_v1(copy, stream, false); }
CUresult cuMemcpy3DAsync_v2(const CUDA_MEMCPY3D *copy, CUstream stream) { return deep(copy, stream, false); }
CUresult cuMemcpy3DAsync_v2_ptsz(const CUDA_MEMCPY3D *copy, CUstream stream) { return deep(copy, sim_pts(stream), false); }
CUresult cuMemcpy3DPeer(const CUDA_MEMCPY3D_PEER *copy) { return deep_peer(copy, NULL, true); }
CUresult cuMemcpy3DPeer_ptds(const CUDA_MEMCPY3D_PEER *copy) { return deep_peer(copy, CU_STREAM_PER_THREAD, true); }
CUresult cuMemcpy3DPeerAsync(const CUDA_MEMCPY3D_PEER *copy, CUstream stream) { return deep_peer(copy, stream, false); }
CUresult cuMemcpy3DPeerAsync_ptsz(const CUDA_MEMCPY3D_PEER *copy, CUstream stream) { return deep_peer(copy, sim_pts(stream), false); }

static CUresult batch(CUdeviceptr *to, CUdeviceptr *from, size_t *bytes, size_t count, const CUmemcpyAttributes *attributes,
                      const size_t *starts, size_t attribute_count, size_t *failed, CUstream stream) {
    SIM_NEED(to != NULL && from != NULL && bytes != NULL && count != 0 && attributes != NULL && starts != NULL);
    SIM_NEED(attribute_count != 0 && attribute_count <= count && starts[0] == 0 && stream != NULL);
    for (size_t i = 0; i < count; i++) {
        CUDA_MEMCPY3D copy;
        memset(&copy, 0, sizeof copy);
        copy.srcMemoryType = copy.dstMemoryType = CU_MEMORYTYPE_UNIFIED;
        copy.srcDevice = from[i];
        copy.dstDevice = to[i];
        copy.WidthInBytes = bytes[i];
        copy.Height = copy.Depth = 1;
        CUresult result = sim_copy_submit(stream, &copy, false);
        if (result == CUDA_SUCCESS) continue;
        if (failed != NULL) *failed = i;
        return result;
    }
    return CUDA_SUCCESS;
}
CUresult cuMemcpyBatchAsync(CUdeviceptr *to, CUdeviceptr *from, size_t *bytes, size_t count, CUmemcpyAttributes *attributes, size_t *starts, size_t attribute_count, size_t *failed, CUstream stream) { return batch(to, from, bytes, count, attributes, starts, attribute_count, failed, stream); }
CUresult cuMemcpyBatchAsync_ptsz(CUdeviceptr *to, CUdeviceptr *from, size_t *bytes, size_t count, CUmemcpyAttributes *attributes, size_t *starts, size_t attribute_count, size_t *failed, CUstream stream) { return batch(to, from, bytes, count, attributes, starts, attribute_count, failed, sim_pts(stream)); }
CUresult cuMemcpyBatchAsync_v2(CUdeviceptr *to, CUdeviceptr *from, size_t *bytes, size_t count, CUmemcpyAttributes *attributes, size_t *starts, size_t attribute_count, CUstream stream) { return batch(to, from, bytes, count, attributes, starts, attribute_count, NULL, stream); }
CUresult cuMemcpyBatchAsync_v2_ptsz(CUdeviceptr *to, CUdeviceptr *from, size_t *bytes, size_t count, CUmemcpyAttributes *attributes, size_t *starts, size_t attribute_count, CUstream stream) { return batch(to, from, bytes, count, attributes, starts, attribute_count, NULL, sim_pts(stream)); }
