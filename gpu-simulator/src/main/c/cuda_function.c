/* What can be asked of and set on functions and kernels; occupancy. */
#include "cuda_module.h"

static CUresult function_of(const void *handle, struct sim_function **out) {
    if (!sim_handle_is(handle, SIM_KIND_FUNCTION)) return CUDA_ERROR_INVALID_HANDLE;
    *out = (struct sim_function *)handle;
    return CUDA_SUCCESS;
}

static CUresult get_attribute(int *out, CUfunction_attribute attribute, const void *handle) {
    SIM_ENTER();
    SIM_NEED(out != NULL && (unsigned)attribute < CU_FUNC_ATTRIBUTE_MAX);
    struct sim_function *function;
    SIM_TRY(function_of(handle, &function));
    *out = function->attributes[attribute];
    return CUDA_SUCCESS;
}
CUresult cuFuncGetAttribute(int *out, CUfunction_attribute attribute, CUfunction f) { return get_attribute(out, attribute, f); }
CUresult cuKernelGetAttribute(int *out, CUfunction_attribute attribute, CUkernel kernel, CUdevice ordinal) {
    if (atomic_load(&sim_process.ready) && !sim_ordinal_ok(ordinal)) return CUDA_ERROR_INVALID_DEVICE;
    return get_attribute(out, attribute, kernel);
}

static CUresult set_attribute(const void *handle, CUfunction_attribute attribute, int value) {
    SIM_ENTER();
    SIM_NEED((unsigned)attribute < CU_FUNC_ATTRIBUTE_MAX && attribute >= CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES);
    SIM_NEED(attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES || (value >= 0 && value <= 227 * 1024));
    struct sim_function *function;
    SIM_TRY(function_of(handle, &function));
    function->attributes[attribute] = value;
    return CUDA_SUCCESS;
}
CUresult cuFuncSetAttribute(CUfunction f, CUfunction_attribute attribute, int value) { return set_attribute(f, attribute, value); }
CUresult cuKernelSetAttribute(CUfunction_attribute attribute, int value, CUkernel kernel, CUdevice ordinal) {
    if (atomic_load(&sim_process.ready) && !sim_ordinal_ok(ordinal)) return CUDA_ERROR_INVALID_DEVICE;
    return set_attribute(kernel, attribute, value);
}

static CUresult get_name(const char **out, const void *handle) {
    SIM_ENTER();
    SIM_NEED(out != NULL);
    struct sim_function *function;
    SIM_TRY(function_of(handle, &function));
    *out = function->kernel->name;
    return CUDA_SUCCESS;
}
CUresult cuFuncGetName(const char **out, CUfunction f) { return get_name(out, f); }
CUresult cuKernelGetName(const char **out, CUkernel kernel) { return get_name(out, kernel); }

static CUresult get_parameter(const void *handle, size_t index, size_t *offset, size_t *bytes) {
    SIM_ENTER();
    SIM_NEED(offset != NULL);
    struct sim_function *function;
    SIM_TRY(function_of(handle, &function));
    SIM_NEED(index < function->kernel->parameters);
    *offset = function->kernel->offset[index];
    if (bytes != NULL) *bytes = function->kernel->bytes[index];
    return CUDA_SUCCESS;
}
CUresult cuFuncGetParamInfo(CUfunction f, size_t index, size_t *offset, size_t *bytes) { return get_parameter(f, index, offset, bytes); }
CUresult cuKernelGetParamInfo(CUkernel kernel, size_t index, size_t *offset, size_t *bytes) {
    return get_parameter(kernel, index, offset, bytes);
}

CUresult cuFuncGetModule(CUmodule *out, CUfunction handle) {
    SIM_ENTER();
    SIM_NEED(out != NULL);
    struct sim_function *function;
    SIM_TRY(function_of(handle, &function));
    *out = (CUmodule)function->module;
    return CUDA_SUCCESS;
}
CUresult cuFuncIsLoaded(CUfunctionLoadingState *out, CUfunction handle) {
    SIM_ENTER();
    SIM_NEED(out != NULL);
    struct sim_function *function;
    SIM_TRY(function_of(handle, &function));
    *out = CU_FUNCTION_LOADING_STATE_LOADED;
    return CUDA_SUCCESS;
}
CUresult cuFuncLoad(CUfunction handle) {
    SIM_ENTER();
    struct sim_function *function;
    return function_of(handle, &function);
}

static CUresult set_nothing(const void *handle, bool good) {
    SIM_ENTER();
    struct sim_function *function;
    SIM_TRY(function_of(handle, &function));
    SIM_NEED(good);
    return CUDA_SUCCESS;
}
CUresult cuFuncSetCacheConfig(CUfunction f, CUfunc_cache config) { return set_nothing(f, (unsigned)config <= CU_FUNC_CACHE_PREFER_EQUAL); }
CUresult cuFuncSetSharedMemConfig(CUfunction f, CUsharedconfig config) {
    return set_nothing(f, (unsigned)config <= CU_SHARED_MEM_CONFIG_EIGHT_BYTE_BANK_SIZE);
}
CUresult cuKernelSetCacheConfig(CUkernel kernel, CUfunc_cache config, CUdevice ordinal) {
    return set_nothing(kernel, (unsigned)config <= CU_FUNC_CACHE_PREFER_EQUAL && sim_ordinal_ok(ordinal));
}

/* ---- occupancy: 2048 threads and 32 blocks on each multiprocessor, 228 KiB of shared memory ---- */

static CUresult occupancy(int *out, CUfunction handle, int block, size_t shared_bytes) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL && block > 0);
    struct sim_function *function;
    SIM_TRY(sim_function_resolve(call.ctx, handle, &function));
    int blocks = block > 1024 ? 0 : 2048 / ((block + 31) / 32 * 32);
    if (blocks > 32) blocks = 32;
    if (shared_bytes != 0 && (size_t)blocks > 228u * 1024 / shared_bytes) blocks = (int)(228u * 1024 / shared_bytes);
    *out = blocks;
    return CUDA_SUCCESS;
}
CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int *out, CUfunction f, int block, size_t shared) {
    return occupancy(out, f, block, shared);
}
CUresult cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *out, CUfunction f, int block, size_t shared, unsigned int flags) {
    SIM_NEED(flags <= CU_OCCUPANCY_DISABLE_CACHING_OVERRIDE);
    return occupancy(out, f, block, shared);
}
CUresult cuOccupancyMaxPotentialBlockSizeWithFlags(int *grid, int *block, CUfunction handle, CUoccupancyB2DSize shared_of,
                                                   size_t shared, int limit, unsigned int flags) {
    SIM_ENTER_CONTEXT();
    (void)shared_of;
    (void)shared;
    SIM_NEED(grid != NULL && block != NULL && flags <= CU_OCCUPANCY_DISABLE_CACHING_OVERRIDE);
    struct sim_function *function;
    SIM_TRY(sim_function_resolve(call.ctx, handle, &function));
    *block = limit > 0 && limit < 1024 ? limit : 1024;
    *grid = (int)sim_config()->devices[call.ctx->device].sm_count * (2048 / *block > 32 ? 32 : 2048 / *block);
    return CUDA_SUCCESS;
}
CUresult cuOccupancyMaxPotentialBlockSize(int *grid, int *block, CUfunction f, CUoccupancyB2DSize shared_of, size_t shared, int limit) {
    return cuOccupancyMaxPotentialBlockSizeWithFlags(grid, block, f, shared_of, shared, limit, 0);
}
CUresult cuOccupancyAvailableDynamicSMemPerBlock(size_t *out, CUfunction f, int blocks, int block) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL && blocks > 0 && block > 0);
    struct sim_function *function;
    SIM_TRY(sim_function_resolve(call.ctx, f, &function));
    size_t bytes = 228u * 1024 / (size_t)blocks;
    *out = bytes > 227 * 1024 ? 227 * 1024 : bytes;
    return CUDA_SUCCESS;
}
