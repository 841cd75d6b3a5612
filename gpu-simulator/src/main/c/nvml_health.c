/* ECC counters, remapped rows, retired pages: what drills set in the node. */
#include "nvml_core.h"

#include <string.h>

nvmlReturn_t nvmlDeviceGetEccMode(nvmlDevice_t device, nvmlEnableState_t *current, nvmlEnableState_t *pending)
{
    ON_DEVICE(device, current != NULL && pending != NULL);
    if (!model->ecc)
        return NVML_ERROR_NOT_SUPPORTED;
    *current = *pending = NVML_FEATURE_ENABLED;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetDefaultEccMode(nvmlDevice_t device, nvmlEnableState_t *mode)
{
    ON_DEVICE(device, mode != NULL);
    if (!model->ecc)
        return NVML_ERROR_NOT_SUPPORTED;
    *mode = NVML_FEATURE_ENABLED;
    return NVML_SUCCESS;
}

static uint64_t errors(uint32_t d, nvmlMemoryErrorType_t type)
{
    return sim_health_get(d, type == NVML_MEMORY_ERROR_TYPE_CORRECTED ? SIM_HEALTH_ECC_CORRECTED : SIM_HEALTH_ECC_UNCORRECTED);
}

nvmlReturn_t nvmlDeviceGetTotalEccErrors(nvmlDevice_t device, nvmlMemoryErrorType_t type, nvmlEccCounterType_t counter,
    unsigned long long *count)
{
    ON_DEVICE(device, count != NULL && (unsigned int)type < NVML_MEMORY_ERROR_TYPE_COUNT
        && (unsigned int)counter < NVML_ECC_COUNTER_TYPE_COUNT);
    if (!model->ecc)
        return NVML_ERROR_NOT_SUPPORTED;
    *count = errors(d, type);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMemoryErrorCounter(nvmlDevice_t device, nvmlMemoryErrorType_t type, nvmlEccCounterType_t counter,
    nvmlMemoryLocation_t location, unsigned long long *count)
{
    ON_DEVICE(device, count != NULL && (unsigned int)type < NVML_MEMORY_ERROR_TYPE_COUNT
        && (unsigned int)counter < NVML_ECC_COUNTER_TYPE_COUNT && (unsigned int)location < NVML_MEMORY_LOCATION_COUNT);
    if (!model->ecc || (location != NVML_MEMORY_LOCATION_DRAM && location != NVML_MEMORY_LOCATION_SRAM))
        return NVML_ERROR_NOT_SUPPORTED;
    *count = location == NVML_MEMORY_LOCATION_DRAM ? errors(d, type) : 0; /* all simulated errors are in device memory */
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetDetailedEccErrors(nvmlDevice_t device, nvmlMemoryErrorType_t type, nvmlEccCounterType_t counter,
    nvmlEccErrorCounts_t *counts)
{
    unsigned long long total;
    if (counts == NULL)
        return nv_initialised() ? NVML_ERROR_INVALID_ARGUMENT : NVML_ERROR_UNINITIALIZED;
    nvmlReturn_t result = nvmlDeviceGetTotalEccErrors(device, type, counter, &total);
    if (result == NVML_SUCCESS)
        *counts = (nvmlEccErrorCounts_t){.deviceMemory = total};
    return result;
}

nvmlReturn_t nvmlDeviceClearEccErrorCounts(nvmlDevice_t device, nvmlEccCounterType_t counter)
{
    ON_DEVICE(device, (unsigned int)counter < NVML_ECC_COUNTER_TYPE_COUNT);
    nvmlReturn_t may = nv_may_change();
    if (!model->ecc || may != NVML_SUCCESS)
        return model->ecc ? may : NVML_ERROR_NOT_SUPPORTED;
    sim_health_set(d, SIM_HEALTH_ECC_CORRECTED, 0);
    sim_health_set(d, SIM_HEALTH_ECC_UNCORRECTED, 0);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetSramEccErrorStatus(nvmlDevice_t device, nvmlEccSramErrorStatus_t *status)
{
    ON_DEVICE(device, status != NULL);
    if (!model->ecc)
        return NVML_ERROR_NOT_SUPPORTED;
    if (status->version != nvmlEccSramErrorStatus_v1)
        return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    *status = (nvmlEccSramErrorStatus_t){.version = nvmlEccSramErrorStatus_v1};
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetRemappedRows(nvmlDevice_t device, unsigned int *correctable, unsigned int *uncorrectable,
    unsigned int *pending, unsigned int *failure)
{
    ON_DEVICE(device, correctable != NULL && uncorrectable != NULL && pending != NULL && failure != NULL);
    if (!model->ecc)
        return NVML_ERROR_NOT_SUPPORTED;
    *correctable = (unsigned int)sim_health_get(d, SIM_HEALTH_REMAP_CORRECTABLE);
    *uncorrectable = (unsigned int)sim_health_get(d, SIM_HEALTH_REMAP_UNCORRECTABLE);
    *pending = (unsigned int)sim_health_get(d, SIM_HEALTH_REMAP_PENDING);
    *failure = (unsigned int)sim_health_get(d, SIM_HEALTH_REMAP_FAILURE);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetRemappedRows_v2(nvmlDevice_t device, nvmlRemappedRowsInfo_v2_t *rows)
{
    if (rows == NULL)
        return nv_initialised() ? NVML_ERROR_INVALID_ARGUMENT : NVML_ERROR_UNINITIALIZED;
    nvmlRemappedRowsInfo_v2_t got = {0};
    nvmlReturn_t result =
        nvmlDeviceGetRemappedRows(device, &got.corrActiveRemaps, &got.uncActiveRemaps, &got.bPending, &got.bFailureOccurred);
    if (result == NVML_SUCCESS)
        *rows = got;
    return result;
}

nvmlReturn_t nvmlDeviceGetRowRemapperHistogram(nvmlDevice_t device, nvmlRowRemapperHistogramValues_t *values)
{
    ON_DEVICE(device, values != NULL);
    if (!model->ecc)
        return NVML_ERROR_NOT_SUPPORTED;
    unsigned int used = (unsigned int)(sim_health_get(d, SIM_HEALTH_REMAP_CORRECTABLE) + sim_health_get(d, SIM_HEALTH_REMAP_UNCORRECTABLE));
    unsigned int banks = model->memory_bus_bits / 2; /* 2560 on an H100 */
    *values = (nvmlRowRemapperHistogramValues_t){.max = banks - (used < banks ? used : banks), .high = used < banks ? used : banks};
    return NVML_SUCCESS;
}

/* Page retirement ended with Volta; later devices remap rows. */
nvmlReturn_t nvmlDeviceGetRetiredPages(nvmlDevice_t device, nvmlPageRetirementCause_t cause, unsigned int *count,
    unsigned long long *pages)
{
    (void)cause, (void)count, (void)pages;
    HAS_NOT(device);
}

nvmlReturn_t nvmlDeviceGetRetiredPagesPendingStatus(nvmlDevice_t device, nvmlEnableState_t *pending)
{
    (void)pending;
    HAS_NOT(device);
}
