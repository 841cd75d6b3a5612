/* Address reservations, mappings, access. */
#include <stdlib.h>

#include "cuda_memory.h"
#include "cuda_stream.h"

static struct sim_reservation {
    uint64_t base, bytes;
    struct sim_reservation *next;
} *reservations;
static pthread_mutex_t vmm_mutex = PTHREAD_MUTEX_INITIALIZER;

static bool reserved(uint64_t base, uint64_t bytes) {
    for (const struct sim_reservation *part = reservations; part != NULL; part = part->next) {
        if (base >= part->base && base - part->base <= part->bytes && bytes <= part->bytes - (base - part->base)) return true;
    }
    return false;
}

CUresult cuMemAddressReserve(CUdeviceptr *out, size_t bytes, size_t align, CUdeviceptr hint, unsigned long long flags) {
    SIM_ENTER();
    SIM_NEED(out != NULL && bytes != 0 && bytes % SIM_PAGE_BYTES == 0 && flags == 0);
    SIM_NEED(align == 0 || (align & (align - 1)) == 0);
    if (align < SIM_PAGE_BYTES) align = SIM_PAGE_BYTES;
    struct sim_reservation *part = malloc(sizeof *part);
    if (part == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    uint64_t base = 0;
    if (hint != 0 && hint % align == 0 && sim_in_window(hint, bytes)) base = sim_space_take(bytes, align, hint, false);
    if (base == 0) base = sim_space_take(bytes, align, 0, false);
    if (base == 0) {
        free(part);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    pthread_mutex_lock(&vmm_mutex);
    *part = (struct sim_reservation){base, bytes, reservations};
    reservations = part;
    pthread_mutex_unlock(&vmm_mutex);
    *out = base;
    return CUDA_SUCCESS;
}

static bool has_mapping(uint64_t base, uint64_t bytes) {
    for (uint64_t at = base; at < base + bytes; at += SIM_PAGE_BYTES) {
        if (sim_space_range(at) != NULL) return true;
    }
    return false;
}

CUresult cuMemAddressFree(CUdeviceptr base, size_t bytes) {
    SIM_ENTER();
    CUresult result = CUDA_ERROR_INVALID_VALUE;
    pthread_mutex_lock(&vmm_mutex);
    for (struct sim_reservation **link = &reservations; *link != NULL; link = &(*link)->next) {
        struct sim_reservation *part = *link;
        if (part->base != base || part->bytes != bytes) continue;
        if (has_mapping(base, bytes)) break;
        *link = part->next;
        free(part);
        sim_space_give(base, bytes);
        result = CUDA_SUCCESS;
        break;
    }
    pthread_mutex_unlock(&vmm_mutex);
    return result;
}

CUresult cuMemMap(CUdeviceptr base, size_t bytes, size_t offset, CUmemGenericAllocationHandle handle, unsigned long long flags) {
    SIM_ENTER();
    struct sim_physical *physical = (struct sim_physical *)handle;
    SIM_NEED(flags == 0 && offset == 0 && bytes != 0 && bytes % SIM_PAGE_BYTES == 0 && base % SIM_PAGE_BYTES == 0);
    SIM_NEED(sim_handle_is(physical, SIM_KIND_PHYSICAL) && bytes <= physical->bytes);
    CUresult result = CUDA_ERROR_INVALID_VALUE;
    pthread_mutex_lock(&vmm_mutex);
    if (reserved(base, bytes)) {
        struct sim_range *range = has_mapping(base, bytes) ? NULL : sim_handle_new(SIM_KIND_RANGE);
        if (range == NULL) {
            result = has_mapping(base, bytes) ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_OUT_OF_MEMORY;
        } else if (!sim_space_map(base, bytes, sim_physical_fd(physical), physical->offset)) {
            sim_handle_free(range);
            result = CUDA_ERROR_OUT_OF_MEMORY;
        } else {
            atomic_fetch_add(&physical->refs, 1);
            range->kind = SIM_RANGE_MAPPING;
            range->base = base;
            range->bytes = range->span = bytes;
            range->physical = physical;
            range->device = physical->device;
            range->ordinal = physical->device == SIM_HOST ? 0 : physical->prop.location.id;
            range->id = sim_new_id();
            sim_space_bind(range, base, bytes);
            result = CUDA_SUCCESS;
        }
    }
    pthread_mutex_unlock(&vmm_mutex);
    return result;
}

/* Whether [base, base + bytes) is made of whole mappings, without gaps. */
static bool whole_mappings(uint64_t base, uint64_t bytes) {
    uint64_t at = base;
    while (at < base + bytes) {
        struct sim_range *range = sim_space_range(at);
        if (range == NULL || range->kind != SIM_RANGE_MAPPING || range->base != at) return false;
        at += range->span;
    }
    return at == base + bytes;
}

CUresult cuMemUnmap(CUdeviceptr base, size_t bytes) {
    SIM_ENTER();
    SIM_NEED(bytes != 0 && bytes % SIM_PAGE_BYTES == 0 && base % SIM_PAGE_BYTES == 0 && sim_in_window(base, bytes));
    sim_context_drain_all();
    CUresult result = CUDA_ERROR_INVALID_VALUE;
    pthread_mutex_lock(&vmm_mutex);
    struct sim_range *range = sim_space_range(base);
    if (range != NULL && range->kind == SIM_RANGE_MAPPING && range->base == base && range->span == bytes) {
        sim_space_bind(NULL, base, bytes);
        sim_space_reset(base, bytes);
        struct sim_physical *physical = range->physical;
        sim_handle_free(range);
        sim_physical_unref(physical);
        result = CUDA_SUCCESS;
    }
    pthread_mutex_unlock(&vmm_mutex);
    return result;
}

CUresult cuMemSetAccess(CUdeviceptr base, size_t bytes, const CUmemAccessDesc *list, size_t count) {
    SIM_ENTER();
    SIM_NEED(list != NULL && count != 0 && bytes != 0 && bytes % SIM_PAGE_BYTES == 0 && sim_in_window(base, bytes));
    uint32_t devices = 0, named = 0, access = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned flags = (unsigned)list[i].flags;
        SIM_NEED(flags == 0 || flags == CU_MEM_ACCESS_FLAGS_PROT_READ || flags == CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
        if (list[i].location.type == CU_MEM_LOCATION_TYPE_DEVICE) {
            if (!sim_ordinal_ok(list[i].location.id)) return CUDA_ERROR_INVALID_DEVICE;
            named |= 1u << list[i].location.id;
            if (flags != 0) devices |= 1u << list[i].location.id;
        } else {
            SIM_NEED(list[i].location.type == CU_MEM_LOCATION_TYPE_HOST || list[i].location.type == CU_MEM_LOCATION_TYPE_HOST_NUMA);
        }
        access |= flags;
    }
    pthread_mutex_lock(&vmm_mutex);
    bool good = whole_mappings(base, bytes);
    for (uint64_t at = base; good && at < base + bytes;) {
        struct sim_range *range = sim_space_range(at);
        /* who is not named keeps what it has */
        range->access_devices = (range->access_devices & ~named) | devices;
        if (access != 0 || range->access_devices == 0) atomic_store(&range->access, access);
        at += range->span;
    }
    pthread_mutex_unlock(&vmm_mutex);
    return good ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuMemGetAccess(unsigned long long *flags, const CUmemLocation *where, CUdeviceptr address) {
    SIM_ENTER();
    SIM_NEED(flags != NULL && where != NULL);
    struct sim_range *range = sim_space_range(address);
    SIM_NEED(range != NULL && range->kind == SIM_RANGE_MAPPING);
    SIM_NEED(where->type == CU_MEM_LOCATION_TYPE_DEVICE ? sim_ordinal_ok(where->id) : where->type >= CU_MEM_LOCATION_TYPE_HOST);
    bool named = where->type != CU_MEM_LOCATION_TYPE_DEVICE || ((range->access_devices >> where->id) & 1) != 0;
    *flags = named ? atomic_load(&range->access) : 0;
    return CUDA_SUCCESS;
}

/* ---- multicast: the simulated devices have none ---- */

CUresult cuMulticastCreate(CUmemGenericAllocationHandle *out, const CUmulticastObjectProp *prop) {
    SIM_ENTER();
    SIM_NEED(out != NULL && prop != NULL);
    return CUDA_ERROR_NOT_SUPPORTED;
}
CUresult cuMulticastGetGranularity(size_t *out, const CUmulticastObjectProp *prop, CUmulticastGranularity_flags option) {
    SIM_ENTER();
    SIM_NEED(out != NULL && prop != NULL && (unsigned)option <= CU_MULTICAST_GRANULARITY_RECOMMENDED);
    *out = SIM_PAGE_BYTES;
    return CUDA_SUCCESS;
}
