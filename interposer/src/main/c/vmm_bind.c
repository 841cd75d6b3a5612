/* Binding of cuMemCreate's memory to sparse arrays and to multicast objects: nothing is taken by it, but it keeps what it binds. */
#include "settled.h"
#include "vmm.h"

/* After the driver has accepted the list. */
static void alq_lend_listed(const CUarrayMapInfo *list, unsigned int count)
{
    for (unsigned int i = 0; list != NULL && i < count; i++) {
        if (list[i].memOperationType == CU_MEM_OPERATION_TYPE_MAP) {
            alq_vmm_lend(list[i].memHandle.memHandle);
        }
    }
}

#define ALQ_MAP_ARRAYS(name)                                                                   \
    CUresult alq_hook_##name(CUarrayMapInfo *list, unsigned int count, CUstream stream)        \
    {                                                                                          \
        ALQ_IN_FLIGHT(name, list, count, stream);                                              \
        CUresult result = ALQ_CALL_GATED(name, list, count, stream);                           \
        struct alq_place place;                                                                \
        if (result == CUDA_SUCCESS) {                                                          \
            alq_lend_listed(list, count);                                                      \
        }                                                                                      \
        if (result == CUDA_SUCCESS && alq_place_of_stream(stream, &place)) {                   \
            alq_settle_lazily(place.device);                                                   \
        }                                                                                      \
        return result;                                                                         \
    }

ALQ_MAP_ARRAYS(cuMemMapArrayAsync)
ALQ_MAP_ARRAYS(cuMemMapArrayAsync_ptsz)

CUresult alq_hook_cuMulticastBindMem(CUmemGenericAllocationHandle multicast, size_t multicast_offset,
    CUmemGenericAllocationHandle handle, size_t offset, size_t bytes, unsigned long long flags)
{
    ALQ_PASS_WHEN_TRANSPARENT(cuMulticastBindMem, multicast, multicast_offset, handle, offset, bytes, flags);
    CUresult result = ALQ_CALL(cuMulticastBindMem, multicast, multicast_offset, handle, offset, bytes, flags);
    if (result == CUDA_SUCCESS) {
        alq_vmm_lend(handle);
    }
    return alq_settled(result);
}
