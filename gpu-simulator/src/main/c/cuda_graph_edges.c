/* Nodes and edges of a graph: lists, and changes to them. */
#include <stdlib.h>

#include "cuda_graph.h"

/* Answers a list the way the driver does: the count alone where out is NULL, else as many as fit and NULL after them. */
static CUresult answer(struct sim_node *const *list, size_t found, CUgraphNode *out, size_t *count) {
    SIM_NEED(count != NULL);
    if (out != NULL) {
        for (size_t i = 0; i < *count; i++) out[i] = i < found ? (CUgraphNode)list[i] : NULL;
        if (*count > found) *count = found;
    } else {
        *count = found;
    }
    return CUDA_SUCCESS;
}

CUresult cuGraphGetNodes(CUgraph handle, CUgraphNode *out, size_t *count) {
    SIM_ENTER();
    SIM_NEED(sim_graph_ok(handle));
    const struct sim_graph *graph = (const struct sim_graph *)handle;
    return answer(graph->nodes, graph->count, out, count);
}
CUresult cuGraphGetRootNodes(CUgraph handle, CUgraphNode *out, size_t *count) {
    SIM_ENTER();
    SIM_NEED(sim_graph_ok(handle));
    const struct sim_graph *graph = (const struct sim_graph *)handle;
    struct sim_node **roots = malloc((graph->count + 1) * sizeof(struct sim_node *));
    if (roots == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    size_t found = 0;
    for (size_t i = 0; i < graph->count; i++) {
        if (graph->nodes[i]->before_count == 0) roots[found++] = graph->nodes[i];
    }
    CUresult result = answer(roots, found, out, count);
    free(roots);
    return result;
}

static CUresult get_edges(CUgraph handle, CUgraphNode *from, CUgraphNode *to, CUgraphEdgeData *data, size_t *count) {
    SIM_ENTER();
    SIM_NEED(sim_graph_ok(handle) && count != NULL && (from == NULL) == (to == NULL));
    const struct sim_graph *graph = (const struct sim_graph *)handle;
    size_t found = 0;
    for (size_t i = 0; i < graph->count; i++) {
        for (size_t j = 0; j < graph->nodes[i]->before_count; j++, found++) {
            if (from == NULL || found >= *count) continue;
            from[found] = (CUgraphNode)graph->nodes[i]->before[j];
            to[found] = (CUgraphNode)graph->nodes[i];
            if (data != NULL) memset(&data[found], 0, sizeof data[found]);
        }
    }
    if (from == NULL || *count > found) *count = found;
    return CUDA_SUCCESS;
}
CUresult cuGraphGetEdges(CUgraph graph, CUgraphNode *from, CUgraphNode *to, size_t *count) { return get_edges(graph, from, to, NULL, count); }
CUresult cuGraphGetEdges_v2(CUgraph graph, CUgraphNode *from, CUgraphNode *to, CUgraphEdgeData *data, size_t *count) {
    return get_edges(graph, from, to, data, count);
}

static CUresult dependencies(CUgraphNode handle, CUgraphNode *out, CUgraphEdgeData *data, size_t *count) {
    SIM_ENTER();
    SIM_NEED(sim_node_ok(handle) && count != NULL);
    const struct sim_node *node = (const struct sim_node *)handle;
    SIM_TRY(answer(node->before, node->before_count, out, count));
    if (data != NULL && out != NULL) memset(data, 0, *count * sizeof *data);
    return CUDA_SUCCESS;
}
CUresult cuGraphNodeGetDependencies(CUgraphNode node, CUgraphNode *out, size_t *count) { return dependencies(node, out, NULL, count); }
CUresult cuGraphNodeGetDependencies_v2(CUgraphNode node, CUgraphNode *out, CUgraphEdgeData *data, size_t *count) {
    return dependencies(node, out, data, count);
}

static CUresult dependents(CUgraphNode handle, CUgraphNode *out, CUgraphEdgeData *data, size_t *count) {
    SIM_ENTER();
    SIM_NEED(sim_node_ok(handle) && count != NULL);
    struct sim_node *node = (struct sim_node *)handle;
    const struct sim_graph *graph = node->graph;
    struct sim_node **list = malloc((graph->count + 1) * sizeof(struct sim_node *));
    if (list == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    size_t found = 0;
    for (size_t i = 0; i < graph->count; i++) {
        for (size_t j = 0; j < graph->nodes[i]->before_count; j++) {
            if (graph->nodes[i]->before[j] == node) list[found++] = graph->nodes[i];
        }
    }
    CUresult result = answer(list, found, out, count);
    if (result == CUDA_SUCCESS && data != NULL && out != NULL) memset(data, 0, *count * sizeof *data);
    free(list);
    return result;
}
CUresult cuGraphNodeGetDependentNodes(CUgraphNode node, CUgraphNode *out, size_t *count) { return dependents(node, out, NULL, count); }
CUresult cuGraphNodeGetDependentNodes_v2(CUgraphNode node, CUgraphNode *out, CUgraphEdgeData *data, size_t *count) {
    return dependents(node, out, data, count);
}

static CUresult change(CUgraph handle, const CUgraphNode *from, const CUgraphNode *to, size_t count, bool add) {
    SIM_ENTER();
    SIM_NEED(sim_graph_ok(handle) && (count == 0 || (from != NULL && to != NULL)));
    const struct sim_graph *graph = (const struct sim_graph *)handle;
    for (size_t i = 0; i < count; i++) {
        SIM_NEED(sim_node_ok(from[i]) && sim_node_ok(to[i]) && from[i] != to[i]);
        SIM_NEED(((struct sim_node *)from[i])->graph == graph && ((struct sim_node *)to[i])->graph == graph);
    }
    for (size_t i = 0; i < count; i++) {
        struct sim_node *node = (struct sim_node *)to[i], *before = (struct sim_node *)from[i];
        size_t at = 0;
        while (at < node->before_count && node->before[at] != before) at++;
        bool present = at < node->before_count;
        SIM_NEED(present != add);
        if (!add) {
            memmove(node->before + at, node->before + at + 1, (--node->before_count - at) * sizeof(struct sim_node *));
            continue;
        }
        struct sim_node **list = realloc(node->before, (node->before_count + 1) * sizeof(struct sim_node *));
        if (list == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
        node->before = list;
        list[node->before_count++] = before;
    }
    return CUDA_SUCCESS;
}
CUresult cuGraphAddDependencies(CUgraph graph, const CUgraphNode *from, const CUgraphNode *to, size_t count) {
    return change(graph, from, to, count, true);
}
CUresult cuGraphAddDependencies_v2(CUgraph graph, const CUgraphNode *from, const CUgraphNode *to, const CUgraphEdgeData *data, size_t count) {
    (void)data;
    return change(graph, from, to, count, true);
}
CUresult cuGraphRemoveDependencies(CUgraph graph, const CUgraphNode *from, const CUgraphNode *to, size_t count) {
    return change(graph, from, to, count, false);
}
CUresult cuGraphRemoveDependencies_v2(CUgraph graph, const CUgraphNode *from, const CUgraphNode *to, const CUgraphEdgeData *data, size_t count) {
    (void)data;
    return change(graph, from, to, count, false);
}
