/* Waking, looking, reporting. */
#include "mover.h"

#include <sched.h>
#include <string.h>

#include "ask.h"
#include "capture.h"
#include "chunks.h"
#include "deep.h"
#include "fork.h"
#include "hooks.h"
#include "kept.h"
#include "marks.h"
#include "movable.h"
#include "moves.h"
#include "own_thread.h"
#include "share.h"
#include "stash.h"
#include "swap.h"

#define ALQ_REPORT_WAIT_MS 1000u
/* How soon what has failed is tried again, at first and at last. */
#define ALQ_RETRY_FIRST_NS 250000000ull
#define ALQ_RETRY_LAST_NS 8000000000ull
/* How often a kick finds the mover between its last look and its sleep before it leaves it at that. */
#define ALQ_KICK_TRIES 100000

enum { ALQ_MOVER_NONE, ALQ_MOVER_STARTING, ALQ_MOVER_RUNS };

/* What this library's own threads call of the driver. They look up nothing: a thread that waits for them may hold the loader's lock. */
static const enum alq_function alq_called[] = {ALQ_FN_cuCtxGetCurrent, ALQ_FN_cuCtxGetDevice, ALQ_FN_cuCtxPopCurrent_v2,
    ALQ_FN_cuCtxPushCurrent_v2, ALQ_FN_cuCtxSetCurrent, ALQ_FN_cuCtxSynchronize, ALQ_FN_cuEventDestroy_v2, ALQ_FN_cuEventQuery,
    ALQ_FN_cuMemAddressFree, ALQ_FN_cuMemAddressReserve, ALQ_FN_cuMemCreate, ALQ_FN_cuMemImportFromShareableHandle, ALQ_FN_cuMemMap,
    ALQ_FN_cuMemRelease, ALQ_FN_cuMemSetAccess, ALQ_FN_cuMemUnmap, ALQ_FN_cuMemcpyDtoDAsync_v2, ALQ_FN_cuPointerSetAttribute,
    ALQ_FN_cuStreamIsCapturing, ALQ_FN_cuStreamSynchronize, ALQ_FN_cuThreadExchangeStreamCaptureMode};

static struct {
    uint32_t state;
    uint32_t kicks;            /* grows */
    const uint32_t *waits_for; /* the word it sleeps on, or is about to; NULL: it is awake */
    uint64_t retry_ns[ALQ_MAX_DEVICES];
} alq;

void alq_report(
    uint32_t device, uint32_t wake, enum alq_move_outcome outcome, bool promoted, const struct alq_move_result *result)
{
    struct alq_agent_refusal refusal;
    struct alq_seat seat;
    for (int attempt = 0; attempt < 2 && alq_charge_seat(&seat) != NULL; attempt++) {
        struct alq_moved moved = {.slot = seat.slot,
            .device = device,
            .generation = seat.generation,
            .outcome = (uint16_t)outcome,
            .promoted = promoted,
            .wake = wake,
            .moved_bytes = result->moved_bytes,
            .copy_ns = result->copy_ns,
            .closed_ns = result->closed_ns};
        enum alq_agent_answer answer = alq_agent_moved(ALQ_REPORT_WAIT_MS, &moved, &refusal);
        if (answer != ALQ_AGENT_REFUSED || refusal.status != ALQ_STATUS_STALE || !alq_ask_again()) {
            return;
        }
    }
}

/* Whether an attempt that ended so is made again without being asked. A device that does not come to rest holds the program up each time;
 * what is not movable does not become so. Then the agent has the next word. */
static bool alq_worth_retrying(enum alq_move_outcome outcome)
{
    return outcome == ALQ_MOVE_HOST_POOL || outcome == ALQ_MOVE_CAPTURING || outcome == ALQ_MOVE_FAILED;
}

/* One device, once. asked: the agent's word has changed since the last look, and it is told what came of it whatever that is. stays: nothing
 * is to be demoted. When to look again; 0: when woken. */
static uint64_t alq_look(
    uint32_t device, const struct alq_control_slot *slot, uint64_t generation, uint32_t wake, bool asked, bool stays)
{
    struct alq_move_result result = {0};
    uint64_t resident_bytes = __atomic_load_n(&slot->resident_bytes[device], __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&slot->generation, __ATOMIC_SEQ_CST) != generation) {
        return 0;
    }
    if (alq_charge_reported_bytes(device) > resident_bytes || alq_charge_demoted_bytes(device) != 0) {
        alq_kept_shrink((int)device, UINT64_MAX);
    }
    bool demote = alq_charge_reported_bytes(device) > resident_bytes;
    if (demote ? stays : alq_charge_demoted_bytes(device) == 0) {
        alq.retry_ns[device] = 0;
        return 0;
    }
    enum alq_move_outcome outcome =
        demote ? alq_demote(device, resident_bytes, &result) : alq_promote(device, resident_bytes, &result);
    if (asked || result.moved_bytes != 0) {
        alq_report(device, wake, outcome, !demote, &result);
    }
    if (!alq_worth_retrying(outcome)) {
        alq.retry_ns[device] = 0;
        return outcome == ALQ_MOVE_DONE && alq_charge_reported_bytes(device) > resident_bytes ? alq_clock_ns() : 0;
    }
    uint64_t pause_ns = asked || alq.retry_ns[device] == 0 ? ALQ_RETRY_FIRST_NS : alq.retry_ns[device] * 2;
    alq.retry_ns[device] = pause_ns < ALQ_RETRY_LAST_NS ? pause_ns : ALQ_RETRY_LAST_NS;
    return alq_clock_ns() + alq.retry_ns[device];
}

static uint64_t alq_sooner(uint64_t a_ns, uint64_t b_ns)
{
    return a_ns == 0 || (b_ns != 0 && b_ns < a_ns) ? b_ns : a_ns;
}

/* Counting costs what the gate does. */
static void alq_count(void)
{
    const struct alq_control_page *control = alq_pages_control();
    for (uint32_t device = 0; control != NULL && device < alq_pages_device_count(control); device++) {
        if ((__atomic_load_n(&control->devices[device].flags, __ATOMIC_ACQUIRE) & ALQ_DEVICE_COUNTS) != 0) {
            alq_gate_arm();
        }
    }
}

static void *alq_mover_body(void *unused)
{
    CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_RELAXED;
    uint32_t last_wake = 0;
    const struct alq_control_slot *last_slot = NULL;
    (void)unused;
    alq_thread_name("aliquot-mover");
    alq_gate_when_wanted(alq_mover_kick);
    ALQ_CALL(cuThreadExchangeStreamCaptureMode, &mode);
    for (;;) {
        struct alq_seat seat;
        uint64_t again_ns = 0;
        uint32_t kicks = __atomic_load_n(&alq.kicks, __ATOMIC_SEQ_CST);
        alq_count();
        alq_charge_submissions(alq_marks_submissions());
        const struct alq_control_slot *slot = alq_charge_seat(&seat);
        if (__atomic_load_n(&slot->generation, __ATOMIC_SEQ_CST) != seat.generation && alq_ask_again()) {
            continue; /* an agent that has lost its memory has given the slot away */
        }
        uint32_t wake = __atomic_load_n(&slot->wake, __ATOMIC_SEQ_CST);
        bool asked = slot != last_slot || wake != last_wake;
        const struct alq_control_page *control = alq_pages_control();
        last_slot = slot;
        last_wake = wake;
        enum alq_swap swap = alq_swap_look(slot, seat.generation, wake, asked, &again_ns);
        bool stays = swap == ALQ_SWAP_STAYS;
        uint32_t devices = swap == ALQ_SWAP_PARKED || control == NULL ? 0 : alq_pages_device_count(control);
        for (uint32_t device = 0; device < devices; device++) {
            struct alq_move_result pulled = {0};
            alq_pull(device, &pulled);
            again_ns = alq_sooner(again_ns, alq_look(device, slot, seat.generation, wake, asked && !stays, stays));
        }
        /* what was taken for a block that has been freed meanwhile */
        for (uint32_t device = 0; device < devices && !alq_capture_active(); device++) {
            alq_stash_trim(device);
        }
        if (!alq_chunks_return() || !alq_shares_end()) {
            again_ns = alq_sooner(again_ns, alq_clock_ns() + ALQ_RETRY_LAST_NS);
        }
        if (!alq_deep_is_bare()) {
            alq_movable_unbury();
        }
        __atomic_store_n(&alq.waits_for, &slot->wake, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&alq.kicks, __ATOMIC_SEQ_CST) == kicks) {
            alq_futex_wait(&slot->wake, wake, again_ns);
        }
        __atomic_store_n(&alq.waits_for, NULL, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

/* Starts it, unless it runs or another thread is at that. Waits for nobody. */
static void alq_mover_try(void)
{
    uint32_t none = ALQ_MOVER_NONE;
    if (!__atomic_compare_exchange_n(&alq.state, &none, ALQ_MOVER_STARTING, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        return;
    }
    for (size_t at = 0; at < sizeof alq_called / sizeof alq_called[0]; at++) {
        alq_library_resolve(alq_called[at]);
    }
    bool runs = alq_thread_start(alq_mover_body);
    __atomic_store_n(&alq.state, runs ? ALQ_MOVER_RUNS : ALQ_MOVER_NONE, __ATOMIC_RELEASE);
}

bool alq_mover_start(void)
{
    if (__builtin_expect(__atomic_load_n(&alq.state, __ATOMIC_ACQUIRE) == ALQ_MOVER_RUNS, 1)) {
        return true;
    }
    alq_mover_try();
    while (__atomic_load_n(&alq.state, __ATOMIC_ACQUIRE) == ALQ_MOVER_STARTING) {
        sched_yield();
    }
    return __atomic_load_n(&alq.state, __ATOMIC_ACQUIRE) == ALQ_MOVER_RUNS;
}

void alq_mover_listen(int device)
{
    const struct alq_control_page *control = alq_pages_control();
    if (device >= 0 && control != NULL
        && (__atomic_load_n(&control->devices[device].flags, __ATOMIC_ACQUIRE) & ALQ_DEVICE_LEAVES) != 0) {
        alq_count();
        alq_mover_try(); /* who is at it may wait for the loader's lock, which this thread may hold */
    }
}

void alq_mover_kick(void)
{
    __atomic_add_fetch(&alq.kicks, 1, __ATOMIC_SEQ_CST);
    /* it is either asleep, where it is woken, or on its way there, where it may have missed the change above by a hair */
    for (int attempt = 0; attempt < ALQ_KICK_TRIES; attempt++) {
        const uint32_t *word = __atomic_load_n(&alq.waits_for, __ATOMIC_SEQ_CST);
        if (word == NULL || alq_futex_wake(word) != 0) {
            return;
        }
        sched_yield();
    }
}

void alq_mover_after_fork(void)
{
    memset(&alq, 0, sizeof alq);
}
