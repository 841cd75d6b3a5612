/*
 * Programs that run under LD_PRELOAD: whichever way a program reaches for the driver it gets ours, nothing else of it changes, and it
 * sees no line that it did not write itself.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support_preload.h"

#define LIMIT_BYTES (128 * MIB)

/* ---- inside: this program as a tenant runs it; exit status 0 is right ------------------------------------------------- */

static bool is_ours(void *library, const char *symbol, const char *file)
{
    Dl_info info;
    void *function = library == NULL ? NULL : dlsym(library, symbol);
    return function != NULL && dladdr(function, &info) != 0 && strstr(info.dli_fname, file) != NULL;
}

static int opens_ours(const char *name, int flags)
{
    void *library = dlopen(name, flags);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    bool nvml = strstr(name, "nvidia-ml") != NULL;
    return is_ours(library, nvml ? "nvmlInit_v2" : "cuInit", nvml ? "libaliquot-nvml" : "libaliquot-cuda") ? 0 : 2;
}

static int opens_real_path(const char *file, int flags)
{
    char path[4096], dir[4096];
    snprintf(path, sizeof path, "%s/%s", realpath(simulator_dir(), dir), file);
    return opens_ours(path, flags);
}

static int uses_memory_quietly(void)
{
    void *library = dlopen("libcuda.so.1", RTLD_NOW);
    CUcontext context;
    CUdeviceptr address;
    int count = 0;
#define IN(name) ((__typeof__(name) *)dlsym(library, #name))
    if (library == NULL || IN(cuInit)(0) != CUDA_SUCCESS || IN(cuDeviceGetCount)(&count) != CUDA_SUCCESS ||
        IN(cuDevicePrimaryCtxRetain)(&context, count - 1) != CUDA_SUCCESS || IN(cuCtxSetCurrent)(context) != CUDA_SUCCESS) {
        return 1;
    }
    if (IN(cuMemAlloc_v2)(&address, 2 * LIMIT_BYTES) != CUDA_ERROR_OUT_OF_MEMORY ||
        IN(cuMemAlloc_v2)(&address, 16 * MIB) != CUDA_SUCCESS || IN(cuMemFree_v2)(address) != CUDA_SUCCESS) {
        return 2;
    }
    void *nvml = dlopen("libnvidia-ml.so.1", RTLD_NOW);
    unsigned int devices = 0;
    return nvml != NULL && ((nvmlReturn_t(*)(void))dlsym(nvml, "nvmlInit_v2"))() == NVML_SUCCESS &&
            ((nvmlReturn_t(*)(unsigned int *))dlsym(nvml, "nvmlDeviceGetCount_v2"))(&devices) == NVML_SUCCESS &&
            devices == 1
        ? 0
        : 3;
}

/* What wrappers, sanitizers and profilers do: the next definition after their own, and the default one. */
static int asks_for_the_next_symbol(void)
{
    void *(*next_malloc)(size_t) = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    void *(*next_dlopen)(const char *, int) = (void *(*)(const char *, int))dlsym(RTLD_NEXT, "dlopen");
    if (next_malloc == NULL || next_dlopen == NULL || dlsym(RTLD_NEXT, "there_is_no_such_symbol") != NULL) {
        return 1;
    }
    void *memory = next_malloc(100);
    free(memory);
    void *(*any_dlsym)(void *, const char *) = (void *(*)(void *, const char *))dlsym(RTLD_DEFAULT, "dlsym");
    Dl_info info;
    if (any_dlsym == NULL || dladdr((void *)any_dlsym, &info) == 0 || strstr(info.dli_fname, "aliquot") != NULL) {
        return 2; /* dlsym itself is nobody's but libc's */
    }
    return next_dlopen("libcuda.so.1", RTLD_NOW) != NULL ? 0 : 3;
}

/* A library with its own search path opens a neighbour by its bare name: the path of the caller counts, not ours. */
static int opens_a_neighbour_by_origin(void)
{
    void *outer = dlopen(getenv("ALIQUOT_TEST_OUTER"), RTLD_NOW);
    void *(*open_inner)(void) = outer == NULL ? NULL : (void *(*)(void))dlsym(outer, "open_inner");
    return open_inner != NULL && open_inner() != NULL ? 0 : 1;
}

static int fails_like_dlopen(void)
{
    return dlopen("libthereisnosuchlibrary.so.1", RTLD_NOW) == NULL && dlerror() != NULL && dlopen(NULL, RTLD_NOW) != NULL ? 0
                                                                                                                         : 1;
}

static int inside(const char *what)
{
    static const struct {
        const char *name;
        int (*body)(void);
    } bodies[] = {{"quiet", uses_memory_quietly}, {"next", asks_for_the_next_symbol}, {"origin", opens_a_neighbour_by_origin}, {"failing", fails_like_dlopen}};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        if (strcmp(what, bodies[i].name) == 0) {
            return bodies[i].body();
        }
    }
    if (strncmp(what, "open:", 5) == 0) {
        return opens_ours(what + 5, RTLD_NOW);
    }
    if (strncmp(what, "deep:", 5) == 0) {
        return opens_real_path(what + 5, RTLD_NOW | RTLD_DEEPBIND);
    }
    if (strncmp(what, "path:", 5) == 0) {
        return opens_real_path(what + 5, RTLD_LAZY | RTLD_LOCAL);
    }
    return 99;
}

/* ---- outside ----------------------------------------------------------------------------------------------------------- */

static void check_run(const char *what, const char *library_path)
{
    struct preload_result result = run_preloaded(what, library_path);
    if (!WIFEXITED(result.status) || WEXITSTATUS(result.status) != 0) {
        fprintf(stderr, "  %s: status %d, %s\n", what, result.status, result.err);
    }
    CHECK_EQ(result.status, 0);
    CHECK_EQ(result.out_bytes, 0);
    CHECK_EQ(result.err_bytes, 0);
}

static void complaint_15_next_symbols_are_libc_s(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    check_run("next", simulator_dir());
    check_run("failing", NULL);
}

static void complaint_15_a_caller_s_own_search_path_counts(struct world *world, const void *argument)
{
    (void)argument;
    char command[2048], outer[300];
    snprintf(command, sizeof command,
        "mkdir -p '%s/a/deep' && cd '%s/a' && echo 'int inner;' >inner.c && "
        "printf '#include <dlfcn.h>\\nvoid *open_inner(void){return dlopen(\"libinner.so\",RTLD_NOW);}\\n' >outer.c && "
        "cc -shared -fPIC -o deep/libinner.so inner.c && "
        "cc -shared -fPIC -Wl,-rpath,'$ORIGIN/deep' -o libouter.so outer.c -ldl",
        world->root, world->root);
    CHECK_EQ(system(command), 0);
    snprintf(outer, sizeof outer, "%s/a/libouter.so", world->root);
    setenv("ALIQUOT_TEST_OUTER", outer, 1);
    check_run("origin", NULL);
}

static void complaint_19_every_name_of_the_driver_is_ours(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    check_run("open:libcuda.so.1", simulator_dir());
    check_run("open:libcuda.so.1", NULL);
    check_run("open:libcuda.so", NULL);
    check_run("open:libnvidia-ml.so.1", NULL);
    check_run("open:libnvidia-ml.so", NULL);
    check_run("path:libcuda.so.1", NULL);
    check_run("path:libnvidia-ml.so.1", NULL);
}

static void complaint_19_deepbind_is_no_way_around(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    check_run("deep:libcuda.so.1", NULL);
    check_run("deep:libnvidia-ml.so.1", NULL);
}

static void complaint_26_the_library_is_silent(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    check_run("quiet", NULL);
    struct preload_result echo =
        run_program((char *[]){"/bin/sh", "-c", "echo one; /bin/true && echo two >&2", NULL}, true, NULL);
    CHECK_EQ(echo.status, 0);
    CHECK(strcmp(echo.out, "one\n") == 0);
    CHECK(strcmp(echo.err, "two\n") == 0);
}

/* musl's loader takes LD_PRELOAD too: a program that is linked to it must still start. */
static void programs_of_another_c_library_still_run(struct world *world, const void *argument)
{
    (void)argument;
    char source[256], program[256], command[1024];
    if (access("/usr/bin/musl-gcc", X_OK) != 0) {
        return;
    }
    snprintf(source, sizeof source, "%s/hello.c", world->root);
    snprintf(program, sizeof program, "%s/hello", world->root);
    snprintf(command, sizeof command, "echo 'int main(void){return 7;}' >'%s' && musl-gcc -o '%s' '%s'", source, program, source);
    CHECK_EQ(system(command), 0);
    struct preload_result result = run_program((char *[]){program, NULL}, true, NULL);
    CHECK(WIFEXITED(result.status) && WEXITSTATUS(result.status) == 7);
    CHECK_EQ(result.out_bytes + result.err_bytes, 0);
}

int main(int argc, char **argv)
{
    if (argc == 2) {
        return inside(argv[1]);
    }
    struct world *world = world_open((struct world_config){.limit_bytes = LIMIT_BYTES});
    RUN(complaint_15_next_symbols_are_libc_s, world);
    RUN(complaint_15_a_caller_s_own_search_path_counts, world);
    RUN(complaint_19_every_name_of_the_driver_is_ours, world);
    RUN(complaint_19_deepbind_is_no_way_around, world);
    RUN(complaint_26_the_library_is_silent, world);
    RUN(programs_of_another_c_library_still_run, world);
    world_close(world);
    return finish_cases();
}
