/* See graph_point.h. */
#include "graph_point.h"

#include "hooks.h"

bool alq_point_of(CUstream stream, struct alq_point *point)
{
    CUstreamCaptureStatus status = CU_STREAM_CAPTURE_STATUS_NONE;
    const CUgraphEdgeData *edges = NULL;
    CUresult result =
        ALQ_CALL(cuStreamGetCaptureInfo_v3, stream, &status, &point->capture, &point->graph, &point->nodes, &edges, &point->count);
    if (result == CUDA_ERROR_CALL_REQUIRES_NEWER_DRIVER) {
        result = ALQ_CALL(cuStreamGetCaptureInfo_v2, stream, &status, &point->capture, &point->graph, &point->nodes, &point->count);
    }
    return result == CUDA_SUCCESS && status == CU_STREAM_CAPTURE_STATUS_ACTIVE;
}

cuuint64_t alq_capture_of(CUstream stream)
{
    struct alq_point point;
    return alq_point_of(stream, &point) ? point.capture : 0;
}

bool alq_fence(CUstream stream)
{
    struct alq_point point;
    CUgraphNode node = NULL;
    return alq_point_of(stream, &point)
        && ALQ_CALL(cuGraphAddEmptyNode, &node, point.graph, point.nodes, point.count) == CUDA_SUCCESS
        && ALQ_CALL(cuStreamUpdateCaptureDependencies, stream, &node, 1, CU_STREAM_SET_CAPTURE_DEPENDENCIES) == CUDA_SUCCESS;
}
