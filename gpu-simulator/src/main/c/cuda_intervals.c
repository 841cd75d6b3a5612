/* Free parts of a range of numbers, first fit, neighbours joined. */
#include <stdlib.h>

#include "cuda_memory.h"

static bool insert(struct sim_intervals *set, size_t place, uint64_t start, uint64_t bytes) {
    if (set->count == set->capacity) {
        size_t capacity = set->capacity == 0 ? 64 : set->capacity * 2;
        struct sim_interval *list = realloc(set->list, capacity * sizeof *list);
        if (list == NULL) return false;
        set->list = list;
        set->capacity = capacity;
    }
    memmove(set->list + place + 1, set->list + place, (set->count - place) * sizeof *set->list);
    set->list[place] = (struct sim_interval){start, bytes};
    set->count++;
    return true;
}

static void erase(struct sim_intervals *set, size_t place) {
    set->count--;
    memmove(set->list + place, set->list + place + 1, (set->count - place) * sizeof *set->list);
}

bool sim_intervals_init(struct sim_intervals *set, uint64_t start, uint64_t bytes) {
    pthread_mutex_init(&set->mutex, NULL);
    set->list = NULL;
    set->count = set->capacity = 0;
    return insert(set, 0, start, bytes);
}

/* Takes [start, start + bytes) out of the free part at place. */
static bool cut(struct sim_intervals *set, size_t place, uint64_t start, uint64_t bytes) {
    struct sim_interval part = set->list[place];
    uint64_t before = start - part.start;
    uint64_t after = part.bytes - before - bytes;
    if (before != 0 && after != 0) {
        if (!insert(set, place + 1, start + bytes, after)) return false;
        set->list[place].bytes = before;
    } else if (before != 0) {
        set->list[place].bytes = before;
    } else if (after != 0) {
        set->list[place] = (struct sim_interval){start + bytes, after};
    } else {
        erase(set, place);
    }
    return true;
}

static uint64_t take(struct sim_intervals *set, uint64_t bytes, uint64_t align, uint64_t hint) {
    for (size_t i = 0; i < set->count; i++) {
        uint64_t start = set->list[i].start, end = start + set->list[i].bytes;
        uint64_t at = hint != 0 ? hint : sim_round_up(start, align);
        if (at < start || at > end || end - at < bytes) continue;
        return cut(set, i, at, bytes) ? at : UINT64_MAX;
    }
    return UINT64_MAX;
}

uint64_t sim_intervals_take(struct sim_intervals *set, uint64_t bytes, uint64_t align, uint64_t hint) {
    pthread_mutex_lock(&set->mutex);
    uint64_t at = take(set, bytes, align == 0 ? 1 : align, hint);
    pthread_mutex_unlock(&set->mutex);
    return at;
}

bool sim_intervals_give(struct sim_intervals *set, uint64_t start, uint64_t bytes) {
    pthread_mutex_lock(&set->mutex);
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (set->list[middle].start < start) low = middle + 1;
        else high = middle;
    }
    bool joined = false;
    if (low > 0 && set->list[low - 1].start + set->list[low - 1].bytes == start) {
        set->list[low - 1].bytes += bytes;
        joined = true;
        if (low < set->count && start + bytes == set->list[low].start) {
            set->list[low - 1].bytes += set->list[low].bytes;
            erase(set, low);
        }
    } else if (low < set->count && start + bytes == set->list[low].start) {
        set->list[low].start = start;
        set->list[low].bytes += bytes;
        joined = true;
    }
    if (!joined) joined = insert(set, low, start, bytes);
    pthread_mutex_unlock(&set->mutex);
    return joined;
}
