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

/* What the tenant's processes report of a device, saturating. */
struct alq_reported {
    uint64_t used_bytes;
    uint64_t covered_bytes; /* of each report no more than the slot's credit */
    uint64_t fixed_bytes;
    uint64_t demoted_bytes;
};

static struct alq_reported alq_pages_reported(
    const struct alq_control_page *control, const struct alq_usage_page *usage, uint32_t device)
{
    struct alq_reported sum = {0};
    for (uint32_t at = 0; usage != NULL && device < ALQ_MAX_DEVICES && at < ALQ_MAX_SLOTS; at++) {
        const struct alq_usage_slot *slot = &usage->slots[at];
        if (__atomic_load_n(&control->slots[at].host_pid, __ATOMIC_ACQUIRE) != 0
            && __atomic_load_n(&slot->generation, __ATOMIC_ACQUIRE)
                == __atomic_load_n(&control->slots[at].generation, __ATOMIC_ACQUIRE)) {
            uint64_t used_bytes = __atomic_load_n(&slot->used_bytes[device], __ATOMIC_ACQUIRE);
            uint64_t movable_bytes = __atomic_load_n(&slot->movable_bytes[device], __ATOMIC_ACQUIRE);
            uint64_t credit_bytes = __atomic_load_n(&control->slots[at].credit_bytes[device], __ATOMIC_ACQUIRE);
            sum.used_bytes = alq_add(sum.used_bytes, used_bytes);
            sum.covered_bytes = alq_add(sum.covered_bytes, used_bytes < credit_bytes ? used_bytes : credit_bytes);
            sum.fixed_bytes = alq_add(sum.fixed_bytes, alq_sub(used_bytes, movable_bytes));
            sum.demoted_bytes = alq_add(sum.demoted_bytes, __atomic_load_n(&slot->demoted_bytes[device], __ATOMIC_ACQUIRE));
        }
    }
    return sum;
}

/* What the tenant holds beside its processes' reports. */
static uint64_t alq_pages_beside_bytes(const struct alq_control_page *control, uint32_t device)
{
    const struct alq_control_device *facts = &control->devices[device];
    return alq_add(__atomic_load_n(&facts->overhead_bytes, __ATOMIC_ACQUIRE),
        __atomic_load_n(&facts->other_used_bytes, __ATOMIC_ACQUIRE));
}

uint64_t alq_pages_used_bytes(
    const struct alq_control_page *control, const struct alq_usage_page *usage, uint32_t device)
{
    return alq_pages_reported(control, usage, device).used_bytes;
}

uint64_t alq_pages_fixed_bytes(
    const struct alq_control_page *control, const struct alq_usage_page *usage, uint32_t device)
{
    if (device >= alq_pages_device_count(control)) {
        return 0;
    }
    return alq_add(alq_pages_reported(control, usage, device).fixed_bytes, alq_pages_beside_bytes(control, device));
}

uint64_t alq_pages_held_bytes(
    const struct alq_control_page *control, const struct alq_usage_page *usage, uint32_t device)
{
    if (device >= alq_pages_device_count(control)) {
        return 0;
    }
    return alq_add(alq_pages_used_bytes(control, usage, device), alq_pages_beside_bytes(control, device));
}

uint64_t alq_pages_covered_bytes(
    const struct alq_control_page *control, const struct alq_usage_page *usage, uint32_t device)
{
    if (device >= alq_pages_device_count(control)) {
        return 0;
    }
    return alq_add(alq_pages_reported(control, usage, device).covered_bytes, alq_pages_beside_bytes(control, device));
}

uint64_t alq_pages_free_bytes(
    const struct alq_control_page *control, const struct alq_usage_page *usage, uint32_t device)
{
    if (device >= alq_pages_device_count(control)) {
        return 0;
    }
    uint64_t limit_bytes = __atomic_load_n(&control->devices[device].limit_bytes, __ATOMIC_ACQUIRE);
    struct alq_reported reported = alq_pages_reported(control, usage, device);
    uint64_t seen_bytes = alq_add(alq_add(reported.used_bytes, reported.demoted_bytes), alq_pages_beside_bytes(control, device));
    return alq_sub(limit_bytes, seen_bytes);
}
