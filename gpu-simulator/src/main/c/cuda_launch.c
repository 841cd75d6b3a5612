/* Launches of kernels and host functions. */
#include "cuda_module.h"

static CUresult shape_check(const struct sim_context *ctx, const unsigned *grid, const unsigned *block, unsigned shared_bytes) {
    (void)ctx;
    SIM_NEED(grid[0] != 0 && grid[1] != 0 && grid[2] != 0 && block[0] != 0 && block[1] != 0 && block[2] != 0);
    SIM_NEED(grid[0] <= 0x7fffffffu && grid[1] <= 65535 && grid[2] <= 65535);
    SIM_NEED(block[0] <= 1024 && block[1] <= 1024 && block[2] <= 64);
    SIM_NEED((uint64_t)block[0] * block[1] * block[2] <= 1024);
    SIM_NEED(shared_bytes <= 227 * 1024);
    return CUDA_SUCCESS;
}

static CUresult launch(CUfunction handle, const unsigned *grid, const unsigned *block, unsigned shared_bytes, CUstream where,
                       void **parameters, void **extra) {
    SIM_ENTER_CONTEXT();
    struct sim_stream *stream;
    SIM_TRY(sim_stream_resolve(&call, where, &stream));
    struct sim_function *function;
    SIM_TRY(sim_function_resolve(stream->ctx, handle, &function));
    SIM_TRY(shape_check(call.ctx, grid, block, shared_bytes));
    struct sim_work work;
    work.type = SIM_WORK_KERNEL;
    work.staged = NULL;
    work.kernel.function = function;
    work.kernel.kernel = function->kernel;
    memcpy(work.kernel.grid, grid, sizeof work.kernel.grid);
    memcpy(work.kernel.block, block, sizeof work.kernel.block);
    work.kernel.shared_bytes = shared_bytes;
    SIM_TRY(sim_arguments_read(function->kernel, parameters, extra, work.kernel.arguments));
    return sim_submit(&call, stream, &work, sim_work_is_long(&work) ? SIM_SUBMIT_LONG : 0);
}

CUresult cuLaunchKernel(CUfunction f, unsigned int gx, unsigned int gy, unsigned int gz, unsigned int bx, unsigned int by,
                        unsigned int bz, unsigned int shared, CUstream stream, void **parameters, void **extra) {
    return launch(f, (unsigned[]){gx, gy, gz}, (unsigned[]){bx, by, bz}, shared, stream, parameters, extra);
}
CUresult cuLaunchKernel_ptsz(CUfunction f, unsigned int gx, unsigned int gy, unsigned int gz, unsigned int bx, unsigned int by,
                             unsigned int bz, unsigned int shared, CUstream stream, void **parameters, void **extra) {
    return launch(f, (unsigned[]){gx, gy, gz}, (unsigned[]){bx, by, bz}, shared, sim_pts(stream), parameters, extra);
}

static CUresult launch_config(const CUlaunchConfig *config, CUfunction f, CUstream stream, void **parameters, void **extra) {
    return launch(f, (unsigned[]){config->gridDimX, config->gridDimY, config->gridDimZ},
                  (unsigned[]){config->blockDimX, config->blockDimY, config->blockDimZ}, config->sharedMemBytes, stream, parameters,
                  extra);
}
CUresult cuLaunchKernelEx(const CUlaunchConfig *config, CUfunction f, void **parameters, void **extra) {
    SIM_NEED(config != NULL && (config->numAttrs == 0 || config->attrs != NULL));
    return launch_config(config, f, config->hStream, parameters, extra);
}
CUresult cuLaunchKernelEx_ptsz(const CUlaunchConfig *config, CUfunction f, void **parameters, void **extra) {
    SIM_NEED(config != NULL && (config->numAttrs == 0 || config->attrs != NULL));
    return launch_config(config, f, sim_pts(config->hStream), parameters, extra);
}

static CUresult cooperative(CUfunction f, const unsigned *grid, const unsigned *block, unsigned shared, CUstream stream,
                            void **parameters) {
    uint64_t blocks = (uint64_t)grid[0] * grid[1] * grid[2];
    if (blocks > 132ull * 32) return CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE;
    return launch(f, grid, block, shared, stream, parameters, NULL);
}
CUresult cuLaunchCooperativeKernel(CUfunction f, unsigned int gx, unsigned int gy, unsigned int gz, unsigned int bx,
                                   unsigned int by, unsigned int bz, unsigned int shared, CUstream stream, void **parameters) {
    return cooperative(f, (unsigned[]){gx, gy, gz}, (unsigned[]){bx, by, bz}, shared, stream, parameters);
}
CUresult cuLaunchCooperativeKernel_ptsz(CUfunction f, unsigned int gx, unsigned int gy, unsigned int gz, unsigned int bx,
                                        unsigned int by, unsigned int bz, unsigned int shared, CUstream stream, void **parameters) {
    return cooperative(f, (unsigned[]){gx, gy, gz}, (unsigned[]){bx, by, bz}, shared, sim_pts(stream), parameters);
}
CUresult cuLaunchCooperativeKernelMultiDevice(CUDA_LAUNCH_PARAMS *list, unsigned int count, unsigned int flags) {
    SIM_NEED(list != NULL && count != 0 && (flags & ~3u) == 0);
    return CUDA_ERROR_NOT_SUPPORTED;
}

/* ---- the oldest way: shape and parameters set on the function ---- */

static CUresult old_function(CUfunction handle, struct sim_function **out) {
    if (!sim_handle_is(handle, SIM_KIND_FUNCTION)) return CUDA_ERROR_INVALID_HANDLE;
    *out = (struct sim_function *)handle;
    return CUDA_SUCCESS;
}
CUresult cuFuncSetBlockShape(CUfunction handle, int x, int y, int z) {
    SIM_ENTER_CONTEXT();
    struct sim_function *function;
    SIM_TRY(old_function(handle, &function));
    SIM_NEED(x > 0 && y > 0 && z > 0);
    function->block[0] = (unsigned)x;
    function->block[1] = (unsigned)y;
    function->block[2] = (unsigned)z;
    return CUDA_SUCCESS;
}
CUresult cuFuncSetSharedSize(CUfunction handle, unsigned int bytes) {
    SIM_ENTER_CONTEXT();
    struct sim_function *function;
    SIM_TRY(old_function(handle, &function));
    function->shared_bytes = bytes;
    return CUDA_SUCCESS;
}
CUresult cuParamSetSize(CUfunction handle, unsigned int bytes) {
    SIM_ENTER_CONTEXT();
    struct sim_function *function;
    SIM_TRY(old_function(handle, &function));
    SIM_NEED(bytes <= sizeof function->parameters);
    function->parameter_bytes = bytes;
    return CUDA_SUCCESS;
}
CUresult cuParamSetv(CUfunction handle, int offset, void *from, unsigned int bytes) {
    SIM_ENTER_CONTEXT();
    struct sim_function *function;
    SIM_TRY(old_function(handle, &function));
    SIM_NEED(from != NULL && offset >= 0 && (uint64_t)offset + bytes <= sizeof function->parameters);
    memcpy(function->parameters + offset, from, bytes);
    return CUDA_SUCCESS;
}
CUresult cuParamSeti(CUfunction handle, int offset, unsigned int value) { return cuParamSetv(handle, offset, &value, sizeof value); }
CUresult cuParamSetf(CUfunction handle, int offset, float value) { return cuParamSetv(handle, offset, &value, sizeof value); }

static CUresult launch_old(CUfunction handle, int x, int y, CUstream stream) {
    SIM_ENTER_CONTEXT();
    struct sim_function *function;
    SIM_TRY(old_function(handle, &function));
    SIM_NEED(x > 0 && y > 0);
    size_t bytes = function->parameter_bytes;
    void *extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, function->parameters, CU_LAUNCH_PARAM_BUFFER_SIZE, &bytes, CU_LAUNCH_PARAM_END};
    return launch(handle, (unsigned[]){(unsigned)x, (unsigned)y, 1}, function->block, function->shared_bytes, stream, NULL, extra);
}
CUresult cuLaunch(CUfunction handle) { return launch_old(handle, 1, 1, NULL); }
CUresult cuLaunchGrid(CUfunction handle, int x, int y) { return launch_old(handle, x, y, NULL); }
CUresult cuLaunchGridAsync(CUfunction handle, int x, int y, CUstream stream) { return launch_old(handle, x, y, stream); }

/* ---- host functions ---- */

static CUresult launch_host(CUstream where, CUhostFn fn, void *data) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(fn != NULL);
    struct sim_stream *stream;
    SIM_TRY(sim_stream_resolve(&call, where, &stream));
    struct sim_work work = {.type = SIM_WORK_HOST, .host = {fn, data}};
    return sim_submit(&call, stream, &work, SIM_SUBMIT_LONG);
}
CUresult cuLaunchHostFunc(CUstream stream, CUhostFn fn, void *data) { return launch_host(stream, fn, data); }
CUresult cuLaunchHostFunc_ptsz(CUstream stream, CUhostFn fn, void *data) { return launch_host(sim_pts(stream), fn, data); }

static CUresult add_callback(CUstream where, CUstreamCallback fn, void *data, unsigned flags) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(fn != NULL && flags == 0);
    struct sim_stream *stream;
    SIM_TRY(sim_stream_resolve(&call, where, &stream));
    if (sim_stream_capturing(stream)) return sim_capture_spoil(stream);
    struct sim_work work = {.type = SIM_WORK_CALLBACK, .callback = {fn, data, where}};
    return sim_submit(&call, stream, &work, SIM_SUBMIT_LONG);
}
CUresult cuStreamAddCallback(CUstream stream, CUstreamCallback fn, void *data, unsigned int flags) {
    return add_callback(stream, fn, data, flags);
}
CUresult cuStreamAddCallback_ptsz(CUstream stream, CUstreamCallback fn, void *data, unsigned int flags) {
    return add_callback(sim_pts(stream), fn, data, flags);
}
