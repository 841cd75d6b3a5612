/* Finding devices: by index, UUID, PCI address, serial. */
#include "nvml_core.h"

#include <stdlib.h>
#include <string.h>

#define UUID_TYPE_BINARY 2u /* 1: ASCII */

static nvmlReturn_t give(uint32_t index, nvmlDevice_t *handle)
{
    if (sim_health_get(index, SIM_HEALTH_LOST) != 0)
        return NVML_ERROR_GPU_IS_LOST;
    *handle = nv_handle(index);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetCount_v2(unsigned int *count)
{
    if (!nv_initialised())
        return NVML_ERROR_UNINITIALIZED;
    if (count == NULL)
        return NVML_ERROR_INVALID_ARGUMENT;
    *count = sim_config()->device_count;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetCount(unsigned int *count)
{
    return nvmlDeviceGetCount_v2(count);
}

nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned int index, nvmlDevice_t *handle)
{
    if (!nv_initialised())
        return NVML_ERROR_UNINITIALIZED;
    if (handle == NULL || index >= sim_config()->device_count)
        return NVML_ERROR_INVALID_ARGUMENT;
    return give(index, handle);
}

nvmlReturn_t nvmlDeviceGetHandleByIndex(unsigned int index, nvmlDevice_t *handle)
{
    return nvmlDeviceGetHandleByIndex_v2(index, handle);
}

nvmlReturn_t nvmlDeviceGetHandleByUUID(const char *uuid, nvmlDevice_t *handle)
{
    if (!nv_initialised())
        return NVML_ERROR_UNINITIALIZED;
    if (uuid == NULL || handle == NULL)
        return NVML_ERROR_INVALID_ARGUMENT;
    for (uint32_t i = 0; i < sim_config()->device_count; i++) {
        if (strcmp(uuid, sim_config()->devices[i].uuid) == 0)
            return give(i, handle);
    }
    return NVML_ERROR_NOT_FOUND;
}

nvmlReturn_t nvmlDeviceGetHandleByUUIDV(const nvmlUUID_t *uuid, nvmlDevice_t *handle)
{
    if (!nv_initialised())
        return NVML_ERROR_UNINITIALIZED;
    if (uuid == NULL || handle == NULL)
        return NVML_ERROR_INVALID_ARGUMENT;
    if (uuid->version != nvmlUUID_v1)
        return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    for (uint32_t i = 0; i < sim_config()->device_count; i++) {
        const struct sim_device_config *model = &sim_config()->devices[i];
        bool same = uuid->type == UUID_TYPE_BINARY ? memcmp(uuid->value.bytes, model->uuid_bytes, sizeof model->uuid_bytes) == 0
                                                        : strncmp(uuid->value.str, model->uuid, sizeof uuid->value.str) == 0;
        if (same)
            return give(i, handle);
    }
    return NVML_ERROR_NOT_FOUND;
}

nvmlReturn_t nvmlDeviceGetHandleBySerial(const char *serial, nvmlDevice_t *handle)
{
    if (!nv_initialised())
        return NVML_ERROR_UNINITIALIZED;
    if (serial == NULL || handle == NULL)
        return NVML_ERROR_INVALID_ARGUMENT;
    for (uint32_t i = 0; i < sim_config()->device_count; i++) {
        if (strcmp(serial, sim_config()->devices[i].serial) == 0)
            return give(i, handle);
    }
    return NVML_ERROR_NOT_FOUND;
}

/* "0000:06:00.0", "00000000:06:00.0", "06:00.0", with or without the function. */
static bool parse_bus_id(const char *text, uint32_t parts[3])
{
    uint32_t numbers[3] = {0};
    int count = 0;
    for (;;) {
        char *end;
        if (strchr("0123456789abcdefABCDEF", text[0]) == NULL || text[0] == 0 || count == 3)
            return false;
        unsigned long value = strtoul(text, &end, 16);
        if (value > UINT32_MAX)
            return false;
        numbers[count++] = (uint32_t)value;
        if (*end != ':') {
            if (*end != 0 && strcmp(end, ".0") != 0)
                return false;
            break;
        }
        text = end + 1;
    }
    if (count < 2)
        return false;
    memset(parts, 0, 3 * sizeof *parts);
    memcpy(parts + 3 - count, numbers, (size_t)count * sizeof *numbers);
    return true;
}

nvmlReturn_t nvmlDeviceGetHandleByPciBusId_v2(const char *bus_id, nvmlDevice_t *handle)
{
    uint32_t parts[3];
    if (!nv_initialised())
        return NVML_ERROR_UNINITIALIZED;
    if (bus_id == NULL || handle == NULL || !parse_bus_id(bus_id, parts))
        return NVML_ERROR_INVALID_ARGUMENT;
    for (uint32_t i = 0; i < sim_config()->device_count; i++) {
        const struct sim_device_config *model = &sim_config()->devices[i];
        if (model->pci_domain == parts[0] && model->pci_bus == parts[1] && model->pci_device == parts[2])
            return give(i, handle);
    }
    return NVML_ERROR_NOT_FOUND;
}

nvmlReturn_t nvmlDeviceGetHandleByPciBusId(const char *bus_id, nvmlDevice_t *handle)
{
    return nvmlDeviceGetHandleByPciBusId_v2(bus_id, handle);
}
