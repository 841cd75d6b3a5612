/* Executable graphs: made, launched, changed. */
#include <stdlib.h>

#include "cuda_copy.h"
#include "cuda_event.h"
#include "cuda_graph.h"
#include "cuda_memory.h"
#include "cuda_user_object.h"

bool sim_step_waits(const struct sim_work *work) {
    return work->type != SIM_WORK_RECORD && work->type != SIM_WORK_GRAPH && sim_work_is_long(work);
}

CUresult sim_exec_flatten(struct sim_exec *exec, const struct sim_graph *graph, size_t *capacity) {
    struct sim_node **order = sim_graph_order(graph);
    if (order == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = sim_user_references_copy(&exec->objects, graph->objects) ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
    for (size_t i = 0; i < graph->count && result == CUDA_SUCCESS; i++) {
        if (exec->count == *capacity) {
            size_t wanted = *capacity == 0 ? 16 : *capacity * 2;
            struct sim_step *steps = realloc(exec->steps, wanted * sizeof *steps);
            if (steps == NULL) {
                result = CUDA_ERROR_OUT_OF_MEMORY;
                break;
            }
            exec->steps = steps;
            *capacity = wanted;
        }
        size_t at = exec->count++;
        exec->steps[at] = (struct sim_step){order[i]->work, order[i], order[i]->before_count, true, 0};
        if (order[i]->work.type == SIM_WORK_GRAPH_ALLOC) atomic_fetch_add(&order[i]->work.alloc.block->refs, 1);
        exec->waits |= sim_step_waits(&order[i]->work);
        if (order[i]->work.type == SIM_WORK_CHILD) {
            result = sim_exec_flatten(exec, (struct sim_graph *)order[i]->work.child, capacity);
            exec->steps[at].steps = (unsigned)(exec->count - at - 1);
        }
    }
    free(order);
    return result;
}

void sim_exec_drop_steps(struct sim_exec *exec) {
    for (size_t i = 0; i < exec->count; i++) {
        if (exec->steps[i].work.type == SIM_WORK_GRAPH_ALLOC) sim_graph_block_unref(exec->steps[i].work.alloc.block);
    }
    free(exec->steps);
    exec->steps = NULL;
    exec->count = 0;
    sim_user_references_drop(&exec->objects);
}

void sim_exec_unref(struct sim_exec *exec) {
    if (atomic_fetch_sub(&exec->refs, 1) != 1) return;
    sim_exec_drop_steps(exec);
    sim_handle_free(exec);
}

static CUresult instantiate(struct sim_call *call, CUgraphExec *out, CUgraph handle, unsigned long long flags) {
    SIM_NEED(out != NULL && sim_graph_ok(handle) && (flags & ~15ull) == 0);
    if (flags & CUDA_GRAPH_INSTANTIATE_FLAG_DEVICE_LAUNCH) return CUDA_ERROR_NOT_SUPPORTED;
    struct sim_exec *exec = sim_handle_new(SIM_KIND_EXEC);
    if (exec == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    exec->refs = 1;
    exec->flags = flags;
    exec->ctx = call->ctx;
    size_t capacity = 0;
    CUresult result = sim_exec_flatten(exec, (struct sim_graph *)handle, &capacity);
    if (result != CUDA_SUCCESS) {
        sim_exec_unref(exec);
        return result;
    }
    *out = (CUgraphExec)exec;
    return CUDA_SUCCESS;
}

CUresult cuGraphInstantiateWithFlags(CUgraphExec *out, CUgraph graph, unsigned long long flags) {
    SIM_ENTER_CONTEXT();
    return instantiate(&call, out, graph, flags);
}
static CUresult instantiate_log(CUgraphExec *out, CUgraph graph, CUgraphNode *failed, char *log, size_t length) {
    SIM_ENTER_CONTEXT();
    if (failed != NULL) *failed = NULL;
    if (log != NULL && length > 0) log[0] = '\0';
    return instantiate(&call, out, graph, 0);
}
CUresult cuGraphInstantiate(CUgraphExec *out, CUgraph graph, CUgraphNode *failed, char *log, size_t length) {
    return instantiate_log(out, graph, failed, log, length);
}
CUresult cuGraphInstantiate_v2(CUgraphExec *out, CUgraph graph, CUgraphNode *failed, char *log, size_t length) {
    return instantiate_log(out, graph, failed, log, length);
}

/* Physical memory for every allocation node. launch: what is still allocated since the last one is an error, unless the graph
 * frees it itself or frees are automatic. */
static CUresult fill_blocks(struct sim_exec *exec, bool launch) {
    for (size_t i = 0; i < exec->count; i++) {
        struct sim_step *step = &exec->steps[i];
        if (step->work.type != SIM_WORK_GRAPH_ALLOC) continue;
        struct sim_graph_block *block = step->work.alloc.block;
        if (launch && block->live && !(exec->flags & CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH)) {
            bool freed = false;
            for (size_t j = 0; j < exec->count; j++) {
                freed |= exec->steps[j].work.type == SIM_WORK_GRAPH_FREE && exec->steps[j].work.address == block->range->base;
            }
            SIM_NEED(freed);
        }
        CUresult result = sim_graph_block_fill(block);
        if (result == CUDA_SUCCESS) continue;
        while (i-- > 0) {
            if (exec->steps[i].work.type == SIM_WORK_GRAPH_ALLOC) sim_graph_memory_free(exec->steps[i].work.alloc.block->range->base);
        }
        return result;
    }
    return CUDA_SUCCESS;
}

static CUresult upload(CUgraphExec handle, CUstream where) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(sim_exec_ok(handle));
    struct sim_stream *stream;
    SIM_TRY(sim_stream_resolve(&call, where, &stream));
    struct sim_exec *exec = (struct sim_exec *)handle;
    /* Memory moves to the reserve; the blocks get it when the graph runs. */
    SIM_TRY(fill_blocks(exec, false));
    for (size_t i = 0; i < exec->count; i++) {
        if (exec->steps[i].work.type == SIM_WORK_GRAPH_ALLOC) sim_graph_memory_free(exec->steps[i].work.alloc.block->range->base);
    }
    return CUDA_SUCCESS;
}
CUresult cuGraphUpload(CUgraphExec exec, CUstream stream) { return upload(exec, stream); }
CUresult cuGraphUpload_ptsz(CUgraphExec exec, CUstream stream) { return upload(exec, sim_pts(stream)); }

static CUresult instantiate_params(CUgraphExec *out, CUgraph graph, CUDA_GRAPH_INSTANTIATE_PARAMS *params, bool pts) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(params != NULL);
    params->hErrNode_out = NULL;
    params->result_out = CUDA_GRAPH_INSTANTIATE_ERROR;
    SIM_TRY(instantiate(&call, out, graph, params->flags));
    if (params->flags & CUDA_GRAPH_INSTANTIATE_FLAG_UPLOAD) {
        CUresult result = upload(*out, pts ? sim_pts(params->hUploadStream) : params->hUploadStream);
        if (result != CUDA_SUCCESS) {
            sim_exec_unref((struct sim_exec *)*out);
            return result;
        }
    }
    params->result_out = CUDA_GRAPH_INSTANTIATE_SUCCESS;
    return CUDA_SUCCESS;
}
CUresult cuGraphInstantiateWithParams(CUgraphExec *out, CUgraph graph, CUDA_GRAPH_INSTANTIATE_PARAMS *params) {
    return instantiate_params(out, graph, params, false);
}
CUresult cuGraphInstantiateWithParams_ptsz(CUgraphExec *out, CUgraph graph, CUDA_GRAPH_INSTANTIATE_PARAMS *params) {
    return instantiate_params(out, graph, params, true);
}

CUresult cuGraphExecDestroy(CUgraphExec handle) {
    SIM_ENTER();
    SIM_NEED(sim_exec_ok(handle));
    struct sim_exec *exec = (struct sim_exec *)handle;
    atomic_store(&exec->head.kind, SIM_KIND_DEAD_STREAM);
    sim_exec_unref(exec);
    return CUDA_SUCCESS;
}
CUresult cuGraphExecGetFlags(CUgraphExec handle, cuuint64_t *out) {
    SIM_ENTER();
    SIM_NEED(sim_exec_ok(handle) && out != NULL);
    *out = ((struct sim_exec *)handle)->flags;
    return CUDA_SUCCESS;
}

bool sim_exec_is_long(const struct sim_exec *exec) { return exec->waits; }

CUresult sim_exec_run(struct sim_exec *exec, struct sim_context *ctx) {
    for (size_t i = 0; i < exec->count; i++) {
        struct sim_step *step = &exec->steps[i];
        if (!step->enabled) continue;
        CUresult result = CUDA_SUCCESS;
        switch (step->work.type) {
        case SIM_WORK_GRAPH_ALLOC: result = sim_graph_block_fill(step->work.alloc.block); break;
        case SIM_WORK_GRAPH_FREE: sim_graph_memory_free(step->work.address); break;
        case SIM_WORK_CHILD: break; /* its nodes follow */
        case SIM_WORK_RECORD:
            if (sim_handle_is(step->work.event, SIM_KIND_EVENT)) result = sim_event_record_run((struct sim_event *)step->work.event);
            break;
        case SIM_WORK_WAIT:
            if (sim_handle_is(step->work.event, SIM_KIND_EVENT)) {
                struct sim_mark *mark = sim_event_mark((struct sim_event *)step->work.event);
                if (mark != NULL) sim_mark_wait(mark, ctx);
                sim_mark_unref(mark);
            }
            break;
        default: result = sim_work_run(&step->work, ctx);
        }
        if (result != CUDA_SUCCESS) return result;
    }
    return CUDA_SUCCESS;
}

static CUresult launch(CUgraphExec handle, CUstream where) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(sim_exec_ok(handle));
    struct sim_stream *stream;
    SIM_TRY(sim_stream_resolve(&call, where, &stream));
    struct sim_exec *exec = (struct sim_exec *)handle;
    if (sim_stream_capturing(stream)) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    SIM_TRY(fill_blocks(exec, true));
    atomic_fetch_add(&exec->refs, 1);
    struct sim_work work = {.type = SIM_WORK_GRAPH, .exec = exec};
    return sim_submit(&call, stream, &work, exec->waits ? SIM_SUBMIT_LONG : 0);
}
CUresult cuGraphLaunch(CUgraphExec exec, CUstream stream) { return launch(exec, stream); }
CUresult cuGraphLaunch_ptsz(CUgraphExec exec, CUstream stream) { return launch(exec, sim_pts(stream)); }
