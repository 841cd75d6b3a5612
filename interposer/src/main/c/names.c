/* Which names of libraries are the driver's. */
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#if defined(__x86_64__)
__asm__(".symver dlsym, dlsym@GLIBC_2.2.5");
#elif defined(__aarch64__)
__asm__(".symver dlsym, dlsym@GLIBC_2.17");
#endif

/* The name that dlopen goes on with; also finds where to go on. Called from dlopen.S. */
const char *alq_dlopen_name(const char *name);

/* The next dlopen in the search order: glibc's, or whoever wraps it. */
void *(*alq_dlopen_next)(const char *, int);

static void *alq_dlopen_nowhere(const char *name, int mode)
{
    (void)name;
    (void)mode;
    return NULL;
}

/* Whether a base name is `library`, bare or with a version: "libcuda.so", "libcuda.so.1", "libcuda.so.580.159.04". */
static int alq_is_library(const char *base, const char *library)
{
    size_t length = strlen(library);
    if (strncmp(base, library, length) != 0) {
        return 0;
    }
    return base[length] == '\0' || (base[length] == '.' && base[length + 1] != '\0' && strspn(base + length, ".0123456789") == strlen(base + length));
}

const char *alq_dlopen_name(const char *name)
{
    if (__atomic_load_n(&alq_dlopen_next, __ATOMIC_ACQUIRE) == NULL) {
        void *next = dlsym(RTLD_NEXT, "dlopen");
        __atomic_store_n((void **)&alq_dlopen_next, next == NULL ? (void *)&alq_dlopen_nowhere : next, __ATOMIC_RELEASE);
    }
    if (name == NULL) {
        return NULL;
    }
    const char *slash = strrchr(name, '/');
    const char *base = slash == NULL ? name : slash + 1;
    if (alq_is_library(base, "libcuda.so")) {
        return "libcuda.so.1";
    }
    if (alq_is_library(base, "libnvidia-ml.so")) {
        return "libnvidia-ml.so.1";
    }
    return name;
}
