/*
 * Giving back memory that was lent. Where another process holds it still, that process is charged for it, but only once the agent
 * looks; until then the room it seems to leave is not used.
 */
#include "charge.h"
#include "fork.h"

/* Devices, one bit each, of which lent memory was given back since the agent looked. */
static uint32_t alq_owed;

static void alq_owe(int device)
{
    if (device >= 0) {
        __atomic_fetch_or(&alq_owed, 1u << device, __ATOMIC_SEQ_CST);
    }
}

/* Owed on both sides of it: whoever pays in between has not seen all of it. */
void alq_uncharge_lent(int device, uint64_t bytes)
{
    alq_owe(device);
    alq_uncharge(device, bytes);
    alq_owe(device);
}

void alq_charge_pay(int device)
{
    if (__builtin_expect(__atomic_load_n(&alq_owed, __ATOMIC_ACQUIRE) != 0, 0) && device >= 0 && device < (int)ALQ_MAX_DEVICES
        && (__atomic_fetch_and(&alq_owed, ~(1u << device), __ATOMIC_SEQ_CST) >> device & 1) != 0) {
        alq_settle_in_flight(device);
    }
}

void alq_lent_after_fork(void)
{
    alq_owed = 0;
}
