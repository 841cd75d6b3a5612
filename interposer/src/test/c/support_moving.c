/* See support_moving.h. */
#include "support_moving.h"

#include <unistd.h>


static const char ptx[] = ".version 7.0\n.target sm_70\n.address_size 64\n"
                          ".visible .entry aliquot_fill(.param .u64 p, .param .u64 n, .param .u32 v)\n{\n\tret;\n}\n"
                          ".visible .entry aliquot_add(.param .u64 p, .param .u64 n, .param .u32 v)\n{\n\tret;\n}\n"
                          ".visible .entry aliquot_check(.param .u64 p, .param .u64 n, .param .u32 v, .param .u64 r)\n{\n\tret;\n}\n"
                          ".visible .entry aliquot_spin(.param .u64 n)\n{\n\tret;\n}\n";

void moving_start(struct moving *moving, struct world *world, uint64_t request_bytes)
{
    test_agent_lend(world->agent, 0, request_bytes);
    moving_start_fixed(moving, world);
}

void moving_start_fixed(struct moving *moving, struct world *world)
{
    *moving = (struct moving){.world = world};
    moving->context = start_cuda();
    moving_load(moving);
    int slot = test_agent_slot(world->agent, getpid());
    CHECK(slot >= 0);
    moving->slot = (uint32_t)slot;
    if (check_failures != 0) {
        end_case();
    }
}

void moving_load(struct moving *moving)
{
    CHECK_EQ(CU(cuModuleLoadData)(&moving->module, ptx), CUDA_SUCCESS);
    CHECK_EQ(CU(cuModuleGetFunction)(&moving->fill, moving->module, "aliquot_fill"), CUDA_SUCCESS);
    CHECK_EQ(CU(cuModuleGetFunction)(&moving->add, moving->module, "aliquot_add"), CUDA_SUCCESS);
    CHECK_EQ(CU(cuModuleGetFunction)(&moving->check, moving->module, "aliquot_check"), CUDA_SUCCESS);
    CHECK_EQ(CU(cuModuleGetFunction)(&moving->spin, moving->module, "aliquot_spin"), CUDA_SUCCESS);
}

void run_alone(const char *name, case_body *body, const void *argument)
{
    struct world *world = world_open((struct world_config){.memory_bytes = 4096 * MIB, .limit_bytes = 1024 * MIB});
    run_case(name, body, world, argument);
    world_close(world);
}

static void start_and_run(struct world *world, const void *argument)
{
    moving_body *const *body = argument;
    struct moving moving;
    moving_start(&moving, world, 256 * MIB);
    (*body)(&moving);
}

void run_moving(const char *name, moving_body *body, struct world *world)
{
    run_case(name, start_and_run, world, &body);
}

void run_moving_alone(const char *name, moving_body *body)
{
    run_alone(name, start_and_run, &body);
}

CUdeviceptr moving_alloc(uint64_t bytes)
{
    CUdeviceptr address = 0;
    CHECK_EQ(CU(cuMemAlloc_v2)(&address, bytes), CUDA_SUCCESS);
    return address;
}

CUstream moving_stream(void)
{
    CUstream stream = NULL;
    CHECK_EQ(CU(cuStreamCreate)(&stream, CU_STREAM_NON_BLOCKING), CUDA_SUCCESS);
    return stream;
}

CUdevice moving_device(void)
{
    CUdevice device = -1;
    CHECK_EQ(CU(cuCtxGetDevice)(&device), CUDA_SUCCESS);
    return device;
}

CUdevice moving_peer(void)
{
    CUdevice own = moving_device();
    return own == 0 ? 1 : own - 1;
}

unsigned long long moving_access(CUdevice device, CUdeviceptr address)
{
    unsigned long long flags = UINT64_MAX;
    CUmemLocation location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = device};
    CHECK_EQ(CU(cuMemGetAccess)(&flags, &location, address), CUDA_SUCCESS);
    return flags;
}

static void launch(CUfunction function, CUstream stream, void **parameters)
{
    CHECK_EQ(CU(cuLaunchKernel)(function, 1, 1, 1, 1, 1, 1, 0, stream, parameters, NULL), CUDA_SUCCESS);
}

void moving_fill(const struct moving *moving, CUdeviceptr address, uint64_t bytes, uint32_t value, CUstream stream)
{
    uint64_t words = bytes / 4;
    launch(moving->fill, stream, (void *[]){&address, &words, &value});
}

void moving_filled(const struct moving *moving, CUdeviceptr address, uint64_t bytes, uint32_t value)
{
    moving_fill(moving, address, bytes, value, NULL);
    CHECK_EQ(CU(cuStreamSynchronize)(NULL), CUDA_SUCCESS);
}

void moving_add(const struct moving *moving, CUdeviceptr address, uint64_t bytes, uint32_t value, CUstream stream)
{
    uint64_t words = bytes / 4;
    launch(moving->add, stream, (void *[]){&address, &words, &value});
}

uint64_t moving_wrong(const struct moving *moving, CUdeviceptr address, uint64_t bytes, uint32_t value, CUstream stream)
{
    uint64_t words = bytes / 4, wrong = UINT64_MAX;
    CUdeviceptr result = moving_alloc(8);
    CHECK_EQ(CU(cuMemsetD32Async)(result, 0, 2, stream), CUDA_SUCCESS);
    launch(moving->check, stream, (void *[]){&address, &words, &value, &result});
    CHECK_EQ(CU(cuStreamSynchronize)(stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemcpyDtoH_v2)(&wrong, result, 8), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFree_v2)(result), CUDA_SUCCESS);
    return wrong;
}

void moving_spin(const struct moving *moving, uint64_t ns, CUstream stream)
{
    launch(moving->spin, stream, (void *[]){&ns});
}

static uint64_t read_figure(const uint64_t *figure)
{
    return __atomic_load_n(figure, __ATOMIC_SEQ_CST);
}

uint64_t moving_used(const struct moving *moving)
{
    return read_figure(&moving->world->agent->usage->slots[moving->slot].used_bytes[0]);
}

uint64_t moving_movable(const struct moving *moving)
{
    return read_figure(&moving->world->agent->usage->slots[moving->slot].movable_bytes[0]);
}

uint64_t moving_demoted(const struct moving *moving)
{
    return read_figure(&moving->world->agent->usage->slots[moving->slot].demoted_bytes[0]);
}

uint64_t moving_host_bytes(const struct moving *moving)
{
    return read_figure(&moving->world->agent->control->slots[moving->slot].host_bytes);
}

void moving_resident(const struct moving *moving, uint64_t bytes)
{
    test_agent_set_resident(moving->world->agent, moving->slot, 0, bytes);
}

void moving_leave(const struct moving *moving, uint32_t devices)
{
    test_agent_set_away(moving->world->agent, moving->slot, devices);
    for (uint32_t device = 0; device < moving->world->agent->device_count; device++) {
        if ((devices >> device & 1) != 0) {
            test_agent_set_resident_quietly(moving->world->agent, moving->slot, device, 0);
        }
    }
    test_agent_wake(moving->world->agent, moving->slot);
}

void moving_return(const struct moving *moving)
{
    for (uint32_t device = 0; device < moving->world->agent->device_count; device++) {
        test_agent_set_resident_quietly(moving->world->agent, moving->slot, device, ALQ_RESIDENT_ALL);
    }
    test_agent_set_away(moving->world->agent, moving->slot, 0);
    test_agent_wake(moving->world->agent, moving->slot);
}

uint64_t moving_parked(const struct moving *moving)
{
    return __atomic_load_n(&moving->world->agent->usage->slots[moving->slot].parked, __ATOMIC_SEQ_CST);
}

void moving_park(const struct moving *moving)
{
    moving_leave(moving, 1);
    CHECK(moving_becomes(moving, moving_parked, 1));
}

uint64_t moving_resumes(const struct moving *moving)
{
    return atomic_load(&moving->world->agent->shared->resumes);
}

void moving_credit(const struct moving *moving, uint64_t bytes)
{
    test_agent_set_credit(moving->world->agent, moving->slot, 0, bytes);
}

bool moving_becomes(const struct moving *moving, uint64_t (*figure)(const struct moving *), uint64_t bytes)
{
    for (int i = 0; i < PATIENCE_MS && figure(moving) != bytes; i++) {
        usleep(1000);
    }
    uint64_t figure_bytes = figure(moving), moves = moving_reports(moving);
    if (figure_bytes != bytes && moves != 0) {
        const struct alq_moved *last = &moving->world->agent->shared->moved[(moves - 1) % AGENT_MOVES];
        fprintf(stderr, "  %llu instead of %llu, %llu reports of moves, the last one: outcome %u, %llu bytes\n",
            (unsigned long long)figure_bytes, (unsigned long long)bytes, (unsigned long long)moves, last->outcome,
            (unsigned long long)last->moved_bytes);
    }
    return figure_bytes == bytes;
}

uint64_t moving_reports(const struct moving *moving)
{
    return atomic_load(&moving->world->agent->shared->moves);
}

const struct alq_moved *moving_report(const struct moving *moving, uint64_t since, uint32_t outcome, bool promoted)
{
    const struct agent_shared *shared = moving->world->agent->shared;
    for (int i = 0; i < PATIENCE_MS; i++) {
        for (uint64_t at = since; at < moving_reports(moving); at++) {
            const struct alq_moved *moved = &shared->moved[at % AGENT_MOVES];
            if (moved->outcome == outcome && (moved->promoted != 0) == promoted) {
                return moved;
            }
        }
        usleep(1000);
    }
    check_failed(__FILE__, __LINE__, "a report of that outcome", UINT64_MAX, outcome);
    return NULL;
}

bool moving_chunks_are_back(const struct moving *moving)
{
    const struct agent_shared *shared = moving->world->agent->shared;
    for (int i = 0; i < PATIENCE_MS && atomic_load(&shared->chunks_given) != atomic_load(&shared->chunks_returned); i++) {
        usleep(1000);
    }
    return atomic_load(&shared->chunks_given) == atomic_load(&shared->chunks_returned);
}
