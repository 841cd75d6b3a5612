/* Reading the specification of a node: "devices=2,memory=16GiB,model=H100,driver=580.159.04". */
#include "node_models.h"
#include "node_state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB (1ull << 20)
#define GIB (1ull << 30)

__attribute__((format(printf, 2, 3))) static bool fail(char *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (error != NULL)
        vsnprintf(error, SIM_ERROR_BYTES, format, arguments);
    va_end(arguments);
    return false;
}

/* "16GiB", "16Gi", "16GB", "512MiB", "1073741824". */
static bool parse_bytes(const char *text, uint64_t *bytes)
{
    static const struct { const char *name; uint64_t factor; } units[] = {
        {"", 1}, {"B", 1}, {"KiB", 1ull << 10}, {"Ki", 1ull << 10}, {"KB", 1000}, {"MiB", MIB}, {"Mi", MIB}, {"MB", 1000000},
        {"GiB", GIB}, {"Gi", GIB}, {"GB", 1000000000}, {"TiB", 1ull << 40}, {"Ti", 1ull << 40},
    };
    if (text[0] < '0' || text[0] > '9')
        return false;
    char *end;
    uint64_t number = strtoull(text, &end, 10);
    if (end - text > 15)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(end, units[i].name) == 0)
            return !__builtin_mul_overflow(number, units[i].factor, bytes);
    }
    return false;
}

static bool parse_number(const char *text, uint64_t *number)
{
    char *end;
    *number = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == 0 && end - text < 19;
}

struct draft {
    uint64_t devices, memory, reserved, context, module, copy, launch;
    bool has_reserved;
    const struct sim_model *model;
    char driver[32];
};

static bool set(struct draft *draft, const char *key, const char *value, char *error)
{
    struct { const char *key; uint64_t *target; uint64_t least, most; } sizes[] = {
        {"memory", &draft->memory, 512 * MIB, 4096 * GIB}, {"reserved", &draft->reserved, 0, 64 * GIB},
        {"context", &draft->context, 0, 16 * GIB}, {"module", &draft->module, 0, 4 * GIB},
        {"copyBytesPerSecond", &draft->copy, 0, 1ull << 50},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (strcmp(key, sizes[i].key) != 0)
            continue;
        if (!parse_bytes(value, sizes[i].target))
            return fail(error, "%s=%.40s is not a size; write it like 16GiB or 512MiB", key, value);
        if (*sizes[i].target < sizes[i].least || *sizes[i].target > sizes[i].most)
            return fail(error, "%s=%.40s is out of range; it can be %llu MiB to %llu MiB", key, value,
                (unsigned long long)(sizes[i].least / MIB), (unsigned long long)(sizes[i].most / MIB));
        draft->has_reserved |= sizes[i].target == &draft->reserved;
        return true;
    }
    if (strcmp(key, "devices") == 0) {
        if (!parse_number(value, &draft->devices) || draft->devices < 1 || draft->devices > SIM_MAX_DEVICES)
            return fail(error, "devices=%.40s: a node has 1 to %u devices", value, SIM_MAX_DEVICES);
        return true;
    }
    if (strcmp(key, "launchNs") == 0) {
        if (!parse_number(value, &draft->launch) || draft->launch > 1000000000)
            return fail(error, "launchNs=%.40s is not a number of nanoseconds from 0 to 1000000000", value);
        return true;
    }
    if (strcmp(key, "model") == 0) {
        draft->model = sim_model_find(value);
        return draft->model != NULL || fail(error, "model=%.40s is not known; choose one of %s", value, SIM_MODEL_NAMES);
    }
    if (strcmp(key, "driver") == 0) {
        if (sim_driver_find(value) == NULL || strlen(value) >= sizeof draft->driver)
            return fail(error, "driver=%.40s is not known; choose a version of branch %s", value, SIM_DRIVER_NAMES);
        memcpy(draft->driver, value, strlen(value) + 1);
        return true;
    }
    return fail(error, "%.40s is no setting of a node; there are devices, memory, model, driver, context, module, reserved, "
        "copyBytesPerSecond and launchNs", key);
}

static bool finish(const struct draft *draft, struct sim_config *config, char *error)
{
    const struct sim_driver *driver = sim_driver_find(draft->driver);
    *config = (struct sim_config){.device_count = (uint32_t)draft->devices, .driver_branch = driver->branch,
        .cuda_version = driver->cuda_version, .context_bytes = draft->context, .module_bytes = draft->module,
        .copy_bytes_per_s = draft->copy, .launch_ns = draft->launch};
    /* A bare branch stands for a release of it. */
    const char *version = strchr(draft->driver, '.') == NULL ? driver->version : draft->driver;
    memcpy(config->driver_version, version, strlen(version) + 1);
    for (uint32_t i = 0; i < config->device_count; i++) {
        struct sim_device_config *device = &config->devices[i];
        *device = draft->model->device;
        if (draft->memory != 0)
            device->memory_bytes = draft->memory;
        if (draft->has_reserved)
            device->reserved_bytes = draft->reserved;
        if (device->reserved_bytes >= device->memory_bytes)
            return fail(error, "reserved=%llu MiB leaves nothing of memory=%llu MiB; reserve less or give the device more",
                (unsigned long long)(device->reserved_bytes / MIB), (unsigned long long)(device->memory_bytes / MIB));
        device->pci_bus = 6 + 16 * (i / 8) + (i % 8) * 2;
    }
    return true;
}

bool sim_config_parse(const char *spec, struct sim_config *config, char *error)
{
    struct draft draft = {.devices = 1, .context = 256 * MIB, .module = 2 * MIB, .model = sim_model_find("H100"), .driver = "580.159.04"};
    char text[1024];
    if (spec == NULL || strlen(spec) >= sizeof text)
        return fail(error, "the specification of a node is at most %zu characters", sizeof text - 1);
    memcpy(text, spec, strlen(spec) + 1);
    char *rest = text, *part;
    while ((part = strsep(&rest, ",\n")) != NULL) {
        if (part[0] == 0)
            continue;
        char *value = strchr(part, '=');
        if (value == NULL)
            return fail(error, "%.60s: a setting is written key=value", part);
        *value++ = 0;
        if (!set(&draft, part, value, error))
            return false;
    }
    return finish(&draft, config, error);
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

void sim_config_identify(struct sim_config *config, const char *full_path)
{
    uint64_t seed = 0x9e3779b97f4a7c15ull;
    for (const char *at = full_path; *at != 0; at++)
        seed = mix(seed ^ (uint8_t)*at);
    for (uint32_t i = 0; i < config->device_count; i++) {
        struct sim_device_config *device = &config->devices[i];
        uint64_t words[2] = {mix(seed + 2 * i + 1), mix(seed + 2 * i + 2)};
        memcpy(device->uuid_bytes, words, sizeof words);
        const uint8_t *u = device->uuid_bytes;
        snprintf(device->uuid, sizeof device->uuid,
            "GPU-%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0], u[1], u[2], u[3], u[4], u[5], u[6],
            u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]);
        snprintf(device->serial, sizeof device->serial, "16%011llu", (unsigned long long)(words[0] % 100000000000ull));
    }
}

int sim_config_text(const struct sim_config *config, char *text, size_t bytes)
{
    const struct sim_device_config *device = &config->devices[0];
    return snprintf(text, bytes,
        "devices=%u\nmodel=%s\nmemory=%llu\nreserved=%llu\ncontext=%llu\nmodule=%llu\ndriver=%s\ncopyBytesPerSecond=%llu\nlaunchNs=%llu\n",
        config->device_count, sim_model_name(device), (unsigned long long)device->memory_bytes,
        (unsigned long long)device->reserved_bytes, (unsigned long long)config->context_bytes,
        (unsigned long long)config->module_bytes, config->driver_version, (unsigned long long)config->copy_bytes_per_s,
        (unsigned long long)config->launch_ns);
}
