/* Graphs and their nodes as a structure: making, copying, ordering, asking. */
#include <stdio.h>
#include <stdlib.h>

#include "cuda_graph.h"
#include "cuda_user_object.h"

struct sim_graph *sim_graph_make(void) { return sim_handle_new(SIM_KIND_GRAPH); }

static void node_unmake(struct sim_node *node) {
    if (node->work.type == SIM_WORK_CHILD) sim_graph_unmake((struct sim_graph *)node->work.child);
    if (node->work.type == SIM_WORK_GRAPH_ALLOC) sim_graph_block_unref(node->work.alloc.block);
    free(node->before);
    sim_handle_free(node);
}

void sim_graph_unmake(struct sim_graph *graph) {
    for (size_t i = 0; i < graph->count; i++) node_unmake(graph->nodes[i]);
    free(graph->nodes);
    sim_user_references_drop(&graph->objects);
    sim_handle_free(graph);
}

CUresult sim_graph_add(struct sim_graph *graph, const CUgraphNode *before, size_t count, const struct sim_work *work, CUgraphNode *out) {
    SIM_NEED(count == 0 || before != NULL);
    for (size_t i = 0; i < count; i++) {
        SIM_NEED(sim_node_ok(before[i]) && ((struct sim_node *)before[i])->graph == graph);
        for (size_t j = 0; j < i; j++) SIM_NEED(before[i] != before[j]);
    }
    if (graph->count == graph->capacity) {
        size_t capacity = graph->capacity == 0 ? 16 : graph->capacity * 2;
        struct sim_node **nodes = realloc(graph->nodes, capacity * sizeof(struct sim_node *));
        if (nodes == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
        graph->nodes = nodes;
        graph->capacity = capacity;
    }
    struct sim_node *node = sim_handle_new(SIM_KIND_NODE);
    struct sim_node **list = count == 0 ? NULL : malloc(count * sizeof(struct sim_node *));
    if (node == NULL || (count != 0 && list == NULL)) {
        sim_handle_free(node);
        free(list);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < count; i++) list[i] = (struct sim_node *)before[i];
    node->graph = graph;
    node->work = *work;
    node->work.staged = NULL;
    node->before = list;
    node->before_count = count;
    graph->nodes[graph->count++] = node;
    if (out != NULL) *out = (CUgraphNode)node;
    return CUDA_SUCCESS;
}

struct sim_node **sim_graph_order(const struct sim_graph *graph) {
    struct sim_node **order = malloc((graph->count + 1) * sizeof(struct sim_node *));
    size_t done = 0;
    if (order == NULL) return NULL;
    for (size_t i = 0; i < graph->count; i++) graph->nodes[i]->pending = 1;
    for (bool moved = true; moved && done < graph->count;) {
        moved = false;
        for (size_t i = 0; i < graph->count; i++) {
            struct sim_node *node = graph->nodes[i];
            bool ready = node->pending != 0;
            for (size_t j = 0; ready && j < node->before_count; j++) ready = node->before[j]->pending == 0;
            if (!ready) continue;
            node->pending = 0;
            order[done++] = node;
            moved = true;
        }
    }
    if (done == graph->count) return order;
    free(order);
    return NULL;
}

CUresult sim_graph_copy(const struct sim_graph *graph, struct sim_graph **out) {
    struct sim_graph *copy = sim_graph_make();
    struct sim_node **order = sim_graph_order(graph);
    CUresult result = copy == NULL || order == NULL ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
    if (result == CUDA_SUCCESS && !sim_user_references_copy(&copy->objects, graph->objects)) result = CUDA_ERROR_OUT_OF_MEMORY;
    for (size_t i = 0; result == CUDA_SUCCESS && i < graph->count; i++) {
        struct sim_node *node = order[i], *made = NULL;
        struct sim_work work = node->work;
        if (work.type == SIM_WORK_GRAPH_ALLOC || work.type == SIM_WORK_GRAPH_FREE) {
            result = CUDA_ERROR_NOT_SUPPORTED;
            break;
        }
        if (work.type == SIM_WORK_CHILD) {
            struct sim_graph *child;
            result = sim_graph_copy((struct sim_graph *)work.child, &child);
            if (result != CUDA_SUCCESS) break;
            child->child = true;
            work.child = (CUgraph)child;
        }
        result = sim_graph_add(copy, NULL, 0, &work, (CUgraphNode *)&made);
        if (result != CUDA_SUCCESS) break;
        made->origin = node;
        made->before = node->before_count == 0 ? NULL : malloc(node->before_count * sizeof(struct sim_node *));
        for (size_t j = 0; made->before != NULL && j < node->before_count; j++) {
            for (size_t k = 0; k < copy->count; k++) {
                if (copy->nodes[k]->origin == node->before[j]) made->before[made->before_count++] = copy->nodes[k];
            }
        }
    }
    free(order);
    if (result != CUDA_SUCCESS) {
        if (copy != NULL) sim_graph_unmake(copy);
        return result;
    }
    copy->origin = (struct sim_graph *)graph;
    *out = copy;
    return CUDA_SUCCESS;
}

CUgraphNodeType sim_node_type(const struct sim_node *node) {
    switch (node->work.type) {
    case SIM_WORK_KERNEL: return CU_GRAPH_NODE_TYPE_KERNEL;
    case SIM_WORK_COPY: return CU_GRAPH_NODE_TYPE_MEMCPY;
    case SIM_WORK_FILL: return CU_GRAPH_NODE_TYPE_MEMSET;
    case SIM_WORK_HOST: return CU_GRAPH_NODE_TYPE_HOST;
    case SIM_WORK_CHILD: return CU_GRAPH_NODE_TYPE_GRAPH;
    case SIM_WORK_WAIT: return CU_GRAPH_NODE_TYPE_WAIT_EVENT;
    case SIM_WORK_RECORD: return CU_GRAPH_NODE_TYPE_EVENT_RECORD;
    case SIM_WORK_GRAPH_ALLOC: return CU_GRAPH_NODE_TYPE_MEM_ALLOC;
    case SIM_WORK_GRAPH_FREE: return CU_GRAPH_NODE_TYPE_MEM_FREE;
    case SIM_WORK_MEMOP: return CU_GRAPH_NODE_TYPE_BATCH_MEM_OP;
    default: return CU_GRAPH_NODE_TYPE_EMPTY;
    }
}

CUresult cuGraphCreate(CUgraph *out, unsigned int flags) {
    SIM_ENTER();
    SIM_NEED(out != NULL && flags == 0);
    struct sim_graph *graph = sim_graph_make();
    if (graph == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    *out = (CUgraph)graph;
    return CUDA_SUCCESS;
}
CUresult cuGraphDestroy(CUgraph handle) {
    SIM_ENTER();
    SIM_NEED(sim_graph_ok(handle) && !((struct sim_graph *)handle)->child);
    sim_graph_unmake((struct sim_graph *)handle);
    return CUDA_SUCCESS;
}
CUresult cuGraphClone(CUgraph *out, CUgraph handle) {
    SIM_ENTER();
    SIM_NEED(out != NULL && sim_graph_ok(handle));
    struct sim_graph *copy;
    SIM_TRY(sim_graph_copy((struct sim_graph *)handle, &copy));
    *out = (CUgraph)copy;
    return CUDA_SUCCESS;
}
CUresult cuGraphNodeFindInClone(CUgraphNode *out, CUgraphNode original, CUgraph handle) {
    SIM_ENTER();
    SIM_NEED(out != NULL && sim_node_ok(original) && sim_graph_ok(handle));
    const struct sim_graph *graph = (const struct sim_graph *)handle;
    for (size_t i = 0; i < graph->count; i++) {
        if (graph->nodes[i]->origin != (struct sim_node *)original) continue;
        *out = (CUgraphNode)graph->nodes[i];
        return CUDA_SUCCESS;
    }
    return CUDA_ERROR_INVALID_VALUE;
}

CUresult cuGraphDestroyNode(CUgraphNode handle) {
    SIM_ENTER();
    SIM_NEED(sim_node_ok(handle));
    struct sim_node *node = (struct sim_node *)handle;
    struct sim_graph *graph = node->graph;
    if (node->work.type == SIM_WORK_GRAPH_ALLOC || node->work.type == SIM_WORK_GRAPH_FREE) return CUDA_ERROR_NOT_SUPPORTED;
    size_t kept = 0;
    for (size_t i = 0; i < graph->count; i++) {
        struct sim_node *other = graph->nodes[i];
        if (other == node) continue;
        graph->nodes[kept++] = other;
        size_t left = 0;
        for (size_t j = 0; j < other->before_count; j++) {
            if (other->before[j] != node) other->before[left++] = other->before[j];
        }
        other->before_count = left;
    }
    graph->count = kept;
    node_unmake(node);
    return CUDA_SUCCESS;
}

CUresult cuGraphNodeGetType(CUgraphNode handle, CUgraphNodeType *out) {
    SIM_ENTER();
    SIM_NEED(out != NULL && sim_node_ok(handle));
    *out = sim_node_type((struct sim_node *)handle);
    return CUDA_SUCCESS;
}
CUresult cuGraphChildGraphNodeGetGraph(CUgraphNode handle, CUgraph *out) {
    SIM_ENTER();
    SIM_NEED(out != NULL && sim_node_ok(handle) && ((struct sim_node *)handle)->work.type == SIM_WORK_CHILD);
    *out = ((struct sim_node *)handle)->work.child;
    return CUDA_SUCCESS;
}
CUresult cuGraphDebugDotPrint(CUgraph handle, const char *path, unsigned int flags) {
    SIM_ENTER();
    (void)flags;
    SIM_NEED(sim_graph_ok(handle) && path != NULL);
    const struct sim_graph *graph = (const struct sim_graph *)handle;
    FILE *file = fopen(path, "we");
    if (file == NULL) return CUDA_ERROR_OPERATING_SYSTEM;
    fprintf(file, "digraph dot {\n");
    for (size_t i = 0; i < graph->count; i++) {
        fprintf(file, "  \"%p\" [label=\"%d\"];\n", (void *)graph->nodes[i], (int)sim_node_type(graph->nodes[i]));
        for (size_t j = 0; j < graph->nodes[i]->before_count; j++) {
            fprintf(file, "  \"%p\" -> \"%p\";\n", (void *)graph->nodes[i]->before[j], (void *)graph->nodes[i]);
        }
    }
    fprintf(file, "}\n");
    return fclose(file) == 0 ? CUDA_SUCCESS : CUDA_ERROR_OPERATING_SYSTEM;
}
