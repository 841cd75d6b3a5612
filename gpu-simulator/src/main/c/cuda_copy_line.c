/* One-dimensional copies in every spelling. The oldest symbols have 32-bit sizes and addresses. */
#include "cuda_array.h"
#include "cuda_copy.h"

static CUDA_MEMCPY3D line(size_t bytes) {
    CUDA_MEMCPY3D copy;
    memset(&copy, 0, sizeof copy);
    copy.WidthInBytes = bytes;
    copy.Height = copy.Depth = 1;
    return copy;
}
static void from_host(CUDA_MEMCPY3D *copy, const void *host) {
    copy->srcMemoryType = CU_MEMORYTYPE_HOST;
    copy->srcHost = host;
}
static void to_host(CUDA_MEMCPY3D *copy, void *host) {
    copy->dstMemoryType = CU_MEMORYTYPE_HOST;
    copy->dstHost = host;
}
static void from_device(CUDA_MEMCPY3D *copy, CUdeviceptr address) {
    copy->srcMemoryType = CU_MEMORYTYPE_DEVICE;
    copy->srcDevice = address;
}
static void to_device(CUDA_MEMCPY3D *copy, CUdeviceptr address) {
    copy->dstMemoryType = CU_MEMORYTYPE_DEVICE;
    copy->dstDevice = address;
}
static void from_array(CUDA_MEMCPY3D *copy, CUarray array, size_t offset) {
    copy->srcMemoryType = CU_MEMORYTYPE_ARRAY;
    copy->srcArray = array;
    copy->srcXInBytes = offset;
}
static void to_array(CUDA_MEMCPY3D *copy, CUarray array, size_t offset) {
    copy->dstMemoryType = CU_MEMORYTYPE_ARRAY;
    copy->dstArray = array;
    copy->dstXInBytes = offset;
}

static CUresult any(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream, bool wait) {
    CUDA_MEMCPY3D copy = line(bytes);
    copy.srcMemoryType = copy.dstMemoryType = CU_MEMORYTYPE_UNIFIED;
    copy.srcDevice = from;
    copy.dstDevice = to;
    return sim_copy_submit(stream, &copy, wait);
}
static CUresult host_to_device(CUdeviceptr to, const void *from, size_t bytes, CUstream stream, bool wait) {
    CUDA_MEMCPY3D copy = line(bytes);
    from_host(&copy, from);
    to_device(&copy, to);
    return sim_copy_submit(stream, &copy, wait);
}
static CUresult device_to_host(void *to, CUdeviceptr from, size_t bytes, CUstream stream, bool wait) {
    CUDA_MEMCPY3D copy = line(bytes);
    from_device(&copy, from);
    to_host(&copy, to);
    return sim_copy_submit(stream, &copy, wait);
}
static CUresult device_to_device(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream, bool wait) {
    CUDA_MEMCPY3D copy = line(bytes);
    from_device(&copy, from);
    to_device(&copy, to);
    return sim_copy_submit(stream, &copy, wait);
}
static CUresult device_to_array(CUarray to, size_t offset, CUdeviceptr from, size_t bytes, CUstream stream) {
    CUDA_MEMCPY3D copy = line(bytes);
    from_device(&copy, from);
    to_array(&copy, to, offset);
    return sim_copy_submit(stream, &copy, true);
}
static CUresult array_to_device(CUdeviceptr to, CUarray from, size_t offset, size_t bytes, CUstream stream) {
    CUDA_MEMCPY3D copy = line(bytes);
    from_array(&copy, from, offset);
    to_device(&copy, to);
    return sim_copy_submit(stream, &copy, true);
}
static CUresult host_to_array(CUarray to, size_t offset, const void *from, size_t bytes, CUstream stream, bool wait) {
    CUDA_MEMCPY3D copy = line(bytes);
    from_host(&copy, from);
    to_array(&copy, to, offset);
    return sim_copy_submit(stream, &copy, wait);
}
static CUresult array_to_host(void *to, CUarray from, size_t offset, size_t bytes, CUstream stream, bool wait) {
    CUDA_MEMCPY3D copy = line(bytes);
    from_array(&copy, from, offset);
    to_host(&copy, to);
    return sim_copy_submit(stream, &copy, wait);
}
static CUresult array_to_array(CUarray to, size_t to_offset, CUarray from, size_t from_offset, size_t bytes, CUstream stream) {
    CUDA_MEMCPY3D copy = line(bytes);
    from_array(&copy, from, from_offset);
    to_array(&copy, to, to_offset);
    return sim_copy_submit(stream, &copy, true);
}
CUresult cuMemcpy(CUdeviceptr to, CUdeviceptr from, size_t bytes) { return any(to, from, bytes, NULL, true); }
CUresult cuMemcpy_ptds(CUdeviceptr to, CUdeviceptr from, size_t bytes) { return any(to, from, bytes, CU_STREAM_PER_THREAD, true); }
CUresult cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) { return any(to, from, bytes, stream, false); }
CUresult cuMemcpyAsync_ptsz(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) { return any(to, from, bytes, sim_pts(stream), false); }
CUresult cuMemcpyHtoD(CUdeviceptr_v1 to, const void *from, unsigned int bytes) { return host_to_device(to, from, bytes, NULL, true); }
CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes) { return host_to_device(to, from, bytes, NULL, true); }
CUresult cuMemcpyHtoD_v2_ptds(CUdeviceptr to, const void *from, size_t bytes) { return host_to_device(to, from, bytes, CU_STREAM_PER_THREAD, true); }
CUresult cuMemcpyHtoDAsync(CUdeviceptr_v1 to, const void *from, unsigned int bytes, CUstream stream) { return host_to_device(to, from, bytes, stream, false); }
CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, CUstream stream) { return host_to_device(to, from, bytes, stream, false); }
CUresult cuMemcpyHtoDAsync_v2_ptsz(CUdeviceptr to, const void *from, size_t bytes, CUstream stream) { return host_to_device(to, from, bytes, sim_pts(stream), false); }
CUresult cuMemcpyDtoH(void *to, CUdeviceptr_v1 from, unsigned int bytes) { return device_to_host(to, from, bytes, NULL, true); }
CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes) { return device_to_host(to, from, bytes, NULL, true); }
CUresult cuMemcpyDtoH_v2_ptds(void *to, CUdeviceptr from, size_t bytes) { return device_to_host(to, from, bytes, CU_STREAM_PER_THREAD, true); }
CUresult cuMemcpyDtoHAsync(void *to, CUdeviceptr_v1 from, unsigned int bytes, CUstream stream) { return device_to_host(to, from, bytes, stream, false); }
CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, CUstream stream) { return device_to_host(to, from, bytes, stream, false); }
CUresult cuMemcpyDtoHAsync_v2_ptsz(void *to, CUdeviceptr from, size_t bytes, CUstream stream) { return device_to_host(to, from, bytes, sim_pts(stream), false); }
CUresult cuMemcpyDtoD(CUdeviceptr_v1 to, CUdeviceptr_v1 from, unsigned int bytes) { return device_to_device(to, from, bytes, NULL, true); }
CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes) { return device_to_device(to, from, bytes, NULL, true); }
CUresult cuMemcpyDtoD_v2_ptds(CUdeviceptr to, CUdeviceptr from, size_t bytes) { return device_to_device(to, from, bytes, CU_STREAM_PER_THREAD, true); }
CUresult cuMemcpyDtoDAsync(CUdeviceptr_v1 to, CUdeviceptr_v1 from, unsigned int bytes, CUstream stream) { return device_to_device(to, from, bytes, stream, false); }
CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) { return device_to_device(to, from, bytes, stream, false); }
CUresult cuMemcpyDtoDAsync_v2_ptsz(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) { return device_to_device(to, from, bytes, sim_pts(stream), false); }
CUresult cuMemcpyDtoA(CUarray to, unsigned int offset, CUdeviceptr_v1 from, unsigned int bytes) { return device_to_array(to, offset, from, bytes, NULL); }
CUresult cuMemcpyDtoA_v2(CUarray to, size_t offset, CUdeviceptr from, size_t bytes) { return device_to_array(to, offset, from, bytes, NULL); }
CUresult cuMemcpyDtoA_v2_ptds(CUarray to, size_t offset, CUdeviceptr from, size_t bytes) { return device_to_array(to, offset, from, bytes, CU_STREAM_PER_THREAD); }
CUresult cuMemcpyAtoD(CUdeviceptr_v1 to, CUarray from, unsigned int offset, unsigned int bytes) { return array_to_device(to, from, offset, bytes, NULL); }
CUresult cuMemcpyAtoD_v2(CUdeviceptr to, CUarray from, size_t offset, size_t bytes) { return array_to_device(to, from, offset, bytes, NULL); }
CUresult cuMemcpyAtoD_v2_ptds(CUdeviceptr to, CUarray from, size_t offset, size_t bytes) { return array_to_device(to, from, offset, bytes, CU_STREAM_PER_THREAD); }
CUresult cuMemcpyAtoA(CUarray to, unsigned int at, CUarray from, unsigned int offset, unsigned int bytes) { return array_to_array(to, at, from, offset, bytes, NULL); }
CUresult cuMemcpyAtoA_v2(CUarray to, size_t at, CUarray from, size_t offset, size_t bytes) { return array_to_array(to, at, from, offset, bytes, NULL); }
CUresult cuMemcpyAtoA_v2_ptds(CUarray to, size_t at, CUarray from, size_t offset, size_t bytes) { return array_to_array(to, at, from, offset, bytes, CU_STREAM_PER_THREAD); }
CUresult cuMemcpyHtoA(CUarray to, unsigned int offset, const void *from, unsigned int bytes) { return host_to_array(to, offset, from, bytes, NULL, true); }
CUresult cuMemcpyHtoA_v2(CUarray to, size_t offset, const void *from, size_t bytes) { return host_to_array(to, offset, from, bytes, NULL, true); }
CUresult cuMemcpyHtoA_v2_ptds(CUarray to, size_t offset, const void *from, size_t bytes) { return host_to_array(to, offset, from, bytes, CU_STREAM_PER_THREAD, true); }
CUresult cuMemcpyHtoAAsync(CUarray to, unsigned int offset, const void *from, unsigned int bytes, CUstream stream) { return host_to_array(to, offset, from, bytes, stream, false); }
CUresult cuMemcpyHtoAAsync_v2(CUarray to, size_t offset, const void *from, size_t bytes, CUstream stream) { return host_to_array(to, offset, from, bytes, stream, false); }
CUresult cuMemcpyHtoAAsync_v2_ptsz(CUarray to, size_t offset, const void *from, size_t bytes, CUstream stream) { return host_to_array(to, offset, from, bytes, sim_pts(stream), false); }
CUresult cuMemcpyAtoH(void *to, CUarray from, unsigned int offset, unsigned int bytes) { return array_to_host(to, from, offset, bytes, NULL, true); }
CUresult cuMemcpyAtoH_v2(void *to, CUarray from, size_t offset, size_t bytes) { return array_to_host(to, from, offset, bytes, NULL, true); }
CUresult cuMemcpyAtoH_v2_ptds(void *to, CUarray from, size_t offset, size_t bytes) { return array_to_host(to, from, offset, bytes, CU_STREAM_PER_THREAD, true); }
CUresult cuMemcpyAtoHAsync(void *to, CUarray from, unsigned int offset, unsigned int bytes, CUstream stream) { return array_to_host(to, from, offset, bytes, stream, false); }
CUresult cuMemcpyAtoHAsync_v2(void *to, CUarray from, size_t offset, size_t bytes, CUstream stream) { return array_to_host(to, from, offset, bytes, stream, false); }
CUresult cuMemcpyAtoHAsync_v2_ptsz(void *to, CUarray from, size_t offset, size_t bytes, CUstream stream) { return array_to_host(to, from, offset, bytes, sim_pts(stream), false); }

static CUresult peer(CUdeviceptr to, CUcontext to_ctx, CUdeviceptr from, CUcontext from_ctx, size_t bytes, CUstream stream, bool wait) {
    if (!sim_context_ok(to_ctx) || !sim_context_ok(from_ctx)) return CUDA_ERROR_INVALID_CONTEXT;
    return any(to, from, bytes, stream, wait);
}
CUresult cuMemcpyPeer(CUdeviceptr to, CUcontext to_ctx, CUdeviceptr from, CUcontext from_ctx, size_t bytes) { return peer(to, to_ctx, from, from_ctx, bytes, NULL, true); }
CUresult cuMemcpyPeer_ptds(CUdeviceptr to, CUcontext to_ctx, CUdeviceptr from, CUcontext from_ctx, size_t bytes) { return peer(to, to_ctx, from, from_ctx, bytes, CU_STREAM_PER_THREAD, true); }
CUresult cuMemcpyPeerAsync(CUdeviceptr to, CUcontext to_ctx, CUdeviceptr from, CUcontext from_ctx, size_t bytes, CUstream stream) { return peer(to, to_ctx, from, from_ctx, bytes, stream, false); }
CUresult cuMemcpyPeerAsync_ptsz(CUdeviceptr to, CUcontext to_ctx, CUdeviceptr from, CUcontext from_ctx, size_t bytes, CUstream stream) { return peer(to, to_ctx, from, from_ctx, bytes, sim_pts(stream), false); }
