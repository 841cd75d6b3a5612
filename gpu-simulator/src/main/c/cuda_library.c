/* Libraries: an image held by the process, a module of it in each context where it is used. */
#include <stdlib.h>

#include "cuda_module.h"

static pthread_mutex_t library_mutex = PTHREAD_MUTEX_INITIALIZER;

static CUresult library_of(CUlibrary handle, struct sim_library **out) {
    if (!sim_handle_is(handle, SIM_KIND_LIBRARY)) return CUDA_ERROR_INVALID_HANDLE;
    *out = (struct sim_library *)handle;
    return CUDA_SUCCESS;
}

static CUresult load(CUlibrary *out, const char *image) {
    SIM_TRY(sim_image_check(image));
    struct sim_library *library = sim_handle_new(SIM_KIND_LIBRARY);
    if (library == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    library->image = strdup(image);
    const struct sim_kernel *entries[8];
    unsigned count = sim_image_entries(image, entries);
    for (unsigned i = 0; i < count; i++) {
        struct sim_function *kernel = sim_handle_new(SIM_KIND_FUNCTION);
        if (kernel == NULL) break;
        kernel->kernel = entries[i];
        kernel->library = library;
        kernel->attributes[CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK] = 1024;
        library->kernels[library->kernel_count++] = kernel;
    }
    *out = (CUlibrary)library;
    return library->image != NULL ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

CUresult cuLibraryLoadData(CUlibrary *out, const void *image, CUjit_option *jit, void **jit_values, unsigned int jit_count,
                           CUlibraryOption *options, void **values, unsigned int count) {
    SIM_ENTER();
    SIM_NEED(out != NULL && image != NULL && (jit_count == 0 || (jit != NULL && jit_values != NULL)));
    SIM_NEED(count == 0 || (options != NULL && values != NULL));
    return load(out, image);
}
CUresult cuLibraryLoadFromFile(CUlibrary *out, const char *path, CUjit_option *jit, void **jit_values, unsigned int jit_count,
                               CUlibraryOption *options, void **values, unsigned int count) {
    SIM_ENTER();
    SIM_NEED(out != NULL && path != NULL && (jit_count == 0 || (jit != NULL && jit_values != NULL)));
    SIM_NEED(count == 0 || (options != NULL && values != NULL));
    char *text;
    SIM_TRY(sim_file_read(path, &text));
    CUresult result = load(out, text);
    free(text);
    return result;
}

static bool module_alive(const struct sim_library *library, int ordinal) {
    struct sim_module *module = library->modules[ordinal];
    return sim_handle_is(module, SIM_KIND_MODULE) && module->library == library;
}

CUresult cuLibraryUnload(CUlibrary handle) {
    SIM_ENTER();
    struct sim_library *library;
    SIM_TRY(library_of(handle, &library));
    for (int i = 0; i < (int)SIM_MAX_DEVICES; i++) {
        if (module_alive(library, i)) sim_module_unmake(library->modules[i]);
    }
    for (unsigned i = 0; i < library->kernel_count; i++) sim_handle_free(library->kernels[i]);
    free(library->image);
    sim_handle_free(library);
    return CUDA_SUCCESS;
}

/* The library's module in ctx, loaded when first needed. */
static CUresult module_in(struct sim_library *library, struct sim_context *ctx, struct sim_module **out) {
    CUresult result = CUDA_SUCCESS;
    pthread_mutex_lock(&library_mutex);
    int at = ctx->ordinal;
    if (!module_alive(library, at) || library->modules[at]->ctx != ctx) {
        result = sim_module_make(ctx, library->image, &library->modules[at]);
        if (result == CUDA_SUCCESS) library->modules[at]->library = library;
    }
    if (result == CUDA_SUCCESS) *out = library->modules[at];
    pthread_mutex_unlock(&library_mutex);
    return result;
}

CUresult sim_function_resolve(struct sim_context *ctx, CUfunction handle, struct sim_function **out) {
    if (!sim_handle_is(handle, SIM_KIND_FUNCTION)) return CUDA_ERROR_INVALID_HANDLE;
    struct sim_function *function = (struct sim_function *)handle;
    if (__builtin_expect(function->library == NULL, 1)) {
        *out = function;
        return CUDA_SUCCESS;
    }
    struct sim_module *module;
    SIM_TRY(module_in(function->library, ctx, &module));
    for (unsigned i = 0; i < module->function_count; i++) {
        if (module->functions[i]->kernel != function->kernel) continue;
        *out = module->functions[i];
        return CUDA_SUCCESS;
    }
    return CUDA_ERROR_NOT_FOUND;
}

CUresult cuLibraryGetKernel(CUkernel *out, CUlibrary handle, const char *name) {
    SIM_ENTER();
    struct sim_library *library;
    SIM_TRY(library_of(handle, &library));
    SIM_NEED(out != NULL && name != NULL);
    for (unsigned i = 0; i < library->kernel_count; i++) {
        if (strcmp(library->kernels[i]->kernel->name, name) != 0) continue;
        *out = (CUkernel)library->kernels[i];
        return CUDA_SUCCESS;
    }
    return CUDA_ERROR_NOT_FOUND;
}
CUresult cuLibraryGetKernelCount(unsigned int *count, CUlibrary handle) {
    SIM_ENTER();
    struct sim_library *library;
    SIM_TRY(library_of(handle, &library));
    SIM_NEED(count != NULL);
    *count = library->kernel_count;
    return CUDA_SUCCESS;
}
CUresult cuLibraryEnumerateKernels(CUkernel *out, unsigned int count, CUlibrary handle) {
    SIM_ENTER();
    struct sim_library *library;
    SIM_TRY(library_of(handle, &library));
    SIM_NEED(out != NULL);
    for (unsigned i = 0; i < count; i++) out[i] = i < library->kernel_count ? (CUkernel)library->kernels[i] : NULL;
    return CUDA_SUCCESS;
}
CUresult cuLibraryGetModule(CUmodule *out, CUlibrary handle) {
    SIM_ENTER_CONTEXT();
    struct sim_library *library;
    SIM_TRY(library_of(handle, &library));
    SIM_NEED(out != NULL);
    struct sim_module *module;
    SIM_TRY(module_in(library, call.ctx, &module));
    *out = (CUmodule)module;
    return CUDA_SUCCESS;
}
CUresult cuLibraryGetManaged(CUdeviceptr *address, size_t *bytes, CUlibrary handle, const char *name) {
    return cuLibraryGetGlobal(address, bytes, handle, name);
}
CUresult cuLibraryGetUnifiedFunction(void **out, CUlibrary handle, const char *name) {
    SIM_ENTER();
    struct sim_library *library;
    SIM_TRY(library_of(handle, &library));
    SIM_NEED(out != NULL && name != NULL);
    return CUDA_ERROR_NOT_FOUND;
}

CUresult cuKernelGetFunction(CUfunction *out, CUkernel handle) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL);
    struct sim_function *function;
    SIM_TRY(sim_function_resolve(call.ctx, (CUfunction)handle, &function));
    *out = (CUfunction)function;
    return CUDA_SUCCESS;
}
CUresult cuKernelGetLibrary(CUlibrary *out, CUkernel handle) {
    SIM_ENTER();
    if (!sim_handle_is(handle, SIM_KIND_FUNCTION)) return CUDA_ERROR_INVALID_HANDLE;
    SIM_NEED(out != NULL);
    *out = (CUlibrary)((struct sim_function *)handle)->library;
    return CUDA_SUCCESS;
}
