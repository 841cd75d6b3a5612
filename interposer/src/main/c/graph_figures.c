/* What a program reads of a device's graph memory: the driver's and the movable blocks of graphs (graph_blocks.h) together. */
#include "hooks.h"
#include "pool_movable.h"

/* The record of what a device's graphs have, where that is anything that moves; NULL: none. */
static struct alq_pool *alq_movable_graphs(CUdevice ordinal)
{
    struct alq_place place = {.ordinal = ordinal, .device = alq_device_index(ordinal)};
    return alq_pools_seen() && place.device >= 0 ? alq_pool_of_graphs(&place) : NULL;
}

/* Its name among the attributes of pools. */
static CUmemPool_attribute alq_pool_attribute_of(CUgraphMem_attribute attribute)
{
    static const CUmemPool_attribute names[] = {[CU_GRAPH_MEM_ATTR_USED_MEM_CURRENT] = CU_MEMPOOL_ATTR_USED_MEM_CURRENT,
        [CU_GRAPH_MEM_ATTR_USED_MEM_HIGH] = CU_MEMPOOL_ATTR_USED_MEM_HIGH,
        [CU_GRAPH_MEM_ATTR_RESERVED_MEM_CURRENT] = CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT,
        [CU_GRAPH_MEM_ATTR_RESERVED_MEM_HIGH] = CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH};
    return (unsigned int)attribute < sizeof names / sizeof names[0] ? names[attribute] : 0;
}

CUresult alq_hook_cuDeviceGetGraphMemAttribute(CUdevice ordinal, CUgraphMem_attribute attribute, void *value)
{
    ALQ_PASS_WHEN_TRANSPARENT(cuDeviceGetGraphMemAttribute, ordinal, attribute, value);
    CUresult result = ALQ_CALL(cuDeviceGetGraphMemAttribute, ordinal, attribute, value);
    struct alq_pool *pool = result == CUDA_SUCCESS ? alq_movable_graphs(ordinal) : NULL;
    if (pool != NULL) {
        alq_pool_attribute_read(pool, alq_pool_attribute_of(attribute), value);
    }
    return result;
}

CUresult alq_hook_cuDeviceSetGraphMemAttribute(CUdevice ordinal, CUgraphMem_attribute attribute, void *value)
{
    ALQ_PASS_WHEN_TRANSPARENT(cuDeviceSetGraphMemAttribute, ordinal, attribute, value);
    CUresult result = ALQ_CALL(cuDeviceSetGraphMemAttribute, ordinal, attribute, value);
    struct alq_pool *pool = result == CUDA_SUCCESS ? alq_movable_graphs(ordinal) : NULL;
    if (pool != NULL) {
        alq_pool_attribute_set(pool, alq_pool_attribute_of(attribute));
    }
    return result;
}
