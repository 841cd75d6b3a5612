/* Doing a piece of work, and telling the node how long the device was busy with it. */
#include <stdlib.h>
#include <time.h>

#include "cuda_copy.h"
#include "cuda_graph.h"
#include "cuda_memory.h"
#include "cuda_module.h"
#include "cuda_stream.h"

/* Holds the device as long as the node's speed model says; nothing by default. */
static void pace(uint64_t start, uint64_t needed_ns) {
    while (needed_ns != 0) {
        uint64_t past = sim_now_ns() - start;
        if (past >= needed_ns) return;
        uint64_t left = needed_ns - past;
        nanosleep(&(struct timespec){.tv_sec = (time_t)(left / 1000000000), .tv_nsec = (long)(left % 1000000000)}, NULL);
    }
}

static CUresult run_kernel(const struct sim_kernel_work *work, struct sim_context *ctx) {
    const struct sim_kernel *kernel = work->kernel;
    uint64_t start = sim_now_ns();
    CUresult result = kernel->run(work->arguments, ctx);
    pace(start, sim_config()->launch_ns);
    if (!kernel->waits) sim_busy_add(ctx->device, start, sim_now_ns());
    return result;
}

static CUresult run_copy(const CUDA_MEMCPY3D *copy, struct sim_context *ctx) {
    uint64_t start = sim_now_ns(), speed = sim_config()->copy_bytes_per_s;
    CUresult result = sim_copy_run(copy);
    if (speed != 0) {
        double bytes = (double)copy->WidthInBytes * (double)copy->Height * (double)copy->Depth;
        pace(start, (uint64_t)(bytes / (double)speed * 1e9));
    }
    sim_busy_add(ctx->device, start, sim_now_ns());
    return result;
}

static CUresult run_fill(const CUDA_MEMSET_NODE_PARAMS_v2 *fill, struct sim_context *ctx) {
    uint64_t start = sim_now_ns();
    CUresult result = sim_fill_run(fill);
    sim_busy_add(ctx->device, start, sim_now_ns());
    return result;
}

CUresult sim_work_run(struct sim_work *work, struct sim_context *ctx) {
    CUresult sticky = (CUresult)atomic_load_explicit(&ctx->sticky, memory_order_relaxed);
    switch (work->type) {
    case SIM_WORK_EMPTY: return CUDA_SUCCESS;
    case SIM_WORK_KERNEL: return sticky != CUDA_SUCCESS ? CUDA_SUCCESS : run_kernel(&work->kernel, ctx);
    case SIM_WORK_COPY: return sticky != CUDA_SUCCESS ? CUDA_SUCCESS : run_copy(&work->copy, ctx);
    case SIM_WORK_FILL: return sticky != CUDA_SUCCESS ? CUDA_SUCCESS : run_fill(&work->fill, ctx);
    case SIM_WORK_HOST:
        if (work->host.fn != NULL) work->host.fn(work->host.data);
        return CUDA_SUCCESS;
    case SIM_WORK_CALLBACK: work->callback.fn(work->callback.stream, sticky, work->callback.data); return CUDA_SUCCESS;
    case SIM_WORK_RECORD: sim_mark_set(work->mark); return CUDA_SUCCESS;
    case SIM_WORK_WAIT: sim_mark_wait(work->mark, ctx); return CUDA_SUCCESS;
    case SIM_WORK_MEMOP: return sim_memop_run(&work->memop, ctx);
    case SIM_WORK_POOL_FREE: return sim_pool_free_now(work->address);
    case SIM_WORK_MEMORY_FREE: sim_memory_give(work->address); return CUDA_SUCCESS;
    case SIM_WORK_GRAPH_FREE: return sim_graph_memory_free(work->address);
    case SIM_WORK_GRAPH: return sim_exec_run(work->exec, ctx);
    case SIM_WORK_CHILD:
    case SIM_WORK_GRAPH_ALLOC: break; /* flattened, done at launch */
    }
    return CUDA_SUCCESS;
}

bool sim_work_is_long(const struct sim_work *work) {
    const struct sim_config *config = sim_config();
    switch (work->type) {
    case SIM_WORK_KERNEL: {
        const struct sim_kernel *kernel = work->kernel.kernel;
        if (kernel->waits || config->launch_ns != 0) return true;
        return kernel->words >= 0 && work->kernel.arguments[kernel->words] > SIM_SHORT_BYTES / 4;
    }
    case SIM_WORK_COPY:
        return config->copy_bytes_per_s != 0 ||
               work->copy.WidthInBytes * work->copy.Height * work->copy.Depth > SIM_SHORT_BYTES;
    case SIM_WORK_FILL: return work->fill.width * work->fill.elementSize * work->fill.height > SIM_SHORT_BYTES;
    case SIM_WORK_HOST:
    case SIM_WORK_CALLBACK:
    case SIM_WORK_WAIT: return true;
    case SIM_WORK_MEMOP: return sim_memop_waits(&work->memop);
    case SIM_WORK_GRAPH: return sim_exec_is_long(work->exec);
    default: return false;
    }
}

void sim_work_drop(struct sim_work *work) {
    free(work->staged);
    work->staged = NULL;
    if (work->type == SIM_WORK_RECORD || work->type == SIM_WORK_WAIT) sim_mark_unref(work->mark);
    if (work->type == SIM_WORK_GRAPH) sim_exec_unref(work->exec);
}
