/* Start and end, versions, error texts, handles. */
#include "nvml_core.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static _Atomic unsigned int users;
static struct nvmlDevice_st { char place; } handles[SIM_MAX_DEVICES];

bool nv_initialised(void)
{
    return atomic_load(&users) > 0;
}

nvmlDevice_t nv_handle(uint32_t index)
{
    return &handles[index];
}

nvmlReturn_t nv_device_even_lost(nvmlDevice_t handle, uint32_t *index)
{
    if (!nv_initialised())
        return NVML_ERROR_UNINITIALIZED;
    for (uint32_t i = 0; i < sim_config()->device_count; i++) {
        if (handle == &handles[i]) {
            *index = i;
            return NVML_SUCCESS;
        }
    }
    return NVML_ERROR_INVALID_ARGUMENT;
}

nvmlReturn_t nv_device(nvmlDevice_t handle, uint32_t *index)
{
    nvmlReturn_t found = nv_device_even_lost(handle, index);
    if (found == NVML_SUCCESS && sim_health_get(*index, SIM_HEALTH_LOST) != 0)
        return NVML_ERROR_GPU_IS_LOST;
    return found;
}

nvmlReturn_t nv_copy(const char *text, char *out, unsigned int length)
{
    size_t need = strlen(text) + 1;
    if (out == NULL)
        return NVML_ERROR_INVALID_ARGUMENT;
    if (need > length)
        return NVML_ERROR_INSUFFICIENT_SIZE;
    memcpy(out, text, need);
    return NVML_SUCCESS;
}

unsigned long long nv_time_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (unsigned long long)now.tv_sec * 1000000ull + (unsigned long long)now.tv_nsec / 1000;
}

nvmlReturn_t nv_may_change(void)
{
    return geteuid() == 0 ? NVML_SUCCESS : NVML_ERROR_NO_PERMISSION;
}

nvmlReturn_t nvmlInitWithFlags(unsigned int flags)
{
    (void)flags;
    if (!sim_node_open())
        return NVML_ERROR_DRIVER_NOT_LOADED;
    atomic_fetch_add(&users, 1);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlInit_v2(void)
{
    return nvmlInitWithFlags(0);
}

nvmlReturn_t nvmlInit(void)
{
    return nvmlInitWithFlags(0);
}

nvmlReturn_t nvmlShutdown(void)
{
    unsigned int now = atomic_load(&users);
    do {
        if (now == 0)
            return NVML_ERROR_UNINITIALIZED;
    } while (!atomic_compare_exchange_weak(&users, &now, now - 1));
    return NVML_SUCCESS;
}

const char *nvmlErrorString(nvmlReturn_t result)
{
    static const struct { nvmlReturn_t code; const char *text; } texts[] = {
        {NVML_SUCCESS, "Success"}, {NVML_ERROR_UNINITIALIZED, "Uninitialized"}, {NVML_ERROR_INVALID_ARGUMENT, "Invalid Argument"},
        {NVML_ERROR_NOT_SUPPORTED, "Not Supported"}, {NVML_ERROR_NO_PERMISSION, "Insufficient Permissions"},
        {NVML_ERROR_ALREADY_INITIALIZED, "Already Initialized"}, {NVML_ERROR_NOT_FOUND, "Not Found"},
        {NVML_ERROR_INSUFFICIENT_SIZE, "Insufficient Size"}, {NVML_ERROR_INSUFFICIENT_POWER, "Insufficient External Power"},
        {NVML_ERROR_DRIVER_NOT_LOADED, "Driver Not Loaded"}, {NVML_ERROR_TIMEOUT, "Timeout"}, {NVML_ERROR_IRQ_ISSUE, "Interrupt Request Issue"},
        {NVML_ERROR_LIBRARY_NOT_FOUND, "NVML Shared Library Not Found"}, {NVML_ERROR_FUNCTION_NOT_FOUND, "Function Not Found"},
        {NVML_ERROR_CORRUPTED_INFOROM, "Corrupted infoROM"}, {NVML_ERROR_GPU_IS_LOST, "GPU is lost"},
        {NVML_ERROR_RESET_REQUIRED, "GPU requires reset"}, {NVML_ERROR_OPERATING_SYSTEM, "Operating system call failed"},
        {NVML_ERROR_LIB_RM_VERSION_MISMATCH, "Driver/library version mismatch"}, {NVML_ERROR_IN_USE, "In use by another client"},
        {NVML_ERROR_MEMORY, "Insufficient Memory"}, {NVML_ERROR_NO_DATA, "No data"},
        {NVML_ERROR_VGPU_ECC_NOT_SUPPORTED, "vGPU ECC not supported"}, {NVML_ERROR_INSUFFICIENT_RESOURCES, "Insufficient resources"},
        {NVML_ERROR_FREQ_NOT_SUPPORTED, "Frequency not supported"}, {NVML_ERROR_ARGUMENT_VERSION_MISMATCH, "Argument version mismatch"},
        {NVML_ERROR_DEPRECATED, "Deprecated"}, {NVML_ERROR_NOT_READY, "Not ready"}, {NVML_ERROR_GPU_NOT_FOUND, "GPU not found"},
        {NVML_ERROR_INVALID_STATE, "Invalid state"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].code == result)
            return texts[i].text;
    }
    return "Unknown Error";
}

/* NVIDIA's private table of calls is out of reach. nvidia-smi takes a refusal for a library of another version and ends, but
 * does without a table when it is given none. */
nvmlReturn_t nvmlInternalGetExportTable(const void **table, const void *id)
{
    (void)id;
    if (table == NULL)
        return NVML_ERROR_INVALID_ARGUMENT;
    *table = NULL;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned int length)
{
    return nv_initialised() ? nv_copy(sim_config()->driver_version, version, length) : NVML_ERROR_UNINITIALIZED;
}

nvmlReturn_t nvmlSystemGetNVMLVersion(char *version, unsigned int length)
{
    char text[48];
    if (!nv_initialised())
        return NVML_ERROR_UNINITIALIZED;
    snprintf(text, sizeof text, "%d.%s", sim_config()->cuda_version / 1000, sim_config()->driver_version);
    return nv_copy(text, version, length);
}

nvmlReturn_t nvmlSystemGetCudaDriverVersion(int *version)
{
    if (!nv_initialised())
        return NVML_ERROR_UNINITIALIZED;
    if (version == NULL)
        return NVML_ERROR_INVALID_ARGUMENT;
    *version = sim_config()->cuda_version;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlSystemGetCudaDriverVersion_v2(int *version)
{
    return nvmlSystemGetCudaDriverVersion(version);
}

nvmlReturn_t nvmlSystemGetDriverBranch(nvmlSystemDriverBranchInfo_t *info, unsigned int length)
{
    if (!nv_initialised())
        return NVML_ERROR_UNINITIALIZED;
    if (info == NULL || length > sizeof info->branch)
        return NVML_ERROR_INVALID_ARGUMENT;
    if (info->version != nvmlSystemDriverBranchInfo_v1)
        return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    char text[32];
    snprintf(text, sizeof text, "r%u_00", sim_config()->driver_branch);
    return nv_copy(text, info->branch, length);
}

nvmlReturn_t nvmlSystemGetConfComputeState(nvmlConfComputeSystemState_t *state)
{
    if (!nv_initialised())
        return NVML_ERROR_UNINITIALIZED;
    if (state == NULL)
        return NVML_ERROR_INVALID_ARGUMENT;
    memset(state, 0, sizeof *state);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlUnitGetCount(unsigned int *count)
{
    if (!nv_initialised())
        return NVML_ERROR_UNINITIALIZED;
    if (count == NULL)
        return NVML_ERROR_INVALID_ARGUMENT;
    *count = 0;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlGetExcludedDeviceCount(unsigned int *count)
{
    return nvmlUnitGetCount(count);
}

nvmlReturn_t nvmlGetBlacklistDeviceCount(unsigned int *count)
{
    return nvmlUnitGetCount(count);
}
