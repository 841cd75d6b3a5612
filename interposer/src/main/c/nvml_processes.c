/* Lists of running processes: compute, graphics, MPS in three versions, and the list with details. Only the tenant's processes, with
 * the pids it knows them by. */
#include "nvml_library.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A list that grows faster than this is answered with the driver's last INSUFFICIENT_SIZE. */
#define MAX_TRIES 6
#define FIRST_CAPACITY 256u
#define SPARE_CAPACITY 64u

typedef nvmlReturn_t list_call(nvmlDevice_t device, unsigned int *count, void *list);

/*
 * The driver's whole list in memory of our own (*whole, to be freed, also after an error), the tenant's part of it in front,
 * *kept elements. Only for a call that the driver has accepted with the caller's arguments before, or would: `count` not NULL.
 */
static nvmlReturn_t tenant_list(nvmlDevice_t device, list_call *call, size_t stride, void **whole, unsigned int *kept)
{
    unsigned int capacity = FIRST_CAPACITY;
    *whole = NULL;
    nvmlReturn_t answer = NVML_ERROR_INSUFFICIENT_SIZE;
    for (int i = 0; answer == NVML_ERROR_INSUFFICIENT_SIZE && i < MAX_TRIES; i++) {
        void *larger = realloc(*whole, capacity * stride);
        if (larger == NULL) {
            return NVML_ERROR_MEMORY;
        }
        *whole = larger;
        unsigned int count = capacity;
        answer = call(device, &count, larger);
        if (answer == NVML_SUCCESS) {
            *kept = alq_nvml_keep_tenant(larger, stride, 0, count);
        }
        capacity = (count > capacity ? count : capacity) + SPARE_CAPACITY;
    }
    return answer;
}

/* Capacity in, length out; too small a capacity, 0 included, answers INSUFFICIENT_SIZE with the length that is needed. */
static nvmlReturn_t list_for_tenant(nvmlDevice_t device, unsigned int *count, void *list, list_call *call, size_t stride)
{
    nvmlReturn_t why;
    if (alq_nvml_slice_index(device, &why) < 0) {
        return why;
    }
    if (count == NULL || (list == NULL && *count != 0)) {
        unsigned int asked = count == NULL ? 0 : *count;
        nvmlReturn_t answer = call(device, count == NULL ? NULL : &asked, list);
        if (answer != NVML_SUCCESS && answer != NVML_ERROR_INSUFFICIENT_SIZE) {
            return answer;
        }
    }
    if (count == NULL) {
        return NVML_ERROR_INVALID_ARGUMENT;
    }
    int saved_errno = errno;
    void *whole;
    unsigned int kept = 0;
    nvmlReturn_t answer = tenant_list(device, call, stride, &whole, &kept);
    if (answer == NVML_SUCCESS) {
        unsigned int capacity = list == NULL ? 0 : *count;
        *count = kept;
        if (kept > capacity) {
            answer = NVML_ERROR_INSUFFICIENT_SIZE;
        } else if (kept > 0) {
            memcpy(list, whole, kept * stride);
        }
    }
    free(whole);
    errno = saved_errno;
    return answer;
}

_Static_assert(offsetof(nvmlProcessInfo_v1_t, pid) == 0, "the pid comes first");
_Static_assert(offsetof(nvmlProcessInfo_v2_t, pid) == 0, "the pid comes first");
_Static_assert(offsetof(nvmlProcessDetail_v1_t, pid) == 0, "the pid comes first");

#define PROCESS_LIST(name, element) \
    ALQ_NVML_HOOK(name); \
    static nvmlReturn_t call_##name(nvmlDevice_t device, unsigned int *count, void *list) \
    { \
        return ALQ_REAL(name)(device, count, list); \
    } \
    nvmlReturn_t alq_hook_##name(nvmlDevice_t device, unsigned int *count, element *list) \
    { \
        return list_for_tenant(device, count, list, call_##name, sizeof(element)); \
    }

PROCESS_LIST(nvmlDeviceGetComputeRunningProcesses, nvmlProcessInfo_v1_t)
PROCESS_LIST(nvmlDeviceGetComputeRunningProcesses_v2, nvmlProcessInfo_v2_t)
PROCESS_LIST(nvmlDeviceGetComputeRunningProcesses_v3, nvmlProcessInfo_v2_t)
PROCESS_LIST(nvmlDeviceGetGraphicsRunningProcesses, nvmlProcessInfo_v1_t)
PROCESS_LIST(nvmlDeviceGetGraphicsRunningProcesses_v2, nvmlProcessInfo_v2_t)
PROCESS_LIST(nvmlDeviceGetGraphicsRunningProcesses_v3, nvmlProcessInfo_v2_t)
PROCESS_LIST(nvmlDeviceGetMPSComputeRunningProcesses, nvmlProcessInfo_v1_t)
PROCESS_LIST(nvmlDeviceGetMPSComputeRunningProcesses_v2, nvmlProcessInfo_v2_t)
PROCESS_LIST(nvmlDeviceGetMPSComputeRunningProcesses_v3, nvmlProcessInfo_v2_t)

ALQ_NVML_HOOK(nvmlDeviceGetRunningProcessDetailList);

/* The version and mode of a list with details, carried past the plain list's parameters. */
struct detail_request {
    unsigned int version;
    unsigned int mode;
};

static _Thread_local struct detail_request detail __attribute__((tls_model("initial-exec")));

static nvmlReturn_t call_detail(nvmlDevice_t device, unsigned int *count, void *list)
{
    nvmlProcessDetailList_v1_t asked = {
        .version = detail.version, .mode = detail.mode, .numProcArrayEntries = *count, .procArray = list};
    nvmlReturn_t answer = ALQ_REAL(nvmlDeviceGetRunningProcessDetailList)(device, &asked);
    *count = asked.numProcArrayEntries;
    return answer;
}

nvmlReturn_t alq_hook_nvmlDeviceGetRunningProcessDetailList(nvmlDevice_t device, nvmlProcessDetailList_t *list)
{
    nvmlReturn_t why;
    if (alq_nvml_slice_index(device, &why) < 0) {
        return why;
    }
    if (list == NULL || list->version != nvmlProcessDetailList_v1) {
        return ALQ_REAL(nvmlDeviceGetRunningProcessDetailList)(device, list);
    }
    detail = (struct detail_request){list->version, list->mode};
    return list_for_tenant(device, &list->numProcArrayEntries, list->procArray, call_detail, sizeof *list->procArray);
}
