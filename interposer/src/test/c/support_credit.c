/* See support_credit.h. The order of stores and loads is the one that protocol.h proves the limit with. */
#include "support_credit.h"

#include <string.h>
#include <unistd.h>

void credit_refuse(struct credit_answer *said, uint32_t status, const char *reason)
{
    memset(said, 0, sizeof *said);
    said->type = ALQ_FRAME_REFUSED;
    said->length = sizeof said->body.refused;
    said->body.refused.status = status;
    said->body.refused.reason_bytes = (uint32_t)strlen(reason);
    memcpy(said->body.refused.reason, reason, strlen(reason));
}

static void grant(struct credit_answer *said, uint64_t credit_bytes)
{
    memset(said, 0, sizeof *said);
    said->type = ALQ_FRAME_GRANTED;
    said->length = sizeof said->body.granted;
    said->body.granted.credit_bytes = credit_bytes;
}

static void hello(struct credit_book *book, pid_t peer, const struct alq_hello *from, struct credit_answer *said)
{
    uint64_t start = credit_start_time(peer);
    int free_at = -1;
    if (start == 0) { /* it has died since it asked */
        credit_refuse(said, ALQ_STATUS_NOT_A_TENANT, "No such process.");
        return;
    }
    for (uint32_t s = 0; s < ALQ_MAX_SLOTS; s++) {
        struct alq_control_slot *slot = &book->control->slots[s];
        if (slot->host_pid == (uint32_t)peer && slot->start_time == start) {
            free_at = (int)s;
            break;
        }
        if (slot->host_pid == 0 && free_at < 0) {
            free_at = (int)s;
        }
    }
    if (free_at < 0) {
        credit_refuse(said, ALQ_STATUS_NO_SLOT, "All slots are taken.");
        return;
    }
    struct alq_control_slot *slot = &book->control->slots[free_at];
    if (slot->host_pid == 0) {
        memset(&book->usage->slots[free_at], 0, sizeof book->usage->slots[free_at]);
        slot->tenant_pid = from->tenant_pid;
        slot->start_time = start;
        for (uint32_t d = 0; d < ALQ_MAX_DEVICES; d++) {
            STORE(slot->resident_bytes[d], ALQ_RESIDENT_ALL);
        }
        STORE(slot->host_bytes, 0);
        STORE(slot->generation, slot->generation | 1);
        STORE(slot->host_pid, (uint32_t)peer);
    }
    memset(said, 0, sizeof *said);
    said->type = ALQ_FRAME_WELCOME;
    said->length = sizeof said->body.welcome;
    said->body.welcome.slot = (uint32_t)free_at;
    said->body.welcome.generation = slot->generation;
}

/* Room for one slot's credit: the limit less the overhead, other use and every other slot's credit. */
static uint64_t room(struct credit_book *book, uint32_t d, uint32_t own)
{
    const struct alq_control_device *device = &book->control->devices[d];
    uint64_t taken = plus(device->overhead_bytes, device->other_used_bytes);
    for (uint32_t s = 0; s < ALQ_MAX_SLOTS; s++) {
        taken = s == own ? taken : plus(taken, book->control->slots[s].credit_bytes[d]);
    }
    return minus(device->limit_bytes, taken);
}

/*
 * Lowers the others' credit to what they use: credit first, then look again, and give back what was taken in between. The overhead
 * has to be read again after it and before anything is granted: what a process has just moved from `used` to the overhead (a context
 * whose estimate it no longer charges) is in neither otherwise.
 */
static void trim(struct credit_book *book, uint32_t d, uint32_t own)
{
    for (uint32_t s = 0; s < ALQ_MAX_SLOTS; s++) {
        uint64_t credit = book->control->slots[s].credit_bytes[d];
        if (s == own || credit == 0) {
            continue;
        }
        uint64_t used = LOAD(book->usage->slots[s].used_bytes[d]);
        if (used < credit) {
            STORE(book->control->slots[s].credit_bytes[d], used);
            uint64_t again = LOAD(book->usage->slots[s].used_bytes[d]);
            if (again > used) {
                STORE(book->control->slots[s].credit_bytes[d], again < credit ? again : credit);
            }
        }
    }
}

/* The overhead may have pushed the tenant past its limit: then no credit is left but what is used. */
static void shrink(struct credit_book *book, uint32_t d)
{
    if (room(book, d, ALQ_MAX_SLOTS) == 0) {
        trim(book, d, ALQ_MAX_SLOTS);
    }
}

void credit_tick(struct credit_book *book)
{
    credit_reap(book);
    credit_count_quiet_ticks(book);
    for (uint32_t d = 0; d < book->control->device_count; d++) {
        STORE(book->control->devices[d].limit_bytes, atomic_load(&book->shared->limit_bytes[d]));
        STORE(book->control->devices[d].other_used_bytes, atomic_load(&book->shared->other_used_bytes[d]));
        credit_refresh_overhead(book, d);
        shrink(book, d);
    }
}

static void ask(struct credit_book *book, const struct alq_ask *from, struct credit_answer *said)
{
    uint32_t d = from->device;
    atomic_fetch_add(&book->shared->asks, 1);
    if (atomic_load(&book->shared->mode) == AGENT_REFUSES) {
        atomic_fetch_add(&book->shared->refused, 1);
        credit_refuse(said, ALQ_STATUS_LIMIT, "Told to refuse.");
        return;
    }
    uint64_t *credit = &book->control->slots[from->slot].credit_bytes[d];
    uint32_t mode = atomic_load(&book->shared->mode);
    if (mode == AGENT_SENDS_AWAY || (mode == AGENT_PUTS_OFF && (book->control->slots[from->slot].away >> d & 1) != 0)) {
        atomic_fetch_add(&book->shared->sent_away, 1);
        credit_refuse(said, ALQ_STATUS_AWAY, "This process is to leave.");
        return;
    }
    if (from->wanted_bytes > *credit) {
        if (from->wanted_bytes > room(book, d, from->slot)) {
            for (int i = 0; credit_reap(book) != 0 && i < PATIENCE_MS / 2; i++) {
                usleep(1000);
            }
            trim(book, d, from->slot);
            credit_refresh_overhead(book, d);
        }
        uint64_t there = room(book, d, from->slot);
        if (from->wanted_bytes > there) {
            atomic_fetch_add(&book->shared->refused, 1);
            credit_refuse(said, ALQ_STATUS_LIMIT, "This would pass the tenant's limit.");
            return;
        }
        uint64_t more = plus(from->wanted_bytes, atomic_load(&book->shared->slack_bytes));
        STORE(*credit, more < there ? more : there);
    }
    atomic_fetch_add(&book->shared->granted, 1);
    grant(said, *credit);
}

/* Room for all that the process has, as far as there is any; then it may run. */
static void resume(struct credit_book *book, uint32_t s, struct credit_answer *said)
{
    struct alq_control_slot *slot = &book->control->slots[s];
    atomic_fetch_add(&book->shared->resumes, 1);
    for (int i = 0; i < PATIENCE_MS && atomic_load(&book->shared->resume_mode) == RESUMES_HELD; i++) {
        usleep(1000);
    }
    if (atomic_load(&book->shared->resume_mode) == RESUMES_REFUSED) {
        credit_refuse(said, ALQ_STATUS_LIMIT, "Told to refuse.");
        return;
    }
    if (LOAD(slot->deep) != 0 && !credit_surface(book, s)) {
        credit_refuse(said, ALQ_STATUS_LIMIT, "The driver does not restore it.");
        return;
    }
    for (uint32_t d = 0; d < book->control->device_count; d++) {
        uint64_t wanted = plus(LOAD(book->usage->slots[s].used_bytes[d]), LOAD(book->usage->slots[s].demoted_bytes[d]));
        uint64_t there = room(book, d, s);
        if (wanted > slot->credit_bytes[d]) {
            STORE(slot->credit_bytes[d], wanted < there ? wanted : there);
        }
        STORE(slot->resident_bytes[d], ALQ_RESIDENT_ALL);
    }
    STORE(slot->away, 0);
    __atomic_add_fetch(&slot->wake, 1, __ATOMIC_SEQ_CST);
    grant(said, 0);
}

void credit_exchange(
    struct credit_book *book, pid_t peer, uint16_t type, const void *payload, uint32_t length, struct credit_answer *said) {
    static const uint32_t lengths[] = {[ALQ_FRAME_HELLO] = sizeof(struct alq_hello),
        [ALQ_FRAME_ASK] = sizeof(struct alq_ask), [ALQ_FRAME_SETTLE] = sizeof(struct alq_settle),
        [ALQ_FRAME_BYE] = sizeof(struct alq_bye), [ALQ_FRAME_TAKE_CHUNK] = sizeof(struct alq_take_chunk),
        [ALQ_FRAME_RETURN_CHUNK] = sizeof(struct alq_return_chunk), [ALQ_FRAME_MOVED] = sizeof(struct alq_moved),
        [ALQ_FRAME_RESUME] = sizeof(struct alq_resume), [ALQ_FRAME_REOPEN_CHUNK] = sizeof(struct alq_reopen_chunk),
        [ALQ_FRAME_SHARE] = sizeof(struct alq_share), [ALQ_FRAME_UNSHARE] = sizeof(struct alq_unshare),
        [ALQ_FRAME_OPEN_SHARE] = sizeof(struct alq_open_share)};
    if (type >= sizeof lengths / sizeof lengths[0] || lengths[type] == 0 || lengths[type] != length) {
        credit_refuse(said, ALQ_STATUS_MALFORMED, "No such frame.");
        return;
    }
    if (type == ALQ_FRAME_HELLO) {
        atomic_fetch_add(&book->shared->hellos, 1);
        hello(book, peer, payload, said);
        return;
    }
    uint32_t stale = AGENT_STALE;
    union {
        struct alq_ask ask;
        struct alq_settle settle;
        struct alq_bye bye;
        struct alq_take_chunk take;
        struct alq_return_chunk back;
        struct alq_moved moved;
        struct alq_resume resume;
        struct alq_reopen_chunk reopen;
        struct alq_share share;
        struct alq_unshare unshare;
        struct alq_open_share open;
    } from = {0};
    memcpy(&from, payload, length);
    uint32_t s = from.ask.slot;
    uint64_t generation = type == ALQ_FRAME_BYE ? from.bye.generation : from.settle.generation;
    if (s >= ALQ_MAX_SLOTS || book->control->slots[s].host_pid != (uint32_t)peer ||
        book->control->slots[s].generation != generation ||
        atomic_compare_exchange_strong(&book->shared->mode, &stale, AGENT_HONEST)) {
        credit_refuse(said, ALQ_STATUS_STALE, "This slot is not yours.");
    } else if (type == ALQ_FRAME_BYE) {
        atomic_fetch_add(&book->shared->byes, 1);
        credit_free_slot(book, s);
        credit_tick(book);
        grant(said, 0);
    } else if (type == ALQ_FRAME_RETURN_CHUNK) {
        if (credit_return_chunk(book, &from.back)) {
            grant(said, 0);
        } else {
            credit_refuse(said, ALQ_STATUS_MALFORMED, "This chunk was not given to you.");
        }
    } else if (type == ALQ_FRAME_RESUME) {
        resume(book, s, said);
    } else if (type == ALQ_FRAME_REOPEN_CHUNK) {
        credit_reopen_chunk(book, &from.reopen, said);
    } else if (type == ALQ_FRAME_SHARE) {
        credit_share(book, peer, &from.share, said);
    } else if (type == ALQ_FRAME_OPEN_SHARE) {
        credit_open_share(book, &from.open, said);
    } else if (type == ALQ_FRAME_UNSHARE) {
        if (credit_unshare(book, &from.unshare)) {
            grant(said, 0);
        } else {
            credit_refuse(said, ALQ_STATUS_NO_SHARE, "This share is not yours.");
        }
    } else if (from.ask.device >= book->control->device_count) {
        credit_refuse(said, ALQ_STATUS_MALFORMED, "The tenant has no such device.");
    } else if (type == ALQ_FRAME_TAKE_CHUNK) {
        credit_take_chunk(book, &from.take, said);
    } else if (type == ALQ_FRAME_MOVED) {
        credit_moved(book, &from.moved);
        grant(said, book->control->slots[s].credit_bytes[from.moved.device]);
    } else if (type == ALQ_FRAME_SETTLE) {
        atomic_fetch_add(&book->shared->settles, 1);
        credit_refresh_overhead(book, from.settle.device);
        shrink(book, from.settle.device);
        grant(said, book->control->slots[s].credit_bytes[from.settle.device]);
    } else {
        ask(book, &from.ask, said);
    }
}
