/* Field values: the numbered way to the same facts. An id that has none answers NOT_SUPPORTED in its own entry. */
#include "nvml_core.h"

#include <string.h>

static nvmlReturn_t as_u64(nvmlFieldValue_t *field, uint64_t value)
{
    field->valueType = NVML_VALUE_TYPE_UNSIGNED_LONG_LONG;
    field->value.ullVal = value;
    return NVML_SUCCESS;
}

static nvmlReturn_t as_u32(nvmlFieldValue_t *field, uint64_t value)
{
    field->valueType = NVML_VALUE_TYPE_UNSIGNED_INT;
    field->value.ullVal = 0;
    field->value.uiVal = (unsigned int)value;
    return NVML_SUCCESS;
}

static nvmlReturn_t ecc_field(uint32_t d, nvmlFieldValue_t *field)
{
    if (!sim_config()->devices[d].ecc)
        return NVML_ERROR_NOT_SUPPORTED;
    switch (field->fieldId) {
    case NVML_FI_DEV_ECC_CURRENT:
    case NVML_FI_DEV_ECC_PENDING: return as_u32(field, 1);
    case NVML_FI_DEV_ECC_SBE_VOL_TOTAL:
    case NVML_FI_DEV_ECC_SBE_AGG_TOTAL:
    case NVML_FI_DEV_ECC_SBE_VOL_DEV:
    case NVML_FI_DEV_ECC_SBE_AGG_DEV: return as_u64(field, sim_health_get(d, SIM_HEALTH_ECC_CORRECTED));
    case NVML_FI_DEV_ECC_DBE_VOL_TOTAL:
    case NVML_FI_DEV_ECC_DBE_AGG_TOTAL:
    case NVML_FI_DEV_ECC_DBE_VOL_DEV:
    case NVML_FI_DEV_ECC_DBE_AGG_DEV: return as_u64(field, sim_health_get(d, SIM_HEALTH_ECC_UNCORRECTED));
    case NVML_FI_DEV_REMAPPED_COR: return as_u32(field, sim_health_get(d, SIM_HEALTH_REMAP_CORRECTABLE));
    case NVML_FI_DEV_REMAPPED_UNC: return as_u32(field, sim_health_get(d, SIM_HEALTH_REMAP_UNCORRECTABLE));
    case NVML_FI_DEV_REMAPPED_PENDING: return as_u32(field, sim_health_get(d, SIM_HEALTH_REMAP_PENDING));
    case NVML_FI_DEV_REMAPPED_FAILURE: return as_u32(field, sim_health_get(d, SIM_HEALTH_REMAP_FAILURE));
    default: return NVML_ERROR_NOT_SUPPORTED;
    }
}

static nvmlReturn_t fill(uint32_t d, nvmlFieldValue_t *field)
{
    const struct sim_device_config *model = &sim_config()->devices[d];
    uint64_t action = sim_health_get(d, SIM_HEALTH_RECOVERY_ACTION);
    switch (field->fieldId) {
    case NVML_FI_DEV_GET_GPU_RECOVERY_ACTION:
        return sim_config()->driver_branch >= 570 ? as_u32(field, action) : NVML_ERROR_NOT_SUPPORTED;
    case NVML_FI_DEV_RESET_STATUS: return as_u32(field, action == 1);
    case NVML_FI_DEV_DRAIN_AND_RESET_STATUS: return as_u32(field, action == 4);
    case NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION: return as_u64(field, nv_energy_mj(d));
    case NVML_FI_DEV_MEMORY_TEMP: return as_u32(field, nv_temperature(d) + 8);
    case NVML_FI_DEV_POWER_AVERAGE:
    case NVML_FI_DEV_POWER_INSTANT: return as_u32(field, nv_power_mw(d));
    case NVML_FI_DEV_POWER_MIN_LIMIT: return as_u32(field, model->power_limit_mw * 2 / 7);
    case NVML_FI_DEV_POWER_MAX_LIMIT:
    case NVML_FI_DEV_POWER_DEFAULT_LIMIT:
    case NVML_FI_DEV_POWER_CURRENT_LIMIT:
    case NVML_FI_DEV_POWER_REQUESTED_LIMIT: return as_u32(field, model->power_limit_mw);
    case NVML_FI_DEV_NVLINK_LINK_COUNT: return as_u32(field, 0);
    case NVML_FI_DEV_C2C_LINK_COUNT: return as_u32(field, 0);
    case NVML_FI_DEV_IS_RESETLESS_MIG_SUPPORTED: return as_u32(field, 0);
    case NVML_FI_DEV_PCIE_REPLAY_COUNTER:
    case NVML_FI_DEV_PCIE_REPLAY_ROLLOVER_COUNTER:
    case NVML_FI_DEV_PCIE_L0_TO_RECOVERY_COUNTER:
    case NVML_FI_DEV_PCIE_COUNT_CORRECTABLE_ERRORS:
    case NVML_FI_DEV_PCIE_COUNT_NAKS_RECEIVED:
    case NVML_FI_DEV_PCIE_COUNT_RECEIVER_ERROR:
    case NVML_FI_DEV_PCIE_COUNT_BAD_TLP:
    case NVML_FI_DEV_PCIE_COUNT_NAKS_SENT:
    case NVML_FI_DEV_PCIE_COUNT_BAD_DLLP:
    case NVML_FI_DEV_PCIE_COUNT_NON_FATAL_ERROR:
    case NVML_FI_DEV_PCIE_COUNT_FATAL_ERROR:
    case NVML_FI_DEV_PCIE_COUNT_UNSUPPORTED_REQ:
    case NVML_FI_DEV_PCIE_COUNT_LCRC_ERROR:
    case NVML_FI_DEV_PCIE_COUNT_LANE_ERROR: return as_u32(field, 0);
    case NVML_FI_DEV_PCIE_COUNT_TX_BYTES:
    case NVML_FI_DEV_PCIE_COUNT_RX_BYTES: return as_u64(field, 0);
    case NVML_FI_DEV_CLOCKS_EVENT_REASON_SW_THERM_SLOWDOWN:
    case NVML_FI_DEV_CLOCKS_EVENT_REASON_HW_THERM_SLOWDOWN:
    case NVML_FI_DEV_CLOCKS_EVENT_REASON_HW_POWER_BRAKE_SLOWDOWN: return as_u64(field, 0);
    default: return ecc_field(d, field);
    }
}

nvmlReturn_t nvmlDeviceGetFieldValues(nvmlDevice_t device, int count, nvmlFieldValue_t *fields)
{
    ON_DEVICE(device, count > 0 && fields != NULL);
    for (int i = 0; i < count; i++) {
        fields[i].timestamp = (long long)nv_time_us();
        fields[i].latencyUsec = 1;
        memset(&fields[i].value, 0, sizeof fields[i].value);
        fields[i].valueType = NVML_VALUE_TYPE_UNSIGNED_INT;
        fields[i].nvmlReturn = fill(d, &fields[i]);
    }
    return NVML_SUCCESS;
}
