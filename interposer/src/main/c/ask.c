/*
 * The exchanges of this process, one at a time: joining the tenant, asking for more, having the agent look.
 */
#include "ask.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "fork.h"
#include "gate.h"
#include "mover.h"
#include "own_thread.h"
#include "pages.h"

#define ALQ_ASK_TRIES 32
/* How long a process that is told to leave goes on before it asks again. It does so for as long as it waits for the agent, however much of that it
 * was out, and once more after that: others that want the device all the time must not keep it here. */
#define ALQ_AWAY_PAUSE_MS 10u
#define ALQ_SETTLE_WAIT_MS 2000u
#define ALQ_LAZY_SETTLE_NS 50000000ull

static struct {
    pthread_mutex_t mutex; /* guards seat and waited; held across an exchange, never across a call of the driver */
    struct alq_seat seat;
    uint32_t callers;  /* threads that hold the mutex or wait for it */
    uint32_t absences; /* asks that ended because no agent answered */
    bool waited;       /* an attach has waited its time already */
    uint64_t settled_ns[ALQ_MAX_DEVICES];
} alq = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* The mutex is held across waits, so no thread may be cancelled under it. */
static int alq_lock(void)
{
    int cancel_state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    __atomic_add_fetch(&alq.callers, 1, __ATOMIC_ACQ_REL);
    pthread_mutex_lock(&alq.mutex);
    return cancel_state;
}

static void alq_unlock(int cancel_state)
{
    pthread_mutex_unlock(&alq.mutex);
    __atomic_sub_fetch(&alq.callers, 1, __ATOMIC_ACQ_REL);
    pthread_setcancelstate(cancel_state, NULL);
}

static uint32_t alq_wait_ms(const struct alq_control_page *control)
{
    return __atomic_load_n(&control->agent_wait_ms, __ATOMIC_RELAXED);
}

/* HELLO and sit down. Mutex held. NULL: done; else why not, in `reason` or a constant. */
static const char *alq_join(bool wait, struct alq_agent_refusal *refusal)
{
    const struct alq_control_page *control = NULL;
    enum alq_pages_status status = alq_pages_open_control(ALQ_DEFAULT_WAIT_MS, &control);
    if (status != ALQ_PAGES_OK) {
        return alq_pages_explain(status);
    }
    switch (alq_agent_hello(wait ? alq_wait_ms(control) : 0, &alq.seat, refusal)) {
    case ALQ_AGENT_YES:
        break;
    case ALQ_AGENT_REFUSED:
        return refusal->reason[0] != '\0' ? refusal->reason : "the agent refuses this process; see the agent's log";
    default:
        return alq_pages_explain(ALQ_PAGES_NO_PAGE);
    }
    struct alq_usage_page *usage = alq_pages_open_usage(&status);
    if (usage == NULL) {
        return alq_pages_explain(status);
    }
    alq_charge_move(control, usage, &alq.seat);
    alq_mover_kick();
    return NULL;
}

bool alq_charge_attach(void)
{
    if (alq_charge_attached()) {
        return true;
    }
    int saved_errno = errno;
    int cancel_state = alq_lock();
    const char *why = NULL;
    struct alq_agent_refusal refusal;
    if (!alq_charge_attached()) {
        alq_fork_watch();
        why = alq_join(!alq.waited, &refusal);
        alq.waited = true;
        if (why == NULL) {
            __atomic_store_n(&alq_charge_state, 1, __ATOMIC_RELEASE);
        }
    }
    alq_unlock(cancel_state);
    if (why != NULL) {
        alq_pages_complain("CUDA is not available to this process", why);
    }
    errno = saved_errno;
    return why == NULL;
}


/* Mutex held. *away: it is to be asked again when this process is back. */
static bool alq_ask_waiting(uint32_t device, uint64_t bytes, uint32_t wait_ms, bool *away)
{
    *away = false;
    for (int attempt = 0; attempt < ALQ_ASK_TRIES; attempt++) {
        uint64_t wanted_bytes;
        if (alq_charge_try(device, bytes, &wanted_bytes)) {
            return true;
        }
        struct alq_agent_refusal refusal;
        enum alq_agent_answer answer = alq_agent_ask(wait_ms, &alq.seat, device, wanted_bytes, &refusal);
        if (answer == ALQ_AGENT_ABSENT) {
            alq.absences++;
            return false;
        }
        if (answer == ALQ_AGENT_REFUSED && refusal.status == ALQ_STATUS_STALE) {
            if (alq_join(true, &refusal) != NULL) {
                return false;
            }
        } else if (answer == ALQ_AGENT_REFUSED && refusal.status == ALQ_STATUS_AWAY) {
            *away = true;
            return false;
        } else if (answer == ALQ_AGENT_REFUSED) {
            /* what we asked for may have had another thread's withdrawn attempt in it: then there is more room than it seemed */
            if (alq_add(alq_charge_reported_bytes(device), bytes) >= wanted_bytes) {
                return false;
            }
        }
    }
    return false;
}

bool alq_ask_again(void)
{
    struct alq_agent_refusal refusal;
    if (__atomic_load_n(&alq.callers, __ATOMIC_ACQUIRE) != 0) {
        return false;
    }
    int cancel_state = alq_lock();
    bool seated = alq_join(true, &refusal) == NULL;
    alq_unlock(cancel_state);
    return seated;
}

/* Told to leave, the process does, or cannot and stays: either takes a while with the gate open. Away, it comes back for whoever is at the
 * gate. No bracket lasts as long as that, for the agent waits for those. */
static void alq_ask_turn(void)
{
    int cancel_state;
    bool flying = alq_flight_pause();
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    nanosleep(&(struct timespec){.tv_nsec = ALQ_AWAY_PAUSE_MS * 1000000l}, NULL);
    alq_gate_leave(alq_gate_enter());
    pthread_setcancelstate(cancel_state, NULL);
    if (flying) {
        alq_flight_begin();
    }
}

bool alq_ask(uint32_t device, uint64_t bytes)
{
    int saved_errno = errno;
    const struct alq_control_page *control = NULL;
    uint32_t absences = __atomic_load_n(&alq.absences, __ATOMIC_ACQUIRE);
    bool there = alq_pages_open_control(0, &control) == ALQ_PAGES_OK;
    bool fits = false, away = there;
    uint64_t end_ns = there ? alq_clock_ns() + alq_wait_ms(control) * 1000000ull : 0;
    for (bool last = false; away && !last;) {
        last = alq_clock_ns() >= end_ns;
        int cancel_state = alq_lock();
        /* whoever queued behind a wait that was in vain does not wait all over again */
        fits = alq_ask_waiting(device, bytes, alq.absences == absences ? alq_wait_ms(control) : 0, &away);
        alq_unlock(cancel_state);
        if (away && !last) {
            alq_ask_turn();
        }
    }
    errno = saved_errno;
    return fits;
}

void alq_settle_in_flight(int device)
{
    if (device < 0 || !alq_charge_attached()) {
        return;
    }
    int saved_errno = errno;
    int cancel_state = alq_lock();
    struct alq_agent_refusal refusal;
    enum alq_agent_answer answer = alq_agent_settle(ALQ_SETTLE_WAIT_MS, &alq.seat, (uint32_t)device, &refusal);
    if (answer == ALQ_AGENT_REFUSED && refusal.status == ALQ_STATUS_STALE && alq_join(true, &refusal) == NULL) {
        alq_agent_settle(ALQ_SETTLE_WAIT_MS, &alq.seat, (uint32_t)device, &refusal);
    }
    __atomic_store_n(&alq.settled_ns[device], alq_clock_ns(), __ATOMIC_RELAXED);
    alq_unlock(cancel_state);
    errno = saved_errno;
}

void alq_settle(int device)
{
    bool flying = alq_flight_pause();
    alq_settle_in_flight(device);
    if (flying) {
        alq_flight_begin();
    }
}

void alq_settle_lazily(int device)
{
    if (device >= 0 && alq_charge_attached()
        && alq_clock_ns() - __atomic_load_n(&alq.settled_ns[device], __ATOMIC_RELAXED) >= ALQ_LAZY_SETTLE_NS) {
        alq_settle(device);
    }
}

void alq_ask_after_fork(void)
{
    pthread_mutex_init(&alq.mutex, NULL);
    alq.waited = false;
    alq.callers = 0;
}
