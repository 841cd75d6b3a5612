/* Graphs with memory nodes: the memory is taken by the first upload or launch. */
#include "support_subjects.h"

#include <string.h>

#define AS(name, function) ((__typeof__(name) *)(function))

/* One allocation and its release, so that the graph can be launched again. */
static CUresult make_graph(struct scratch *s, uint64_t bytes)
{
    CUDA_MEM_ALLOC_NODE_PARAMS node;
    CUgraphNode allocation, release;
    memset(&node, 0, sizeof node);
    node.poolProps.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
    node.poolProps.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    node.poolProps.location.id = s->device;
    node.bytesize = bytes;
    CUresult answer = CU(cuGraphCreate)(&s->graph, 0);
    answer = answer ? answer : CU(cuGraphAddMemAllocNode)(&allocation, s->graph, NULL, 0, &node);
    answer = answer ? answer : CU(cuGraphAddMemFreeNode)(&release, s->graph, &allocation, 1, node.dptr);
    return answer ? answer : CU(cuGraphInstantiateWithFlags)(&s->exec, s->graph, 0);
}

static CUresult give_graph(struct scratch *s)
{
    CUresult answer = CU(cuStreamSynchronize)(NULL);
    if (s->exec != NULL) {
        CUresult destroyed = CU(cuGraphExecDestroy)(s->exec);
        answer = answer ? answer : destroyed;
    }
    if (s->graph != NULL) {
        CUresult destroyed = CU(cuGraphDestroy)(s->graph);
        answer = answer ? answer : destroyed;
    }
    s->exec = NULL;
    s->graph = NULL;
    return answer ? answer : CU(cuDeviceGraphMemTrim)(s->device);
}

static CUresult take_launch(void *function, struct scratch *s, uint64_t bytes)
{
    CUresult answer = make_graph(s, bytes);
    answer = answer ? answer : AS(cuGraphLaunch, function)(s->exec, NULL);
    if (answer != CUDA_SUCCESS) {
        give_graph(s);
        return answer;
    }
    return CU(cuStreamSynchronize)(NULL);
}

static CUresult take_upload(void *function, struct scratch *s, uint64_t bytes)
{
    CUresult answer = make_graph(s, bytes);
    answer = answer ? answer : AS(cuGraphUpload, function)(s->exec, NULL);
    if (answer != CUDA_SUCCESS) {
        give_graph(s);
        return answer;
    }
    return CU(cuStreamSynchronize)(NULL);
}

const struct subject subjects_graph[] = {{"cuGraphLaunch", SUBJECT_POOL, take_launch, give_graph, 0},
    {"cuGraphLaunch_ptsz", SUBJECT_POOL, take_launch, give_graph, 0},
    {"cuGraphUpload", SUBJECT_POOL, take_upload, give_graph, 0},
    {"cuGraphUpload_ptsz", SUBJECT_POOL, take_upload, give_graph, 0}, {NULL, SUBJECT_PLAIN, NULL, NULL, 0}};
