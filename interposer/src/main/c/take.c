/* Charging bytes, and what is given up for them: see pool.h. */
#include "charge.h"
#include "kept.h"
#include "movable.h"
#include "pool.h"

bool alq_take_unused(int device, uint64_t bytes)
{
    if (alq_charge_within_credit(device, bytes)) {
        return true;
    }
    if (alq_pools_seen()) {
        alq_pool_settle_all(device);
    }
    /* what is of no use here is given up before others are asked for what they use */
    alq_kept_shrink(device, bytes);
    if (alq_charge(device, bytes)) {
        return true;
    }
    if (!alq_pools_seen() || !alq_pool_dirty()) {
        return false;
    }
    alq_pool_trim_all(device);
    return alq_charge(device, bytes);
}

bool alq_take_waiting(int device, uint64_t bytes)
{
    if (alq_kept_shrink_waiting(device, bytes) != 0 && alq_charge(device, bytes)) {
        return true;
    }
    alq_charge_refused();
    return false;
}

bool alq_take(int device, uint64_t bytes)
{
    return alq_take_unused(device, bytes) || alq_take_waiting(device, bytes);
}

bool alq_take_fixed(int device, uint64_t bytes)
{
    if (!alq_fixed_fits(device, bytes) && alq_pools_seen()) {
        alq_pool_settle_all(device);
        alq_pool_trim_all(device);
    }
    if (!alq_fixed_fits(device, bytes)) {
        alq_charge_refused();
        return false;
    }
    if (!alq_take(device, bytes)) {
        return false;
    }
    /* looked at before it was added: of two that fit one by one and not together, neither is let through unseen */
    if (!alq_fixed_fits(device, 0)) {
        alq_uncharge(device, bytes);
        alq_charge_refused();
        return false;
    }
    return true;
}
