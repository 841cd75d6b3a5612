/* The driver's own memory limits (R615): a soft and a hard one per cgroup v2 directory and device, kept by the node. */
#include "node_state.h"

#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

static size_t below(const char *path, const char *root)
{
    size_t length = strlen(root);
    return strncmp(path, root, length) == 0 && (path[length] == '/' || path[length] == 0) ? length : 0;
}

/* A directory below the cgroup v2 file system, wherever that is mounted, as /proc/<pid>/cgroup names it. */
static const char *relative(const char *cgroup)
{
    size_t longest = below(cgroup, CGROUP_ROOT);
    FILE *mounts = setmntent("/proc/self/mounts", "re");
    struct mntent mount;
    char text[4096];
    while (mounts != NULL && getmntent_r(mounts, &mount, text, sizeof text) != NULL) {
        size_t length = strcmp(mount.mnt_type, "cgroup2") == 0 ? below(cgroup, mount.mnt_dir) : 0;
        longest = length > longest ? length : longest;
    }
    if (mounts != NULL)
        endmntent(mounts);
    return cgroup[longest] == 0 ? "/" : cgroup + longest;
}

static bool same_path(const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b);
    while (na > 1 && a[na - 1] == '/')
        na--;
    while (nb > 1 && b[nb - 1] == '/')
        nb--;
    return na == nb && memcmp(a, b, na) == 0;
}

static struct sim_limit_state *find(const char *cgroup, uint32_t device)
{
    struct sim_state *state = sim_state();
    uint32_t high = state == NULL ? 0 : atomic_load(&state->limit_high);
    for (uint32_t i = 0; i < high; i++) {
        struct sim_limit_state *limit = &state->limits[i];
        if (atomic_load(&limit->state) == 1 && atomic_load(&limit->device) == device && same_path(limit->cgroup, cgroup))
            return limit;
    }
    return NULL;
}

bool sim_node_limit_set(const char *cgroup, uint32_t device, uint64_t soft_bytes, uint64_t hard_bytes)
{
    if (cgroup == NULL || !sim_device_valid(device))
        return false;
    cgroup = relative(cgroup);
    size_t length = strlen(cgroup);
    int lock = length >= SIM_CGROUP_BYTES ? -1 : sim_manage_lock();
    if (lock < 0)
        return false;
    struct sim_limit_state *limit = find(cgroup, device);
    if (limit == NULL && (hard_bytes != UINT64_MAX || soft_bytes != 0)) {
        for (uint32_t i = 0; i < SIM_MAX_LIMITS && limit == NULL; i++) {
            if (atomic_load(&sim_state()->limits[i].state) != 0)
                continue;
            limit = &sim_state()->limits[i];
            if (atomic_load(&sim_state()->limit_high) <= i)
                atomic_store(&sim_state()->limit_high, i + 1);
        }
        if (limit != NULL) {
            memcpy(limit->cgroup, cgroup, length + 1);
            atomic_store(&limit->device, device);
        }
    }
    bool ok = limit != NULL || (hard_bytes == UINT64_MAX && soft_bytes == 0);
    if (limit != NULL) {
        atomic_store(&limit->soft, soft_bytes);
        atomic_store(&limit->hard, hard_bytes);
        atomic_store(&limit->state, hard_bytes == UINT64_MAX && soft_bytes == 0 ? 0 : 1);
    }
    sim_manage_unlock(lock);
    return ok;
}

static uint64_t cgroup_used(const char *cgroup, uint32_t device)
{
    struct sim_state *state = sim_state();
    uint64_t sum = 0;
    uint32_t high = atomic_load(&state->slot_high);
    for (uint32_t i = 0; i < high; i++) {
        struct sim_slot *slot = &state->slots[i];
        if (atomic_load(&slot->state) == SIM_SLOT_LIVE && same_path(slot->cgroup, cgroup))
            sum += atomic_load(&slot->held[device]) + atomic_load(&slot->shared[device]);
    }
    return sum;
}

bool sim_node_limit_get(const char *cgroup, uint32_t device, uint64_t *soft_bytes, uint64_t *hard_bytes, uint64_t *used_bytes)
{
    if (cgroup == NULL || !sim_device_valid(device))
        return false;
    cgroup = relative(cgroup);
    sim_node_reap();
    struct sim_limit_state *limit = find(cgroup, device);
    *soft_bytes = limit == NULL ? 0 : atomic_load(&limit->soft);
    *hard_bytes = limit == NULL ? UINT64_MAX : atomic_load(&limit->hard);
    *used_bytes = cgroup_used(cgroup, device);
    return true;
}

uint64_t sim_node_limit_for(pid_t pid, uint32_t device)
{
    struct sim_process_info info;
    if (!sim_device_valid(device) || !sim_process_find(pid, &info))
        return UINT64_MAX;
    struct sim_limit_state *limit = find(sim_state()->slots[info.slot].cgroup, device);
    return limit == NULL ? UINT64_MAX : atomic_load(&limit->hard);
}

bool sim_node_limit_view(uint32_t device, uint64_t *hard_bytes, uint64_t *used_bytes)
{
    char cgroup[SIM_CGROUP_BYTES];
    if (!sim_device_valid(device) || atomic_load(&sim_state()->limit_high) == 0)
        return false;
    sim_own_cgroup(cgroup);
    struct sim_limit_state *limit = cgroup[0] == 0 ? NULL : find(cgroup, device);
    uint64_t hard = limit == NULL ? UINT64_MAX : atomic_load(&limit->hard);
    if (hard >= sim_mem_capacity(device))
        return false;
    sim_node_reap();
    *hard_bytes = hard;
    *used_bytes = cgroup_used(cgroup, device);
    return true;
}

bool sim_limit_passed(struct sim_slot *slot, uint32_t device)
{
    struct sim_limit_state *limit = slot->cgroup[0] == 0 ? NULL : find(slot->cgroup, device);
    return limit != NULL && cgroup_used(slot->cgroup, device) > atomic_load(&limit->hard);
}
