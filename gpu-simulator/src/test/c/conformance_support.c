/* Situations that most cases start from. */
#include "conformance.h"

#include <errno.h>
#include <time.h>

uint64_t conf_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

void conf_sleep_ms(unsigned ms) {
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000l};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

CUdevice conf_device(void) {
    CUdevice device = -1;
    OK(cu(cuInit)(0));
    OK(cu(cuDeviceGet)(&device, 0));
    return device;
}

CUcontext conf_context(void) {
    CUcontext context = NULL;
    OK(cu(cuDevicePrimaryCtxRetain)(&context, conf_device()));
    CHECK(context != NULL);
    OK(cu(cuCtxSetCurrent)(context));
    return context;
}

int conf_attribute(CUdevice_attribute attribute) {
    int value = 0;
    CUresult result = cu(cuDeviceGetAttribute)(&value, attribute, conf_device());
    return result == CUDA_SUCCESS ? value : 0;
}

uint64_t conf_room(void) {
    size_t room = 0;
    size_t total = 0;
    OK(cu(cuMemGetInfo_v2)(&room, &total));
    CHECK(room <= total);
    return room;
}

uint64_t conf_total(void) {
    size_t room = 0;
    size_t total = 0;
    OK(cu(cuMemGetInfo_v2)(&room, &total));
    return total;
}

bool conf_wait_for_room(uint64_t bytes) {
    uint64_t deadline = conf_now_ns() + CONF_PATIENCE_MS * 1000000ull;
    while (conf_room() < bytes) {
        if (conf_now_ns() > deadline) {
            return false;
        }
        conf_sleep_ms(20);
    }
    return true;
}

CUdeviceptr conf_alloc(uint64_t bytes) {
    CUdeviceptr address = 0;
    OK(cu(cuMemAlloc_v2)(&address, bytes));
    CHECK(address != 0);
    return address;
}

CUstream conf_stream(void) {
    CUstream stream = NULL;
    OK(cu(cuStreamCreate)(&stream, CU_STREAM_NON_BLOCKING));
    CHECK(stream != NULL);
    return stream;
}

CUmemAllocationProp conf_device_prop(bool exportable) {
    return (CUmemAllocationProp){
        .type = CU_MEM_ALLOCATION_TYPE_PINNED,
        .requestedHandleTypes = exportable ? CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR : CU_MEM_HANDLE_TYPE_NONE,
        .location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = conf_device()},
    };
}

uint64_t conf_granularity(void) {
    CUmemAllocationProp prop = conf_device_prop(false);
    size_t granularity = 0;
    OK(cu(cuMemGetAllocationGranularity)(&granularity, &prop, CU_MEM_ALLOC_GRANULARITY_MINIMUM));
    return granularity;
}

void conf_map_chunk(CUmemGenericAllocationHandle chunk, uint64_t bytes, CUdeviceptr *address) {
    CUmemAccessDesc access = {
        .location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = conf_device()},
        .flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE,
    };
    OK(cu(cuMemAddressReserve)(address, bytes, 0, 0, 0));
    OK(cu(cuMemMap)(*address, bytes, 0, chunk, 0));
    OK(cu(cuMemSetAccess)(*address, bytes, &access, 1));
}

CUmemGenericAllocationHandle conf_mapped_chunk(uint64_t bytes, bool exportable, CUdeviceptr *address) {
    CUmemAllocationProp prop = conf_device_prop(exportable);
    CUmemGenericAllocationHandle chunk = 0;
    OK(cu(cuMemCreate)(&chunk, bytes, &prop, 0));
    conf_map_chunk(chunk, bytes, address);
    return chunk;
}
