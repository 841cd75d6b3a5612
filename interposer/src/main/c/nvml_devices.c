/* Which devices there are: counts, handles, indices, and lists of handles. */
#include "nvml_library.h"

#include <string.h>

ALQ_NVML_HOOK(nvmlDeviceGetCount);
ALQ_NVML_HOOK(nvmlDeviceGetCount_v2);
ALQ_NVML_HOOK(nvmlDeviceGetHandleByIndex);
ALQ_NVML_HOOK(nvmlDeviceGetHandleByIndex_v2);
ALQ_NVML_HOOK(nvmlDeviceGetHandleByUUID);
ALQ_NVML_HOOK(nvmlDeviceGetHandleByUUIDV);
ALQ_NVML_HOOK(nvmlDeviceGetHandleByPciBusId);
ALQ_NVML_HOOK(nvmlDeviceGetHandleByPciBusId_v2);
ALQ_NVML_HOOK(nvmlDeviceGetHandleBySerial);
ALQ_NVML_HOOK(nvmlDeviceGetIndex);
ALQ_NVML_HOOK(nvmlDeviceGetTopologyNearestGpus);
ALQ_NVML_HOOK(nvmlSystemGetTopologyGpuSet);
ALQ_NVML_HOOK(nvmlUnitGetDevices);

/* Handles by slice index, filled as they are met. A handle names the same device for as long as NVML is started, so that a race
 * can only store the same value twice. */
static nvmlDevice_t known_handles[ALQ_MAX_DEVICES];

/* Longest list of handles that the driver can fill: devices of one machine. */
#define MAX_MACHINE_DEVICES 256u

void alq_nvml_forget_handles(void)
{
    for (unsigned int i = 0; i < ALQ_MAX_DEVICES; i++) {
        __atomic_store_n(&known_handles[i], NULL, __ATOMIC_RELEASE);
    }
}

int alq_nvml_slice_index(nvmlDevice_t device, nvmlReturn_t *why)
{
    const struct alq_control_page *control = alq_pages_control();
    *why = NVML_ERROR_UNINITIALIZED;
    if (control == NULL) {
        return -1;
    }
    uint32_t count = alq_pages_device_count(control);
    for (uint32_t i = 0; device != NULL && i < count; i++) {
        if (__atomic_load_n(&known_handles[i], __ATOMIC_ACQUIRE) == device) {
            return (int)i;
        }
    }
    char uuid[NVML_DEVICE_UUID_V2_BUFFER_SIZE] = "";
    *why = ALQ_REAL(nvmlDeviceGetUUID)(device, uuid, sizeof uuid);
    if (*why != NVML_SUCCESS) {
        return -1;
    }
    *why = NVML_ERROR_INVALID_ARGUMENT;
    int index = alq_pages_device(control, uuid);
    if (index >= 0) {
        __atomic_store_n(&known_handles[index], device, __ATOMIC_RELEASE);
    }
    return index;
}

unsigned int alq_nvml_keep_granted(nvmlDevice_t *devices, unsigned int count)
{
    unsigned int kept = 0;
    for (unsigned int i = 0; i < count; i++) {
        nvmlReturn_t why;
        if (alq_nvml_slice_index(devices[i], &why) >= 0) {
            devices[kept++] = devices[i];
        }
    }
    return kept;
}

/* The driver's answer stands for lookups too, unless the device it found is not granted. */
static nvmlReturn_t only_granted(nvmlReturn_t answer, nvmlDevice_t *device)
{
    nvmlReturn_t why;
    if (answer != NVML_SUCCESS || alq_nvml_slice_index(*device, &why) >= 0) {
        return answer;
    }
    *device = NULL;
    return NVML_ERROR_NOT_FOUND;
}

static nvmlReturn_t slice_count(nvmlReturn_t answer, unsigned int *count)
{
    const struct alq_control_page *control = alq_pages_control();
    if (answer == NVML_SUCCESS) {
        *count = control == NULL ? 0 : alq_pages_device_count(control);
    }
    return answer;
}

nvmlReturn_t alq_hook_nvmlDeviceGetCount(unsigned int *count)
{
    return slice_count(ALQ_REAL(nvmlDeviceGetCount)(count), count);
}

nvmlReturn_t alq_hook_nvmlDeviceGetCount_v2(unsigned int *count)
{
    return slice_count(ALQ_REAL(nvmlDeviceGetCount_v2)(count), count);
}

static nvmlReturn_t handle_by_index(unsigned int index, nvmlDevice_t *device)
{
    const struct alq_control_page *control = alq_pages_control();
    if (control == NULL || index >= alq_pages_device_count(control)) {
        unsigned int count;
        nvmlReturn_t started = ALQ_REAL(nvmlDeviceGetCount_v2)(&count);
        return started == NVML_SUCCESS ? NVML_ERROR_INVALID_ARGUMENT : started;
    }
    char uuid[ALQ_UUID_BYTES + 1];
    memcpy(uuid, control->devices[index].uuid, ALQ_UUID_BYTES);
    uuid[ALQ_UUID_BYTES] = '\0';
    return ALQ_REAL(nvmlDeviceGetHandleByUUID)(uuid, device);
}

nvmlReturn_t alq_hook_nvmlDeviceGetHandleByIndex(unsigned int index, nvmlDevice_t *device)
{
    return handle_by_index(index, device);
}

nvmlReturn_t alq_hook_nvmlDeviceGetHandleByIndex_v2(unsigned int index, nvmlDevice_t *device)
{
    return handle_by_index(index, device);
}

nvmlReturn_t alq_hook_nvmlDeviceGetHandleByUUID(const char *uuid, nvmlDevice_t *device)
{
    return only_granted(ALQ_REAL(nvmlDeviceGetHandleByUUID)(uuid, device), device);
}

nvmlReturn_t alq_hook_nvmlDeviceGetHandleByUUIDV(const nvmlUUID_t *uuid, nvmlDevice_t *device)
{
    return only_granted(ALQ_REAL(nvmlDeviceGetHandleByUUIDV)(uuid, device), device);
}

nvmlReturn_t alq_hook_nvmlDeviceGetHandleByPciBusId(const char *bus_id, nvmlDevice_t *device)
{
    return only_granted(ALQ_REAL(nvmlDeviceGetHandleByPciBusId)(bus_id, device), device);
}

nvmlReturn_t alq_hook_nvmlDeviceGetHandleByPciBusId_v2(const char *bus_id, nvmlDevice_t *device)
{
    return only_granted(ALQ_REAL(nvmlDeviceGetHandleByPciBusId_v2)(bus_id, device), device);
}

nvmlReturn_t alq_hook_nvmlDeviceGetHandleBySerial(const char *serial, nvmlDevice_t *device)
{
    return only_granted(ALQ_REAL(nvmlDeviceGetHandleBySerial)(serial, device), device);
}

nvmlReturn_t alq_hook_nvmlDeviceGetIndex(nvmlDevice_t device, unsigned int *index)
{
    nvmlReturn_t answer = ALQ_REAL(nvmlDeviceGetIndex)(device, index);
    if (answer != NVML_SUCCESS) {
        return answer;
    }
    int slice_index = alq_nvml_slice_index(device, &answer);
    if (slice_index < 0) {
        return answer;
    }
    *index = (unsigned int)slice_index;
    return NVML_SUCCESS;
}

/* Hands a filtered list of handles to the caller. `asked` is the capacity it came with, `devices` may be NULL with capacity 0. */
static nvmlReturn_t hand_over(
    const nvmlDevice_t *from, unsigned int kept, unsigned int asked, unsigned int *count, nvmlDevice_t *devices)
{
    *count = kept;
    if (devices == NULL || asked == 0) {
        return NVML_SUCCESS;
    }
    if (asked < kept) {
        return NVML_ERROR_INSUFFICIENT_SIZE;
    }
    memcpy(devices, from, kept * sizeof *devices);
    return NVML_SUCCESS;
}

nvmlReturn_t alq_hook_nvmlDeviceGetTopologyNearestGpus(
    nvmlDevice_t device, nvmlGpuTopologyLevel_t level, unsigned int *count, nvmlDevice_t *devices)
{
    nvmlDevice_t all[MAX_MACHINE_DEVICES];
    unsigned int found = MAX_MACHINE_DEVICES;
    nvmlReturn_t answer =
        ALQ_REAL(nvmlDeviceGetTopologyNearestGpus)(device, level, count == NULL ? NULL : &found, all);
    if (answer != NVML_SUCCESS || count == NULL) {
        return answer;
    }
    return hand_over(all, alq_nvml_keep_granted(all, found), *count, count, devices);
}

nvmlReturn_t alq_hook_nvmlSystemGetTopologyGpuSet(unsigned int cpu, unsigned int *count, nvmlDevice_t *devices)
{
    nvmlDevice_t all[MAX_MACHINE_DEVICES];
    unsigned int found = MAX_MACHINE_DEVICES;
    nvmlReturn_t answer = ALQ_REAL(nvmlSystemGetTopologyGpuSet)(cpu, count == NULL ? NULL : &found, all);
    if (answer != NVML_SUCCESS || count == NULL) {
        return answer;
    }
    return hand_over(all, alq_nvml_keep_granted(all, found), *count, count, devices);
}

nvmlReturn_t alq_hook_nvmlUnitGetDevices(nvmlUnit_t unit, unsigned int *count, nvmlDevice_t *devices)
{
    nvmlReturn_t answer = ALQ_REAL(nvmlUnitGetDevices)(unit, count, devices);
    if (answer == NVML_SUCCESS && count != NULL && devices != NULL) {
        *count = alq_nvml_keep_granted(devices, *count);
    }
    return answer;
}
