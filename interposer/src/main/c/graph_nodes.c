/* Nodes that take or free memory, and graphs that become part of others: what is noted of graphs goes with them (graph_notes.h). */
#include "graph.h"
#include "graph_blocks.h"
#include "graph_notes.h"
#include "hooks.h"

CUresult alq_hook_cuGraphAddMemAllocNode(CUgraphNode *node, CUgraph graph, const CUgraphNode *dependencies,
    size_t dependency_count, CUDA_MEM_ALLOC_NODE_PARAMS *parameters)
{
    alq_graph_see(true);
    return ALQ_REAL(cuGraphAddMemAllocNode)(node, graph, dependencies, dependency_count, parameters);
}

/* The node that frees a movable block of a graph: an empty one, for the driver knows no memory there. False: it is no such block. */
static bool alq_add_free(CUgraphNode *node, CUgraph graph, const CUgraphNode *dependencies, size_t dependency_count,
    CUdeviceptr address, CUresult *result)
{
    if (alq_transparent() || !alq_graph_frees(address, graph, result)) {
        return false;
    }
    *result = *result != CUDA_SUCCESS ? *result : ALQ_CALL(cuGraphAddEmptyNode, node, graph, dependencies, dependency_count);
    if (*result == CUDA_SUCCESS) {
        alq_graph_freed(address, graph);
    }
    return true;
}

CUresult alq_hook_cuGraphAddMemFreeNode(
    CUgraphNode *node, CUgraph graph, const CUgraphNode *dependencies, size_t dependency_count, CUdeviceptr address)
{
    CUresult result;
    return alq_add_free(node, graph, dependencies, dependency_count, address, &result)
        ? result
        : ALQ_REAL(cuGraphAddMemFreeNode)(node, graph, dependencies, dependency_count, address);
}

/* A node has been added by its parameters. */
static CUresult alq_node_added(CUgraph graph, const CUgraphNodeParams *parameters, CUresult result)
{
    if (result != CUDA_SUCCESS) {
        return result;
    }
    alq_graph_see(parameters->type == CU_GRAPH_NODE_TYPE_MEM_ALLOC);
    if (parameters->type == CU_GRAPH_NODE_TYPE_GRAPH) {
        alq_notes_copy(ALQ_OF_GRAPH, alq_note_owner(parameters->graph.graph), ALQ_OF_GRAPH, alq_note_owner(graph));
        if (parameters->graph.ownership == CU_GRAPH_CHILD_GRAPH_OWNERSHIP_MOVE) {
            alq_notes_drop(ALQ_OF_GRAPH, alq_note_owner(parameters->graph.graph));
        }
    }
    return CUDA_SUCCESS;
}

CUresult alq_hook_cuGraphAddNode(CUgraphNode *node, CUgraph graph, const CUgraphNode *dependencies, size_t dependency_count,
    CUgraphNodeParams *parameters)
{
    CUresult result;
    if (parameters != NULL && parameters->type == CU_GRAPH_NODE_TYPE_MEM_FREE
        && alq_add_free(node, graph, dependencies, dependency_count, parameters->free.dptr, &result)) {
        return result;
    }
    return alq_node_added(
        graph, parameters, ALQ_PASS_GATED(cuGraphAddNode, node, graph, dependencies, dependency_count, parameters));
}

CUresult alq_hook_cuGraphAddNode_v2(CUgraphNode *node, CUgraph graph, const CUgraphNode *dependencies,
    const CUgraphEdgeData *edges, size_t dependency_count, CUgraphNodeParams *parameters)
{
    CUresult result;
    if (parameters != NULL && parameters->type == CU_GRAPH_NODE_TYPE_MEM_FREE
        && alq_add_free(node, graph, dependencies, dependency_count, parameters->free.dptr, &result)) {
        return result;
    }
    return alq_node_added(
        graph, parameters, ALQ_PASS_GATED(cuGraphAddNode_v2, node, graph, dependencies, edges, dependency_count, parameters));
}

CUresult alq_hook_cuGraphAddChildGraphNode(
    CUgraphNode *node, CUgraph graph, const CUgraphNode *dependencies, size_t dependency_count, CUgraph child)
{
    CUresult result = ALQ_REAL(cuGraphAddChildGraphNode)(node, graph, dependencies, dependency_count, child);
    if (result == CUDA_SUCCESS) {
        alq_notes_copy(ALQ_OF_GRAPH, alq_note_owner(child), ALQ_OF_GRAPH, alq_note_owner(graph));
    }
    return result;
}

CUresult alq_hook_cuGraphClone(CUgraph *clone, CUgraph graph)
{
    CUresult result = ALQ_REAL(cuGraphClone)(clone, graph);
    if (result == CUDA_SUCCESS) {
        alq_notes_copy(ALQ_OF_GRAPH, alq_note_owner(graph), ALQ_OF_GRAPH, alq_note_owner(*clone));
    }
    return result;
}

CUresult alq_hook_cuGraphDestroy(CUgraph graph)
{
    alq_notes_drop(ALQ_OF_GRAPH, alq_note_owner(graph));
    return ALQ_REAL(cuGraphDestroy)(graph);
}

/* An executable does what that graph does, beside what it did (a child of it was changed) or instead of that. */
static CUresult alq_exec_changed(CUgraphExec exec, CUgraph graph, bool instead, CUresult result)
{
    if (result == CUDA_SUCCESS && instead) {
        alq_notes_drop(ALQ_OF_EXEC, alq_note_owner(exec));
    }
    if (result == CUDA_SUCCESS) {
        alq_notes_copy(ALQ_OF_GRAPH, alq_note_owner(graph), ALQ_OF_EXEC, alq_note_owner(exec));
    }
    return result;
}

CUresult alq_hook_cuGraphExecUpdate(CUgraphExec exec, CUgraph graph, CUgraphNode *error_node, CUgraphExecUpdateResult *why)
{
    return alq_exec_changed(exec, graph, true, ALQ_PASS_GATED(cuGraphExecUpdate, exec, graph, error_node, why));
}

CUresult alq_hook_cuGraphExecUpdate_v2(CUgraphExec exec, CUgraph graph, CUgraphExecUpdateResultInfo *why)
{
    return alq_exec_changed(exec, graph, true, ALQ_PASS_GATED(cuGraphExecUpdate_v2, exec, graph, why));
}

CUresult alq_hook_cuGraphExecChildGraphNodeSetParams(CUgraphExec exec, CUgraphNode node, CUgraph child)
{
    return alq_exec_changed(exec, child, false, ALQ_REAL(cuGraphExecChildGraphNodeSetParams)(exec, node, child));
}

CUresult alq_hook_cuGraphExecNodeSetParams(CUgraphExec exec, CUgraphNode node, CUgraphNodeParams *parameters)
{
    CUresult result = ALQ_PASS_GATED(cuGraphExecNodeSetParams, exec, node, parameters);
    return result == CUDA_SUCCESS && parameters->type == CU_GRAPH_NODE_TYPE_GRAPH
        ? alq_exec_changed(exec, parameters->graph.graph, false, result)
        : result;
}
