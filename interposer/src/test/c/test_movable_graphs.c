/*
 * Movable memory of graphs: it moves between launches, lives as long as its graph or anything made of that, and is allocated and freed as CUDA
 * says of memory that a graph allocates.
 */
#include "support_graphs.h"

static void it_moves_between_launches(const struct moving *m)
{
    CUdeviceptr result = result_word();
    CUstream stream = moving_stream();
    uint64_t used = moving_used(m), truth = truth_bytes(m->world, 0, 0);
    CUgraph graph = whole_graph(m, 100 * MIB, 7, result);
    CUgraphExec exec = instantiate(graph, 0);
    CHECK_EQ(moving_used(m), used + 100 * MIB);
    CHECK_EQ(moving_movable(m), 100 * MIB);
    for (uint32_t round = 0; round < 3; round++) {
        launch_graph(exec, stream);
        CHECK_EQ(result_of(result), 0);
        moving_resident(m, round % 2 == 0 ? 0 : ALQ_RESIDENT_ALL);
        CHECK(moving_becomes(m, moving_demoted, round % 2 == 0 ? 100 * MIB : 0));
    }
    CHECK_EQ(truth_bytes(m->world, 0, 0), truth);
    launch_graph(exec, stream);
    CHECK_EQ(result_of(result), 0);
    moving_park(m);
    launch_graph(exec, stream);
    CHECK_EQ(result_of(result), 0);
    CHECK_EQ(moving_resumes(m), 1);
    destroy_exec(exec);
    destroy_graph(graph);
    CHECK(comes_to_rest(m, 0));
    CHECK(moving_becomes(m, moving_used, used));
    CHECK_EQ(moving_demoted(m), 0);
    CHECK(moving_chunks_are_back(m));
}

static void it_keeps_its_data_wherever_it_is(const struct moving *m)
{
    CUdeviceptr address;
    CUstream stream = moving_stream();
    CUgraph graph = leaving_graph(m, 80 * MIB, 5, &address);
    CUgraphExec exec = instantiate(graph, 0);
    launch_graph(exec, stream);
    CHECK_EQ(CU(cuStreamSynchronize)(stream), CUDA_SUCCESS);
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_demoted, 80 * MIB));
    moving_add(m, address, 80 * MIB, 1, stream);
    CHECK_EQ(moving_wrong(m, address, 80 * MIB, 6, stream), 0);
    moving_resident(m, ALQ_RESIDENT_ALL);
    CHECK(moving_becomes(m, moving_demoted, 0));
    CHECK_EQ(moving_wrong(m, address, 80 * MIB, 6, stream), 0);
}

static void it_goes_with_the_graph_and_its_executables_in_any_order(const struct moving *m)
{
    CUdeviceptr result = result_word();
    CUgraph graph = whole_graph(m, 10 * MIB, 1, result);
    CUgraphExec exec = instantiate(graph, 0);
    destroy_graph(graph);
    CHECK(comes_to_rest(m, 10 * MIB));
    launch_graph(exec, NULL);
    CHECK_EQ(result_of(result), 0);
    destroy_exec(exec);
    CHECK(comes_to_rest(m, 0));
    graph = whole_graph(m, 10 * MIB, 2, result);
    exec = instantiate(graph, 0);
    destroy_exec(exec);
    CHECK(comes_to_rest(m, 10 * MIB));
    exec = instantiate(graph, 0);
    launch_graph(exec, NULL);
    CHECK_EQ(result_of(result), 0);
    destroy_exec(exec);
    destroy_graph(graph);
    CHECK(comes_to_rest(m, 0));
}

static void it_stays_until_what_runs_has_ended(const struct moving *m)
{
    CUdeviceptr result = result_word();
    CUstream stream = moving_stream();
    capture_begin(stream);
    CUdeviceptr address = draw(10 * MIB, stream);
    moving_spin(m, SPIN_NS, stream);
    moving_fill(m, address, 10 * MIB, 3, stream);
    captured_check(m, address, 10 * MIB, 3, result, stream);
    CHECK_EQ(CU(cuMemFreeAsync)(address, stream), CUDA_SUCCESS);
    CUgraph graph = capture_end(stream);
    CUgraphExec exec = instantiate(graph, 0);
    launch_graph(exec, stream);
    destroy_graph(graph);
    destroy_exec(exec);
    CHECK_EQ(CU(cuStreamSynchronize)(moving_stream()), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamQuery)(stream), CUDA_ERROR_NOT_READY);
    CHECK_EQ(moving_movable(m), 10 * MIB);
    CHECK_EQ(result_of(result), 0);
    CHECK(comes_to_rest(m, 0));
}

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

static void clones_and_parents_have_it_too(const struct moving *m)
{
    CUdeviceptr address;
    CUgraph clone = NULL, parent = NULL;
    CUgraphNode node = NULL;
    CUstream stream = moving_stream();
    CUgraph graph = leaving_graph(m, 10 * MIB, 5, &address);
    CHECK_EQ(CU(cuGraphClone)(&clone, graph), CUDA_SUCCESS);
    destroy_graph(graph);
    CHECK_EQ(CU(cuGraphCreate)(&parent, 0), CUDA_SUCCESS);
    CHECK_EQ(CU(cuGraphAddChildGraphNode)(&node, parent, NULL, 0, clone), CUDA_SUCCESS);
    destroy_graph(clone);
    CHECK(comes_to_rest(m, 10 * MIB));
    CUgraphExec exec = instantiate(parent, 0);
    destroy_graph(parent);
    launch_graph(exec, stream);
    destroy_exec(exec);
    CHECK(comes_to_rest(m, 10 * MIB));
    CHECK_EQ(moving_wrong(m, address, 10 * MIB, 5, stream), 0);
    CHECK_EQ(CU(cuMemFreeAsync)(address, stream), CUDA_SUCCESS);
    CHECK(comes_to_rest(m, 0));
}

static void an_executable_that_follows_another_graph_has_its_memory(const struct moving *m)
{
    CUgraphExecUpdateResultInfo info;
    CUdeviceptr first, second;
    CUstream stream = moving_stream();
    CUgraph before = leaving_graph(m, 10 * MIB, 5, &first), graph = leaving_graph(m, 20 * MIB, 6, &second);
    CUgraphExec exec = instantiate(before, 0);
    CHECK_EQ(CU(cuGraphExecUpdate_v2)(exec, graph, &info), CUDA_SUCCESS);
    destroy_graph(graph);
    CHECK(comes_to_rest(m, 30 * MIB));
    launch_graph(exec, stream);
    CHECK_EQ(CU(cuMemFreeAsync)(first, stream), CUDA_ERROR_INVALID_VALUE);
    destroy_graph(before);
    CHECK(comes_to_rest(m, 20 * MIB));
    destroy_exec(exec);
    CHECK(comes_to_rest(m, 20 * MIB));
    CHECK_EQ(moving_wrong(m, second, 20 * MIB, 6, stream), 0);
    CHECK_EQ(CU(cuMemFree_v2)(second), CUDA_SUCCESS);
    CHECK(comes_to_rest(m, 0));
}

static void a_capture_that_comes_to_nothing_leaves_nothing(const struct moving *m)
{
    CUgraph graph = NULL;
    CUstream stream = moving_stream();
    capture_begin(stream);
    draw(10 * MIB, stream);
    CHECK(CU(cuStreamSynchronize)(stream) != CUDA_SUCCESS); /* spoils it */
    CUdeviceptr address = 0;
    CHECK(CU(cuMemAllocAsync)(&address, 10 * MIB, stream) != CUDA_SUCCESS);
    CHECK_EQ(moving_movable(m), 10 * MIB);
    CHECK_EQ(CU(cuStreamEndCapture)(stream, &graph), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    CHECK(comes_to_rest(m, 0));
    capture_begin(stream);
    draw(10 * MIB, stream);
    CHECK_EQ(CU(cuStreamDestroy_v2)(stream), CUDA_SUCCESS);
    CHECK(comes_to_rest(m, 0));
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

static void graphs_use_again_what_another_had(const struct moving *m)
{
    CUdeviceptr result = result_word();
    CUgraph graph = whole_graph(m, 10 * MIB, 1, result);
    destroy_graph(graph);
    CHECK_EQ(moving_movable(m), 10 * MIB);
    graph = whole_graph(m, 10 * MIB, 1, result);
    CHECK_EQ(moving_movable(m), 10 * MIB);
    launch_graph(instantiate(graph, 0), NULL);
    CHECK_EQ(result_of(result), 0);
    CHECK(comes_to_rest(m, 10 * MIB));
}

static uint64_t graph_memory(CUgraphMem_attribute which)
{
    cuuint64_t bytes = 0;
    CHECK_EQ(CU(cuDeviceGetGraphMemAttribute)(moving_device(), which, &bytes), CUDA_SUCCESS);
    return bytes;
}

static void it_counts_as_memory_of_graphs(const struct moving *m)
{
    CUdeviceptr result = result_word();
    CUgraph graph = whole_graph(m, 5 * MIB, 1, result);
    CHECK_EQ(graph_memory(CU_GRAPH_MEM_ATTR_USED_MEM_CURRENT), 5 * MIB);
    CHECK_EQ(graph_memory(CU_GRAPH_MEM_ATTR_RESERVED_MEM_CURRENT), 6 * MIB);
    destroy_graph(graph);
    CHECK_EQ(CU(cuDeviceGraphMemTrim)(moving_device()), CUDA_SUCCESS);
    CHECK_EQ(moving_movable(m), 0);
    CHECK_EQ(graph_memory(CU_GRAPH_MEM_ATTR_USED_MEM_CURRENT), 0);
    CHECK_EQ(graph_memory(CU_GRAPH_MEM_ATTR_RESERVED_MEM_CURRENT), 0);
    CHECK_EQ(graph_memory(CU_GRAPH_MEM_ATTR_USED_MEM_HIGH), 5 * MIB);
    cuuint64_t none = 0;
    CHECK_EQ(CU(cuDeviceSetGraphMemAttribute)(moving_device(), CU_GRAPH_MEM_ATTR_USED_MEM_HIGH, &none), CUDA_SUCCESS);
    CHECK_EQ(graph_memory(CU_GRAPH_MEM_ATTR_USED_MEM_HIGH), 0);
    CHECK_EQ(graph_memory(CU_GRAPH_MEM_ATTR_RESERVED_MEM_HIGH), 6 * MIB);
}

static void what_has_no_room_or_is_small_is_the_driver_s(const struct moving *m)
{
    CUdeviceptr result = result_word(), address;
    CUstream stream = moving_stream();
    CUgraph graph = NULL;
    CHECK_EQ(CU(cuGraphCreate)(&graph, 0), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamBeginCaptureToGraph)(stream, graph, NULL, NULL, 0, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL), CUDA_SUCCESS);
    address = draw(10 * MIB, stream);
    CHECK_EQ(CU(cuMemFreeAsync)(address, stream), CUDA_SUCCESS);
    capture_end(stream);
    capture_begin(stream);
    address = draw(MIB - 1, stream);
    CHECK_EQ(CU(cuMemFreeAsync)(address, stream), CUDA_SUCCESS);
    capture_end(stream);
    CHECK_EQ(moving_movable(m), 0);
    CUdeviceptr most = moving_alloc(1000 * MIB);
    CHECK_EQ(moving_movable(m), 1000 * MIB);
    graph = whole_graph(m, 100 * MIB, 3, result);
    CHECK_EQ(moving_movable(m), 1000 * MIB);
    CHECK_EQ(test_agent_refusals(m->world->agent), 0);
    CHECK_EQ(CU(cuMemFree_v2)(most), CUDA_SUCCESS);
    launch_graph(instantiate(graph, 0), stream);
    CHECK_EQ(result_of(result), 0);
    CHECK_EQ(moving_movable(m), 0);
}

static void it_ends_with_the_last_context_of_its_device(const struct moving *m)
{
    CUdeviceptr result = result_word(), address;
    CUgraph graph = whole_graph(m, 10 * MIB, 1, result), leaving = leaving_graph(m, 10 * MIB, 1, &address);
    launch_graph(instantiate(leaving, 0), NULL);
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    CHECK_EQ(CU(cuDevicePrimaryCtxReset_v2)(moving_device()), CUDA_SUCCESS);
    CHECK_EQ(moving_movable(m), 0);
    destroy_graph(graph);
    destroy_graph(leaving);
}

int main(void)
{
    RUN_MOVING_ALONE(it_moves_between_launches);
    RUN_MOVING_ALONE(what_has_no_room_or_is_small_is_the_driver_s);
    RUN_MOVING_ALONE(it_ends_with_the_last_context_of_its_device);
    struct world *world = world_open((struct world_config){.memory_bytes = 4096 * MIB, .limit_bytes = 1024 * MIB});
    RUN_MOVING(it_keeps_its_data_wherever_it_is, world);
    RUN_MOVING(it_goes_with_the_graph_and_its_executables_in_any_order, world);
    RUN_MOVING(it_stays_until_what_runs_has_ended, world);
    RUN_MOVING(what_a_launch_leaves_is_freed_before_the_next, world);
    RUN_MOVING(what_is_freed_on_a_stream_stays_until_that_has_come_so_far, world);
    RUN_MOVING(what_a_launch_leaves_may_be_freed_by_the_next, world);
    RUN_MOVING(what_a_graph_leaves_is_the_program_s, world);
    RUN_MOVING(another_graph_frees_it, world);
    RUN_MOVING(a_graph_that_is_gone_frees_nothing_more, world);
    RUN_MOVING(clones_and_parents_have_it_too, world);
    RUN_MOVING(an_executable_that_follows_another_graph_has_its_memory, world);
    RUN_MOVING(a_capture_that_comes_to_nothing_leaves_nothing, world);
    RUN_MOVING(a_capture_uses_again_what_it_has_freed, world);
    RUN_MOVING(nothing_is_used_again_that_may_be_used_still, world);
    RUN_MOVING(graphs_use_again_what_another_had, world);
    RUN_MOVING(it_counts_as_memory_of_graphs, world);
    world_close(world);
    return finish_cases();
}
