/* The count of streams in capture: right however a capture ends, so that it neither hides one nor stops the mover for ever. */
#include "support_gate.h"

#include "capture.h"
#include "thread.h"

#include <sys/wait.h>

static CUcontext context_of_case;

static void start_inside_cuda(void)
{
    int count = 0;
    CHECK_EQ(cuInit(0), CUDA_SUCCESS);
    CHECK_EQ(cuDeviceGetCount(&count), CUDA_SUCCESS);
    CHECK_EQ(cuCtxCreate_v2(&context_of_case, 0, count - 1), CUDA_SUCCESS);
    if (check_failures != 0) {
        end_case();
    }
}

static CUstream begin(CUstreamCaptureMode mode)
{
    CUstream stream = NULL;
    CHECK_EQ(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING), CUDA_SUCCESS);
    CHECK_EQ(cuStreamBeginCapture_v2(stream, mode), CUDA_SUCCESS);
    CHECK(alq_capture_active());
    return stream;
}

static void each_capture_counts_until_it_ends(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    CUgraph graph;
    start_inside_cuda();
    CHECK(!alq_capture_active());
    CUstream first = begin(CU_STREAM_CAPTURE_MODE_RELAXED), second = begin(CU_STREAM_CAPTURE_MODE_RELAXED);
    CHECK_EQ(cuStreamEndCapture(first, &graph), CUDA_SUCCESS);
    CHECK(alq_capture_active());
    CHECK_EQ(cuStreamEndCapture(second, &graph), CUDA_SUCCESS);
    CHECK(!alq_capture_active());
    CHECK_EQ(cuStreamBeginCapture_v2(first, CU_STREAM_CAPTURE_MODE_RELAXED), CUDA_SUCCESS);
    CHECK(alq_capture_active());
    CHECK_EQ(cuStreamEndCapture(first, &graph), CUDA_SUCCESS);
    CUresult answer = cuStreamBeginCaptureToGraph(first, graph, NULL, NULL, 0, CU_STREAM_CAPTURE_MODE_RELAXED);
    CHECK_EQ(alq_capture_active(), answer == CUDA_SUCCESS);
    CHECK(answer == CUDA_SUCCESS || answer == CUDA_ERROR_CALL_REQUIRES_NEWER_DRIVER);
    CHECK_EQ(cuStreamEndCapture(first, &graph) == CUDA_SUCCESS, answer == CUDA_SUCCESS);
    CHECK(!alq_capture_active());
}

static void a_capture_that_does_not_begin_does_not_count(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    CUgraph graph;
    start_inside_cuda();
    CHECK(cuStreamBeginCapture_v2(NULL, CU_STREAM_CAPTURE_MODE_RELAXED) != CUDA_SUCCESS);
    CHECK(!alq_capture_active());
    CUstream stream = begin(CU_STREAM_CAPTURE_MODE_RELAXED);
    CHECK(cuStreamBeginCapture_v2(stream, CU_STREAM_CAPTURE_MODE_RELAXED) != CUDA_SUCCESS);
    CHECK(alq_capture_active());
    CHECK_EQ(cuStreamEndCapture(stream, &graph), CUDA_SUCCESS);
    CHECK(!alq_capture_active());
    CHECK(cuStreamEndCapture(stream, &graph) != CUDA_SUCCESS);
    CHECK(!alq_capture_active());
}

static void a_capture_goes_with_its_stream_and_its_context(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    start_inside_cuda();
    CUstream stream = begin(CU_STREAM_CAPTURE_MODE_RELAXED);
    CHECK_EQ(cuStreamDestroy_v2(stream), CUDA_SUCCESS);
    CHECK(!alq_capture_active());
    begin(CU_STREAM_CAPTURE_MODE_RELAXED);
    CHECK_EQ(cuCtxDestroy_v2(context_of_case), CUDA_SUCCESS);
    CHECK(!alq_capture_active());
}

static void *end_elsewhere(void *stream)
{
    CUgraph graph;
    cuCtxSetCurrent(context_of_case);
    return cuStreamEndCapture(stream, &graph) == CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD ? stream : NULL;
}

static void an_end_that_fails_counts_as_the_driver_says(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    CUgraph graph;
    CUdeviceptr address;
    void *refused = NULL;
    start_inside_cuda();
    CHECK_EQ(cuMemAlloc_v2(&address, 4096), CUDA_SUCCESS);
    CUstream stream = begin(CU_STREAM_CAPTURE_MODE_GLOBAL);
    pthread_join(start(end_elsewhere, stream), &refused);
    CHECK(refused == stream); /* still captured */
    CHECK(alq_capture_active());
    CHECK(cuStreamSynchronize(stream) != CUDA_SUCCESS); /* spoils it */
    CHECK(alq_capture_active());
    CHECK_EQ(cuStreamEndCapture(stream, &graph), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    CHECK(!alq_capture_active());
}

static void *capture_own_stream(void *ends)
{
    CUgraph graph;
    cuCtxSetCurrent(context_of_case);
    CHECK_EQ(cuStreamBeginCapture_v2_ptsz(NULL, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL), CUDA_SUCCESS);
    CHECK(alq_capture_active());
    if (ends != NULL) {
        CHECK_EQ(cuStreamEndCapture(CU_STREAM_PER_THREAD, &graph), CUDA_SUCCESS);
        CHECK(!alq_capture_active());
    }
    return NULL;
}

static void a_thread_s_own_stream_goes_with_the_thread(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    start_inside_cuda();
    pthread_join(start(capture_own_stream, &context_of_case), NULL);
    CHECK(!alq_capture_active());
    pthread_join(start(capture_own_stream, NULL), NULL);
    while (alq_capture_active()) {
        usleep(1000); /* a thread that has been joined may still be on its way out */
    }
}

static void a_child_of_fork_captures_nothing(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    start_inside_cuda();
    begin(CU_STREAM_CAPTURE_MODE_RELAXED);
    pid_t child = fork();
    if (child == 0) {
        _exit(alq_capture_active() ? 1 : 0);
    }
    int status = 1;
    waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
    CHECK(alq_capture_active());
}

struct beginner {
    CUstream stream;
    uint32_t tid, done;
};

static void *begin_at_the_gate(void *argument)
{
    struct beginner *self = argument;
    cuCtxSetCurrent(context_of_case);
    say(&self->tid, alq_thread_self().tid);
    CHECK_EQ(cuStreamBeginCapture_v2(self->stream, CU_STREAM_CAPTURE_MODE_RELAXED), CUDA_SUCCESS);
    say(&self->done, 1);
    return NULL;
}

static void no_capture_begins_at_a_closed_gate(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    struct beginner beginner = {0};
    start_inside_cuda();
    CHECK(alq_gate_arm());
    CHECK_EQ(cuStreamCreate(&beginner.stream, CU_STREAM_NON_BLOCKING), CUDA_SUCCESS);
    close_for_moving();
    pthread_t thread = start(begin_at_the_gate, &beginner);
    CHECK(falls_asleep(&beginner.tid, &beginner.done));
    CHECK(!alq_capture_active());
    alq_gate_open();
    pthread_join(thread, NULL);
    CHECK(alq_capture_active());
}

int main(void)
{
    struct world *world = world_open((struct world_config){.agent_wait_ms = 20000});
    RUN(each_capture_counts_until_it_ends, world);
    RUN(a_capture_that_does_not_begin_does_not_count, world);
    RUN(a_capture_goes_with_its_stream_and_its_context, world);
    RUN(an_end_that_fails_counts_as_the_driver_says, world);
    RUN(a_thread_s_own_stream_goes_with_the_thread, world);
    RUN(a_child_of_fork_captures_nothing, world);
    RUN(no_capture_begins_at_a_closed_gate, world);
    world_close(world);
    return finish_cases();
}
