/*
 * The layout of the file `node` and what the node*.c files share. Private to them.
 *
 * Every field that more than one process writes is an atomic of its own; what belongs together is made visible by one last
 * store (state, id, sequence), so that a reader never sees half of it and a writer killed half-way has published nothing.
 *
 * Lock bytes in `lock`: 0 = the node's management lock; 1 + slot = the life of the process in that slot; 1 + SIM_MAX_PROCESSES
 * + slot = one command at a time to that process. All are OFD locks: the kernel gives them back when the holder dies.
 */
#ifndef SIM_NODE_STATE_H
#define SIM_NODE_STATE_H

#include "node.h"

#include <stdatomic.h>

#define SIM_STATE_MAGIC 0x314d4953u /* "SIM1" */
#define SIM_STATE_VERSION 1u
#define SIM_MAX_EVENTS 512u
#define SIM_MAX_LIMITS 128u
#define SIM_CGROUP_BYTES 256u
#define SIM_DEVICE_BUCKETS 32u
#define SIM_PROCESS_BUCKETS 16u

enum { SIM_SLOT_FREE = 0, SIM_SLOT_LIVE = 1 };

struct sim_slot {
    _Atomic uint32_t state;
    _Atomic uint32_t inflight; /* threads between sim_mark_enter and sim_mark_leave */
    _Atomic int32_t pid;
    _Atomic uint32_t checkpoint_state;
    _Atomic uint64_t start_time;
    _Atomic uint64_t pid_namespace; /* inode */
    _Atomic uint32_t lock_by_descriptor; /* the life lock hangs on a descriptor, which a fork can have copied */
    _Atomic uint32_t command_request; /* sequence: odd numbers are never used, 0 = none yet; futex */
    _Atomic uint32_t command_done;    /* sequence of the last answered request; futex */
    _Atomic uint32_t command_op;
    _Atomic uint32_t command_answer;
    _Atomic uint64_t command_argument;
    char cgroup[SIM_CGROUP_BYTES]; /* v2 path, "/..." */
    _Atomic uint64_t held[SIM_MAX_DEVICES];
    _Atomic uint64_t shared[SIM_MAX_DEVICES]; /* objects charged to this process; changed under the management lock only */
    _Atomic uint32_t contexts[SIM_MAX_DEVICES];
    _Atomic uint64_t busy[SIM_MAX_DEVICES][SIM_PROCESS_BUCKETS];
};

struct sim_device_state {
    _Alignas(64) _Atomic uint64_t used;
    _Atomic uint64_t busy[SIM_DEVICE_BUCKETS];
    _Atomic uint64_t health[SIM_HEALTH_KEYS];
    _Atomic uint64_t busy_total_ns;
    _Atomic uint32_t announced; /* its PCI address and UUID were written to the kernel log */
};

struct sim_object_state {
    _Atomic uint64_t id;    /* 0: free */
    _Atomic uint32_t taken; /* 1: was used once; a search ends at the first 0 */
    _Atomic uint32_t device;
    _Atomic uint64_t bytes;
    _Atomic uint64_t st_dev;
    _Atomic uint64_t st_ino;
    _Atomic uint32_t charged_slot;
    _Atomic uint32_t orphan; /* 1: no holder; not in `used`, but can be held again by whoever has its descriptor */
    _Atomic uint64_t holders[SIM_MAX_PROCESSES / 64];
};

struct sim_event_state {
    _Atomic uint64_t sequence; /* 0 while it is being written */
    _Atomic uint64_t type, data, time_ns;
    _Atomic uint32_t device;
    _Atomic int32_t pid;
};

struct sim_limit_state {
    _Atomic uint32_t state; /* 1: in force */
    _Atomic uint32_t device;
    _Atomic uint64_t soft, hard;
    char cgroup[SIM_CGROUP_BYTES];
};

struct sim_state {
    uint32_t magic;
    uint32_t version;
    uint64_t size;
    struct sim_config config; /* never changes */
    _Atomic uint32_t rebuilding; /* 1: `used` is being summed up again; no new marks */
    _Atomic uint32_t slot_high;  /* slots at and above were never used */
    _Atomic uint64_t object_sequence;
    _Atomic uint64_t event_next; /* sequence of the next event, from 1 */
    _Atomic uint32_t event_futex;
    _Atomic uint64_t kmsg_sequence;
    _Atomic uint32_t limit_high; /* limits at and above were never set */
    struct sim_device_state devices[SIM_MAX_DEVICES];
    struct sim_slot slots[SIM_MAX_PROCESSES];
    struct sim_event_state events[SIM_MAX_EVENTS];
    struct sim_limit_state limits[SIM_MAX_LIMITS];
    struct sim_object_state objects[SIM_MAX_OBJECTS];
};

/* node_open.c */
struct sim_state *sim_state(void); /* NULL before sim_node_open */
int sim_open_file(const char *name, int flags); /* a file of the node */
bool sim_device_valid(uint32_t device);

/* node_config.c: what depends on the place of the node (UUIDs, serials), and the configuration as text. */
void sim_config_identify(struct sim_config *config, const char *full_path);
int sim_config_text(const struct sim_config *config, char *text, size_t bytes);

/* node_lock.c: locks of this process; see there. */
int sim_manage_lock(void);         /* descriptor to hand back, -1 = failed */
void sim_manage_unlock(int lock);
int sim_byte_lock(uint32_t byte);  /* waits; descriptor or -1 */
void sim_byte_unlock(int lock);
bool sim_byte_held(int lock_file, uint32_t byte); /* by anyone but lock_file itself */
/* Holds byte for the life of this process, without a descriptor where the file system allows; *by_descriptor says which. */
bool sim_life_lock(uint32_t byte, bool *by_descriptor);
void sim_life_unlock(void);
void sim_life_forget(void); /* in a forked child */

/* node_proc.c */
/* Field 22 of /proc/<pid>/stat; 0 when there is no such process or it only waits for its parent. */
uint64_t sim_start_time(pid_t pid);
uint64_t sim_pid_namespace(void); /* inode */
/* The pid in this process's namespace of a process of another one; 0 where it has none, or hides. The hint is tried first. */
pid_t sim_visible_pid(pid_t pid, uint64_t start_time, uint64_t pid_namespace, pid_t hint);
void sim_own_cgroup(char out[SIM_CGROUP_BYTES]); /* v2 path of this process now, "" where there is none */

/* node_process.c */
struct sim_slot *sim_own_slot(void); /* NULL when not registered */
uint32_t sim_own_index(void);

/* node_reap.c */
bool sim_mark_enter(struct sim_slot *slot); /* waits while `used` is being rebuilt */
void sim_mark_leave(struct sim_slot *slot);
bool sim_slot_alive(int lock_file, uint32_t slot);
uint32_t sim_reap_locked(int lock_file);

/* node_memory.c: adds bytes unless *used would pass capacity. */
bool sim_add_within(_Atomic uint64_t *used, uint64_t bytes, uint64_t capacity);

/* node_object.c: called while rebuilding, adds the living objects' bytes to sums and recharges them. */
void sim_objects_rebuild(const bool *alive, uint64_t *sums);

/* node_limit.c: the cgroup of slot holds more than its hard limit. */
bool sim_limit_passed(struct sim_slot *slot, uint32_t device);

void sim_futex_wait(_Atomic uint32_t *word, uint32_t value, uint32_t timeout_ms);
void sim_futex_wake(_Atomic uint32_t *word);

#endif
