/*
 * The table's gated rows: each waits at a closed gate whichever way it is reached, what submits work is among them, and the program's work
 * goes on unharmed while the gate opens and closes.
 */
#include "support_gate.h"

#include <sys/syscall.h>

#include "hooks.h"
#include "support_subjects.h"

struct row {
    const char *name;
    void *entry;
    enum alq_function function;
    bool gated;
};

static const struct row rows[] = {
#define PASS(name) {#name, NULL, ALQ_FN_##name, false},
#define GATE(name) {#name, (void *)&name, ALQ_FN_##name, true},
#define HOOK(name, family, class) {#name, NULL, ALQ_FN_##name, false},
#define GATED(name, family, class) {#name, (void *)&name, ALQ_FN_##name, true},
#define DATA(name)
#include "functions.def"
#undef PASS
#undef GATE
#undef HOOK
#undef GATED
#undef DATA
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])

static void start_inside_cuda(void)
{
    CUcontext context;
    int count = 0;
    CHECK_EQ(cuInit(0), CUDA_SUCCESS);
    CHECK_EQ(cuDeviceGetCount(&count), CUDA_SUCCESS);
    CHECK_EQ(cuDevicePrimaryCtxRetain(&context, count - 1), CUDA_SUCCESS);
    CHECK_EQ(cuCtxSetCurrent(context), CUDA_SUCCESS);
    if (check_failures != 0) {
        end_case();
    }
}

/* ---- rows at a closed gate ----------------------------------------------------------------------------------------- */

struct caller {
    const struct row *row;
    uint32_t tid, done;
};

typedef CUresult with_zeros(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
    uint64_t, uint64_t, uint64_t, uint64_t);

static void *call_with_zeros(void *argument)
{
    struct caller *self = argument;
    say(&self->tid, (uint32_t)syscall(SYS_gettid));
    ((with_zeros *)self->row->entry)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    say(&self->done, 1);
    return NULL;
}

static void this_row_waits_until_the_gate_opens(struct world *world, const void *argument)
{
    (void)world;
    struct caller caller = {.row = argument};
    start_inside_cuda();
    CHECK(alq_gate_arm());
    close_for_moving();
    pthread_t thread = start(call_with_zeros, &caller);
    CHECK(falls_asleep(&caller.tid, &caller.done));
    alq_gate_open();
    pthread_join(thread, NULL);
    CHECK_EQ(caller.done, 1);
}

/* ---- which rows are gated --------------------------------------------------------------------------------------------- */

static void what_submits_work_by_its_name_is_gated(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    static const char *const names[] = {"cuLaunch", "cuGraphLaunch", "cuGraphUpload", "cuGraphInstantiate", "cuMemcpy", "cuMemset",
        "cuMemPrefetch", "cuMemAdvise", "cuMemDiscard", "cuMemBatch", "cuMemMap", "cuMemUnmap", "cuMemSetAccess", "cuStreamWaitValue",
        "cuStreamWriteValue", "cuStreamBatchMemOp", "cuStreamAddCallback", "cuStreamAttachMem", "cuStreamBeginCapture",
        "cuMemAllocAsync", "cuMemAllocFromPoolAsync", "cuMemFreeAsync", "cuPointer", "cuCtxDestroy", "cuDevicePrimaryCtxReset"};
    for (size_t i = 0; i < ROW_COUNT; i++) {
        for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
            if (strncmp(rows[i].name, names[n], strlen(names[n])) == 0 && !rows[i].gated) {
                fprintf(stderr, "  %s is not gated\n", rows[i].name);
                check_failures++;
            }
        }
    }
}

/* The name that a symbol is looked up by. */
static void base_of(const char *symbol, char *base, size_t bytes)
{
    snprintf(base, bytes, "%s", symbol);
    char *suffix = strstr(base, "_pt");
    if (suffix != NULL) {
        *suffix = 0;
    }
    suffix = strstr(base, "_v");
    if (suffix != NULL) {
        *suffix = 0;
    }
}

static void look_ups_lead_to_the_gate(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    static const int versions[] = {2000, 3020, 4000, 4010, 7000, 8000, 10000, 10010, 11000, 11070, 12000, 12020, 12030, 12080, 13000};
    unsigned int met = 0, reached = 0;
    start_inside_cuda();
    for (size_t i = 0; i < ROW_COUNT; i++) {
        void *real = rows[i].gated ? alq_library_symbol(rows[i].function) : NULL;
        bool looked_up = false;
        char base[128];
        base_of(rows[i].name, base, sizeof base);
        for (size_t v = 0; real != NULL && v < 2 * sizeof versions / sizeof versions[0]; v++) {
            void *without = NULL, *with = NULL;
            cuuint64_t flags = v % 2 == 0 ? 0 : CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM;
            CUdriverProcAddressQueryResult found;
            ALQ_REAL(cuGetProcAddress_v2)(base, &without, versions[v / 2], flags, &found);
            cuGetProcAddress_v2(base, &with, versions[v / 2], flags, &found);
            if (without == real) {
                looked_up = true;
                CHECK(with == rows[i].entry);
            }
        }
        met += real != NULL;
        reached += looked_up;
    }
    CHECK(met > 100);
    CHECK(reached > met * 3 / 4); /* a few symbols are older than look-ups */
}

static void a_gated_row_that_the_driver_lacks_says_so(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    unsigned int lacking = 0;
    start_inside_cuda();
    for (int armed = 0; armed < 2; armed++) {
        for (size_t i = 0; i < ROW_COUNT; i++) {
            if (rows[i].gated && !alq_library_has(rows[i].function)) {
                lacking++;
                CHECK_EQ(((with_zeros *)rows[i].entry)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
                    CUDA_ERROR_CALL_REQUIRES_NEWER_DRIVER);
            }
        }
        CHECK(alq_gate_arm());
    }
    CHECK(lacking > 0);
}

/* ---- a program at work --------------------------------------------------------------------------------------------- */

#define WORDS (1u << 16)
#define WORKERS 6

static uint32_t stop;
static CUfunction fill;

struct worker {
    int kind;
    CUcontext context;
    uint64_t calls, wrong;
} __attribute__((aligned(128)));

/* One call that submits, and what it should have done. */
static bool work_once(struct worker *self, CUdeviceptr address, CUstream stream, unsigned int value)
{
    unsigned long long words = WORDS;
    void *parameters[] = {&address, &words, &value};
    unsigned int first = value, seen = ~value;
    CUresult answer = self->kind == 0 ? cuLaunchKernel(fill, 1, 1, 1, 1, 1, 1, 0, stream, parameters, NULL)
        : self->kind == 1             ? cuMemcpyHtoDAsync_v2(address, &first, sizeof first, stream)
                                      : cuMemsetD32Async(address, value, WORDS, stream);
    return answer == CUDA_SUCCESS && cuStreamSynchronize(stream) == CUDA_SUCCESS
        && cuMemcpyDtoH_v2(&seen, address, sizeof seen) == CUDA_SUCCESS && seen == value;
}

static void *work(void *argument)
{
    struct worker *self = argument;
    CUdeviceptr address = 0;
    CUstream stream = NULL;
    cuCtxSetCurrent(self->context);
    self->wrong += cuMemAlloc_v2(&address, WORDS * 4) != CUDA_SUCCESS;
    self->wrong += cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING) != CUDA_SUCCESS;
    for (unsigned int value = 1; __atomic_load_n(&stop, __ATOMIC_RELAXED) == 0; value++) {
        self->wrong += !work_once(self, address, stream, value);
        __atomic_store_n(&self->calls, self->calls + 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static uint64_t all_calls(const struct worker *workers)
{
    uint64_t calls = 0;
    for (int i = 0; i < WORKERS; i++) {
        calls += __atomic_load_n(&workers[i].calls, __ATOMIC_RELAXED);
    }
    return calls;
}

static void a_program_at_work_stops_and_goes_on(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    static struct worker workers[WORKERS];
    pthread_t threads[WORKERS];
    CUmodule module;
    CUcontext context;
    start_inside_cuda();
    CHECK(alq_gate_arm());
    CHECK_EQ(cuModuleLoadData(&module, subject_ptx), CUDA_SUCCESS);
    CHECK_EQ(cuModuleGetFunction(&fill, module, "aliquot_fill"), CUDA_SUCCESS);
    CHECK_EQ(cuCtxGetCurrent(&context), CUDA_SUCCESS);
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){.kind = i % 3, .context = context};
        threads[i] = start(work, &workers[i]);
    }
    uint64_t end_ns = time_ns() + 15 * SECOND;
    for (int round = 0; round < 200 && time_ns() < end_ns; round++) {
        close_for_moving();
        uint64_t before = all_calls(workers);
        usleep(1000);
        CHECK(all_calls(workers) <= before + WORKERS); /* each may have been past its last gated call */
        alq_gate_open();
        usleep(2000);
    }
    uint64_t before = all_calls(workers);
    while (all_calls(workers) < before + 100) {
        usleep(1000);
    }
    say(&stop, 1);
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
        CHECK_EQ(workers[i].wrong, 0);
    }
}

int main(void)
{
    struct world *world = world_open((struct world_config){.agent_wait_ms = 20000});
    RUN(what_submits_work_by_its_name_is_gated, world);
    RUN(look_ups_lead_to_the_gate, world);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].gated) {
            char name[128];
            snprintf(name, sizeof name, "%s_waits_until_the_gate_opens", rows[i].name);
            run_case(name, this_row_waits_until_the_gate_opens, world, &rows[i]);
        }
    }
    RUN(a_program_at_work_stops_and_goes_on, world);
    world_close(world);
    char older[4096];
    snprintf(older, sizeof older, "%s/../535", simulator_dir());
    world = world_open((struct world_config){.library_dir = realpath(older, NULL), .agent_wait_ms = 20000});
    RUN(a_gated_row_that_the_driver_lacks_says_so, world);
    world_close(world);
    return finish_cases();
}
