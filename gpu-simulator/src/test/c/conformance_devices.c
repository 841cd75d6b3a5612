/* Devices: count, names, identity, attributes; all without a context. */
#include "conformance.h"

#include <stdio.h>
#include <string.h>

CASE(devices, ordinals_outside_the_count_are_refused) {
    int count = 0;
    CUdevice device = -7;
    OK(cu(cuInit)(0));
    OK(cu(cuDeviceGetCount)(&count));
    CHECK(count >= 1);
    for (int i = 0; i < count; i++) {
        OK(cu(cuDeviceGet)(&device, i));
    }
    IS(CUDA_ERROR_INVALID_DEVICE, cu(cuDeviceGet)(&device, count));
    ONE_OF(cu(cuDeviceGet)(&device, -1), CUDA_ERROR_INVALID_DEVICE, CUDA_ERROR_INVALID_VALUE);
}

CASE(devices, have_a_name) {
    char name[256];
    memset(name, 'x', sizeof name);
    OK(cu(cuDeviceGetName)(name, sizeof name, conf_device()));
    size_t length = strnlen(name, sizeof name);
    CHECK(length > 0 && length < sizeof name);
}

CASE(devices, have_distinct_uuids) {
    int count = 0;
    CUuuid uuids[64];
    static const CUuuid ZERO;
    OK(cu(cuInit)(0));
    OK(cu(cuDeviceGetCount)(&count));
    for (int i = 0; i < count && i < 64; i++) {
        OK(cu(cuDeviceGetUuid_v2)(&uuids[i], i));
        CHECK(memcmp(&uuids[i], &ZERO, sizeof ZERO) != 0);
        for (int j = 0; j < i; j++) {
            CHECK(memcmp(&uuids[i], &uuids[j], sizeof ZERO) != 0);
        }
    }
}

CASE(devices, are_found_by_pci_bus_id) {
    char text[64];
    unsigned domain = 0;
    unsigned bus = 0;
    unsigned slot = 0;
    CUdevice device = conf_device();
    CUdevice found = -1;
    OK(cu(cuDeviceGetPCIBusId)(text, sizeof text, device));
    CHECK(sscanf(text, "%x:%x:%x", &domain, &bus, &slot) == 3);
    EQ(domain, conf_attribute(CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID));
    EQ(bus, conf_attribute(CU_DEVICE_ATTRIBUTE_PCI_BUS_ID));
    EQ(slot, conf_attribute(CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID));
    OK(cu(cuDeviceGetByPCIBusId)(&found, text));
    EQ(found, device);
}

CASE(devices, no_device_has_a_foreign_pci_bus_id) {
    CUdevice found = -1;
    conf_device();
    FAILS(cu(cuDeviceGetByPCIBusId)(&found, "ffff:fe:1f.0"));
    FAILS(cu(cuDeviceGetByPCIBusId)(&found, "no bus id"));
}

CASE(devices, attributes_are_plausible) {
    CHECK(conf_attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) >= 7);
    EQ(conf_attribute(CU_DEVICE_ATTRIBUTE_WARP_SIZE), 32);
    EQ(conf_attribute(CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK), 1024);
    EQ(conf_attribute(CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X), 1024);
    EQ(conf_attribute(CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X), 2147483647);
    EQ(conf_attribute(CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING), 1);
    EQ(conf_attribute(CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY), 1);
    EQ(conf_attribute(CU_DEVICE_ATTRIBUTE_CONCURRENT_KERNELS), 1);
    CHECK(conf_attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT) > 0);
    CHECK(conf_attribute(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK) >= 48 * 1024);
    CHECK(conf_attribute(CU_DEVICE_ATTRIBUTE_TOTAL_CONSTANT_MEMORY) >= 64 * 1024);
    CHECK(conf_attribute(CU_DEVICE_ATTRIBUTE_REGISTERS_PER_BLOCK) > 0);
    CHECK(conf_attribute(CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT) >= 1);
    CHECK(conf_attribute(CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR) >= 1024);
    CHECK(conf_attribute(CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE) > 0);
    CHECK(conf_attribute(CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH) > 0);
}

CASE(devices, compute_capability_agrees_with_the_attributes) {
    int major = 0;
    int minor = -1;
    OK(cu(cuDeviceComputeCapability)(&major, &minor, conf_device()));
    EQ(major, conf_attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR));
    EQ(minor, conf_attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR));
}

CASE(devices, unknown_attributes_and_devices_are_refused) {
    int value = 0;
    int count = 0;
    CUdevice device = conf_device();
    OK(cu(cuDeviceGetCount)(&count));
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuDeviceGetAttribute)(&value, (CUdevice_attribute)100000, device));
    IS(CUDA_ERROR_INVALID_DEVICE, cu(cuDeviceGetAttribute)(&value, CU_DEVICE_ATTRIBUTE_WARP_SIZE, count));
    IS(CUDA_ERROR_INVALID_DEVICE, cu(cuDeviceGetAttribute)(&value, CU_DEVICE_ATTRIBUTE_WARP_SIZE, 1000));
}

CASE(devices, total_memory_agrees_with_the_context) {
    size_t total = 0;
    OK(cu(cuDeviceTotalMem_v2)(&total, conf_device()));
    CHECK(total >= GIB);
    conf_context();
    uint64_t in_context = conf_total();
    CHECK(in_context <= total && in_context >= total - total / 20);
}

CASE(devices, foreign_devices_have_no_memory) {
    size_t total = 0;
    conf_device();
    IS(CUDA_ERROR_INVALID_DEVICE, cu(cuDeviceTotalMem_v2)(&total, 1000));
}

CASE(devices, second_one_works_beside_the_first) {
    int count = 0;
    CUcontext contexts[2];
    CUdeviceptr addresses[2];
    uint32_t values[2] = {0, 0};
    OK(cu(cuInit)(0));
    OK(cu(cuDeviceGetCount)(&count));
    if (count < 2) {
        SKIP("needs two devices");
    }
    for (int i = 0; i < 2; i++) {
        CUdevice device = -1;
        OK(cu(cuDevicePrimaryCtxRetain)(&contexts[i], i));
        OK(cu(cuCtxSetCurrent)(contexts[i]));
        OK(cu(cuCtxGetDevice)(&device));
        EQ(device, i);
        addresses[i] = conf_alloc(4 * MIB);
        OK(cu(cuMemsetD32_v2)(addresses[i], 70u + (unsigned)i, MIB));
        int ordinal = -1;
        OK(cu(cuPointerGetAttribute)(&ordinal, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL, addresses[i]));
        EQ(ordinal, i);
    }
    CHECK(addresses[0] != addresses[1]);
    OK(cu(cuMemcpyPeer)(addresses[1], contexts[1], addresses[0], contexts[0], 2 * MIB));
    OK(cu(cuCtxSynchronize)());
    OK(cu(cuMemcpyDtoH_v2)(&values[0], addresses[1], sizeof values[0]));
    OK(cu(cuMemcpyDtoH_v2)(&values[1], addresses[1] + 2 * MIB, sizeof values[1]));
    EQ(values[0], 70);
    EQ(values[1], 71);
}

CASE(devices, room_of_one_is_not_the_others) {
    int count = 0;
    CUcontext contexts[2];
    OK(cu(cuInit)(0));
    OK(cu(cuDeviceGetCount)(&count));
    if (count < 2) {
        SKIP("needs two devices");
    }
    for (int i = 0; i < 2; i++) {
        OK(cu(cuDevicePrimaryCtxRetain)(&contexts[i], i));
    }
    OK(cu(cuCtxSetCurrent)(contexts[1]));
    uint64_t before = conf_room();
    OK(cu(cuCtxSetCurrent)(contexts[0]));
    conf_alloc(256 * MIB);
    OK(cu(cuCtxSetCurrent)(contexts[1]));
    CHECK(conf_room() + CONF_NOISE >= before);
}
