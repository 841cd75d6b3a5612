/* Virtual memory: ranges, chunks, mappings, access. */
#include "conformance.h"

#include <string.h>

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

CASE(vmm, granularity_is_a_power_of_two) {
    size_t minimum = 0;
    size_t recommended = 0;
    need_vmm();
    CUmemAllocationProp prop = conf_device_prop(false);
    OK(cu(cuMemGetAllocationGranularity)(&minimum, &prop, CU_MEM_ALLOC_GRANULARITY_MINIMUM));
    OK(cu(cuMemGetAllocationGranularity)(&recommended, &prop, CU_MEM_ALLOC_GRANULARITY_RECOMMENDED));
    CHECK(minimum >= 4096 && (minimum & (minimum - 1)) == 0);
    CHECK(recommended >= minimum && recommended % minimum == 0);
}

CASE(vmm, chunk_mapped_and_used) {
    CUdeviceptr address = 0;
    need_vmm();
    CUmemGenericAllocationHandle chunk = conf_mapped_chunk(CHUNK, false, &address);
    conf_fill(address, CHUNK / 4, 42, NULL);
    EQ(conf_mismatches(address, CHUNK / 4, 42), 0);
    OK(cu(cuMemsetD32_v2)(address, 43, 1));
    EQ(conf_mismatches(address, CHUNK / 4, 42), 1);
    OK(cu(cuMemUnmap)(address, CHUNK));
    OK(cu(cuMemRelease)(chunk));
    OK(cu(cuMemAddressFree)(address, CHUNK));
}

CASE(vmm, sizes_off_the_granularity_are_refused) {
    CUmemGenericAllocationHandle chunk = 0;
    need_vmm();
    CUmemAllocationProp prop = conf_device_prop(false);
    uint64_t granularity = conf_granularity();
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuMemCreate)(&chunk, granularity + 4096, &prop, 0));
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuMemCreate)(&chunk, 0, &prop, 0));
    CUdeviceptr address = 0;
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuMemAddressReserve)(&address, 0, 0, 0, 0));
}

CASE(vmm, chunk_larger_than_the_device_is_out_of_memory) {
    CUmemGenericAllocationHandle chunk = 0;
    need_vmm();
    CUmemAllocationProp prop = conf_device_prop(false);
    uint64_t bytes = (2 * conf_total() / GIB) * GIB;
    IS(CUDA_ERROR_OUT_OF_MEMORY, cu(cuMemCreate)(&chunk, bytes, &prop, 0));
    OK(cu(cuMemRelease)(chunk_of(CHUNK)));
}

CASE(vmm, chunks_take_room_when_created_and_ranges_do_not) {
    CUdeviceptr address = 0;
    need_vmm();
    uint64_t before = conf_room();
    OK(cu(cuMemAddressReserve)(&address, 64 * GIB, 0, 0, 0));
    CHECK(conf_room() + CONF_NOISE >= before);
    OK(cu(cuMemAddressFree)(address, 64 * GIB));
    CUmemGenericAllocationHandle chunk = chunk_of(256 * MIB);
    CHECK(conf_room() + 256 * MIB <= before);
    OK(cu(cuMemRelease)(chunk));
    CHECK(conf_wait_for_room(before - CONF_NOISE));
}

CASE(vmm, released_chunk_lives_while_it_is_mapped) {
    CUdeviceptr address = 0;
    need_vmm();
    uint64_t before = conf_room();
    OK(cu(cuMemRelease)(conf_mapped_chunk(256 * MIB, false, &address)));
    CHECK(conf_room() + 256 * MIB <= before);
    conf_fill(address, MIB, 6, NULL);
    EQ(conf_mismatches(address, MIB, 6), 0);
    OK(cu(cuMemUnmap)(address, 256 * MIB));
    OK(cu(cuMemAddressFree)(address, 256 * MIB));
    CHECK(conf_wait_for_room(before - CONF_NOISE));
}

CASE(vmm, neighbouring_chunks_are_one_memory) {
    CUdeviceptr address = 0;
    need_vmm();
    CUmemAccessDesc access = read_write();
    OK(cu(cuMemAddressReserve)(&address, 4 * CHUNK, 0, 0, 0));
    for (uint64_t i = 0; i < 4; i++) {
        CUmemGenericAllocationHandle chunk = chunk_of(CHUNK);
        OK(cu(cuMemMap)(address + i * CHUNK, CHUNK, 0, chunk, 0));
        OK(cu(cuMemRelease)(chunk));
    }
    OK(cu(cuMemSetAccess)(address, 4 * CHUNK, &access, 1));
    conf_fill(address, CHUNK, 8, NULL);
    EQ(conf_mismatches(address, CHUNK, 8), 0);
    uint32_t words[4] = {1, 2, 3, 4};
    OK(cu(cuMemcpyHtoD_v2)(address + CHUNK - 8, words, sizeof words));
    memset(words, 0, sizeof words);
    OK(cu(cuMemcpyDtoH_v2)(words, address + CHUNK - 8, sizeof words));
    CHECK(words[0] == 1 && words[1] == 2 && words[2] == 3 && words[3] == 4);
    for (uint64_t i = 0; i < 4; i++) {
        OK(cu(cuMemUnmap)(address + i * CHUNK, CHUNK));
    }
    OK(cu(cuMemAddressFree)(address, 4 * CHUNK));
}

static unsigned long long access_of(CUdevice device, CUdeviceptr address) {
    CUmemLocation where = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = device};
    unsigned long long flags = 77;
    OK(cu(cuMemGetAccess)(&flags, &where, address));
    return flags;
}

CASE(vmm, access_of_one_device_leaves_the_others_alone) {
    CUdeviceptr address = 0;
    int count = 0;
    need_vmm();
    OK(cu(cuDeviceGetCount)(&count));
    if (count < 2) {
        SKIP("needs two devices");
    }
    int reachable = 0;
    CUdevice own = conf_device(), peer = own + 1;
    OK(cu(cuDeviceCanAccessPeer)(&reachable, peer, own));
    if (!reachable) {
        SKIP("needs two devices that can reach each other");
    }
    CUmemAccessDesc access = read_write();
    conf_mapped_chunk(CHUNK, false, &address);
    EQ(access_of(own, address), CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    EQ(access_of(peer, address), 0);
    access.location.id = peer;
    OK(cu(cuMemSetAccess)(address, CHUNK, &access, 1));
    EQ(access_of(own, address), CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    EQ(access_of(peer, address), CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    access.flags = CU_MEM_ACCESS_FLAGS_PROT_NONE;
    OK(cu(cuMemSetAccess)(address, CHUNK, &access, 1));
    EQ(access_of(own, address), CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    EQ(access_of(peer, address), 0);
    conf_fill(address, CHUNK / 4, 5, NULL);
    EQ(conf_mismatches(address, CHUNK / 4, 5), 0);
}

CASE(vmm, part_of_a_map_is_not_unmapped) {
    CUdeviceptr address = 0;
    need_vmm();
    conf_mapped_chunk(CHUNK, false, &address);
    FAILS(cu(cuMemUnmap)(address, CHUNK / 2));
    FAILS(cu(cuMemUnmap)(address + CHUNK / 2, CHUNK / 2));
    conf_fill(address, CHUNK / 4, 3, NULL);
    EQ(conf_mismatches(address, CHUNK / 4, 3), 0);
    OK(cu(cuMemUnmap)(address, CHUNK));
}

CASE(vmm, mapped_range_is_not_mapped_again) {
    CUdeviceptr address = 0;
    need_vmm();
    conf_mapped_chunk(CHUNK, false, &address);
    FAILS(cu(cuMemMap)(address, CHUNK, 0, chunk_of(CHUNK), 0));
}

CASE(vmm, map_needs_a_reserved_range) {
    CUdeviceptr address = 0;
    need_vmm();
    OK(cu(cuMemAddressReserve)(&address, CHUNK, 0, 0, 0));
    OK(cu(cuMemAddressFree)(address, CHUNK));
    FAILS(cu(cuMemMap)(address, CHUNK, 0, chunk_of(CHUNK), 0));
}

CASE(vmm, chunks_change_places_and_keep_contents) {
    CUdeviceptr address = 0;
    CUmemGenericAllocationHandle chunks[2];
    need_vmm();
    CUmemAccessDesc access = read_write();
    OK(cu(cuMemAddressReserve)(&address, CHUNK, 0, 0, 0));
    for (unsigned i = 0; i < 2; i++) {
        chunks[i] = chunk_of(CHUNK);
        OK(cu(cuMemMap)(address, CHUNK, 0, chunks[i], 0));
        OK(cu(cuMemSetAccess)(address, CHUNK, &access, 1));
        conf_fill(address, CHUNK / 4, 100 + i, NULL);
        OK(cu(cuCtxSynchronize)());
        OK(cu(cuMemUnmap)(address, CHUNK));
    }
    for (unsigned round = 0; round < 4; round++) {
        OK(cu(cuMemMap)(address, CHUNK, 0, chunks[round % 2], 0));
        OK(cu(cuMemSetAccess)(address, CHUNK, &access, 1));
        EQ(conf_mismatches(address, CHUNK / 4, 100 + round % 2), 0);
        OK(cu(cuMemUnmap)(address, CHUNK));
    }
}

CASE(vmm, one_chunk_at_two_addresses) {
    CUdeviceptr one = 0;
    CUdeviceptr two = 0;
    need_vmm();
    CUmemGenericAllocationHandle chunk = conf_mapped_chunk(CHUNK, false, &one);
    conf_map_chunk(chunk, CHUNK, &two);
    CHECK(one != two);
    conf_fill(one, CHUNK / 4, 21, NULL);
    OK(cu(cuCtxSynchronize)());
    EQ(conf_mismatches(two, CHUNK / 4, 21), 0);
}

CASE(vmm, ranges_are_aligned_as_asked) {
    CUdeviceptr address = 0;
    need_vmm();
    OK(cu(cuMemAddressReserve)(&address, CHUNK, GIB, 0, 0));
    EQ(address % GIB, 0);
    OK(cu(cuMemAddressFree)(address, CHUNK));
    FAILS(cu(cuMemAddressFree)(address, CHUNK));
}

CASE(vmm, copies_to_unmapped_ranges_are_refused) {
    CUdeviceptr address = 0;
    uint32_t word = 1;
    need_vmm();
    OK(cu(cuMemAddressReserve)(&address, CHUNK, 0, 0, 0));
    FAILS(cu(cuMemcpyHtoD_v2)(address, &word, sizeof word));
    FAILS(cu(cuMemFree_v2)(address));
}
