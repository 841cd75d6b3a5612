/* Instances of graphs: apart from their graph, changed and updated. */
#include "conformance.h"

CASE(graph_instances, take_new_kernel_arguments) {
    conf_context();
    CUdeviceptr address = conf_alloc(4 * MIB);
    CUgraph graph = conf_graph();
    CUgraphNode node = conf_kernel_node(graph, NULL, "aliquot_fill", address, 1);
    CUgraphExec exec = conf_instantiate(graph);
    uint64_t words = MIB;
    uint32_t value = 2;
    void *arguments[] = {&address, &words, &value};
    CUDA_KERNEL_NODE_PARAMS params = {.func = conf_kernel("aliquot_fill"), .gridDimX = 8, .gridDimY = 1, .gridDimZ = 1,
                                      .blockDimX = 64, .blockDimY = 1, .blockDimZ = 1, .kernelParams = arguments};
    OK(cu(cuGraphExecKernelNodeSetParams_v2)(exec, node, &params));
    conf_run_graph(exec);
    EQ(conf_mismatches(address, MIB, 2), 0);
}

CASE(graph_instances, are_updated_from_a_graph_of_the_same_shape) {
    CUgraphExecUpdateResultInfo info;
    conf_context();
    CUdeviceptr address = conf_alloc(4 * MIB);
    CUgraph one = conf_graph();
    CUgraph two = conf_graph();
    CUgraph other = conf_graph();
    conf_kernel_node(one, NULL, "aliquot_fill", address, 1);
    conf_kernel_node(two, NULL, "aliquot_fill", address, 2);
    conf_kernel_node(other, conf_kernel_node(other, NULL, "aliquot_fill", address, 3), "aliquot_add", address, 3);
    CUgraphExec exec = conf_instantiate(one);
    OK(cu(cuGraphExecUpdate_v2)(exec, two, &info));
    EQ(info.result, CU_GRAPH_EXEC_UPDATE_SUCCESS);
    conf_run_graph(exec);
    EQ(conf_mismatches(address, MIB, 2), 0);
    IS(CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE, cu(cuGraphExecUpdate_v2)(exec, other, &info));
    CHECK(info.result != CU_GRAPH_EXEC_UPDATE_SUCCESS);
}

CASE(graph_instances, do_not_follow_their_graph) {
    conf_context();
    CUdeviceptr address = conf_alloc(4 * MIB);
    CUgraph graph = conf_graph();
    CUgraphNode node = conf_kernel_node(graph, NULL, "aliquot_fill", address, 1);
    CUgraphExec exec = conf_instantiate(graph);
    conf_kernel_node(graph, node, "aliquot_add", address, 100);
    OK(cu(cuGraphDestroy)(graph));
    conf_run_graph(exec);
    EQ(conf_mismatches(address, MIB, 1), 0);
}

CASE(graph_instances, leave_out_disabled_nodes) {
    unsigned enabled = 77;
    conf_context();
    CUdeviceptr address = conf_alloc(4 * MIB);
    CUgraph graph = conf_graph();
    CUgraphNode fill = conf_kernel_node(graph, NULL, "aliquot_fill", address, 1);
    CUgraphNode add = conf_kernel_node(graph, fill, "aliquot_add", address, 1);
    CUgraphExec exec = conf_instantiate(graph);
    OK(cu(cuGraphNodeSetEnabled)(exec, add, 0));
    OK(cu(cuGraphNodeGetEnabled)(exec, add, &enabled));
    EQ(enabled, 0);
    conf_run_graph(exec);
    EQ(conf_mismatches(address, MIB, 1), 0);
}

CASE(graph_instances, are_uploaded_before_launch) {
    conf_context();
    CUdeviceptr address = conf_alloc(4 * MIB);
    CUgraph graph = conf_graph();
    conf_kernel_node(graph, NULL, "aliquot_fill", address, 6);
    CUgraphExec exec = conf_instantiate(graph);
    CUstream stream = conf_stream();
    OK(cu(cuGraphUpload)(exec, stream));
    OK(cu(cuGraphLaunch)(exec, stream));
    OK(cu(cuStreamSynchronize)(stream));
    EQ(conf_mismatches(address, MIB, 6), 0);
}
