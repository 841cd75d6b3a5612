/*
 * Code and the driver's own buffers: how much they take is known only afterwards. Refused when the tenant has no room at all; what
 * they took shows in the overhead once the agent has looked, which also limits whatever comes next. Code that takes much is looked at
 * at once, and unloaded again where it passes the limit.
 */
#include "settled.h"

ALQ_LOAD(cuModuleLoad, module, cuModuleUnload, (CUmodule * module, const char *path), module, path)
ALQ_LOAD(cuModuleLoadData, module, cuModuleUnload, (CUmodule * module, const void *image), module, image)
ALQ_LOAD(cuModuleLoadDataEx, module, cuModuleUnload,
    (CUmodule * module, const void *image, unsigned int option_count, CUjit_option *options, void **values), module, image,
    option_count, options, values)
ALQ_LOAD(cuModuleLoadFatBinary, module, cuModuleUnload, (CUmodule * module, const void *image), module, image)
ALQ_SETTLED_LAZILY(cuModuleUnload, (CUmodule module), module)
ALQ_SETTLED_IF_ROOM(cuLinkCreate, (unsigned int option_count, CUjit_option *options, void **values, CUlinkState *state),
    option_count, options, values, state)
ALQ_SETTLED_IF_ROOM(cuLinkCreate_v2, (unsigned int option_count, CUjit_option *options, void **values, CUlinkState *state),
    option_count, options, values, state)
ALQ_LOAD(cuLibraryLoadData, library, cuLibraryUnload,
    (CUlibrary * library, const void *code, CUjit_option *jit_options, void **jit_values, unsigned int jit_count,
        CUlibraryOption *options, void **values, unsigned int count),
    library, code, jit_options, jit_values, jit_count, options, values, count)
ALQ_LOAD(cuLibraryLoadFromFile, library, cuLibraryUnload,
    (CUlibrary * library, const char *path, CUjit_option *jit_options, void **jit_values, unsigned int jit_count,
        CUlibraryOption *options, void **values, unsigned int count),
    library, path, jit_options, jit_values, jit_count, options, values, count)
ALQ_SETTLED_LAZILY(cuLibraryUnload, (CUlibrary library), library)
ALQ_SETTLED_IF_ROOM(cuFuncLoad, (CUfunction function), function)
ALQ_SETTLED_IF_ROOM(cuCtxSetLimit, (CUlimit limit, size_t value), limit, value)
ALQ_SETTLED_IF_ROOM(cuStreamCreate, (CUstream * stream, unsigned int flags), stream, flags)
ALQ_SETTLED_IF_ROOM(cuStreamCreateWithPriority, (CUstream * stream, unsigned int flags, int priority), stream, flags, priority)
ALQ_SETTLED_IF_ROOM(cuGreenCtxStreamCreate, (CUstream * stream, CUgreenCtx green, unsigned int flags, int priority), stream, green,
    flags, priority)
