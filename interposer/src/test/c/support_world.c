/* See support_world.h. */
#include "support_world.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

const char *library_dir(void)
{
    const char *dir = getenv("ALIQUOT_LIB_DIR");
    return dir == NULL ? "target/native" : dir;
}

const char *simulator_dir(void)
{
    const char *dir = getenv("SIM_LIB_DIR");
    return dir == NULL ? "../gpu-simulator/target/native/580" : dir;
}

static void *open_in(const char *dir, const char *name)
{
    char path[512], real[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    void *library = realpath(path, real) == NULL ? NULL : dlopen(real, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "cannot open %s: %s\n", path, dlerror());
        exit(1);
    }
    return library;
}

#define OPENER(function, dir, name) \
    void *function(void) { \
        static void *library; \
        return library != NULL ? library : (library = open_in(dir, name)); \
    }
static void *own_ours;
static void *opened_ours(void);

void use_as_ours(void *library)
{
    own_ours = library;
}

OPENER(opened_ours, library_dir(), "libaliquot-cuda.so")

void *ours(void)
{
    return own_ours != NULL ? own_ours : opened_ours();
}

OPENER(bare, simulator_dir(), "libcuda.so.1")
OPENER(ours_nvml, library_dir(), "libaliquot-nvml.so")
OPENER(bare_nvml, simulator_dir(), "libnvidia-ml.so.1")

void require_libraries(void)
{
    char path[512];
    snprintf(path, sizeof path, "%s/libcuda.so.1", simulator_dir());
    if (access(path, R_OK) != 0) {
        fprintf(stderr, "there is no simulator at %s: build gpu-simulator first or set SIM_LIB_DIR\n", path);
        exit(1);
    }
}

/* Runs the tool with this program's environment; exits the program when it fails, for nothing can be tested then. */
static void create_node(const struct world *world)
{
    char command[1024];
    snprintf(command, sizeof command, "%s/../aliquot-sim create %s devices=%u,memory=%lluMiB,model=H100,reserved=0MiB,context=%lluMiB,module=%lluMiB",
        simulator_dir(), world->node, world->config.node_devices, (unsigned long long)(world->config.memory_bytes / MIB),
        (unsigned long long)(world->config.context_bytes / MIB), (unsigned long long)(world->config.module_bytes / MIB));
    if (system(command) != 0) {
        fprintf(stderr, "failed: %s\n", command);
        exit(1);
    }
}

/* In a child, so that the program itself never loads a driver. */
static void read_uuids(struct world *world)
{
    int pipes[2];
    if (pipe(pipes) != 0) {
        exit(1);
    }
    pid_t child = fork();
    if (child == 0) {
        char uuids[WORLD_MAX_DEVICES][ALQ_UUID_BYTES] = {{0}};
        nvmlDevice_t device;
        nvmlReturn_t answer = BARE_NV(nvmlInit_v2)();
        for (uint32_t i = 0; answer == NVML_SUCCESS && i < world->config.node_devices; i++) {
            answer = BARE_NV(nvmlDeviceGetHandleByIndex_v2)(i, &device);
            answer = answer != NVML_SUCCESS ? answer : BARE_NV(nvmlDeviceGetUUID)(device, uuids[i], sizeof uuids[i]);
        }
        _exit(answer == NVML_SUCCESS && write(pipes[1], uuids, sizeof uuids) == (ssize_t)sizeof uuids ? 0 : 1);
    }
    close(pipes[1]);
    ssize_t got = read(pipes[0], world->node_uuids, sizeof world->node_uuids);
    close(pipes[0]);
    waitpid(child, NULL, 0);
    if (got != (ssize_t)sizeof world->node_uuids) {
        fprintf(stderr, "the simulator's NVML names no devices\n");
        exit(1);
    }
}

static uint64_t or_else(uint64_t value, uint64_t otherwise)
{
    return value != 0 ? value : otherwise;
}

struct world *world_open(struct world_config config)
{
    require_libraries();
    struct world *world = calloc(1, sizeof *world);
    config.node_devices = (uint32_t)or_else(config.node_devices, 2);
    config.tenant_devices = (uint32_t)or_else(config.tenant_devices, 1);
    config.memory_bytes = or_else(config.memory_bytes, 2048 * MIB);
    config.limit_bytes = or_else(config.limit_bytes, 512 * MIB);
    config.context_bytes = or_else(config.context_bytes, 16 * MIB);
    config.estimate_bytes = or_else(config.estimate_bytes, config.context_bytes);
    config.module_bytes = or_else(config.module_bytes, 2 * MIB);
    config.agent_wait_ms = (uint32_t)or_else(config.agent_wait_ms, PATIENCE_MS);
    world->config = config;
    const char *base = getenv("TMPDIR");
    snprintf(world->root, sizeof world->root, "%.90s/aliquot-test.XXXXXX", base == NULL ? "/tmp" : base);
    if (mkdtemp(world->root) == NULL) {
        perror("mkdtemp");
        exit(1);
    }
    snprintf(world->node, sizeof world->node, "%s/node", world->root);
    snprintf(world->tenant, sizeof world->tenant, "%s/tenant", world->root);
    mkdir(world->tenant, 0755);
    create_node(world);
    setenv("ALIQUOT_SIM_DIR", world->node, 1);
    setenv(ALQ_TENANT_DIR_ENV, world->tenant, 1);
    read_uuids(world);
    if (!config.no_agent) {
        world_start_agent(world);
    }
    return world;
}

const char *world_uuid(const struct world *world, uint32_t slice_index)
{
    return world->node_uuids[world->config.node_devices - world->config.tenant_devices + slice_index];
}

void world_prepare_agent(struct world *world)
{
    const char *uuids[WORLD_MAX_DEVICES];
    uint64_t limits[WORLD_MAX_DEVICES];
    char real[4096];
    for (uint32_t i = 0; i < world->config.tenant_devices; i++) {
        uuids[i] = world_uuid(world, i);
        limits[i] = world->config.limit_bytes;
    }
    world->next = test_agent_prepare(&(struct test_agent_config){.dir = world->tenant,
        .library_dir = realpath(world->config.library_dir != NULL ? world->config.library_dir : simulator_dir(), real),
        .device_count = world->config.tenant_devices,
        .uuids = uuids,
        .limit_bytes = limits,
        .slack_bytes = world->config.slack_bytes,
        .context_estimate_bytes = world->config.estimate_bytes,
        .agent_wait_ms = world->config.agent_wait_ms});
    if (world->next == NULL) {
        exit(1);
    }
}

void world_next_agent(struct world *world)
{
    world->agent = world->next;
    world->next = NULL;
    if (!test_agent_go(world->agent)) {
        fprintf(stderr, "the agent did not start\n");
        exit(1);
    }
}

void world_start_agent(struct world *world)
{
    world_prepare_agent(world);
    world_next_agent(world);
}

void world_close(struct world *world)
{
    test_agent_stop(world->agent, 1);
    char command[256];
    snprintf(command, sizeof command, "rm -rf -- '%s'", world->root);
    if (system(command) != 0) {
        fprintf(stderr, "cannot remove %s\n", world->root);
    }
    free(world);
}

static void start_bare_nvml(void)
{
    static pid_t started;
    if (started != getpid()) {
        started = getpid();
        BARE_NV(nvmlInit_v2)();
    }
}

uint64_t truth_bytes(const struct world *world, uint32_t slice_index, pid_t pid)
{
    static nvmlProcessInfo_v2_t list[4096];
    nvmlDevice_t device;
    unsigned int count = sizeof list / sizeof list[0];
    uint64_t sum = 0;
    start_bare_nvml();
    if (BARE_NV(nvmlDeviceGetHandleByUUID)(world_uuid(world, slice_index), &device) != NVML_SUCCESS ||
        BARE_NV(nvmlDeviceGetComputeRunningProcesses_v3)(device, &count, list) != NVML_SUCCESS) {
        return UINT64_MAX;
    }
    for (unsigned int i = 0; i < count; i++) {
        sum += list[i].pid == (unsigned int)(pid == 0 ? getpid() : pid) ? list[i].usedGpuMemory : 0;
    }
    return sum;
}

uint64_t truth_total(const struct world *world, uint32_t slice_index)
{
    nvmlDevice_t device;
    nvmlMemory_t memory;
    start_bare_nvml();
    if (BARE_NV(nvmlDeviceGetHandleByUUID)(world_uuid(world, slice_index), &device) != NVML_SUCCESS ||
        BARE_NV(nvmlDeviceGetMemoryInfo)(device, &memory) != NVML_SUCCESS) {
        return UINT64_MAX;
    }
    return memory.used;
}

uint64_t used_bytes(const struct world *world)
{
    return test_agent_used(world->agent, 0);
}

/* The tenant's device 0 by UUID: the driver's ordinals are the machine's. */
CUcontext start_cuda(void)
{
    CUcontext context = NULL;
    int count = 0;
    CHECK_EQ(CU(cuInit)(0), CUDA_SUCCESS);
    CHECK_EQ(CU(cuDeviceGetCount)(&count), CUDA_SUCCESS);
    CHECK_EQ(CU(cuDevicePrimaryCtxRetain)(&context, count - 1), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxSetCurrent)(context), CUDA_SUCCESS);
    if (check_failures != 0) {
        end_case();
    }
    return context;
}
