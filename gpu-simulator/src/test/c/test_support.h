/* Assertions and child processes for this module's own tests. */
#ifndef TEST_SUPPORT_H
#define TEST_SUPPORT_H

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHECK(condition)                                                                                                     \
    do {                                                                                                                     \
        if (!(condition)) {                                                                                                  \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);                                    \
            exit(1);                                                                                                         \
        }                                                                                                                    \
    } while (0)

#define CHECK_EQUAL(left, right)                                                                                             \
    do {                                                                                                                     \
        unsigned long long left_ = (unsigned long long)(left), right_ = (unsigned long long)(right);                         \
        if (left_ != right_) {                                                                                               \
            fprintf(stderr, "%s:%d: %s is %llu, %s is %llu\n", __FILE__, __LINE__, #left, left_, #right, right_);            \
            exit(1);                                                                                                         \
        }                                                                                                                    \
    } while (0)

static inline void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* Ends the child, which must have been alive. */
static inline void kill_child(pid_t child)
{
    int status;
    CHECK(kill(child, SIGKILL) == 0);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

#endif
