/* Graphs in few words, for the cases about them. */
#include "conformance.h"

CUgraph conf_graph(void) {
    CUgraph graph = NULL;
    OK(cu(cuGraphCreate)(&graph, 0));
    CHECK(graph != NULL);
    return graph;
}

CUgraphExec conf_instantiate(CUgraph graph) {
    CUgraphExec exec = NULL;
    OK(cu(cuGraphInstantiateWithFlags)(&exec, graph, 0));
    CHECK(exec != NULL);
    return exec;
}

void conf_run_graph(CUgraphExec exec) {
    CUstream stream = conf_stream();
    OK(cu(cuGraphLaunch)(exec, stream));
    OK(cu(cuStreamSynchronize)(stream));
    OK(cu(cuStreamDestroy_v2)(stream));
}

CUgraphNode conf_kernel_node(CUgraph graph, CUgraphNode after, const char *name, CUdeviceptr address, uint32_t value) {
    uint64_t words = MIB;
    void *arguments[] = {&address, &words, &value};
    CUDA_KERNEL_NODE_PARAMS params = {.func = conf_kernel(name), .gridDimX = 32, .gridDimY = 1, .gridDimZ = 1,
                                      .blockDimX = 128, .blockDimY = 1, .blockDimZ = 1, .kernelParams = arguments};
    CUgraphNode node = NULL;
    OK(cu(cuGraphAddKernelNode_v2)(&node, graph, after == NULL ? NULL : &after, after == NULL ? 0 : 1, &params));
    CHECK(node != NULL);
    return node;
}
