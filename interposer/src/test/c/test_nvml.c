/* The NVML stand-in shows the slice: its devices in its order, its limit, its processes; and says so when there is no tenant. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support_world.h"

#define LIMIT_BYTES (256 * MIB)

/* The tenant's two devices are the last two of three. */
static void start_nvml(void)
{
    CHECK_EQ(NV(nvmlInit_v2)(), NVML_SUCCESS);
    CHECK_EQ(BARE_NV(nvmlInit_v2)(), NVML_SUCCESS);
}

static void devices_are_the_slice_s(struct world *world, const void *argument)
{
    (void)argument;
    start_nvml();
    unsigned int count = 77, index = 77;
    CHECK_EQ(NV(nvmlDeviceGetCount_v2)(&count), NVML_SUCCESS);
    CHECK_EQ(count, 2);
    CHECK_EQ(NV(nvmlDeviceGetCount)(&count), NVML_SUCCESS);
    CHECK_EQ(count, 2);
    for (unsigned int i = 0; i < 2; i++) {
        nvmlDevice_t device = NULL, again = NULL;
        char uuid[96] = "";
        CHECK_EQ(NV(nvmlDeviceGetHandleByIndex_v2)(i, &device), NVML_SUCCESS);
        CHECK_EQ(NV(nvmlDeviceGetHandleByIndex)(i, &again), NVML_SUCCESS);
        CHECK(device == again);
        CHECK_EQ(NV(nvmlDeviceGetUUID)(device, uuid, sizeof uuid), NVML_SUCCESS);
        CHECK(strcmp(uuid, world_uuid(world, i)) == 0);
        CHECK_EQ(NV(nvmlDeviceGetIndex)(device, &index), NVML_SUCCESS);
        CHECK_EQ(index, i);
        CHECK_EQ(NV(nvmlDeviceGetHandleByUUID)(uuid, &again), NVML_SUCCESS);
        CHECK(device == again);
    }
    nvmlDevice_t none;
    CHECK_EQ(NV(nvmlDeviceGetHandleByIndex_v2)(2, &none), NVML_ERROR_INVALID_ARGUMENT);
    CHECK_EQ(NV(nvmlDeviceGetHandleByIndex_v2)(UINT32_MAX, &none), NVML_ERROR_INVALID_ARGUMENT);
}

static void a_device_that_is_not_granted_does_not_exist(struct world *world, const void *argument)
{
    (void)argument;
    start_nvml();
    nvmlDevice_t foreign = NULL, found = NULL;
    nvmlPciInfo_t pci;
    char serial[64] = "";
    CHECK_EQ(BARE_NV(nvmlDeviceGetHandleByIndex_v2)(0, &foreign), NVML_SUCCESS);
    CHECK_EQ(NV(nvmlDeviceGetHandleByUUID)(world->node_uuids[0], &found), NVML_ERROR_NOT_FOUND);
    CHECK(found == NULL);
    CHECK_EQ(NV(nvmlDeviceGetHandleByUUID)("GPU-of-nobody", &found),
        BARE_NV(nvmlDeviceGetHandleByUUID)("GPU-of-nobody", &found));
    if (BARE_NV(nvmlDeviceGetPciInfo_v3)(foreign, &pci) == NVML_SUCCESS) {
        CHECK_EQ(NV(nvmlDeviceGetHandleByPciBusId_v2)(pci.busId, &found), NVML_ERROR_NOT_FOUND);
    }
    if (BARE_NV(nvmlDeviceGetSerial)(foreign, serial, sizeof serial) == NVML_SUCCESS) {
        CHECK_EQ(NV(nvmlDeviceGetHandleBySerial)(serial, &found), NVML_ERROR_NOT_FOUND);
    }
    nvmlMemory_t memory;
    unsigned int index, count = 0;
    CHECK_EQ(NV(nvmlDeviceGetMemoryInfo)(foreign, &memory), NVML_ERROR_INVALID_ARGUMENT);
    CHECK_EQ(NV(nvmlDeviceGetIndex)(foreign, &index), NVML_ERROR_INVALID_ARGUMENT);
    CHECK_EQ(NV(nvmlDeviceGetComputeRunningProcesses_v3)(foreign, &count, NULL), NVML_ERROR_INVALID_ARGUMENT);
}

static void memory_is_the_limit_and_adds_up(struct world *world, const void *argument)
{
    (void)argument;
    start_nvml();
    start_cuda();
    CUdeviceptr address;
    CHECK_EQ(CU(cuMemAlloc_v2)(&address, 64 * MIB), CUDA_SUCCESS);
    nvmlDevice_t device;
    CHECK_EQ(NV(nvmlDeviceGetHandleByUUID)(world_uuid(world, 1), &device), NVML_SUCCESS);
    nvmlMemory_t first;
    nvmlMemory_v2_t second = {.version = nvmlMemory_v2};
    size_t free_bytes, total_bytes;
    CHECK_EQ(NV(nvmlDeviceGetMemoryInfo)(device, &first), NVML_SUCCESS);
    CHECK_EQ(NV(nvmlDeviceGetMemoryInfo_v2)(device, &second), NVML_SUCCESS);
    CHECK_EQ(CU(cuMemGetInfo_v2)(&free_bytes, &total_bytes), CUDA_SUCCESS);
    CHECK_EQ(first.total, LIMIT_BYTES);
    CHECK_EQ(first.used, 64 * MIB + test_agent_overhead(world->agent, 1));
    CHECK_EQ(first.free, first.total - first.used);
    CHECK_EQ(first.free, free_bytes);
    CHECK_EQ(second.total, first.total);
    CHECK_EQ(second.used, first.used);
    CHECK_EQ(second.free, first.free);
    CHECK_EQ(second.reserved, 0);
    second.version = 1;
    CHECK_EQ(NV(nvmlDeviceGetMemoryInfo_v2)(device, &second), BARE_NV(nvmlDeviceGetMemoryInfo_v2)(device, &second));
    CHECK_EQ(NV(nvmlDeviceGetMemoryInfo)(device, NULL), BARE_NV(nvmlDeviceGetMemoryInfo)(device, NULL));
    CHECK_EQ(NV(nvmlDeviceGetMemoryInfo)(NULL, &first), BARE_NV(nvmlDeviceGetMemoryInfo)(NULL, &first));
    nvmlBAR1Memory_t bar1, bare_bar1;
    memset(&bar1, 0, sizeof bar1);
    memset(&bare_bar1, 0, sizeof bare_bar1);
    CHECK_EQ(NV(nvmlDeviceGetBAR1MemoryInfo)(device, &bar1), BARE_NV(nvmlDeviceGetBAR1MemoryInfo)(device, &bare_bar1));
    CHECK(memcmp(&bar1, &bare_bar1, sizeof bar1) == 0);
}

static void memory_never_underflows(struct world *world, const void *argument)
{
    (void)argument;
    start_nvml();
    nvmlDevice_t device;
    nvmlMemory_t memory;
    CHECK_EQ(NV(nvmlDeviceGetHandleByIndex_v2)(1, &device), NVML_SUCCESS);
    atomic_store(&world->agent->shared->other_used_bytes[1], UINT64_MAX);
    CHECK(agent_ticks(world));
    CHECK_EQ(NV(nvmlDeviceGetMemoryInfo)(device, &memory), NVML_SUCCESS);
    CHECK_EQ(memory.total, LIMIT_BYTES);
    CHECK_EQ(memory.used, LIMIT_BYTES);
    CHECK_EQ(memory.free, 0);
    atomic_store(&world->agent->shared->other_used_bytes[1], 0);
    CHECK(agent_ticks(world));
}

/* A process of the machine that is no tenant's: uses the bare driver on the tenant's device. */
static pid_t start_foreigner(int *ready)
{
    int ends[2];
    CHECK_EQ(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        CUcontext context;
        CUdeviceptr address;
        int count;
        char ok = BARE(cuInit)(0) == CUDA_SUCCESS && BARE(cuDeviceGetCount)(&count) == CUDA_SUCCESS &&
            BARE(cuDevicePrimaryCtxRetain)(&context, count - 1) == CUDA_SUCCESS &&
            BARE(cuCtxSetCurrent)(context) == CUDA_SUCCESS && BARE(cuMemAlloc_v2)(&address, 8 * MIB) == CUDA_SUCCESS;
        (void)!write(ends[1], &ok, 1);
        pause();
        _exit(0);
    }
    close(ends[1]);
    char ok = 0;
    CHECK_EQ(read(ends[0], &ok, 1), 1);
    CHECK_EQ(ok, 1);
    *ready = ends[0];
    return child;
}

static void process_lists_are_the_tenant_s(struct world *world, const void *argument)
{
    (void)argument;
    int ready;
    pid_t foreigner = start_foreigner(&ready);
    start_nvml();
    start_cuda();
    nvmlDevice_t device;
    CHECK_EQ(NV(nvmlDeviceGetHandleByUUID)(world_uuid(world, 1), &device), NVML_SUCCESS);
    nvmlProcessInfo_v1_t first[8];
    nvmlProcessInfo_v2_t second[8];
    unsigned int count = 8;
    CHECK_EQ(BARE_NV(nvmlDeviceGetComputeRunningProcesses_v3)(device, &count, second), NVML_SUCCESS);
    CHECK_EQ(count, 2);
    count = 0;
    CHECK_EQ(NV(nvmlDeviceGetComputeRunningProcesses_v3)(device, &count, NULL), NVML_ERROR_INSUFFICIENT_SIZE);
    CHECK_EQ(count, 1);
    CHECK_EQ(NV(nvmlDeviceGetComputeRunningProcesses_v3)(device, &count, second), NVML_SUCCESS);
    CHECK_EQ(count, 1);
    CHECK_EQ(second[0].pid, getpid());
    CHECK_EQ(second[0].usedGpuMemory, truth_bytes(world, 1, 0));
    count = 8;
    CHECK_EQ(NV(nvmlDeviceGetComputeRunningProcesses_v2)(device, &count, second), NVML_SUCCESS);
    CHECK_EQ(count, 1);
    CHECK_EQ(second[0].pid, getpid());
    count = 8;
    CHECK_EQ(NV(nvmlDeviceGetComputeRunningProcesses)(device, &count, first), NVML_SUCCESS);
    CHECK_EQ(count, 1);
    CHECK_EQ(first[0].pid, getpid());
    count = 8;
    CHECK_EQ(NV(nvmlDeviceGetGraphicsRunningProcesses_v3)(device, &count, second),
        BARE_NV(nvmlDeviceGetGraphicsRunningProcesses_v3)(device, &(unsigned int){8}, second));
    CHECK_EQ(NV(nvmlDeviceGetComputeRunningProcesses_v3)(device, NULL, second),
        BARE_NV(nvmlDeviceGetComputeRunningProcesses_v3)(device, NULL, second));
    nvmlProcessDetail_v1_t details[8];
    nvmlProcessDetailList_t list = {
        .version = nvmlProcessDetailList_v1, .mode = NVML_PROCESS_MODE_COMPUTE, .numProcArrayEntries = 8, .procArray = details};
    nvmlReturn_t answer = NV(nvmlDeviceGetRunningProcessDetailList)(device, &list);
    if (answer == NVML_SUCCESS) {
        CHECK_EQ(list.numProcArrayEntries, 1);
        CHECK_EQ(details[0].pid, getpid());
    } else {
        CHECK(answer == NVML_ERROR_NOT_SUPPORTED || answer == NVML_ERROR_FUNCTION_NOT_FOUND);
    }
    kill(foreigner, SIGKILL);
    waitpid(foreigner, NULL, 0);
    close(ready);
}

static void utilisation_is_filtered_by_process_and_untouched_by_device(struct world *world, const void *argument)
{
    (void)argument;
    start_nvml();
    nvmlDevice_t device;
    nvmlUtilization_t with, without;
    CHECK_EQ(NV(nvmlDeviceGetHandleByUUID)(world_uuid(world, 1), &device), NVML_SUCCESS);
    CHECK_EQ(NV(nvmlDeviceGetUtilizationRates)(device, &with), BARE_NV(nvmlDeviceGetUtilizationRates)(device, &without));
    nvmlProcessUtilizationSample_t samples[64];
    unsigned int count = 64;
    nvmlReturn_t answer = NV(nvmlDeviceGetProcessUtilization)(device, samples, &count, 0);
    CHECK(answer != NVML_SUCCESS || count > 0);
    for (unsigned int i = 0; answer == NVML_SUCCESS && i < count; i++) {
        CHECK(test_agent_slot(world->agent, (pid_t)samples[i].pid) >= 0);
    }
}

static void without_a_tenant_no_device_is_shown(struct world *world, const void *argument)
{
    (void)argument;
    (void)world;
    setenv(ALQ_TENANT_DIR_ENV, "/there/is/no/such/directory", 1);
    unsigned int count = 77;
    CHECK_EQ(NV(nvmlInit_v2)(), NVML_ERROR_NOT_READY);
    CHECK_EQ(NV(nvmlInit)(), NVML_ERROR_NOT_READY);
    CHECK_EQ(NV(nvmlInitWithFlags)(0), NVML_ERROR_NOT_READY);
    CHECK_EQ(NV(nvmlDeviceGetCount_v2)(&count), NVML_ERROR_UNINITIALIZED);
    CHECK_EQ(count, 77);
    CHECK_EQ(NV(nvmlShutdown)(), NVML_ERROR_UNINITIALIZED);
    CHECK(NV(nvmlErrorString)(NVML_ERROR_NOT_READY) != NULL);
    CHECK(NV(nvmlErrorString)((nvmlReturn_t)123456) != NULL);
}

static void every_symbol_of_the_driver_is_there(struct world *world, const void *argument)
{
    (void)argument;
    (void)world;
    static const char *const names[] = {
#define PASS(name) #name,
#define HOOK(name, family, class) #name,
#include "nvml_functions.def"
#undef PASS
#undef HOOK
    };
    Dl_info info;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        void *function = dlsym(ours_nvml(), names[i]);
        bool is_ours = function != NULL && dladdr(function, &info) != 0 && strstr(info.dli_fname, "aliquot-nvml") != NULL;
        if (!is_ours) {
            fprintf(stderr, "  %s is not exported\n", names[i]);
        }
        CHECK(is_ours);
    }
    CHECK_EQ(NV(nvmlInit_v2)(), NVML_SUCCESS);
    if (dlsym(bare_nvml(), "nvmlSystemGetCPER_v1") == NULL) {
        nvmlReturn_t (*absent)(void *) = (nvmlReturn_t(*)(void *))dlsym(ours_nvml(), "nvmlSystemGetCPER_v1");
        CHECK_EQ(absent(NULL), NVML_ERROR_FUNCTION_NOT_FOUND);
    }
}

int main(void)
{
    struct world *world =
        world_open((struct world_config){.node_devices = 3, .tenant_devices = 2, .limit_bytes = LIMIT_BYTES});
    RUN(devices_are_the_slice_s, world);
    RUN(a_device_that_is_not_granted_does_not_exist, world);
    RUN(memory_is_the_limit_and_adds_up, world);
    RUN(memory_never_underflows, world);
    RUN(process_lists_are_the_tenant_s, world);
    RUN(utilisation_is_filtered_by_process_and_untouched_by_device, world);
    RUN(without_a_tenant_no_device_is_shown, world);
    RUN(every_symbol_of_the_driver_is_there, world);
    world_close(world);
    return finish_cases();
}
