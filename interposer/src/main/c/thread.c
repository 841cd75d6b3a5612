/* See thread.h. */
#include "thread.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ALQ_NS 1000000000ull

/* Of the times in /proc: USER_HZ is 100 on both machines. */
#define ALQ_TICK_NS (ALQ_NS / 100)

struct alq_thread alq_thread_self(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (struct alq_thread){.tid = (uint32_t)syscall(SYS_gettid),
        .since_ns = (uint64_t)now.tv_sec * ALQ_NS + (uint64_t)now.tv_nsec};
}

bool alq_thread_absent(const struct alq_thread *thread)
{
    int saved_errno = errno;
    bool absent = syscall(SYS_tgkill, getpid(), (pid_t)thread->tid, 0) != 0 && errno == ESRCH;
    errno = saved_errno;
    return absent;
}

/* The state and the start time (fields 3 and 22) of a thread's stat file; the name before them may hold anything. */
static bool alq_thread_parse(const char *stat, char *state, uint64_t *start_ticks)
{
    const char *field = strrchr(stat, ')');
    if (field == NULL || field[1] != ' ' || field[2] == 0) {
        return false;
    }
    field += 2;
    *state = *field;
    for (int i = 3; i < 22; i++) {
        field = strchr(field, ' ');
        if (field == NULL) {
            return false;
        }
        field++;
    }
    *start_ticks = strtoull(field, NULL, 10);
    return true;
}

bool alq_thread_gone(const struct alq_thread *thread)
{
    if (alq_thread_absent(thread)) {
        return true;
    }
    int saved_errno = errno;
    char path[64];
    char stat[1024];
    char state;
    uint64_t start_ticks;
    snprintf(path, sizeof path, "/proc/self/task/%u/stat", thread->tid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t bytes = file < 0 ? -1 : read(file, stat, sizeof stat - 1);
    if (file >= 0) {
        close(file);
    }
    errno = saved_errno;
    if (bytes <= 0) {
        return false;
    }
    stat[bytes] = 0;
    if (!alq_thread_parse(stat, &state, &start_ticks)) {
        return false;
    }
    /* a first thread that has ended stays as a zombie while the process lives */
    return state == 'Z' || state == 'X' || start_ticks * ALQ_TICK_NS > thread->since_ns;
}
