/*
 * Movable memory of graphs: it moves between launches, and lives as long as its graph or anything made of that.
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
    CUresult begun = CU(cuStreamBeginCaptureToGraph)(stream, graph, NULL, NULL, 0, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
    CHECK(begun == CUDA_SUCCESS || begun == CUDA_ERROR_CALL_REQUIRES_NEWER_DRIVER);
    if (begun == CUDA_SUCCESS) {
        address = draw(10 * MIB, stream);
        CHECK_EQ(CU(cuMemFreeAsync)(address, stream), CUDA_SUCCESS);
        capture_end(stream);
    }
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
    RUN_MOVING(clones_and_parents_have_it_too, world);
    RUN_MOVING(an_executable_that_follows_another_graph_has_its_memory, world);
    RUN_MOVING(a_capture_that_comes_to_nothing_leaves_nothing, world);
    RUN_MOVING(graphs_use_again_what_another_had, world);
    RUN_MOVING(it_counts_as_memory_of_graphs, world);
    world_close(world);
    return finish_cases();
}
