/* Modes: compute mode and persistence can be set, MIG and virtualisation are off. */
#include "nvml_core.h"

#include <string.h>

nvmlReturn_t nvmlDeviceGetComputeMode(nvmlDevice_t device, nvmlComputeMode_t *mode)
{
    GIVE(device, mode, (nvmlComputeMode_t)sim_health_get(d, SIM_HEALTH_COMPUTE_MODE));
}

nvmlReturn_t nvmlDeviceSetComputeMode(nvmlDevice_t device, nvmlComputeMode_t mode)
{
    ON_DEVICE(device, (unsigned int)mode < NVML_COMPUTEMODE_COUNT);
    nvmlReturn_t may = nv_may_change();
    if (may == NVML_SUCCESS)
        sim_health_set(d, SIM_HEALTH_COMPUTE_MODE, mode);
    return may;
}

nvmlReturn_t nvmlDeviceGetPersistenceMode(nvmlDevice_t device, nvmlEnableState_t *mode)
{
    GIVE(device, mode, sim_health_get(d, SIM_HEALTH_PERSISTENCE) != 0 ? NVML_FEATURE_ENABLED : NVML_FEATURE_DISABLED);
}

nvmlReturn_t nvmlDeviceSetPersistenceMode(nvmlDevice_t device, nvmlEnableState_t mode)
{
    ON_DEVICE(device, (unsigned int)mode <= NVML_FEATURE_ENABLED);
    nvmlReturn_t may = nv_may_change();
    if (may == NVML_SUCCESS)
        sim_health_set(d, SIM_HEALTH_PERSISTENCE, mode);
    return may;
}

static bool has_mig(const struct sim_device_config *model)
{
    return model->memory_bus_bits >= 5120; /* the HBM models */
}

nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t device, unsigned int *current, unsigned int *pending)
{
    ON_DEVICE(device, current != NULL && pending != NULL);
    if (!has_mig(model))
        return NVML_ERROR_NOT_SUPPORTED;
    *current = *pending = NVML_DEVICE_MIG_DISABLE;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t device, unsigned int *count)
{
    GIVE(device, count, has_mig(model) ? 7 : 0);
}

nvmlReturn_t nvmlDeviceIsMigDeviceHandle(nvmlDevice_t device, unsigned int *mig)
{
    GIVE(device, mig, 0);
}

nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t device, unsigned int index, nvmlDevice_t *mig)
{
    ON_DEVICE(device, mig != NULL);
    (void)index;
    return has_mig(model) ? NVML_ERROR_NOT_FOUND : NVML_ERROR_NOT_SUPPORTED;
}

nvmlReturn_t nvmlDeviceGetDeviceHandleFromMigDeviceHandle(nvmlDevice_t mig, nvmlDevice_t *device)
{
    (void)device;
    uint32_t d;
    nvmlReturn_t found = nv_device(mig, &d);
    return found == NVML_SUCCESS ? NVML_ERROR_INVALID_ARGUMENT : found; /* a whole device's handle */
}

nvmlReturn_t nvmlDeviceGetGpuInstanceId(nvmlDevice_t device, unsigned int *id)
{
    (void)id;
    HAS_NOT(device);
}

nvmlReturn_t nvmlDeviceGetComputeInstanceId(nvmlDevice_t device, unsigned int *id)
{
    (void)id;
    HAS_NOT(device);
}

nvmlReturn_t nvmlDeviceGetDisplayMode(nvmlDevice_t device, nvmlEnableState_t *mode)
{
    GIVE(device, mode, NVML_FEATURE_DISABLED);
}

nvmlReturn_t nvmlDeviceGetDisplayActive(nvmlDevice_t device, nvmlEnableState_t *active)
{
    GIVE(device, active, NVML_FEATURE_DISABLED);
}

nvmlReturn_t nvmlDeviceGetVirtualizationMode(nvmlDevice_t device, nvmlGpuVirtualizationMode_t *mode)
{
    GIVE(device, mode, NVML_GPU_VIRTUALIZATION_MODE_NONE);
}

nvmlReturn_t nvmlDeviceGetAPIRestriction(nvmlDevice_t device, nvmlRestrictedAPI_t api, nvmlEnableState_t *restricted)
{
    ON_DEVICE(device, restricted != NULL && (unsigned int)api < NVML_RESTRICTED_API_COUNT);
    *restricted = NVML_FEATURE_ENABLED;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetGridLicensableFeatures_v4(nvmlDevice_t device, nvmlGridLicensableFeatures_t *features)
{
    ON_DEVICE(device, features != NULL);
    memset(features, 0, sizeof *features);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetAutoBoostedClocksEnabled(nvmlDevice_t device, nvmlEnableState_t *current, nvmlEnableState_t *by_default)
{
    (void)current, (void)by_default;
    HAS_NOT(device);
}
