/* Variables of modules: `.global` declarations of PTX text with memory behind them. */
#include <ctype.h>
#include <stdlib.h>

#include "cuda_memory.h"
#include "cuda_module.h"

/* Reads one declaration after `.global`: `[.align N] .TYPE NAME[[COUNT]]`. */
static bool read_declaration(const char *at, struct sim_variable *out) {
    size_t element = 0;
    for (;;) {
        while (isspace((unsigned char)*at)) at++;
        if (*at != '.') break;
        at++;
        if (strncmp(at, "align", 5) == 0) {
            at += 5;
            while (isspace((unsigned char)*at) || isdigit((unsigned char)*at)) at++;
            continue;
        }
        if (strchr("usbf", *at) != NULL && isdigit((unsigned char)at[1])) element = strtoul(at + 1, NULL, 10) / 8;
        while (isalnum((unsigned char)*at)) at++;
    }
    size_t length = 0;
    while (length + 1 < sizeof out->name && (isalnum((unsigned char)at[length]) || at[length] == '_' || at[length] == '$')) length++;
    if (length == 0 || element == 0 || element > 16) return false;
    memcpy(out->name, at, length);
    at += length;
    while (isspace((unsigned char)*at)) at++;
    unsigned long count = *at == '[' ? strtoul(at + 1, NULL, 10) : 1;
    if (count == 0 || count > (1ul << 32)) return false;
    out->bytes = element * count;
    return true;
}

struct sim_variable *sim_variables_make(struct sim_context *ctx, const char *text) {
    struct sim_variable *list = NULL;
    for (const char *at = strstr(text, ".global"); at != NULL; at = strstr(at, ".global")) {
        bool declaration = at == text || isspace((unsigned char)at[-1]);
        at += strlen(".global");
        if (!declaration || !isspace((unsigned char)*at)) continue; /* ld.global.u32 and the like */
        struct sim_variable *variable = calloc(1, sizeof *variable);
        if (variable == NULL) break;
        if (!read_declaration(at, variable) || sim_memory_take(ctx, variable->bytes, false, false, &variable->address) != CUDA_SUCCESS) {
            free(variable);
            continue;
        }
        memset(sim_shadow(variable->address), 0, variable->bytes);
        variable->next = list;
        list = variable;
    }
    return list;
}

void sim_variables_drop(struct sim_variable *list, bool give) {
    while (list != NULL) {
        struct sim_variable *variable = list;
        list = variable->next;
        if (give) sim_memory_give(variable->address);
        free(variable);
    }
}

static CUresult find(CUmodule handle, const char *name, uint64_t *address, size_t *bytes) {
    if (!sim_handle_is(handle, SIM_KIND_MODULE)) return CUDA_ERROR_INVALID_HANDLE;
    for (const struct sim_variable *one = ((struct sim_module *)handle)->variables; one != NULL; one = one->next) {
        if (strcmp(one->name, name) != 0) continue;
        *address = one->address;
        *bytes = one->bytes;
        return CUDA_SUCCESS;
    }
    return CUDA_ERROR_NOT_FOUND;
}

CUresult cuModuleGetGlobal_v2(CUdeviceptr *address, size_t *bytes, CUmodule handle, const char *name) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(name != NULL && (address != NULL || bytes != NULL));
    uint64_t at;
    size_t size;
    SIM_TRY(find(handle, name, &at, &size));
    if (address != NULL) *address = at;
    if (bytes != NULL) *bytes = size;
    return CUDA_SUCCESS;
}
CUresult cuModuleGetGlobal(CUdeviceptr_v1 *address, unsigned int *bytes, CUmodule handle, const char *name) {
    SIM_NEED(name != NULL && (address != NULL || bytes != NULL));
    CUdeviceptr wide;
    size_t size;
    SIM_TRY(cuModuleGetGlobal_v2(&wide, &size, handle, name));
    if (address != NULL) *address = (CUdeviceptr_v1)wide;
    if (bytes != NULL) *bytes = (unsigned)size;
    return CUDA_SUCCESS;
}

CUresult cuLibraryGetGlobal(CUdeviceptr *address, size_t *bytes, CUlibrary handle, const char *name) {
    SIM_NEED(name != NULL && (address != NULL || bytes != NULL));
    CUmodule module;
    SIM_TRY(cuLibraryGetModule(&module, handle));
    return cuModuleGetGlobal_v2(address, bytes, module, name);
}
