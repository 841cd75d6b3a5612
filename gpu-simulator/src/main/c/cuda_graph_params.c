/* Reading and changing the parameters of nodes. */
#include <stdlib.h>

#include "cuda_copy.h"
#include "cuda_graph.h"
#include "cuda_memory.h"

#define NODE(handle, kind)                                                                            \
    SIM_ENTER();                                                                                      \
    SIM_NEED(sim_node_ok(handle) && ((struct sim_node *)(handle))->work.type == (kind));              \
    struct sim_node *node = (struct sim_node *)(handle)

CUresult cuGraphKernelNodeGetParams_v2(CUgraphNode handle, CUDA_KERNEL_NODE_PARAMS *out) {
    NODE(handle, SIM_WORK_KERNEL);
    SIM_NEED(out != NULL);
    const struct sim_kernel_work *kernel = &node->work.kernel;
    for (unsigned i = 0; i < SIM_KERNEL_ARGUMENTS; i++) node->parameters[i] = &node->work.kernel.arguments[i];
    *out = (CUDA_KERNEL_NODE_PARAMS){(CUfunction)kernel->function, kernel->grid[0], kernel->grid[1], kernel->grid[2], kernel->block[0],
                                     kernel->block[1], kernel->block[2], kernel->shared_bytes, node->parameters, NULL, NULL, NULL};
    return CUDA_SUCCESS;
}
CUresult cuGraphKernelNodeGetParams(CUgraphNode handle, CUDA_KERNEL_NODE_PARAMS_v1 *out) {
    CUDA_KERNEL_NODE_PARAMS wide;
    SIM_NEED(out != NULL);
    SIM_TRY(cuGraphKernelNodeGetParams_v2(handle, &wide));
    memcpy(out, &wide, sizeof *out);
    return CUDA_SUCCESS;
}
CUresult cuGraphKernelNodeSetParams_v2(CUgraphNode handle, const CUDA_KERNEL_NODE_PARAMS *params) {
    NODE(handle, SIM_WORK_KERNEL);
    SIM_NEED(params != NULL);
    return sim_kernel_work(params, &node->work);
}
CUresult cuGraphKernelNodeSetParams(CUgraphNode handle, const CUDA_KERNEL_NODE_PARAMS_v1 *params) {
    SIM_NEED(params != NULL);
    CUDA_KERNEL_NODE_PARAMS wide;
    memset(&wide, 0, sizeof wide);
    memcpy(&wide, params, sizeof *params);
    return cuGraphKernelNodeSetParams_v2(handle, &wide);
}
CUresult cuGraphKernelNodeGetAttribute(CUgraphNode handle, CUkernelNodeAttrID attribute, CUkernelNodeAttrValue *out) {
    NODE(handle, SIM_WORK_KERNEL);
    (void)node;
    SIM_NEED(out != NULL && attribute < CU_LAUNCH_ATTRIBUTE_MAX);
    memset(out, 0, sizeof *out);
    return CUDA_SUCCESS;
}
CUresult cuGraphKernelNodeSetAttribute(CUgraphNode handle, CUkernelNodeAttrID attribute, const CUkernelNodeAttrValue *value) {
    NODE(handle, SIM_WORK_KERNEL);
    (void)node;
    SIM_NEED(value != NULL && attribute < CU_LAUNCH_ATTRIBUTE_MAX);
    return CUDA_SUCCESS;
}
CUresult cuGraphKernelNodeCopyAttributes(CUgraphNode to, CUgraphNode from) {
    NODE(to, SIM_WORK_KERNEL);
    (void)node;
    SIM_NEED(sim_node_ok(from) && ((struct sim_node *)from)->work.type == SIM_WORK_KERNEL);
    return CUDA_SUCCESS;
}

CUresult cuGraphMemcpyNodeGetParams(CUgraphNode handle, CUDA_MEMCPY3D *out) {
    NODE(handle, SIM_WORK_COPY);
    SIM_NEED(out != NULL);
    *out = node->work.copy;
    return CUDA_SUCCESS;
}
CUresult cuGraphMemcpyNodeSetParams(CUgraphNode handle, const CUDA_MEMCPY3D *params) {
    NODE(handle, SIM_WORK_COPY);
    SIM_NEED(params != NULL);
    return sim_copy_work(params, &node->work);
}
CUresult cuGraphMemsetNodeGetParams(CUgraphNode handle, CUDA_MEMSET_NODE_PARAMS *out) {
    NODE(handle, SIM_WORK_FILL);
    SIM_NEED(out != NULL);
    memcpy(out, &node->work.fill, sizeof *out);
    return CUDA_SUCCESS;
}
CUresult cuGraphMemsetNodeSetParams(CUgraphNode handle, const CUDA_MEMSET_NODE_PARAMS *params) {
    NODE(handle, SIM_WORK_FILL);
    SIM_NEED(params != NULL);
    CUDA_MEMSET_NODE_PARAMS_v2 wide = {params->dst, params->pitch, params->value, params->elementSize, params->width, params->height, NULL};
    return sim_fill_work(&wide, &node->work);
}
CUresult cuGraphHostNodeGetParams(CUgraphNode handle, CUDA_HOST_NODE_PARAMS *out) {
    NODE(handle, SIM_WORK_HOST);
    SIM_NEED(out != NULL);
    *out = (CUDA_HOST_NODE_PARAMS){node->work.host.fn, node->work.host.data};
    return CUDA_SUCCESS;
}
CUresult cuGraphHostNodeSetParams(CUgraphNode handle, const CUDA_HOST_NODE_PARAMS *params) {
    NODE(handle, SIM_WORK_HOST);
    SIM_NEED(params != NULL && params->fn != NULL);
    node->work.host.fn = params->fn;
    node->work.host.data = params->userData;
    return CUDA_SUCCESS;
}

static CUresult get_event(CUgraphNode handle, enum sim_work_type type, CUevent *out) {
    NODE(handle, type);
    SIM_NEED(out != NULL);
    *out = node->work.event;
    return CUDA_SUCCESS;
}
static CUresult set_event(CUgraphNode handle, enum sim_work_type type, CUevent event) {
    NODE(handle, type);
    SIM_NEED(sim_handle_is(event, SIM_KIND_EVENT));
    node->work.event = event;
    return CUDA_SUCCESS;
}
CUresult cuGraphEventRecordNodeGetEvent(CUgraphNode node, CUevent *out) { return get_event(node, SIM_WORK_RECORD, out); }
CUresult cuGraphEventWaitNodeGetEvent(CUgraphNode node, CUevent *out) { return get_event(node, SIM_WORK_WAIT, out); }
CUresult cuGraphEventRecordNodeSetEvent(CUgraphNode node, CUevent event) { return set_event(node, SIM_WORK_RECORD, event); }
CUresult cuGraphEventWaitNodeSetEvent(CUgraphNode node, CUevent event) { return set_event(node, SIM_WORK_WAIT, event); }

CUresult cuGraphMemAllocNodeGetParams(CUgraphNode handle, CUDA_MEM_ALLOC_NODE_PARAMS *out) {
    NODE(handle, SIM_WORK_GRAPH_ALLOC);
    SIM_NEED(out != NULL);
    *out = node->work.alloc.params;
    out->dptr = node->work.alloc.block->range->base;
    return CUDA_SUCCESS;
}
CUresult cuGraphMemFreeNodeGetParams(CUgraphNode handle, CUdeviceptr *out) {
    NODE(handle, SIM_WORK_GRAPH_FREE);
    SIM_NEED(out != NULL);
    *out = node->work.address;
    return CUDA_SUCCESS;
}
CUresult cuGraphBatchMemOpNodeGetParams(CUgraphNode handle, CUDA_BATCH_MEM_OP_NODE_PARAMS *out) {
    NODE(handle, SIM_WORK_MEMOP);
    SIM_NEED(out != NULL);
    *out = (CUDA_BATCH_MEM_OP_NODE_PARAMS){NULL, 1, &node->work.memop, 0};
    return CUDA_SUCCESS;
}
CUresult cuGraphBatchMemOpNodeSetParams(CUgraphNode handle, const CUDA_BATCH_MEM_OP_NODE_PARAMS *params) {
    NODE(handle, SIM_WORK_MEMOP);
    SIM_NEED(params != NULL && params->paramArray != NULL && params->count == 1);
    SIM_TRY(sim_memop_check(&params->paramArray[0]));
    node->work.memop = params->paramArray[0];
    return CUDA_SUCCESS;
}

CUresult cuGraphNodeSetParams(CUgraphNode handle, CUgraphNodeParams *params) {
    SIM_ENTER();
    SIM_NEED(params != NULL && sim_node_ok(handle));
    struct sim_node *node = (struct sim_node *)handle;
    SIM_NEED(params->type == sim_node_type(node));
    switch (params->type) {
    case CU_GRAPH_NODE_TYPE_KERNEL: {
        CUDA_KERNEL_NODE_PARAMS kernel;
        memcpy(&kernel, &params->kernel, sizeof kernel);
        return sim_kernel_work(&kernel, &node->work);
    }
    case CU_GRAPH_NODE_TYPE_MEMCPY: return sim_copy_work(&params->memcpy.copyParams, &node->work);
    case CU_GRAPH_NODE_TYPE_MEMSET: return sim_fill_work(&params->memset, &node->work);
    case CU_GRAPH_NODE_TYPE_HOST:
        return cuGraphHostNodeSetParams(handle, &(CUDA_HOST_NODE_PARAMS){params->host.fn, params->host.userData});
    case CU_GRAPH_NODE_TYPE_WAIT_EVENT: return cuGraphEventWaitNodeSetEvent(handle, params->eventWait.event);
    case CU_GRAPH_NODE_TYPE_EVENT_RECORD: return cuGraphEventRecordNodeSetEvent(handle, params->eventRecord.event);
    default: return CUDA_ERROR_NOT_SUPPORTED;
    }
}
