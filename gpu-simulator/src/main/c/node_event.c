/* The event ring that NVML event sets read, the kernel log file, and the health values that drills set. */
#define _GNU_SOURCE
#include "node_state.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void publish(uint32_t device, uint64_t type, uint64_t data, pid_t pid)
{
    struct sim_state *state = sim_state();
    uint64_t sequence = atomic_load(&state->event_next);
    struct sim_event_state *event = &state->events[sequence % SIM_MAX_EVENTS];
    atomic_store(&event->sequence, 0);
    atomic_store(&event->type, type);
    atomic_store(&event->data, data);
    atomic_store(&event->time_ns, sim_now_ns());
    atomic_store(&event->device, device);
    atomic_store(&event->pid, (int32_t)pid);
    atomic_store(&event->sequence, sequence);
    atomic_store(&state->event_next, sequence + 1);
    atomic_fetch_add(&state->event_futex, 1);
    sim_futex_wake(&state->event_futex);
}

bool sim_event_push(uint32_t device, uint64_t type, uint64_t data, pid_t pid)
{
    int lock = sim_device_valid(device) ? sim_manage_lock() : -1;
    if (lock < 0)
        return false;
    publish(device, type, data, pid);
    sim_manage_unlock(lock);
    return true;
}

uint64_t sim_event_cursor(void)
{
    return sim_state() == NULL ? 0 : atomic_load(&sim_state()->event_next);
}

bool sim_event_read(uint64_t *cursor, struct sim_node_event *out)
{
    struct sim_state *state = sim_state();
    if (state == NULL)
        return false;
    for (;;) {
        uint64_t next = atomic_load(&state->event_next);
        if (*cursor == 0 || *cursor + SIM_MAX_EVENTS < next)
            *cursor = next > SIM_MAX_EVENTS ? next - SIM_MAX_EVENTS : 1;
        if (*cursor >= next)
            return false;
        struct sim_event_state *event = &state->events[*cursor % SIM_MAX_EVENTS];
        bool whole = atomic_load(&event->sequence) == *cursor;
        *out = (struct sim_node_event){.sequence = *cursor, .type = atomic_load(&event->type), .data = atomic_load(&event->data),
            .time_ns = atomic_load(&event->time_ns), .device = atomic_load(&event->device), .pid = atomic_load(&event->pid)};
        whole = whole && atomic_load(&event->sequence) == *cursor;
        ++*cursor;
        if (whole)
            return true;
    }
}

bool sim_event_wait(uint64_t cursor, uint32_t timeout_ms)
{
    struct sim_state *state = sim_state();
    uint64_t deadline = sim_now_ns() + (uint64_t)timeout_ms * 1000000ull;
    for (;;) {
        uint32_t word = state == NULL ? 0 : atomic_load(&state->event_futex);
        if (state != NULL && atomic_load(&state->event_next) > cursor)
            return true;
        uint64_t now = sim_now_ns();
        if (state == NULL || now >= deadline)
            return false;
        uint64_t left_ms = (deadline - now + 999999) / 1000000;
        sim_futex_wait(&state->event_futex, word, left_ms > 1000 ? 1000 : (uint32_t)left_ms);
    }
}

/* With the management lock held. One write per record, so that a reader never sees half a line. */
static bool write_record(const char *text)
{
    char record[1200];
    uint64_t number = atomic_fetch_add(&sim_state()->kmsg_sequence, 1);
    int length = snprintf(record, sizeof record, "6,%llu,%llu,-;%s\n", (unsigned long long)number,
        (unsigned long long)(sim_now_ns() / 1000), text);
    if (length >= (int)sizeof record) {
        length = (int)sizeof record - 1;
        record[length - 1] = '\n';
    }
    int file = sim_open_file("kmsg", O_WRONLY | O_APPEND);
    if (file < 0)
        return false;
    bool ok = write(file, record, (size_t)length) == length;
    close(file);
    return ok;
}

bool sim_kmsg(const char *text)
{
    int lock = sim_state() == NULL ? -1 : sim_manage_lock();
    if (lock < 0)
        return false;
    bool ok = write_record(text);
    sim_manage_unlock(lock);
    return ok;
}

/* The driver's text after "Xid (...): N, [pid=, name=, ]" for the numbers that drills use most. */
static const char *usual_text(uint32_t xid)
{
    switch (xid) {
    case 13: return "Graphics Exception: channel 0x0000000a, Class 0000cbc0, Offset 00000510, Data 0017e2ac";
    case 31: return "channel 0x0000000a, intr 00000000. MMU Fault: ENGINE GRAPHICS GPC1 GPCCLIENT_T1_8 faulted @ 0x8092_7be00000. "
                    "Fault is of type FAULT_PDE ACCESS_TYPE_VIRT_WRITE";
    case 43: return "channel 0x0000000a";
    case 45: return "Ch 00000008";
    case 48: return "An uncorrectable double bit error (DBE) has been detected on GPU in the framebuffer at partition 4, subpartition 1.";
    case 63: return "Row Remapper: New row marked for remapping, reset gpu to activate.";
    case 64: return "Row Remapper: Unable to remap row, table full.";
    case 74: return "NVLink: fatal error detected on link 1";
    case 79: return "GPU has fallen off the bus.";
    case 94: return "Contained: SM (0x1). RST: No, D-RST: No";
    case 95: return "Uncontained: LTC TAG (0x2,0x0). RST: Yes, D-RST: No";
    case 119: return "Timeout after 6s of waiting for RPC response from GPU0 GSP! Expected function 103 (GSP_RM_ALLOC) (0x2081 0x4).";
    default: return NULL;
    }
}

static void process_name(pid_t pid, char *name, size_t bytes)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 ? -1 : read(file, name, bytes - 1);
    if (file >= 0)
        close(file);
    name[got > 0 ? got : 0] = 0;
    name[strcspn(name, "\n")] = 0;
    if (name[0] == 0)
        snprintf(name, bytes, "<unknown>");
}

bool sim_xid(uint32_t device, uint32_t xid, pid_t pid, const char *message)
{
    int lock = sim_device_valid(device) ? sim_manage_lock() : -1;
    if (lock < 0)
        return false;
    const struct sim_device_config *config = &sim_config()->devices[device];
    char bus[32], line[1024], name[64], who[128] = "";
    snprintf(bus, sizeof bus, "%04x:%02x:%02x", config->pci_domain, config->pci_bus, config->pci_device);
    publish(device, SIM_EVENT_XID, xid, pid);
    if (atomic_exchange(&sim_state()->devices[device].announced, 1) == 0) {
        snprintf(line, sizeof line, "NVRM: GPU at PCI:%s: %s", bus, config->uuid);
        write_record(line);
    }
    if (message == NULL)
        message = usual_text(xid);
    if (pid > 0) {
        process_name(pid, name, sizeof name);
        snprintf(who, sizeof who, ", pid=%d, name=%s", (int)pid, name);
    }
    snprintf(line, sizeof line, "NVRM: Xid (PCI:%s): %u%s%s%.700s", bus, xid, who, message == NULL ? "" : ", ",
        message == NULL ? "" : message);
    bool ok = write_record(line);
    if (xid == 79) {
        snprintf(line, sizeof line, "NVRM: GPU %s.0: GPU has fallen off the bus.", bus);
        ok = write_record(line) && ok;
    }
    sim_manage_unlock(lock);
    return ok;
}

uint64_t sim_health_get(uint32_t device, enum sim_health_key key)
{
    return sim_device_valid(device) && key < SIM_HEALTH_KEYS ? atomic_load(&sim_state()->devices[device].health[key]) : 0;
}

void sim_health_set(uint32_t device, enum sim_health_key key, uint64_t value)
{
    if (sim_device_valid(device) && key < SIM_HEALTH_KEYS)
        atomic_store(&sim_state()->devices[device].health[key], value);
}
