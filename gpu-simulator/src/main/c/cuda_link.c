/* Linking: pieces of PTX text put together; what comes out loads like any module. */
#include <stdlib.h>

#include "cuda_module.h"

struct link {
    struct sim_head head;
    char *text;
    size_t length;
};

static CUresult link_of(CUlinkState handle, struct link **out) {
    if (!sim_handle_is(handle, SIM_KIND_LINK)) return CUDA_ERROR_INVALID_HANDLE;
    *out = (struct link *)handle;
    return CUDA_SUCCESS;
}

static CUresult append(struct link *link, const char *text, size_t length) {
    char *longer = realloc(link->text, link->length + length + 5);
    if (longer == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    memcpy(longer + link->length, text, length);
    link->text = longer;
    link->length += length;
    memset(longer + link->length, 0, 5);
    longer[link->length++] = '\n';
    return CUDA_SUCCESS;
}

static CUresult create(unsigned count, const CUjit_option *options, void *const *values, CUlinkState *out) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL && (count == 0 || (options != NULL && values != NULL)));
    struct link *link = sim_handle_new(SIM_KIND_LINK);
    if (link == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    *out = (CUlinkState)link;
    return CUDA_SUCCESS;
}
CUresult cuLinkCreate(unsigned int count, CUjit_option *options, void **values, CUlinkState *out) {
    return create(count, options, values, out);
}
CUresult cuLinkCreate_v2(unsigned int count, CUjit_option *options, void **values, CUlinkState *out) {
    return create(count, options, values, out);
}

static CUresult add_data(CUlinkState handle, CUjitInputType type, const void *data, size_t bytes) {
    SIM_ENTER_CONTEXT();
    struct link *link;
    SIM_TRY(link_of(handle, &link));
    SIM_NEED(data != NULL && bytes != 0 && (unsigned)type < CU_JIT_NUM_INPUT_TYPES);
    if (type != CU_JIT_INPUT_PTX) return CUDA_ERROR_NO_BINARY_FOR_GPU;
    return append(link, data, strnlen(data, bytes));
}
CUresult cuLinkAddData(CUlinkState link, CUjitInputType type, void *data, size_t bytes, const char *name, unsigned int count,
                       CUjit_option *options, void **values) {
    (void)name;
    SIM_NEED(count == 0 || (options != NULL && values != NULL));
    return add_data(link, type, data, bytes);
}
CUresult cuLinkAddData_v2(CUlinkState link, CUjitInputType type, void *data, size_t bytes, const char *name, unsigned int count,
                          CUjit_option *options, void **values) {
    return cuLinkAddData(link, type, data, bytes, name, count, options, values);
}
CUresult cuLinkAddFile(CUlinkState link, CUjitInputType type, const char *path, unsigned int count, CUjit_option *options, void **values) {
    SIM_NEED(path != NULL && (count == 0 || (options != NULL && values != NULL)));
    char *text;
    SIM_TRY(sim_file_read(path, &text));
    CUresult result = add_data(link, type, text, strlen(text) + 1);
    free(text);
    return result;
}
CUresult cuLinkAddFile_v2(CUlinkState link, CUjitInputType type, const char *path, unsigned int count, CUjit_option *options, void **values) {
    return cuLinkAddFile(link, type, path, count, options, values);
}

CUresult cuLinkComplete(CUlinkState handle, void **out, size_t *bytes) {
    SIM_ENTER_CONTEXT();
    struct link *link;
    SIM_TRY(link_of(handle, &link));
    SIM_NEED(out != NULL && link->text != NULL);
    SIM_TRY(sim_image_check(link->text));
    *out = link->text;
    if (bytes != NULL) *bytes = link->length;
    return CUDA_SUCCESS;
}
CUresult cuLinkDestroy(CUlinkState handle) {
    SIM_ENTER_CONTEXT();
    struct link *link;
    SIM_TRY(link_of(handle, &link));
    free(link->text);
    sim_handle_free(link);
    return CUDA_SUCCESS;
}
