/*
 * Start of CUDA, and look-ups by name. A look-up is the driver's: version, flags and per-thread variants come out right by
 * construction; only the address that it returns is exchanged, for our entry of that function. An address that no symbol of the driver has
 * is known by its name and version instead, as far as they are understood here. What is not known is passed on as it is, and a
 * process that has it is never bare (bare.h).
 */
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "hooks.h"

/* Also in libc from glibc 2.34 on; the old name works with every glibc. */
#if defined(__x86_64__)
__asm__(".symver dladdr, dladdr@GLIBC_2.2.5");
#elif defined(__aarch64__)
__asm__(".symver dladdr, dladdr@GLIBC_2.17");
#endif

const struct alq_library alq_library = {
    .path_offset = offsetof(struct alq_control_page, cuda_library),
    .not_ready = CUDA_ERROR_SYSTEM_NOT_READY,
    .missing = CUDA_ERROR_CALL_REQUIRES_NEWER_DRIVER,
    .wait_ms = ALQ_DEFAULT_WAIT_MS,
};

__thread int alq_depth __attribute__((tls_model("initial-exec")));

/* Real address of every function of the table -> its exported entry. Open addressing; complete once built. */
#define ALQ_ROUTES 4096u

struct alq_route {
    void *real;
    void *entry;
};

static struct alq_route alq_routes[ALQ_ROUTES];
static uint32_t alq_routes_built;

/* The rows whose entries lead elsewhere than to the driver at once. */
#define ALQ_HOOKED_charged true
#define ALQ_HOOKED_released true
#define ALQ_HOOKED_settled true
#define ALQ_HOOKED_queried true
#define ALQ_HOOKED_routed true
#define ALQ_HOOKED_watched true
#define ALQ_HOOKED_free false
#define PASS(name) false,
#define DATA(name)
#define GATE(name) true,
#define HOOK(name, family, class) ALQ_HOOKED_##class,
#define GATED(name, family, class) ALQ_HOOKED_##class,
static const bool alq_hooked[ALQ_FN_COUNT] = {
#include ALQ_TABLE
};
#undef PASS
#undef DATA
#undef GATE
#undef HOOK
#undef GATED

_Static_assert(ALQ_FN_COUNT <= ALQ_ROUTES / 4, "the table of routes is too full");

static struct alq_route *alq_route_of(void *real)
{
    uint64_t hash = (uint64_t)(uintptr_t)real * 0x9e3779b97f4a7c15ull;
    uint32_t at = (uint32_t)(hash >> 40) % ALQ_ROUTES;
    for (;;) {
        void *there = __atomic_load_n(&alq_routes[at].real, __ATOMIC_ACQUIRE);
        if (there == NULL || there == real) {
            return &alq_routes[at];
        }
        at = (at + 1) % ALQ_ROUTES;
    }
}

/* Of functions that the driver has at one address the first keeps its entry. */
static void alq_route_put(void *real, void *entry)
{
    for (;;) {
        void *none = NULL;
        struct alq_route *route = alq_route_of(real);
        if (__atomic_load_n(&route->real, __ATOMIC_ACQUIRE) == real
            || __atomic_compare_exchange_n(&route->real, &none, real, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            none = NULL;
            __atomic_compare_exchange_n(&route->entry, &none, entry, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
            return;
        }
    }
}

/* Several threads may build at once: each writes the same pairs in the same order, and finds all of them complete once its own build is. */
static void alq_routes_build(void)
{
    if (__atomic_load_n(&alq_routes_built, __ATOMIC_ACQUIRE) || alq_library_open() == NULL) {
        return;
    }
    for (int hooked = 1; hooked >= 0; hooked--) {
        for (uint32_t function = 0; function < ALQ_FN_COUNT; function++) {
            void *real = alq_hooked[function] == (hooked != 0) ? alq_library_symbol(function) : NULL;
            if (real != NULL) {
                alq_route_put(real, alq_entries[function]);
            }
        }
    }
    __atomic_store_n(&alq_routes_built, 1, __ATOMIC_RELEASE);
}

/* Versions up to this one are understood; a later one may ask for variants with other parameters than ours. */
#define ALQ_VARIANTS_UNTIL 13000

static const struct {
    const char *name;
    int since;
    const char *symbol;
    const char *per_thread;
} alq_variants[] = {
#define VARIANT(name, since, symbol, per_thread) {#name, since, #symbol, #per_thread},
#include "route_variants.def"
#undef VARIANT
};

/* Our entry for a symbol that the driver has, else NULL. */
static void *alq_entry_of(const char *symbol)
{
    for (uint32_t function = 0; function < ALQ_FN_COUNT; function++) {
        if (strcmp(alq_names[function], symbol) == 0) {
            return alq_library_has(function) ? alq_entries[function] : NULL;
        }
    }
    return NULL;
}

/* Our entry for what the name means in that version, NULL where it is not understood. */
static void *alq_entry_by_name(const char *name, int version, bool per_thread)
{
    const char *symbol = name;
    void *entry = NULL;
    char suffixed[96];
    if (version > ALQ_VARIANTS_UNTIL) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof alq_variants / sizeof alq_variants[0]; i++) {
        if (strcmp(alq_variants[i].name, name) == 0 && alq_variants[i].since <= version) {
            symbol = per_thread ? alq_variants[i].per_thread : alq_variants[i].symbol;
        }
    }
    for (int i = 0; i < 2 && entry == NULL && per_thread && symbol == name; i++) {
        snprintf(suffixed, sizeof suffixed, "%.80s%s", name, i == 0 ? "_ptsz" : "_ptds");
        entry = alq_entry_of(suffixed);
    }
    return entry != NULL ? entry : alq_entry_of(symbol);
}

/* Whether an address is the driver's code and not that of any of its symbols. */
static bool alq_nameless(void *real)
{
    Dl_info here;
    Dl_info driver;
    void *known = alq_library_symbol(ALQ_FN_cuInit);
    return known != NULL && dladdr(known, &driver) != 0 && dladdr(real, &here) != 0 && here.dli_fbase == driver.dli_fbase
        && (here.dli_sname == NULL || here.dli_saddr != real);
}

/* Our entry for a real function, else the function itself. */
static void *alq_route(void *real, const char *name, int version, cuuint64_t flags)
{
    alq_routes_build();
    if (real == NULL) {
        return NULL;
    }
    void *entry = __atomic_load_n(&alq_route_of(real)->entry, __ATOMIC_ACQUIRE);
    if (entry == NULL && name != NULL) {
        int saved_errno = errno;
        entry = alq_entry_by_name(name, version, (flags & CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM) != 0);
        entry = entry != NULL && alq_nameless(real) ? entry : NULL;
        errno = saved_errno;
    }
    if (entry == NULL) {
        alq_bare_never();
    }
    return entry == NULL ? real : entry;
}

CUresult alq_hook_cuGetProcAddress_v2(
    const char *name, void **function, int version, cuuint64_t flags, CUdriverProcAddressQueryResult *status)
{
    CUresult result = ALQ_REAL(cuGetProcAddress_v2)(name, function, version, flags, status);
    if (result == CUDA_SUCCESS && function != NULL && alq_depth == 0) {
        *function = alq_route(*function, name, version, flags);
    }
    return result;
}

CUresult alq_hook_cuGetProcAddress(const char *name, void **function, int version, cuuint64_t flags)
{
    CUresult result = ALQ_REAL(cuGetProcAddress)(name, function, version, flags);
    if (result == CUDA_SUCCESS && function != NULL && alq_depth == 0) {
        *function = alq_route(*function, name, version, flags);
    }
    return result;
}

bool alq_driver_is_running(void)
{
    int count;
    if (ALQ_CALL(cuDeviceGetCount, &count) != CUDA_SUCCESS) {
        return false;
    }
    alq_charge_attach();
    return true;
}

CUresult alq_hook_cuInit(unsigned int flags)
{
    if (alq_depth != 0) {
        return ALQ_REAL(cuInit)(flags);
    }
    if (!alq_charge_attach()) {
        return CUDA_ERROR_SYSTEM_NOT_READY;
    }
    return ALQ_CALL(cuInit, flags);
}
