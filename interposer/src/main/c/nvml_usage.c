/* What single processes made of the device: utilisation samples and accounting. Only the tenant's processes, with the pids it knows
 * them by. */
#include "nvml_library.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

ALQ_NVML_HOOK(nvmlDeviceGetProcessUtilization);
ALQ_NVML_HOOK(nvmlDeviceGetProcessesUtilizationInfo);
ALQ_NVML_HOOK(nvmlDeviceGetAccountingPids);
ALQ_NVML_HOOK(nvmlDeviceGetAccountingStats);
ALQ_NVML_HOOK(nvmlDeviceGetAccountingStats_v2);

/* A list that was filled is filtered where it lies. A length that the driver asks for stays its own: an upper bound, so that the
 * caller's next array is large enough whichever processes come in between. */
nvmlReturn_t alq_hook_nvmlDeviceGetProcessUtilization(
    nvmlDevice_t device, nvmlProcessUtilizationSample_t *samples, unsigned int *count, unsigned long long last_seen)
{
    nvmlReturn_t answer = ALQ_REAL(nvmlDeviceGetProcessUtilization)(device, samples, count, last_seen);
    if (answer == NVML_SUCCESS && samples != NULL && count != NULL) {
        *count = alq_nvml_keep_tenant(samples, sizeof *samples, offsetof(nvmlProcessUtilizationSample_t, pid), *count);
        answer = *count > 0 ? NVML_SUCCESS : NVML_ERROR_NOT_FOUND;
    }
    return answer;
}

nvmlReturn_t alq_hook_nvmlDeviceGetProcessesUtilizationInfo(nvmlDevice_t device, nvmlProcessesUtilizationInfo_t *info)
{
    nvmlReturn_t answer = ALQ_REAL(nvmlDeviceGetProcessesUtilizationInfo)(device, info);
    if (answer == NVML_SUCCESS && info->version == nvmlProcessesUtilizationInfo_v1 && info->procUtilArray != NULL) {
        info->processSamplesCount = alq_nvml_keep_tenant(info->procUtilArray, sizeof *info->procUtilArray,
            offsetof(nvmlProcessUtilizationInfo_v1_t, pid), info->processSamplesCount);
        answer = info->processSamplesCount > 0 ? NVML_SUCCESS : NVML_ERROR_NOT_FOUND;
    }
    return answer;
}

/* Processes that have ended are in no slot any more, so that only the living are accounted for here. */
nvmlReturn_t alq_hook_nvmlDeviceGetAccountingPids(nvmlDevice_t device, unsigned int *count, unsigned int *pids)
{
    nvmlReturn_t answer = ALQ_REAL(nvmlDeviceGetAccountingPids)(device, count, pids);
    if (answer == NVML_SUCCESS && count != NULL && pids != NULL) {
        *count = alq_nvml_keep_tenant(pids, sizeof *pids, 0, *count);
    }
    return answer;
}

/* The pid that the driver knows a process of the tenant by; 0 where the tenant has no such process. */
static unsigned int driver_pid(nvmlDevice_t device, unsigned int tenant_pid)
{
    unsigned int capacity = 0;
    nvmlReturn_t answer = ALQ_REAL(nvmlDeviceGetAccountingPids)(device, &capacity, NULL);
    if ((answer != NVML_SUCCESS && answer != NVML_ERROR_INSUFFICIENT_SIZE) || capacity == 0) {
        return 0;
    }
    int saved_errno = errno;
    unsigned int found = 0;
    unsigned int *pids = calloc(capacity, sizeof *pids);
    if (pids != NULL && ALQ_REAL(nvmlDeviceGetAccountingPids)(device, &capacity, pids) == NVML_SUCCESS) {
        struct alq_nvml_pids known = alq_nvml_pids_of(pids, sizeof *pids, capacity);
        for (unsigned int i = 0; found == 0 && i < capacity; i++) {
            found = alq_nvml_tenant_pid(&known, pids[i]) == tenant_pid ? pids[i] : 0;
        }
    }
    free(pids);
    errno = saved_errno;
    return found;
}

/* An unknown process is asked for as pid 0, which no process has: the driver's answer for a pid it does not know. */
nvmlReturn_t alq_hook_nvmlDeviceGetAccountingStats(nvmlDevice_t device, unsigned int pid, nvmlAccountingStats_t *stats)
{
    return ALQ_REAL(nvmlDeviceGetAccountingStats)(device, driver_pid(device, pid), stats);
}

nvmlReturn_t alq_hook_nvmlDeviceGetAccountingStats_v2(nvmlDevice_t device, nvmlAccountingStats_v2_t *stats)
{
    nvmlReturn_t why;
    if (alq_nvml_slice_index(device, &why) < 0) {
        return why;
    }
    if (stats == NULL) {
        return ALQ_REAL(nvmlDeviceGetAccountingStats_v2)(device, stats);
    }
    unsigned int tenant_pid = stats->pid;
    stats->pid = driver_pid(device, tenant_pid);
    nvmlReturn_t answer = ALQ_REAL(nvmlDeviceGetAccountingStats_v2)(device, stats);
    stats->pid = tenant_pid;
    return answer;
}
