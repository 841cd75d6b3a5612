/* Handles: slots of one arena at a fixed place, so that a value a program made up is told from a live one by arithmetic and
 * one load. A freed slot keeps its memory, so reading a stale handle is safe too. */
#include <stdlib.h>
#include <sys/mman.h>

#include "cuda_core.h"

#define ARENA_BYTES (8ull << 30)

static struct {
    pthread_mutex_t mutex;
    _Atomic(char *) base;
    uint64_t used; /* slots handed out at least once */
    void *free;    /* chain through the word after the head */
} arena = {.mutex = PTHREAD_MUTEX_INITIALIZER};

struct chain {
    struct sim_head head;
    void *next;
};

void *sim_handle_new(enum sim_kind kind) {
    pthread_mutex_lock(&arena.mutex);
    char *base = atomic_load(&arena.base);
    if (base == NULL) {
        void *map = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (map == MAP_FAILED) {
            pthread_mutex_unlock(&arena.mutex);
            return NULL;
        }
        madvise(map, ARENA_BYTES, MADV_NOHUGEPAGE);
        base = map;
        atomic_store(&arena.base, base);
    }
    void *slot = arena.free;
    if (slot != NULL) {
        arena.free = ((struct chain *)slot)->next;
    } else if ((arena.used + 1) * SIM_SLOT_BYTES <= ARENA_BYTES) {
        slot = base + arena.used++ * SIM_SLOT_BYTES;
    }
    pthread_mutex_unlock(&arena.mutex);
    if (slot != NULL) {
        memset(slot, 0, SIM_SLOT_BYTES);
        atomic_store(&((struct sim_head *)slot)->kind, kind);
    }
    return slot;
}

void sim_handle_free(void *slot) {
    if (slot == NULL) return;
    atomic_store(&((struct sim_head *)slot)->kind, SIM_KIND_FREE);
    pthread_mutex_lock(&arena.mutex);
    ((struct chain *)slot)->next = arena.free;
    arena.free = slot;
    pthread_mutex_unlock(&arena.mutex);
}

bool sim_handle_is(const void *handle, enum sim_kind kind) {
    const char *base = atomic_load_explicit(&arena.base, memory_order_acquire);
    uintptr_t distance = (uintptr_t)handle - (uintptr_t)base;
    if (base == NULL || distance >= ARENA_BYTES || distance % SIM_SLOT_BYTES != 0) return false;
    return atomic_load_explicit(&((const struct sim_head *)handle)->kind, memory_order_acquire) == (uint32_t)kind;
}
