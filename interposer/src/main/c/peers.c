/* Peer access, as the program enables and disables it. */
#include "peers.h"

#include "movables.h"
#include "devices.h"
#include "fork.h"
#include "gate.h"
#include "hooks.h"
#include "pool_movable.h"

/* [accessor][owner]: contexts that have enabled it. */
static uint16_t alq_enabled[ALQ_ACCESSES][ALQ_ACCESSES];
static uint32_t alq_version;

uint32_t alq_peers_version(void)
{
    return __atomic_load_n(&alq_version, __ATOMIC_SEQ_CST);
}

static CUmemAccessDesc alq_access(CUdevice ordinal, CUmemAccess_flags flags)
{
    CUmemAccessDesc access = {.flags = flags};
    access.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    access.location.id = ordinal;
    return access;
}

size_t alq_peers_access(CUdevice ordinal, CUmemAccessDesc list[ALQ_ACCESSES])
{
    size_t count = 0;
    list[count++] = alq_access(ordinal, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    for (CUdevice accessor = 0; ordinal < ALQ_ACCESSES && accessor < ALQ_ACCESSES && count < ALQ_ACCESSES; accessor++) {
        if (accessor != ordinal && __atomic_load_n(&alq_enabled[accessor][ordinal], __ATOMIC_SEQ_CST) != 0) {
            list[count++] = alq_access(accessor, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
        }
    }
    return count;
}

/* What there is already follows: reachable for whom alq_peers_access names, and for the accessor no longer where it is not one of them. */
static void alq_peers_apply(CUdevice accessor, CUdevice owner)
{
    CUmemAccessDesc list[ALQ_ACCESSES + 1];
    struct alq_movable_block *const *blocks;
    size_t listed = alq_peers_access(owner, list);
    if (__atomic_load_n(&alq_enabled[accessor][owner], __ATOMIC_SEQ_CST) == 0) {
        list[listed++] = alq_access(accessor, CU_MEM_ACCESS_FLAGS_PROT_NONE);
    }
    size_t count = alq_movables_lock(&blocks);
    for (size_t at = 0; at < count; at++) {
        if (blocks[at]->ordinal == owner && blocks[at]->virtual == NULL) {
            ALQ_CALL(cuMemSetAccess, blocks[at]->begin, blocks[at]->bytes, list, listed);
        }
    }
    alq_movables_unlock();
}

/* The devices of the current context and of its peer; false where they are one, or one is unknown. */
static bool alq_peers_pair(CUcontext peer, CUdevice *accessor, CUdevice *owner)
{
    struct alq_place own;
    struct alq_place other;
    bool known = alq_place_current(&own) && alq_place_of_context(peer, &other);
    *accessor = known ? own.ordinal : -1;
    *owner = known ? other.ordinal : -1;
    return known && *accessor != *owner && *accessor >= 0 && *accessor < ALQ_ACCESSES && *owner >= 0 && *owner < ALQ_ACCESSES;
}

static void alq_peers_change(CUdevice accessor, CUdevice owner, bool enabled)
{
    uint16_t *contexts = &alq_enabled[accessor][owner];
    uint16_t before = __atomic_load_n(contexts, __ATOMIC_SEQ_CST);
    while (!(before == 0 && !enabled)
        && !__atomic_compare_exchange_n(
            contexts, &before, (uint16_t)(enabled ? before + 1 : before - 1), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
    }
    __atomic_add_fetch(&alq_version, 1, __ATOMIC_SEQ_CST);
    alq_peers_apply(accessor, owner);
}

CUresult alq_hook_cuCtxEnablePeerAccess(CUcontext peer, unsigned int flags)
{
    ALQ_PASS_WHEN_TRANSPARENT(cuCtxEnablePeerAccess, peer, flags);
    CUdevice accessor;
    CUdevice owner;
    bool gated = alq_gate_enter();
    bool known = alq_peers_pair(peer, &accessor, &owner);
    CUresult result = ALQ_CALL(cuCtxEnablePeerAccess, peer, flags);
    if (known && result == CUDA_SUCCESS) {
        alq_peers_change(accessor, owner, true);
    }
    alq_gate_leave(gated);
    return result;
}

CUresult alq_hook_cuCtxDisablePeerAccess(CUcontext peer)
{
    ALQ_PASS_WHEN_TRANSPARENT(cuCtxDisablePeerAccess, peer);
    CUdevice accessor;
    CUdevice owner;
    bool gated = alq_gate_enter();
    bool known = alq_peers_pair(peer, &accessor, &owner);
    CUresult result = ALQ_CALL(cuCtxDisablePeerAccess, peer);
    if (known && result == CUDA_SUCCESS) {
        alq_peers_change(accessor, owner, false);
    }
    alq_gate_leave(gated);
    return result;
}

/* Gives devices access to what is allocated from a pool, or takes it from them: as if they had enabled access to its device. */
static void alq_peers_pool(struct alq_pool *pool, const CUmemAccessDesc *list, size_t count)
{
    uint64_t *accessors = &alq_pool_part(pool)->accessors;
    CUdevice owner = alq_pool_place(pool)->ordinal;
    for (size_t at = 0; at < count; at++) {
        CUdevice accessor = list[at].location.id;
        bool known = list[at].location.type == CU_MEM_LOCATION_TYPE_DEVICE && accessor >= 0 && accessor < ALQ_ACCESSES
            && owner < ALQ_ACCESSES && accessor != owner;
        if (!known) {
            continue;
        }
        uint64_t bit = 1ull << accessor;
        bool enabled = list[at].flags != CU_MEM_ACCESS_FLAGS_PROT_NONE;
        uint64_t before = enabled ? __atomic_fetch_or(accessors, bit, __ATOMIC_SEQ_CST)
                                  : __atomic_fetch_and(accessors, ~bit, __ATOMIC_SEQ_CST);
        if (((before & bit) != 0) != enabled) {
            alq_peers_change(accessor, owner, enabled);
        }
    }
}

CUresult alq_hook_cuMemPoolSetAccess(CUmemoryPool handle, const CUmemAccessDesc *list, size_t count)
{
    ALQ_PASS_WHEN_TRANSPARENT(cuMemPoolSetAccess, handle, list, count);
    bool gated = alq_gate_enter();
    CUresult result = ALQ_CALL(cuMemPoolSetAccess, handle, list, count);
    struct alq_pool *pool = result == CUDA_SUCCESS ? alq_pool_of(handle, NULL) : NULL;
    if (pool != NULL && alq_pool_takes_movable(pool)) {
        alq_peers_pool(pool, list, count);
    }
    alq_gate_leave(gated);
    return result;
}

void alq_peers_after_fork(void)
{
    __builtin_memset(alq_enabled, 0, sizeof alq_enabled);
}
