/* See threads.h. */
#include "threads.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "own_thread.h"

/* How long a thread has to have run: it may spend that on a page of code that is read in first. */
#define ALQ_RUN_NS 5000000ull
#define ALQ_LOOK_NS 500000l

enum alq_where { ALQ_ASLEEP, ALQ_RUNNABLE, ALQ_GONE, ALQ_UNSEEN };

/* Reads a file of a thread of this process; how many bytes; -1: there is none, or (errno) it cannot be read. */
static ssize_t alq_read_of(const char *tid, const char *name, char *text, size_t size)
{
    char path[96];
    snprintf(path, sizeof path, "/proc/self/task/%.16s/%s", tid, name);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t bytes = file < 0 ? -1 : read(file, text, size - 1);
    int why = errno;
    if (file >= 0) {
        close(file);
    }
    errno = why;
    text[bytes > 0 ? bytes : 0] = 0;
    return bytes;
}

static enum alq_where alq_where(const char *tid)
{
    char stat[512];
    ssize_t bytes = alq_read_of(tid, "stat", stat, sizeof stat);
    if (bytes < 0 && errno != ENOENT && errno != ESRCH) {
        return ALQ_UNSEEN;
    }
    const char *state = strrchr(stat, ')');
    if (state == NULL || state[1] == 0 || strchr("ZX", state[2]) != NULL) {
        return ALQ_GONE;
    }
    return state[2] == 'S' ? ALQ_ASLEEP : ALQ_RUNNABLE;
}

/* How long it has run so far; 0 where the kernel does not say. */
static uint64_t alq_ran_ns(const char *tid)
{
    char text[128];
    return alq_read_of(tid, "schedstat", text, sizeof text) > 0 ? strtoull(text, NULL, 10) : 0;
}

static bool alq_thread_passes(const char *tid, uint64_t deadline_ns)
{
    uint64_t enough_ns = alq_ran_ns(tid) + ALQ_RUN_NS;
    enum alq_where where;
    while ((where = alq_where(tid)) == ALQ_RUNNABLE && alq_ran_ns(tid) < enough_ns) {
        if (alq_clock_ns() >= deadline_ns) {
            return false;
        }
        nanosleep(&(struct timespec){.tv_nsec = ALQ_LOOK_NS}, NULL);
    }
    return where != ALQ_UNSEEN;
}

bool alq_threads_pass(uint64_t deadline_ns)
{
    char own[32];
    const struct dirent *entry;
    bool passed = true;
    DIR *threads = opendir("/proc/self/task");
    if (threads == NULL) {
        return false;
    }
    snprintf(own, sizeof own, "%ld", syscall(SYS_gettid));
    /* a thread that begins meanwhile has nothing behind it, and whether the list has it does not matter */
    while (passed && (entry = readdir(threads)) != NULL) {
        passed = entry->d_name[0] == '.' || strcmp(entry->d_name, own) == 0 || alq_thread_passes(entry->d_name, deadline_ns);
    }
    closedir(threads);
    return passed;
}
