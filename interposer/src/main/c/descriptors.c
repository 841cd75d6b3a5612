/* See descriptors.h. */
#include "descriptors.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent.h"
#include "fork.h"

/* The lowest number for one, and how many more the limit is raised by, for the exchanges that fetch them. */
#define ALQ_HIGH 1000u
#define ALQ_SPARE 64u

static struct {
    int *numbers; /* -1: none; as long as it is there a child of fork finds here what to close */
    size_t count;
    rlim_t from;        /* the lowest number */
    rlim_t soft, raised; /* the limit as it was, and as it is for now; equal: as it was */
} alq;

bool alq_descriptors_begin(size_t count)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return false;
    }
    rlim_t from = limit.rlim_cur > ALQ_HIGH ? limit.rlim_cur : ALQ_HIGH;
    from = limit.rlim_max < count + ALQ_SPARE || from > limit.rlim_max - count - ALQ_SPARE ? ALQ_HIGH : from;
    if (limit.rlim_max < from || limit.rlim_max - from < count + ALQ_SPARE) {
        return false;
    }
    int *numbers = malloc((count + 1) * sizeof *numbers);
    if (numbers == NULL) {
        return false;
    }
    for (size_t at = 0; at < count; at++) {
        numbers[at] = -1;
    }
    alq.from = from;
    alq.count = count;
    alq.soft = limit.rlim_cur;
    alq.raised = from + count + ALQ_SPARE > limit.rlim_cur ? from + count + ALQ_SPARE : limit.rlim_cur;
    __atomic_store_n(&alq.numbers, numbers, __ATOMIC_RELEASE);
    if (alq.raised != alq.soft && setrlimit(RLIMIT_NOFILE, &(struct rlimit){alq.raised, limit.rlim_max}) != 0) {
        alq.raised = alq.soft;
        alq_descriptors_end();
        return false;
    }
    return true;
}

void alq_descriptors_settle(void)
{
    struct rlimit limit;
    if (alq.raised != alq.soft && getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == alq.raised) {
        setrlimit(RLIMIT_NOFILE, &(struct rlimit){alq.soft, limit.rlim_max});
    }
    alq.raised = alq.soft;
}

bool alq_descriptors_put(size_t at, int descriptor)
{
    alq.numbers[at] = fcntl(descriptor, F_DUPFD_CLOEXEC, (int)alq.from);
    alq_agent_close(descriptor);
    return alq.numbers[at] >= 0;
}

int alq_descriptors_get(size_t at)
{
    return alq.numbers[at];
}

void alq_descriptors_close(size_t at)
{
    int number = alq.numbers[at];
    if (number >= 0) {
        alq.numbers[at] = -1;
        close(number);
    }
}

void alq_descriptors_end(void)
{
    int *numbers = alq.numbers;
    for (size_t at = 0; numbers != NULL && at < alq.count; at++) {
        alq_descriptors_close(at);
    }
    alq_descriptors_settle();
    __atomic_store_n(&alq.numbers, NULL, __ATOMIC_RELEASE);
    free(numbers);
}

void alq_descriptors_after_fork(void)
{
    for (size_t at = 0; alq.numbers != NULL && at < alq.count; at++) {
        alq_descriptors_close(at);
    }
    alq_descriptors_settle();
    alq.numbers = NULL;
}
