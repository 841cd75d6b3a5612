/* Contexts and code. */
#include "support_subjects.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AS(name, function) ((__typeof__(name) *)(function))

const char subject_ptx[] = ".version 7.0\n.target sm_50\n.address_size 64\n"
                           ".visible .entry aliquot_fill(.param .u64 p, .param .u64 n, .param .u32 v)\n{\n\tret;\n}\n";

static CUresult take_context(void *function, struct scratch *s, uint64_t bytes)
{
    (void)bytes;
    return AS(cuCtxCreate_v2, function)(&s->context, 0, s->device);
}

static CUresult take_context_v3(void *function, struct scratch *s, uint64_t bytes)
{
    (void)bytes;
    return AS(cuCtxCreate_v3, function)(&s->context, NULL, 0, 0, s->device);
}

static CUresult take_context_v4(void *function, struct scratch *s, uint64_t bytes)
{
    (void)bytes;
    return AS(cuCtxCreate_v4, function)(&s->context, NULL, 0, s->device);
}

static CUresult give_context(struct scratch *s)
{
    return CU(cuCtxDestroy_v2)(s->context);
}

static CUresult take_primary(void *function, struct scratch *s, uint64_t bytes)
{
    (void)bytes;
    return AS(cuDevicePrimaryCtxRetain, function)(&s->context, s->device);
}

static CUresult give_primary(struct scratch *s)
{
    return CU(cuDevicePrimaryCtxRelease_v2)(s->device);
}

static CUresult take_green(void *function, struct scratch *s, uint64_t bytes)
{
    CUdevResource resource;
    CUdevResourceDesc description;
    (void)bytes;
    CUresult answer = CU(cuDeviceGetDevResource)(s->device, &resource, CU_DEV_RESOURCE_TYPE_SM);
    answer = answer ? answer : CU(cuDevResourceGenerateDesc)(&description, &resource, 1);
    return answer ? answer : AS(cuGreenCtxCreate, function)(&s->green, description, s->device, 1);
}

static CUresult give_green(struct scratch *s)
{
    CUresult answer = CU(cuGreenCtxDestroy)(s->green);
    CU(cuDevicePrimaryCtxReset_v2)(s->device);
    return answer;
}

static CUresult take_data(void *function, struct scratch *s, uint64_t bytes)
{
    (void)bytes;
    return AS(cuModuleLoadData, function)(&s->module, subject_ptx);
}

static CUresult take_data_ex(void *function, struct scratch *s, uint64_t bytes)
{
    (void)bytes;
    return AS(cuModuleLoadDataEx, function)(&s->module, subject_ptx, 0, NULL, NULL);
}

static const char *ptx_file(void)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/code.ptx", getenv(ALQ_TENANT_DIR_ENV));
    FILE *file = fopen(path, "w");
    if (file != NULL) {
        fputs(subject_ptx, file);
        fclose(file);
    }
    return path;
}

static CUresult take_module_file(void *function, struct scratch *s, uint64_t bytes)
{
    (void)bytes;
    return AS(cuModuleLoad, function)(&s->module, ptx_file());
}

static CUresult give_module(struct scratch *s)
{
    return CU(cuModuleUnload)(s->module);
}

static CUresult take_library(void *function, struct scratch *s, uint64_t bytes)
{
    (void)bytes;
    return AS(cuLibraryLoadData, function)(&s->library, subject_ptx, NULL, NULL, 0, NULL, NULL, 0);
}

static CUresult take_library_file(void *function, struct scratch *s, uint64_t bytes)
{
    (void)bytes;
    return AS(cuLibraryLoadFromFile, function)(&s->library, ptx_file(), NULL, NULL, 0, NULL, NULL, 0);
}

static CUresult give_library(struct scratch *s)
{
    return CU(cuLibraryUnload)(s->library);
}

static CUresult take_link(void *function, struct scratch *s, uint64_t bytes)
{
    (void)bytes;
    return AS(cuLinkCreate_v2, function)(0, NULL, NULL, &s->link);
}

static CUresult give_link(struct scratch *s)
{
    return CU(cuLinkDestroy)(s->link);
}

static CUresult take_heap(void *function, struct scratch *s, uint64_t bytes)
{
    (void)s;
    return AS(cuCtxSetLimit, function)(CU_LIMIT_MALLOC_HEAP_SIZE, bytes);
}

static CUresult give_heap(struct scratch *s)
{
    (void)s;
    return CU(cuCtxSetLimit)(CU_LIMIT_MALLOC_HEAP_SIZE, 8u << 20);
}

static CUresult take_stream(void *function, struct scratch *s, uint64_t bytes)
{
    (void)bytes;
    return AS(cuStreamCreate, function)(&s->stream, 0);
}

static CUresult give_stream(struct scratch *s)
{
    return CU(cuStreamDestroy_v2)(s->stream);
}

const struct subject subjects_context[] = {{"cuCtxCreate", SUBJECT_CONTEXT, take_context, give_context, 0},
    {"cuCtxCreate_v2", SUBJECT_CONTEXT, take_context, give_context, 0},
    {"cuCtxCreate_v3", SUBJECT_CONTEXT, take_context_v3, give_context, 0},
    {"cuCtxCreate_v4", SUBJECT_CONTEXT, take_context_v4, give_context, 0},
    {"cuDevicePrimaryCtxRetain", SUBJECT_CONTEXT, take_primary, give_primary, 0},
    {"cuGreenCtxCreate", SUBJECT_CONTEXT, take_green, give_green, 0},
    {"cuModuleLoad", SUBJECT_MODULE, take_module_file, give_module, 0},
    {"cuModuleLoadData", SUBJECT_MODULE, take_data, give_module, 0},
    {"cuModuleLoadDataEx", SUBJECT_MODULE, take_data_ex, give_module, 0},
    {"cuLibraryLoadData", SUBJECT_MODULE, take_library, give_library, 0},
    {"cuLibraryLoadFromFile", SUBJECT_MODULE, take_library_file, give_library, 0},
    {"cuLinkCreate_v2", SUBJECT_MODULE, take_link, give_link, 0},
    {"cuCtxSetLimit", SUBJECT_MODULE, take_heap, give_heap, 0},
    {"cuStreamCreate", SUBJECT_MODULE, take_stream, give_stream, 0}, {NULL, SUBJECT_PLAIN, NULL, NULL, 0}};
