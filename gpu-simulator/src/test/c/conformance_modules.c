/* Modules and libraries: PTX, functions, attributes, variables, what is refused. */
#include "conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KERNELS 7 /* entries in conf_ptx */

CASE(modules, functions_are_found_by_name) {
    static const char *const NAMES[KERNELS] = {"aliquot_fill", "aliquot_check", "aliquot_copy", "aliquot_add",
                                               "aliquot_spin", "aliquot_wild",  "aliquot_trap"};
    CUmodule module = NULL;
    CUfunction function = NULL;
    conf_context();
    OK(cu(cuModuleLoadData)(&module, conf_ptx));
    for (size_t i = 0; i < KERNELS; i++) {
        OK(cu(cuModuleGetFunction)(&function, module, NAMES[i]));
        CHECK(function != NULL);
    }
    IS(CUDA_ERROR_NOT_FOUND, cu(cuModuleGetFunction)(&function, module, "aliquot_missing"));
    IS(CUDA_ERROR_NOT_FOUND, cu(cuModuleGetFunction)(&function, module, "aliquot_fil"));
    OK(cu(cuModuleUnload)(module));
}

CASE(modules, load_with_options) {
    CUmodule module = NULL;
    char log[1024] = "";
    CUjit_option options[] = {CU_JIT_INFO_LOG_BUFFER, CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES, CU_JIT_OPTIMIZATION_LEVEL};
    void *values[] = {log, (void *)(uintptr_t)sizeof log, (void *)(uintptr_t)2};
    conf_context();
    OK(cu(cuModuleLoadDataEx)(&module, conf_ptx, 3, options, values));
    OK(cu(cuModuleUnload)(module));
}

CASE(modules, two_of_the_same_are_apart) {
    CUmodule one = NULL;
    CUmodule two = NULL;
    CUfunction functions[2];
    conf_context();
    OK(cu(cuModuleLoadData)(&one, conf_ptx));
    OK(cu(cuModuleLoadData)(&two, conf_ptx));
    CHECK(one != two);
    OK(cu(cuModuleGetFunction)(&functions[0], one, "aliquot_fill"));
    OK(cu(cuModuleGetFunction)(&functions[1], two, "aliquot_fill"));
    CHECK(functions[0] != functions[1]);
    OK(cu(cuModuleUnload)(one));
    CUdeviceptr address = conf_alloc(4096);
    uint64_t words = 1024;
    uint32_t value = 3;
    void *arguments[] = {&address, &words, &value};
    OK(cu(cuLaunchKernel)(functions[1], 1, 1, 1, 64, 1, 1, 0, NULL, arguments, NULL));
    EQ(conf_mismatches(address, 1024, 3), 0);
}

CASE(modules, text_that_is_no_module_is_refused) {
    CUmodule module = NULL;
    conf_context();
    ONE_OF(cu(cuModuleLoadData)(&module, "this is no module\n"), CUDA_ERROR_INVALID_IMAGE, CUDA_ERROR_INVALID_PTX,
           CUDA_ERROR_NO_BINARY_FOR_GPU, CUDA_ERROR_INVALID_SOURCE, CUDA_ERROR_UNSUPPORTED_PTX_VERSION);
    OK(cu(cuModuleLoadData)(&module, conf_ptx));
}

CASE(modules, are_loaded_from_files) {
    CUmodule module = NULL;
    CUfunction function = NULL;
    char path[] = "/tmp/conformance-XXXXXX";
    conf_context();
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    CHECK(write(fd, conf_ptx, strlen(conf_ptx)) == (ssize_t)strlen(conf_ptx));
    CHECK(close(fd) == 0);
    CUresult result = cu(cuModuleLoad)(&module, path);
    CHECK(unlink(path) == 0);
    OK(result);
    OK(cu(cuModuleGetFunction)(&function, module, "aliquot_add"));
    IS(CUDA_ERROR_FILE_NOT_FOUND, cu(cuModuleLoad)(&module, path));
}

CASE(modules, functions_have_attributes) {
    int value = -1;
    conf_context();
    CUfunction function = conf_kernel("aliquot_fill");
    OK(cu(cuFuncGetAttribute)(&value, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, function));
    CHECK(value >= 256 && value <= 1024);
    OK(cu(cuFuncGetAttribute)(&value, CU_FUNC_ATTRIBUTE_NUM_REGS, function));
    CHECK(value > 0 && value < 256);
    OK(cu(cuFuncGetAttribute)(&value, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, function));
    EQ(value, 0);
    FAILS(cu(cuFuncGetAttribute)(&value, (CUfunction_attribute)1000, function));
}

CASE(modules, functions_know_their_name_and_module) {
    const char *name = NULL;
    CUmodule module = NULL;
    CUmodule found = NULL;
    CUfunction function = NULL;
    unsigned count = 0;
    conf_context();
    OK(cu(cuModuleLoadData)(&module, conf_ptx));
    OK(cu(cuModuleGetFunction)(&function, module, "aliquot_copy"));
    OK(cu(cuFuncGetName)(&name, function));
    CHECK(strcmp(name, "aliquot_copy") == 0);
    OK(cu(cuFuncGetModule)(&found, function));
    CHECK(found == module);
    OK(cu(cuModuleGetFunctionCount)(&count, module));
    EQ(count, KERNELS);
}

CASE(modules, variables_are_memory) {
    CUmodule module = NULL;
    CUdeviceptr address = 0;
    size_t size = 0;
    uint64_t value = 0x1122334455667788ull;
    uint64_t back = 0;
    conf_context();
    OK(cu(cuModuleLoadData)(&module, conf_ptx_global));
    OK(cu(cuModuleGetGlobal_v2)(&address, &size, module, "aliquot_cell"));
    EQ(size, 8);
    OK(cu(cuMemcpyHtoD_v2)(address, &value, sizeof value));
    OK(cu(cuMemcpyDtoH_v2)(&back, address, sizeof back));
    EQ(back, value);
    IS(CUDA_ERROR_NOT_FOUND, cu(cuModuleGetGlobal_v2)(&address, &size, module, "aliquot_missing"));
    OK(cu(cuModuleUnload)(module));
}

CASE(modules, occupancy_is_computed) {
    int blocks = 0;
    int grid = 0;
    int block = 0;
    conf_context();
    CUfunction function = conf_kernel("aliquot_fill");
    OK(cu(cuOccupancyMaxActiveBlocksPerMultiprocessor)(&blocks, function, 256, 0));
    CHECK(blocks >= 1 && blocks <= 64);
    OK(cu(cuOccupancyMaxPotentialBlockSize)(&grid, &block, function, NULL, 0, 0));
    CHECK(grid >= 1 && block >= 32 && block <= 1024);
}

CASE(modules, libraries_hold_kernels) {
    CUlibrary library = NULL;
    CUkernel kernel = NULL;
    CUfunction function = NULL;
    CUmodule module = NULL;
    unsigned count = 0;
    conf_context();
    OK(cu(cuLibraryLoadData)(&library, conf_ptx, NULL, NULL, 0, NULL, NULL, 0));
    OK(cu(cuLibraryGetKernelCount)(&count, library));
    EQ(count, KERNELS);
    OK(cu(cuLibraryGetKernel)(&kernel, library, "aliquot_fill"));
    IS(CUDA_ERROR_NOT_FOUND, cu(cuLibraryGetKernel)(&(CUkernel){NULL}, library, "aliquot_missing"));
    OK(cu(cuKernelGetFunction)(&function, kernel));
    OK(cu(cuLibraryGetModule)(&module, library));
    CHECK(function != NULL && module != NULL);
    CUdeviceptr address = conf_alloc(4096);
    uint64_t words = 1024;
    uint32_t value = 3;
    void *arguments[] = {&address, &words, &value};
    OK(cu(cuLaunchKernel)(function, 1, 1, 1, 64, 1, 1, 0, NULL, arguments, NULL));
    EQ(conf_mismatches(address, 1024, 3), 0);
    value = 4;
    OK(cu(cuLaunchKernel)((CUfunction)kernel, 1, 1, 1, 64, 1, 1, 0, NULL, arguments, NULL));
    EQ(conf_mismatches(address, 1024, 4), 0);
    OK(cu(cuLibraryUnload)(library));
}

CASE(modules, libraries_load_without_a_context) {
    CUlibrary library = NULL;
    conf_device();
    OK(cu(cuLibraryLoadData)(&library, conf_ptx, NULL, NULL, 0, NULL, NULL, 0));
    OK(cu(cuLibraryUnload)(library));
}
