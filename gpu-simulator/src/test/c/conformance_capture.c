/* Stream capture: what becomes part of a graph, and what capture forbids. */
#include "conformance.h"

static CUstreamCaptureStatus status_of(CUstream stream) {
    CUstreamCaptureStatus status = CU_STREAM_CAPTURE_STATUS_NONE;
    OK(cu(cuStreamIsCapturing)(stream, &status));
    return status;
}

static CUstream capturing(CUstreamCaptureMode mode) {
    CUstream stream = conf_stream();
    OK(cu(cuStreamBeginCapture_v2)(stream, mode));
    EQ(status_of(stream), CU_STREAM_CAPTURE_STATUS_ACTIVE);
    return stream;
}

/* Warms up what would allocate at first use, so that a capture sees launches only. */
static CUdeviceptr prepared(void) {
    conf_context();
    CUdeviceptr address = conf_alloc(4 * MIB);
    conf_fill(address, MIB, 0, NULL);
    conf_add(address, MIB, 0, NULL);
    conf_copy(address, address + 2 * MIB, MIB / 2, NULL);
    OK(cu(cuCtxSynchronize)());
    return address;
}

CASE(capture, becomes_a_graph_that_replays) {
    CUgraph graph = NULL;
    size_t nodes = 0;
    CUdeviceptr address = prepared();
    CUstream stream = capturing(CU_STREAM_CAPTURE_MODE_GLOBAL);
    conf_fill(address, MIB, 5, stream);
    conf_add(address, MIB, 2, stream);
    OK(cu(cuMemsetD32Async)(address, 1, 4, stream));
    OK(cu(cuStreamEndCapture)(stream, &graph));
    CHECK(graph != NULL);
    EQ(status_of(stream), CU_STREAM_CAPTURE_STATUS_NONE);
    OK(cu(cuGraphGetNodes)(graph, NULL, &nodes));
    EQ(nodes, 3);
    EQ(conf_mismatches(address, MIB, 0), 0);
    CUgraphExec exec = conf_instantiate(graph);
    for (int i = 0; i < 3; i++) {
        OK(cu(cuGraphLaunch)(exec, stream));
    }
    OK(cu(cuStreamSynchronize)(stream));
    EQ(conf_mismatches(address, 4, 1), 0);
    EQ(conf_mismatches(address + 16, MIB - 4, 7), 0);
    OK(cu(cuGraphExecDestroy)(exec));
    OK(cu(cuGraphDestroy)(graph));
}

CASE(capture, of_nothing_is_an_empty_graph) {
    CUgraph graph = NULL;
    size_t nodes = 77;
    prepared();
    CUstream stream = capturing(CU_STREAM_CAPTURE_MODE_GLOBAL);
    OK(cu(cuStreamEndCapture)(stream, &graph));
    OK(cu(cuGraphGetNodes)(graph, NULL, &nodes));
    EQ(nodes, 0);
    CUgraphExec exec = conf_instantiate(graph);
    OK(cu(cuGraphLaunch)(exec, stream));
    OK(cu(cuStreamSynchronize)(stream));
}

static void ends_invalidated(CUstream stream) {
    CUgraph graph = (CUgraph)&stream;
    EQ(status_of(stream), CU_STREAM_CAPTURE_STATUS_INVALIDATED);
    IS(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, cu(cuStreamEndCapture)(stream, &graph));
    CHECK(graph == NULL);
    EQ(status_of(stream), CU_STREAM_CAPTURE_STATUS_NONE);
}

CASE(capture, is_invalidated_by_synchronising_the_stream) {
    prepared();
    CUstream stream = capturing(CU_STREAM_CAPTURE_MODE_RELAXED);
    IS(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, cu(cuStreamSynchronize)(stream));
    ends_invalidated(stream);
}

CASE(capture, is_invalidated_by_querying_the_stream) {
    prepared();
    CUstream stream = capturing(CU_STREAM_CAPTURE_MODE_RELAXED);
    IS(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, cu(cuStreamQuery)(stream));
    ends_invalidated(stream);
}

CASE(capture, global_forbids_allocating) {
    CUdeviceptr refused = 0;
    prepared();
    CUstream stream = capturing(CU_STREAM_CAPTURE_MODE_GLOBAL);
    IS(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, cu(cuMemAlloc_v2)(&refused, 64 * MIB));
    ends_invalidated(stream);
    OK(cu(cuMemFree_v2)(conf_alloc(4 * MIB)));
}

CASE(capture, relaxed_allows_allocating) {
    CUgraph graph = NULL;
    prepared();
    CUstream stream = capturing(CU_STREAM_CAPTURE_MODE_RELAXED);
    CUdeviceptr address = conf_alloc(64 * MIB);
    conf_fill(address, MIB, 9, stream);
    OK(cu(cuStreamEndCapture)(stream, &graph));
    OK(cu(cuGraphLaunch)(conf_instantiate(graph), stream));
    OK(cu(cuStreamSynchronize)(stream));
    EQ(conf_mismatches(address, MIB, 9), 0);
}

CASE(capture, mode_of_the_thread_is_exchanged) {
    CUgraph graph = NULL;
    CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_RELAXED;
    prepared();
    CUstream stream = capturing(CU_STREAM_CAPTURE_MODE_GLOBAL);
    OK(cu(cuThreadExchangeStreamCaptureMode)(&mode));
    EQ(mode, CU_STREAM_CAPTURE_MODE_GLOBAL);
    OK(cu(cuMemFree_v2)(conf_alloc(64 * MIB)));
    OK(cu(cuThreadExchangeStreamCaptureMode)(&mode));
    EQ(mode, CU_STREAM_CAPTURE_MODE_RELAXED);
    OK(cu(cuStreamEndCapture)(stream, &graph));
}

CASE(capture, blocking_stream_forbids_the_default_one) {
    CUstream stream = NULL;
    CUdeviceptr address = prepared();
    uint64_t words = 16;
    uint32_t value = 1;
    void *arguments[] = {&address, &words, &value};
    CUfunction fill = conf_kernel("aliquot_fill");
    OK(cu(cuStreamCreate)(&stream, CU_STREAM_DEFAULT));
    OK(cu(cuStreamBeginCapture_v2)(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
    IS(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, cu(cuLaunchKernel)(fill, 1, 1, 1, 32, 1, 1, 0, NULL, arguments, NULL));
    ends_invalidated(stream);
}

CASE(capture, of_the_default_stream_is_refused) {
    prepared();
    FAILS(cu(cuStreamBeginCapture_v2)(NULL, CU_STREAM_CAPTURE_MODE_GLOBAL));
}

CASE(capture, begins_once_and_ends_once) {
    CUgraph graph = NULL;
    prepared();
    CUstream stream = conf_stream();
    FAILS(cu(cuStreamEndCapture)(stream, &graph));
    OK(cu(cuStreamBeginCapture_v2)(stream, CU_STREAM_CAPTURE_MODE_RELAXED));
    FAILS(cu(cuStreamBeginCapture_v2)(stream, CU_STREAM_CAPTURE_MODE_RELAXED));
}

CASE(capture, spreads_to_other_streams_by_events) {
    CUevent fork_event = NULL;
    CUevent join_event = NULL;
    CUgraph graph = NULL;
    size_t nodes = 0;
    CUdeviceptr one = prepared();
    CUdeviceptr two = conf_alloc(4 * MIB);
    OK(cu(cuEventCreate)(&fork_event, CU_EVENT_DISABLE_TIMING));
    OK(cu(cuEventCreate)(&join_event, CU_EVENT_DISABLE_TIMING));
    CUstream side = conf_stream();
    CUstream stream = capturing(CU_STREAM_CAPTURE_MODE_GLOBAL);
    conf_fill(one, MIB, 3, stream);
    OK(cu(cuEventRecord)(fork_event, stream));
    OK(cu(cuStreamWaitEvent)(side, fork_event, 0));
    EQ(status_of(side), CU_STREAM_CAPTURE_STATUS_ACTIVE);
    conf_copy(two, one, MIB, side);
    OK(cu(cuEventRecord)(join_event, side));
    OK(cu(cuStreamWaitEvent)(stream, join_event, 0));
    conf_add(two, MIB, 1, stream);
    OK(cu(cuStreamEndCapture)(stream, &graph));
    EQ(status_of(side), CU_STREAM_CAPTURE_STATUS_NONE);
    OK(cu(cuGraphGetNodes)(graph, NULL, &nodes));
    EQ(nodes, 3);
    OK(cu(cuGraphLaunch)(conf_instantiate(graph), stream));
    OK(cu(cuStreamSynchronize)(stream));
    EQ(conf_mismatches(two, MIB, 4), 0);
}

CASE(capture, not_joined_again_is_refused) {
    CUevent event = NULL;
    CUgraph graph = NULL;
    CUdeviceptr address = prepared();
    OK(cu(cuEventCreate)(&event, CU_EVENT_DISABLE_TIMING));
    CUstream side = conf_stream();
    CUstream stream = capturing(CU_STREAM_CAPTURE_MODE_RELAXED);
    OK(cu(cuEventRecord)(event, stream));
    OK(cu(cuStreamWaitEvent)(side, event, 0));
    conf_fill(address, MIB, 3, side);
    IS(CUDA_ERROR_STREAM_CAPTURE_UNJOINED, cu(cuStreamEndCapture)(stream, &graph));
}

CASE(capture, recorded_events_are_not_waited_for_by_the_host) {
    CUevent event = NULL;
    prepared();
    OK(cu(cuEventCreate)(&event, CU_EVENT_DISABLE_TIMING));
    CUstream stream = capturing(CU_STREAM_CAPTURE_MODE_RELAXED);
    OK(cu(cuEventRecord)(event, stream));
    IS(CUDA_ERROR_CAPTURED_EVENT, cu(cuEventQuery)(event));
}

CASE(capture, has_an_id_and_a_graph) {
    CUstreamCaptureStatus status = CU_STREAM_CAPTURE_STATUS_NONE;
    cuuint64_t ids[2] = {0, 0};
    CUgraph graph = NULL;
    size_t dependencies = 77;
    const CUgraphNode *nodes = NULL;
    CUdeviceptr address = prepared();
    CUstream one = capturing(CU_STREAM_CAPTURE_MODE_RELAXED);
    CUstream two = capturing(CU_STREAM_CAPTURE_MODE_RELAXED);
    OK(cu(cuStreamGetCaptureInfo_v2)(one, &status, &ids[0], NULL, NULL, NULL));
    EQ(status, CU_STREAM_CAPTURE_STATUS_ACTIVE);
    OK(cu(cuStreamGetCaptureInfo_v2)(two, &status, &ids[1], &graph, &nodes, &dependencies));
    CHECK(ids[0] != ids[1]);
    CHECK(graph != NULL);
    EQ(dependencies, 0);
    conf_fill(address, MIB, 1, two);
    OK(cu(cuStreamGetCaptureInfo_v2)(two, &status, &ids[1], &graph, &nodes, &dependencies));
    EQ(dependencies, 1);
}

CASE(capture, keeps_copies_and_host_functions) {
    CUgraph graph = NULL;
    uint32_t *host = NULL;
    CUdeviceptr address = prepared();
    OK(cu(cuMemHostAlloc)((void **)&host, 4 * MIB, 0));
    host[0] = host[MIB - 1] = 0;
    CUstream stream = capturing(CU_STREAM_CAPTURE_MODE_GLOBAL);
    conf_add(address, MIB, 1, stream);
    OK(cu(cuMemcpyDtoHAsync_v2)(host, address, 4 * MIB, stream));
    OK(cu(cuStreamEndCapture)(stream, &graph));
    EQ(host[0], 0);
    CUgraphExec exec = conf_instantiate(graph);
    OK(cu(cuGraphLaunch)(exec, stream));
    OK(cu(cuGraphLaunch)(exec, stream));
    OK(cu(cuStreamSynchronize)(stream));
    EQ(host[0], 2);
    EQ(host[MIB - 1], 2);
}
