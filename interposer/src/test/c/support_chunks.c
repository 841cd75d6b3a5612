/* Host chunks as the test agent makes them: through the driver, without a context, each with a descriptor that leaves the process. */
#include <aliquot/cuda_abi.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support_credit.h"

#define MAX_CHUNKS 4096

struct chunk {
    uint64_t id, bytes;
    uint32_t slot;
    CUmemGenericAllocationHandle handle;
};

struct credit_chunks {
    void *library;
    __typeof__(cuMemCreate) *create;
    __typeof__(cuMemExportToShareableHandle) *export;
    __typeof__(cuMemRelease) *release;
    uint64_t last_id;
    uint32_t count;
    struct chunk list[MAX_CHUNKS];
};

/* The driver is started with the first chunk: most tests need none. */
static struct credit_chunks *chunks_of(struct credit_book *book)
{
    if (book->chunks != NULL) {
        return book->chunks;
    }
    void *library = dlopen(book->control->cuda_library, RTLD_NOW | RTLD_LOCAL);
    __typeof__(cuInit) *init = library == NULL ? NULL : (__typeof__(cuInit) *)dlsym(library, "cuInit");
    if (init == NULL || init(0) != CUDA_SUCCESS) {
        fprintf(stderr, "test agent: no chunks from %s\n", book->control->cuda_library);
        return NULL;
    }
    struct credit_chunks *chunks = calloc(1, sizeof *chunks);
    chunks->library = library;
    chunks->create = (__typeof__(chunks->create))dlsym(library, "cuMemCreate");
    chunks->export = (__typeof__(chunks->export))dlsym(library, "cuMemExportToShareableHandle");
    chunks->release = (__typeof__(chunks->release))dlsym(library, "cuMemRelease");
    chunks->last_id = (uint64_t)getpid() << 20; /* another agent's ids are others */
    return book->chunks = chunks;
}

void *credit_symbol(struct credit_book *book, const char *name)
{
    struct credit_chunks *chunks = chunks_of(book);
    return chunks == NULL ? NULL : dlsym(chunks->library, name);
}

/* A chunk of that size with its descriptor; false: there is none. */
static int make(struct credit_chunks *chunks, uint32_t slot, uint64_t bytes, struct chunk *made, int *fd)
{
    CUmemAllocationProp prop = {.type = CU_MEM_ALLOCATION_TYPE_PINNED, .requestedHandleTypes = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR};
    prop.location.type = CU_MEM_LOCATION_TYPE_HOST_NUMA;
    *made = (struct chunk){.bytes = bytes, .slot = slot};
    if (chunks->count == MAX_CHUNKS || chunks->create(&made->handle, bytes, &prop, 0) != CUDA_SUCCESS) {
        return 0;
    }
    if (chunks->export(fd, made->handle, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0) != CUDA_SUCCESS) {
        chunks->release(made->handle);
        return 0;
    }
    made->id = ++chunks->last_id;
    chunks->list[chunks->count++] = *made;
    return 1;
}

void credit_take_chunk(struct credit_book *book, const struct alq_take_chunk *from, struct credit_answer *said)
{
    struct credit_chunks *chunks = chunks_of(book);
    uint32_t mode = atomic_load(&book->shared->chunk_mode);
    uint64_t bytes = mode == CHUNKS_SMALLER ? from->bytes / 2 : from->bytes;
    struct chunk made;
    int fd = -1;
    atomic_fetch_add(&book->shared->chunks_asked, 1);
    if (mode == CHUNKS_NONE || chunks == NULL || atomic_load(&book->shared->chunks_given) >= atomic_load(&book->shared->chunks_most) ||
        bytes % 4096 != 0 || bytes > (1ull << 30) || !make(chunks, from->slot, bytes, &made, &fd)) {
        credit_refuse(said, ALQ_STATUS_HOST_POOL, "There is no chunk.");
        return;
    }
    memset(said, 0, sizeof *said);
    said->type = ALQ_FRAME_CHUNK;
    said->length = sizeof said->body.given;
    said->body.given.id = mode == CHUNKS_WITHOUT_ID ? 0 : made.id;
    said->body.given.bytes = mode == CHUNKS_WRONG_SIZE ? bytes / 2 : from->bytes;
    if (mode == CHUNKS_WITHOUT_DESCRIPTOR || mode == CHUNKS_NO_MEMORY) {
        close(fd);
        fd = mode == CHUNKS_NO_MEMORY ? memfd_create("no-chunk", MFD_CLOEXEC) : -1;
    }
    said->descriptors[0] = fd;
    said->descriptors[1] = mode == CHUNKS_TWO_DESCRIPTORS ? dup(fd) : -1;
    said->descriptor_count = (fd >= 0) + (said->descriptors[1] >= 0);
    atomic_fetch_add(&book->shared->chunks_given, 1);
    STORE(book->control->slots[from->slot].host_bytes, book->control->slots[from->slot].host_bytes + bytes);
}

/* Of what was given to that slot; NULL: that has not been. */
static struct chunk *given(struct credit_book *book, uint64_t id, uint32_t slot)
{
    for (uint32_t i = 0; book->chunks != NULL && i < book->chunks->count; i++) {
        if (book->chunks->list[i].id == id && book->chunks->list[i].slot == slot) {
            return &book->chunks->list[i];
        }
    }
    return NULL;
}

void credit_reopen_chunk(struct credit_book *book, const struct alq_reopen_chunk *from, struct credit_answer *said)
{
    const struct chunk *chunk = given(book, from->id, from->slot);
    int fd = -1;
    atomic_fetch_add(&book->shared->reopens, 1);
    if (chunk == NULL || atomic_load(&book->shared->chunk_mode) == CHUNKS_NOT_REOPENED ||
        book->chunks->export(&fd, chunk->handle, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0) != CUDA_SUCCESS) {
        credit_refuse(said, ALQ_STATUS_HOST_POOL, "This chunk is not opened again.");
        return;
    }
    memset(said, 0, sizeof *said);
    said->type = ALQ_FRAME_CHUNK;
    said->length = sizeof said->body.given;
    said->body.given.id = chunk->id;
    said->body.given.bytes = chunk->bytes;
    said->descriptors[0] = fd;
    said->descriptor_count = 1;
}

static int give_back(struct credit_book *book, uint32_t at)
{
    struct credit_chunks *chunks = book->chunks;
    struct chunk *chunk = &chunks->list[at];
    uint64_t *host_bytes = &book->control->slots[chunk->slot].host_bytes;
    STORE(*host_bytes, minus(*host_bytes, chunk->bytes));
    chunks->release(chunk->handle);
    *chunk = chunks->list[--chunks->count];
    return 1;
}

int credit_return_chunk(struct credit_book *book, const struct alq_return_chunk *from)
{
    struct chunk *chunk = given(book, from->id, from->slot);
    if (chunk == NULL) {
        return 0;
    }
    atomic_fetch_add(&book->shared->chunks_returned, 1);
    return give_back(book, (uint32_t)(chunk - book->chunks->list));
}

void credit_drop_chunks(struct credit_book *book, uint32_t slot)
{
    for (uint32_t i = book->chunks == NULL ? 0 : book->chunks->count; i-- > 0;) {
        if (book->chunks->list[i].slot == slot) {
            give_back(book, i);
        }
    }
}

void credit_moved(struct credit_book *book, const struct alq_moved *from)
{
    uint64_t moves = atomic_load(&book->shared->moves);
    book->shared->moved[moves % AGENT_MOVES] = *from;
    atomic_store(&book->shared->moves, moves + 1);
}
