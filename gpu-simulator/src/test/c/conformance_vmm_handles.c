/* Virtual memory: access rights, and handles and what they say. */
#include <fcntl.h>
#include <unistd.h>

#include "conformance.h"

#define CHUNK (32 * MIB)

static CUmemAccessDesc read_write(void) {
    return (CUmemAccessDesc){.location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = conf_device()},
                             .flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
}

static CUmemGenericAllocationHandle chunk_of(uint64_t bytes) {
    CUmemAllocationProp prop = conf_device_prop(false);
    CUmemGenericAllocationHandle chunk = 0;
    OK(cu(cuMemCreate)(&chunk, bytes, &prop, 0));
    return chunk;
}

static void need_vmm(void) {
    conf_context();
    if (conf_attribute(CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED) == 0) {
        SKIP("the device has no virtual memory management");
    }
}

CASE(vmm_handles, access_is_what_was_set) {
    CUdeviceptr address = 0;
    unsigned long long flags = 77;
    need_vmm();
    CUmemAccessDesc access = read_write();
    OK(cu(cuMemAddressReserve)(&address, CHUNK, 0, 0, 0));
    OK(cu(cuMemMap)(address, CHUNK, 0, chunk_of(CHUNK), 0));
    OK(cu(cuMemSetAccess)(address, CHUNK, &access, 1));
    OK(cu(cuMemGetAccess)(&flags, &access.location, address));
    EQ(flags, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
}

CASE(vmm_handles, access_to_unmapped_ranges_is_not_set) {
    CUdeviceptr address = 0;
    need_vmm();
    CUmemAccessDesc access = read_write();
    OK(cu(cuMemAddressReserve)(&address, CHUNK, 0, 0, 0));
    FAILS(cu(cuMemSetAccess)(address, CHUNK, &access, 1));
}

CASE(vmm_handles, handle_is_found_from_the_address) {
    CUdeviceptr address = 0;
    CUmemGenericAllocationHandle found = 0;
    CUmemAllocationProp prop;
    need_vmm();
    CUmemGenericAllocationHandle chunk = conf_mapped_chunk(CHUNK, true, &address);
    OK(cu(cuMemRetainAllocationHandle)(&found, (void *)(uintptr_t)(address + CHUNK / 2)));
    OK(cu(cuMemGetAllocationPropertiesFromHandle)(&prop, found));
    EQ(prop.type, CU_MEM_ALLOCATION_TYPE_PINNED);
    EQ(prop.location.type, CU_MEM_LOCATION_TYPE_DEVICE);
    EQ(prop.location.id, 0);
    EQ(prop.requestedHandleTypes, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR);
    OK(cu(cuMemRelease)(chunk));
    OK(cu(cuMemUnmap)(address, CHUNK));
    OK(cu(cuMemMap)(address, CHUNK, 0, found, 0));
    OK(cu(cuMemUnmap)(address, CHUNK));
    OK(cu(cuMemRelease)(found));
    FAILS(cu(cuMemRetainAllocationHandle)(&found, (void *)(uintptr_t)address));
}

CASE(vmm_handles, plain_allocations_have_no_handle) {
    CUmemGenericAllocationHandle found = 0;
    need_vmm();
    FAILS(cu(cuMemRetainAllocationHandle)(&found, (void *)(uintptr_t)conf_alloc(4 * MIB)));
}

CASE(vmm_handles, pointer_attributes_of_a_mapping) {
    CUdeviceptr address = 0;
    unsigned type = 0;
    need_vmm();
    conf_mapped_chunk(CHUNK, false, &address);
    OK(cu(cuPointerGetAttribute)(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, address + 4096));
    EQ(type, CU_MEMORYTYPE_DEVICE);
}

CASE(vmm_handles, unknown_handles_are_refused) {
    CUdeviceptr address = 0;
    need_vmm();
    OK(cu(cuMemAddressReserve)(&address, CHUNK, 0, 0, 0));
    FAILS(cu(cuMemMap)(address, CHUNK, 0, 0, 0));
    FAILS(cu(cuMemRelease)(0));
}

CASE(vmm_handles, properties_that_make_no_sense_are_refused) {
    CUmemGenericAllocationHandle chunk = 0;
    need_vmm();
    CUmemAllocationProp prop = conf_device_prop(false);
    prop.type = CU_MEM_ALLOCATION_TYPE_INVALID;
    FAILS(cu(cuMemCreate)(&chunk, CHUNK, &prop, 0));
    prop = conf_device_prop(false);
    prop.location.id = 1000;
    ONE_OF(cu(cuMemCreate)(&chunk, CHUNK, &prop, 0), CUDA_ERROR_INVALID_DEVICE, CUDA_ERROR_INVALID_VALUE);
    prop = conf_device_prop(false);
    prop.location.type = CU_MEM_LOCATION_TYPE_INVALID;
    FAILS(cu(cuMemCreate)(&chunk, CHUNK, &prop, 0));
}

CASE(vmm_handles, a_dma_buf_is_a_descriptor_of_what_is_mapped) {
    CUdeviceptr address = 0;
    int fd = -1;
    need_vmm();
    if (conf_attribute(CU_DEVICE_ATTRIBUTE_DMA_BUF_SUPPORTED) == 0) SKIP("the device has no dma-bufs");
    conf_mapped_chunk(CHUNK, true, &address);
    OK(cu(cuMemGetHandleForAddressRange)(&fd, address, CHUNK, CU_MEM_RANGE_HANDLE_TYPE_DMA_BUF_FD, 0));
    CHECK(fcntl(fd, F_GETFD) >= 0);
    close(fd);
    FAILS(cu(cuMemGetHandleForAddressRange)(&fd, address + 1, CHUNK / 2, CU_MEM_RANGE_HANDLE_TYPE_DMA_BUF_FD, 0));
    FAILS(cu(cuMemGetHandleForAddressRange)(&fd, address, 0, CU_MEM_RANGE_HANDLE_TYPE_DMA_BUF_FD, 0));
    OK(cu(cuMemUnmap)(address, CHUNK));
    FAILS(cu(cuMemGetHandleForAddressRange)(&fd, address, CHUNK, CU_MEM_RANGE_HANDLE_TYPE_DMA_BUF_FD, 0));
}
