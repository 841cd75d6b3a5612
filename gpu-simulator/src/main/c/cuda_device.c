/* What can be asked about a device. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "cuda_core.h"

#define DEVICE(ordinal)                                                      \
    SIM_ENTER();                                                             \
    if (!sim_ordinal_ok(ordinal)) return CUDA_ERROR_INVALID_DEVICE;          \
    const struct sim_device_config *device = &sim_config()->devices[sim_process.device[ordinal]]

CUresult cuDeviceGetCount(int *count) {
    SIM_ENTER();
    SIM_NEED(count != NULL);
    *count = sim_process.device_count;
    return CUDA_SUCCESS;
}
CUresult cuDeviceGet(CUdevice *out, int ordinal) {
    DEVICE(ordinal);
    (void)device;
    SIM_NEED(out != NULL);
    *out = ordinal;
    return CUDA_SUCCESS;
}
CUresult cuDeviceGetName(char *out, int length, CUdevice ordinal) {
    DEVICE(ordinal);
    SIM_NEED(out != NULL && length > 0);
    snprintf(out, (size_t)length, "%s", device->name);
    return CUDA_SUCCESS;
}
CUresult cuDeviceGetUuid_v2(CUuuid *out, CUdevice ordinal) {
    DEVICE(ordinal);
    SIM_NEED(out != NULL);
    memcpy(out->bytes, device->uuid_bytes, sizeof out->bytes);
    return CUDA_SUCCESS;
}
CUresult cuDeviceGetUuid(CUuuid *out, CUdevice ordinal) { return cuDeviceGetUuid_v2(out, ordinal); }

CUresult cuDeviceGetLuid(char *luid, unsigned int *mask, CUdevice ordinal) {
    DEVICE(ordinal);
    (void)device;
    SIM_NEED(luid != NULL && mask != NULL);
    return CUDA_ERROR_NOT_SUPPORTED;
}
CUresult cuDeviceTotalMem_v2(size_t *out, CUdevice ordinal) {
    DEVICE(ordinal);
    SIM_NEED(out != NULL);
    *out = device->memory_bytes - device->reserved_bytes;
    return CUDA_SUCCESS;
}
CUresult cuDeviceTotalMem(unsigned int *out, CUdevice ordinal) {
    DEVICE(ordinal);
    SIM_NEED(out != NULL);
    uint64_t bytes = device->memory_bytes - device->reserved_bytes;
    *out = bytes > UINT32_MAX ? UINT32_MAX : (unsigned)bytes;
    return CUDA_SUCCESS;
}
CUresult cuDeviceComputeCapability(int *major, int *minor, CUdevice ordinal) {
    DEVICE(ordinal);
    SIM_NEED(major != NULL && minor != NULL);
    *major = (int)device->cc_major;
    *minor = (int)device->cc_minor;
    return CUDA_SUCCESS;
}
CUresult cuDeviceGetPCIBusId(char *out, int length, CUdevice ordinal) {
    DEVICE(ordinal);
    SIM_NEED(out != NULL && length > 0);
    char text[32];
    int needed = snprintf(text, sizeof text, "%04X:%02X:%02X.0", device->pci_domain, device->pci_bus, device->pci_device);
    SIM_NEED(needed < length);
    memcpy(out, text, (size_t)needed + 1);
    return CUDA_SUCCESS;
}
CUresult cuDeviceGetByPCIBusId(CUdevice *out, const char *id) {
    SIM_ENTER();
    SIM_NEED(out != NULL && id != NULL);
    unsigned domain = 0, bus, slot, function = 0;
    if (sscanf(id, "%x:%x:%x.%x", &domain, &bus, &slot, &function) != 4) {
        domain = function = 0;
        if (sscanf(id, "%x:%x.%x", &bus, &slot, &function) != 3) {
            if (sscanf(id, "%x:%x:%x", &domain, &bus, &slot) != 3) return CUDA_ERROR_INVALID_VALUE;
        }
    }
    for (int i = 0; i < sim_process.device_count; i++) {
        const struct sim_device_config *device = &sim_config()->devices[sim_process.device[i]];
        if (device->pci_domain != domain || device->pci_bus != bus || device->pci_device != slot || function != 0) continue;
        *out = i;
        return CUDA_SUCCESS;
    }
    return CUDA_ERROR_INVALID_DEVICE;
}
CUresult cuDeviceCanAccessPeer(int *out, CUdevice ordinal, CUdevice peer) {
    DEVICE(ordinal);
    (void)device;
    SIM_NEED(out != NULL);
    if (!sim_ordinal_ok(peer)) return CUDA_ERROR_INVALID_DEVICE;
    *out = peer != ordinal;
    return CUDA_SUCCESS;
}
CUresult cuDeviceGetP2PAttribute(int *out, CUdevice_P2PAttribute attribute, CUdevice ordinal, CUdevice peer) {
    DEVICE(ordinal);
    (void)device;
    SIM_NEED(out != NULL && attribute >= 1 && attribute <= 5);
    if (!sim_ordinal_ok(peer) || peer == ordinal) return CUDA_ERROR_INVALID_DEVICE;
    *out = attribute == CU_DEVICE_P2P_ATTRIBUTE_PERFORMANCE_RANK ? 0 : attribute != 5;
    return CUDA_SUCCESS;
}
CUresult cuDeviceGetExecAffinitySupport(int *out, CUexecAffinityType type, CUdevice ordinal) {
    DEVICE(ordinal);
    (void)device;
    SIM_NEED(out != NULL && (unsigned)type < CU_EXEC_AFFINITY_TYPE_MAX);
    *out = 0;
    return CUDA_SUCCESS;
}
CUresult cuDeviceGetTexture1DLinearMaxWidth(size_t *out, CUarray_format format, unsigned channels, CUdevice ordinal) {
    DEVICE(ordinal);
    (void)device;
    (void)format;
    SIM_NEED(out != NULL && (channels == 1 || channels == 2 || channels == 4));
    *out = 1u << 28;
    return CUDA_SUCCESS;
}
CUresult cuDeviceGetProperties(CUdevprop *out, CUdevice ordinal) {
    DEVICE(ordinal);
    SIM_NEED(out != NULL);
    *out = (CUdevprop){1024, {1024, 1024, 64}, {0x7fffffff, 65535, 65535}, 49152, 65536, 32, 0x7fffffff, 65536,
                       (int)device->sm_clock_mhz * 1000, 512};
    return CUDA_SUCCESS;
}

/* Attributes that are the same on every model. An attribute that is not here is 0. */
static const int fixed[CU_DEVICE_ATTRIBUTE_MAX] = {
    [CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK] = 1024, [CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X] = 1024,
    [CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y] = 1024, [CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z] = 64,
    [CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X] = 0x7fffffff, [CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y] = 65535,
    [CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z] = 65535, [CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK] = 49152,
    [CU_DEVICE_ATTRIBUTE_TOTAL_CONSTANT_MEMORY] = 65536, [CU_DEVICE_ATTRIBUTE_WARP_SIZE] = 32,
    [CU_DEVICE_ATTRIBUTE_MAX_PITCH] = 0x7fffffff, [CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK] = 65536,
    [CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT] = 512, [CU_DEVICE_ATTRIBUTE_GPU_OVERLAP] = 1,
    [CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY] = 1, [CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_WIDTH] = 131072,
    [CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_WIDTH] = 131072, [CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_HEIGHT] = 65536,
    [CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_WIDTH] = 16384, [CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_HEIGHT] = 16384,
    [CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_DEPTH] = 16384, [CU_DEVICE_ATTRIBUTE_SURFACE_ALIGNMENT] = 512,
    [CU_DEVICE_ATTRIBUTE_CONCURRENT_KERNELS] = 1, [CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR] = 2048,
    [CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING] = 1, [CU_DEVICE_ATTRIBUTE_TEXTURE_PITCH_ALIGNMENT] = 32,
    [CU_DEVICE_ATTRIBUTE_STREAM_PRIORITIES_SUPPORTED] = 1, [CU_DEVICE_ATTRIBUTE_GLOBAL_L1_CACHE_SUPPORTED] = 1,
    [CU_DEVICE_ATTRIBUTE_LOCAL_L1_CACHE_SUPPORTED] = 1, [CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR] = 233472,
    [CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR] = 65536, [CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY] = 1,
    [CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED] = 1,
    [CU_DEVICE_ATTRIBUTE_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED] = 1,
    [CU_DEVICE_ATTRIBUTE_MAX_BLOCKS_PER_MULTIPROCESSOR] = 32, [CU_DEVICE_ATTRIBUTE_READ_ONLY_HOST_REGISTER_SUPPORTED] = 1,
    [CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED] = 1, [CU_DEVICE_ATTRIBUTE_DMA_BUF_SUPPORTED] = 1,
    [CU_DEVICE_ATTRIBUTE_MEMPOOL_SUPPORTED_HANDLE_TYPES] = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR,
    [CU_DEVICE_ATTRIBUTE_CAN_USE_64_BIT_STREAM_MEM_OPS] = 1, [CU_DEVICE_ATTRIBUTE_CAN_USE_STREAM_WAIT_VALUE_NOR] = 1,
    [CU_DEVICE_ATTRIBUTE_IPC_EVENT_SUPPORTED] = 1, [CU_DEVICE_ATTRIBUTE_MEM_SYNC_DOMAIN_COUNT] = 1,
    [CU_DEVICE_ATTRIBUTE_HOST_NUMA_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED] = 1,
    [CU_DEVICE_ATTRIBUTE_HOST_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED] = 1, [CU_DEVICE_ATTRIBUTE_NUMA_ID] = -1,
    [96] = 1, /* stream memory operations of the first kind */
    [95] = 1, /* cooperative launch */
    [97] = 232448, /* shared memory per block, opt-in */
    [99] = 1, /* host registered memory is visible under its own address */
    [91] = 1, /* the host's address works on the device */
};

CUresult cuDeviceGetAttribute(int *out, CUdevice_attribute attribute, CUdevice ordinal) {
    DEVICE(ordinal);
    SIM_NEED(out != NULL && attribute > 0 && attribute < CU_DEVICE_ATTRIBUTE_MAX);
    switch (attribute) {
    case CU_DEVICE_ATTRIBUTE_CLOCK_RATE: *out = (int)device->sm_clock_mhz * 1000; break;
    case CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE: *out = (int)device->memory_clock_mhz * 1000; break;
    case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT: *out = (int)device->sm_count; break;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR: *out = (int)device->cc_major; break;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR: *out = (int)device->cc_minor; break;
    case CU_DEVICE_ATTRIBUTE_PCI_BUS_ID: *out = (int)device->pci_bus; break;
    case CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID: *out = (int)device->pci_device; break;
    case CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID: *out = (int)device->pci_domain; break;
    case CU_DEVICE_ATTRIBUTE_GPU_PCI_DEVICE_ID: *out = (int)device->pci_device_id; break;
    case CU_DEVICE_ATTRIBUTE_GPU_PCI_SUBSYSTEM_ID: *out = (int)device->pci_subsystem_id; break;
    case CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH: *out = (int)device->memory_bus_bits; break;
    case CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE: *out = (int)device->l2_bytes; break;
    case CU_DEVICE_ATTRIBUTE_ECC_ENABLED: *out = (int)device->ecc; break;
    case CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT: *out = (int)device->copy_engines; break;
    case CU_DEVICE_ATTRIBUTE_CLUSTER_LAUNCH: *out = device->cc_major >= 9; break;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_MODE:
        *out = (int)sim_health_get(sim_process.device[ordinal], SIM_HEALTH_COMPUTE_MODE);
        break;
    default: *out = fixed[attribute];
    }
    return CUDA_SUCCESS;
}
