/* Synchronisation gives freed pool memory back to the device: the pools are read again after it, if any of them is waiting for that, and
 * kept blocks are given up. */
#include "hooks.h"
#include "kept.h"
#include "pool.h"

/* From before the driver gives memory back until it is uncharged. */
#define ALQ_FLIGHT_WHEN_DIRTY \
    __attribute__((unused, cleanup(alq_flight_land))) bool alq_flight_ = alq_pool_dirty() && alq_flight_begin()

static CUresult alq_synchronized(CUresult result)
{
    if (__builtin_expect(alq_pool_dirty(), 0)) {
        alq_pool_settle_all(-1);
    }
    if (__builtin_expect(alq_kept_unsettled(), 0)) {
        alq_kept_settle();
    }
    return result;
}

CUresult alq_hook_cuStreamSynchronize(CUstream stream)
{
    ALQ_PASS_WHEN_TRANSPARENT(cuStreamSynchronize, stream);
    ALQ_FLIGHT_WHEN_DIRTY;
    return alq_synchronized(ALQ_CALL(cuStreamSynchronize, stream));
}

CUresult alq_hook_cuStreamSynchronize_ptsz(CUstream stream)
{
    ALQ_PASS_WHEN_TRANSPARENT(cuStreamSynchronize_ptsz, stream);
    ALQ_FLIGHT_WHEN_DIRTY;
    return alq_synchronized(ALQ_CALL(cuStreamSynchronize_ptsz, stream));
}

CUresult alq_hook_cuCtxSynchronize(void)
{
    ALQ_PASS_WHEN_TRANSPARENT(cuCtxSynchronize);
    ALQ_FLIGHT_WHEN_DIRTY;
    return alq_synchronized(ALQ_CALL(cuCtxSynchronize));
}

CUresult alq_hook_cuCtxSynchronize_v2(CUcontext context)
{
    ALQ_PASS_WHEN_TRANSPARENT(cuCtxSynchronize_v2, context);
    ALQ_FLIGHT_WHEN_DIRTY;
    return alq_synchronized(ALQ_CALL(cuCtxSynchronize_v2, context));
}

CUresult alq_hook_cuEventSynchronize(CUevent event)
{
    ALQ_PASS_WHEN_TRANSPARENT(cuEventSynchronize, event);
    ALQ_FLIGHT_WHEN_DIRTY;
    return alq_synchronized(ALQ_CALL(cuEventSynchronize, event));
}
