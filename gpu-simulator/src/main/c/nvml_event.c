/* Event sets. A set sees the events of a device from the moment the device was registered with it. */
#include "nvml_core.h"

#include <pthread.h>
#include <stdlib.h>

#define SET_MAGIC 0x45564e53u

struct nvmlEventSet_st {
    uint32_t magic;
    pthread_mutex_t mutex;
    uint64_t cursor; /* 0: nothing registered yet */
    uint64_t types[SIM_MAX_DEVICES];
    uint64_t first[SIM_MAX_DEVICES];
};

nvmlReturn_t nvmlEventSetCreate(nvmlEventSet_t *set)
{
    if (!nv_initialised())
        return NVML_ERROR_UNINITIALIZED;
    if (set == NULL)
        return NVML_ERROR_INVALID_ARGUMENT;
    *set = calloc(1, sizeof **set);
    if (*set == NULL)
        return NVML_ERROR_MEMORY;
    (*set)->magic = SET_MAGIC;
    pthread_mutex_init(&(*set)->mutex, NULL);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlEventSetFree(nvmlEventSet_t set)
{
    if (!nv_initialised())
        return NVML_ERROR_UNINITIALIZED;
    if (set == NULL || set->magic != SET_MAGIC)
        return NVML_ERROR_INVALID_ARGUMENT;
    set->magic = 0;
    pthread_mutex_destroy(&set->mutex);
    free(set);
    return NVML_SUCCESS;
}

static uint64_t supported(uint32_t d)
{
    return sim_config()->devices[d].ecc ? nvmlEventTypeAll : nvmlEventTypeAll & ~(nvmlEventTypeSingleBitEccError | nvmlEventTypeDoubleBitEccError);
}

nvmlReturn_t nvmlDeviceGetSupportedEventTypes(nvmlDevice_t device, unsigned long long *types)
{
    GIVE(device, types, supported(d));
}

nvmlReturn_t nvmlDeviceRegisterEvents(nvmlDevice_t device, unsigned long long types, nvmlEventSet_t set)
{
    ON_DEVICE(device, set != NULL && set->magic == SET_MAGIC);
    if ((types & ~supported(d)) != 0)
        return NVML_ERROR_NOT_SUPPORTED;
    pthread_mutex_lock(&set->mutex);
    uint64_t now = sim_event_cursor();
    if (set->cursor == 0)
        set->cursor = now;
    if (set->types[d] == 0)
        set->first[d] = now;
    set->types[d] |= types;
    pthread_mutex_unlock(&set->mutex);
    return NVML_SUCCESS;
}

/* The next event that somebody registered for. */
static bool next_event(nvmlEventSet_t set, struct sim_node_event *event)
{
    bool got = false;
    pthread_mutex_lock(&set->mutex);
    while (set->cursor != 0 && !got && sim_event_read(&set->cursor, event))
        got = event->device < SIM_MAX_DEVICES && (set->types[event->device] & event->type) != 0
            && event->sequence >= set->first[event->device];
    pthread_mutex_unlock(&set->mutex);
    return got;
}

nvmlReturn_t nvmlEventSetWait_v2(nvmlEventSet_t set, nvmlEventData_t *data, unsigned int timeout_ms)
{
    struct sim_node_event event;
    if (!nv_initialised())
        return NVML_ERROR_UNINITIALIZED;
    if (set == NULL || set->magic != SET_MAGIC || data == NULL)
        return NVML_ERROR_INVALID_ARGUMENT;
    uint64_t deadline = sim_now_ns() + (uint64_t)timeout_ms * 1000000ull;
    while (!next_event(set, &event)) {
        uint64_t now = sim_now_ns();
        if (now >= deadline)
            return NVML_ERROR_TIMEOUT;
        sim_event_wait(set->cursor != 0 ? set->cursor : sim_event_cursor(), (uint32_t)((deadline - now + 999999) / 1000000));
    }
    *data = (nvmlEventData_t){.device = nv_handle(event.device), .eventType = event.type, .eventData = event.data,
        .gpuInstanceId = 0xffffffffu, .computeInstanceId = 0xffffffffu};
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlEventSetWait(nvmlEventSet_t set, nvmlEventData_t *data, unsigned int timeout_ms)
{
    return nvmlEventSetWait_v2(set, data, timeout_ms);
}
