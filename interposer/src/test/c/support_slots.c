/* Slots: whose they are, what they use, and what lies over them. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support_credit.h"

/* Ticks without a change after which no driver call can be under way any more. */
#define QUIET_TICKS 6

uint64_t credit_used(const struct alq_control_page *control, const struct alq_usage_page *usage, uint32_t device)
{
    uint64_t sum = 0;
    for (uint32_t s = 0; s < ALQ_MAX_SLOTS; s++) {
        if (LOAD(control->slots[s].host_pid) != 0 &&
            LOAD(usage->slots[s].generation) == LOAD(control->slots[s].generation)) {
            sum = plus(sum, LOAD(usage->slots[s].used_bytes[device]));
        }
    }
    return sum;
}

/* Field 22 of /proc/<pid>/stat; 0 when the process is gone or only its zombie is left. */
uint64_t credit_start_time(pid_t pid)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return 0;
    }
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = 0;
    char *after = strrchr(text, ')');
    char state = 0;
    unsigned long long start = 0;
    if (after == NULL ||
        sscanf(after + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &state,
            &start) != 2) {
        return 0;
    }
    return state == 'Z' || state == 'X' ? 0 : start;
}

void credit_free_slot(struct credit_book *book, uint32_t s)
{
    struct alq_control_slot *slot = &book->control->slots[s];
    for (uint32_t d = 0; d < ALQ_MAX_DEVICES; d++) {
        STORE(slot->credit_bytes[d], 0);
        book->slot_overhead_bytes[s][d] = 0;
    }
    STORE(slot->away, 0);
    STORE(slot->deep, 0);
    credit_drop_chunks(book, s);
    credit_drop_shares(book, s);
    STORE(slot->host_pid, 0);
    STORE(slot->generation, slot->generation + 1);
    memset(&book->usage->slots[s], 0, sizeof book->usage->slots[s]);
}

static void publish_overhead(struct credit_book *book, uint32_t d)
{
    uint64_t sum = 0;
    for (uint32_t s = 0; s < ALQ_MAX_SLOTS; s++) {
        sum = plus(sum, book->slot_overhead_bytes[s][d]);
    }
    STORE(book->control->devices[d].overhead_bytes, sum);
}

/*
 * Overhead = truth - used, per process. While a driver call is between its charge and its outcome a reading may be too low; so any
 * reading may raise the overhead, and only one that no call was in flight around, of a slot that has been quiet for a while, lowers it.
 */
void credit_refresh_overhead(struct credit_book *book, uint32_t d)
{
    uint64_t before[ALQ_MAX_SLOTS], truth[ALQ_MAX_SLOTS], in_flight[ALQ_MAX_SLOTS];
    for (uint32_t s = 0; s < ALQ_MAX_SLOTS; s++) {
        in_flight[s] = LOAD(book->usage->slots[s].in_flight);
        before[s] = LOAD(book->usage->slots[s].used_bytes[d]);
    }
    if (!credit_truth_read(book, d, truth)) {
        return;
    }
    for (uint32_t s = 0; s < ALQ_MAX_SLOTS; s++) {
        if (LOAD(book->control->slots[s].host_pid) == 0) {
            continue;
        }
        uint64_t after = LOAD(book->usage->slots[s].used_bytes[d]);
        uint64_t seen = minus(truth[s], before[s] > after ? before[s] : after);
        int still = book->quiet_ticks[s] >= QUIET_TICKS && in_flight[s] == 0 && LOAD(book->usage->slots[s].in_flight) == 0;
        if (still || seen > book->slot_overhead_bytes[s][d]) {
            book->slot_overhead_bytes[s][d] = seen;
        }
    }
    publish_overhead(book, d);
}

void credit_count_quiet_ticks(struct credit_book *book)
{
    for (uint32_t s = 0; s < ALQ_MAX_SLOTS; s++) {
        uint64_t changes = LOAD(book->usage->slots[s].changes);
        book->quiet_ticks[s] = changes == book->seen_changes[s] ? book->quiet_ticks[s] + 1 : 0;
        book->seen_changes[s] = changes;
    }
}

/* Whether the driver still holds memory for a process that is gone: the last thread of a killed one lets go after the first. */
static int lingers(struct credit_book *book, uint32_t slot)
{
    uint64_t truth[ALQ_MAX_SLOTS];
    for (uint32_t d = 0; d < book->control->device_count; d++) {
        if (credit_truth_read(book, d, truth) && truth[slot] != 0) {
            return 1;
        }
    }
    return 0;
}

/* Takes back the slots of the dead; returns how many of them still linger. */
uint32_t credit_reap(struct credit_book *book)
{
    uint32_t lingering = 0;
    for (uint32_t s = 0; s < ALQ_MAX_SLOTS; s++) {
        struct alq_control_slot *slot = &book->control->slots[s];
        if (slot->host_pid == 0 || credit_start_time((pid_t)slot->host_pid) == slot->start_time) {
            continue;
        }
        if (lingers(book, s)) {
            lingering++;
            continue;
        }
        credit_free_slot(book, s);
        atomic_fetch_add(&book->shared->reaped, 1);
        for (uint32_t d = 0; d < book->control->device_count; d++) {
            publish_overhead(book, d);
        }
    }
    return lingering;
}
