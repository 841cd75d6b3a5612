/* Clocks, power, heat: derived from the model and from how busy the device is. */
#include "nvml_core.h"

#include <string.h>

#define IDLE_SM_MHZ 345u
#define AMBIENT_C 30u
#define MAX_C 87u
#define SLOWDOWN_C 89u
#define SHUTDOWN_C 92u
#define MEMORY_MAX_C 95u

uint32_t nv_temperature(uint32_t d)
{
    uint64_t set = sim_health_get(d, SIM_HEALTH_TEMPERATURE);
    return set != 0 ? (uint32_t)set : AMBIENT_C + sim_busy_percent(d) * 35 / 100;
}

uint32_t nv_power_mw(uint32_t d)
{
    const struct sim_device_config *model = &sim_config()->devices[d];
    return model->power_idle_mw + (uint32_t)((uint64_t)(model->power_limit_mw - model->power_idle_mw) * sim_busy_percent(d) * 9 / 1000);
}

/* Grows from the start of the machine, whose clock the node uses. */
uint64_t nv_energy_mj(uint32_t d)
{
    const struct sim_device_config *model = &sim_config()->devices[d];
    uint64_t idle = sim_now_ns() / 1000000 * model->power_idle_mw / 1000;
    uint64_t busy = sim_busy_total_ns(d) / 1000000 * (model->power_limit_mw - model->power_idle_mw) / 1000 * 9 / 10;
    return idle + busy;
}

static uint32_t top_clock(uint32_t d, nvmlClockType_t type)
{
    const struct sim_device_config *model = &sim_config()->devices[d];
    switch (type) {
    case NVML_CLOCK_MEM: return model->memory_clock_mhz;
    case NVML_CLOCK_VIDEO: return model->sm_clock_mhz * 85 / 100;
    default: return model->sm_clock_mhz;
    }
}

uint32_t nv_clock(uint32_t d, nvmlClockType_t type)
{
    uint32_t top = top_clock(d, type);
    if (type == NVML_CLOCK_MEM || sim_busy_percent(d) > 0)
        return top;
    return type == NVML_CLOCK_VIDEO ? IDLE_SM_MHZ * 2 : IDLE_SM_MHZ;
}

static bool valid_clock(nvmlClockType_t type)
{
    return (unsigned int)type < NVML_CLOCK_COUNT;
}

nvmlReturn_t nvmlDeviceGetClockInfo(nvmlDevice_t device, nvmlClockType_t type, unsigned int *mhz)
{
    ON_DEVICE(device, mhz != NULL && valid_clock(type));
    *mhz = nv_clock(d, type);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMaxClockInfo(nvmlDevice_t device, nvmlClockType_t type, unsigned int *mhz)
{
    ON_DEVICE(device, mhz != NULL && valid_clock(type));
    *mhz = top_clock(d, type);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetClock(nvmlDevice_t device, nvmlClockType_t type, nvmlClockId_t id, unsigned int *mhz)
{
    ON_DEVICE(device, mhz != NULL && valid_clock(type) && (unsigned int)id < NVML_CLOCK_ID_COUNT);
    *mhz = id == NVML_CLOCK_ID_CURRENT ? nv_clock(d, type) : top_clock(d, type);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetApplicationsClock(nvmlDevice_t device, nvmlClockType_t type, unsigned int *mhz)
{
    return nvmlDeviceGetMaxClockInfo(device, type, mhz);
}

nvmlReturn_t nvmlDeviceGetDefaultApplicationsClock(nvmlDevice_t device, nvmlClockType_t type, unsigned int *mhz)
{
    return nvmlDeviceGetMaxClockInfo(device, type, mhz);
}

nvmlReturn_t nvmlDeviceGetMaxCustomerBoostClock(nvmlDevice_t device, nvmlClockType_t type, unsigned int *mhz)
{
    return nvmlDeviceGetMaxClockInfo(device, type, mhz);
}

static nvmlReturn_t one_clock(nvmlDevice_t device, nvmlClockType_t type, unsigned int *count, unsigned int *mhz)
{
    ON_DEVICE(device, count != NULL && (mhz != NULL || *count == 0));
    bool fits = *count >= 1;
    *count = 1;
    if (fits)
        *mhz = top_clock(d, type);
    return fits ? NVML_SUCCESS : NVML_ERROR_INSUFFICIENT_SIZE;
}

nvmlReturn_t nvmlDeviceGetSupportedMemoryClocks(nvmlDevice_t device, unsigned int *count, unsigned int *mhz)
{
    return one_clock(device, NVML_CLOCK_MEM, count, mhz);
}

nvmlReturn_t nvmlDeviceGetSupportedGraphicsClocks(nvmlDevice_t device, unsigned int memory_mhz, unsigned int *count, unsigned int *mhz)
{
    (void)memory_mhz;
    return one_clock(device, NVML_CLOCK_GRAPHICS, count, mhz);
}

nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t device, unsigned int *mw)
{
    GIVE(device, mw, nv_power_mw(d));
}

nvmlReturn_t nvmlDeviceGetTotalEnergyConsumption(nvmlDevice_t device, unsigned long long *mj)
{
    GIVE(device, mj, nv_energy_mj(d));
}

nvmlReturn_t nvmlDeviceGetPowerManagementMode(nvmlDevice_t device, nvmlEnableState_t *mode)
{
    GIVE(device, mode, NVML_FEATURE_ENABLED);
}

nvmlReturn_t nvmlDeviceGetPowerManagementLimit(nvmlDevice_t device, unsigned int *mw)
{
    GIVE(device, mw, model->power_limit_mw);
}

nvmlReturn_t nvmlDeviceGetPowerManagementDefaultLimit(nvmlDevice_t device, unsigned int *mw)
{
    GIVE(device, mw, model->power_limit_mw);
}

nvmlReturn_t nvmlDeviceGetEnforcedPowerLimit(nvmlDevice_t device, unsigned int *mw)
{
    GIVE(device, mw, model->power_limit_mw);
}

nvmlReturn_t nvmlDeviceGetPowerManagementLimitConstraints(nvmlDevice_t device, unsigned int *least, unsigned int *most)
{
    ON_DEVICE(device, least != NULL && most != NULL);
    *least = model->power_limit_mw * 2 / 7;
    *most = model->power_limit_mw;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t device, nvmlTemperatureSensors_t sensor, unsigned int *celsius)
{
    ON_DEVICE(device, celsius != NULL && sensor == NVML_TEMPERATURE_GPU);
    *celsius = nv_temperature(d);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetTemperatureV(nvmlDevice_t device, nvmlTemperature_t *temperature)
{
    ON_DEVICE(device, temperature != NULL);
    if (temperature->version != nvmlTemperature_v1)
        return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    if (temperature->sensorType != NVML_TEMPERATURE_GPU)
        return NVML_ERROR_INVALID_ARGUMENT;
    temperature->temperature = (int)nv_temperature(d);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMarginTemperature(nvmlDevice_t device, nvmlMarginTemperature_t *margin)
{
    ON_DEVICE(device, margin != NULL);
    if (margin->version != nvmlMarginTemperature_v1)
        return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    margin->marginTemperature = (int)MAX_C - (int)nv_temperature(d);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetTemperatureThreshold(nvmlDevice_t device, nvmlTemperatureThresholds_t threshold, unsigned int *celsius)
{
    ON_DEVICE(device, celsius != NULL && (unsigned int)threshold < NVML_TEMPERATURE_THRESHOLD_COUNT);
    switch (threshold) {
    case NVML_TEMPERATURE_THRESHOLD_SHUTDOWN: *celsius = SHUTDOWN_C; break;
    case NVML_TEMPERATURE_THRESHOLD_SLOWDOWN: *celsius = SLOWDOWN_C; break;
    case NVML_TEMPERATURE_THRESHOLD_MEM_MAX: *celsius = MEMORY_MAX_C; break;
    case NVML_TEMPERATURE_THRESHOLD_GPU_MAX: *celsius = MAX_C; break;
    default: return NVML_ERROR_NOT_SUPPORTED;
    }
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetPerformanceState(nvmlDevice_t device, nvmlPstates_t *state)
{
    GIVE(device, state, NVML_PSTATE_0);
}

nvmlReturn_t nvmlDeviceGetPowerState(nvmlDevice_t device, nvmlPstates_t *state)
{
    return nvmlDeviceGetPerformanceState(device, state);
}

nvmlReturn_t nvmlDeviceGetSupportedPerformanceStates(nvmlDevice_t device, nvmlPstates_t *states, unsigned int bytes)
{
    ON_DEVICE(device, states != NULL);
    if (bytes < sizeof *states)
        return NVML_ERROR_INSUFFICIENT_SIZE;
    for (unsigned int i = 0; i < bytes / sizeof *states; i++)
        states[i] = i == 0 ? NVML_PSTATE_0 : NVML_PSTATE_UNKNOWN;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetCurrentClocksEventReasons(nvmlDevice_t device, unsigned long long *reasons)
{
    GIVE(device, reasons, sim_busy_percent(d) > 0 ? nvmlClocksEventReasonNone : nvmlClocksEventReasonGpuIdle);
}

nvmlReturn_t nvmlDeviceGetCurrentClocksThrottleReasons(nvmlDevice_t device, unsigned long long *reasons)
{
    return nvmlDeviceGetCurrentClocksEventReasons(device, reasons);
}

nvmlReturn_t nvmlDeviceGetSupportedClocksEventReasons(nvmlDevice_t device, unsigned long long *reasons)
{
    GIVE(device, reasons, nvmlClocksEventReasonAll);
}

nvmlReturn_t nvmlDeviceGetSupportedClocksThrottleReasons(nvmlDevice_t device, unsigned long long *reasons)
{
    return nvmlDeviceGetSupportedClocksEventReasons(device, reasons);
}

nvmlReturn_t nvmlDeviceGetViolationStatus(nvmlDevice_t device, nvmlPerfPolicyType_t policy, nvmlViolationTime_t *time)
{
    ON_DEVICE(device, time != NULL);
    (void)policy;
    time->referenceTime = nv_time_us();
    time->violationTime = 0;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetNumFans(nvmlDevice_t device, unsigned int *count)
{
    GIVE(device, count, 0); /* cooled by the chassis */
}

nvmlReturn_t nvmlDeviceGetFanSpeed(nvmlDevice_t device, unsigned int *percent)
{
    (void)percent;
    HAS_NOT(device);
}

nvmlReturn_t nvmlDeviceGetFanSpeed_v2(nvmlDevice_t device, unsigned int fan, unsigned int *percent)
{
    (void)fan, (void)percent;
    HAS_NOT(device);
}

nvmlReturn_t nvmlDeviceGetAdaptiveClockInfoStatus(nvmlDevice_t device, unsigned int *status)
{
    GIVE(device, status, 1);
}

nvmlReturn_t nvmlDeviceGetDynamicPstatesInfo(nvmlDevice_t device, nvmlGpuDynamicPstatesInfo_t *info)
{
    ON_DEVICE(device, info != NULL);
    memset(info, 0, sizeof *info);
    info->utilization[0].bIsPresent = 1;
    info->utilization[0].percentage = sim_busy_percent(d);
    return NVML_SUCCESS;
}
