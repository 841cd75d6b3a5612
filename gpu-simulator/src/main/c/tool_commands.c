/* What aliquot-sim does to a node that is open. */
#include "tool.h"

#include <inttypes.h>
#include <stdio.h>

#define MIB ((uint64_t)1 << 20)

int tool_show(void)
{
    static struct sim_process_info processes[SIM_MAX_PROCESSES];
    const struct sim_config *config = sim_config();
    uint32_t count = sim_process_list(processes, SIM_MAX_PROCESSES);
    printf("node %s, driver %s, CUDA %d.%d\n", sim_node_dir(), config->driver_version, config->cuda_version / 1000,
        config->cuda_version % 1000 / 10);
    for (uint32_t d = 0; d < config->device_count; d++) {
        const struct sim_device_config *device = &config->devices[d];
        printf("device %u: %s, %s, %04x:%02x:%02x.0, %" PRIu64 " of %" PRIu64 " MiB used, %u %% busy, recovery action %" PRIu64 "%s\n", d,
            device->name, device->uuid, device->pci_domain, device->pci_bus, device->pci_device, sim_mem_used(d) / MIB,
            sim_mem_capacity(d) / MIB, sim_busy_percent(d), sim_health_get(d, SIM_HEALTH_RECOVERY_ACTION),
            sim_health_get(d, SIM_HEALTH_LOST) != 0 ? ", off the bus" : "");
        for (uint32_t p = 0; p < count; p++) {
            if (processes[p].bytes[d] != 0 || processes[p].contexts[d] != 0)
                printf("  process %d: %" PRIu64 " MiB, %u contexts\n", (int)processes[p].pid, processes[p].bytes[d] / MIB,
                    processes[p].contexts[d]);
        }
    }
    return 0;
}

static int done(bool ok)
{
    if (ok)
        return 0;
    tool_refuse("simulated node %s: the kernel-log file or the lock could not be written; is the directory yours?", sim_node_dir());
    return 1;
}

int tool_xid(const struct tool_options *options)
{
    if (!options->has_code)
        return tool_refuse("xid needs --code N");
    return done(sim_xid(options->device, options->code, options->pid, options->message));
}

/* The texts that the driver prints in XID 154. */
static const char *action_text(uint64_t action)
{
    static const char *const texts[] = {"None", "GPU Reset Required", "Node Reboot Required", "Drain P2P", "Drain and Reset",
        "Recover IMEX Domain", "Bus Reset Required", "System Reboot Required"};
    return action < sizeof texts / sizeof *texts ? texts[action] : "Unknown";
}

int tool_recovery(const struct tool_options *options)
{
    char message[200];
    if (!options->has_action)
        return tool_refuse("recovery needs --action K");
    uint64_t before = sim_health_get(options->device, SIM_HEALTH_RECOVERY_ACTION);
    if (before == options->action)
        return 0;
    sim_health_set(options->device, SIM_HEALTH_RECOVERY_ACTION, options->action);
    snprintf(message, sizeof message, "GPU recovery action changed from 0x%" PRIx64 " (%s) to 0x%x (%s)", before, action_text(before),
        options->action, action_text(options->action));
    return done(sim_event_push(options->device, SIM_EVENT_RECOVERY, options->action, 0)
        && sim_xid(options->device, 154, 0, message));
}

static bool set(const struct tool_options *options, enum sim_health_key key, int64_t value)
{
    if (value >= 0)
        sim_health_set(options->device, key, (uint64_t)value);
    return value >= 0;
}

int tool_ecc(const struct tool_options *options)
{
    bool any = set(options, SIM_HEALTH_ECC_CORRECTED, options->corrected);
    any |= set(options, SIM_HEALTH_ECC_UNCORRECTED, options->uncorrected);
    return any ? 0 : tool_refuse("ecc needs --corrected N or --uncorrected N");
}

int tool_remap(const struct tool_options *options)
{
    bool any = set(options, SIM_HEALTH_REMAP_CORRECTABLE, options->corrected);
    any |= set(options, SIM_HEALTH_REMAP_UNCORRECTABLE, options->uncorrected);
    any |= set(options, SIM_HEALTH_REMAP_PENDING, options->pending);
    any |= set(options, SIM_HEALTH_REMAP_FAILURE, options->failure);
    return any ? 0 : tool_refuse("remap needs one of --corrected, --uncorrected, --pending and --failure");
}

int tool_lost(const struct tool_options *options)
{
    bool lost = options->lost != 0;
    bool was = sim_health_get(options->device, SIM_HEALTH_LOST) != 0;
    sim_health_set(options->device, SIM_HEALTH_LOST, lost);
    return lost && !was ? done(sim_xid(options->device, 79, 0, NULL)) : 0;
}

int tool_temperature(const struct tool_options *options)
{
    return set(options, SIM_HEALTH_TEMPERATURE, options->temperature) ? 0 : tool_refuse("temperature needs --temperature DEGREES");
}
