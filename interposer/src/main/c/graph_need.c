/* Walking a graph's nodes. Where the driver does not answer, a node counts nothing. */
#include "graph_need.h"

#include <stdlib.h>

#include "devices.h"
#include "hooks.h"
#include "pointers.h"

#define ALQ_GRAPH_DEPTH 16

static void alq_need_node(struct alq_need *need, CUgraphNode node, struct alq_holding *live, CUdeviceptr *addresses, size_t *live_count)
{
    CUgraphNodeType type;
    CUDA_MEM_ALLOC_NODE_PARAMS alloc;
    CUdeviceptr freed;
    if (ALQ_CALL(cuGraphNodeGetType, node, &type) != CUDA_SUCCESS) {
        return;
    }
    if (type == CU_GRAPH_NODE_TYPE_MEM_ALLOC && ALQ_CALL(cuGraphMemAllocNodeGetParams, node, &alloc) == CUDA_SUCCESS
        && alloc.poolProps.location.type == CU_MEM_LOCATION_TYPE_DEVICE) {
        int device = alq_device_index(alloc.poolProps.location.id);
        if (device >= 0) {
            uint64_t bytes = alq_charge_size(alloc.bytesize);
            need->devices[device].ordinal = alloc.poolProps.location.id;
            need->devices[device].now_bytes = alq_add(need->devices[device].now_bytes, bytes);
            if (need->devices[device].now_bytes > need->devices[device].peak_bytes) {
                need->devices[device].peak_bytes = need->devices[device].now_bytes;
            }
            live[*live_count] = (struct alq_holding){.bytes = bytes, .device = device};
            addresses[(*live_count)++] = alloc.dptr;
        } else {
            need->forbidden = true;
        }
    } else if (type == CU_GRAPH_NODE_TYPE_MEM_FREE && ALQ_CALL(cuGraphMemFreeNodeGetParams, node, &freed) == CUDA_SUCCESS) {
        for (size_t i = *live_count; i-- > 0;) {
            if (addresses[i] == freed) {
                need->devices[live[i].device].now_bytes -= live[i].bytes;
                live[i] = live[--*live_count];
                addresses[i] = addresses[*live_count];
                break;
            }
        }
    }
}

void alq_need_graph(struct alq_need *need, CUgraph graph, int depth)
{
    size_t count = 0;
    if (depth > ALQ_GRAPH_DEPTH || ALQ_CALL(cuGraphGetNodes, graph, NULL, &count) != CUDA_SUCCESS || count == 0) {
        return;
    }
    CUgraphNode *nodes = calloc(count, sizeof *nodes);
    struct alq_holding *live = calloc(count, sizeof *live);
    CUdeviceptr *addresses = calloc(count, sizeof *addresses);
    size_t live_count = 0;
    if (nodes != NULL && live != NULL && addresses != NULL
        && ALQ_CALL(cuGraphGetNodes, graph, nodes, &count) == CUDA_SUCCESS) {
        for (size_t i = 0; i < count; i++) {
            CUgraphNodeType type;
            CUgraph child;
            if (ALQ_CALL(cuGraphNodeGetType, nodes[i], &type) == CUDA_SUCCESS && type == CU_GRAPH_NODE_TYPE_GRAPH
                && ALQ_CALL(cuGraphChildGraphNodeGetGraph, nodes[i], &child) == CUDA_SUCCESS) {
                alq_need_graph(need, child, depth + 1);
            } else {
                alq_need_node(need, nodes[i], live, addresses, &live_count);
            }
        }
    }
    free(nodes);
    free(live);
    free(addresses);
}
