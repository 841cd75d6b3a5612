/* The simulator's libnvidia-ml.so.1 as a program sees it. */
#define _GNU_SOURCE
#include "node.h"
#include "test_support.h"

#include <aliquot/nvml_abi.h>
#include <aliquot/nvml_memory_limits.h>
#include <pthread.h>

#define MIB ((uint64_t)1 << 20)

static nvmlDevice_t device_at(unsigned int index)
{
    nvmlDevice_t device;
    CHECK_EQUAL(nvmlDeviceGetHandleByIndex_v2(index, &device), NVML_SUCCESS);
    return device;
}

static void calls_before_init_and_after_the_last_shutdown_are_refused(void)
{
    unsigned int count;
    CHECK_EQUAL(nvmlDeviceGetCount_v2(&count), NVML_ERROR_UNINITIALIZED);
    CHECK_EQUAL(nvmlShutdown(), NVML_ERROR_UNINITIALIZED);
    CHECK_EQUAL(nvmlInit_v2(), NVML_SUCCESS);
    CHECK_EQUAL(nvmlInitWithFlags(NVML_INIT_FLAG_NO_GPUS), NVML_SUCCESS);
    CHECK_EQUAL(nvmlShutdown(), NVML_SUCCESS);
    CHECK_EQUAL(nvmlDeviceGetCount_v2(&count), NVML_SUCCESS);
    CHECK_EQUAL(nvmlShutdown(), NVML_SUCCESS);
    CHECK_EQUAL(nvmlDeviceGetCount_v2(&count), NVML_ERROR_UNINITIALIZED);
    CHECK(strcmp(nvmlErrorString(NVML_ERROR_GPU_IS_LOST), "GPU is lost") == 0);
    CHECK(strcmp(nvmlErrorString((nvmlReturn_t)12345), "Unknown Error") == 0);
}

static void wrong_arguments_are_refused(void)
{
    nvmlDevice_t device;
    nvmlMemory_t memory;
    char text[8];
    CHECK_EQUAL(nvmlDeviceGetHandleByIndex_v2(99, &device), NVML_ERROR_INVALID_ARGUMENT);
    CHECK_EQUAL(nvmlDeviceGetHandleByIndex_v2(0, NULL), NVML_ERROR_INVALID_ARGUMENT);
    CHECK_EQUAL(nvmlDeviceGetMemoryInfo(NULL, &memory), NVML_ERROR_INVALID_ARGUMENT);
    CHECK_EQUAL(nvmlDeviceGetMemoryInfo((nvmlDevice_t)text, &memory), NVML_ERROR_INVALID_ARGUMENT);
    CHECK_EQUAL(nvmlDeviceGetMemoryInfo(device_at(0), NULL), NVML_ERROR_INVALID_ARGUMENT);
    CHECK_EQUAL(nvmlDeviceGetName(device_at(0), text, sizeof text), NVML_ERROR_INSUFFICIENT_SIZE);
    CHECK_EQUAL(nvmlDeviceGetHandleByUUID("GPU-nobody", &device), NVML_ERROR_NOT_FOUND);
    CHECK_EQUAL(nvmlDeviceGetHandleByPciBusId_v2("zz:00.0", &device), NVML_ERROR_INVALID_ARGUMENT);
    CHECK_EQUAL(nvmlDeviceGetHandleByPciBusId_v2("0000:7f:00.0", &device), NVML_ERROR_NOT_FOUND);
}

static void a_device_is_found_by_index_uuid_serial_and_address(void)
{
    for (unsigned int i = 0; i < sim_config()->device_count; i++) {
        nvmlDevice_t device = device_at(i), again;
        char uuid[NVML_DEVICE_UUID_V2_BUFFER_SIZE], serial[NVML_DEVICE_SERIAL_BUFFER_SIZE];
        nvmlPciInfo_t pci;
        unsigned int index;
        CHECK_EQUAL(nvmlDeviceGetUUID(device, uuid, sizeof uuid), NVML_SUCCESS);
        CHECK(strlen(uuid) == 40 && strncmp(uuid, "GPU-", 4) == 0);
        CHECK(nvmlDeviceGetHandleByUUID(uuid, &again) == NVML_SUCCESS && again == device);
        CHECK_EQUAL(nvmlDeviceGetSerial(device, serial, sizeof serial), NVML_SUCCESS);
        CHECK(nvmlDeviceGetHandleBySerial(serial, &again) == NVML_SUCCESS && again == device);
        CHECK_EQUAL(nvmlDeviceGetPciInfo_v3(device, &pci), NVML_SUCCESS);
        CHECK(nvmlDeviceGetHandleByPciBusId_v2(pci.busId, &again) == NVML_SUCCESS && again == device);
        CHECK(nvmlDeviceGetHandleByPciBusId_v2(pci.busIdLegacy, &again) == NVML_SUCCESS && again == device);
        CHECK(nvmlDeviceGetIndex(again, &index) == NVML_SUCCESS && index == i);
    }
}

static nvmlMemory_v2_t memory_of(nvmlDevice_t device)
{
    nvmlMemory_v2_t memory = {.version = nvmlMemory_v2};
    CHECK_EQUAL(nvmlDeviceGetMemoryInfo_v2(device, &memory), NVML_SUCCESS);
    CHECK_EQUAL(memory.total, memory.reserved + memory.used + memory.free);
    return memory;
}

static void processes_and_memory_are_those_of_the_node(void)
{
    int ready[2], again[2];
    char byte;
    nvmlDevice_t device = device_at(0);
    CHECK(pipe(ready) == 0 && pipe(again) == 0);
    pid_t child = fork();
    if (child == 0) {
        CHECK(sim_node_register_process() && sim_node_context_add(0) && sim_mem_take(0, 300 * MIB));
        do {
            uint64_t now = sim_now_ns();
            sim_busy_add(0, now - 400000000, now);
            CHECK(write(ready[1], "x", 1) == 1);
        } while (read(again[0], &byte, 1) == 1);
        _exit(1);
    }
    CHECK(read(ready[0], &byte, 1) == 1);
    uint64_t held = 300 * MIB + sim_config()->context_bytes;
    CHECK_EQUAL(memory_of(device).used, held);
    nvmlMemory_t old;
    CHECK_EQUAL(nvmlDeviceGetMemoryInfo(device, &old), NVML_SUCCESS);
    CHECK_EQUAL(old.used, held + memory_of(device).reserved);
    CHECK_EQUAL(old.total, old.used + old.free);

    nvmlProcessInfo_t list[4];
    nvmlProcessInfo_v1_t short_list[1];
    unsigned int count = 0;
    CHECK_EQUAL(nvmlDeviceGetComputeRunningProcesses_v3(device, &count, NULL), NVML_ERROR_INSUFFICIENT_SIZE);
    CHECK_EQUAL(count, 1);
    count = 4;
    CHECK_EQUAL(nvmlDeviceGetComputeRunningProcesses_v3(device, &count, list), NVML_SUCCESS);
    CHECK(count == 1 && list[0].pid == (unsigned int)child && list[0].usedGpuMemory == held);
    count = 1;
    CHECK_EQUAL(nvmlDeviceGetComputeRunningProcesses(device, &count, short_list), NVML_SUCCESS);
    CHECK(short_list[0].pid == (unsigned int)child && short_list[0].usedGpuMemory == held);
    count = 0;
    CHECK_EQUAL(nvmlDeviceGetComputeRunningProcesses_v3(device_at(1), &count, NULL), NVML_SUCCESS);
    CHECK_EQUAL(nvmlDeviceGetGraphicsRunningProcesses_v3(device, &count, NULL), NVML_SUCCESS);
    CHECK_EQUAL(count, 0);

    /* The figures are those of the last second: asked for again where this process stalled after the child was busy. */
    nvmlUtilization_t rates;
    nvmlProcessUtilizationSample_t samples[2];
    uint64_t start;
    do {
        sleep_ms(1500); /* what was before has left the window */
        start = sim_now_ns();
        CHECK(write(again[1], "x", 1) == 1 && read(ready[0], &byte, 1) == 1);
        CHECK_EQUAL(nvmlDeviceGetUtilizationRates(device, &rates), NVML_SUCCESS);
        count = 2;
        CHECK_EQUAL(nvmlDeviceGetProcessUtilization(device, samples, &count, 0), NVML_SUCCESS);
    } while (sim_now_ns() - start > 300000000);
    CHECK(rates.gpu >= 30 && rates.gpu <= 45);
    CHECK(count == 1 && samples[0].pid == (unsigned int)child && samples[0].smUtil >= 30);
    count = 2;
    CHECK_EQUAL(nvmlDeviceGetProcessUtilization(device_at(1), samples, &count, 0), NVML_ERROR_NOT_FOUND);

    char name[64];
    CHECK_EQUAL(nvmlSystemGetProcessName((unsigned int)child, name, sizeof name), NVML_SUCCESS);
    CHECK(strstr(name, "nvml_api_test") != NULL);
    kill_child(child);
    CHECK_EQUAL(memory_of(device).used, 0);
    CHECK_EQUAL(nvmlSystemGetProcessName((unsigned int)child, name, sizeof name), NVML_ERROR_NOT_FOUND);
    nvmlMemory_v2_t unversioned = {.version = 7};
    CHECK_EQUAL(nvmlDeviceGetMemoryInfo_v2(device, &unversioned), NVML_ERROR_ARGUMENT_VERSION_MISMATCH);
}

static void *xid_after_a_moment(void *unused)
{
    (void)unused;
    sleep_ms(100);
    sim_xid(1, 31, getpid(), NULL);
    return NULL;
}

static void an_event_set_hears_what_it_registered_for(void)
{
    nvmlEventSet_t set;
    nvmlEventData_t event;
    unsigned long long types;
    CHECK_EQUAL(nvmlEventSetCreate(&set), NVML_SUCCESS);
    CHECK_EQUAL(nvmlEventSetWait_v2(set, &event, 0), NVML_ERROR_TIMEOUT);
    CHECK(sim_xid(1, 13, 0, NULL)); /* before the registration: not for this set */
    CHECK_EQUAL(nvmlDeviceGetSupportedEventTypes(device_at(1), &types), NVML_SUCCESS);
    CHECK_EQUAL(types, 0xff9f);
    CHECK_EQUAL(nvmlDeviceRegisterEvents(device_at(1), 0x40, set), NVML_ERROR_NOT_SUPPORTED);
    CHECK_EQUAL(nvmlDeviceRegisterEvents(device_at(1), nvmlEventTypeXidCriticalError, set), NVML_SUCCESS);
    CHECK(sim_xid(0, 48, 0, NULL)); /* another device */
    CHECK(sim_event_push(1, SIM_EVENT_RECOVERY, 1, 0)); /* another type */
    uint64_t start = sim_now_ns();
    CHECK_EQUAL(nvmlEventSetWait_v2(set, &event, 50), NVML_ERROR_TIMEOUT);
    CHECK(sim_now_ns() - start >= 50000000);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, xid_after_a_moment, NULL) == 0);
    start = sim_now_ns();
    CHECK_EQUAL(nvmlEventSetWait_v2(set, &event, 60000), NVML_SUCCESS);
    CHECK(sim_now_ns() - start < 50000000000); /* by the event, not by the end of the wait */
    CHECK(event.device == device_at(1) && event.eventType == nvmlEventTypeXidCriticalError && event.eventData == 31);
    CHECK(event.gpuInstanceId == 0xffffffffu);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK_EQUAL(nvmlEventSetFree(set), NVML_SUCCESS);
}

static void an_xid_is_in_the_kernel_log_as_the_driver_writes_it(void)
{
    char path[600], line[1200], wanted[200];
    snprintf(path, sizeof path, "%s/kmsg", sim_node_dir());
    const struct sim_device_config *model = &sim_config()->devices[1];
    snprintf(wanted, sizeof wanted, "NVRM: Xid (PCI:%04x:%02x:%02x): 31, pid=%d, name=nvml_api_test, channel", model->pci_domain,
        model->pci_bus, model->pci_device, (int)getpid());
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    int lines = 0, found = 0, announced = 0, unknown_process = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned long long sequence, us;
        int at = 0;
        CHECK(sscanf(line, "6,%llu,%llu,-;%n", &sequence, &us, &at) == 2 && at > 0);
        CHECK_EQUAL(sequence, lines);
        found += strncmp(line + at, wanted, strlen(wanted)) == 0;
        announced += strncmp(line + at, "NVRM: GPU at PCI:", 17) == 0 && strstr(line, model->uuid) != NULL;
        unknown_process += strstr(line, "): 13, Graphics Exception") != NULL;
        lines++;
    }
    fclose(file);
    CHECK_EQUAL(found, 1);
    CHECK_EQUAL(announced, 1);
    CHECK_EQUAL(unknown_process, 1);
}

static void health_values_of_a_drill_are_read_back(void)
{
    nvmlDevice_t device = device_at(0);
    nvmlFieldValue_t fields[3] = {{.fieldId = NVML_FI_DEV_GET_GPU_RECOVERY_ACTION}, {.fieldId = 9999},
        {.fieldId = NVML_FI_DEV_ECC_DBE_VOL_TOTAL}};
    unsigned int correctable, uncorrectable, pending, failure;
    unsigned long long errors;
    sim_health_set(0, SIM_HEALTH_RECOVERY_ACTION, 4);
    sim_health_set(0, SIM_HEALTH_ECC_UNCORRECTED, 3);
    sim_health_set(0, SIM_HEALTH_REMAP_PENDING, 1);
    CHECK_EQUAL(nvmlDeviceGetFieldValues(device, 3, fields), NVML_SUCCESS);
    CHECK(fields[0].nvmlReturn == NVML_SUCCESS && fields[0].value.uiVal == 4 && fields[0].valueType == NVML_VALUE_TYPE_UNSIGNED_INT);
    CHECK_EQUAL(fields[1].nvmlReturn, NVML_ERROR_NOT_SUPPORTED);
    CHECK(fields[2].nvmlReturn == NVML_SUCCESS && fields[2].value.ullVal == 3);
    CHECK_EQUAL(nvmlDeviceGetTotalEccErrors(device, NVML_MEMORY_ERROR_TYPE_UNCORRECTED, NVML_VOLATILE_ECC, &errors), NVML_SUCCESS);
    CHECK_EQUAL(errors, 3);
    CHECK_EQUAL(nvmlDeviceGetRemappedRows(device, &correctable, &uncorrectable, &pending, &failure), NVML_SUCCESS);
    CHECK(pending == 1 && failure == 0);
    sim_health_set(0, SIM_HEALTH_LOST, 1);
    CHECK_EQUAL(nvmlDeviceGetTotalEccErrors(device, NVML_MEMORY_ERROR_TYPE_UNCORRECTED, NVML_VOLATILE_ECC, &errors), NVML_ERROR_GPU_IS_LOST);
    CHECK_EQUAL(nvmlDeviceGetHandleByIndex_v2(0, &device), NVML_ERROR_GPU_IS_LOST);
    device_at(1);
    sim_health_set(0, SIM_HEALTH_LOST, 0);
    device_at(0);
}

static void what_the_models_have_not_is_not_supported(void)
{
    unsigned int value, current, pending;
    nvmlEnableState_t state;
    nvmlDevice_t device = device_at(0), mig;
    CHECK_EQUAL(nvmlDeviceGetMigMode(device, &current, &pending), NVML_SUCCESS);
    CHECK(current == NVML_DEVICE_MIG_DISABLE && pending == NVML_DEVICE_MIG_DISABLE);
    CHECK_EQUAL(nvmlDeviceGetMigDeviceHandleByIndex(device, 0, &mig), NVML_ERROR_NOT_FOUND);
    CHECK_EQUAL(nvmlDeviceGetFanSpeed(device, &value), NVML_ERROR_NOT_SUPPORTED);
    CHECK_EQUAL(nvmlDeviceGetNvLinkState(device, 0, &state), NVML_ERROR_NOT_SUPPORTED);
    CHECK_EQUAL(nvmlDeviceSetMigMode(device, 1, NULL), NVML_ERROR_NOT_SUPPORTED); /* a stub */
}

static void limits_of_a_cgroup_are_stored_and_enforced(void)
{
    nvmlDevice_t device = device_at(1);
    if (geteuid() != 0)
        return;
    char line[4096] = "", path[4200];
    FILE *file = fopen("/proc/self/cgroup", "r");
    CHECK(file != NULL);
    while (fgets(line, sizeof line, file) != NULL && strncmp(line, "0::", 3) != 0)
        line[0] = 0;
    fclose(file);
    if (line[0] == 0)
        return; /* no cgroup v2 on this machine */
    line[strcspn(line, "\n")] = 0;
    snprintf(path, sizeof path, "/sys/fs/cgroup%s", line + 3);
    nvmlSetMemoryLimits_v1_t set = {.nameSpace = path, .softLimit = 0, .hardLimit = 64 * MIB};
    nvmlGetMemoryLimits_v1_t get = {.nameSpace = path};
    CHECK_EQUAL(nvmlDeviceSetMemoryLimits_v1(device, &set), NVML_SUCCESS);
    pid_t child = fork();
    if (child == 0) {
        CHECK(sim_node_register_process() && sim_mem_take(1, 60 * MIB));
        CHECK_EQUAL(sim_node_limit_for(getpid(), 1), 64 * MIB);
        CHECK(!sim_mem_take(1, 5 * MIB));
        CHECK(sim_mem_take(1, 4 * MIB));
        CHECK_EQUAL(nvmlDeviceGetMemoryLimits_v1(device, &get), NVML_SUCCESS);
        CHECK(get.hardLimit == 64 * MIB && get.currentUsed == 64 * MIB);
        nvmlMemory_v2_t slice = memory_of(device);
        CHECK(slice.total == 64 * MIB && slice.free == 0);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    set.hardLimit = NVML_DEVICE_MEMORY_LIMIT_MAX;
    CHECK_EQUAL(nvmlDeviceSetMemoryLimits_v1(device, &set), NVML_SUCCESS);
    CHECK_EQUAL(nvmlDeviceGetMemoryLimits_v1(device, &get), NVML_SUCCESS);
    CHECK(get.hardLimit == NVML_DEVICE_MEMORY_LIMIT_MAX && get.currentUsed == 0);
}

static void without_a_node_there_is_no_driver(void)
{
    pid_t child = fork();
    if (child == 0) {
        unsetenv(SIM_DIR_ENV);
        execl("/proc/self/exe", "nvml_api_test", "without-node", NULL);
        _exit(1);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return nvmlInit_v2() == NVML_ERROR_DRIVER_NOT_LOADED ? 0 : 1;
    char error[SIM_ERROR_BYTES];
    if (!sim_node_open_at(getenv(SIM_DIR_ENV), error)) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    without_a_node_there_is_no_driver();
    calls_before_init_and_after_the_last_shutdown_are_refused();
    CHECK_EQUAL(nvmlInit_v2(), NVML_SUCCESS);
    wrong_arguments_are_refused();
    a_device_is_found_by_index_uuid_serial_and_address();
    processes_and_memory_are_those_of_the_node();
    an_event_set_hears_what_it_registered_for();
    an_xid_is_in_the_kernel_log_as_the_driver_writes_it();
    health_values_of_a_drill_are_read_back();
    what_the_models_have_not_is_not_supported();
    limits_of_a_cgroup_are_stored_and_enforced();
    CHECK_EQUAL(nvmlShutdown(), NVML_SUCCESS);
    return 0;
}
