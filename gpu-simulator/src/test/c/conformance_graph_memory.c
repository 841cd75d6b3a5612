/* Memory that graphs allocate and free themselves. */
#include "conformance.h"

static void need_graph_memory(void) {
    conf_context();
    if (conf_attribute(CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED) == 0) {
        SKIP("the device has no memory pools");
    }
}

static uint64_t graph_memory(CUgraphMem_attribute attribute) {
    cuuint64_t value = 0;
    OK(cu(cuDeviceGetGraphMemAttribute)(0, attribute, &value));
    return value;
}

static CUgraphNode alloc_node(CUgraph graph, uint64_t bytes, CUdeviceptr *address) {
    CUDA_MEM_ALLOC_NODE_PARAMS params = {
        .poolProps = {.allocType = CU_MEM_ALLOCATION_TYPE_PINNED, .location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = 0}},
        .bytesize = bytes,
    };
    CUgraphNode node = NULL;
    OK(cu(cuGraphAddMemAllocNode)(&node, graph, NULL, 0, &params));
    CHECK(params.dptr != 0);
    *address = params.dptr;
    return node;
}

/* alloc, set to 4, copy the first words to out, and free where wanted */
static CUgraph make(uint64_t bytes, CUdeviceptr out, bool with_free, CUdeviceptr *address) {
    CUgraph graph = NULL;
    CUgraphNode set = NULL;
    CUgraphNode copy = NULL;
    CUgraphNode release = NULL;
    CUcontext context = NULL;
    OK(cu(cuCtxGetCurrent)(&context));
    OK(cu(cuGraphCreate)(&graph, 0));
    CUgraphNode alloc = alloc_node(graph, bytes, address);
    CUDA_MEMSET_NODE_PARAMS params = {.dst = *address, .value = 4, .elementSize = 4, .width = 1024, .height = 1};
    OK(cu(cuGraphAddMemsetNode)(&set, graph, &alloc, 1, &params, context));
    CUDA_MEMCPY3D box = {.srcMemoryType = CU_MEMORYTYPE_DEVICE, .srcDevice = *address, .srcPitch = 4096, .srcHeight = 1,
                         .dstMemoryType = CU_MEMORYTYPE_DEVICE, .dstDevice = out, .dstPitch = 4096, .dstHeight = 1,
                         .WidthInBytes = 4096, .Height = 1, .Depth = 1};
    OK(cu(cuGraphAddMemcpyNode)(&copy, graph, &set, 1, &box, context));
    if (with_free) {
        OK(cu(cuGraphAddMemFreeNode)(&release, graph, &copy, 1, *address));
    }
    return graph;
}

CASE(graph_memory, lives_from_the_alloc_to_the_free_node) {
    CUdeviceptr address = 0;
    CUgraphExec exec = NULL;
    need_graph_memory();
    CUstream stream = conf_stream();
    CUdeviceptr out = conf_alloc(4096);
    OK(cu(cuGraphInstantiateWithFlags)(&exec, make(64 * MIB, out, true, &address), 0));
    for (int i = 0; i < 3; i++) {
        OK(cu(cuMemsetD32_v2)(out, 0, 1024));
        OK(cu(cuCtxSynchronize)());
        OK(cu(cuGraphLaunch)(exec, stream));
        OK(cu(cuStreamSynchronize)(stream));
        EQ(conf_mismatches(out, 1024, 4), 0);
    }
    EQ(graph_memory(CU_GRAPH_MEM_ATTR_USED_MEM_CURRENT), 0);
    CHECK(graph_memory(CU_GRAPH_MEM_ATTR_USED_MEM_HIGH) >= 64 * MIB);
    OK(cu(cuGraphExecDestroy)(exec));
}

CASE(graph_memory, is_trimmed_back_to_the_device) {
    CUdeviceptr address = 0;
    CUgraphExec exec = NULL;
    need_graph_memory();
    CUstream stream = conf_stream();
    CUdeviceptr out = conf_alloc(4096);
    OK(cu(cuGraphInstantiateWithFlags)(&exec, make(256 * MIB, out, true, &address), 0));
    OK(cu(cuGraphLaunch)(exec, stream));
    OK(cu(cuStreamSynchronize)(stream));
    OK(cu(cuGraphExecDestroy)(exec));
    OK(cu(cuDeviceGraphMemTrim)(0));
    CHECK(graph_memory(CU_GRAPH_MEM_ATTR_RESERVED_MEM_CURRENT) < 256 * MIB);
}

CASE(graph_memory, outlives_the_launch_until_it_is_freed) {
    CUdeviceptr address = 0;
    CUgraphExec exec = NULL;
    need_graph_memory();
    CUstream stream = conf_stream();
    CUdeviceptr out = conf_alloc(4096);
    OK(cu(cuGraphInstantiateWithFlags)(&exec, make(64 * MIB, out, false, &address), 0));
    OK(cu(cuGraphLaunch)(exec, stream));
    OK(cu(cuStreamSynchronize)(stream));
    EQ(conf_mismatches(address, 1024, 4), 0);
    CHECK(graph_memory(CU_GRAPH_MEM_ATTR_USED_MEM_CURRENT) >= 64 * MIB);
    FAILS(cu(cuGraphLaunch)(exec, stream));
    OK(cu(cuMemFreeAsync)(address, stream));
    OK(cu(cuStreamSynchronize)(stream));
    OK(cu(cuGraphLaunch)(exec, stream));
    OK(cu(cuStreamSynchronize)(stream));
    OK(cu(cuMemFree_v2)(address));
}

CASE(graph_memory, is_freed_by_the_next_launch_where_asked) {
    CUdeviceptr address = 0;
    CUgraphExec exec = NULL;
    need_graph_memory();
    CUstream stream = conf_stream();
    CUdeviceptr out = conf_alloc(4096);
    CUgraph graph = make(64 * MIB, out, false, &address);
    OK(cu(cuGraphInstantiateWithFlags)(&exec, graph, CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH));
    for (int i = 0; i < 3; i++) {
        OK(cu(cuGraphLaunch)(exec, stream));
    }
    OK(cu(cuStreamSynchronize)(stream));
    EQ(conf_mismatches(address, 1024, 4), 0);
}

CASE(graph_memory, comes_from_captured_allocations) {
    CUdeviceptr address = 0;
    CUgraph graph = NULL;
    CUgraphExec exec = NULL;
    CUgraphNode nodes[8];
    size_t count = 8;
    unsigned allocs = 0;
    unsigned frees = 0;
    need_graph_memory();
    CUdeviceptr out = conf_alloc(4 * MIB);
    conf_fill(out, MIB, 0, NULL);
    conf_copy(out, out + 2 * MIB, MIB / 2, NULL);
    OK(cu(cuCtxSynchronize)());
    CUstream stream = conf_stream();
    OK(cu(cuStreamBeginCapture_v2)(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
    OK(cu(cuMemAllocAsync)(&address, 4 * MIB, stream));
    conf_fill(address, MIB, 23, stream);
    conf_copy(out, address, MIB, stream);
    OK(cu(cuMemFreeAsync)(address, stream));
    OK(cu(cuStreamEndCapture)(stream, &graph));
    OK(cu(cuGraphGetNodes)(graph, nodes, &count));
    EQ(count, 4);
    for (size_t i = 0; i < count; i++) {
        CUgraphNodeType type = CU_GRAPH_NODE_TYPE_EMPTY;
        OK(cu(cuGraphNodeGetType)(nodes[i], &type));
        allocs += type == CU_GRAPH_NODE_TYPE_MEM_ALLOC;
        frees += type == CU_GRAPH_NODE_TYPE_MEM_FREE;
    }
    EQ(allocs, 1);
    EQ(frees, 1);
    OK(cu(cuGraphInstantiateWithFlags)(&exec, graph, 0));
    OK(cu(cuGraphLaunch)(exec, stream));
    OK(cu(cuStreamSynchronize)(stream));
    EQ(conf_mismatches(out, MIB, 23), 0);
}
