/* Facts of the models from NVIDIA's data sheets and from NVML on the real cards; see docs of the products. */
#include "node_models.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MIB (1ull << 20)

/* nvmlDeviceArchitecture: 7 Ampere, 8 Ada, 9 Hopper. nvmlBrandType: 14 "NVIDIA", 11 GeForce RTX... see nvml_types.h. */
static const struct sim_model models[] = {
    {"H100", {.name = "NVIDIA H100 80GB HBM3", .board_part = "692-2G520-0200-000", .vbios = "96.00.89.00.01",
        .memory_bytes = 81559 * MIB, .reserved_bytes = 480 * MIB, .pci_device_id = 0x233010de, .pci_subsystem_id = 0x16c110de,
        .cc_major = 9, .cc_minor = 0, .sm_count = 132, .cores_per_sm = 128, .memory_bus_bits = 5120, .l2_bytes = 50 * MIB,
        .sm_clock_mhz = 1980, .memory_clock_mhz = 2619, .power_limit_mw = 700000, .power_idle_mw = 71000,
        .pcie_generation = 5, .pcie_width = 16, .nvml_architecture = 9, .nvml_brand = 14, .ecc = 1, .copy_engines = 3}},
    {"H200", {.name = "NVIDIA H200", .board_part = "692-2G520-0280-000", .vbios = "96.00.BC.00.02",
        .memory_bytes = 143771 * MIB, .reserved_bytes = 595 * MIB, .pci_device_id = 0x233510de, .pci_subsystem_id = 0x18be10de,
        .cc_major = 9, .cc_minor = 0, .sm_count = 132, .cores_per_sm = 128, .memory_bus_bits = 6144, .l2_bytes = 60 * MIB,
        .sm_clock_mhz = 1980, .memory_clock_mhz = 3201, .power_limit_mw = 700000, .power_idle_mw = 76000,
        .pcie_generation = 5, .pcie_width = 16, .nvml_architecture = 9, .nvml_brand = 14, .ecc = 1, .copy_engines = 3}},
    {"A100", {.name = "NVIDIA A100-SXM4-80GB", .board_part = "692-2G506-0212-002", .vbios = "92.00.9E.00.01",
        .memory_bytes = 81920 * MIB, .reserved_bytes = 672 * MIB, .pci_device_id = 0x20b210de, .pci_subsystem_id = 0x147f10de,
        .cc_major = 8, .cc_minor = 0, .sm_count = 108, .cores_per_sm = 64, .memory_bus_bits = 5120, .l2_bytes = 40 * MIB,
        .sm_clock_mhz = 1410, .memory_clock_mhz = 1593, .power_limit_mw = 400000, .power_idle_mw = 62000,
        .pcie_generation = 4, .pcie_width = 16, .nvml_architecture = 7, .nvml_brand = 14, .ecc = 1, .copy_engines = 3}},
    {"L4", {.name = "NVIDIA L4", .board_part = "900-2G193-0000-000", .vbios = "95.04.29.00.06",
        .memory_bytes = 23034 * MIB, .reserved_bytes = 550 * MIB, .pci_device_id = 0x27b810de, .pci_subsystem_id = 0x16ca10de,
        .cc_major = 8, .cc_minor = 9, .sm_count = 58, .cores_per_sm = 128, .memory_bus_bits = 192, .l2_bytes = 48 * MIB,
        .sm_clock_mhz = 2040, .memory_clock_mhz = 6251, .power_limit_mw = 72000, .power_idle_mw = 13000,
        .pcie_generation = 4, .pcie_width = 16, .nvml_architecture = 8, .nvml_brand = 14, .ecc = 1, .copy_engines = 2}},
    {"RTX4090", {.name = "NVIDIA GeForce RTX 4090", .board_part = "", .vbios = "95.02.3C.40.0C",
        .memory_bytes = 24564 * MIB, .reserved_bytes = 430 * MIB, .pci_device_id = 0x268410de, .pci_subsystem_id = 0x16f310de,
        .cc_major = 8, .cc_minor = 9, .sm_count = 128, .cores_per_sm = 128, .memory_bus_bits = 384, .l2_bytes = 72 * MIB,
        .sm_clock_mhz = 3105, .memory_clock_mhz = 10501, .power_limit_mw = 450000, .power_idle_mw = 17000,
        .pcie_generation = 4, .pcie_width = 16, .nvml_architecture = 8, .nvml_brand = 5, .ecc = 0, .copy_engines = 2}},
};

static const struct sim_driver drivers[] = {
    {535, 12020, "535.216.03"}, {550, 12040, "550.163.01"}, {570, 12080, "570.211.01"}, {580, 13000, "580.159.04"}, {615, 13030, "615.36.02"},
};

const struct sim_model *sim_model_find(const char *name)
{
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        if (strcasecmp(name, models[i].name) == 0)
            return &models[i];
    }
    return NULL;
}

const char *sim_model_name(const struct sim_device_config *device)
{
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        if (models[i].device.pci_device_id == device->pci_device_id)
            return models[i].name;
    }
    return "unknown";
}

const struct sim_driver *sim_driver_find(const char *version)
{
    char *end;
    unsigned long branch = strtoul(version, &end, 10);
    bool shape = isdigit((unsigned char)version[0]) && (*end == 0 || (*end == '.' && isdigit((unsigned char)end[1])));
    for (const char *at = end; shape && *at != 0; at++)
        shape = isdigit((unsigned char)*at) || *at == '.';
    for (size_t i = 0; shape && i < sizeof drivers / sizeof *drivers; i++) {
        if (drivers[i].branch == branch)
            return &drivers[i];
    }
    return NULL;
}
