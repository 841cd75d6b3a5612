/* What a device is: names, numbers, PCI address, architecture. */
#include "nvml_core.h"

#include <stdio.h>
#include <string.h>

#define NAME_CALL(call, text)                                                                                                \
    nvmlReturn_t call(nvmlDevice_t device, char *out, unsigned int length)                                                   \
    {                                                                                                                        \
        ON_DEVICE(device, out != NULL);                                                                                      \
        return nv_copy(text, out, length);                                                                                   \
    }

NAME_CALL(nvmlDeviceGetName, model->name)
NAME_CALL(nvmlDeviceGetUUID, model->uuid)
NAME_CALL(nvmlDeviceGetSerial, model->serial)
NAME_CALL(nvmlDeviceGetVbiosVersion, model->vbios)

nvmlReturn_t nvmlDeviceGetBoardPartNumber(nvmlDevice_t device, char *out, unsigned int length)
{
    ON_DEVICE(device, out != NULL);
    return model->board_part[0] == 0 ? NVML_ERROR_NOT_SUPPORTED : nv_copy(model->board_part, out, length);
}

nvmlReturn_t nvmlDeviceGetIndex(nvmlDevice_t device, unsigned int *index)
{
    GIVE(device, index, d);
}

nvmlReturn_t nvmlDeviceGetMinorNumber(nvmlDevice_t device, unsigned int *minor)
{
    GIVE(device, minor, d);
}

nvmlReturn_t nvmlDeviceGetModuleId(nvmlDevice_t device, unsigned int *id)
{
    GIVE(device, id, d + 1);
}

nvmlReturn_t nvmlDeviceGetBrand(nvmlDevice_t device, nvmlBrandType_t *brand)
{
    GIVE(device, brand, (nvmlBrandType_t)model->nvml_brand);
}

nvmlReturn_t nvmlDeviceGetArchitecture(nvmlDevice_t device, nvmlDeviceArchitecture_t *architecture)
{
    GIVE(device, architecture, model->nvml_architecture);
}

nvmlReturn_t nvmlDeviceGetBoardId(nvmlDevice_t device, unsigned int *id)
{
    GIVE(device, id, model->pci_bus << 8);
}

nvmlReturn_t nvmlDeviceGetMultiGpuBoard(nvmlDevice_t device, unsigned int *multi)
{
    GIVE(device, multi, 0);
}

nvmlReturn_t nvmlDeviceGetBusType(nvmlDevice_t device, nvmlBusType_t *type)
{
    GIVE(device, type, NVML_BUS_TYPE_PCIE);
}

nvmlReturn_t nvmlDeviceGetIrqNum(nvmlDevice_t device, unsigned int *irq)
{
    GIVE(device, irq, 64 + d);
}

nvmlReturn_t nvmlDeviceGetNumGpuCores(nvmlDevice_t device, unsigned int *cores)
{
    GIVE(device, cores, model->sm_count * model->cores_per_sm);
}

nvmlReturn_t nvmlDeviceGetMemoryBusWidth(nvmlDevice_t device, unsigned int *bits)
{
    GIVE(device, bits, model->memory_bus_bits);
}

nvmlReturn_t nvmlDeviceGetCudaComputeCapability(nvmlDevice_t device, int *major, int *minor)
{
    ON_DEVICE(device, major != NULL && minor != NULL);
    *major = (int)model->cc_major;
    *minor = (int)model->cc_minor;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceOnSameBoard(nvmlDevice_t device, nvmlDevice_t other, int *same)
{
    uint32_t o;
    ON_DEVICE(device, same != NULL);
    nvmlReturn_t found = nv_device(other, &o);
    if (found == NVML_SUCCESS)
        *same = d == o;
    return found;
}

static void long_bus_id(const struct sim_device_config *model, char out[32])
{
    snprintf(out, 32, "%08X:%02X:%02X.0", model->pci_domain, model->pci_bus & 0xff, model->pci_device & 0xff);
}

static void short_bus_id(const struct sim_device_config *model, char out[16])
{
    snprintf(out, 16, "%04X:%02X:%02X.0", model->pci_domain & 0xffff, model->pci_bus & 0xff, model->pci_device & 0xff);
}

nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t device, nvmlPciInfo_t *pci)
{
    ON_DEVICE(device, pci != NULL);
    memset(pci, 0, sizeof *pci);
    long_bus_id(model, pci->busId);
    short_bus_id(model, pci->busIdLegacy);
    pci->domain = model->pci_domain;
    pci->bus = model->pci_bus;
    pci->device = model->pci_device;
    pci->pciDeviceId = model->pci_device_id;
    pci->pciSubSystemId = model->pci_subsystem_id;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetPciInfo_v2(nvmlDevice_t device, nvmlPciInfo_v2_t *pci)
{
    ON_DEVICE(device, pci != NULL);
    memset(pci, 0, sizeof *pci);
    short_bus_id(model, pci->busId);
    pci->domain = model->pci_domain;
    pci->bus = model->pci_bus;
    pci->device = model->pci_device;
    pci->pciDeviceId = model->pci_device_id;
    pci->pciSubSystemId = model->pci_subsystem_id;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetPciInfo(nvmlDevice_t device, nvmlPciInfo_v1_t *pci)
{
    ON_DEVICE(device, pci != NULL);
    memset(pci, 0, sizeof *pci);
    short_bus_id(model, pci->busId);
    pci->domain = model->pci_domain;
    pci->bus = model->pci_bus;
    pci->device = model->pci_device;
    pci->pciDeviceId = model->pci_device_id;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetPciInfoExt(nvmlDevice_t device, nvmlPciInfoExt_t *pci)
{
    ON_DEVICE(device, pci != NULL);
    if (pci->version != nvmlPciInfoExt_v1)
        return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    long_bus_id(model, pci->busId);
    pci->domain = model->pci_domain;
    pci->bus = model->pci_bus;
    pci->device = model->pci_device;
    pci->pciDeviceId = model->pci_device_id;
    pci->pciSubSystemId = model->pci_subsystem_id;
    pci->baseClass = 3;
    pci->subClass = 2;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetAttributes_v2(nvmlDevice_t device, nvmlDeviceAttributes_t *attributes)
{
    (void)attributes;
    HAS_NOT(device); /* of MIG devices only */
}

nvmlReturn_t nvmlDeviceGetAttributes(nvmlDevice_t device, nvmlDeviceAttributes_t *attributes)
{
    return nvmlDeviceGetAttributes_v2(device, attributes);
}

nvmlReturn_t nvmlDeviceGetInforomVersion(nvmlDevice_t device, nvmlInforomObject_t object, char *out, unsigned int length)
{
    (void)object, (void)out, (void)length;
    HAS_NOT(device);
}

nvmlReturn_t nvmlDeviceGetGspFirmwareMode(nvmlDevice_t device, unsigned int *enabled, unsigned int *by_default)
{
    ON_DEVICE(device, enabled != NULL && by_default != NULL);
    *enabled = *by_default = 1;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetGspFirmwareVersion(nvmlDevice_t device, char *out)
{
    ON_DEVICE(device, out != NULL);
    return nv_copy(sim_config()->driver_version, out, NVML_GSP_FIRMWARE_VERSION_BUF_SIZE);
}
