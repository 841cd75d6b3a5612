/*
 * The one line that a library of ours may say: why it fails closed. It is said on standard error as the program was started with it, and
 * never into something that has only got its number since: a daemon's socket or data file.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "pages.h"

static int alq_complained;

/* Standard error at the start of the program; started_with_it: it was open. */
static struct {
    bool started_with_it;
    dev_t device;
    ino_t inode;
} alq_stderr;

/* The system call: glibc renamed its function in 2.33. */
static bool alq_stat_stderr(struct stat *facts)
{
    return syscall(SYS_fstat, STDERR_FILENO, facts) == 0;
}

__attribute__((constructor)) static void alq_remember_stderr(void)
{
    struct stat facts;
    int saved_errno = errno;
    alq_stderr.started_with_it = alq_stat_stderr(&facts);
    if (alq_stderr.started_with_it) {
        alq_stderr.device = facts.st_dev;
        alq_stderr.inode = facts.st_ino;
    }
    errno = saved_errno;
}

/* Whether what is there now is for lines of text: the same as at the start, or a terminal, a pipe, a log that is appended to. */
static bool alq_stderr_is_fit(void)
{
    struct stat facts;
    if (!alq_stderr.started_with_it || !alq_stat_stderr(&facts)) {
        return false;
    }
    if (facts.st_dev == alq_stderr.device && facts.st_ino == alq_stderr.inode) {
        return true;
    }
    return S_ISCHR(facts.st_mode) || S_ISFIFO(facts.st_mode)
        || (S_ISREG(facts.st_mode) && (fcntl(STDERR_FILENO, F_GETFL) & O_APPEND) != 0);
}

/* Writes to a pipe that nobody reads, without the signal that would end the program. */
static void alq_write_quietly(const char *line, size_t length)
{
    sigset_t pipe_signal;
    sigset_t before;
    sigset_t pending;
    sigemptyset(&pending);
    sigpending(&pending);
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    sigprocmask(SIG_BLOCK, &pipe_signal, &before);
    ssize_t written;
    do {
        written = write(STDERR_FILENO, line, length);
    } while (written < 0 && errno == EINTR);
    if (written < 0 && errno == EPIPE && !sigismember(&pending, SIGPIPE)) {
        sigtimedwait(&pipe_signal, NULL, &(struct timespec){0});
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
}

void alq_pages_complain(const char *what, const char *why)
{
    if (__atomic_exchange_n(&alq_complained, 1, __ATOMIC_RELAXED)) {
        return;
    }
    int saved_errno = errno;
    char line[768] = "aliquot: ";
    size_t length = strlen(line);
    const char *parts[] = {what, ": ", why, "\n"};
    for (size_t part = 0; part < 4; part++) {
        size_t part_length = strnlen(parts[part], sizeof line - 2 - length);
        memcpy(line + length, parts[part], part_length);
        length += part_length;
    }
    line[length - 1] = '\n';
    if (alq_stderr_is_fit()) {
        alq_write_quietly(line, length);
    }
    errno = saved_errno;
}
