/* Modules: PTX text is searched for the names of kernels the simulator knows; a loaded module costs device memory. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "cuda_module.h"

#define IMAGE_LIMIT (16u << 20)
#define FATBIN_MAGIC 0xba55ed50u
#define FATBIN_WRAPPER_MAGIC 0x466243b1u
#define ELF_MAGIC 0x464c457fu

/* Whether image is PTX text: it has a .version and a .target before anything that is not text. */
CUresult sim_image_check(const void *image) {
    const char *text = image;
    for (int i = 0; i < 4; i++) {
        if (text[i] == '\0') return CUDA_ERROR_INVALID_IMAGE;
    }
    uint32_t magic;
    memcpy(&magic, image, sizeof magic);
    if (magic == FATBIN_MAGIC || magic == FATBIN_WRAPPER_MAGIC) return CUDA_ERROR_NO_BINARY_FOR_GPU;
    if (magic == ELF_MAGIC) return CUDA_ERROR_NO_BINARY_FOR_GPU;
    size_t length = 0;
    while (length < IMAGE_LIMIT && text[length] != '\0') {
        unsigned char c = (unsigned char)text[length];
        if (c < ' ' && c != '\n' && c != '\t' && c != '\r') return CUDA_ERROR_INVALID_IMAGE;
        length++;
    }
    if (length == IMAGE_LIMIT || strstr(text, ".version") == NULL) return CUDA_ERROR_INVALID_IMAGE;
    return strstr(text, ".target") != NULL ? CUDA_SUCCESS : CUDA_ERROR_INVALID_PTX;
}

unsigned sim_image_entries(const char *text, const struct sim_kernel **out) {
    unsigned count = 0;
    for (const char *at = strstr(text, ".entry"); at != NULL && count < 8; at = strstr(at, ".entry")) {
        at += strlen(".entry");
        if (!isspace((unsigned char)*at)) continue;
        while (isspace((unsigned char)*at)) at++;
        size_t length = 0;
        while (length < SIM_KERNEL_NAME_BYTES && (isalnum((unsigned char)at[length]) || at[length] == '_' || at[length] == '$')) length++;
        const struct sim_kernel *kernel = sim_kernel_find(at, length);
        if (kernel != NULL) out[count++] = kernel;
        at += length;
    }
    return count;
}

static struct sim_function *function_make(const struct sim_kernel *kernel) {
    struct sim_function *function = sim_handle_new(SIM_KIND_FUNCTION);
    if (function == NULL) return NULL;
    function->kernel = kernel;
    function->block[0] = function->block[1] = function->block[2] = 1;
    function->attributes[CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK] = 1024;
    function->attributes[CU_FUNC_ATTRIBUTE_NUM_REGS] = 16;
    function->attributes[CU_FUNC_ATTRIBUTE_PTX_VERSION] = 90;
    function->attributes[CU_FUNC_ATTRIBUTE_BINARY_VERSION] = 90;
    function->attributes[CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES] = 48 * 1024;
    function->attributes[CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT] = -1;
    return function;
}

CUresult sim_module_make(struct sim_context *ctx, const void *image, struct sim_module **out) {
    const struct sim_kernel *entries[8];
    SIM_TRY(sim_image_check(image));
    unsigned count = sim_image_entries(image, entries);
    uint64_t bytes = sim_config()->module_bytes;
    struct sim_module *module = sim_handle_new(SIM_KIND_MODULE);
    if (module == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    if (bytes != 0 && !sim_mem_take(ctx->device, bytes)) {
        sim_handle_free(module);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    module->charged = bytes != 0;
    module->variables = sim_variables_make(ctx, image);
    module->ctx = ctx;
    for (unsigned i = 0; i < count; i++) {
        struct sim_function *function = function_make(entries[i]);
        if (function == NULL) break;
        function->module = module;
        module->functions[module->function_count++] = function;
    }
    pthread_mutex_lock(&ctx->mutex);
    module->next = ctx->modules;
    ctx->modules = module;
    pthread_mutex_unlock(&ctx->mutex);
    *out = module;
    return CUDA_SUCCESS;
}

static void module_drop(struct sim_module *module) {
    sim_variables_drop(module->variables, true);
    for (unsigned i = 0; i < module->function_count; i++) sim_handle_free(module->functions[i]);
    if (module->charged) sim_mem_give(module->ctx->device, sim_config()->module_bytes);
    sim_handle_free(module);
}

void sim_module_unmake(struct sim_module *module) {
    struct sim_context *ctx = module->ctx;
    pthread_mutex_lock(&ctx->mutex);
    for (struct sim_module **link = (struct sim_module **)&ctx->modules; *link != NULL; link = &(*link)->next) {
        if (*link != module) continue;
        *link = module->next;
        break;
    }
    pthread_mutex_unlock(&ctx->mutex);
    module_drop(module);
}

void sim_module_release_context(struct sim_context *ctx) {
    while (ctx->modules != NULL) {
        struct sim_module *module = ctx->modules;
        ctx->modules = module->next;
        module_drop(module);
    }
}

CUresult sim_file_read(const char *path, char **text) {
    FILE *file = fopen(path, "re");
    if (file == NULL) return CUDA_ERROR_FILE_NOT_FOUND;
    char *buffer = malloc(IMAGE_LIMIT);
    size_t length = buffer == NULL ? 0 : fread(buffer, 1, IMAGE_LIMIT - 1, file);
    fclose(file);
    if (buffer == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    memset(buffer + length, 0, length + 4 < IMAGE_LIMIT ? 4 : 1);
    *text = buffer;
    return CUDA_SUCCESS;
}

static CUresult load(CUmodule *out, const void *image) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL && image != NULL);
    SIM_TRY(sim_unsafe(&call));
    struct sim_module *module;
    SIM_TRY(sim_module_make(call.ctx, image, &module));
    *out = (CUmodule)module;
    return CUDA_SUCCESS;
}

CUresult cuModuleLoadData(CUmodule *out, const void *image) { return load(out, image); }
CUresult cuModuleLoadDataEx(CUmodule *out, const void *image, unsigned int count, CUjit_option *options, void **values) {
    SIM_NEED(count == 0 || (options != NULL && values != NULL));
    return load(out, image);
}
CUresult cuModuleLoadFatBinary(CUmodule *out, const void *image) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL && image != NULL);
    return CUDA_ERROR_INVALID_IMAGE;
}
CUresult cuModuleLoad(CUmodule *out, const char *path) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL && path != NULL);
    char *text;
    SIM_TRY(sim_file_read(path, &text));
    CUresult result = load(out, text);
    free(text);
    return result;
}

CUresult cuModuleUnload(CUmodule handle) {
    SIM_ENTER_CONTEXT();
    if (!sim_handle_is(handle, SIM_KIND_MODULE)) return CUDA_ERROR_INVALID_HANDLE;
    struct sim_module *module = (struct sim_module *)handle;
    if (module->library != NULL) return CUDA_ERROR_NOT_PERMITTED;
    SIM_TRY(sim_unsafe(&call));
    sim_context_drain(module->ctx);
    sim_module_unmake(module);
    return CUDA_SUCCESS;
}

CUresult cuModuleGetFunction(CUfunction *out, CUmodule handle, const char *name) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL && name != NULL);
    if (!sim_handle_is(handle, SIM_KIND_MODULE)) return CUDA_ERROR_INVALID_HANDLE;
    const struct sim_module *module = (const struct sim_module *)handle;
    for (unsigned i = 0; i < module->function_count; i++) {
        if (strcmp(module->functions[i]->kernel->name, name) != 0) continue;
        *out = (CUfunction)module->functions[i];
        return CUDA_SUCCESS;
    }
    return CUDA_ERROR_NOT_FOUND;
}

CUresult cuModuleGetFunctionCount(unsigned int *count, CUmodule handle) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(count != NULL);
    if (!sim_handle_is(handle, SIM_KIND_MODULE)) return CUDA_ERROR_INVALID_HANDLE;
    *count = ((const struct sim_module *)handle)->function_count;
    return CUDA_SUCCESS;
}
CUresult cuModuleEnumerateFunctions(CUfunction *out, unsigned int count, CUmodule handle) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL);
    if (!sim_handle_is(handle, SIM_KIND_MODULE)) return CUDA_ERROR_INVALID_HANDLE;
    const struct sim_module *module = (const struct sim_module *)handle;
    for (unsigned i = 0; i < count; i++) out[i] = i < module->function_count ? (CUfunction)module->functions[i] : NULL;
    return CUDA_SUCCESS;
}
CUresult cuModuleGetLoadingMode(CUmoduleLoadingMode *out) {
    SIM_ENTER();
    SIM_NEED(out != NULL);
    const char *mode = getenv("CUDA_MODULE_LOADING");
    *out = mode != NULL && strcmp(mode, "EAGER") == 0 ? CU_MODULE_EAGER_LOADING : CU_MODULE_LAZY_LOADING;
    return CUDA_SUCCESS;
}
