/* Host memory: pinned, registered, managed. */
#include "conformance.h"

#include <string.h>
#include <sys/mman.h>

CASE(host_memory, pinned_is_seen_by_the_device) {
    void *host = NULL;
    CUdeviceptr device_side = 0;
    unsigned flags = 0;
    unsigned type = 0;
    conf_context();
    OK(cu(cuMemHostAlloc)(&host, 8 * MIB, CU_MEMHOSTALLOC_PORTABLE | CU_MEMHOSTALLOC_DEVICEMAP));
    memset(host, 3, 8 * MIB);
    OK(cu(cuMemHostGetDevicePointer_v2)(&device_side, host, 0));
    EQ(device_side, (uintptr_t)host);
    OK(cu(cuMemHostGetFlags)(&flags, host));
    CHECK((flags & CU_MEMHOSTALLOC_PORTABLE) != 0);
    OK(cu(cuPointerGetAttribute)(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, device_side));
    EQ(type, CU_MEMORYTYPE_HOST);
    EQ(conf_mismatches(device_side, 2 * MIB, 0x03030303), 0);
    conf_fill(device_side, 2 * MIB, 0x04040404, NULL);
    OK(cu(cuCtxSynchronize)());
    CHECK(((unsigned char *)host)[8 * MIB - 1] == 4);
    OK(cu(cuMemFreeHost)(host));
    FAILS(cu(cuMemFreeHost)(host));
}

CASE(host_memory, pinned_takes_no_device_memory) {
    void *host = NULL;
    conf_context();
    uint64_t before = conf_room();
    OK(cu(cuMemHostAlloc)(&host, 256 * MIB, 0));
    CHECK(conf_room() + CONF_NOISE >= before);
    OK(cu(cuMemFreeHost)(host));
}

CASE(host_memory, pinned_by_the_older_call) {
    void *host = NULL;
    uint32_t value = 5;
    conf_context();
    OK(cu(cuMemAllocHost_v2)(&host, 64 * KIB));
    memcpy(host, &value, sizeof value);
    OK(cu(cuMemFreeHost)(host));
}

CASE(host_memory, registered_is_seen_by_the_device) {
    CUdeviceptr device_side = 0;
    void *host = mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(host != MAP_FAILED);
    conf_context();
    memset(host, 9, 4 * MIB);
    OK(cu(cuMemHostRegister_v2)(host, 4 * MIB, CU_MEMHOSTREGISTER_DEVICEMAP));
    IS(CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED, cu(cuMemHostRegister_v2)(host, 4 * MIB, CU_MEMHOSTREGISTER_DEVICEMAP));
    OK(cu(cuMemHostGetDevicePointer_v2)(&device_side, host, 0));
    EQ(conf_mismatches(device_side, MIB, 0x09090909), 0);
    OK(cu(cuMemHostUnregister)(host));
    IS(CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED, cu(cuMemHostUnregister)(host));
    CHECK(((unsigned char *)host)[4 * MIB - 1] == 9);
    FAILS(cu(cuMemHostRegister_v2)(host, 0, 0));
}

CASE(host_memory, managed_is_shared_with_the_device) {
    CUdeviceptr address = 0;
    unsigned managed = 0;
    conf_context();
    if (conf_attribute(CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY) == 0) {
        SKIP("the device has no managed memory");
    }
    OK(cu(cuMemAllocManaged)(&address, 4 * MIB, CU_MEM_ATTACH_GLOBAL));
    OK(cu(cuPointerGetAttribute)(&managed, CU_POINTER_ATTRIBUTE_IS_MANAGED, address));
    EQ(managed & 0xff, 1);
    uint32_t *words = (uint32_t *)(uintptr_t)address;
    for (size_t i = 0; i < MIB; i++) {
        words[i] = 11;
    }
    EQ(conf_mismatches(address, MIB, 11), 0);
    conf_add(address, MIB, 1, NULL);
    OK(cu(cuCtxSynchronize)());
    CHECK(words[0] == 12 && words[MIB - 1] == 12);
    OK(cu(cuMemFree_v2)(address));
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuMemAllocManaged)(&address, 0, CU_MEM_ATTACH_GLOBAL));
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuMemAllocManaged)(&address, 4 * MIB, 0));
}
