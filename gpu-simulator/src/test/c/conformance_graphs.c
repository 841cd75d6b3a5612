/* Graphs made by hand: nodes, edges, clones, objects they own. */
#include "conformance.h"

#include <string.h>

static CUDA_MEMSET_NODE_PARAMS memset_of(CUdeviceptr address, uint32_t value) {
    return (CUDA_MEMSET_NODE_PARAMS){.dst = address, .pitch = 0, .value = value, .elementSize = 4, .width = MIB, .height = 1};
}

CASE(graphs, nodes_run_in_the_order_of_their_edges) {
    CUcontext context = conf_context();
    CUdeviceptr address = conf_alloc(4 * MIB);
    CUgraph graph = conf_graph();
    CUgraphNode first = NULL;
    CUDA_MEMSET_NODE_PARAMS set = memset_of(address, 10);
    OK(cu(cuGraphAddMemsetNode)(&first, graph, NULL, 0, &set, context));
    CUgraphNode second = conf_kernel_node(graph, first, "aliquot_add", address, 5);
    conf_kernel_node(graph, second, "aliquot_add", address, 7);
    CUgraphExec exec = conf_instantiate(graph);
    conf_run_graph(exec);
    EQ(conf_mismatches(address, MIB, 22), 0);
    conf_run_graph(exec);
    EQ(conf_mismatches(address, MIB, 22), 0);
    OK(cu(cuGraphExecDestroy)(exec));
    OK(cu(cuGraphDestroy)(graph));
}

CASE(graphs, know_their_nodes_and_edges) {
    conf_context();
    CUdeviceptr address = conf_alloc(4 * MIB);
    CUgraph graph = conf_graph();
    CUgraphNode nodes[8];
    size_t count = 8;
    CUgraphNodeType type = CU_GRAPH_NODE_TYPE_EMPTY;
    CUgraphNode a = conf_kernel_node(graph, NULL, "aliquot_fill", address, 1);
    CUgraphNode b = conf_kernel_node(graph, a, "aliquot_add", address, 1);
    CUgraphNode c = NULL;
    OK(cu(cuGraphAddEmptyNode)(&c, graph, &b, 1));
    OK(cu(cuGraphGetNodes)(graph, nodes, &count));
    EQ(count, 3);
    count = 8;
    OK(cu(cuGraphGetRootNodes)(graph, nodes, &count));
    EQ(count, 1);
    CHECK(nodes[0] == a);
    OK(cu(cuGraphNodeGetType)(b, &type));
    EQ(type, CU_GRAPH_NODE_TYPE_KERNEL);
    OK(cu(cuGraphNodeGetType)(c, &type));
    EQ(type, CU_GRAPH_NODE_TYPE_EMPTY);
    count = 8;
    OK(cu(cuGraphNodeGetDependencies)(b, nodes, &count));
    EQ(count, 1);
    CHECK(nodes[0] == a);
    OK(cu(cuGraphDestroyNode)(c));
    count = 0;
    OK(cu(cuGraphGetNodes)(graph, NULL, &count));
    EQ(count, 2);
}

CASE(graphs, kernel_nodes_keep_their_arguments) {
    CUDA_KERNEL_NODE_PARAMS params;
    conf_context();
    CUdeviceptr address = conf_alloc(4 * MIB);
    CUgraphNode node = conf_kernel_node(conf_graph(), NULL, "aliquot_fill", address, 33);
    memset(&params, 0, sizeof params);
    OK(cu(cuGraphKernelNodeGetParams_v2)(node, &params));
    CHECK(params.func == conf_kernel("aliquot_fill") || params.kern != NULL);
    EQ(params.gridDimX, 32);
    EQ(params.blockDimX, 128);
    CHECK(params.kernelParams != NULL);
    EQ(*(CUdeviceptr *)params.kernelParams[0], address);
    EQ(*(uint32_t *)params.kernelParams[2], 33);
}

CASE(graphs, clones_and_children) {
    conf_context();
    CUdeviceptr address = conf_alloc(4 * MIB);
    CUgraph child = conf_graph();
    CUgraph clone = NULL;
    CUgraphNode found = NULL;
    CUgraphNode child_node = NULL;
    CUgraphNode node = conf_kernel_node(child, NULL, "aliquot_add", address, 3);
    OK(cu(cuGraphClone)(&clone, child));
    OK(cu(cuGraphNodeFindInClone)(&found, node, clone));
    CHECK(found != NULL && found != node);
    CUgraph graph = conf_graph();
    CUgraphNode fill = conf_kernel_node(graph, NULL, "aliquot_fill", address, 1);
    OK(cu(cuGraphAddChildGraphNode)(&child_node, graph, &fill, 1, child));
    OK(cu(cuGraphDestroy)(child));
    conf_run_graph(conf_instantiate(graph));
    EQ(conf_mismatches(address, MIB, 4), 0);
    conf_run_graph(conf_instantiate(clone));
    EQ(conf_mismatches(address, MIB, 7), 0);
}

static void count_up(void *data) {
    __atomic_fetch_add((int *)data, 1, __ATOMIC_SEQ_CST);
}

CASE(graphs, host_and_copy_nodes) {
    static int runs;
    uint32_t *host = NULL;
    CUcontext context = conf_context();
    CUdeviceptr address = conf_alloc(4 * MIB);
    OK(cu(cuMemHostAlloc)((void **)&host, 4 * MIB, 0));
    host[7] = 0;
    CUgraph graph = conf_graph();
    CUgraphNode fill = conf_kernel_node(graph, NULL, "aliquot_fill", address, 19);
    CUgraphNode copy = NULL;
    CUgraphNode call = NULL;
    CUDA_MEMCPY3D box = {.srcMemoryType = CU_MEMORYTYPE_DEVICE, .srcDevice = address, .srcPitch = 4 * MIB, .srcHeight = 1,
                         .dstMemoryType = CU_MEMORYTYPE_HOST, .dstHost = host, .dstPitch = 4 * MIB, .dstHeight = 1,
                         .WidthInBytes = 4 * MIB, .Height = 1, .Depth = 1};
    OK(cu(cuGraphAddMemcpyNode)(&copy, graph, &fill, 1, &box, context));
    CUDA_HOST_NODE_PARAMS function = {.fn = count_up, .userData = &runs};
    OK(cu(cuGraphAddHostNode)(&call, graph, &copy, 1, &function));
    CUgraphExec exec = conf_instantiate(graph);
    EQ(runs, 0);
    conf_run_graph(exec);
    conf_run_graph(exec);
    EQ(__atomic_load_n(&runs, __ATOMIC_SEQ_CST), 2);
    EQ(host[7], 19);
}

CASE(graphs, event_nodes) {
    CUevent event = NULL;
    CUgraphNode record = NULL;
    conf_context();
    CUdeviceptr address = conf_alloc(4 * MIB);
    OK(cu(cuEventCreate)(&event, CU_EVENT_DISABLE_TIMING));
    CUgraph graph = conf_graph();
    CUgraphNode fill = conf_kernel_node(graph, NULL, "aliquot_fill", address, 1);
    OK(cu(cuGraphAddEventRecordNode)(&record, graph, &fill, 1, event));
    CUstream stream = conf_stream();
    OK(cu(cuGraphLaunch)(conf_instantiate(graph), stream));
    OK(cu(cuEventSynchronize)(event));
    OK(cu(cuStreamSynchronize)(stream));
}

/* A graph with a user object whose end is counted. */
static CUgraph owner(int *destroyed) {
    CUuserObject object = NULL;
    CUgraph graph = conf_graph();
    OK(cu(cuUserObjectCreate)(&object, destroyed, count_up, 1, CU_USER_OBJECT_NO_DESTRUCTOR_SYNC));
    OK(cu(cuGraphRetainUserObject)(graph, object, 1, CU_GRAPH_USER_OBJECT_MOVE));
    return graph;
}

static bool stays(const int *destroyed) {
    conf_sleep_ms(50);
    return __atomic_load_n(destroyed, __ATOMIC_SEQ_CST) == 0;
}

static bool goes(const int *destroyed) {
    for (int i = 0; i < CONF_PATIENCE_MS / 20 && __atomic_load_n(destroyed, __ATOMIC_SEQ_CST) == 0; i++) {
        conf_sleep_ms(20);
    }
    return __atomic_load_n(destroyed, __ATOMIC_SEQ_CST) == 1;
}

CASE(graphs, destroy_the_objects_they_own) {
    static int destroyed;
    conf_context();
    CUgraph graph = owner(&destroyed);
    CHECK(stays(&destroyed));
    OK(cu(cuGraphDestroy)(graph));
    CHECK(goes(&destroyed));
}

CASE(graphs, share_the_objects_with_their_clones_and_executables) {
    static int destroyed;
    CUgraph clone = NULL;
    CUgraphNode node = NULL;
    conf_context();
    CUgraph graph = owner(&destroyed), parent = conf_graph();
    OK(cu(cuGraphClone)(&clone, graph));
    OK(cu(cuGraphDestroy)(graph));
    CHECK(stays(&destroyed));
    OK(cu(cuGraphAddChildGraphNode)(&node, parent, NULL, 0, clone));
    OK(cu(cuGraphDestroy)(clone));
    CUgraphExec exec = conf_instantiate(parent);
    OK(cu(cuGraphDestroy)(parent));
    CHECK(stays(&destroyed));
    OK(cu(cuGraphExecDestroy)(exec));
    CHECK(goes(&destroyed));
}

CASE(graphs, hand_their_objects_over_when_an_executable_follows_another) {
    static int first, second;
    CUgraphExecUpdateResultInfo info;
    conf_context();
    CUgraph graph = owner(&first);
    CUgraphExec exec = conf_instantiate(graph);
    OK(cu(cuGraphDestroy)(graph));
    graph = owner(&second);
    OK(cu(cuGraphExecUpdate_v2)(exec, graph, &info));
    OK(cu(cuGraphDestroy)(graph));
    CHECK(goes(&first));
    CHECK(stays(&second));
    OK(cu(cuGraphExecDestroy)(exec));
    CHECK(goes(&second));
}
