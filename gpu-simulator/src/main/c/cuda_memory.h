/*
 * Device memory of this process: address space, ranges, allocations.
 *
 * The window is WINDOW bytes of reserved addresses; its shadow is a mapping of one sparse memory file of the same size, so an
 * allocation needs no system call: its bytes are those of the file at the same offset, and freeing punches a hole. Mappings
 * of cuMemMap and of other processes' memory replace the shadow of their addresses.
 */
#ifndef SIM_CUDA_MEMORY_H
#define SIM_CUDA_MEMORY_H

#include "cuda_core.h"

enum sim_range_kind {
    SIM_RANGE_BLOCK,   /* one allocation */
    SIM_RANGE_SMALL,   /* a page shared by small allocations */
    SIM_RANGE_MAPPING, /* cuMemMap */
    SIM_RANGE_SEGMENT, /* of a pool */
    SIM_RANGE_GRAPH,   /* of a graph's allocation node */
    SIM_RANGE_IMPORT,  /* another process's allocation or pool pointer */
};

struct sim_physical {
    struct sim_head head;
    int fd; /* -1: in the process's own file of physical memory */
    uint64_t offset;
    uint64_t bytes;
    CUmemAllocationProp prop;
    uint32_t device; /* index in the node, or SIM_HOST */
    uint64_t object; /* id in the node once exported or imported; 0 otherwise */
    _Atomic int refs; /* handles and mappings */
    _Atomic int handles;
    bool imported;
};

struct sim_range {
    struct sim_head head;
    enum sim_range_kind kind;
    uint64_t base;
    uint64_t bytes; /* as asked */
    uint64_t span;  /* in pages */
    int ordinal;
    uint32_t device;
    struct sim_context *ctx;
    struct sim_range *next, *previous; /* in the context */
    _Atomic uint32_t access;           /* CUmemAccess_flags */
    uint32_t access_devices;           /* ordinals that SetAccess named */
    uint64_t id;
    bool managed;
    bool array; /* belongs to an array: not an allocation of the program's */
    bool sync_memops;
    struct sim_small *small;
    struct sim_physical *physical;
    struct sim_pool *pool;
    struct sim_segment *segment;
    struct sim_graph_block *block;
    uint64_t object; /* id in the node once another process can open it, or of what was opened; 0 otherwise */
    int imports;
};

/* What an address belongs to. */
struct sim_found {
    struct sim_range *range;
    uint64_t base;
    uint64_t bytes;
    uint64_t id;
};

/* ---- address space (cuda_space.c) ---- */

struct sim_intervals {
    pthread_mutex_t mutex;
    struct sim_interval {
        uint64_t start, bytes;
    } *list; /* free parts, ascending */
    size_t count, capacity;
};
bool sim_intervals_init(struct sim_intervals *intervals, uint64_t start, uint64_t bytes);
/* First fit; UINT64_MAX when there is none. With hint, only there. */
uint64_t sim_intervals_take(struct sim_intervals *intervals, uint64_t bytes, uint64_t align, uint64_t hint);
bool sim_intervals_give(struct sim_intervals *intervals, uint64_t start, uint64_t bytes);

bool sim_space_open(void);
int sim_space_fd(void);
bool sim_in_window(uint64_t address, uint64_t bytes);
/* Addresses for bytes (whole pages); 0 when there are none. low: under 4 GiB, for the oldest calls. */
uint64_t sim_space_take(uint64_t bytes, uint64_t align, uint64_t hint, bool low);
void sim_space_give(uint64_t address, uint64_t bytes);
void *sim_shadow(uint64_t address);
uint64_t sim_space_offset(uint64_t address);
void sim_space_bind(struct sim_range *range, uint64_t address, uint64_t bytes);
struct sim_range *sim_space_range(uint64_t address);
/* Puts a file's bytes behind addresses / the window's own bytes, empty. */
bool sim_space_map(uint64_t address, uint64_t bytes, int fd, uint64_t offset);
void sim_space_reset(uint64_t address, uint64_t bytes);
void sim_space_discard(uint64_t address, uint64_t bytes);
bool sim_space_show(uint64_t address, uint64_t bytes); /* managed: the host sees it too */
void sim_space_hide(uint64_t address, uint64_t bytes);

/* Where the simulator reads or writes len bytes at a device-visible address: shadow, pinned host memory. NULL: not mapped or
 * not accessible so. */
void *sim_reach(uint64_t address, uint64_t bytes, bool write);

/* ---- allocations (cuda_memory.c) ---- */

CUresult sim_memory_take(struct sim_context *ctx, uint64_t bytes, bool low, bool array, uint64_t *address);
CUresult sim_memory_give(uint64_t address);
bool sim_memory_find(uint64_t address, struct sim_found *found);
void sim_memory_release_context(struct sim_context *ctx);
/* Range of whole pages, charged; NULL with *result set when it cannot be had. */
struct sim_range *sim_range_make(enum sim_range_kind kind, int ordinal, uint64_t bytes, bool low, CUresult *result);
void sim_range_unmake(struct sim_range *range, bool charged);
uint64_t sim_small_bytes(const struct sim_range *range, uint64_t address, uint64_t *base);

/* ---- host memory (cuda_host.c) ---- */

struct sim_host {
    uint64_t base, bytes;
    unsigned flags;
    bool registered;
    uint64_t id;
    struct sim_context *ctx;
};
bool sim_host_find(uint64_t address, uint64_t bytes, struct sim_host *found);
void sim_host_release_context(struct sim_context *ctx);

/* ---- pools (cuda_pool.c) ---- */

/* What waiting does to pools: memory above the release threshold goes back. */
void sim_pool_settle(void);
CUresult sim_pool_free_now(uint64_t address);
bool sim_pool_find(struct sim_range *range, uint64_t address, struct sim_found *found);
void sim_pool_release_ordinal(int ordinal);
bool sim_pool_trim_all(uint32_t device);
CUmemoryPool sim_pool_handle(const struct sim_range *range);

/* ---- graph memory (cuda_graph_memory.c) ---- */

bool sim_graph_memory_is(uint64_t address);   /* begins a block */
bool sim_graph_memory_holds(uint64_t address); /* lies in one */
CUresult sim_graph_memory_free(uint64_t address);

/* ---- physical memory (cuda_physical.c) ---- */

int sim_physical_fd(const struct sim_physical *physical);
void sim_physical_unref(struct sim_physical *physical);
/* One hold more or less of a node's object by this process, counted; ours: it was made here and is held already. */
bool sim_object_keep(uint64_t object, bool ours);
void sim_object_drop(uint64_t object);

#endif
