/*
 * A process that gives up all of its device: it is bare, then checkpointed, and comes back with its data for whichever call needs the driver
 * first.
 */
#include "support_bare.h"
#include "support_graphs.h"
#include "support_segments.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

static void data_survives_the_dive_and_the_return(const struct moving *m, CUdeviceptr block)
{
    CUdeviceptr result = moving_alloc(8); /* room for check_block's */
    uint64_t truth = truth_bytes(m->world, 0, 0);
    CHECK(truth >= 18 * MIB + BLOCK_BYTES);
    for (uint32_t round = 1; round <= 3; round++) {
        bare_checkpoint(m);
        CHECK_EQ(truth_total(m->world, 0), 0);
        CHECK_EQ(moving_demoted(m), BLOCK_BYTES);
        CHECK_EQ(moving_host_bytes(m), BLOCK_BYTES);
        CHECK_EQ(moving_resumes(m), round - 1);
        check_block(m, block);
        CHECK_EQ(moving_resumes(m), round);
        CHECK_EQ(bare_restores(m), round);
        bare_is_back(m);
        CHECK_EQ(truth_bytes(m->world, 0, 0), truth);
    }
    CHECK_EQ(CU(cuMemFree_v2)(result), CUDA_SUCCESS);
    check_leaves(m, block);
}

/* What all of this is for: the same without going bare. The process is lost. */
static void with_its_imports_kept_a_process_is_never_restored(const struct moving *m, CUdeviceptr block)
{
    (void)block;
    moving_park(m);
    CHECK_EQ(test_agent_order(m->world->agent, m->slot, ORDER_CHECKPOINT_ANYWAY), CUDA_SUCCESS);
    CHECK_EQ(truth_bytes(m->world, 0, 0), 0);
    CHECK_EQ(test_agent_order(m->world->agent, m->slot, ORDER_RESTORE), CUDA_ERROR_NOT_SUPPORTED);
}

static void what_was_demoted_before_comes_back_too(const struct moving *m, CUdeviceptr block)
{
    moving_resident(m, BLOCK_BYTES - 1); /* a piece of it is in a chunk at its own address then */
    CHECK(moving_becomes(m, moving_demoted, 64 * MIB));
    CUdeviceptr kept = moving_alloc(8);
    bare_checkpoint(m);
    check_block(m, block);
    CHECK_EQ(CU(cuMemFree_v2)(kept), CUDA_SUCCESS);
    check_leaves(m, block);
}

static void without_any_chunk_a_process_is_bare_as_well(const struct moving *m, CUdeviceptr block)
{
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
    bare_checkpoint(m);
    block = filled_block(m);
    CHECK_EQ(bare_restores(m), 1);
    check_leaves(m, block);
}

static void memory_that_it_maps_itself_comes_back_too(const struct moving *m, CUdeviceptr block)
{
    CUmemGenericAllocationHandle handle;
    CUdeviceptr range = segment_reserve(60 * MIB), result = moving_alloc(8); /* room for moving_wrong's */
    segment_put(range, 40 * MIB, NULL);
    segment_put(range + 40 * MIB, 20 * MIB, &handle);
    moving_filled(m, range, 60 * MIB, 11);
    bare_checkpoint(m);
    CHECK_EQ(truth_total(m->world, 0), 0);
    CHECK_EQ(moving_wrong(m, range, 60 * MIB, 11, NULL), 0);
    bare_is_back(m);
    /* in a chunk, and mapped nowhere: nobody would find it there */
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_demoted, BLOCK_BYTES + 60 * MIB));
    segment_unmap(range + 40 * MIB, 20 * MIB);
    uint64_t reports = moving_reports(m);
    moving_park(m);
    bare_tell(m, 1);
    bare_stays_hot(m, reports, ALQ_MOVE_FAILED);
    segment_map(range + 40 * MIB, 20 * MIB, handle);
    segment_access(range + 40 * MIB, 20 * MIB, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    CHECK_EQ(moving_wrong(m, range, 60 * MIB, 11, NULL), 0);
    segment_unmap(range, 60 * MIB);
    segment_release(handle);
    CHECK_EQ(CU(cuMemFree_v2)(result), CUDA_SUCCESS);
    check_leaves(m, block);
}

/* ---- who brings it back ------------------------------------------------------------------------------------------- */

static void *looked_up(const char *name)
{
    void *function = NULL;
    CHECK_EQ(CU(cuGetProcAddress_v2)(name, &function, 12000, 0, NULL), CUDA_SUCCESS);
    return function;
}

#define LOOKED_UP(name) ((__typeof__(name) *)functions[at++])

struct called {
    const struct moving *m;
    CUdeviceptr block;
    CUstream stream;
    CUevent event;
};

static void asks_for_memory(const struct called *c)
{
    size_t free_bytes = 0, total_bytes = 0;
    CHECK_EQ(CU(cuMemGetInfo_v2)(&free_bytes, &total_bytes), CUDA_SUCCESS);
    CHECK_EQ(total_bytes, 1024 * MIB);
    (void)c;
}

static void asks_for_the_context(const struct called *c)
{
    CUcontext context = NULL;
    CHECK_EQ(CU(cuCtxGetCurrent)(&context), CUDA_SUCCESS);
    CHECK(context == c->m->context);
}

static void asks_for_a_stream(const struct called *c)
{
    CHECK_EQ(CU(cuStreamQuery)(c->stream), CUDA_SUCCESS);
}

static void asks_for_an_event(const struct called *c)
{
    CHECK_EQ(CU(cuEventQuery)(c->event), CUDA_SUCCESS);
    CHECK_EQ(CU(cuEventQuery)((CUevent)1), CUDA_ERROR_INVALID_HANDLE);
}

/* Seven arguments, one of them on the stack. */
static void asks_for_a_capture(const struct called *c)
{
    CUstreamCaptureStatus status = CU_STREAM_CAPTURE_STATUS_ACTIVE;
    cuuint64_t id = 7;
    CUgraph graph = (CUgraph)1;
    const CUgraphNode *dependencies = NULL;
    const CUgraphEdgeData *edges = NULL;
    size_t count = 7;
    CHECK_EQ(CU(cuStreamGetCaptureInfo_v3)(c->stream, &status, &id, &graph, &dependencies, &edges, &count), CUDA_SUCCESS);
    CHECK_EQ(status, CU_STREAM_CAPTURE_STATUS_NONE);
}

static void synchronizes(const struct called *c)
{
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamSynchronize)(c->stream), CUDA_SUCCESS);
}

static void asks_for_an_address(const struct called *c)
{
    CUcontext context = NULL;
    CHECK_EQ(CU(cuPointerGetAttribute)(&context, CU_POINTER_ATTRIBUTE_CONTEXT, c->block), CUDA_SUCCESS);
    CHECK(context == c->m->context);
}

static void reads_memory(const struct called *c)
{
    uint32_t word = 0;
    CHECK_EQ(CU(cuMemcpyDtoH_v2)(&word, c->block + 130 * MIB, sizeof word), CUDA_SUCCESS);
    CHECK_EQ(word, BLOCK_VALUE);
}

static void takes_memory(const struct called *c)
{
    CHECK_EQ(CU(cuMemFree_v2)(moving_alloc(4096)), CUDA_SUCCESS);
    (void)c;
}

static void looks_a_function_up(const struct called *c)
{
    CHECK(looked_up("cuMemAlloc") == (void *)CU(cuMemAlloc_v2));
    (void)c;
}

static void asks_for_an_error(const struct called *c)
{
    const char *name = NULL;
    CHECK_EQ(CU(cuGetErrorName)(CUDA_ERROR_NOT_READY, &name), CUDA_SUCCESS);
    CHECK(name != NULL);
    (void)c;
}

static void any_call_brings_the_process_back(const struct moving *m, CUdeviceptr block)
{
    static void (*const calls[])(const struct called *) = {asks_for_memory, asks_for_the_context, asks_for_a_stream,
        asks_for_an_event, asks_for_a_capture, synchronizes, asks_for_an_address, reads_memory, takes_memory, looks_a_function_up,
        asks_for_an_error};
    struct called called = {.m = m, .block = block, .stream = moving_stream()};
    CHECK_EQ(CU(cuEventCreate)(&called.event, CU_EVENT_DEFAULT), CUDA_SUCCESS);
    for (uint64_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        bare_checkpoint(m);
        calls[i](&called);
        CHECK_EQ(bare_restores(m), i + 1);
        bare_is_back(m);
        if (check_failures != 0) {
            fprintf(stderr, "  call %llu\n", (unsigned long long)i);
            return;
        }
    }
    check_block(m, block);
    CHECK_EQ(moving_resumes(m), bare_restores(m));
    check_leaves(m, block);
}

static void a_call_by_a_looked_up_address_brings_it_back(const struct moving *m, CUdeviceptr block)
{
    static const char *const names[] = {"cuCtxGetCurrent", "cuStreamQuery", "cuMemGetInfo", "cuEventQuery"};
    void *functions[sizeof names / sizeof names[0]];
    CUstream stream = moving_stream();
    CUcontext context = NULL;
    size_t free_bytes = 0, total_bytes = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        Dl_info info;
        functions[i] = looked_up(names[i]);
        CHECK(dladdr(functions[i], &info) != 0 && strstr(info.dli_fname, "libaliquot-cuda") != NULL);
    }
    int at = 0;
    bare_checkpoint(m);
    CHECK_EQ(LOOKED_UP(cuCtxGetCurrent)(&context), CUDA_SUCCESS);
    CHECK(context == m->context);
    bare_is_back(m);
    bare_checkpoint(m);
    CHECK_EQ(LOOKED_UP(cuStreamQuery)(stream), CUDA_SUCCESS);
    bare_is_back(m);
    bare_checkpoint(m);
    CHECK_EQ(LOOKED_UP(cuMemGetInfo_v2)(&free_bytes, &total_bytes), CUDA_SUCCESS);
    bare_is_back(m);
    bare_checkpoint(m);
    CHECK_EQ(LOOKED_UP(cuEventQuery)(NULL), CUDA_ERROR_INVALID_HANDLE);
    CHECK_EQ(bare_restores(m), 4);
    check_block(m, block);
}

static void many_threads_bring_it_back_together(const struct moving *m, CUdeviceptr block)
{
    pthread_t threads[8];
    struct bare_caller callers[8];
    bare_checkpoint(m);
    atomic_store(&m->world->agent->shared->resume_mode, RESUMES_HELD);
    for (uint32_t i = 0; i < 8; i++) {
        callers[i] = (struct bare_caller){.m = m, .block = block, .number = i};
        CHECK_EQ(pthread_create(&threads[i], NULL, bare_call, &callers[i]), 0);
    }
    CHECK(moving_becomes(m, moving_resumes, 1));
    usleep(50000);
    CHECK_EQ(moving_parked(m), ALQ_PARKED_BARE);
    atomic_store(&m->world->agent->shared->resume_mode, RESUMES_GRANTED);
    for (uint32_t i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK_EQ(moving_resumes(m), 1);
    CHECK_EQ(bare_restores(m), 1);
    check_block(m, block);
    check_leaves(m, block);
}

struct busy {
    const struct moving *m;
    uint32_t go, ends;
};

static void *compute(void *argument)
{
    struct busy *busy = argument;
    CHECK_EQ(CU(cuCtxSetCurrent)(busy->m->context), CUDA_SUCCESS);
    while (!__atomic_load_n(&busy->go, __ATOMIC_SEQ_CST)) {
    }
    CHECK_EQ(CU(cuStreamSynchronize)(NULL), CUDA_SUCCESS);
    __atomic_store_n(&busy->ends, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void a_busy_thread_does_not_keep_it_from_being_bare_and_calls_when_it_likes(const struct moving *m, CUdeviceptr block)
{
    pthread_t thread;
    struct busy busy = {.m = m};
    CHECK_EQ(pthread_create(&thread, NULL, compute, &busy), 0);
    bare_checkpoint(m);
    CHECK_EQ(busy.ends, 0);
    __atomic_store_n(&busy.go, 1, __ATOMIC_SEQ_CST);
    pthread_join(thread, NULL);
    CHECK_EQ(bare_restores(m), 1);
    check_block(m, block);
    check_leaves(m, block);
}

/* Their ends bring it back from being bare, and not from being parked. */
static void graphs_and_their_memory_end_while_that_is_away(const struct moving *m, CUdeviceptr block)
{
    for (int bare = 0; bare <= 1; bare++) {
        CUdeviceptr left, result = result_word();
        CUgraph leaves = leaving_graph(m, 20 * MIB, 5, &left), whole = whole_graph(m, 10 * MIB, 7, result);
        CUgraphExec first = instantiate(leaves, 0), second = instantiate(whole, 0);
        launch_graph(first, NULL);
        launch_graph(second, NULL);
        CHECK_EQ(result_of(result), 0);
        if (bare) {
            bare_checkpoint(m);
        } else {
            moving_park(m);
        }
        CHECK_EQ(moving_demoted(m), BLOCK_BYTES + 30 * MIB);
        destroy_graph(leaves);
        destroy_exec(first);
        destroy_graph(whole);
        CHECK(moving_becomes(m, moving_parked, bare ? ALQ_NOT_PARKED : ALQ_PARKED_HOT));
        launch_graph(second, NULL);
        CHECK_EQ(result_of(result), 0);
        destroy_exec(second);
        CHECK(comes_to_rest(m, BLOCK_BYTES + 20 * MIB));
        CHECK_EQ(moving_wrong(m, left, 20 * MIB, 5, NULL), 0);
        CHECK_EQ(CU(cuMemFree_v2)(left), CUDA_SUCCESS);
        CHECK_EQ(CU(cuMemFree_v2)(result), CUDA_SUCCESS);
        CHECK_EQ(moving_movable(m), BLOCK_BYTES);
        check_block(m, block);
    }
    check_leaves(m, block);
}

int main(void)
{
    RUN_BLOCK(data_survives_the_dive_and_the_return);
    RUN_BLOCK(with_its_imports_kept_a_process_is_never_restored);
    RUN_BLOCK(what_was_demoted_before_comes_back_too);
    RUN_BLOCK(memory_that_it_maps_itself_comes_back_too);
    RUN_BLOCK(without_any_chunk_a_process_is_bare_as_well);
    RUN_BLOCK(any_call_brings_the_process_back);
    RUN_BLOCK(a_call_by_a_looked_up_address_brings_it_back);
    RUN_BLOCK(graphs_and_their_memory_end_while_that_is_away);
    RUN_BLOCK(many_threads_bring_it_back_together);
    RUN_BLOCK(a_busy_thread_does_not_keep_it_from_being_bare_and_calls_when_it_likes);
    return finish_cases();
}
