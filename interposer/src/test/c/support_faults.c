/* See support_faults.h. */
#include "support_faults.h"

#include <signal.h>
#include <unistd.h>

CUdeviceptr filled_block(const struct moving *m)
{
    CUdeviceptr block = moving_alloc(BLOCK_BYTES);
    moving_filled(m, block, BLOCK_BYTES, BLOCK_VALUE);
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    return block;
}

struct block_case {
    block_body *body;
    bool next_agent;
};

static void start_with_block(struct world *world, const void *argument)
{
    const struct block_case *self = argument;
    struct moving m;
    if (self->next_agent) {
        world_prepare_agent(world);
    }
    moving_start(&m, world, 256 * MIB);
    self->body(&m, filled_block(&m));
}

void run_block(const char *name, block_body *body, bool next_agent)
{
    run_alone(name, start_with_block, &(struct block_case){body, next_agent});
}

void check_block(const struct moving *m, CUdeviceptr block)
{
    CHECK_EQ(moving_wrong(m, block, BLOCK_BYTES, BLOCK_VALUE, NULL), 0);
}

void check_block_counted(const struct moving *m, CUdeviceptr block)
{
    check_block(m, block);
    CHECK_EQ(moving_used(m) + moving_demoted(m), BLOCK_BYTES);
    CHECK_EQ(moving_movable(m), moving_used(m));
}

void check_moves(const struct moving *m, CUdeviceptr block)
{
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_demoted, BLOCK_BYTES));
    check_block_counted(m, block);
    moving_resident(m, ALQ_RESIDENT_ALL);
    CHECK(moving_becomes(m, moving_demoted, 0));
    check_block_counted(m, block);
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
    CHECK_EQ(moving_used(m), 0);
}

void check_leaves(const struct moving *m, CUdeviceptr block)
{
    moving_return(m);
    CHECK(moving_becomes(m, moving_parked, 0));
    CHECK(moving_becomes(m, moving_demoted, 0));
    moving_park(m);
    CHECK_EQ(moving_demoted(m), BLOCK_BYTES);
    uint64_t before = moving_resumes(m);
    check_block(m, block);
    CHECK_EQ(moving_resumes(m), before + 1);
    CHECK(moving_becomes(m, moving_demoted, 0));
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
    CHECK(moving_becomes(m, moving_used, 0));
    CHECK(moving_chunks_are_back(m));
}

void check_nothing_left(const struct world *world)
{
    for (int i = 0; i < PATIENCE_MS && (truth_total(world, 0) != 0 || test_agent_slots(world->agent) != 0); i++) {
        usleep(1000);
    }
    CHECK_EQ(truth_total(world, 0), 0);
    CHECK_EQ(test_agent_slots(world->agent), 0);
}

CUstream busy_stream(const struct moving *m, uint64_t ns)
{
    CUstream stream = moving_stream();
    moving_spin(m, ns, stream);
    return stream;
}

CUstream capturing_stream(void)
{
    CUstream stream = moving_stream();
    CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_RELAXED;
    CHECK_EQ(CU(cuThreadExchangeStreamCaptureMode)(&mode), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamBeginCapture_v2)(stream, CU_STREAM_CAPTURE_MODE_GLOBAL), CUDA_SUCCESS);
    return stream;
}

void kill_agent(const struct world *world)
{
    kill(world->agent->pid, SIGKILL);
    for (;; usleep(1000)) {
        char path[64], state = 'Z';
        snprintf(path, sizeof path, "/proc/%d/stat", (int)world->agent->pid);
        FILE *file = fopen(path, "re");
        if (file != NULL) {
            (void)!fscanf(file, "%*d (%*[^)]) %c", &state);
            fclose(file);
        }
        if (state == 'Z') {
            return;
        }
    }
}
