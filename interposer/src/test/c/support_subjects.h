/*
 * What the coverage test calls: for each function that takes device memory, how to make it take some and how to give it back.
 *
 * A subject's `take` calls the function it is handed, which is the row's function found in one way or another; everything around
 * it (pools, graphs, handles) goes through the interposer's plain symbols. bytes is a multiple of 2 MiB.
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
    SUBJECT_PLAIN    /* takes nothing by itself: the driver's own answer, nothing charged */
};

struct scratch {
    CUdevice device;
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
};

/* NULL where the table has no case for a name. */
const struct subject *subject_of(const char *name);

extern const struct subject subjects_memory[], subjects_graph[], subjects_context[], subjects_plain[];

/* PTX with one kernel, for whatever loads code. */
extern const char subject_ptx[];

#endif
