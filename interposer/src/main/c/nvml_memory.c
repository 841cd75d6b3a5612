/* Memory of a device as the tenant's slice of it. BAR1 is the device's own and passes. */
#include "nvml_library.h"

ALQ_NVML_HOOK(nvmlDeviceGetMemoryInfo);
ALQ_NVML_HOOK(nvmlDeviceGetMemoryInfo_v2);

struct slice_memory {
    uint64_t total_bytes;
    uint64_t used_bytes; /* never above the total */
};

/* total = limit; free = what alq_pages_free_bytes leaves; used is the rest, so that total = used + free always. */
static nvmlReturn_t slice_memory(nvmlDevice_t device, struct slice_memory *memory)
{
    nvmlReturn_t why;
    int index = alq_nvml_slice_index(device, &why);
    const struct alq_control_page *control = alq_pages_control();
    if (index < 0 || control == NULL) {
        return index < 0 ? why : NVML_ERROR_UNINITIALIZED;
    }
    enum alq_pages_status status;
    const struct alq_usage_page *usage = alq_pages_open_usage(&status);
    uint64_t total = __atomic_load_n(&control->devices[index].limit_bytes, __ATOMIC_RELAXED);
    uint64_t free_bytes = alq_pages_free_bytes(control, usage, (uint32_t)index);
    memory->total_bytes = total;
    memory->used_bytes = alq_sub(total, free_bytes);
    return NVML_SUCCESS;
}

nvmlReturn_t alq_hook_nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory)
{
    nvmlReturn_t answer = ALQ_REAL(nvmlDeviceGetMemoryInfo)(device, memory);
    struct slice_memory slice;
    if (answer != NVML_SUCCESS || (answer = slice_memory(device, &slice)) != NVML_SUCCESS) {
        return answer;
    }
    memory->total = slice.total_bytes;
    memory->used = slice.used_bytes;
    memory->free = slice.total_bytes - slice.used_bytes;
    return NVML_SUCCESS;
}

nvmlReturn_t alq_hook_nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, nvmlMemory_v2_t *memory)
{
    nvmlReturn_t answer = ALQ_REAL(nvmlDeviceGetMemoryInfo_v2)(device, memory);
    struct slice_memory slice;
    if (answer != NVML_SUCCESS || (answer = slice_memory(device, &slice)) != NVML_SUCCESS) {
        return answer;
    }
    memory->total = slice.total_bytes;
    memory->reserved = 0;
    memory->used = slice.used_bytes;
    memory->free = slice.total_bytes - slice.used_bytes;
    return NVML_SUCCESS;
}
