/* PCIe, topology, affinity, NVLink and fabric (none). */
#define _GNU_SOURCE
#include "nvml_core.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

nvmlReturn_t nvmlDeviceGetCurrPcieLinkGeneration(nvmlDevice_t device, unsigned int *generation)
{
    GIVE(device, generation, model->pcie_generation);
}

nvmlReturn_t nvmlDeviceGetMaxPcieLinkGeneration(nvmlDevice_t device, unsigned int *generation)
{
    GIVE(device, generation, model->pcie_generation);
}

nvmlReturn_t nvmlDeviceGetGpuMaxPcieLinkGeneration(nvmlDevice_t device, unsigned int *generation)
{
    GIVE(device, generation, model->pcie_generation);
}

nvmlReturn_t nvmlDeviceGetCurrPcieLinkWidth(nvmlDevice_t device, unsigned int *width)
{
    GIVE(device, width, model->pcie_width);
}

nvmlReturn_t nvmlDeviceGetMaxPcieLinkWidth(nvmlDevice_t device, unsigned int *width)
{
    GIVE(device, width, model->pcie_width);
}

static unsigned int lane_mbps(const struct sim_device_config *model)
{
    return model->pcie_generation >= 5 ? 32000 : 16000;
}

nvmlReturn_t nvmlDeviceGetPcieSpeed(nvmlDevice_t device, unsigned int *mbps)
{
    GIVE(device, mbps, lane_mbps(model));
}

nvmlReturn_t nvmlDeviceGetPcieLinkMaxSpeed(nvmlDevice_t device, unsigned int *speed)
{
    GIVE(device, speed, model->pcie_generation >= 5 ? NVML_PCIE_LINK_MAX_SPEED_32000MBPS : NVML_PCIE_LINK_MAX_SPEED_16000MBPS);
}

nvmlReturn_t nvmlDeviceGetPcieThroughput(nvmlDevice_t device, nvmlPcieUtilCounter_t counter, unsigned int *kib_per_s)
{
    ON_DEVICE(device, kib_per_s != NULL && (unsigned int)counter < NVML_PCIE_UTIL_COUNT);
    *kib_per_s = 0; /* copies of the simulator cross no bus */
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetPcieReplayCounter(nvmlDevice_t device, unsigned int *replays)
{
    GIVE(device, replays, 0);
}

nvmlReturn_t nvmlDeviceGetTopologyCommonAncestor(nvmlDevice_t device, nvmlDevice_t other, nvmlGpuTopologyLevel_t *level)
{
    uint32_t o;
    ON_DEVICE(device, level != NULL);
    nvmlReturn_t found = nv_device(other, &o);
    if (found == NVML_SUCCESS)
        *level = d == o ? NVML_TOPOLOGY_INTERNAL : NVML_TOPOLOGY_NODE;
    return found;
}

nvmlReturn_t nvmlDeviceGetTopologyNearestGpus(nvmlDevice_t device, nvmlGpuTopologyLevel_t level, unsigned int *count, nvmlDevice_t *others)
{
    ON_DEVICE(device, count != NULL && (others != NULL || *count == 0));
    unsigned int room = *count, there = level == NVML_TOPOLOGY_NODE ? sim_config()->device_count - 1 : 0;
    for (uint32_t i = 0, at = 0; i < sim_config()->device_count && there > 0; i++) {
        if (i != d && at < room)
            others[at++] = nv_handle(i);
    }
    *count = room != 0 && room < there ? room : there;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetP2PStatus(nvmlDevice_t device, nvmlDevice_t other, nvmlGpuP2PCapsIndex_t index, nvmlGpuP2PStatus_t *status)
{
    uint32_t o;
    ON_DEVICE(device, status != NULL);
    nvmlReturn_t found = nv_device(other, &o);
    if (found == NVML_SUCCESS)
        *status = index == NVML_P2P_CAPS_INDEX_NVLINK ? NVML_P2P_STATUS_NOT_SUPPORTED : NVML_P2P_STATUS_OK;
    return found;
}

/* One NUMA node: all processors of the machine are near to every device. */
nvmlReturn_t nvmlDeviceGetCpuAffinity(nvmlDevice_t device, unsigned int words, unsigned long *set)
{
    ON_DEVICE(device, set != NULL && words > 0);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    memset(set, 0, words * sizeof *set);
    for (long i = 0; i < processors && i < (long)(words * sizeof *set * CHAR_BIT); i++)
        set[(size_t)i / (sizeof *set * CHAR_BIT)] |= 1ul << ((size_t)i % (sizeof *set * CHAR_BIT));
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetCpuAffinityWithinScope(nvmlDevice_t device, unsigned int words, unsigned long *set, nvmlAffinityScope_t scope)
{
    (void)scope;
    return nvmlDeviceGetCpuAffinity(device, words, set);
}

nvmlReturn_t nvmlDeviceGetMemoryAffinity(nvmlDevice_t device, unsigned int words, unsigned long *set, nvmlAffinityScope_t scope)
{
    ON_DEVICE(device, set != NULL && words > 0);
    (void)scope;
    memset(set, 0, words * sizeof *set);
    set[0] = 1;
    return NVML_SUCCESS;
}

/* Only where a device's memory is a NUMA node of the host (Grace): not on these models. */
nvmlReturn_t nvmlDeviceGetNumaNodeId(nvmlDevice_t device, unsigned int *node)
{
    (void)node;
    HAS_NOT(device);
}

nvmlReturn_t nvmlDeviceGetNvLinkState(nvmlDevice_t device, unsigned int link, nvmlEnableState_t *state)
{
    ON_DEVICE(device, state != NULL && link < NVML_NVLINK_MAX_LINKS);
    return NVML_ERROR_NOT_SUPPORTED;
}

nvmlReturn_t nvmlDeviceGetGpuFabricInfo(nvmlDevice_t device, nvmlGpuFabricInfo_t *info)
{
    ON_DEVICE(device, info != NULL);
    memset(info, 0, sizeof *info);
    info->state = NVML_GPU_FABRIC_STATE_NOT_SUPPORTED;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetGpuFabricInfoV(nvmlDevice_t device, nvmlGpuFabricInfoV_t *info)
{
    ON_DEVICE(device, info != NULL);
    unsigned int version = info->version;
    if (version == nvmlGpuFabricInfo_v3)
        memset(info, 0, sizeof *info);
    else if (version == nvmlGpuFabricInfo_v2)
        memset(info, 0, sizeof(nvmlGpuFabricInfo_v2_t));
    else
        return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    info->version = version;
    info->state = NVML_GPU_FABRIC_STATE_NOT_SUPPORTED;
    return NVML_SUCCESS;
}
