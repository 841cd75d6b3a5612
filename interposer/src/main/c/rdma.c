/* See rdma.h. */
#include "rdma.h"

#include <errno.h>
#include <pthread.h>

#include "gate.h"
#include "hooks.h"
#include "share.h"
#include "virtual.h"

CUresult alq_rdma_handle(const struct alq_rdma_range *range)
{
    alq_bare_never();
    return ALQ_CALL(cuMemGetHandleForAddressRange, range->shared, range->address, range->bytes, range->type, range->flags);
}

static CUresult alq_handle_gated(const struct alq_rdma_range *range)
{
    bool gated = alq_gate_enter();
    CUresult result = alq_rdma_handle(range);
    alq_gate_leave(gated);
    return result;
}

/* An allocation; one that is shared is pinned until it is freed already. */
static CUresult alq_register(const struct alq_rdma_range *range)
{
    struct alq_movable_block copy;
    enum alq_pin pin = alq_share_pin(range->address, false, ALQ_PINNED_RDMA, &copy);
    if (pin == ALQ_PIN_NONE || pin == ALQ_PIN_FULL) {
        return CUDA_ERROR_NOT_SUPPORTED;
    }
    CUresult result =
        range->bytes <= copy.bytes - (range->address - copy.begin) ? alq_handle_gated(range) : CUDA_ERROR_INVALID_VALUE;
    if (pin == ALQ_PIN_OLD) {
        alq_share_name(&copy, copy.share, copy.share_epoch);
    } else if (pin == ALQ_PIN_REGISTERED || (pin == ALQ_PIN_NEW && result == CUDA_SUCCESS)) {
        alq_share_register(&copy);
    } else if (pin == ALQ_PIN_NEW) {
        alq_share_unpin(&copy);
    }
    return result;
}

bool alq_rdma_register(const struct alq_rdma_range *range, CUresult *result)
{
    struct alq_movable_block unused;
    int cancel_state;
    int saved_errno = errno;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state); /* what is pinned would stay so */
    bool registered = alq_virtual_register(range, result);
    if (!registered && alq_movables_find(range->address, &unused)) {
        registered = true;
        *result = alq_register(range);
    }
    pthread_setcancelstate(cancel_state, NULL);
    errno = saved_errno;
    return registered;
}
