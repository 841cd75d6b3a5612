/* One exchange per chunk. */
#include "chunks.h"

#include <pthread.h>
#include <stdlib.h>

#include "ask.h"
#include "fork.h"
#include "hooks.h"

#define ALQ_TAKE_WAIT_MS 5000u
#define ALQ_RETURN_WAIT_MS 1000u

static pthread_mutex_t alq_mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t *alq_dropped;
static size_t alq_count;
static size_t alq_capacity;

static enum alq_agent_answer alq_chunks_ask(uint32_t device, uint64_t bytes, struct alq_agent_chunk *chunk)
{
    struct alq_seat seat;
    struct alq_agent_refusal refusal;
    if (alq_charge_seat(&seat) == NULL) {
        return ALQ_AGENT_ABSENT;
    }
    enum alq_agent_answer answer = alq_agent_take_chunk(ALQ_TAKE_WAIT_MS, &seat, device, bytes, chunk, &refusal);
    if (answer == ALQ_AGENT_REFUSED && refusal.status == ALQ_STATUS_STALE && alq_ask_again()
        && alq_charge_seat(&seat) != NULL) {
        answer = alq_agent_take_chunk(ALQ_TAKE_WAIT_MS, &seat, device, bytes, chunk, &refusal);
    }
    return answer;
}

enum alq_move_outcome alq_chunks_take(uint32_t device, uint64_t bytes, struct alq_backing *backing)
{
    struct alq_agent_chunk chunk;
    if (alq_chunks_ask(device, bytes, &chunk) != ALQ_AGENT_YES) {
        return ALQ_MOVE_HOST_POOL;
    }
    bool good = chunk.id != 0 && chunk.bytes == bytes && chunk.descriptor >= 0
        && ALQ_CALL(cuMemImportFromShareableHandle, &backing->handle, (void *)(uintptr_t)chunk.descriptor,
               CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR)
            == CUDA_SUCCESS;
    if (chunk.descriptor >= 0) {
        alq_agent_close(chunk.descriptor);
    }
    backing->chunk = chunk.id;
    if (!good && chunk.id != 0) {
        alq_chunks_drop(chunk.id);
    }
    return good ? ALQ_MOVE_DONE : ALQ_MOVE_HOST_POOL;
}

void alq_chunks_end(const struct alq_backing *chunk)
{
    ALQ_CALL(cuMemRelease, chunk->handle);
    alq_chunks_drop(chunk->chunk);
}

void alq_chunks_drop(uint64_t chunk)
{
    pthread_mutex_lock(&alq_mutex);
    if (alq_count == alq_capacity) {
        size_t capacity = alq_capacity == 0 ? 64 : alq_capacity * 2;
        uint64_t *grown = realloc(alq_dropped, capacity * sizeof *grown);
        if (grown != NULL) {
            alq_dropped = grown;
            alq_capacity = capacity;
        }
    }
    /* without memory for it, the agent has it back when the tenant ends */
    if (alq_count < alq_capacity) {
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
}
