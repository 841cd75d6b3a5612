/* One exchange per chunk. */
#include "chunks.h"

#include <pthread.h>

#include "ask.h"
#include "fork.h"
#include "grow.h"
#include "hooks.h"

#define ALQ_RETURN_WAIT_MS 1000u

static pthread_mutex_t alq_mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t *alq_dropped;
static size_t alq_count;
static size_t alq_capacity;
static uint32_t alq_imports; /* handles there are */

/* id: of a chunk in hand; 0: one that is not yet, of that size for that device. */
static enum alq_agent_answer alq_chunks_ask(uint32_t wait_ms, uint32_t device, uint64_t bytes, uint64_t id, struct alq_agent_chunk *chunk)
{
    struct alq_seat seat;
    struct alq_agent_refusal refusal;
    enum alq_agent_answer answer = ALQ_AGENT_ABSENT;
    for (int attempt = 0; attempt < 2 && alq_charge_seat(&seat) != NULL; attempt++) {
        answer = id != 0 ? alq_agent_reopen_chunk(wait_ms, &seat, id, chunk, &refusal)
                         : alq_agent_take_chunk(wait_ms, &seat, device, bytes, chunk, &refusal);
        if (answer != ALQ_AGENT_REFUSED || refusal.status != ALQ_STATUS_STALE || !alq_ask_again()) {
            break;
        }
    }
    return answer;
}

/* False: it is mapped as before. */
static bool alq_window_close(CUdeviceptr window, uint64_t bytes)
{
    bool closed = ALQ_CALL(cuMemUnmap, window, bytes) == CUDA_SUCCESS;
    ALQ_CALL(cuMemAddressFree, window, bytes); /* refused while it is mapped */
    return closed;
}

/* 0: the driver refuses it. To map a chunk costs about as much as to copy it: not when it is to be copied. */
static CUdeviceptr alq_window_open(CUmemGenericAllocationHandle handle, CUdevice ordinal, uint64_t bytes)
{
    CUdeviceptr window = 0;
    CUmemAccessDesc access = {.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
    access.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    access.location.id = ordinal;
    if (ALQ_CALL(cuMemAddressReserve, &window, bytes, 0, 0, 0) != CUDA_SUCCESS) {
        return 0;
    }
    if (ALQ_CALL(cuMemMap, window, bytes, 0, handle, 0) != CUDA_SUCCESS) {
        ALQ_CALL(cuMemAddressFree, window, bytes);
        return 0;
    }
    if (ALQ_CALL(cuMemSetAccess, window, bytes, &access, 1) != CUDA_SUCCESS) {
        alq_window_close(window, bytes);
        return 0;
    }
    return window;
}

static bool alq_import(CUmemGenericAllocationHandle *handle, int descriptor)
{
    bool good = ALQ_CALL(cuMemImportFromShareableHandle, handle, (void *)(uintptr_t)descriptor, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR)
        == CUDA_SUCCESS;
    __atomic_add_fetch(&alq_imports, good, __ATOMIC_SEQ_CST);
    return good;
}

static bool alq_import_end(CUmemGenericAllocationHandle handle)
{
    bool good = ALQ_CALL(cuMemRelease, handle) == CUDA_SUCCESS;
    __atomic_sub_fetch(&alq_imports, good, __ATOMIC_SEQ_CST);
    return good;
}

enum alq_move_outcome alq_chunks_take(uint32_t wait_ms, uint32_t device, CUdevice ordinal, uint64_t bytes, struct alq_backing *backing)
{
    struct alq_agent_chunk chunk;
    if (alq_chunks_ask(wait_ms, device, bytes, 0, &chunk) != ALQ_AGENT_YES) {
        return ALQ_MOVE_HOST_POOL;
    }
    bool good = chunk.id != 0 && chunk.bytes == bytes && chunk.descriptor >= 0 && alq_import(&backing->handle, chunk.descriptor);
    if (chunk.descriptor >= 0) {
        alq_agent_close(chunk.descriptor);
    }
    backing->chunk = chunk.id;
    backing->window = good ? alq_window_open(backing->handle, ordinal, bytes) : 0;
    if (good && backing->window == 0) {
        alq_import_end(backing->handle);
    }
    if (backing->window == 0 && chunk.id != 0) {
        alq_chunks_drop(chunk.id);
    }
    return backing->window != 0 ? ALQ_MOVE_DONE : good ? ALQ_MOVE_FAILED : ALQ_MOVE_HOST_POOL;
}

enum alq_agent_answer alq_chunks_reopen(const struct alq_backing *backing, uint64_t bytes, int *descriptor)
{
    struct alq_agent_chunk chunk;
    enum alq_agent_answer answer = alq_chunks_ask(ALQ_CHUNK_HASTE_MS, 0, 0, backing->chunk, &chunk);
    if (answer == ALQ_AGENT_YES && chunk.descriptor >= 0 && (chunk.id != backing->chunk || chunk.bytes != bytes)) {
        alq_agent_close(chunk.descriptor);
        return ALQ_AGENT_ABSENT;
    }
    if (answer == ALQ_AGENT_YES) {
        *descriptor = chunk.descriptor;
    }
    return answer;
}

bool alq_chunks_release(struct alq_backing *chunk, uint64_t bytes)
{
    if (chunk->window != 0) {
        if (!alq_window_close(chunk->window, bytes)) {
            return false;
        }
        chunk->window = 0;
    }
    if (chunk->handle != 0 && !alq_import_end(chunk->handle)) {
        return false;
    }
    chunk->handle = 0;
    return true;
}

bool alq_chunks_import(struct alq_backing *chunk, CUdevice ordinal, uint64_t bytes, int descriptor)
{
    if (chunk->handle == 0 && (descriptor < 0 || !alq_import(&chunk->handle, descriptor))) {
        chunk->handle = 0;
        return false;
    }
    if (chunk->window == 0) {
        chunk->window = alq_window_open(chunk->handle, ordinal, bytes);
    }
    return chunk->window != 0;
}

uint32_t alq_chunks_imported(void)
{
    return __atomic_load_n(&alq_imports, __ATOMIC_SEQ_CST);
}

void alq_chunks_end(const struct alq_backing *chunk, uint64_t bytes)
{
    alq_window_close(chunk->window, bytes);
    alq_import_end(chunk->handle);
    alq_chunks_drop(chunk->chunk);
}

void alq_chunks_drop(uint64_t chunk)
{
    pthread_mutex_lock(&alq_mutex);
    uint64_t *grown = alq_grown(alq_dropped, alq_count, &alq_capacity, sizeof *grown);
    /* without memory for it, the agent has it back when the tenant ends */
    if (grown != NULL) {
        alq_dropped = grown;
        alq_dropped[alq_count++] = chunk;
    }
    pthread_mutex_unlock(&alq_mutex);
}

/* The last one of the list; 0: it is empty. Only the mover takes any out. */
static uint64_t alq_chunks_last(void)
{
    pthread_mutex_lock(&alq_mutex);
    uint64_t chunk = alq_count == 0 ? 0 : alq_dropped[--alq_count];
    pthread_mutex_unlock(&alq_mutex);
    return chunk;
}

bool alq_chunks_return(void)
{
    for (uint64_t chunk = alq_chunks_last(); chunk != 0; chunk = alq_chunks_last()) {
        struct alq_seat seat;
        struct alq_agent_refusal refusal;
        enum alq_agent_answer answer = alq_charge_seat(&seat) == NULL
            ? ALQ_AGENT_ABSENT
            : alq_agent_return_chunk(ALQ_RETURN_WAIT_MS, &seat, chunk, &refusal);
        bool stale = answer == ALQ_AGENT_REFUSED && refusal.status == ALQ_STATUS_STALE;
        if (answer == ALQ_AGENT_ABSENT || (stale && alq_ask_again())) {
            alq_chunks_drop(chunk);
        }
        if (answer == ALQ_AGENT_ABSENT) {
            return false;
        }
    }
    return true;
}

void alq_chunks_after_fork(void)
{
    pthread_mutex_init(&alq_mutex, NULL);
    alq_dropped = NULL;
    alq_count = 0;
    alq_capacity = 0;
    alq_imports = 0;
}
