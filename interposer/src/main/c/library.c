/* Opening the real library, and finding its functions. */
#include "library.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

/* glibc moved these two into libc in 2.34 under new versions; the old names work with every glibc. */
#if defined(__x86_64__)
__asm__(".symver dlsym, dlsym@GLIBC_2.2.5");
#elif defined(__aarch64__)
__asm__(".symver dlsym, dlsym@GLIBC_2.17");
#endif

extern ElfW(Dyn) _DYNAMIC[] __attribute__((visibility("hidden")));

/* Finds the real function of a row for the stub that calls it: where to jump now. Never NULL. Called from trampoline.S. */
void *alq_resolve(uint32_t index);

/*
 * Where container runtimes and distributions have the driver's libraries: in a container that is not where the host has them when the two
 * are of different families.
 */
static const char *const alq_driver_folders[] = {
#if defined(__x86_64__)
    "/usr/lib/x86_64-linux-gnu",
#elif defined(__aarch64__)
    "/usr/lib/aarch64-linux-gnu",
#endif
    "/usr/lib64", "/usr/lib", "/lib64", "/usr/local/nvidia/lib64", "/run/opengl-driver/lib",
};

static void *alq_library_handle;

static int alq_answer_not_ready(void)
{
    return alq_library.not_ready;
}

static int alq_answer_missing(void)
{
    return alq_library.missing;
}

/* dlmopen into the base namespace is dlopen, and nobody wraps it: not this library's own dlopen either. */
static void *alq_open_file(const char *path)
{
    void *(*open_file)(Lmid_t, const char *, int);
    *(void **)&open_file = dlsym(RTLD_DEFAULT, "dlmopen");
    return open_file == NULL ? NULL : open_file(LM_ID_BASE, path, RTLD_NOW | RTLD_LOCAL);
}

/* The file of the same name, and so of the same version, in one of the usual places. */
static void *alq_open_elsewhere(const char *path)
{
    const char *name = strrchr(path, '/');
    for (size_t i = 0; i < sizeof alq_driver_folders / sizeof *alq_driver_folders; i++) {
        char other[ALQ_PATH_BYTES + 64];
        size_t length = strlen(alq_driver_folders[i]);
        memcpy(other, alq_driver_folders[i], length);
        strcpy(other + length, name);
        void *handle = alq_open_file(other);
        if (handle != NULL) {
            return handle;
        }
    }
    return NULL;
}

static void *alq_library_try(const struct alq_control_page *control)
{
    char path[ALQ_PATH_BYTES];
    memcpy(path, (const char *)control + alq_library.path_offset, sizeof path);
    if (path[0] != '/' || memchr(path, 0, sizeof path) == NULL) {
        alq_pages_complain("the driver's library is not available", "the agent names no full path for it; see the agent's log");
        return NULL;
    }
    void *handle = alq_open_file(path);
    if (handle == NULL && access(path, F_OK) != 0) {
        handle = alq_open_elsewhere(path);
    }
    if (handle == NULL) {
        alq_pages_complain("the driver's library cannot be opened; is this directory mounted in the container", path);
        return NULL;
    }
    if (((struct link_map *)handle)->l_ld == _DYNAMIC) {
        alq_pages_complain("the agent's path of the driver's library leads to this stand-in instead", path);
        return NULL;
    }
    return handle;
}

void *alq_library_open(void)
{
    void *handle = __atomic_load_n(&alq_library_handle, __ATOMIC_ACQUIRE);
    if (handle != NULL) {
        return handle;
    }
    int saved_errno = errno;
    const struct alq_control_page *control = NULL;
    enum alq_pages_status status = alq_pages_open_control(alq_library.wait_ms, &control);
    if (status == ALQ_PAGES_OK) {
        handle = alq_library_try(control);
        if (handle != NULL) {
            __atomic_store_n(&alq_library_handle, handle, __ATOMIC_RELEASE);
        }
    } else if (alq_library.wait_ms != 0) {
        alq_pages_complain("CUDA is not available to this process", alq_pages_explain(status));
    }
    errno = saved_errno;
    return handle;
}

void *alq_library_symbol(enum alq_function function)
{
    void *handle = alq_library_open();
    return handle == NULL || (uint32_t)function >= ALQ_FN_COUNT ? NULL : dlsym(handle, alq_names[function]);
}

bool alq_library_has(enum alq_function function)
{
    return alq_library_symbol(function) != NULL;
}

void alq_library_resolve(enum alq_function function)
{
    alq_resolve((uint32_t)function);
}

void *alq_resolve(uint32_t index)
{
    if (alq_library_open() == NULL) {
        return (void *)&alq_answer_not_ready;
    }
    int saved_errno = errno;
    void *real = alq_library_symbol((enum alq_function)index);
    errno = saved_errno;
    if (real == NULL) {
        real = (void *)&alq_answer_missing;
    }
    __atomic_store_n(&alq_slots[index], real, __ATOMIC_RELEASE);
    return real;
}
