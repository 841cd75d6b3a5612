/* Memory of other processes: by IPC handle, by pool pointer. The owner's file is opened through its /proc entry. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cuda_event.h"
#include "cuda_share.h"

static struct import {
    struct sim_share share;
    struct sim_range *range;
    struct import *next;
} *imports;
static pthread_mutex_t import_mutex = PTHREAD_MUTEX_INITIALIZER;

void sim_share_sign(struct sim_share *share, uint32_t magic) {
    struct sim_process_info info;
    share->magic = magic;
    share->pid = getpid();
    share->start_time = sim_process_find(getpid(), &info) ? info.start_time : 0;
}

int sim_share_open(const struct sim_share *share, uint32_t magic) {
    struct sim_process_info info;
    if (share->magic != magic || !sim_process_find(share->pid, &info) || info.start_time != share->start_time) return -1;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", share->pid, share->fd);
    return open(path, O_RDWR | O_CLOEXEC);
}

static struct sim_object name_of(int32_t pid, uint64_t start_time, uint64_t id) {
    return (struct sim_object){.st_dev = SIM_OBJECT_BY_NAME | start_time, .st_ino = (uint64_t)pid << 40 ^ id};
}

bool sim_share_make(struct sim_share *share, uint32_t magic, const struct sim_found *found) {
    struct sim_range *range = found->range;
    *share = (struct sim_share){.device = range->device, .fd = sim_space_fd(), .offset = sim_space_offset(range->base),
                                .span = range->span, .inner = found->base - range->base, .bytes = found->bytes, .id = range->id};
    sim_share_sign(share, magic);
    pthread_mutex_lock(&import_mutex);
    if (range->object == 0) {
        struct sim_object name = name_of(share->pid, share->start_time, share->id);
        uint64_t object = sim_object_create(range->device, range->span, name.st_dev, name.st_ino);
        if (object != 0 && sim_object_keep(object, true)) range->object = object;
    }
    bool made = range->object != 0;
    pthread_mutex_unlock(&import_mutex);
    return made;
}

bool sim_share_is_open(const struct sim_range *range) {
    struct sim_process_info info;
    struct sim_object found;
    if (!sim_process_find(getpid(), &info)) return false;
    struct sim_object name = name_of(info.pid, info.start_time, range->id);
    return sim_object_find(name.st_dev, name.st_ino, &found);
}

static int ordinal_of(uint32_t device) {
    for (int i = 0; i < sim_process.device_count; i++) {
        if (sim_process.device[i] == device) return i;
    }
    return -1;
}

static CUresult map_new(const struct sim_share *share, uint32_t magic, struct sim_context *ctx, uint64_t *address) {
    if (share->span == 0 || share->span % SIM_PAGE_BYTES != 0 || share->inner >= share->span) return CUDA_ERROR_INVALID_VALUE;
    int ordinal = ordinal_of(share->device), fd = sim_share_open(share, magic);
    if (ordinal < 0 || fd < 0) {
        if (fd >= 0) close(fd);
        return CUDA_ERROR_INVALID_VALUE;
    }
    struct sim_object object, name = name_of(share->pid, share->start_time, share->id);
    if (!sim_object_find(name.st_dev, name.st_ino, &object) || !sim_object_keep(object.id, false)) {
        close(fd);
        return CUDA_ERROR_INVALID_VALUE;
    }
    struct import *import = calloc(1, sizeof *import);
    uint64_t base = sim_space_take(share->span, SIM_PAGE_BYTES, 0, false);
    struct sim_range *range = base == 0 ? NULL : sim_handle_new(SIM_KIND_RANGE);
    bool mapped = import != NULL && range != NULL && sim_space_map(base, share->span, fd, share->offset);
    close(fd);
    if (!mapped) {
        sim_object_drop(object.id);
        free(import);
        if (range != NULL) sim_handle_free(range);
        if (base != 0) sim_space_give(base, share->span);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    range->kind = SIM_RANGE_IMPORT;
    range->base = base;
    range->bytes = share->bytes + share->inner;
    range->span = share->span;
    range->ordinal = ordinal;
    range->device = share->device;
    range->ctx = ctx;
    range->id = sim_new_id();
    range->access = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
    range->imports = 1;
    range->object = object.id;
    sim_space_bind(range, base, share->span);
    *import = (struct import){*share, range, imports};
    imports = import;
    atomic_fetch_add(&sim_process.imported, 1);
    *address = base + share->inner;
    return CUDA_SUCCESS;
}

CUresult sim_share_map(const struct sim_share *share, uint32_t magic, struct sim_context *ctx, uint64_t *address) {
    pthread_mutex_lock(&import_mutex);
    for (struct import *import = imports; import != NULL; import = import->next) {
        if (import->share.pid != share->pid || import->share.inner != share->inner || import->share.id != share->id) continue;
        import->range->imports++;
        *address = import->range->base + share->inner;
        pthread_mutex_unlock(&import_mutex);
        return CUDA_SUCCESS;
    }
    CUresult result = map_new(share, magic, ctx, address);
    pthread_mutex_unlock(&import_mutex);
    return result;
}

CUresult sim_share_unmap(uint64_t address) {
    CUresult result = CUDA_ERROR_INVALID_VALUE;
    pthread_mutex_lock(&import_mutex);
    for (struct import **link = &imports; *link != NULL; link = &(*link)->next) {
        struct import *import = *link;
        struct sim_range *range = import->range;
        if (address - range->base >= range->span) continue;
        result = CUDA_SUCCESS;
        if (--range->imports > 0) break;
        *link = import->next;
        free(import);
        sim_space_bind(NULL, range->base, range->span);
        sim_space_reset(range->base, range->span);
        sim_space_give(range->base, range->span);
        sim_object_drop(range->object);
        sim_handle_free(range);
        atomic_fetch_sub(&sim_process.imported, 1);
        break;
    }
    pthread_mutex_unlock(&import_mutex);
    return result;
}

CUresult cuIpcGetMemHandle(CUipcMemHandle *out, CUdeviceptr address) {
    SIM_ENTER_CONTEXT();
    struct sim_found found;
    SIM_NEED(out != NULL && sim_memory_find(address, &found));
    const struct sim_range *range = found.range;
    SIM_NEED((range->kind == SIM_RANGE_BLOCK || range->kind == SIM_RANGE_SMALL) && !range->managed && !range->array);
    struct sim_share share;
    if (!sim_share_make(&share, SIM_SHARE_MEMORY, &found)) return CUDA_ERROR_OUT_OF_MEMORY;
    memcpy(out, &share, sizeof share);
    return CUDA_SUCCESS;
}

CUresult cuIpcOpenMemHandle_v2(CUdeviceptr *out, CUipcMemHandle handle, unsigned int flags) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL && (flags & ~(unsigned)CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS) == 0);
    struct sim_share share;
    memcpy(&share, &handle, sizeof share);
    if (share.magic != SIM_SHARE_MEMORY) return CUDA_ERROR_INVALID_VALUE;
    if (share.pid == getpid()) return CUDA_ERROR_INVALID_CONTEXT;
    uint64_t address;
    SIM_TRY(sim_share_map(&share, SIM_SHARE_MEMORY, call.ctx, &address));
    *out = address;
    return CUDA_SUCCESS;
}
CUresult cuIpcOpenMemHandle(CUdeviceptr *out, CUipcMemHandle handle, unsigned int flags) {
    return cuIpcOpenMemHandle_v2(out, handle, flags);
}

CUresult cuIpcCloseMemHandle(CUdeviceptr address) {
    SIM_ENTER_CONTEXT();
    struct sim_range *range = sim_space_range(address);
    SIM_NEED(range != NULL && range->kind == SIM_RANGE_IMPORT && range->pool == NULL);
    sim_context_drain(call.ctx);
    return sim_share_unmap(address);
}
