/* See support_segments.h. */
#include "support_segments.h"

CUmemAllocationProp segment_properties(bool exportable)
{
    CUmemAllocationProp properties = {.type = CU_MEM_ALLOCATION_TYPE_PINNED,
        .requestedHandleTypes = exportable ? CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR : CU_MEM_HANDLE_TYPE_NONE};
    properties.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    properties.location.id = moving_device();
    return properties;
}

CUmemGenericAllocationHandle segment_make(uint64_t bytes, bool exportable)
{
    CUmemGenericAllocationHandle handle = 0;
    CUmemAllocationProp properties = segment_properties(exportable);
    CHECK_EQ(CU(cuMemCreate)(&handle, bytes, &properties, 0), CUDA_SUCCESS);
    return handle;
}

CUdeviceptr segment_reserve(uint64_t bytes)
{
    CUdeviceptr address = 0;
    CHECK_EQ(CU(cuMemAddressReserve)(&address, bytes, 0, 0, 0), CUDA_SUCCESS);
    return address;
}

void segment_map(CUdeviceptr address, uint64_t bytes, CUmemGenericAllocationHandle handle)
{
    CHECK_EQ(CU(cuMemMap)(address, bytes, 0, handle, 0), CUDA_SUCCESS);
}

void segment_access(CUdeviceptr address, uint64_t bytes, CUmemAccess_flags flags)
{
    CUmemAccessDesc access = {.flags = flags};
    access.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    access.location.id = moving_device();
    CHECK_EQ(CU(cuMemSetAccess)(address, bytes, &access, 1), CUDA_SUCCESS);
}

void segment_put(CUdeviceptr address, uint64_t bytes, CUmemGenericAllocationHandle *handle)
{
    CUmemGenericAllocationHandle made = segment_make(bytes, false);
    segment_map(address, bytes, made);
    segment_access(address, bytes, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    if (handle == NULL) {
        segment_release(made);
    } else {
        *handle = made;
    }
}

void segment_unmap(CUdeviceptr address, uint64_t bytes)
{
    CHECK_EQ(CU(cuMemUnmap)(address, bytes), CUDA_SUCCESS);
}

void segment_release(CUmemGenericAllocationHandle handle)
{
    CHECK_EQ(CU(cuMemRelease)(handle), CUDA_SUCCESS);
}

void segments_go_out_and_in(const struct moving *m, uint64_t bytes)
{
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_demoted, bytes));
    CHECK_EQ(moving_used(m), 0);
    CHECK_EQ(moving_movable(m), 0);
    moving_resident(m, ALQ_RESIDENT_ALL);
    CHECK(moving_becomes(m, moving_demoted, 0));
    CHECK_EQ(moving_used(m), bytes);
    CHECK_EQ(moving_movable(m), bytes);
}

void segments_are_gone(const struct moving *m, uint64_t truth)
{
    CHECK(moving_becomes(m, moving_used, 0));
    CHECK_EQ(moving_movable(m), 0);
    CHECK_EQ(moving_demoted(m), 0);
    CHECK(moving_chunks_are_back(m));
    CHECK_EQ(truth_bytes(m->world, 0, 0), truth);
}
