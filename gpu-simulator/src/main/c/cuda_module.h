/* Modules, libraries, functions and the kernels the simulator knows. */
#ifndef SIM_CUDA_MODULE_H
#define SIM_CUDA_MODULE_H

#include "cuda_core.h"
#include "cuda_stream.h"

#define SIM_KERNEL_NAME_BYTES 64

/* One of the kernels that exist in the simulator: the same names and parameters as in the conformance suite's PTX. */
struct sim_kernel {
    const char *name;
    unsigned parameters;
    uint8_t bytes[SIM_KERNEL_ARGUMENTS];  /* size of each parameter */
    uint8_t offset[SIM_KERNEL_ARGUMENTS]; /* in a parameter buffer */
    bool waits;                           /* may take any time */
    int words;                            /* index of the parameter that counts words; -1: none */
    CUresult (*run)(const uint64_t *arguments, struct sim_context *ctx);
};
const struct sim_kernel *sim_kernel_find(const char *name, size_t length);

struct sim_module {
    struct sim_head head;
    struct sim_context *ctx;    /* NULL: of a library that is loaded in no context yet */
    struct sim_library *library;
    struct sim_module *next;
    struct sim_function *functions[8];
    unsigned function_count;
    bool charged;
    struct sim_variable *variables;
};

/* A variable of a module: its memory belongs to the context like any allocation. */
struct sim_variable {
    char name[SIM_KERNEL_NAME_BYTES];
    uint64_t address;
    size_t bytes;
    struct sim_variable *next;
};
struct sim_variable *sim_variables_make(struct sim_context *ctx, const char *text);
void sim_variables_drop(struct sim_variable *variables, bool give);

struct sim_library {
    struct sim_head head;
    char *image; /* kept while loaded: names of the entries in it */
    struct sim_function *kernels[8];
    unsigned kernel_count;
    struct sim_module *modules[SIM_MAX_DEVICES]; /* by ordinal, made when first needed */
    struct sim_context *module_context[SIM_MAX_DEVICES];
    struct sim_library *next;
};

struct sim_function {
    struct sim_head head;
    const struct sim_kernel *kernel;
    struct sim_module *module;   /* NULL for a library's kernel */
    struct sim_library *library; /* NULL for a module's function */
    int attributes[CU_FUNC_ATTRIBUTE_MAX];
    unsigned block[3], shared_bytes, parameter_bytes; /* the oldest launch calls */
    uint8_t parameters[64];
};

/* A function of this context for a handle that is a function or a kernel. */
CUresult sim_function_resolve(struct sim_context *ctx, CUfunction handle, struct sim_function **out);
void sim_module_release_context(struct sim_context *ctx);
CUresult sim_image_check(const void *image);
/* Names of the known entries in PTX text, at most eight. */
unsigned sim_image_entries(const char *text, const struct sim_kernel **out);
CUresult sim_module_make(struct sim_context *ctx, const void *image, struct sim_module **out);
void sim_module_unmake(struct sim_module *module);
CUresult sim_file_read(const char *path, char **text);
/* Reads the parameters of a launch. */
CUresult sim_arguments_read(const struct sim_kernel *kernel, void **parameters, void **extra, uint64_t *arguments);

#endif
