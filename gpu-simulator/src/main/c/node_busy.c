/*
 * Utilisation: time kept busy, in buckets of 100 ms for a device and 250 ms for a process on it. One 64-bit word per bucket
 * (number of the bucket << 32 | nanoseconds), so that a reader sees a bucket whole and an old one is recognised by its number.
 */
#include "node_state.h"

#define DEVICE_BUCKET_NS 100000000ull
#define PROCESS_BUCKET_NS 250000000ull
#define WINDOW_NS 1000000000ull

static void add(_Atomic uint64_t *buckets, uint32_t count, uint64_t width, uint64_t start, uint64_t end)
{
    if (end - start > width * count) /* older than the ring is long */
        start = end - width * count;
    while (start < end) {
        uint64_t number = start / width;
        uint64_t stop = (number + 1) * width < end ? (number + 1) * width : end;
        _Atomic uint64_t *bucket = &buckets[number % count];
        uint64_t now = atomic_load(bucket), next;
        do {
            uint64_t busy = (now >> 32) == (number & 0xffffffffu) ? (now & 0xffffffffu) : 0;
            busy += stop - start;
            next = (number & 0xffffffffu) << 32 | (busy > 0xffffffffu ? 0xffffffffu : busy);
        } while (!atomic_compare_exchange_weak(bucket, &now, next));
        start = stop;
    }
}

static uint32_t percent(_Atomic uint64_t *buckets, uint32_t count, uint64_t width)
{
    uint64_t now = sim_now_ns() / width, busy = 0, buckets_in_window = WINDOW_NS / width;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t word = atomic_load(&buckets[i]);
        uint32_t age = (uint32_t)now - (uint32_t)(word >> 32);
        uint64_t spent = word & 0xffffffffu;
        if (word != 0 && age <= buckets_in_window)
            busy += spent > width ? width : spent;
    }
    uint64_t result = busy * 100 / WINDOW_NS;
    return result > 100 ? 100 : (uint32_t)result;
}

void sim_busy_add(uint32_t device, uint64_t start_ns, uint64_t end_ns)
{
    struct sim_slot *slot = sim_own_slot();
    if (!sim_device_valid(device) || end_ns <= start_ns)
        return;
    atomic_fetch_add(&sim_state()->devices[device].busy_total_ns, end_ns - start_ns);
    add(sim_state()->devices[device].busy, SIM_DEVICE_BUCKETS, DEVICE_BUCKET_NS, start_ns, end_ns);
    if (slot != NULL)
        add(slot->busy[device], SIM_PROCESS_BUCKETS, PROCESS_BUCKET_NS, start_ns, end_ns);
}

uint64_t sim_busy_total_ns(uint32_t device)
{
    return sim_device_valid(device) ? atomic_load(&sim_state()->devices[device].busy_total_ns) : 0;
}

uint32_t sim_busy_percent(uint32_t device)
{
    return sim_device_valid(device) ? percent(sim_state()->devices[device].busy, SIM_DEVICE_BUCKETS, DEVICE_BUCKET_NS) : 0;
}

uint32_t sim_busy_process_percent(uint32_t slot, uint32_t device)
{
    if (slot >= SIM_MAX_PROCESSES || !sim_device_valid(device))
        return 0;
    return percent(sim_state()->slots[slot].busy[device], SIM_PROCESS_BUCKETS, PROCESS_BUCKET_NS);
}
