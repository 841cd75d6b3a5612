/* Reading the tenant's pages with care: whatever is in them, an index stays in bounds and a sum does not wrap. */
#include <string.h>
#include <strings.h>

#include "pages.h"

static const char *alq_after_prefix(const char *uuid)
{
    return strncmp(uuid, "GPU-", 4) == 0 || strncmp(uuid, "MIG-", 4) == 0 ? uuid + 4 : uuid;
}

uint32_t alq_pages_device_count(const struct alq_control_page *control)
{
    uint32_t count = __atomic_load_n(&control->device_count, __ATOMIC_ACQUIRE);
    return count < ALQ_MAX_DEVICES ? count : ALQ_MAX_DEVICES;
}

int alq_pages_device(const struct alq_control_page *control, const char *uuid)
{
    uint32_t count = alq_pages_device_count(control);
    for (uint32_t device = 0; device < count; device++) {
        char known[ALQ_UUID_BYTES + 1];
        memcpy(known, control->devices[device].uuid, ALQ_UUID_BYTES);
        known[ALQ_UUID_BYTES] = '\0';
        if (strcasecmp(alq_after_prefix(known), alq_after_prefix(uuid)) == 0) {
            return (int)device;
        }
    }
    return -1;
}

/* With covered, of each report no more than the slot's credit. */
static uint64_t alq_sum_reports(
    const struct alq_control_page *control, const struct alq_usage_page *usage, uint32_t device, bool covered)
{
    uint64_t sum_bytes = 0;
    if (usage == NULL || device >= ALQ_MAX_DEVICES) {
        return 0;
    }
    for (uint32_t slot = 0; slot < ALQ_MAX_SLOTS; slot++) {
        if (__atomic_load_n(&control->slots[slot].host_pid, __ATOMIC_ACQUIRE) != 0
            && __atomic_load_n(&usage->slots[slot].generation, __ATOMIC_ACQUIRE)
                == __atomic_load_n(&control->slots[slot].generation, __ATOMIC_ACQUIRE)) {
            uint64_t used_bytes = __atomic_load_n(&usage->slots[slot].used_bytes[device], __ATOMIC_ACQUIRE);
            uint64_t credit_bytes = __atomic_load_n(&control->slots[slot].credit_bytes[device], __ATOMIC_ACQUIRE);
            sum_bytes = alq_add(sum_bytes, covered && used_bytes > credit_bytes ? credit_bytes : used_bytes);
        }
    }
    return sum_bytes;
}

static uint64_t alq_sum(
    const struct alq_control_page *control, const struct alq_usage_page *usage, uint32_t device, bool covered)
{
    if (device >= alq_pages_device_count(control)) {
        return 0;
    }
    const struct alq_control_device *facts = &control->devices[device];
    uint64_t held_bytes = alq_sum_reports(control, usage, device, covered);
    held_bytes = alq_add(held_bytes, __atomic_load_n(&facts->overhead_bytes, __ATOMIC_ACQUIRE));
    return alq_add(held_bytes, __atomic_load_n(&facts->other_used_bytes, __ATOMIC_ACQUIRE));
}

uint64_t alq_pages_used_bytes(
    const struct alq_control_page *control, const struct alq_usage_page *usage, uint32_t device)
{
    return alq_sum_reports(control, usage, device, false);
}

uint64_t alq_pages_held_bytes(
    const struct alq_control_page *control, const struct alq_usage_page *usage, uint32_t device)
{
    return alq_sum(control, usage, device, false);
}

uint64_t alq_pages_covered_bytes(
    const struct alq_control_page *control, const struct alq_usage_page *usage, uint32_t device)
{
    return alq_sum(control, usage, device, true);
}

uint64_t alq_pages_free_bytes(
    const struct alq_control_page *control, const struct alq_usage_page *usage, uint32_t device)
{
    if (device >= alq_pages_device_count(control)) {
        return 0;
    }
    uint64_t limit_bytes = __atomic_load_n(&control->devices[device].limit_bytes, __ATOMIC_ACQUIRE);
    return alq_sub(limit_bytes, alq_pages_held_bytes(control, usage, device));
}
