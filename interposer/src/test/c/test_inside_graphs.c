/*
 * A driver that has no user objects, or refuses one step of tying memory to a graph: the graph has the driver's memory then, and nothing is lost.
 * One that captures launches of graphs, which the simulator does not.
 */
#include "library.h"
#include "support_graphs.h"

#include <unistd.h>

static CUresult no_object(CUuserObject *object, void *data, CUhostFn destroy, unsigned int references, unsigned int flags)
{
    (void)object;
    (void)data;
    (void)destroy;
    (void)references;
    (void)flags;
    return CUDA_ERROR_CALL_REQUIRES_NEWER_DRIVER;
}

static CUresult no_reference(CUgraph graph, CUuserObject object, unsigned int count, unsigned int flags)
{
    (void)graph;
    (void)object;
    (void)count;
    (void)flags;
    return CUDA_ERROR_OUT_OF_MEMORY;
}

static CUresult no_information(CUstream stream, CUstreamCaptureStatus *status, cuuint64_t *id, CUgraph *graph,
    const CUgraphNode **nodes, size_t *count)
{
    (void)stream;
    (void)status;
    (void)id;
    (void)graph;
    (void)nodes;
    (void)count;
    return CUDA_ERROR_CALL_REQUIRES_NEWER_DRIVER;
}

static CUresult no_newer_information(CUstream stream, CUstreamCaptureStatus *status, cuuint64_t *id, CUgraph *graph,
    const CUgraphNode **nodes, const CUgraphEdgeData **edges, size_t *count)
{
    (void)edges;
    return no_information(stream, status, id, graph, nodes, count);
}

static CUresult no_node(CUgraphNode *node, CUgraph graph, const CUgraphNode *before, size_t count)
{
    (void)node;
    (void)graph;
    (void)before;
    (void)count;
    return CUDA_ERROR_OUT_OF_MEMORY;
}

/* As a driver answers on a stream that is being captured; the node for it is of no account here. */
static CUresult captured_launch(CUgraphExec exec, CUstream stream)
{
    (void)exec;
    (void)stream;
    return CUDA_SUCCESS;
}

/* Puts a function in the place of the driver's, which is answered. */
static void *replace(enum alq_function function, void *replacement)
{
    alq_library_resolve(function);
    return __atomic_exchange_n(&alq_slots[function], replacement, __ATOMIC_SEQ_CST);
}

static void the_driver_s_memory_does_as_well(const struct moving *m)
{
    CUdeviceptr result = result_word();
    CUgraph graph = whole_graph(m, 10 * MIB, 4, result);
    CUgraphExec exec = instantiate(graph, 0);
    launch_graph(exec, NULL);
    CHECK_EQ(result_of(result), 0);
    CHECK(comes_to_rest(m, 0));
    launch_graph(exec, NULL);
    CHECK_EQ(result_of(result), 0);
    destroy_exec(exec);
    destroy_graph(graph);
}

static void without_user_objects(const struct moving *m)
{
    replace(ALQ_FN_cuUserObjectCreate, no_object);
    the_driver_s_memory_does_as_well(m);
}

static void without_a_reference_of_the_graph_s(const struct moving *m)
{
    replace(ALQ_FN_cuGraphRetainUserObject, no_reference);
    the_driver_s_memory_does_as_well(m);
}

static void without_knowing_the_graph(const struct moving *m)
{
    replace(ALQ_FN_cuStreamGetCaptureInfo_v2, no_information);
    replace(ALQ_FN_cuStreamGetCaptureInfo_v3, no_newer_information);
    the_driver_s_memory_does_as_well(m);
}

static void with_an_older_way_of_asking(const struct moving *m)
{
    replace(ALQ_FN_cuStreamGetCaptureInfo_v3, no_newer_information);
    CUdeviceptr result = result_word();
    launch_graph(instantiate(whole_graph(m, 10 * MIB, 4, result), 0), NULL);
    CHECK_EQ(result_of(result), 0);
    CHECK_EQ(moving_movable(m), 10 * MIB);
}

static void without_a_node_between_two_uses_there_is_no_second(const struct moving *m)
{
    replace(ALQ_FN_cuGraphAddEmptyNode, no_node);
    CUstream stream = moving_stream();
    capture_begin(stream);
    CUdeviceptr block = draw(10 * MIB, stream);
    CHECK_EQ(CU(cuMemFreeAsync)(block, stream), CUDA_SUCCESS);
    CHECK(draw(10 * MIB, stream) != block);
    CHECK_EQ(moving_movable(m), 20 * MIB);
    destroy_graph(capture_end(stream));
    CHECK(comes_to_rest(m, 0));
}

static void a_launch_that_is_captured_allocates_when_its_graph_is_launched(const struct moving *m)
{
    CUdeviceptr address;
    CUstream stream = moving_stream();
    CUgraph graph = leaving_graph(m, 10 * MIB, 4, &address);
    CUgraphExec exec = instantiate(graph, 0);
    void *launch = replace(ALQ_FN_cuGraphLaunch, captured_launch);
    capture_begin(stream);
    launch_graph(exec, stream);
    launch_graph(exec, stream);
    CUgraphExec outer = instantiate(capture_end(stream), 0);
    replace(ALQ_FN_cuGraphLaunch, launch);
    CHECK_EQ(CU(cuMemFreeAsync)(address, stream), CUDA_ERROR_INVALID_VALUE);
    launch_graph(outer, stream);
    CHECK_EQ(CU(cuMemFreeAsync)(address, stream), CUDA_SUCCESS);
}

int main(void)
{
    use_as_ours(dlopen(NULL, RTLD_NOW));
    struct world *world = world_open((struct world_config){.memory_bytes = 4096 * MIB, .limit_bytes = 1024 * MIB});
    RUN_MOVING(without_user_objects, world);
    RUN_MOVING(without_a_reference_of_the_graph_s, world);
    RUN_MOVING(without_knowing_the_graph, world);
    RUN_MOVING(with_an_older_way_of_asking, world);
    RUN_MOVING(without_a_node_between_two_uses_there_is_no_second, world);
    RUN_MOVING(a_launch_that_is_captured_allocates_when_its_graph_is_launched, world);
    world_close(world);
    return finish_cases();
}
