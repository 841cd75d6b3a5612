/* Chunks in host memory (location HOST_NUMA): made without a context, shared, mapped for the device. */
#include "conformance.h"

#include <unistd.h>

#define CHUNK (64 * MIB)

static CUmemAllocationProp host_prop(void) {
    int node = 0;
    if (cu(cuDeviceGetAttribute)(&node, CU_DEVICE_ATTRIBUTE_HOST_NUMA_ID, conf_device()) != CUDA_SUCCESS || node < 0) {
        node = 0;
    }
    return (CUmemAllocationProp){
        .type = CU_MEM_ALLOCATION_TYPE_PINNED,
        .requestedHandleTypes = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR,
        .location = {.type = CU_MEM_LOCATION_TYPE_HOST_NUMA, .id = node},
    };
}

/* Skips where the driver (before 12.2) or the machine cannot. */
static CUmemGenericAllocationHandle host_chunk(uint64_t bytes) {
    CUmemAllocationProp prop = host_prop();
    CUmemGenericAllocationHandle chunk = 0;
    size_t granularity = 0;
    CUresult result = cu(cuMemGetAllocationGranularity)(&granularity, &prop, CU_MEM_ALLOC_GRANULARITY_MINIMUM);
    if (result == CUDA_SUCCESS) {
        CHECK(granularity > 0 && bytes % granularity == 0);
        result = cu(cuMemCreate)(&chunk, bytes, &prop, 0);
    }
    int version = 0;
    OK(cu(cuDriverGetVersion)(&version));
    if (result == CUDA_ERROR_NOT_SUPPORTED || (result != CUDA_SUCCESS && version < 12020)) {
        SKIP("no chunks in host memory here: %s", conf_error_name(result));
    }
    OK(result);
    return chunk;
}

CASE(host_numa, chunk_is_mapped_for_the_device) {
    CUdeviceptr address = 0;
    conf_context();
    CUmemGenericAllocationHandle chunk = host_chunk(CHUNK);
    conf_map_chunk(chunk, CHUNK, &address);
    conf_fill(address, CHUNK / 4, 31, NULL);
    EQ(conf_mismatches(address, CHUNK / 4, 31), 0);
    OK(cu(cuMemUnmap)(address, CHUNK));
    OK(cu(cuMemRelease)(chunk));
    OK(cu(cuMemAddressFree)(address, CHUNK));
}

CASE(host_numa, contents_move_out_and_in_at_the_same_address) {
    CUdeviceptr address = 0;
    CUdeviceptr aside = 0;
    conf_context();
    CUmemAccessDesc access = {.location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = 0},
                              .flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
    CUmemGenericAllocationHandle host = host_chunk(CHUNK);
    CUmemGenericAllocationHandle device = conf_mapped_chunk(CHUNK, false, &address);
    conf_map_chunk(host, CHUNK, &aside);
    conf_fill(address, CHUNK / 4, 55, NULL);
    OK(cu(cuMemcpyDtoD_v2)(aside, address, CHUNK));
    OK(cu(cuCtxSynchronize)());
    OK(cu(cuMemUnmap)(address, CHUNK));
    OK(cu(cuMemRelease)(device));
    OK(cu(cuMemMap)(address, CHUNK, 0, host, 0));
    OK(cu(cuMemSetAccess)(address, CHUNK, &access, 1));
    EQ(conf_mismatches(address, CHUNK / 4, 55), 0);
}

CASE(host_numa, chunk_takes_no_device_memory) {
    conf_context();
    OK(cu(cuMemRelease)(host_chunk(CHUNK)));
    uint64_t before = conf_room();
    CUmemGenericAllocationHandle chunk = host_chunk(256 * MIB);
    CHECK(conf_room() + CONF_NOISE >= before);
    OK(cu(cuMemRelease)(chunk));
}

/* As the owner of a pool does: no context, chunks kept as descriptors only. */
static void owner(int channel, void *unused) {
    (void)unused;
    int fd = -1;
    CUcontext current = NULL;
    conf_device();
    CUmemGenericAllocationHandle chunk = host_chunk(CHUNK);
    OK(cu(cuMemExportToShareableHandle)(&fd, chunk, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0));
    OK(cu(cuMemRelease)(chunk));
    OK(cu(cuCtxGetCurrent)(&current));
    CHECK(current == NULL);
    conf_send_fd(channel, fd);
    CHECK(close(fd) == 0);
    conf_await(channel);
}

CASE(host_numa, chunk_made_without_a_context_is_used_by_others) {
    CUdeviceptr address = 0;
    CUmemGenericAllocationHandle chunk = 0;
    struct conf_peer peer = conf_start(owner, NULL);
    int fd = conf_receive_fd(peer.channel);
    conf_context();
    OK(cu(cuMemImportFromShareableHandle)(&chunk, (void *)(uintptr_t)fd, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR));
    CHECK(close(fd) == 0);
    conf_signal(peer.channel);
    conf_join(&peer);
    conf_map_chunk(chunk, CHUNK, &address);
    conf_fill(address, CHUNK / 4, 99, NULL);
    EQ(conf_mismatches(address, CHUNK / 4, 99), 0);
    CUdeviceptr plain = conf_alloc(CHUNK);
    OK(cu(cuMemcpyDtoD_v2)(plain, address, CHUNK));
    EQ(conf_mismatches(plain, CHUNK / 4, 99), 0);
}
