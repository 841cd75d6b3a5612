/* Pointers: what the driver tells about an address. */
#include "conformance.h"

CASE(pointers, give_their_range_from_inside) {
    CUdeviceptr base = 0;
    size_t size = 0;
    conf_context();
    CUdeviceptr address = conf_alloc(6 * MIB);
    OK(cu(cuMemGetAddressRange_v2)(&base, &size, address + 5 * MIB));
    EQ(base, address);
    CHECK(size >= 6 * MIB);
    OK(cu(cuMemGetAddressRange_v2)(NULL, &size, address));
    OK(cu(cuMemGetAddressRange_v2)(&base, NULL, address));
    OK(cu(cuMemFree_v2)(address));
    ONE_OF(cu(cuMemGetAddressRange_v2)(&base, &size, address), CUDA_ERROR_NOT_FOUND, CUDA_ERROR_INVALID_VALUE);
}

CASE(pointers, attributes_of_device_memory) {
    unsigned type = 0;
    unsigned managed = 7;
    int ordinal = -1;
    CUdeviceptr start = 0;
    size_t size = 0;
    CUcontext context = NULL;
    CUcontext current = conf_context();
    CUdeviceptr address = conf_alloc(4 * MIB);
    CUdeviceptr inside = address + 12345;
    OK(cu(cuPointerGetAttribute)(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, inside));
    EQ(type, CU_MEMORYTYPE_DEVICE);
    OK(cu(cuPointerGetAttribute)(&ordinal, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL, inside));
    EQ(ordinal, 0);
    OK(cu(cuPointerGetAttribute)(&start, CU_POINTER_ATTRIBUTE_RANGE_START_ADDR, inside));
    EQ(start, address);
    OK(cu(cuPointerGetAttribute)(&size, CU_POINTER_ATTRIBUTE_RANGE_SIZE, inside));
    CHECK(size >= 4 * MIB);
    OK(cu(cuPointerGetAttribute)(&context, CU_POINTER_ATTRIBUTE_CONTEXT, inside));
    CHECK(context == current);
    OK(cu(cuPointerGetAttribute)(&managed, CU_POINTER_ATTRIBUTE_IS_MANAGED, inside));
    EQ(managed & 0xff, 0);
}

CASE(pointers, have_distinct_buffer_ids) {
    unsigned long long ids[2] = {0, 0};
    conf_context();
    OK(cu(cuPointerGetAttribute)(&ids[0], CU_POINTER_ATTRIBUTE_BUFFER_ID, conf_alloc(4 * MIB)));
    OK(cu(cuPointerGetAttribute)(&ids[1], CU_POINTER_ATTRIBUTE_BUFFER_ID, conf_alloc(4 * MIB)));
    CHECK(ids[0] != ids[1]);
}

CASE(pointers, attributes_of_unknown_memory) {
    static char here[4096];
    unsigned type = 77;
    int ordinal = 0;
    conf_context();
    IS(CUDA_ERROR_INVALID_VALUE,
       cu(cuPointerGetAttribute)(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, (CUdeviceptr)(uintptr_t)here));
    CUpointer_attribute wanted[] = {CU_POINTER_ATTRIBUTE_MEMORY_TYPE, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL};
    void *values[] = {&type, &ordinal};
    OK(cu(cuPointerGetAttributes)(2, wanted, values, (CUdeviceptr)(uintptr_t)here));
    EQ(type, 0);
}

CASE(pointers, many_attributes_at_once) {
    unsigned type = 0;
    int ordinal = -1;
    size_t size = 0;
    CUpointer_attribute wanted[] = {CU_POINTER_ATTRIBUTE_MEMORY_TYPE, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL,
                                    CU_POINTER_ATTRIBUTE_RANGE_SIZE};
    void *values[] = {&type, &ordinal, &size};
    conf_context();
    OK(cu(cuPointerGetAttributes)(3, wanted, values, conf_alloc(2 * MIB)));
    EQ(type, CU_MEMORYTYPE_DEVICE);
    EQ(ordinal, 0);
    CHECK(size >= 2 * MIB);
}
