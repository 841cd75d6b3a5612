/*
 * The simulated node: the state that every process using the simulator shares.
 *
 * Glossary
 *   node      a directory with `node` (mapped state), `lock` (byte-range locks), `kmsg` (kernel-log lines), `node.conf`
 *   device    one simulated GPU of the node, by index from 0
 *   process   a program that has called cuInit; it has a slot in the process table and holds a lock that dies with it
 *   held      bytes of a device taken by one process for itself (contexts, modules, allocations)
 *   object    memory whose file descriptor was exported; it lives until the last process that holds it is gone
 *   used      bytes of a device taken by anyone: the sum of held over the processes, and of the objects
 *   capacity  bytes of a device that can be taken: its memory less what the driver reserves
 *   reap      finding processes that died and giving back what they held
 *
 * How it stays right without a lock on the allocation path
 *   sim_mem_take and sim_mem_give change `used` and `held` between two marks of their own slot. Whoever finds a dead process
 *   takes the node's lock, stops new changes, waits for the marks of the living, and sums `used` up again from `held`. So a
 *   process killed at any instruction leaves nothing that the next look does not put right.
 *
 * Failure contract
 *   No function prints, exits or blocks for longer than it says. Without a node, sim_node_open answers false and nothing else
 *   may be called. All functions are thread-safe; after fork the child has no slot until it registers itself.
 *   A device index out of range, or a call that needs a slot in a process without one, answers false or 0 and changes nothing.
 */
#ifndef SIM_NODE_H
#define SIM_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SIM_DIR_ENV "ALIQUOT_SIM_DIR"
#define SIM_DIR_FILE "node-dir" /* beside the library: holds the node's path, for programs with a cleared environment */
#define SIM_MAX_DEVICES 16u
#define SIM_MAX_PROCESSES 512u
#define SIM_MAX_OBJECTS 16384u
#define SIM_PATH_BYTES 512u
#define SIM_ERROR_BYTES 320u
#define SIM_HOST 0xffffffffu /* as the device of an object: host memory, which no device counts */

/* ---- the node and its configuration (node_open.c, node_config.c) ----------------------------------------------------- */

struct sim_device_config {
    char name[64];
    char uuid[48];          /* "GPU-" and 36 characters */
    uint8_t uuid_bytes[16]; /* the same, as cuDeviceGetUuid gives it */
    char serial[16];
    char board_part[24];
    char vbios[24];
    uint64_t memory_bytes;   /* what NVML calls total */
    uint64_t reserved_bytes; /* part of memory_bytes that nobody can take */
    uint32_t pci_domain, pci_bus, pci_device;
    uint32_t pci_device_id, pci_subsystem_id; /* device << 16 | vendor, as NVML has them */
    uint32_t cc_major, cc_minor;
    uint32_t sm_count, cores_per_sm;
    uint32_t memory_bus_bits, l2_bytes;
    uint32_t sm_clock_mhz, memory_clock_mhz;
    uint32_t power_limit_mw, power_idle_mw;
    uint32_t pcie_generation, pcie_width;
    uint32_t nvml_architecture, nvml_brand;
    uint32_t ecc; /* 1 where the model has it */
    uint32_t copy_engines;
};

struct sim_config {
    uint32_t device_count;
    uint32_t driver_branch;      /* 535, 550, 570, 580, 615 */
    int32_t cuda_version;        /* 13000 for 13.0 */
    char driver_version[32];     /* "580.159.04" */
    uint64_t context_bytes;      /* taken by the first context of a process on a device */
    uint64_t module_bytes;       /* taken by each loaded module */
    uint64_t copy_bytes_per_s;   /* 0: copies run at the host's speed */
    uint64_t launch_ns;          /* 0: no cost added to a launch */
    struct sim_device_config devices[SIM_MAX_DEVICES];
};

/* Opens the node of this process once: ALIQUOT_SIM_DIR, else the `node-dir` file beside the library. Later calls are cheap. */
bool sim_node_open(void);
/* Opens the node in dir for this process; error (SIM_ERROR_BYTES) says why not. For tools and tests. */
bool sim_node_open_at(const char *dir, char *error);
/* Reads a specification such as "devices=2,memory=16GiB,model=H100" into config. */
bool sim_config_parse(const char *spec, struct sim_config *config, char *error);
/* Makes a node in dir (created if missing) as config says; spec is kept in node.conf. Refuses to replace a live node. */
bool sim_node_create(const char *dir, const char *spec, char *error);
/* Removes the node's files and, if it is then empty, the directory. Refuses while a process is registered. */
bool sim_node_destroy(const char *dir, char *error);

const struct sim_config *sim_config(void);
const char *sim_node_dir(void);
uint64_t sim_now_ns(void); /* CLOCK_MONOTONIC */

/* ---- processes (node_process.c) -------------------------------------------------------------------------------------- */

/* Checkpoint states, numbered as the driver numbers them. */
enum sim_checkpoint_state { SIM_RUNNING = 0, SIM_LOCKED = 1, SIM_CHECKPOINTED = 2, SIM_FAILED = 3 };

struct sim_process_info {
    uint32_t slot;
    pid_t pid;           /* in the pid namespace of who asks */
    uint64_t start_time; /* field 22 of /proc/<pid>/stat */
    uint32_t checkpoint_state;
    uint64_t bytes[SIM_MAX_DEVICES]; /* held, and the objects charged to it */
    uint32_t contexts[SIM_MAX_DEVICES];
};

/* Gives this process a slot; true also when it has one. False when the table is full. */
bool sim_node_register_process(void);
/* Gives the slot and everything held by it back. Orderly exit only: death does the same. */
void sim_node_unregister_process(void);
bool sim_process_registered(void);
/* Living processes that have a pid in this process's pid namespace, at most max; answers how many there are. */
uint32_t sim_process_list(struct sim_process_info *list, uint32_t max);
bool sim_process_find(pid_t pid, struct sim_process_info *info);

/* Count of contexts of this process on the device. The first one takes context_bytes and answers false when there is no
 * room; the last one gives them back. */
bool sim_node_context_add(uint32_t device);
void sim_node_context_remove(uint32_t device);

/* ---- memory (node_memory.c) ------------------------------------------------------------------------------------------ */

/* Takes bytes of the device for this process; false, and nothing taken, when they would pass capacity. */
bool sim_mem_take(uint32_t device, uint64_t bytes);
/* Gives back what sim_mem_take took. Never below zero. */
void sim_mem_give(uint32_t device, uint64_t bytes);
/* Bytes used on the device now, after reaping. */
uint64_t sim_mem_used(uint32_t device);
uint64_t sim_mem_capacity(uint32_t device);
/* Bytes that this process holds on the device, objects included. */
uint64_t sim_mem_own(uint32_t device);
/* Reaps; answers the number of processes found dead. */
uint32_t sim_node_reap(void);

/* ---- shared objects (node_object.c) ---------------------------------------------------------------------------------- */

struct sim_object {
    uint64_t id;
    uint32_t device; /* or SIM_HOST */
    uint64_t bytes;
    dev_t st_dev; /* identity of the memory's file, as fstat gives it */
    ino_t st_ino;
};

/* In st_dev: no file but a name that the object's maker made up, unique in the node. Such an object ends with its last holder. */
#define SIM_OBJECT_BY_NAME (1ull << 63)

/* Turns bytes that this process holds (taken by sim_mem_take, unless device is SIM_HOST) into an object held by it.
 * Answers its id, 0 when the table is full or this file already is an object. */
uint64_t sim_object_create(uint32_t device, uint64_t bytes, dev_t st_dev, ino_t st_ino);
/* The object of that file; also one whose last holder is gone, for the file's descriptor may have outlived it. */
bool sim_object_find(dev_t st_dev, ino_t st_ino, struct sim_object *object);
/* This process holds the object from now on / no longer. Not counted: one hold per process and object. The last holder's
 * release gives the memory back. Holding an object that nobody holds takes its memory again. False: no such object, or no room. */
bool sim_object_hold(uint64_t id);
bool sim_object_release(uint64_t id);

/* ---- events and the kernel log (node_event.c) ------------------------------------------------------------------------ */

struct sim_node_event {
    uint64_t sequence;
    uint64_t type; /* nvmlEventType bits */
    uint64_t data; /* the XID for nvmlEventTypeXidCriticalError */
    uint64_t time_ns;
    uint32_t device;
    pid_t pid; /* 0: nobody's */
};

#define SIM_EVENT_XID 0x8ull
#define SIM_EVENT_RECOVERY 0x8000ull

bool sim_event_push(uint32_t device, uint64_t type, uint64_t data, pid_t pid);
/* The place after the newest event: a reader starts here. */
uint64_t sim_event_cursor(void);
/* The next event at or after *cursor, which moves on past it. Events that a reader was too slow for are skipped. */
bool sim_event_read(uint64_t *cursor, struct sim_node_event *event);
/* Waits until an event at or after cursor may be there; false after timeout_ms. */
bool sim_event_wait(uint64_t cursor, uint32_t timeout_ms);

/* An XID as the driver reports one: event and kernel-log line (xid number, message; pid 0 = unknown process). message NULL
 * gives the driver's usual text for the number. */
bool sim_xid(uint32_t device, uint32_t xid, pid_t pid, const char *message);
/* A line for the kernel log, written as a /dev/kmsg record. */
bool sim_kmsg(const char *text);

/* ---- health that can be set (node_event.c) ---------------------------------------------------------------------------- */

enum sim_health_key {
    SIM_HEALTH_RECOVERY_ACTION,  /* field 230 */
    SIM_HEALTH_ECC_CORRECTED,
    SIM_HEALTH_ECC_UNCORRECTED,
    SIM_HEALTH_REMAP_CORRECTABLE,
    SIM_HEALTH_REMAP_UNCORRECTABLE,
    SIM_HEALTH_REMAP_PENDING,
    SIM_HEALTH_REMAP_FAILURE,
    SIM_HEALTH_LOST,             /* 1: fell off the bus; NVML answers GPU_IS_LOST, the driver ERROR_DEVICE_UNAVAILABLE */
    SIM_HEALTH_TEMPERATURE,      /* degrees Celsius; 0: from utilisation */
    SIM_HEALTH_COMPUTE_MODE,     /* nvmlComputeMode_t */
    SIM_HEALTH_PERSISTENCE,
    SIM_HEALTH_KEYS = 24
};
uint64_t sim_health_get(uint32_t device, enum sim_health_key key);
void sim_health_set(uint32_t device, enum sim_health_key key, uint64_t value);

/* ---- utilisation (node_busy.c) ---------------------------------------------------------------------------------------- */

/* This process kept the device busy from start to end (sim_now_ns). Work longer than 100 ms is best reported in pieces, so
 * that it shows while it runs. */
void sim_busy_add(uint32_t device, uint64_t start_ns, uint64_t end_ns);
/* Percent of the last second, 0..100: of the device, of one process on it. */
uint32_t sim_busy_percent(uint32_t device);
uint32_t sim_busy_process_percent(uint32_t slot, uint32_t device);
uint64_t sim_busy_total_ns(uint32_t device); /* since the node was made */

/* ---- commands between processes: checkpoint (node_command.c) ---------------------------------------------------------- */

/* State of this process, as others see it. */
void sim_checkpoint_state_set(enum sim_checkpoint_state state);

/* Asks the process in slot to do op with argument and waits for its answer. False: it died, or timeout_ms passed. */
bool sim_command_call(uint32_t slot, uint32_t op, uint64_t argument, uint32_t timeout_ms, uint32_t *answer);
/* The asked process: waits for a request (false after timeout_ms), and answers it. One thread per process. */
bool sim_command_next(uint32_t timeout_ms, uint32_t *op, uint64_t *argument);
void sim_command_answer(uint32_t answer);

/* ---- the driver's own memory limits, R615 (node_limit.c) --------------------------------------------------------------- */

/* Stores a soft and a hard limit for a cgroup v2 directory; hard UINT64_MAX removes it. False when the table is full. */
bool sim_node_limit_set(const char *cgroup, uint32_t device, uint64_t soft_bytes, uint64_t hard_bytes);
bool sim_node_limit_get(const char *cgroup, uint32_t device, uint64_t *soft_bytes, uint64_t *hard_bytes, uint64_t *used_bytes);
/* The hard limit that the process's cgroup has on the device; UINT64_MAX where none. */
uint64_t sim_node_limit_for(pid_t pid, uint32_t device);
/* What a process of a limited cgroup is shown instead of the device: its hard limit and what its cgroup uses. False: the caller
 * has no limit there. sim_mem_take holds to the limit by itself. */
bool sim_node_limit_view(uint32_t device, uint64_t *hard_bytes, uint64_t *used_bytes);

#endif
