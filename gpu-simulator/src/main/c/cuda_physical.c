/* Memory without addresses: cuMemCreate, its handles, and passing it to other processes. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cuda_memory.h"

#define OWN_BYTES (16ull << 40)
#define CHUNK_NAME "aliquot-sim-chunk:" /* and the device, -1 for host memory: a descriptor says what it is */

/* One file for everything that is not meant to leave the process: a descriptor per allocation would run out. What may leave it has one of its
 * own, with a number that programs seldom get to, as long as there is one; what has none cannot be exported. */
static struct {
    pthread_once_t once;
    int fd;
    struct sim_intervals free;
} own = {.once = PTHREAD_ONCE_INIT, .fd = -1};

static void open_own(void) {
    own.fd = memfd_create("aliquot-sim-physical", MFD_CLOEXEC);
    if (own.fd >= 0 && (ftruncate(own.fd, (off_t)OWN_BYTES) != 0 || !sim_intervals_init(&own.free, 0, OWN_BYTES))) {
        close(own.fd);
        own.fd = -1;
    }
}

int sim_physical_fd(const struct sim_physical *physical) { return physical->fd >= 0 ? physical->fd : own.fd; }

static bool on_host(const CUmemLocation *where) {
    return where->type == CU_MEM_LOCATION_TYPE_HOST || where->type == CU_MEM_LOCATION_TYPE_HOST_NUMA ||
           where->type == CU_MEM_LOCATION_TYPE_HOST_NUMA_CURRENT;
}

static CUresult prop_check(const CUmemAllocationProp *prop) {
    SIM_NEED(prop != NULL && prop->type == CU_MEM_ALLOCATION_TYPE_PINNED);
    SIM_NEED(on_host(&prop->location) || prop->location.type == CU_MEM_LOCATION_TYPE_DEVICE);
    if (prop->location.type == CU_MEM_LOCATION_TYPE_DEVICE && !sim_ordinal_ok(prop->location.id)) return CUDA_ERROR_INVALID_DEVICE;
    if (prop->location.type == CU_MEM_LOCATION_TYPE_HOST_NUMA) SIM_NEED(prop->location.id >= 0);
    if (prop->requestedHandleTypes & ~(unsigned)CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR) return CUDA_ERROR_NOT_SUPPORTED;
    return CUDA_SUCCESS;
}

CUresult cuMemGetAllocationGranularity(size_t *out, const CUmemAllocationProp *prop, CUmemAllocationGranularity_flags option) {
    SIM_ENTER();
    SIM_NEED(out != NULL && (unsigned)option <= CU_MEM_ALLOC_GRANULARITY_RECOMMENDED);
    SIM_TRY(prop_check(prop));
    *out = SIM_PAGE_BYTES;
    return CUDA_SUCCESS;
}

static int high_memfd(const char *name) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
    int low = memfd_create(name, MFD_CLOEXEC);
    int high = low < 0 ? -1 : fcntl(low, F_DUPFD_CLOEXEC, (int)(limit.rlim_cur < 800 ? limit.rlim_cur / 2 : 400));
    if (low >= 0) close(low);
    return high;
}

static bool back(struct sim_physical *physical) {
    physical->fd = -1;
    if (physical->prop.requestedHandleTypes != CU_MEM_HANDLE_TYPE_NONE) {
        char name[sizeof CHUNK_NAME + 8];
        snprintf(name, sizeof name, CHUNK_NAME "%d", physical->device == SIM_HOST ? -1 : (int)physical->device);
        physical->fd = high_memfd(name);
        if (physical->fd >= 0) return ftruncate(physical->fd, (off_t)physical->bytes) == 0;
    }
    pthread_once(&own.once, open_own);
    if (own.fd < 0) return false;
    physical->offset = sim_intervals_take(&own.free, physical->bytes, SIM_PAGE_BYTES, 0);
    return physical->offset != UINT64_MAX;
}

CUresult cuMemCreate(CUmemGenericAllocationHandle *out, size_t bytes, const CUmemAllocationProp *prop, unsigned long long flags) {
    SIM_ENTER();
    SIM_NEED(out != NULL && bytes != 0 && bytes % SIM_PAGE_BYTES == 0 && flags == 0);
    SIM_TRY(prop_check(prop));
    uint32_t device = on_host(&prop->location) ? SIM_HOST : sim_process.device[prop->location.id];
    struct sim_physical *physical = sim_handle_new(SIM_KIND_PHYSICAL);
    if (physical == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    physical->bytes = bytes;
    physical->prop = *prop;
    physical->device = device;
    physical->refs = physical->handles = 1;
    if (device != SIM_HOST && !sim_mem_take(device, bytes) && !(sim_pool_trim_all(device) && sim_mem_take(device, bytes))) {
        sim_handle_free(physical);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    if (!back(physical)) {
        if (physical->fd >= 0) close(physical->fd);
        if (device != SIM_HOST) sim_mem_give(device, bytes);
        sim_handle_free(physical);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    *out = (CUmemGenericAllocationHandle)physical;
    return CUDA_SUCCESS;
}

/* The node counts one hold per process, however many handles of an object the process has. */
static struct hold {
    uint64_t object;
    unsigned count;
    struct hold *next;
} *holds;
static pthread_mutex_t hold_mutex = PTHREAD_MUTEX_INITIALIZER;

bool sim_object_keep(uint64_t object, bool ours) {
    bool good = true;
    pthread_mutex_lock(&hold_mutex);
    struct hold *hold = holds;
    while (hold != NULL && hold->object != object) hold = hold->next;
    if (hold == NULL) {
        hold = calloc(1, sizeof *hold);
        good = hold != NULL && (ours || sim_object_hold(object));
        if (good) {
            *hold = (struct hold){object, 0, holds};
            holds = hold;
        } else {
            free(hold);
        }
    }
    if (good) hold->count++;
    pthread_mutex_unlock(&hold_mutex);
    return good;
}

void sim_object_drop(uint64_t object) {
    pthread_mutex_lock(&hold_mutex);
    for (struct hold **link = &holds; *link != NULL; link = &(*link)->next) {
        struct hold *hold = *link;
        if (hold->object != object || --hold->count != 0) continue;
        *link = hold->next;
        free(hold);
        sim_object_release(object);
        break;
    }
    pthread_mutex_unlock(&hold_mutex);
}

void sim_physical_unref(struct sim_physical *physical) {
    if (atomic_fetch_sub(&physical->refs, 1) != 1) return;
    if (physical->object != 0) sim_object_drop(physical->object);
    else if (physical->device != SIM_HOST) sim_mem_give(physical->device, physical->bytes);
    if (physical->imported) atomic_fetch_sub(&sim_process.imported, 1);
    if (physical->fd >= 0) {
        close(physical->fd);
    } else {
        fallocate(own.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)physical->offset, (off_t)physical->bytes);
        sim_intervals_give(&own.free, physical->offset, physical->bytes);
    }
    sim_handle_free(physical);
}

static struct sim_physical *physical_of(CUmemGenericAllocationHandle handle) {
    struct sim_physical *physical = (struct sim_physical *)handle;
    return sim_handle_is(physical, SIM_KIND_PHYSICAL) && atomic_load(&physical->handles) > 0 ? physical : NULL;
}

CUresult cuMemRelease(CUmemGenericAllocationHandle handle) {
    SIM_ENTER();
    struct sim_physical *physical = physical_of(handle);
    SIM_NEED(physical != NULL);
    atomic_fetch_sub(&physical->handles, 1);
    sim_physical_unref(physical);
    return CUDA_SUCCESS;
}

CUresult cuMemRetainAllocationHandle(CUmemGenericAllocationHandle *out, void *address) {
    SIM_ENTER();
    SIM_NEED(out != NULL && address != NULL);
    struct sim_range *range = sim_space_range((uint64_t)address);
    SIM_NEED(range != NULL && range->kind == SIM_RANGE_MAPPING);
    atomic_fetch_add(&range->physical->refs, 1);
    atomic_fetch_add(&range->physical->handles, 1);
    *out = (CUmemGenericAllocationHandle)range->physical;
    return CUDA_SUCCESS;
}

CUresult cuMemGetAllocationPropertiesFromHandle(CUmemAllocationProp *out, CUmemGenericAllocationHandle handle) {
    SIM_ENTER();
    struct sim_physical *physical = physical_of(handle);
    SIM_NEED(out != NULL && physical != NULL);
    *out = physical->prop;
    return CUDA_SUCCESS;
}

CUresult cuMemExportToShareableHandle(void *out, CUmemGenericAllocationHandle handle, CUmemAllocationHandleType type,
                                      unsigned long long flags) {
    SIM_ENTER();
    struct sim_physical *physical = physical_of(handle);
    SIM_NEED(out != NULL && physical != NULL && flags == 0);
    SIM_NEED(type == CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR && (physical->prop.requestedHandleTypes & type) != 0);
    if (physical->fd < 0) return CUDA_ERROR_OPERATING_SYSTEM;
    int fd = fcntl(physical->fd, F_DUPFD_CLOEXEC, 3);
    if (fd < 0) return CUDA_ERROR_OPERATING_SYSTEM;
    pthread_mutex_lock(&sim_process.mutex);
    struct stat status;
    if (physical->object == 0 && fstat(fd, &status) == 0) {
        uint64_t object = sim_object_create(physical->device, physical->bytes, status.st_dev, status.st_ino);
        if (object != 0 && sim_object_keep(object, true)) physical->object = object;
    }
    bool good = physical->object != 0;
    pthread_mutex_unlock(&sim_process.mutex);
    if (!good) {
        close(fd);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    *(int *)out = fd;
    return CUDA_SUCCESS;
}

/* Ordinal of a device of the node; -1: not visible to this process. */
static int ordinal_of(uint32_t device) {
    for (int i = 0; i < sim_process.device_count; i++) {
        if (sim_process.device[i] == device) return i;
    }
    return -1;
}

/* Every holder released its handle, but a descriptor kept the contents: the memory is taken again. */
static CUresult revive(int fd, const struct stat *status, struct sim_object *object) {
    char path[32], name[96];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(path, name, sizeof name - 1);
    SIM_NEED(length > 0);
    name[length] = '\0';
    int device;
    SIM_NEED(sscanf(name, "/memfd:" CHUNK_NAME "%d", &device) == 1 && device < (int)sim_config()->device_count);
    uint64_t bytes = (uint64_t)status->st_size;
    SIM_NEED(bytes != 0 && bytes % SIM_PAGE_BYTES == 0);
    if (device >= 0 && !sim_mem_take((uint32_t)device, bytes)) return CUDA_ERROR_OUT_OF_MEMORY;
    uint64_t id = sim_object_create(device < 0 ? SIM_HOST : (uint32_t)device, bytes, status->st_dev, status->st_ino);
    if (id == 0) {
        if (device >= 0) sim_mem_give((uint32_t)device, bytes);
        return sim_object_find(status->st_dev, status->st_ino, object) ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
    }
    return sim_object_find(status->st_dev, status->st_ino, object) ? CUDA_SUCCESS : CUDA_ERROR_UNKNOWN;
}

CUresult cuMemImportFromShareableHandle(CUmemGenericAllocationHandle *out, void *source, CUmemAllocationHandleType type) {
    SIM_ENTER();
    SIM_NEED(out != NULL && type == CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR);
    int fd = (int)(intptr_t)source;
    struct stat status;
    struct sim_object object;
    if (fd < 0 || fstat(fd, &status) != 0) return CUDA_ERROR_INVALID_VALUE;
    if (!sim_object_find(status.st_dev, status.st_ino, &object)) SIM_TRY(revive(fd, &status, &object));
    int ordinal = object.device == SIM_HOST ? 0 : ordinal_of(object.device);
    if (ordinal < 0) return CUDA_ERROR_INVALID_DEVICE;
    struct sim_physical *physical = sim_handle_new(SIM_KIND_PHYSICAL);
    if (physical == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    physical->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    physical->bytes = object.bytes;
    physical->device = object.device;
    physical->object = object.id;
    physical->refs = physical->handles = 1;
    physical->prop.type = CU_MEM_ALLOCATION_TYPE_PINNED;
    physical->prop.requestedHandleTypes = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR;
    physical->prop.location.type = object.device == SIM_HOST ? CU_MEM_LOCATION_TYPE_HOST_NUMA : CU_MEM_LOCATION_TYPE_DEVICE;
    physical->prop.location.id = ordinal;
    if (physical->fd < 0 || !sim_object_keep(object.id, false)) {
        if (physical->fd >= 0) close(physical->fd);
        sim_handle_free(physical);
        return CUDA_ERROR_INVALID_VALUE;
    }
    physical->imported = true;
    atomic_fetch_add(&sim_process.imported, 1);
    *out = (CUmemGenericAllocationHandle)physical;
    return CUDA_SUCCESS;
}
