/* Memory of another process: by IPC handle, by descriptor, by pool pointer. */
#include "support_subjects.h"

#include <dlfcn.h>

/* The row's function, or the symbol where the row is another. */
#define AS(name, function) ((__typeof__(name) *)((function) != NULL ? (function) : dlsym(s->driver, #name)))
#define IN(name) ((__typeof__(name) *)dlsym(s->driver, #name))

static CUresult open_ipc_v1(void *function, struct scratch *s, uint64_t bytes)
{
    (void)bytes;
    return AS(cuIpcOpenMemHandle, function)(&s->address, s->shared->ipc, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS);
}

static CUresult open_ipc(void *function, struct scratch *s, uint64_t bytes)
{
    (void)bytes;
    return AS(cuIpcOpenMemHandle_v2, function)(&s->address, s->shared->ipc, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS);
}

static CUresult close_ipc(struct scratch *s)
{
    return IN(cuIpcCloseMemHandle)(s->address);
}

static CUresult open_and_close_ipc(void *function, struct scratch *s, uint64_t bytes)
{
    s->close = AS(cuIpcCloseMemHandle, function);
    return open_ipc(NULL, s, bytes);
}

static CUresult close_ipc_by_row(struct scratch *s)
{
    return s->close(s->address);
}

static CUresult import_handle(void *function, struct scratch *s)
{
    return AS(cuMemImportFromShareableHandle, function)(
        &s->handle, (void *)(intptr_t)s->shared->fd, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR);
}

static CUresult map_handle(void *function, struct scratch *s, uint64_t bytes)
{
    CUmemAccessDesc access = {.location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = s->device},
        .flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
    CUresult answer = IN(cuMemAddressReserve)(&s->address, bytes, 0, 0, 0);
    answer = answer ? answer : AS(cuMemMap, function)(s->address, bytes, 0, s->handle, 0);
    return answer ? answer : IN(cuMemSetAccess)(s->address, bytes, &access, 1);
}

static CUresult unmap(struct scratch *s)
{
    CUresult answer = IN(cuMemUnmap)(s->address, s->shared->bytes);
    return answer ? answer : IN(cuMemAddressFree)(s->address, s->shared->bytes);
}

static CUresult import_and_map(void *function, struct scratch *s, uint64_t bytes)
{
    CUresult answer = import_handle(function, s);
    return answer ? answer : map_handle(NULL, s, bytes);
}

static CUresult unmap_and_release(struct scratch *s)
{
    CUresult answer = unmap(s);
    return answer ? answer : IN(cuMemRelease)(s->handle);
}

/* Held by its mapping alone. */
static CUresult map_imported(void *function, struct scratch *s, uint64_t bytes)
{
    CUresult answer = import_handle(NULL, s);
    answer = answer ? answer : map_handle(function, s, bytes);
    return answer ? answer : IN(cuMemRelease)(s->handle);
}

/* Held by the retained handle alone. */
static CUresult retain_imported(void *function, struct scratch *s, uint64_t bytes)
{
    CUresult answer = map_imported(NULL, s, bytes);
    answer = answer ? answer : AS(cuMemRetainAllocationHandle, function)(&s->handle, (void *)s->address);
    answer = answer ? answer : unmap(s);
    s->address = 0;
    return answer;
}

static CUresult release_handle(struct scratch *s)
{
    return IN(cuMemRelease)(s->handle);
}

static CUresult import_pool(void *function, struct scratch *s)
{
    return AS(cuMemPoolImportFromShareableHandle, function)(
        &s->pool, (void *)(intptr_t)s->shared->fd, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0);
}

static CUresult import_pointer(void *function, struct scratch *s)
{
    CUmemPoolPtrExportData pointer = s->shared->pointer;
    CUresult answer = AS(cuMemPoolImportPointer, function)(&s->address, s->pool, &pointer);
    if (answer != CUDA_SUCCESS) {
        IN(cuMemPoolDestroy)(s->pool);
    }
    return answer;
}

static CUresult take_pool(void *function, struct scratch *s, uint64_t bytes)
{
    (void)bytes;
    CUresult answer = import_pool(function, s);
    return answer ? answer : import_pointer(NULL, s);
}

static CUresult take_pointer(void *function, struct scratch *s, uint64_t bytes)
{
    (void)bytes;
    CUresult answer = import_pool(NULL, s);
    return answer ? answer : import_pointer(function, s);
}

static CUresult give_pointer(struct scratch *s)
{
    CUresult answer = IN(cuMemFree_v2)(s->address);
    return answer ? answer : IN(cuMemPoolDestroy)(s->pool);
}

/* An exporting row is called by the process that makes the memory. */
static CUresult opened_after_export(void *function, struct scratch *s, uint64_t bytes)
{
    (void)function;
    return open_ipc(NULL, s, bytes);
}

static CUresult mapped_after_export(void *function, struct scratch *s, uint64_t bytes)
{
    (void)function;
    return import_and_map(NULL, s, bytes);
}

static CUresult drawn_after_export(void *function, struct scratch *s, uint64_t bytes)
{
    (void)function;
    return take_pool(NULL, s, bytes);
}

const struct subject subjects_import[] = {
    {"cuIpcOpenMemHandle", SUBJECT_IMPORT, open_ipc_v1, close_ipc, SHARED_BY_IPC},
    {"cuIpcOpenMemHandle_v2", SUBJECT_IMPORT, open_ipc, close_ipc, SHARED_BY_IPC},
    {"cuIpcCloseMemHandle", SUBJECT_IMPORT, open_and_close_ipc, close_ipc_by_row, SHARED_BY_IPC},
    {"cuMemImportFromShareableHandle", SUBJECT_IMPORT, import_and_map, unmap_and_release, SHARED_BY_HANDLE},
    {"cuMemMap", SUBJECT_IMPORT, map_imported, unmap, SHARED_BY_HANDLE},
    {"cuMemRetainAllocationHandle", SUBJECT_IMPORT, retain_imported, release_handle, SHARED_BY_HANDLE},
    {"cuMemPoolImportFromShareableHandle", SUBJECT_IMPORT, take_pool, give_pointer, SHARED_BY_POOL},
    {"cuMemPoolImportPointer", SUBJECT_IMPORT, take_pointer, give_pointer, SHARED_BY_POOL},
    {"cuIpcGetMemHandle", SUBJECT_EXPORT, opened_after_export, close_ipc, SHARED_BY_IPC},
    {"cuMemExportToShareableHandle", SUBJECT_EXPORT, mapped_after_export, unmap_and_release, SHARED_BY_HANDLE},
    {"cuMemPoolExportPointer", SUBJECT_EXPORT, drawn_after_export, give_pointer, SHARED_BY_POOL},
    {NULL, SUBJECT_PLAIN, NULL, NULL, 0}};
