/* Missing arguments answer INVALID_VALUE and change nothing. */
#include "conformance.h"

/* All rows are asked; the names of those that answered something else are reported together. */
#define ROW(call_) note(#call_, (call_), &wrong)

#include <stdio.h>
#include <string.h>

struct wrong {
    char text[700];
    size_t used;
};

static void note(const char *call, CUresult got, struct wrong *wrong) {
    if (got == CUDA_ERROR_INVALID_VALUE || wrong->used + 1 >= sizeof wrong->text) {
        return;
    }
    int added = snprintf(wrong->text + wrong->used, sizeof wrong->text - wrong->used, "%s answered %d; ", call, (int)got);
    size_t space = sizeof wrong->text - wrong->used - 1;
    wrong->used += (size_t)added < space ? (size_t)added : space;
}

static void judge(struct wrong *wrong) {
    if (wrong->used > 0) {
        conf_fail(__FILE__, __LINE__, "expected 1: %s", wrong->text);
    }
}

CASE(null_arguments, of_device_questions) {
    struct wrong wrong = {.used = 0};
    conf_device();
    ROW(cu(cuDriverGetVersion)(NULL));
    ROW(cu(cuDeviceGetCount)(NULL));
    ROW(cu(cuDeviceGet)(NULL, 0));
    ROW(cu(cuDeviceGetName)(NULL, 100, 0));
    ROW(cu(cuDeviceGetUuid_v2)(NULL, 0));
    ROW(cu(cuDeviceTotalMem_v2)(NULL, 0));
    ROW(cu(cuDeviceGetAttribute)(NULL, CU_DEVICE_ATTRIBUTE_WARP_SIZE, 0));
    ROW(cu(cuDeviceGetPCIBusId)(NULL, 100, 0));
    ROW(cu(cuDeviceGetByPCIBusId)(NULL, "0000:00:00.0"));
    ROW(cu(cuDevicePrimaryCtxRetain)(NULL, 0));
    ROW(cu(cuCtxCreate_v2)(NULL, 0, 0));
    judge(&wrong);
}

CASE(null_arguments, of_allocations) {
    struct wrong wrong = {.used = 0};
    CUdeviceptr address = 0;
    CUmemAllocationProp prop = conf_device_prop(false);
    conf_context();
    ROW(cu(cuMemAlloc_v2)(NULL, 4096));
    ROW(cu(cuMemAllocPitch_v2)(NULL, NULL, 100, 10, 4));
    ROW(cu(cuMemAllocManaged)(NULL, 4096, CU_MEM_ATTACH_GLOBAL));
    ROW(cu(cuMemHostAlloc)(NULL, 4096, 0));
    ROW(cu(cuMemHostRegister_v2)(NULL, 4096, 0));
    ROW(cu(cuMemAllocAsync)(NULL, 4096, NULL));
    ROW(cu(cuMemCreate)(NULL, 2 * MIB, &prop, 0));
    ROW(cu(cuMemAddressReserve)(NULL, 2 * MIB, 0, 0, 0));
    ROW(cu(cuMemPoolCreate)(NULL, NULL));
    ROW(cu(cuArrayCreate_v2)(NULL, NULL));
    ROW(cu(cuIpcGetMemHandle)(NULL, address));
    ROW(cu(cuPointerGetAttribute)(NULL, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, address));
    CUmemGenericAllocationHandle chunk = 0;
    ROW(cu(cuMemCreate)(&chunk, 2 * MIB, NULL, 0));
    judge(&wrong);
}

CASE(null_arguments, of_work) {
    struct wrong wrong = {.used = 0};
    CUmodule module = NULL;
    CUfunction function = NULL;
    conf_context();
    OK(cu(cuModuleLoadData)(&module, conf_ptx));
    ROW(cu(cuStreamCreate)(NULL, 0));
    ROW(cu(cuEventCreate)(NULL, 0));
    ROW(cu(cuModuleLoadData)(NULL, conf_ptx));
    ROW(cu(cuModuleGetFunction)(NULL, module, "aliquot_fill"));
    ROW(cu(cuModuleGetFunction)(&function, module, NULL));
    ROW(cu(cuGraphCreate)(NULL, 0));
    judge(&wrong);
}
