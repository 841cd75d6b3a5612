/* Who uses a device, and how much: process lists, utilisation, samples. */
#include "nvml_core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>

#define NO_INSTANCE 0xffffffffu

static bool on_device(const struct sim_process_info *process, uint32_t d)
{
    return process->bytes[d] != 0 || process->contexts[d] != 0;
}

/* The processes on the device, to be freed; NULL when out of memory. */
static struct sim_process_info *processes_on(uint32_t d, uint32_t *count)
{
    struct sim_process_info *list = malloc(SIM_MAX_PROCESSES * sizeof *list);
    uint32_t all = list == NULL ? 0 : sim_process_list(list, SIM_MAX_PROCESSES);
    *count = 0;
    for (uint32_t i = 0; i < all && i < SIM_MAX_PROCESSES; i++) {
        if (on_device(&list[i], d))
            list[(*count)++] = list[i];
    }
    return list;
}

/* Fills out (entries of size bytes: pid, used, and where it has them the MIG ids) by NVML's protocol for lists. */
static nvmlReturn_t list_compute(nvmlDevice_t device, unsigned int *count, void *out, size_t size)
{
    uint32_t there;
    ON_DEVICE(device, count != NULL && (out != NULL || *count == 0));
    struct sim_process_info *list = processes_on(d, &there);
    if (list == NULL)
        return NVML_ERROR_MEMORY;
    bool fits = there <= *count;
    for (uint32_t i = 0; fits && i < there; i++) {
        nvmlProcessInfo_v2_t info = {.pid = (unsigned int)list[i].pid, .usedGpuMemory = list[i].bytes[d],
            .gpuInstanceId = NO_INSTANCE, .computeInstanceId = NO_INSTANCE};
        memcpy((char *)out + i * size, &info, size);
    }
    *count = there;
    free(list);
    return fits ? NVML_SUCCESS : NVML_ERROR_INSUFFICIENT_SIZE;
}

static nvmlReturn_t list_none(nvmlDevice_t device, unsigned int *count)
{
    GIVE(device, count, 0);
}

_Static_assert(offsetof(nvmlProcessInfo_v1_t, usedGpuMemory) == offsetof(nvmlProcessInfo_v2_t, usedGpuMemory), "same start");

#define LISTS(suffix, type)                                                                                                  \
    nvmlReturn_t nvmlDeviceGetComputeRunningProcesses##suffix(nvmlDevice_t device, unsigned int *count, type *out)           \
    {                                                                                                                        \
        return list_compute(device, count, out, sizeof *out);                                                                \
    }                                                                                                                        \
    nvmlReturn_t nvmlDeviceGetGraphicsRunningProcesses##suffix(nvmlDevice_t device, unsigned int *count, type *out)          \
    {                                                                                                                        \
        (void)out;                                                                                                           \
        return list_none(device, count);                                                                                     \
    }                                                                                                                        \
    nvmlReturn_t nvmlDeviceGetMPSComputeRunningProcesses##suffix(nvmlDevice_t device, unsigned int *count, type *out)        \
    {                                                                                                                        \
        (void)out;                                                                                                           \
        return list_none(device, count);                                                                                     \
    }

LISTS(, nvmlProcessInfo_v1_t)
LISTS(_v2, nvmlProcessInfo_v2_t)
LISTS(_v3, nvmlProcessInfo_t)

nvmlReturn_t nvmlDeviceGetRunningProcessDetailList(nvmlDevice_t device, nvmlProcessDetailList_t *details)
{
    uint32_t there;
    ON_DEVICE(device, details != NULL);
    if (details->version != nvmlProcessDetailList_v1)
        return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    struct sim_process_info *list = processes_on(d, &there);
    if (list == NULL)
        return NVML_ERROR_MEMORY;
    if (details->mode != 0)
        there = 0; /* graphics and MPS processes: none */
    bool fits = there == 0 || (details->procArray != NULL && there <= details->numProcArrayEntries);
    for (uint32_t i = 0; fits && i < there; i++)
        details->procArray[i] = (nvmlProcessDetail_v1_t){.pid = (unsigned int)list[i].pid, .usedGpuMemory = list[i].bytes[d],
            .gpuInstanceId = NO_INSTANCE, .computeInstanceId = NO_INSTANCE};
    details->numProcArrayEntries = there;
    free(list);
    return fits ? NVML_SUCCESS : NVML_ERROR_INSUFFICIENT_SIZE;
}

static uint32_t memory_percent(uint32_t d)
{
    return sim_busy_percent(d) / 2; /* the simulator has no memory controller: half of the device's load */
}

nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t device, nvmlUtilization_t *utilization)
{
    ON_DEVICE(device, utilization != NULL);
    utilization->gpu = sim_busy_percent(d);
    utilization->memory = memory_percent(d);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetProcessUtilization(nvmlDevice_t device, nvmlProcessUtilizationSample_t *samples, unsigned int *count,
    unsigned long long last_seen)
{
    uint32_t there, busy = 0;
    ON_DEVICE(device, count != NULL);
    struct sim_process_info *list = processes_on(d, &there);
    if (list == NULL)
        return NVML_ERROR_MEMORY;
    unsigned long long now = nv_time_us();
    for (uint32_t i = 0; i < there; i++) {
        uint32_t percent = sim_busy_process_percent(list[i].slot, d);
        if (percent == 0 || last_seen >= now)
            continue;
        if (samples != NULL && busy < *count)
            samples[busy] = (nvmlProcessUtilizationSample_t){.pid = (unsigned int)list[i].pid, .timeStamp = now, .smUtil = percent,
                .memUtil = percent / 2};
        busy++;
    }
    free(list);
    bool fits = samples != NULL && busy <= *count;
    if (samples == NULL) {
        *count = there > 0 ? there : 1; /* room to bring */
        return NVML_ERROR_INSUFFICIENT_SIZE;
    }
    *count = busy;
    return busy == 0 ? NVML_ERROR_NOT_FOUND : fits ? NVML_SUCCESS : NVML_ERROR_INSUFFICIENT_SIZE;
}

nvmlReturn_t nvmlDeviceGetProcessesUtilizationInfo(nvmlDevice_t device, nvmlProcessesUtilizationInfo_t *info)
{
    uint32_t there, busy = 0;
    ON_DEVICE(device, info != NULL);
    if (info->version != nvmlProcessesUtilizationInfo_v1)
        return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    struct sim_process_info *list = processes_on(d, &there);
    if (list == NULL)
        return NVML_ERROR_MEMORY;
    unsigned long long now = nv_time_us();
    unsigned int room = info->procUtilArray == NULL ? 0 : info->processSamplesCount;
    for (uint32_t i = 0; i < there; i++) {
        uint32_t percent = sim_busy_process_percent(list[i].slot, d);
        if (percent == 0)
            continue;
        if (busy < room)
            info->procUtilArray[busy] = (nvmlProcessUtilizationInfo_v1_t){.timeStamp = now, .pid = (unsigned int)list[i].pid,
                .smUtil = percent, .memUtil = percent / 2};
        busy++;
    }
    free(list);
    info->processSamplesCount = busy;
    return busy == 0 ? NVML_ERROR_NOT_FOUND : busy <= room ? NVML_SUCCESS : NVML_ERROR_INSUFFICIENT_SIZE;
}

nvmlReturn_t nvmlDeviceGetSamples(nvmlDevice_t device, nvmlSamplingType_t type, unsigned long long last_seen,
    nvmlValueType_t *value_type, unsigned int *count, nvmlSample_t *samples)
{
    unsigned int value;
    ON_DEVICE(device, value_type != NULL && count != NULL);
    switch (type) {
    case NVML_TOTAL_POWER_SAMPLES: value = nv_power_mw(d); break;
    case NVML_GPU_UTILIZATION_SAMPLES: value = sim_busy_percent(d); break;
    case NVML_MEMORY_UTILIZATION_SAMPLES: value = memory_percent(d); break;
    case NVML_ENC_UTILIZATION_SAMPLES:
    case NVML_DEC_UTILIZATION_SAMPLES:
    case NVML_JPG_UTILIZATION_SAMPLES:
    case NVML_OFA_UTILIZATION_SAMPLES: value = 0; break;
    case NVML_PROCESSOR_CLK_SAMPLES: value = nv_clock(d, NVML_CLOCK_SM); break;
    case NVML_MEMORY_CLK_SAMPLES: value = nv_clock(d, NVML_CLOCK_MEM); break;
    default: return NVML_ERROR_NOT_SUPPORTED;
    }
    unsigned long long now = nv_time_us();
    *value_type = NVML_VALUE_TYPE_UNSIGNED_INT;
    if (samples == NULL) {
        *count = 1;
        return NVML_SUCCESS;
    }
    if (*count == 0 || last_seen >= now)
        return NVML_ERROR_NOT_FOUND;
    *count = 1;
    samples[0] = (nvmlSample_t){.timeStamp = now, .sampleValue.uiVal = value};
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlSystemGetProcessName(unsigned int pid, char *name, unsigned int length)
{
    char path[64], text[1024];
    if (!nv_initialised())
        return NVML_ERROR_UNINITIALIZED;
    if (name == NULL || length == 0)
        return NVML_ERROR_INVALID_ARGUMENT;
    snprintf(path, sizeof path, "/proc/%u/cmdline", pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return NVML_ERROR_NOT_FOUND;
    ssize_t got = read(file, text, sizeof text - 1);
    close(file);
    text[got > 0 ? got : 0] = 0; /* the first word of the command line */
    size_t fits = strlen(text) < length ? strlen(text) : length - 1;
    memcpy(name, text, fits);
    name[fits] = 0;
    return NVML_SUCCESS;
}

/* No video engines are simulated: present and idle. */
static nvmlReturn_t idle_engine(nvmlDevice_t device, unsigned int *percent, unsigned int *period_us)
{
    ON_DEVICE(device, percent != NULL && period_us != NULL);
    *percent = 0;
    *period_us = 167000;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetEncoderUtilization(nvmlDevice_t device, unsigned int *percent, unsigned int *period_us)
{
    return idle_engine(device, percent, period_us);
}

nvmlReturn_t nvmlDeviceGetDecoderUtilization(nvmlDevice_t device, unsigned int *percent, unsigned int *period_us)
{
    return idle_engine(device, percent, period_us);
}

nvmlReturn_t nvmlDeviceGetJpgUtilization(nvmlDevice_t device, unsigned int *percent, unsigned int *period_us)
{
    return idle_engine(device, percent, period_us);
}

nvmlReturn_t nvmlDeviceGetOfaUtilization(nvmlDevice_t device, unsigned int *percent, unsigned int *period_us)
{
    return idle_engine(device, percent, period_us);
}

nvmlReturn_t nvmlDeviceGetEncoderStats(nvmlDevice_t device, unsigned int *sessions, unsigned int *fps, unsigned int *latency)
{
    ON_DEVICE(device, sessions != NULL && fps != NULL && latency != NULL);
    *sessions = *fps = *latency = 0;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetEncoderSessions(nvmlDevice_t device, unsigned int *count, nvmlEncoderSessionInfo_t *sessions)
{
    (void)sessions;
    return list_none(device, count);
}

nvmlReturn_t nvmlDeviceGetFBCStats(nvmlDevice_t device, nvmlFBCStats_t *stats)
{
    GIVE(device, stats, ((nvmlFBCStats_t){0}));
}

nvmlReturn_t nvmlDeviceGetFBCSessions(nvmlDevice_t device, unsigned int *count, nvmlFBCSessionInfo_t *sessions)
{
    (void)sessions;
    return list_none(device, count);
}

nvmlReturn_t nvmlDeviceGetAccountingMode(nvmlDevice_t device, nvmlEnableState_t *mode)
{
    GIVE(device, mode, NVML_FEATURE_DISABLED);
}

nvmlReturn_t nvmlDeviceGetAccountingBufferSize(nvmlDevice_t device, unsigned int *size)
{
    GIVE(device, size, 4000);
}

nvmlReturn_t nvmlDeviceGetAccountingPids(nvmlDevice_t device, unsigned int *count, unsigned int *pids)
{
    (void)pids;
    return list_none(device, count);
}
