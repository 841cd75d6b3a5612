/* Memory of a device, and the driver's own limits of R615. */
#include "nvml_core.h"

#define MIB (1ull << 20)

/* Documented: v1's `used` includes what the driver reserves, v2 gives that apart. free is the same in both. */
nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory)
{
    ON_DEVICE(device, memory != NULL);
    uint64_t used = sim_mem_used(d);
    memory->total = model->memory_bytes;
    memory->used = used + model->reserved_bytes;
    memory->free = model->memory_bytes - memory->used;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, nvmlMemory_v2_t *memory)
{
    ON_DEVICE(device, memory != NULL);
    if (memory->version != nvmlMemory_v2)
        return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    uint64_t hard, used;
    if (sim_node_limit_view(d, &hard, &used)) { /* R615: a process under a limit sees its slice */
        memory->total = hard;
        memory->reserved = 0;
        memory->used = used < hard ? used : hard;
        memory->free = hard - memory->used;
        return NVML_SUCCESS;
    }
    used = sim_mem_used(d);
    memory->total = model->memory_bytes;
    memory->reserved = model->reserved_bytes;
    memory->used = used;
    memory->free = model->memory_bytes - model->reserved_bytes - used;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetBAR1MemoryInfo(nvmlDevice_t device, nvmlBAR1Memory_t *memory)
{
    ON_DEVICE(device, memory != NULL);
    uint64_t total = 256 * MIB;
    while (model->nvml_brand == NVML_BRAND_NVIDIA && total < model->memory_bytes)
        total *= 2; /* data-centre cards map all of their memory */
    memory->bar1Total = total;
    memory->bar1Used = 1 * MIB;
    memory->bar1Free = total - memory->bar1Used;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceSetMemoryLimits_v1(nvmlDevice_t device, nvmlSetMemoryLimits_v1_t *limits)
{
    ON_DEVICE(device, limits != NULL && limits->nameSpace != NULL);
    nvmlReturn_t may = nv_may_change();
    if (may != NVML_SUCCESS)
        return may;
    if (limits->softLimit > limits->hardLimit || (limits->softLimit > sim_mem_capacity(d)))
        return NVML_ERROR_INVALID_ARGUMENT;
    return sim_node_limit_set(limits->nameSpace, d, limits->softLimit, limits->hardLimit) ? NVML_SUCCESS
                                                                                        : NVML_ERROR_INSUFFICIENT_RESOURCES;
}

nvmlReturn_t nvmlDeviceGetMemoryLimits_v1(nvmlDevice_t device, nvmlGetMemoryLimits_v1_t *limits)
{
    ON_DEVICE(device, limits != NULL && limits->nameSpace != NULL);
    uint64_t soft, hard, used;
    if (!sim_node_limit_get(limits->nameSpace, d, &soft, &hard, &used))
        return NVML_ERROR_INVALID_ARGUMENT;
    limits->softLimit = soft;
    limits->hardLimit = hard;
    limits->currentUsed = used;
    return NVML_SUCCESS;
}
