/* Memory of allocation nodes, and what a device holds in reserve for it. */
#include <stdlib.h>

#include "cuda_graph.h"
#include "cuda_memory.h"

static struct {
    uint64_t used, used_high, reserved, reserved_high;
} memory[SIM_MAX_DEVICES]; /* by ordinal */
static pthread_mutex_t memory_mutex = PTHREAD_MUTEX_INITIALIZER;

CUresult sim_graph_block_make(int ordinal, uint64_t bytes, struct sim_graph_block **out) {
    uint32_t device = sim_process.device[ordinal];
    uint64_t span = sim_round_up(bytes, SIM_PAGE_BYTES);
    if (span < bytes || span > sim_mem_capacity(device)) return CUDA_ERROR_OUT_OF_MEMORY;
    struct sim_graph_block *block = calloc(1, sizeof *block);
    struct sim_range *range = sim_handle_new(SIM_KIND_RANGE);
    uint64_t base = sim_space_take(span, SIM_PAGE_BYTES, 0, false);
    if (block == NULL || range == NULL || base == 0) {
        free(block);
        sim_handle_free(range);
        if (base != 0) sim_space_give(base, span);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    range->kind = SIM_RANGE_GRAPH;
    range->base = base;
    range->bytes = bytes;
    range->span = span;
    range->ordinal = ordinal;
    range->device = device;
    range->id = sim_new_id();
    range->block = block;
    *block = (struct sim_graph_block){1, ordinal, device, range, bytes, span, false};
    sim_space_bind(range, base, span);
    *out = block;
    return CUDA_SUCCESS;
}

static void block_unmake(struct sim_graph_block *block) {
    struct sim_range *range = block->range;
    sim_space_bind(NULL, range->base, range->span);
    sim_space_discard(range->base, range->span);
    sim_space_give(range->base, range->span);
    sim_handle_free(range);
    free(block);
}

/* A live block is one reference more: it outlives its graph until it is freed. */
void sim_graph_block_unref(struct sim_graph_block *block) {
    if (atomic_fetch_sub(&block->refs, 1) == 1) block_unmake(block);
}

CUresult sim_graph_block_fill(struct sim_graph_block *block) {
    CUresult result = CUDA_SUCCESS;
    pthread_mutex_lock(&memory_mutex);
    if (!block->live) {
        uint64_t spare = memory[block->ordinal].reserved - memory[block->ordinal].used;
        uint64_t more = block->span > spare ? block->span - spare : 0;
        if (more != 0 && !sim_mem_take(block->device, more) && !(sim_pool_trim_all(block->device) && sim_mem_take(block->device, more))) {
            result = CUDA_ERROR_OUT_OF_MEMORY;
        } else {
            memory[block->ordinal].reserved += more;
            memory[block->ordinal].used += block->span;
            if (memory[block->ordinal].reserved > memory[block->ordinal].reserved_high) {
                memory[block->ordinal].reserved_high = memory[block->ordinal].reserved;
            }
            if (memory[block->ordinal].used > memory[block->ordinal].used_high) memory[block->ordinal].used_high = memory[block->ordinal].used;
            block->live = true;
            atomic_fetch_add(&block->refs, 1);
            atomic_store(&block->range->access, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
        }
    }
    pthread_mutex_unlock(&memory_mutex);
    return result;
}

struct sim_graph_block *sim_graph_block_at(uint64_t address) {
    struct sim_range *range = sim_space_range(address);
    return range != NULL && range->kind == SIM_RANGE_GRAPH && range->base == address ? range->block : NULL;
}

bool sim_graph_memory_holds(uint64_t address) {
    const struct sim_range *range = sim_space_range(address);
    return range != NULL && range->kind == SIM_RANGE_GRAPH;
}

bool sim_graph_memory_is(uint64_t address) { return sim_graph_block_at(address) != NULL; }

CUresult sim_graph_memory_free(uint64_t address) {
    struct sim_graph_block *block = sim_graph_block_at(address);
    SIM_NEED(block != NULL);
    pthread_mutex_lock(&memory_mutex);
    bool was_live = block->live;
    if (was_live) {
        block->live = false;
        atomic_store(&block->range->access, CU_MEM_ACCESS_FLAGS_PROT_NONE);
        sim_space_discard(block->range->base, block->span);
        memory[block->ordinal].used -= block->span;
    }
    pthread_mutex_unlock(&memory_mutex);
    if (was_live) sim_graph_block_unref(block);
    return was_live ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuDeviceGraphMemTrim(CUdevice ordinal) {
    SIM_ENTER();
    if (!sim_ordinal_ok(ordinal)) return CUDA_ERROR_INVALID_DEVICE;
    pthread_mutex_lock(&memory_mutex);
    uint64_t spare = memory[ordinal].reserved - memory[ordinal].used;
    memory[ordinal].reserved -= spare;
    if (spare != 0) sim_mem_give(sim_process.device[ordinal], spare);
    pthread_mutex_unlock(&memory_mutex);
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetGraphMemAttribute(CUdevice ordinal, CUgraphMem_attribute attribute, void *out) {
    SIM_ENTER();
    if (!sim_ordinal_ok(ordinal)) return CUDA_ERROR_INVALID_DEVICE;
    SIM_NEED(out != NULL && (unsigned)attribute <= CU_GRAPH_MEM_ATTR_RESERVED_MEM_HIGH);
    pthread_mutex_lock(&memory_mutex);
    cuuint64_t values[] = {memory[ordinal].used, memory[ordinal].used_high, memory[ordinal].reserved, memory[ordinal].reserved_high};
    pthread_mutex_unlock(&memory_mutex);
    *(cuuint64_t *)out = values[attribute];
    return CUDA_SUCCESS;
}

CUresult cuDeviceSetGraphMemAttribute(CUdevice ordinal, CUgraphMem_attribute attribute, void *value) {
    SIM_ENTER();
    if (!sim_ordinal_ok(ordinal)) return CUDA_ERROR_INVALID_DEVICE;
    SIM_NEED(value != NULL && *(cuuint64_t *)value == 0);
    SIM_NEED(attribute == CU_GRAPH_MEM_ATTR_USED_MEM_HIGH || attribute == CU_GRAPH_MEM_ATTR_RESERVED_MEM_HIGH);
    pthread_mutex_lock(&memory_mutex);
    if (attribute == CU_GRAPH_MEM_ATTR_USED_MEM_HIGH) memory[ordinal].used_high = memory[ordinal].used;
    else memory[ordinal].reserved_high = memory[ordinal].reserved;
    pthread_mutex_unlock(&memory_mutex);
    return CUDA_SUCCESS;
}
