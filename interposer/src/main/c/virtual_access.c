/* See virtual.h: who may reach what is mapped. */
#include "devices.h"
#include "hooks.h"
#include "virtual_inside.h"

bool alq_virtual_reached(const struct alq_movable_block *block)
{
    return block->virtual == NULL
        || (block->context != NULL && block->ordinal < ALQ_ACCESSES
            && __atomic_load_n(&block->access[block->ordinal], __ATOMIC_RELAXED) == CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
}

size_t alq_virtual_accesses(const struct alq_movable_block *block, CUmemAccessDesc list[ALQ_ACCESSES])
{
    size_t count = 0;
    for (int ordinal = 0; ordinal < ALQ_ACCESSES; ordinal++) {
        if (block->access[ordinal] != CU_MEM_ACCESS_FLAGS_PROT_NONE) {
            list[count] = (CUmemAccessDesc){.flags = block->access[ordinal]};
            list[count].location.type = CU_MEM_LOCATION_TYPE_DEVICE;
            list[count++].location.id = ordinal;
        }
    }
    return count;
}

/* Whether one byte for a device says it all. */
static bool alq_plain(const CUmemAccessDesc *access)
{
    return access->location.type == CU_MEM_LOCATION_TYPE_DEVICE && access->location.id >= 0 && access->location.id < ALQ_ACCESSES;
}

/* Whether somebody may reach what the list is about that would not where it is moved to; a device that is not there is the driver's to name. */
static bool alq_pins(const CUmemAccessDesc *list, size_t count)
{
    bool pins = false;
    for (size_t i = 0; i < count; i++) {
        bool there = list[i].location.type != CU_MEM_LOCATION_TYPE_DEVICE || alq_device_exists(list[i].location.id);
        pins = pins || (there && !alq_plain(&list[i]) && list[i].flags != CU_MEM_ACCESS_FLAGS_PROT_NONE);
    }
    return pins;
}

static void alq_note_access(struct alq_movable_block *block, const CUmemAccessDesc *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (alq_plain(&list[i])) {
            __atomic_store_n(&block->access[list[i].location.id], (uint8_t)list[i].flags, __ATOMIC_RELAXED);
        }
    }
    block->virtual->host = block->virtual->host || alq_pins(list, count);
    if (block->context == NULL) {
        alq_virtual_find_context(block);
    }
}

/* The driver, or a later block of the range, has refused what blocks have been pinned for. */
static void alq_unpin_range(CUdeviceptr address, CUdeviceptr end)
{
    for (struct alq_movable_block *block; (block = alq_virtual_touched(address, end)) != NULL; address = block->begin + block->bytes) {
        if (block->virtual != NULL && !block->virtual->host) {
            alq_virtual_unpin(block); /* a thread that yields it pins it again */
        }
    }
}

/* Whole blocks only, as the driver takes whole mappings only. */
static CUresult alq_give_access(CUdeviceptr address, size_t bytes, const CUmemAccessDesc *list, size_t count)
{
    CUdeviceptr end = address + bytes;
    CUdeviceptr at = address;
    CUdeviceptr until = end;
    bool pins = alq_pins(list, count);
    CUresult result = CUDA_SUCCESS;
    for (struct alq_movable_block *block; result == CUDA_SUCCESS && (block = alq_virtual_touched(at, end)) != NULL; at = block->begin + block->bytes) {
        if (block->virtual != NULL && !alq_virtual_within(block, address, end)) {
            result = CUDA_ERROR_INVALID_VALUE;
        } else if (block->virtual != NULL && pins) {
            result = alq_virtual_pin(block, ALQ_PINNED_HOST);
        }
        until = result == CUDA_SUCCESS ? end : block->begin;
    }
    if (result == CUDA_SUCCESS) {
        result = ALQ_CALL(cuMemSetAccess, address, bytes, list, count);
    }
    if (result != CUDA_SUCCESS && pins) {
        alq_unpin_range(address, until);
    }
    at = address;
    for (struct alq_movable_block *block; result == CUDA_SUCCESS && (block = alq_virtual_touched(at, end)) != NULL; at = block->begin + block->bytes) {
        if (block->virtual != NULL) {
            alq_note_access(block, list, count);
        }
    }
    return result;
}

bool alq_virtual_access(CUdeviceptr address, size_t bytes, const CUmemAccessDesc *list, size_t count, CUresult *result)
{
    if (alq_virtual_none() || list == NULL || count == 0 || address + bytes <= address) {
        return false;
    }
    struct alq_virtual_entry entry = alq_virtual_enter();
    bool touched = alq_virtual_touched(address, address + bytes) != NULL;
    if (touched) {
        *result = alq_give_access(address, bytes, list, count);
    }
    alq_virtual_leave(entry);
    return touched;
}
