/*
 * What the coverage test calls: for each function that takes device memory, how to make it take some and how to give it back.
 *
 * A subject's `take` calls the function it is handed, which is the row's function found in one way or another; everything around
 * it (pools, graphs, handles) goes through the interposer's plain symbols. bytes is a multiple of 2 MiB. An import takes what
 * scratch->shared names, maps it at scratch->address (0: it is held without an address), and calls what is in scratch->driver.
 */
#ifndef ALIQUOT_SUPPORT_SUBJECTS_H
#define ALIQUOT_SUPPORT_SUBJECTS_H

#include "support_world.h"

enum subject_kind {
    SUBJECT_EXACT,   /* charged to the byte before the driver is asked */
    SUBJECT_POOL,    /* charged before, exactly what the driver's pool takes: whole pieces of its own size */
    SUBJECT_CONTEXT, /* a context: its estimate is charged first, its truth is overhead after */
    SUBJECT_MODULE,  /* code: overhead after, refused where the tenant has no room */
    SUBJECT_HOST,    /* host memory: nothing charged */
    SUBJECT_IMPORT,  /* brings in memory of another process: its maker is charged while that holds it */
    SUBJECT_EXPORT,  /* hands it out */
    SUBJECT_PLAIN    /* takes nothing by itself: the driver's own answer, nothing charged */
};

/* How memory gets from one process to another. */
enum sharing_way {
    SHARED_BY_IPC,    /* cuMemAlloc, a handle of 64 bytes */
    SHARED_BY_HANDLE, /* cuMemCreate, a descriptor */
    SHARED_BY_POOL    /* a pool's descriptor, a pointer's 64 bytes */
};

/* What a process hands out; see support_sharing.h. */
struct shared {
    CUipcMemHandle ipc;
    CUmemPoolPtrExportData pointer;
    int fd;
    uint64_t bytes;
};

struct scratch {
    CUdevice device;
    const struct shared *shared; /* for imports */
    void *driver;                /* for imports: where they find the functions around the row's */
    CUresult (*close)(CUdeviceptr);
    CUdeviceptr address;
    CUarray array;
    CUmipmappedArray mipmapped;
    CUmemGenericAllocationHandle handle;
    CUmemoryPool pool;
    CUgraph graph;
    CUgraphExec exec;
    CUcontext context;
    CUgreenCtx green;
    CUmodule module;
    CUlibrary library;
    CUlinkState link;
    CUstream stream;
    void *host;
};

struct subject {
    const char *name;
    enum subject_kind kind;
    CUresult (*take)(void *function, struct scratch *scratch, uint64_t bytes);
    CUresult (*give)(struct scratch *scratch);
    enum sharing_way way;
};

/* NULL where the table has no case for a name. */
const struct subject *subject_of(const char *name);

extern const struct subject subjects_memory[], subjects_graph[], subjects_context[], subjects_import[],
    subjects_plain[];

/* PTX with one kernel, for whatever loads code. */
extern const char subject_ptx[];

#endif
