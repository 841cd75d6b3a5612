/* cuGetProcAddress: the newest symbol of a name that a requested version knows. */
#include <stdlib.h>

#include "cuda_core.h"

struct entry {
    const char *name;
    int version;
    void *symbol;
    void *per_thread;
};

/* Exported, but declared by graphics headers only. */
CUresult cuEGLStreamConsumerAcquireFrame(void);
CUresult cuEGLStreamConsumerDisconnect(void);
CUresult cuEGLStreamConsumerReleaseFrame(void);
CUresult cuEGLStreamProducerConnect(void);
CUresult cuEGLStreamProducerDisconnect(void);
CUresult cuEGLStreamProducerPresentFrame(void);
CUresult cuEGLStreamProducerReturnFrame(void);

static const struct entry entries[] = {
#define ENTRY(name, version, symbol, per_thread) {#name, version, (void *)symbol, (void *)per_thread},
#include "cuda_procaddress.def"
#undef ENTRY
};
#define COUNT (sizeof entries / sizeof entries[0])

/* First entry of the name, COUNT where there is none. */
static size_t first_of(const char *name) {
    size_t low = 0, high = COUNT;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(entries[middle].name, name) < 0) low = middle + 1;
        else high = middle;
    }
    return low < COUNT && strcmp(entries[low].name, name) == 0 ? low : COUNT;
}

static CUdriverProcAddressQueryResult look_up(const char *name, int version, cuuint64_t flags, void **out) {
    int driver = sim_node_open() ? sim_config()->cuda_version : CUDA_VERSION;
    size_t at = first_of(name);
    *out = NULL;
    if (at == COUNT || entries[at].version > driver) return CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
    for (; at < COUNT && strcmp(entries[at].name, name) == 0; at++) {
        if (entries[at].version > version || entries[at].version > driver) break;
        *out = flags & CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM ? entries[at].per_thread : entries[at].symbol;
    }
    return *out != NULL ? CU_GET_PROC_ADDRESS_SUCCESS : CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT;
}

static CUresult get(const char *name, void **out, int version, cuuint64_t flags, CUdriverProcAddressQueryResult *found) {
    SIM_NEED(name != NULL && out != NULL && name[0] != '\0');
    SIM_NEED(flags <= CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM);
    SIM_NEED(!sim_node_open() || version <= sim_config()->cuda_version);
    *found = look_up(name, version, flags, out);
    return CUDA_SUCCESS;
}

/* As documented: an unknown name is no error of the call, the status says it. */
CUresult cuGetProcAddress_v2(const char *name, void **out, int version, cuuint64_t flags, CUdriverProcAddressQueryResult *status) {
    CUdriverProcAddressQueryResult found;
    SIM_TRY(get(name, out, version, flags, &found));
    if (status != NULL) *status = found;
    return status != NULL || found == CU_GET_PROC_ADDRESS_SUCCESS ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}

CUresult cuGetProcAddress(const char *name, void **out, int version, cuuint64_t flags) {
    CUdriverProcAddressQueryResult found;
    SIM_TRY(get(name, out, version, flags, &found));
    return found == CU_GET_PROC_ADDRESS_SUCCESS ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}
