/*
 * How the suite finds the driver's functions. Programs do it in two ways, so the suite mixes them: every second entry of the
 * table below comes from cuGetProcAddress_v2, all others from dlsym.
 */
#include "conformance.h"

#include <dlfcn.h>
#include <string.h>

/* Versions: the interface version in which the symbol became the answer for the base name (source: CUDA 13.0's typedefs). */
const struct conf_entry conf_entries[] = {
    {"cuInit", "cuInit", 2000},
    {"cuDriverGetVersion", "cuDriverGetVersion", 2020},
    {"cuDeviceGet", "cuDeviceGet", 2000},
    {"cuDeviceGetCount", "cuDeviceGetCount", 2000},
    {"cuDeviceGetName", "cuDeviceGetName", 2000},
    {"cuDeviceGetUuid_v2", "cuDeviceGetUuid", 11040},
    {"cuDeviceTotalMem_v2", "cuDeviceTotalMem", 3020},
    {"cuDeviceGetAttribute", "cuDeviceGetAttribute", 2000},
    {"cuDevicePrimaryCtxRetain", "cuDevicePrimaryCtxRetain", 7000},
    {"cuDevicePrimaryCtxRelease_v2", "cuDevicePrimaryCtxRelease", 11000},
    {"cuDevicePrimaryCtxGetState", "cuDevicePrimaryCtxGetState", 7000},
    {"cuDevicePrimaryCtxReset_v2", "cuDevicePrimaryCtxReset", 11000},
    {"cuCtxCreate_v2", "cuCtxCreate", 3020},
    {"cuCtxDestroy_v2", "cuCtxDestroy", 4000},
    {"cuCtxPushCurrent_v2", "cuCtxPushCurrent", 4000},
    {"cuCtxPopCurrent_v2", "cuCtxPopCurrent", 4000},
    {"cuCtxSetCurrent", "cuCtxSetCurrent", 4000},
    {"cuCtxGetCurrent", "cuCtxGetCurrent", 4000},
    {"cuCtxGetDevice", "cuCtxGetDevice", 2000},
    {"cuCtxSynchronize", "cuCtxSynchronize", 2000},
    {"cuMemAlloc_v2", "cuMemAlloc", 3020},
    {"cuMemFree_v2", "cuMemFree", 3020},
    {"cuMemGetInfo_v2", "cuMemGetInfo", 3020},
    {"cuMemAllocPitch_v2", "cuMemAllocPitch", 3020},
    {"cuMemAllocManaged", "cuMemAllocManaged", 6000},
    {"cuMemGetAddressRange_v2", "cuMemGetAddressRange", 3020},
    {"cuMemHostAlloc", "cuMemHostAlloc", 2020},
    {"cuMemFreeHost", "cuMemFreeHost", 2000},
    {"cuMemHostRegister_v2", "cuMemHostRegister", 6050},
    {"cuMemHostUnregister", "cuMemHostUnregister", 4000},
    {"cuMemcpyHtoD_v2", "cuMemcpyHtoD", 3020},
    {"cuMemcpyDtoH_v2", "cuMemcpyDtoH", 3020},
    {"cuMemcpyDtoD_v2", "cuMemcpyDtoD", 3020},
    {"cuMemcpyHtoDAsync_v2", "cuMemcpyHtoDAsync", 3020},
    {"cuMemcpyDtoHAsync_v2", "cuMemcpyDtoHAsync", 3020},
    {"cuMemcpyDtoDAsync_v2", "cuMemcpyDtoDAsync", 3020},
    {"cuMemcpy2D_v2", "cuMemcpy2D", 3020},
    {"cuMemcpy3D_v2", "cuMemcpy3D", 3020},
    {"cuMemsetD8_v2", "cuMemsetD8", 3020},
    {"cuMemsetD32_v2", "cuMemsetD32", 3020},
    {"cuMemsetD32Async", "cuMemsetD32Async", 3020},
    {"cuMemCreate", "cuMemCreate", 10020},
    {"cuMemRelease", "cuMemRelease", 10020},
    {"cuMemAddressReserve", "cuMemAddressReserve", 10020},
    {"cuMemAddressFree", "cuMemAddressFree", 10020},
    {"cuMemMap", "cuMemMap", 10020},
    {"cuMemUnmap", "cuMemUnmap", 10020},
    {"cuMemSetAccess", "cuMemSetAccess", 10020},
    {"cuMemExportToShareableHandle", "cuMemExportToShareableHandle", 10020},
    {"cuMemImportFromShareableHandle", "cuMemImportFromShareableHandle", 10020},
    {"cuMemAllocAsync", "cuMemAllocAsync", 11020},
    {"cuMemFreeAsync", "cuMemFreeAsync", 11020},
    {"cuMemPoolCreate", "cuMemPoolCreate", 11020},
    {"cuMemPoolDestroy", "cuMemPoolDestroy", 11020},
    {"cuMemPoolTrimTo", "cuMemPoolTrimTo", 11020},
    {"cuMemAllocFromPoolAsync", "cuMemAllocFromPoolAsync", 11020},
    {"cuStreamCreate", "cuStreamCreate", 2000},
    {"cuStreamDestroy_v2", "cuStreamDestroy", 4000},
    {"cuStreamSynchronize", "cuStreamSynchronize", 2000},
    {"cuStreamQuery", "cuStreamQuery", 2000},
    {"cuStreamWaitEvent", "cuStreamWaitEvent", 3020},
    {"cuStreamBeginCapture_v2", "cuStreamBeginCapture", 10010},
    {"cuStreamEndCapture", "cuStreamEndCapture", 10000},
    {"cuStreamIsCapturing", "cuStreamIsCapturing", 10000},
    {"cuEventCreate", "cuEventCreate", 2000},
    {"cuEventDestroy_v2", "cuEventDestroy", 4000},
    {"cuEventRecord", "cuEventRecord", 2000},
    {"cuEventQuery", "cuEventQuery", 2000},
    {"cuEventSynchronize", "cuEventSynchronize", 2000},
    {"cuModuleLoadData", "cuModuleLoadData", 2000},
    {"cuModuleGetFunction", "cuModuleGetFunction", 2000},
    {"cuModuleUnload", "cuModuleUnload", 2000},
    {"cuLaunchKernel", "cuLaunchKernel", 4000},
    {"cuLaunchKernelEx", "cuLaunchKernelEx", 11060},
    {"cuGraphCreate", "cuGraphCreate", 10000},
    {"cuGraphDestroy", "cuGraphDestroy", 10000},
    {"cuGraphAddKernelNode_v2", "cuGraphAddKernelNode", 12000},
    {"cuGraphAddMemsetNode", "cuGraphAddMemsetNode", 10000},
    {"cuGraphInstantiateWithFlags", "cuGraphInstantiateWithFlags", 11040},
    {"cuGraphLaunch", "cuGraphLaunch", 10000},
    {"cuGraphExecDestroy", "cuGraphExecDestroy", 10000},
    {"cuGraphExecUpdate_v2", "cuGraphExecUpdate", 12000},
    {"cuArrayCreate_v2", "cuArrayCreate", 3020},
    {"cuArrayDestroy", "cuArrayDestroy", 2000},
    {"cuIpcGetMemHandle", "cuIpcGetMemHandle", 4010},
    {"cuIpcOpenMemHandle_v2", "cuIpcOpenMemHandle", 11000},
    {"cuIpcCloseMemHandle", "cuIpcCloseMemHandle", 4010},
    {"cuLibraryLoadData", "cuLibraryLoadData", 12000},
    {"cuLibraryGetKernel", "cuLibraryGetKernel", 12000},
    {"cuKernelGetFunction", "cuKernelGetFunction", 12000},
};
const size_t conf_entry_count = sizeof conf_entries / sizeof conf_entries[0];

static enum conf_seam seam = CONF_MIXED;
static void *library;

void conf_set_seam(enum conf_seam wanted) {
    seam = wanted;
}

/* dlopen counts its users itself: two threads at once are harmless. */
void *conf_library(void) {
    void *opened = __atomic_load_n(&library, __ATOMIC_ACQUIRE);
    if (opened == NULL) {
        opened = dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL);
        if (opened == NULL) {
            conf_fail(__FILE__, __LINE__, "%s", dlerror());
        }
        __atomic_store_n(&library, opened, __ATOMIC_RELEASE);
    }
    return opened;
}

static void *by_name(const char *symbol) {
    return dlsym(conf_library(), symbol);
}

static void *by_proc_address(const struct conf_entry *entry) {
    __typeof__(&cuGetProcAddress_v2) ask = (__typeof__(&cuGetProcAddress_v2))by_name("cuGetProcAddress_v2");
    void *found = NULL;
    CUdriverProcAddressQueryResult status;
    if (ask == NULL || ask(entry->base, &found, entry->version, CU_GET_PROC_ADDRESS_DEFAULT, &status) != CUDA_SUCCESS) {
        return NULL;
    }
    return found;
}

void *conf_find(const char *symbol) {
    for (size_t i = 0; seam != CONF_DLSYM && i < conf_entry_count; i++) {
        if (strcmp(conf_entries[i].symbol, symbol) == 0 && (seam == CONF_PROC_ADDRESS || i % 2 == 1)) {
            return by_proc_address(&conf_entries[i]);
        }
    }
    return by_name(symbol);
}

void *conf_entry_point(const char *symbol) {
    void *found = conf_find(symbol);
    if (found == NULL) {
        conf_skip("this driver has no %s", symbol);
    }
    return found;
}
