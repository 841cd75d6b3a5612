/* cuInit, version, error names, what fork leaves behind. */
#include <stdlib.h>
#include <strings.h>

#include "cuda_checkpoint.h"
#include "cuda_memory.h"

struct sim_process sim_process = {.mutex = PTHREAD_MUTEX_INITIALIZER};
static pthread_mutex_t init_mutex = PTHREAD_MUTEX_INITIALIZER;

static void forked_child(void) {
    if (!atomic_load(&sim_process.ready)) return;
    atomic_store(&sim_process.ready, false);
    atomic_store(&sim_process.forked, true);
}

/* The device that one entry of CUDA_VISIBLE_DEVICES names; -1: none. */
static int named_device(const char *name, size_t length) {
    const struct sim_config *config = sim_config();
    if (length > 0 && name[0] >= '0' && name[0] <= '9') {
        char *end;
        long index = strtol(name, &end, 10);
        return end == name + length && index < (long)config->device_count ? (int)index : -1;
    }
    int found = -1;
    for (unsigned i = 0; length >= 5 && i < config->device_count; i++) {
        if (strncasecmp(config->devices[i].uuid, name, length) != 0) continue;
        if (found >= 0) return -1;
        found = (int)i;
    }
    return found;
}

static void find_devices(void) {
    const char *list = getenv("CUDA_VISIBLE_DEVICES");
    sim_process.device_count = 0;
    if (list == NULL) {
        for (unsigned i = 0; i < sim_config()->device_count; i++) sim_process.device[sim_process.device_count++] = i;
        return;
    }
    while (*list != '\0' && sim_process.device_count < (int)SIM_MAX_DEVICES) {
        while (*list == ' ') list++;
        size_t length = strcspn(list, ",");
        size_t trimmed = length;
        while (trimmed > 0 && list[trimmed - 1] == ' ') trimmed--;
        int device = named_device(list, trimmed);
        if (device < 0) return; /* the list ends at the first entry that names nothing */
        for (int i = 0; i < sim_process.device_count; i++) {
            if (sim_process.device[i] == (uint32_t)device) {
                sim_process.device_count = 0; /* a device named twice: none is visible */
                return;
            }
        }
        sim_process.device[sim_process.device_count++] = (uint32_t)device;
        list += length;
        if (*list == ',') list++;
    }
}

static CUresult start(void) {
    if (atomic_load(&sim_process.ready)) return CUDA_SUCCESS;
    if (atomic_load(&sim_process.forked)) return CUDA_ERROR_NOT_INITIALIZED;
    if (!sim_node_open()) return CUDA_ERROR_NO_DEVICE;
    find_devices();
    if (sim_process.device_count == 0) return CUDA_ERROR_NO_DEVICE;
    if (!sim_space_open() || !sim_node_register_process()) return CUDA_ERROR_OPERATING_SYSTEM;
    if (!sim_checkpoint_serve()) return CUDA_ERROR_OPERATING_SYSTEM;
    pthread_atfork(NULL, NULL, forked_child);
    atomic_store(&sim_process.ready, true);
    return CUDA_SUCCESS;
}

CUresult cuInit(unsigned int flags) {
    SIM_NEED(flags == 0);
    if (atomic_load_explicit(&sim_process.ready, memory_order_acquire)) return CUDA_SUCCESS;
    pthread_mutex_lock(&init_mutex);
    CUresult result = start();
    pthread_mutex_unlock(&init_mutex);
    return result;
}

CUresult cuDriverGetVersion(int *version) {
    SIM_NEED(version != NULL);
    *version = sim_node_open() ? sim_config()->cuda_version : CUDA_VERSION;
    return CUDA_SUCCESS;
}

CUresult cuGetExportTable(const void **table, const CUuuid *id) {
    SIM_NEED(table != NULL && id != NULL);
    *table = NULL;
    return CUDA_ERROR_NOT_FOUND;
}

CUresult cuProfilerInitialize(const char *config, const char *output, unsigned int mode) {
    (void)config;
    (void)output;
    (void)mode;
    return CUDA_ERROR_NOT_SUPPORTED;
}
CUresult cuProfilerStart(void) {
    SIM_ENTER_CONTEXT();
    return CUDA_SUCCESS;
}
CUresult cuProfilerStop(void) {
    SIM_ENTER_CONTEXT();
    return CUDA_SUCCESS;
}
