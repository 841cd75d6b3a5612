/* The driver's process lists as the test agent reads them. A driver without NVML leaves the overhead at 0. */
#include <aliquot/nvml_abi.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support_credit.h"

struct credit_truth {
    nvmlReturn_t (*by_uuid)(const char *, nvmlDevice_t *);
    nvmlReturn_t (*processes)(nvmlDevice_t, unsigned int *, nvmlProcessInfo_v2_t *);
};

void credit_truth_open(struct credit_book *book, const char *library_dir)
{
    char path[ALQ_PATH_BYTES + 32];
    snprintf(path, sizeof path, "%s/libnvidia-ml.so.1", library_dir);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    nvmlReturn_t (*start)(void) = library == NULL ? NULL : (nvmlReturn_t(*)(void))dlsym(library, "nvmlInit_v2");
    if (start == NULL || start() != NVML_SUCCESS) {
        fprintf(stderr, "test agent: no ground truth from %s\n", path);
        return;
    }
    struct credit_truth *truth = calloc(1, sizeof *truth);
    *(void **)&truth->by_uuid = dlsym(library, "nvmlDeviceGetHandleByUUID");
    *(void **)&truth->processes = dlsym(library, "nvmlDeviceGetComputeRunningProcesses_v3");
    book->truth = truth;
}

int credit_truth_read(struct credit_book *book, uint32_t device, uint64_t bytes[ALQ_MAX_SLOTS])
{
    static nvmlProcessInfo_v2_t list[4096];
    nvmlDevice_t handle;
    unsigned int count = sizeof list / sizeof list[0];
    memset(bytes, 0, ALQ_MAX_SLOTS * sizeof *bytes);
    if (book->truth == NULL || book->truth->by_uuid(book->control->devices[device].uuid, &handle) != NVML_SUCCESS ||
        book->truth->processes(handle, &count, list) != NVML_SUCCESS) {
        return 0;
    }
    for (unsigned int i = 0; i < count; i++) {
        for (uint32_t s = 0; s < ALQ_MAX_SLOTS; s++) {
            if (book->control->slots[s].host_pid == list[i].pid) {
                bytes[s] += list[i].usedGpuMemory;
            }
        }
    }
    return 1;
}
