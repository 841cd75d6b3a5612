/*
 * Ways around the limit that need no trick: a driver that was started by somebody else, a look-up that answers an address without a
 * name, pools and graphs of a device that is not the tenant's, code with large variables, memory that stays bound.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support_subjects.h"

#define LIMIT_BYTES (256 * MIB)
#define FOREIGN_ORDINAL 0

static void a_driver_that_was_started_around_us_is_limited(struct world *world, const void *argument)
{
    (void)argument;
    CUcontext context;
    CUdeviceptr address;
    CHECK_EQ(BARE(cuInit)(0), CUDA_SUCCESS);
    CHECK_EQ(BARE(cuDevicePrimaryCtxRetain)(&context, 1), CUDA_SUCCESS);
    CHECK_EQ(BARE(cuCtxSetCurrent)(context), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemAlloc_v2)(&address, 2 * LIMIT_BYTES), CUDA_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(CU(cuMemAlloc_v2)(&address, 8 * MIB), CUDA_SUCCESS);
    CHECK_EQ(used_bytes(world), 8 * MIB);
    CHECK_EQ(CU(cuMemFree_v2)(address), CUDA_SUCCESS);
    CHECK_EQ(used_bytes(world), 0);
}

static void without_a_tenant_such_a_driver_gives_no_memory(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    CUcontext context;
    CUdeviceptr address;
    size_t free_bytes, total_bytes;
    CU(cuDriverGetVersion)(&(int){0}); /* the driver's library is known from here on */
    CHECK_EQ(BARE(cuInit)(0), CUDA_SUCCESS);
    CHECK_EQ(BARE(cuDevicePrimaryCtxRetain)(&context, 1), CUDA_SUCCESS);
    CHECK_EQ(BARE(cuCtxSetCurrent)(context), CUDA_SUCCESS);
    char gone[256];
    snprintf(gone, sizeof gone, "%s/agent.sock", world->tenant);
    CHECK_EQ(unlink(gone), 0);
    int error = dup(STDERR_FILENO);
    CHECK(freopen("/dev/null", "a", stderr) != NULL); /* for the one line that says why */
    CUresult answer = CU(cuMemAlloc_v2)(&address, MIB);
    dup2(error, STDERR_FILENO);
    CHECK_EQ(answer, CUDA_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(CU(cuMemAllocAsync)(&address, MIB, NULL), CUDA_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(CU(cuMemGetInfo_v2)(&free_bytes, &total_bytes), CUDA_SUCCESS);
    CHECK_EQ(total_bytes, 0);
}

static void a_child_of_fork_takes_no_slot_for_what_it_cannot_use(struct world *world, const void *argument)
{
    (void)argument;
    CUdeviceptr address;
    start_cuda();
    CHECK_EQ(CU(cuMemAlloc_v2)(&address, 8 * MIB), CUDA_SUCCESS);
    unsigned int hellos = atomic_load(&world->agent->shared->hellos);
    pid_t child = fork();
    if (child == 0) {
        CUdeviceptr more;
        _exit(CU(cuMemAlloc_v2)(&more, 8 * MIB) == CUDA_ERROR_NOT_INITIALIZED && CU(cuMemFree_v2)(address) != CUDA_SUCCESS ? 0 : 1);
    }
    int status = 1;
    waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
    CHECK_EQ(atomic_load(&world->agent->shared->hellos), hellos);
    CHECK_EQ(used_bytes(world), 8 * MIB);
}

static void a_pool_of_a_foreign_device_gives_nothing(struct world *world, const void *argument)
{
    (void)argument;
    start_cuda();
    CUmemoryPool pool = NULL;
    CUdeviceptr address;
    CUmemPoolProps properties = {.allocType = CU_MEM_ALLOCATION_TYPE_PINNED,
        .location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = FOREIGN_ORDINAL}};
    CHECK_EQ(CU(cuMemPoolCreate)(&pool, &properties), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemAllocFromPoolAsync)(&address, 8 * MIB, pool, NULL), CUDA_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(CU(cuDeviceGetDefaultMemPool)(&pool, FOREIGN_ORDINAL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemAllocFromPoolAsync)(&address, 8 * MIB, pool, NULL), CUDA_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(used_bytes(world), 0);
}

static void a_graph_on_a_foreign_device_is_not_instantiated(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    start_cuda();
    CUgraph graph;
    CUgraphNode node;
    CUgraphExec exec;
    CUDA_MEM_ALLOC_NODE_PARAMS parameters = {.poolProps = {.allocType = CU_MEM_ALLOCATION_TYPE_PINNED,
                                                 .location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = FOREIGN_ORDINAL}},
        .bytesize = 8 * MIB};
    CHECK_EQ(CU(cuGraphCreate)(&graph, 0), CUDA_SUCCESS);
    CHECK_EQ(CU(cuGraphAddMemAllocNode)(&node, graph, NULL, 0, &parameters), CUDA_SUCCESS);
    CHECK_EQ(CU(cuGraphInstantiateWithFlags)(&exec, graph, 0), CUDA_ERROR_OUT_OF_MEMORY);
}

/* One module fits, the next one takes the tenant past its limit although there is room when it is loaded. */
static void code_that_passes_the_limit_is_unloaded_again(struct world *world, const void *argument)
{
    (void)argument;
    start_cuda();
    CUmodule first, second;
    CUdeviceptr address;
    CHECK_EQ(CU(cuModuleLoadData)(&first, subject_ptx), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemAlloc_v2)(&address, 100 * MIB), CUDA_SUCCESS);
    uint64_t before = truth_bytes(world, 0, 0);
    CHECK_EQ(CU(cuModuleLoadData)(&second, subject_ptx), CUDA_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(truth_bytes(world, 0, 0), before);
    CHECK_EQ(CU(cuMemFree_v2)(address), CUDA_SUCCESS);
    CHECK_EQ(CU(cuModuleLoadData)(&second, subject_ptx), CUDA_SUCCESS);
    CHECK(truth_bytes(world, 0, 0) <= LIMIT_BYTES);
}

/* A driver whose look-ups answer thunks without a symbol of their own. */
static const char shim_source[] =
    "#include <string.h>\n"
    "typedef int (*two)(void *, unsigned long);\n"
    "int cuMemAlloc_v2(void *, unsigned long); int cuMemAllocAsync_ptsz(void *, unsigned long, void *);\n"
    "int cuInit(unsigned flags) { extern int (*shim_init(void))(unsigned); return shim_init()(flags); }\n"
    "static int plain(void *a, unsigned long n) { return cuMemAlloc_v2(a, n); }\n"
    "static int ordered(void *a, unsigned long n, void *s) { return cuMemAllocAsync_ptsz(a, n, s); }\n"
    "static int newer(void *a, unsigned long n) { (void)a; (void)n; return 4711; }\n"
    "int cuGetProcAddress_v2(const char *name, void **f, int version, unsigned long flags, void *status)\n"
    "{ (void)status; *f = strcmp(name, \"cuMemAlloc\") == 0 ? (version > 13000 ? (void *)newer : (void *)plain)\n"
    "  : strcmp(name, \"cuMemAllocAsync\") == 0 && flags == 2 ? (void *)ordered : 0; return *f == 0 ? 500 : 0; }\n"
    "#define _GNU_SOURCE 1\n"
    "#include <dlfcn.h>\n"
    "int (*shim_init(void))(unsigned) { return (int (*)(unsigned))dlsym((void *)-1L, \"cuInit\"); }\n";

static void addresses_without_a_name_are_known_by_the_name_asked_for(struct world *world, const void *argument)
{
    (void)argument;
    start_cuda();
    CUdeviceptr address;
    __typeof__(cuMemAlloc_v2) *plain = NULL;
    __typeof__(cuMemAllocAsync) *ordered = NULL;
    CHECK_EQ(CU(cuGetProcAddress_v2)("cuMemAlloc", (void **)&plain, 12000, 0, NULL), CUDA_SUCCESS);
    CHECK((void *)plain == dlsym(ours(), "cuMemAlloc_v2"));
    CHECK_EQ(plain(&address, 2 * LIMIT_BYTES), CUDA_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(plain(&address, 8 * MIB), CUDA_SUCCESS);
    CHECK_EQ(used_bytes(world), 8 * MIB);
    CHECK_EQ(CU(cuGetProcAddress_v2)("cuMemAllocAsync", (void **)&ordered, 12000, 2, NULL), CUDA_SUCCESS);
    CHECK((void *)ordered == dlsym(ours(), "cuMemAllocAsync_ptsz"));
    /* what a version means that nobody here knows is the driver's alone */
    CHECK_EQ(CU(cuGetProcAddress_v2)("cuMemAlloc", (void **)&plain, 99000, 0, NULL), CUDA_SUCCESS);
    CHECK_EQ(plain(NULL, 0), 4711);
}

static bool build_shim(const char *dir)
{
    char command[16384], path[300], real[4096];
    snprintf(path, sizeof path, "%s/shim.c", dir);
    FILE *file = fopen(path, "w");
    if (file == NULL || fputs(shim_source, file) < 0 || fclose(file) != 0 || realpath(simulator_dir(), real) == NULL) {
        return false;
    }
    /* under its own name, for the shim to need it and not what stands in for libcuda.so.1 */
    snprintf(command, sizeof command,
        "LC_ALL=C sed 's/libcuda[.]so[.]1/libcudx.so.1/g' '%s/libcuda.so.1' >'%s/libcudx.so.1' && cp '%s/libnvidia-ml.so.1' '%s' && "
        "cc -shared -fPIC -o '%s/libcuda.so.1' '%s' '%s/libcudx.so.1' -Wl,-soname,libshim.so -Wl,-rpath,'%s' -ldl",
        real, dir, real, dir, dir, path, dir, dir);
    return system(command) == 0;
}

int main(void)
{
    struct world *world = world_open((struct world_config){.limit_bytes = LIMIT_BYTES, .context_bytes = 4 * MIB});
    RUN(a_driver_that_was_started_around_us_is_limited, world);
    RUN(a_pool_of_a_foreign_device_gives_nothing, world);
    RUN(a_graph_on_a_foreign_device_is_not_instantiated, world);
    RUN(a_child_of_fork_takes_no_slot_for_what_it_cannot_use, world);
    world_close(world);
    world = world_open((struct world_config){.limit_bytes = LIMIT_BYTES, .context_bytes = 4 * MIB, .agent_wait_ms = 300});
    RUN(without_a_tenant_such_a_driver_gives_no_memory, world);
    world_close(world);
    world = world_open((struct world_config){.limit_bytes = LIMIT_BYTES, .context_bytes = 4 * MIB, .module_bytes = 100 * MIB});
    RUN(code_that_passes_the_limit_is_unloaded_again, world);
    world_close(world);
    char dir[] = "/tmp/aliquot-shim.XXXXXX", command[128];
    if (mkdtemp(dir) == NULL || !build_shim(dir)) {
        count_failure("addresses_without_a_name_are_known_by_the_name_asked_for", "the driver for it cannot be built");
        return finish_cases();
    }
    world = world_open((struct world_config){.limit_bytes = LIMIT_BYTES, .library_dir = dir});
    RUN(addresses_without_a_name_are_known_by_the_name_asked_for, world);
    world_close(world);
    snprintf(command, sizeof command, "rm -rf -- '%s'", dir);
    return system(command) != 0 || finish_cases() != 0;
}
