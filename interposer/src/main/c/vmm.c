/*
 * Memory made with cuMemCreate: held until its last handle is released and its last mapping is gone. What can be movable is virtual.h's.
 *
 * A chunk counts its references: one per use of a handle (created, retained) and one per mapping. Handles and mappings that
 * are not on record (imported, host memory, multicast) go to the driver untouched; of imported memory it is on record where it is mapped. What was exported, or bound to an array or a multicast
 * object, may outlive its references: the agent looks before what the last of them gave back is used. One lock for all of it, held for
 * look-ups only.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "movables.h"
#include "fork.h"
#include "hooks.h"
#include "pool.h"
#include "virtual.h"
#include "vmm.h"
#include "vmm_table.h"

/* Of all devices: the granularity of most is 2 MiB. */
#define ALQ_SMALLEST_GRANULARITY_BYTES 65536u

struct alq_chunk {
    uint64_t bytes;
    int device;
    uint64_t references;
    bool lent;  /* something that is not counted here may hold its memory, too */
    bool named; /* among what the usage page says is exported */
    bool imported; /* others' memory, as far as it is mapped here: not charged, and among what the usage page says is opened */
};

static pthread_mutex_t alq_vmm_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct alq_vmm_table alq_vmm_handles;
static struct alq_vmm_table alq_vmm_maps;

/* Drops references after the driver has; the last one gives the bytes back. */
static void alq_chunk_drop(struct alq_chunk *chunk, uint64_t references)
{
    pthread_mutex_lock(&alq_vmm_mutex);
    chunk->references -= references;
    bool last = chunk->references == 0;
    pthread_mutex_unlock(&alq_vmm_mutex);
    if (last && chunk->imported) {
        alq_charge_shift(chunk->device, &(struct alq_shift){.pinned = 0 - chunk->bytes, .reason = ALQ_PINNED_OPENED});
        free(chunk);
    } else if (last) {
        alq_charge_shift(chunk->device,
            &(struct alq_shift){.pinned = chunk->named ? 0 - chunk->bytes : 0, .reason = ALQ_PINNED_EXPORTED});
        (chunk->lent ? alq_uncharge_lent : alq_uncharge)(chunk->device, chunk->bytes);
        free(chunk);
    }
}

/* Puts a chunk that was charged on record; undoes it where that fails. */
static CUresult alq_chunk_keep(CUmemGenericAllocationHandle handle, int device, uint64_t bytes)
{
    struct alq_chunk *chunk = malloc(sizeof *chunk);
    if (chunk != NULL) {
        *chunk = (struct alq_chunk){.bytes = bytes, .device = device, .references = 1};
    }
    pthread_mutex_lock(&alq_vmm_mutex);
    bool kept = chunk != NULL && alq_vmm_put(&alq_vmm_handles, (struct alq_vmm_entry){handle, 1, chunk});
    pthread_mutex_unlock(&alq_vmm_mutex);
    if (kept) {
        return CUDA_SUCCESS;
    }
    free(chunk);
    ALQ_CALL(cuMemRelease, handle);
    alq_uncharge(device, bytes);
    return CUDA_ERROR_OUT_OF_MEMORY;
}

/* A size that no driver takes: it is asked first, before its other arguments are looked at here. */
static CUresult alq_create_odd(
    CUmemGenericAllocationHandle *handle, size_t bytes, const CUmemAllocationProp *properties, unsigned long long flags)
{
    CUresult result = ALQ_CALL(cuMemCreate, handle, bytes, properties, flags);
    if (result != CUDA_SUCCESS || properties->location.type != CU_MEM_LOCATION_TYPE_DEVICE) {
        return result;
    }
    int device = alq_device_index(properties->location.id);
    if (!alq_take_fixed(device, alq_charge_size(bytes))) {
        ALQ_CALL(cuMemRelease, *handle);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    return alq_chunk_keep(*handle, device, alq_charge_size(bytes));
}

CUresult alq_hook_cuMemCreate(
    CUmemGenericAllocationHandle *handle, size_t bytes, const CUmemAllocationProp *properties, unsigned long long flags)
{
    ALQ_IN_FLIGHT(cuMemCreate, handle, bytes, properties, flags);
    if (handle == NULL || properties == NULL || bytes == 0) {
        return ALQ_CALL(cuMemCreate, handle, bytes, properties, flags);
    }
    if (bytes % ALQ_SMALLEST_GRANULARITY_BYTES != 0) {
        return alq_create_odd(handle, bytes, properties, flags);
    }
    int device = alq_device_index(properties->location.id);
    uint64_t charge_bytes = alq_charge_size(bytes);
    if (properties->location.type != CU_MEM_LOCATION_TYPE_DEVICE
        || (device < 0 && !alq_device_exists(properties->location.id))) {
        return ALQ_CALL(cuMemCreate, handle, bytes, properties, flags);
    }
    CUresult result;
    if (alq_virtual_create(handle, bytes, properties, flags, &result)) {
        return result;
    }
    if (!alq_take_fixed(device, charge_bytes)) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    result = ALQ_CALL(cuMemCreate, handle, bytes, properties, flags);
    if (result != CUDA_SUCCESS) {
        alq_uncharge(device, charge_bytes);
        return result;
    }
    return alq_chunk_keep(*handle, device, charge_bytes);
}

/* One use more of a handle; false where there is no memory to remember it. Lock held. */
static bool alq_handle_use(CUmemGenericAllocationHandle handle, struct alq_chunk *chunk)
{
    struct alq_vmm_entry *entry = alq_vmm_get(&alq_vmm_handles, handle);
    if (entry != NULL) {
        entry->extent++;
        return true;
    }
    return alq_vmm_put(&alq_vmm_handles, (struct alq_vmm_entry){handle, 1, chunk});
}

CUresult alq_hook_cuMemRelease(CUmemGenericAllocationHandle handle)
{
    ALQ_IN_FLIGHT(cuMemRelease, handle);
    CUresult result;
    if (alq_virtual_release(&handle, &result)) {
        return result;
    }
    struct alq_chunk *chunk = NULL;
    pthread_mutex_lock(&alq_vmm_mutex);
    struct alq_vmm_entry *entry = alq_vmm_get(&alq_vmm_handles, handle);
    if (entry != NULL) {
        chunk = entry->what;
        if (--entry->extent == 0) {
            alq_vmm_remove(&alq_vmm_handles, entry);
        }
    }
    pthread_mutex_unlock(&alq_vmm_mutex);
    result = ALQ_CALL(cuMemRelease, handle);
    if (chunk == NULL) {
        return result;
    }
    if (result == CUDA_SUCCESS) {
        alq_chunk_drop(chunk, 1);
        return result;
    }
    pthread_mutex_lock(&alq_vmm_mutex);
    alq_handle_use(handle, chunk);
    pthread_mutex_unlock(&alq_vmm_mutex);
    return result;
}

/* What is behind a handle that is not on record, for one mapping of it; NULL: it is no device memory, or there is no memory to remember it. */
static struct alq_chunk *alq_chunk_imported(CUmemGenericAllocationHandle handle, uint64_t bytes)
{
    CUmemAllocationProp properties;
    bool known = ALQ_CALL(cuMemGetAllocationPropertiesFromHandle, &properties, handle) == CUDA_SUCCESS
        && properties.location.type == CU_MEM_LOCATION_TYPE_DEVICE;
    struct alq_chunk *chunk = known ? malloc(sizeof *chunk) : NULL;
    if (chunk != NULL) {
        *chunk = (struct alq_chunk){
            .bytes = bytes, .device = alq_device_index(properties.location.id), .references = 1, .imported = true};
        alq_charge_shift(chunk->device, &(struct alq_shift){.pinned = bytes, .reason = ALQ_PINNED_OPENED});
    }
    return chunk;
}

/* After others' memory has been mapped. */
static void alq_import_mapped(CUdeviceptr address, uint64_t bytes, CUmemGenericAllocationHandle handle)
{
    struct alq_chunk *chunk = alq_chunk_imported(handle, bytes);
    pthread_mutex_lock(&alq_vmm_mutex);
    bool kept = chunk != NULL && alq_vmm_put(&alq_vmm_maps, (struct alq_vmm_entry){address, bytes, chunk});
    pthread_mutex_unlock(&alq_vmm_mutex);
    if (chunk != NULL && !kept) {
        alq_chunk_drop(chunk, 1);
    }
}

CUresult alq_hook_cuMemMap(
    CUdeviceptr address, size_t bytes, size_t offset, CUmemGenericAllocationHandle handle, unsigned long long flags)
{
    ALQ_IN_FLIGHT(cuMemMap, address, bytes, offset, handle, flags);
    CUresult result;
    if (flags == 0 && alq_virtual_map(address, bytes, offset, handle, &result)) {
        return result;
    }
    result = flags == 0 ? alq_virtual_yield(&handle) : CUDA_SUCCESS;
    if (result != CUDA_SUCCESS) {
        return result;
    }
    /* the mapping's reference is there before the mapping is: the handle may be released meanwhile */
    pthread_mutex_lock(&alq_vmm_mutex);
    struct alq_vmm_entry *entry = alq_vmm_get(&alq_vmm_handles, handle);
    struct alq_chunk *chunk = entry == NULL ? NULL : entry->what;
    if (chunk != NULL) {
        chunk->references++;
    }
    pthread_mutex_unlock(&alq_vmm_mutex);
    result = ALQ_CALL_GATED(cuMemMap, address, bytes, offset, handle, flags);
    if (chunk == NULL && result == CUDA_SUCCESS) {
        alq_import_mapped(address, bytes, handle);
    }
    if (chunk == NULL) {
        return result;
    }
    if (result == CUDA_SUCCESS) {
        pthread_mutex_lock(&alq_vmm_mutex);
        bool kept = alq_vmm_put(&alq_vmm_maps, (struct alq_vmm_entry){address, bytes, chunk});
        pthread_mutex_unlock(&alq_vmm_mutex);
        if (kept) {
            return result;
        }
        ALQ_CALL_GATED(cuMemUnmap, address, bytes);
        result = CUDA_ERROR_OUT_OF_MEMORY;
    }
    alq_chunk_drop(chunk, 1);
    return result;
}

/* Takes out one mapping that begins in the range; false when none is left. */
static bool alq_vmm_take_map(CUdeviceptr address, size_t bytes, struct alq_vmm_entry *taken)
{
    pthread_mutex_lock(&alq_vmm_mutex);
    size_t at = alq_vmm_at(&alq_vmm_maps, address);
    bool found = at < alq_vmm_maps.count && alq_vmm_maps.entries[at].key - address < bytes;
    if (found) {
        *taken = alq_vmm_maps.entries[at];
        alq_vmm_remove(&alq_vmm_maps, &alq_vmm_maps.entries[at]);
    }
    pthread_mutex_unlock(&alq_vmm_mutex);
    return found;
}

/* What is the driver's in a range. */
static CUresult alq_unmap(CUdeviceptr address, size_t bytes)
{
    struct alq_vmm_entry *taken = NULL;
    size_t count = 0;
    struct alq_vmm_entry entry;
    while (alq_vmm_take_map(address, bytes, &entry)) {
        struct alq_vmm_entry *grown = (count & (count - 1)) == 0 ? realloc(taken, (count == 0 ? 1 : count * 2) * sizeof *taken) : taken;
        if (grown == NULL) {
            pthread_mutex_lock(&alq_vmm_mutex);
            alq_vmm_put(&alq_vmm_maps, entry);
            pthread_mutex_unlock(&alq_vmm_mutex);
            break;
        }
        taken = grown;
        taken[count++] = entry;
    }
    CUresult result = ALQ_CALL_GATED(cuMemUnmap, address, bytes);
    for (size_t i = 0; i < count; i++) {
        if (result == CUDA_SUCCESS) {
            alq_chunk_drop(taken[i].what, 1);
        } else {
            pthread_mutex_lock(&alq_vmm_mutex);
            alq_vmm_put(&alq_vmm_maps, taken[i]);
            pthread_mutex_unlock(&alq_vmm_mutex);
        }
    }
    free(taken);
    return result;
}

CUresult alq_hook_cuMemUnmap(CUdeviceptr address, size_t bytes)
{
    ALQ_IN_FLIGHT(cuMemUnmap, address, bytes);
    CUresult result;
    return alq_virtual_unmap(address, bytes, alq_unmap, &result) ? result : alq_unmap(address, bytes);
}

CUresult alq_hook_cuMemSetAccess(CUdeviceptr address, size_t bytes, const CUmemAccessDesc *list, size_t count)
{
    ALQ_PASS_WHEN_TRANSPARENT(cuMemSetAccess, address, bytes, list, count);
    CUresult result;
    return alq_virtual_access(address, bytes, list, count, &result) ? result : ALQ_CALL_GATED(cuMemSetAccess, address, bytes, list, count);
}

CUresult alq_hook_cuMemGetAllocationPropertiesFromHandle(CUmemAllocationProp *properties, CUmemGenericAllocationHandle handle)
{
    ALQ_PASS_WHEN_TRANSPARENT(cuMemGetAllocationPropertiesFromHandle, properties, handle);
    return properties != NULL && alq_virtual_properties(properties, handle)
        ? CUDA_SUCCESS
        : ALQ_CALL(cuMemGetAllocationPropertiesFromHandle, properties, handle);
}

CUresult alq_hook_cuMemRetainAllocationHandle(CUmemGenericAllocationHandle *handle, void *address)
{
    ALQ_IN_FLIGHT(cuMemRetainAllocationHandle, handle, address);
    struct alq_movable_block block;
    CUresult retained;
    if (handle != NULL && alq_virtual_retain(handle, (uintptr_t)address, &retained)) {
        return retained;
    }
    if (alq_movables_find((uintptr_t)address, &block)) {
        return CUDA_ERROR_INVALID_VALUE; /* as for plain memory, which has no handle */
    }
    CUresult result = ALQ_CALL_GATED(cuMemRetainAllocationHandle, handle, address);
    if (result != CUDA_SUCCESS || handle == NULL) {
        return result;
    }
    uint64_t key = (uintptr_t)address;
    pthread_mutex_lock(&alq_vmm_mutex);
    size_t at = alq_vmm_at(&alq_vmm_maps, key);
    if (at == alq_vmm_maps.count || alq_vmm_maps.entries[at].key != key) {
        at = at == 0 ? alq_vmm_maps.count : at - 1;
    }
    if (at < alq_vmm_maps.count && key - alq_vmm_maps.entries[at].key < alq_vmm_maps.entries[at].extent) {
        struct alq_chunk *chunk = alq_vmm_maps.entries[at].what;
        chunk->references += alq_handle_use(*handle, chunk);
    }
    pthread_mutex_unlock(&alq_vmm_mutex);
    return result;
}

bool alq_vmm_adopt(CUmemGenericAllocationHandle handle, const struct alq_vmm_adopted *adopted)
{
    struct alq_chunk *chunk = malloc(sizeof *chunk);
    if (chunk == NULL) {
        return false;
    }
    *chunk = (struct alq_chunk){
        .bytes = adopted->bytes, .device = adopted->device, .references = 1 + (adopted->address != 0), .lent = adopted->lent, .named = true};
    pthread_mutex_lock(&alq_vmm_mutex);
    bool kept = alq_vmm_put(&alq_vmm_handles, (struct alq_vmm_entry){handle, 1, chunk});
    if (kept && adopted->address != 0 && !alq_vmm_put(&alq_vmm_maps, (struct alq_vmm_entry){adopted->address, adopted->bytes, chunk})) {
        alq_vmm_remove(&alq_vmm_handles, alq_vmm_get(&alq_vmm_handles, handle));
        kept = false;
    }
    pthread_mutex_unlock(&alq_vmm_mutex);
    if (!kept) {
        free(chunk);
    }
    return kept;
}

/* Lock held. */
static void alq_chunk_lend(struct alq_chunk *chunk)
{
    chunk->lent = true;
    if (!chunk->named && !chunk->imported) {
        alq_charge_shift(chunk->device, &(struct alq_shift){.pinned = chunk->bytes, .reason = ALQ_PINNED_EXPORTED});
        chunk->named = true;
    }
}

void alq_vmm_lend(CUmemGenericAllocationHandle handle)
{
    pthread_mutex_lock(&alq_vmm_mutex);
    struct alq_vmm_entry *entry = alq_vmm_get(&alq_vmm_handles, handle);
    if (entry != NULL) {
        alq_chunk_lend(entry->what);
    }
    pthread_mutex_unlock(&alq_vmm_mutex);
}

void alq_vmm_lend_range(CUdeviceptr address, size_t bytes)
{
    pthread_mutex_lock(&alq_vmm_mutex);
    size_t at = alq_vmm_at(&alq_vmm_maps, address);
    at -= at > 0 && address - alq_vmm_maps.entries[at - 1].key < alq_vmm_maps.entries[at - 1].extent;
    for (; at < alq_vmm_maps.count && (alq_vmm_maps.entries[at].key <= address || alq_vmm_maps.entries[at].key - address < bytes); at++) {
        alq_chunk_lend(alq_vmm_maps.entries[at].what);
    }
    pthread_mutex_unlock(&alq_vmm_mutex);
}

void alq_vmm_after_fork(void)
{
    pthread_mutex_init(&alq_vmm_mutex, NULL);
    memset(&alq_vmm_handles, 0, sizeof alq_vmm_handles);
    memset(&alq_vmm_maps, 0, sizeof alq_vmm_maps);
}
