/* Changes to what an executable graph does: one node's parameters, or all of them after another graph of the same shape. */
#include <stdlib.h>

#include "cuda_graph.h"
#include "cuda_user_object.h"

static struct sim_step *step_of(CUgraphExec handle, CUgraphNode node) {
    if (!sim_exec_ok(handle) || !sim_node_ok(node)) return NULL;
    struct sim_exec *exec = (struct sim_exec *)handle;
    for (size_t i = 0; i < exec->count; i++) {
        if (exec->steps[i].node == (struct sim_node *)node) return &exec->steps[i];
    }
    return NULL;
}
#define STEP(exec, node, kind)                                    \
    SIM_ENTER();                                                  \
    struct sim_step *step = step_of(exec, node);                  \
    SIM_NEED(step != NULL && step->work.type == (kind))
#define RECOUNT(exec) ((struct sim_exec *)(exec))->waits |= sim_step_waits(&step->work)

CUresult cuGraphExecKernelNodeSetParams_v2(CUgraphExec exec, CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS *params) {
    STEP(exec, node, SIM_WORK_KERNEL);
    SIM_NEED(params != NULL);
    struct sim_work work;
    SIM_TRY(sim_kernel_work(params, &work));
    step->work = work;
    RECOUNT(exec);
    return CUDA_SUCCESS;
}
CUresult cuGraphExecKernelNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS_v1 *params) {
    SIM_NEED(params != NULL);
    CUDA_KERNEL_NODE_PARAMS wide;
    memset(&wide, 0, sizeof wide);
    memcpy(&wide, params, sizeof *params);
    return cuGraphExecKernelNodeSetParams_v2(exec, node, &wide);
}
CUresult cuGraphExecMemcpyNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_MEMCPY3D *params, CUcontext ctx) {
    STEP(exec, node, SIM_WORK_COPY);
    (void)ctx;
    SIM_NEED(params != NULL);
    SIM_TRY(sim_copy_work(params, &step->work));
    RECOUNT(exec);
    return CUDA_SUCCESS;
}
CUresult cuGraphExecMemsetNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_MEMSET_NODE_PARAMS *params, CUcontext ctx) {
    STEP(exec, node, SIM_WORK_FILL);
    SIM_NEED(params != NULL);
    CUDA_MEMSET_NODE_PARAMS_v2 wide = {params->dst, params->pitch, params->value, params->elementSize, params->width, params->height, ctx};
    SIM_TRY(sim_fill_work(&wide, &step->work));
    RECOUNT(exec);
    return CUDA_SUCCESS;
}
CUresult cuGraphExecHostNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_HOST_NODE_PARAMS *params) {
    STEP(exec, node, SIM_WORK_HOST);
    SIM_NEED(params != NULL && params->fn != NULL);
    step->work.host.fn = params->fn;
    step->work.host.data = params->userData;
    return CUDA_SUCCESS;
}
static CUresult set_event(CUgraphExec exec, CUgraphNode node, enum sim_work_type type, CUevent event) {
    STEP(exec, node, type);
    SIM_NEED(sim_handle_is(event, SIM_KIND_EVENT));
    step->work.event = event;
    return CUDA_SUCCESS;
}
CUresult cuGraphExecEventRecordNodeSetEvent(CUgraphExec exec, CUgraphNode node, CUevent event) {
    return set_event(exec, node, SIM_WORK_RECORD, event);
}
CUresult cuGraphExecEventWaitNodeSetEvent(CUgraphExec exec, CUgraphNode node, CUevent event) {
    return set_event(exec, node, SIM_WORK_WAIT, event);
}
CUresult cuGraphExecNodeSetParams(CUgraphExec exec, CUgraphNode node, CUgraphNodeParams *params) {
    SIM_NEED(params != NULL);
    switch (params->type) {
    case CU_GRAPH_NODE_TYPE_KERNEL: {
        CUDA_KERNEL_NODE_PARAMS kernel;
        memcpy(&kernel, &params->kernel, sizeof kernel);
        return cuGraphExecKernelNodeSetParams_v2(exec, node, &kernel);
    }
    case CU_GRAPH_NODE_TYPE_MEMCPY: return cuGraphExecMemcpyNodeSetParams(exec, node, &params->memcpy.copyParams, NULL);
    case CU_GRAPH_NODE_TYPE_MEMSET: {
        CUDA_MEMSET_NODE_PARAMS fill;
        memcpy(&fill, &params->memset, sizeof fill);
        return cuGraphExecMemsetNodeSetParams(exec, node, &fill, params->memset.ctx);
    }
    case CU_GRAPH_NODE_TYPE_HOST:
        return cuGraphExecHostNodeSetParams(exec, node, &(CUDA_HOST_NODE_PARAMS){params->host.fn, params->host.userData});
    case CU_GRAPH_NODE_TYPE_EVENT_RECORD: return cuGraphExecEventRecordNodeSetEvent(exec, node, params->eventRecord.event);
    case CU_GRAPH_NODE_TYPE_WAIT_EVENT: return cuGraphExecEventWaitNodeSetEvent(exec, node, params->eventWait.event);
    default: return CUDA_ERROR_NOT_SUPPORTED;
    }
}
CUresult cuGraphNodeSetEnabled(CUgraphExec exec, CUgraphNode node, unsigned int enabled) {
    SIM_ENTER();
    struct sim_step *step = step_of(exec, node);
    SIM_NEED(step != NULL && (step->work.type == SIM_WORK_KERNEL || step->work.type == SIM_WORK_COPY || step->work.type == SIM_WORK_FILL));
    step->enabled = enabled != 0;
    return CUDA_SUCCESS;
}
CUresult cuGraphNodeGetEnabled(CUgraphExec exec, CUgraphNode node, unsigned int *out) {
    SIM_ENTER();
    struct sim_step *step = step_of(exec, node);
    SIM_NEED(out != NULL && step != NULL);
    *out = step->enabled;
    return CUDA_SUCCESS;
}

/* The whole copy follows a graph of the same shape. */
static CUgraphExecUpdateResult follow(struct sim_exec *exec, struct sim_graph *graph, CUgraphNode *failed) {
    struct sim_exec fresh = {.refs = 1};
    size_t capacity = 0;
    CUgraphExecUpdateResult result = CU_GRAPH_EXEC_UPDATE_SUCCESS;
    if (sim_exec_flatten(&fresh, graph, &capacity) != CUDA_SUCCESS) result = CU_GRAPH_EXEC_UPDATE_ERROR;
    else if (fresh.count != exec->count) result = CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
    for (size_t i = 0; result == CU_GRAPH_EXEC_UPDATE_SUCCESS && i < fresh.count; i++) {
        const struct sim_step *now = &exec->steps[i], *then = &fresh.steps[i];
        *failed = (CUgraphNode)then->node;
        if (now->work.type != then->work.type) result = CU_GRAPH_EXEC_UPDATE_ERROR_NODE_TYPE_CHANGED;
        else if (now->before_count != then->before_count) result = CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
        else if (now->work.type == SIM_WORK_GRAPH_ALLOC || now->work.type == SIM_WORK_GRAPH_FREE) result = CU_GRAPH_EXEC_UPDATE_ERROR_NOT_SUPPORTED;
    }
    if (result == CU_GRAPH_EXEC_UPDATE_SUCCESS) {
        *failed = NULL;
        for (size_t i = 0; i < fresh.count; i++) exec->steps[i].work = fresh.steps[i].work;
        exec->waits |= fresh.waits;
        if (atomic_load(&exec->refs) > 1) {
            sim_user_references_copy(&exec->objects, fresh.objects); /* what is running still needs the others */
        } else {
            struct sim_user_reference *before = exec->objects;
            exec->objects = fresh.objects;
            fresh.objects = before;
        }
    }
    sim_exec_drop_steps(&fresh);
    return result;
}
CUresult cuGraphExecUpdate_v2(CUgraphExec exec, CUgraph graph, CUgraphExecUpdateResultInfo *info) {
    SIM_ENTER();
    SIM_NEED(sim_exec_ok(exec) && sim_graph_ok(graph) && info != NULL);
    memset(info, 0, sizeof *info);
    info->result = follow((struct sim_exec *)exec, (struct sim_graph *)graph, &info->errorNode);
    return info->result == CU_GRAPH_EXEC_UPDATE_SUCCESS ? CUDA_SUCCESS : CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE;
}
CUresult cuGraphExecUpdate(CUgraphExec exec, CUgraph graph, CUgraphNode *failed, CUgraphExecUpdateResult *result) {
    SIM_NEED(result != NULL);
    CUgraphExecUpdateResultInfo info;
    CUresult answer = cuGraphExecUpdate_v2(exec, graph, &info);
    if (answer == CUDA_SUCCESS || answer == CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE) {
        *result = info.result;
        if (failed != NULL) *failed = info.errorNode;
    }
    return answer;
}
