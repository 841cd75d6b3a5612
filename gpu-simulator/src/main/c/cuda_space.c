/* The window, its shadow, and the table from page to range. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cuda_memory.h"

/* What a process has no addresses left for, because it holds several of these libraries, is halved. */
#define MOST_WINDOW_BYTES (4ull << 40)
#define LEAST_WINDOW_BYTES (256ull << 30)
#define LOW_BYTES (1ull << 30)

static struct {
    bool open;
    int fd;
    uint64_t window;
    uint64_t window_bytes;
    _Atomic uint64_t low; /* 0: the part under 4 GiB is not reserved yet */
    pthread_mutex_t low_mutex;
    char *shadow;
    struct sim_range *_Atomic *table;
    struct sim_intervals free;
    struct sim_intervals low_free;
} space = {.fd = -1, .low_mutex = PTHREAD_MUTEX_INITIALIZER};

static char *reserve_at(uint64_t address, uint64_t bytes) {
    void *map = mmap((void *)address, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (map == MAP_FAILED) return NULL;
    if ((uint64_t)map != address) {
        munmap(map, bytes);
        return NULL;
    }
    madvise(map, bytes, MADV_DONTDUMP);
    return map;
}

static uint64_t file_bytes(void) { return space.window_bytes + LOW_BYTES; }
static uint64_t table_bytes(void) { return file_bytes() / SIM_PAGE_BYTES * sizeof(void *); }

static bool reserve_between(uint64_t low, uint64_t high, uint64_t bytes) {
    for (uint64_t base = low; base + bytes <= high; base += bytes / 4) {
        if (reserve_at(base, bytes) == NULL) continue;
        space.window = base;
        space.window_bytes = bytes;
        return true;
    }
    return false;
}

static bool reserve_window(uint64_t bytes) {
    return reserve_between(0x300000000000ull, 0x7f0000000000ull, bytes) || reserve_between(0x080000000000ull, 0x300000000000ull, bytes);
}

static void *map_shadow(void) {
    if (ftruncate(space.fd, (off_t)file_bytes()) != 0) return MAP_FAILED;
    return mmap(NULL, file_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, space.fd, 0);
}

/* Window and shadow of one size. */
static bool open_window(uint64_t bytes) {
    if (!reserve_window(bytes)) return false;
    void *shadow = map_shadow();
    if (shadow == MAP_FAILED) {
        munmap((void *)space.window, bytes);
        return false;
    }
    madvise(shadow, file_bytes(), MADV_DONTDUMP);
    space.shadow = shadow;
    return true;
}

bool sim_space_open(void) {
    if (space.open) return true;
    if (space.fd < 0) space.fd = memfd_create("aliquot-sim-memory", MFD_CLOEXEC);
    if (space.fd < 0) return false;
    uint64_t bytes = MOST_WINDOW_BYTES;
    while (!open_window(bytes)) {
        bytes /= 2;
        if (bytes < LEAST_WINDOW_BYTES) return false;
    }
    void *table = mmap(NULL, table_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (table == MAP_FAILED) {
        munmap((void *)space.window, bytes);
        munmap(space.shadow, file_bytes());
        return false;
    }
    madvise(table, table_bytes(), MADV_NOHUGEPAGE);
    space.table = table;
    /* The first page stays unused, so that no allocation is where a window begins. */
    space.open = sim_intervals_init(&space.free, space.window + SIM_PAGE_BYTES, bytes - SIM_PAGE_BYTES);
    return space.open;
}

int sim_space_fd(void) { return space.fd; }

static bool open_low(void) {
    pthread_mutex_lock(&space.low_mutex);
    for (uint64_t base = 0xc0000000ull; space.low == 0 && base >= 0x10000000ull; base -= 0x4000000ull) {
        if (reserve_at(base, LOW_BYTES) == NULL) continue;
        if (sim_intervals_init(&space.low_free, base, LOW_BYTES)) atomic_store(&space.low, base);
    }
    pthread_mutex_unlock(&space.low_mutex);
    return space.low != 0;
}

static uint64_t offset_of(uint64_t address) {
    if (address - space.window < space.window_bytes) return address - space.window;
    uint64_t low = atomic_load_explicit(&space.low, memory_order_relaxed);
    if (low != 0 && address - low < LOW_BYTES) return space.window_bytes + (address - low);
    return UINT64_MAX;
}

uint64_t sim_space_offset(uint64_t address) { return offset_of(address); }

bool sim_in_window(uint64_t address, uint64_t bytes) {
    if (!space.open || address + bytes < address) return false;
    uint64_t first = offset_of(address);
    if (first == UINT64_MAX) return false;
    uint64_t last = offset_of(address + (bytes == 0 ? 0 : bytes - 1));
    return last != UINT64_MAX && last - first == (bytes == 0 ? 0 : bytes - 1);
}

void *sim_shadow(uint64_t address) { return space.shadow + offset_of(address); }

uint64_t sim_space_take(uint64_t bytes, uint64_t align, uint64_t hint, bool low) {
    if (low && !open_low()) return 0;
    uint64_t address = sim_intervals_take(low ? &space.low_free : &space.free, bytes, align, hint);
    return address == UINT64_MAX ? 0 : address;
}

void sim_space_give(uint64_t address, uint64_t bytes) {
    bool window = address - space.window < space.window_bytes;
    sim_intervals_give(window ? &space.free : &space.low_free, address, bytes);
}

void sim_space_bind(struct sim_range *range, uint64_t address, uint64_t bytes) {
    uint64_t page = offset_of(address) / SIM_PAGE_BYTES;
    for (uint64_t i = 0; i < bytes / SIM_PAGE_BYTES; i++) atomic_store_explicit(&space.table[page + i], range, memory_order_release);
}

struct sim_range *sim_space_range(uint64_t address) {
    if (!space.open) return NULL;
    uint64_t offset = offset_of(address);
    if (offset == UINT64_MAX) return NULL;
    return atomic_load_explicit(&space.table[offset / SIM_PAGE_BYTES], memory_order_acquire);
}

bool sim_space_map(uint64_t address, uint64_t bytes, int fd, uint64_t offset) {
    return mmap(sim_shadow(address), bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, fd, (off_t)offset) !=
           MAP_FAILED;
}

void sim_space_reset(uint64_t address, uint64_t bytes) { sim_space_map(address, bytes, space.fd, offset_of(address)); }

void sim_space_discard(uint64_t address, uint64_t bytes) {
    fallocate(space.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset_of(address), (off_t)bytes);
}

bool sim_space_show(uint64_t address, uint64_t bytes) {
    return mmap((void *)address, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, space.fd,
                (off_t)offset_of(address)) != MAP_FAILED;
}

void sim_space_hide(uint64_t address, uint64_t bytes) {
    mmap((void *)address, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
}

void *sim_reach(uint64_t address, uint64_t bytes, bool write) {
    uint32_t need = write ? CU_MEM_ACCESS_FLAGS_PROT_READWRITE : CU_MEM_ACCESS_FLAGS_PROT_READ;
    if (sim_in_window(address, bytes)) {
        uint64_t last = address + (bytes == 0 ? 0 : bytes - 1);
        uint64_t at = address;
        for (;;) {
            struct sim_range *range = sim_space_range(at);
            if (range == NULL || (atomic_load_explicit(&range->access, memory_order_relaxed) & need) != need) return NULL;
            uint64_t end = range->base + range->span;
            if (last < end) return sim_shadow(address);
            at = end;
        }
    }
    struct sim_host host;
    return sim_host_find(address, bytes, &host) ? (void *)address : NULL;
}
