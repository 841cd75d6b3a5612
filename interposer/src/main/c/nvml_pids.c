/*
 * Which pids in a driver's list are the tenant's.
 *
 * A driver that knows nothing of pid namespaces lists host pids; newer ones list, inside a pid namespace, that namespace's processes
 * under its own pids. A list counts as translated only if none of its pids is a host pid of the tenant's and every one of them is a
 * tenant pid of a slot: a list with a foreign process in it can then never pass for one's own.
 */
#include "nvml_library.h"

#include <string.h>

static unsigned int at(const void *first, size_t stride, unsigned int i)
{
    unsigned int pid;
    memcpy(&pid, (const char *)first + (size_t)i * stride, sizeof pid);
    return pid;
}

/* The slot's other pid for a pid, by host pid or by tenant pid; 0 where no live slot has it. */
static unsigned int look_up(const struct alq_control_page *control, unsigned int pid, bool by_tenant_pid)
{
    for (uint32_t s = 0; pid != 0 && s < ALQ_MAX_SLOTS; s++) {
        unsigned int host_pid = __atomic_load_n(&control->slots[s].host_pid, __ATOMIC_ACQUIRE);
        unsigned int tenant_pid = __atomic_load_n(&control->slots[s].tenant_pid, __ATOMIC_ACQUIRE);
        if (host_pid != 0 && (by_tenant_pid ? tenant_pid : host_pid) == pid) {
            return tenant_pid;
        }
    }
    return 0;
}

struct alq_nvml_pids alq_nvml_pids_of(const unsigned int *first, size_t stride, unsigned int count)
{
    struct alq_nvml_pids pids = {.control = alq_pages_control(), .translated = count > 0};
    for (unsigned int i = 0; pids.control != NULL && pids.translated && i < count; i++) {
        unsigned int pid = at(first, stride, i);
        pids.translated = look_up(pids.control, pid, false) == 0 && look_up(pids.control, pid, true) != 0;
    }
    return pids;
}

unsigned int alq_nvml_tenant_pid(const struct alq_nvml_pids *pids, unsigned int pid)
{
    return pids->control == NULL ? 0 : look_up(pids->control, pid, pids->translated);
}

unsigned int alq_nvml_keep_tenant(void *list, size_t stride, size_t pid_offset, unsigned int count)
{
    char *elements = list;
    struct alq_nvml_pids pids = alq_nvml_pids_of((const unsigned int *)(void *)(elements + pid_offset), stride, count);
    unsigned int kept = 0;
    for (unsigned int i = 0; i < count; i++) {
        unsigned int pid = alq_nvml_tenant_pid(&pids, at(elements + pid_offset, stride, i));
        if (pid != 0) {
            memmove(elements + (size_t)kept * stride, elements + (size_t)i * stride, stride);
            memcpy(elements + (size_t)kept * stride + pid_offset, &pid, sizeof pid);
            kept++;
        }
    }
    return kept;
}
