/* Adding nodes of every type. */
#include <stdlib.h>

#include "cuda_copy.h"
#include "cuda_graph.h"
#include "cuda_memory.h"

CUresult sim_kernel_work(const CUDA_KERNEL_NODE_PARAMS_v2 *params, struct sim_work *work) {
    const void *handle = params->func != NULL ? (const void *)params->func : (const void *)params->kern;
    SIM_NEED(sim_handle_is(handle, SIM_KIND_FUNCTION));
    struct sim_function *function = (struct sim_function *)(uintptr_t)handle;
    struct sim_thread *thread = sim_thread_self();
    if (function->library != NULL && thread->top > 0) {
        SIM_TRY(sim_function_resolve(thread->stack[thread->top - 1], (CUfunction)function, &function));
    }
    SIM_NEED(params->gridDimX != 0 && params->gridDimY != 0 && params->gridDimZ != 0);
    SIM_NEED(params->blockDimX != 0 && params->blockDimY != 0 && params->blockDimZ != 0);
    work->type = SIM_WORK_KERNEL;
    work->staged = NULL;
    work->kernel = (struct sim_kernel_work){.function = function, .kernel = function->kernel,
                                            .grid = {params->gridDimX, params->gridDimY, params->gridDimZ},
                                            .block = {params->blockDimX, params->blockDimY, params->blockDimZ},
                                            .shared_bytes = params->sharedMemBytes};
    return sim_arguments_read(function->kernel, params->kernelParams, params->extra, work->kernel.arguments);
}

CUresult sim_copy_work(const CUDA_MEMCPY3D *params, struct sim_work *work) {
    SIM_TRY(sim_copy_check(params));
    work->type = SIM_WORK_COPY;
    work->staged = NULL;
    work->copy = *params;
    return CUDA_SUCCESS;
}

CUresult sim_fill_work(const CUDA_MEMSET_NODE_PARAMS_v2 *params, struct sim_work *work) {
    SIM_NEED(params->width != 0 && params->height != 0);
    SIM_TRY(sim_fill_check(params));
    work->type = SIM_WORK_FILL;
    work->staged = NULL;
    work->fill = *params;
    return CUDA_SUCCESS;
}

#define GRAPH(handle)                        \
    SIM_ENTER();                             \
    SIM_NEED(out != NULL && sim_graph_ok(handle)); \
    struct sim_graph *graph = (struct sim_graph *)(handle)
#define BEFORE const CUgraphNode *before, size_t count

CUresult cuGraphAddEmptyNode(CUgraphNode *out, CUgraph handle, BEFORE) {
    GRAPH(handle);
    struct sim_work work = {.type = SIM_WORK_EMPTY};
    return sim_graph_add(graph, before, count, &work, out);
}

CUresult cuGraphAddKernelNode_v2(CUgraphNode *out, CUgraph handle, BEFORE, const CUDA_KERNEL_NODE_PARAMS *params) {
    GRAPH(handle);
    SIM_NEED(params != NULL);
    struct sim_work work;
    SIM_TRY(sim_kernel_work(params, &work));
    return sim_graph_add(graph, before, count, &work, out);
}
CUresult cuGraphAddKernelNode(CUgraphNode *out, CUgraph handle, BEFORE, const CUDA_KERNEL_NODE_PARAMS_v1 *params) {
    SIM_NEED(params != NULL);
    CUDA_KERNEL_NODE_PARAMS wide;
    memset(&wide, 0, sizeof wide);
    memcpy(&wide, params, sizeof *params);
    return cuGraphAddKernelNode_v2(out, handle, before, count, &wide);
}

CUresult cuGraphAddMemcpyNode(CUgraphNode *out, CUgraph handle, BEFORE, const CUDA_MEMCPY3D *params, CUcontext ctx) {
    GRAPH(handle);
    SIM_NEED(params != NULL);
    if (ctx != NULL && !sim_context_ok(ctx)) return CUDA_ERROR_INVALID_CONTEXT;
    struct sim_work work;
    SIM_TRY(sim_copy_work(params, &work));
    return sim_graph_add(graph, before, count, &work, out);
}

static CUresult add_fill(CUgraphNode *out, CUgraph handle, BEFORE, const CUDA_MEMSET_NODE_PARAMS_v2 *params) {
    GRAPH(handle);
    struct sim_work work;
    SIM_TRY(sim_fill_work(params, &work));
    return sim_graph_add(graph, before, count, &work, out);
}
CUresult cuGraphAddMemsetNode(CUgraphNode *out, CUgraph handle, BEFORE, const CUDA_MEMSET_NODE_PARAMS *params, CUcontext ctx) {
    SIM_NEED(params != NULL);
    if (ctx != NULL && !sim_context_ok(ctx)) return CUDA_ERROR_INVALID_CONTEXT;
    return add_fill(out, handle, before, count,
                    &(CUDA_MEMSET_NODE_PARAMS_v2){params->dst, params->pitch, params->value, params->elementSize, params->width,
                                                  params->height, ctx});
}

CUresult cuGraphAddHostNode(CUgraphNode *out, CUgraph handle, BEFORE, const CUDA_HOST_NODE_PARAMS *params) {
    GRAPH(handle);
    SIM_NEED(params != NULL && params->fn != NULL);
    struct sim_work work = {.type = SIM_WORK_HOST, .host = {params->fn, params->userData}};
    return sim_graph_add(graph, before, count, &work, out);
}

CUresult cuGraphAddChildGraphNode(CUgraphNode *out, CUgraph handle, BEFORE, CUgraph child) {
    GRAPH(handle);
    SIM_NEED(sim_graph_ok(child) && child != handle);
    struct sim_graph *copy;
    SIM_TRY(sim_graph_copy((struct sim_graph *)child, &copy));
    copy->child = true;
    struct sim_work work = {.type = SIM_WORK_CHILD, .child = (CUgraph)copy};
    CUresult result = sim_graph_add(graph, before, count, &work, out);
    if (result != CUDA_SUCCESS) sim_graph_unmake(copy);
    return result;
}

static CUresult add_event(CUgraphNode *out, CUgraph handle, BEFORE, CUevent event, enum sim_work_type type) {
    GRAPH(handle);
    if (!sim_handle_is(event, SIM_KIND_EVENT)) return CUDA_ERROR_INVALID_VALUE;
    struct sim_work work = {.type = type, .event = event};
    return sim_graph_add(graph, before, count, &work, out);
}
CUresult cuGraphAddEventRecordNode(CUgraphNode *out, CUgraph handle, BEFORE, CUevent event) {
    return add_event(out, handle, before, count, event, SIM_WORK_RECORD);
}
CUresult cuGraphAddEventWaitNode(CUgraphNode *out, CUgraph handle, BEFORE, CUevent event) {
    return add_event(out, handle, before, count, event, SIM_WORK_WAIT);
}

CUresult cuGraphAddMemAllocNode(CUgraphNode *out, CUgraph handle, BEFORE, CUDA_MEM_ALLOC_NODE_PARAMS *params) {
    GRAPH(handle);
    SIM_NEED(params != NULL && params->bytesize != 0 && params->poolProps.allocType == CU_MEM_ALLOCATION_TYPE_PINNED);
    SIM_NEED(params->poolProps.location.type == CU_MEM_LOCATION_TYPE_DEVICE);
    if (!sim_ordinal_ok(params->poolProps.location.id)) return CUDA_ERROR_INVALID_DEVICE;
    SIM_NEED(params->poolProps.handleTypes == CU_MEM_HANDLE_TYPE_NONE && (params->accessDescCount == 0 || params->accessDescs != NULL));
    struct sim_work work = {.type = SIM_WORK_GRAPH_ALLOC};
    SIM_TRY(sim_graph_block_make(params->poolProps.location.id, params->bytesize, &work.alloc.block));
    params->dptr = work.alloc.block->range->base;
    work.alloc.params = *params;
    work.alloc.params.accessDescs = NULL;
    work.alloc.params.accessDescCount = 0;
    CUresult result = sim_graph_add(graph, before, count, &work, out);
    if (result != CUDA_SUCCESS) sim_graph_block_unref(work.alloc.block);
    return result;
}

CUresult cuGraphAddMemFreeNode(CUgraphNode *out, CUgraph handle, BEFORE, CUdeviceptr address) {
    GRAPH(handle);
    SIM_NEED(sim_graph_memory_is(address));
    for (size_t i = 0; i < graph->count; i++) {
        SIM_NEED(graph->nodes[i]->work.type != SIM_WORK_GRAPH_FREE || graph->nodes[i]->work.address != address);
    }
    struct sim_work work = {.type = SIM_WORK_GRAPH_FREE, .address = address};
    return sim_graph_add(graph, before, count, &work, out);
}

CUresult cuGraphAddBatchMemOpNode(CUgraphNode *out, CUgraph handle, BEFORE, const CUDA_BATCH_MEM_OP_NODE_PARAMS *params) {
    GRAPH(handle);
    SIM_NEED(params != NULL && params->paramArray != NULL && params->flags == 0);
    if (params->count != 1) return CUDA_ERROR_NOT_SUPPORTED;
    SIM_TRY(sim_memop_check(&params->paramArray[0]));
    struct sim_work work = {.type = SIM_WORK_MEMOP, .memop = params->paramArray[0]};
    return sim_graph_add(graph, before, count, &work, out);
}

static CUresult add_any(CUgraphNode *out, CUgraph handle, BEFORE, CUgraphNodeParams *params) {
    SIM_NEED(params != NULL);
    switch (params->type) {
    case CU_GRAPH_NODE_TYPE_KERNEL: {
        CUDA_KERNEL_NODE_PARAMS kernel;
        memcpy(&kernel, &params->kernel, sizeof kernel);
        return cuGraphAddKernelNode_v2(out, handle, before, count, &kernel);
    }
    case CU_GRAPH_NODE_TYPE_MEMCPY:
        return cuGraphAddMemcpyNode(out, handle, before, count, &params->memcpy.copyParams, params->memcpy.copyCtx);
    case CU_GRAPH_NODE_TYPE_MEMSET: return add_fill(out, handle, before, count, &params->memset);
    case CU_GRAPH_NODE_TYPE_HOST:
        return cuGraphAddHostNode(out, handle, before, count, &(CUDA_HOST_NODE_PARAMS){params->host.fn, params->host.userData});
    case CU_GRAPH_NODE_TYPE_GRAPH: return cuGraphAddChildGraphNode(out, handle, before, count, params->graph.graph);
    case CU_GRAPH_NODE_TYPE_EMPTY: return cuGraphAddEmptyNode(out, handle, before, count);
    case CU_GRAPH_NODE_TYPE_WAIT_EVENT: return cuGraphAddEventWaitNode(out, handle, before, count, params->eventWait.event);
    case CU_GRAPH_NODE_TYPE_EVENT_RECORD: return cuGraphAddEventRecordNode(out, handle, before, count, params->eventRecord.event);
    case CU_GRAPH_NODE_TYPE_MEM_ALLOC: {
        CUDA_MEM_ALLOC_NODE_PARAMS alloc;
        memcpy(&alloc, &params->alloc, sizeof alloc);
        SIM_TRY(cuGraphAddMemAllocNode(out, handle, before, count, &alloc));
        params->alloc.dptr = alloc.dptr;
        return CUDA_SUCCESS;
    }
    case CU_GRAPH_NODE_TYPE_MEM_FREE: return cuGraphAddMemFreeNode(out, handle, before, count, params->free.dptr);
    case CU_GRAPH_NODE_TYPE_BATCH_MEM_OP: {
        CUDA_BATCH_MEM_OP_NODE_PARAMS batch = {params->memOp.ctx, params->memOp.count, params->memOp.paramArray, params->memOp.flags};
        return cuGraphAddBatchMemOpNode(out, handle, before, count, &batch);
    }
    case CU_GRAPH_NODE_TYPE_CONDITIONAL:
    case CU_GRAPH_NODE_TYPE_EXT_SEMAS_SIGNAL:
    case CU_GRAPH_NODE_TYPE_EXT_SEMAS_WAIT: return CUDA_ERROR_NOT_SUPPORTED;
    default: return CUDA_ERROR_INVALID_VALUE;
    }
}
CUresult cuGraphAddNode(CUgraphNode *out, CUgraph graph, BEFORE, CUgraphNodeParams *params) {
    return add_any(out, graph, before, count, params);
}
CUresult cuGraphAddNode_v2(CUgraphNode *out, CUgraph graph, const CUgraphNode *before, const CUgraphEdgeData *data, size_t count,
                           CUgraphNodeParams *params) {
    (void)data;
    return add_any(out, graph, before, count, params);
}
