/*
 * Movable memory of graphs, as it is freed: in the graph, outside of it, by other graphs, and what of it may be used again.
 */
#include "support_graphs.h"

static void what_a_launch_leaves_is_freed_before_the_next(const struct moving *m)
{
    CUdeviceptr address;
    CUstream stream = moving_stream();
    CUgraph graph = leaving_graph(m, 10 * MIB, 5, &address);
    CHECK_EQ(CU(cuMemFreeAsync)(address, stream), CUDA_ERROR_INVALID_VALUE); /* nothing has allocated it yet */
    CUgraphExec exec = instantiate(graph, 0);
    launch_graph(exec, stream);
    CHECK_EQ(CU(cuGraphLaunch)(exec, stream), CUDA_ERROR_INVALID_VALUE);
    CHECK_EQ(CU(cuMemFreeAsync)(address, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFreeAsync)(address, stream), CUDA_ERROR_INVALID_VALUE);
    launch_graph(exec, stream);
    CHECK_EQ(moving_wrong(m, address, 10 * MIB, 5, stream), 0);
    CHECK_EQ(CU(cuMemFree_v2)(address), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFree_v2)(address), CUDA_ERROR_INVALID_VALUE);
    launch_graph(exec, stream);
    CHECK_EQ(CU(cuMemFreeAsync)(address, stream), CUDA_SUCCESS);
    CHECK_EQ(moving_movable(m), 10 * MIB);
    destroy_exec(exec);
    destroy_graph(graph);
    CHECK_EQ(CU(cuMemFreeAsync)(address, stream), CUDA_ERROR_INVALID_VALUE);
    CHECK(comes_to_rest(m, 0));
}

static void what_is_freed_on_a_stream_stays_until_that_has_come_so_far(const struct moving *m)
{
    CUdeviceptr address;
    CUstream stream = moving_stream();
    CUgraph graph = leaving_graph(m, 10 * MIB, 5, &address);
    CUgraphExec exec = instantiate(graph, 0);
    launch_graph(exec, NULL);
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    moving_spin(m, SPIN_NS, stream);
    moving_fill(m, address, 10 * MIB, 6, stream);
    CHECK_EQ(CU(cuMemFreeAsync)(address, stream), CUDA_SUCCESS);
    destroy_exec(exec);
    destroy_graph(graph);
    CHECK_EQ(CU(cuStreamSynchronize)(moving_stream()), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamQuery)(stream), CUDA_ERROR_NOT_READY);
    CHECK_EQ(moving_movable(m), 10 * MIB);
    CHECK(comes_to_rest(m, 0));
}

static void what_a_launch_leaves_may_be_freed_by_the_next(const struct moving *m)
{
    CUdeviceptr address;
    CUgraph graph = leaving_graph(m, 10 * MIB, 5, &address);
    CUgraphExec exec = instantiate(graph, CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH);
    for (int i = 0; i < 3; i++) {
        launch_graph(exec, NULL);
    }
    CHECK_EQ(moving_wrong(m, address, 10 * MIB, 5, NULL), 0);
    CHECK_EQ(CU(cuMemFree_v2)(address), CUDA_SUCCESS);
    destroy_exec(exec);
    destroy_graph(graph);
    CHECK(comes_to_rest(m, 0));
}

static void what_a_graph_leaves_is_the_program_s(const struct moving *m)
{
    CUdeviceptr address, other;
    CUstream stream = moving_stream();
    CUgraph graph = leaving_graph(m, 10 * MIB, 5, &address);
    CUgraphExec exec = instantiate(graph, 0);
    launch_graph(exec, stream);
    destroy_graph(graph);
    destroy_exec(exec);
    CHECK(comes_to_rest(m, 10 * MIB));
    graph = leaving_graph(m, 10 * MIB, 8, &other);
    CHECK(other != address);
    exec = instantiate(graph, 0);
    launch_graph(exec, stream);
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_demoted, 20 * MIB));
    CHECK_EQ(moving_wrong(m, address, 10 * MIB, 5, stream), 0);
    CHECK_EQ(moving_wrong(m, other, 10 * MIB, 8, stream), 0);
    CHECK_EQ(CU(cuMemFreeAsync)(address, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFreeAsync)(address, stream), CUDA_ERROR_INVALID_VALUE);
    destroy_graph(graph);
    destroy_exec(exec);
    CHECK_EQ(CU(cuMemFree_v2)(other), CUDA_SUCCESS);
    CHECK(comes_to_rest(m, 0));
    CHECK_EQ(moving_demoted(m), 0);
}

/* A graph that does nothing but free a block, captured or made node by node. */
static CUgraph freeing_graph(CUdeviceptr address, bool by_node)
{
    CUgraph graph = NULL;
    CUgraphNode node = NULL;
    if (!by_node) {
        CUstream stream = moving_stream();
        capture_begin(stream);
        CHECK_EQ(CU(cuMemFreeAsync)(address, stream), CUDA_SUCCESS);
        CHECK_EQ(CU(cuMemFreeAsync)(address, stream), CUDA_ERROR_INVALID_VALUE);
        return capture_end(stream);
    }
    CHECK_EQ(CU(cuGraphCreate)(&graph, 0), CUDA_SUCCESS);
    CHECK_EQ(CU(cuGraphAddMemFreeNode)(&node, graph, NULL, 0, address), CUDA_SUCCESS);
    CHECK_EQ(CU(cuGraphAddMemFreeNode)(&node, graph, NULL, 0, address), CUDA_ERROR_INVALID_VALUE);
    return graph;
}

static void another_graph_frees_it(const struct moving *m)
{
    for (int by_node = 0; by_node < 2; by_node++) {
        CUdeviceptr address;
        CUstream stream = moving_stream();
        CUgraph graph = leaving_graph(m, 10 * MIB, 5, &address), freeing = freeing_graph(address, by_node);
        CUgraphExec exec = instantiate(graph, 0), free_exec = instantiate(freeing, 0);
        for (int i = 0; i < 2; i++) {
            launch_graph(exec, stream);
            CHECK_EQ(moving_wrong(m, address, 10 * MIB, 5, stream), 0);
            launch_graph(free_exec, stream);
        }
        launch_graph(exec, stream);
        destroy_graph(graph);
        destroy_exec(exec);
        CHECK(comes_to_rest(m, 10 * MIB));
        CHECK_EQ(moving_wrong(m, address, 10 * MIB, 5, stream), 0);
        launch_graph(free_exec, stream);
        CHECK(comes_to_rest(m, 0));
        CHECK_EQ(CU(cuMemFreeAsync)(address, stream), CUDA_ERROR_INVALID_VALUE);
        destroy_graph(freeing);
        destroy_exec(free_exec);
    }
}

static void a_graph_that_is_gone_frees_nothing_more(const struct moving *m)
{
    CUdeviceptr address;
    CUgraph graph = leaving_graph(m, 10 * MIB, 5, &address);
    CUgraphExec exec = instantiate(graph, 0);
    CUstream stream = moving_stream();
    destroy_graph(freeing_graph(address, true));
    capture_begin(stream);
    CHECK_EQ(CU(cuMemFreeAsync)(address, stream), CUDA_SUCCESS);
    CHECK(CU(cuStreamSynchronize)(stream) != CUDA_SUCCESS); /* spoils it */
    CUgraph spoiled = NULL;
    CHECK_EQ(CU(cuStreamEndCapture)(stream, &spoiled), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    launch_graph(exec, NULL);
    for (int i = 0; i < 4; i++) { /* of the same names, perhaps */
        CUgraph empty = NULL;
        CHECK_EQ(CU(cuGraphCreate)(&empty, 0), CUDA_SUCCESS);
        launch_graph(instantiate(empty, 0), NULL);
    }
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFreeAsync)(address, NULL), CUDA_SUCCESS); /* it was allocated still */
}

static void a_capture_uses_again_what_it_has_freed(const struct moving *m)
{
    CUdeviceptr results[2] = {result_word(), result_word()};
    CUstream stream = moving_stream();
    capture_begin(stream);
    CUdeviceptr block = draw(10 * MIB, stream);
    moving_fill(m, block, 10 * MIB, 1, stream);
    captured_check(m, block, 10 * MIB, 1, results[0], stream);
    CHECK_EQ(CU(cuMemFreeAsync)(block, stream), CUDA_SUCCESS);
    CHECK(draw(20 * MIB, stream) != block);
    CHECK_EQ(draw(10 * MIB - 5, stream), block);
    CHECK(draw(10 * MIB, stream) != block);
    CHECK_EQ(moving_movable(m), 40 * MIB);
    moving_fill(m, block, 9 * MIB, 2, stream);
    captured_check(m, block, 9 * MIB, 2, results[1], stream);
    CHECK_EQ(CU(cuMemFreeAsync)(block, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFreeAsync)(block, stream), CUDA_ERROR_INVALID_VALUE);
    CUgraphExec exec = instantiate(capture_end(stream), 0);
    launch_graph(exec, stream);
    CHECK_EQ(result_of(results[0]), 0);
    CHECK_EQ(result_of(results[1]), 0);
    CHECK_EQ(CU(cuMemFreeAsync)(block, stream), CUDA_ERROR_INVALID_VALUE);
}

static void nothing_is_used_again_that_may_be_used_still(const struct moving *m)
{
    CUgraphNode node = NULL;
    CUgraph graph = NULL;
    CUstreamCaptureStatus status;
    CUevent event = NULL;
    cuuint64_t id;
    CUstream stream = moving_stream(), other = moving_stream();
    CHECK_EQ(CU(cuEventCreate)(&event, CU_EVENT_DISABLE_TIMING), CUDA_SUCCESS);
    capture_begin(stream);
    CUdeviceptr block = draw(10 * MIB, stream);
    CHECK_EQ(CU(cuEventRecord)(event, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamWaitEvent)(other, event, 0), CUDA_SUCCESS);
    moving_fill(m, block, 10 * MIB, 1, stream);
    CHECK_EQ(CU(cuMemFreeAsync)(block, stream), CUDA_SUCCESS);
    CHECK(draw(10 * MIB, other) != block); /* beside the free, not behind it */
    CHECK_EQ(CU(cuStreamGetCaptureInfo_v2)(stream, &status, &id, &graph, NULL, NULL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuGraphAddEmptyNode)(&node, graph, NULL, 0), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamUpdateCaptureDependencies)(stream, &node, 1, CU_STREAM_SET_CAPTURE_DEPENDENCIES), CUDA_SUCCESS);
    CHECK(draw(10 * MIB, stream) != block);
    CHECK_EQ(moving_movable(m), 30 * MIB);
}

int main(void)
{
    struct world *world = world_open((struct world_config){.memory_bytes = 4096 * MIB, .limit_bytes = 1024 * MIB});
    RUN_MOVING(what_a_launch_leaves_is_freed_before_the_next, world);
    RUN_MOVING(what_is_freed_on_a_stream_stays_until_that_has_come_so_far, world);
    RUN_MOVING(what_a_launch_leaves_may_be_freed_by_the_next, world);
    RUN_MOVING(what_a_graph_leaves_is_the_program_s, world);
    RUN_MOVING(another_graph_frees_it, world);
    RUN_MOVING(a_graph_that_is_gone_frees_nothing_more, world);
    RUN_MOVING(a_capture_uses_again_what_it_has_freed, world);
    RUN_MOVING(nothing_is_used_again_that_may_be_used_still, world);
    world_close(world);
    return finish_cases();
}
