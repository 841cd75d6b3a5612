/* See marks.h. */
#include "marks.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

/* Marks are looked through for absent threads when there are this many, and then whenever they have doubled. */
#define ALQ_MARKS_AT_FIRST 64u

__thread struct alq_mark *alq_mark_own __attribute__((tls_model("initial-exec")));

static pthread_mutex_t alq_marks_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct alq_mark *alq_marks;
static uint32_t alq_marks_made;
static uint32_t alq_marks_sweep_at = ALQ_MARKS_AT_FIRST;
static uint64_t alq_marks_most; /* the sum that was answered last */

/* Lock held; the mark's thread is gone, or there was none. */
static void alq_mark_vacate(struct alq_mark *mark)
{
    __atomic_store_n(&mark->word, mark->word & ~ALQ_MARK_DEPTH, __ATOMIC_RELEASE);
    mark->holds = false;
    mark->thread = (struct alq_thread){0};
}

/* A mark that is nobody's, or was that of an earlier thread of the same number. Lock held. */
static struct alq_mark *alq_mark_find(uint32_t tid)
{
    struct alq_mark *found = NULL;
    for (struct alq_mark *mark = alq_marks; mark != NULL; mark = mark->next) {
        if (mark->thread.tid == tid) {
            return mark;
        }
        found = mark->thread.tid == 0 ? mark : found;
    }
    return found;
}

/* Lock held. */
static void alq_marks_sweep(void)
{
    uint32_t used = 0;
    for (struct alq_mark *mark = alq_marks; mark != NULL; mark = mark->next) {
        if (mark->thread.tid != 0 && alq_thread_absent(&mark->thread)) {
            alq_mark_vacate(mark);
        }
        used += mark->thread.tid != 0;
    }
    alq_marks_sweep_at = used < ALQ_MARKS_AT_FIRST / 2 ? ALQ_MARKS_AT_FIRST : used * 2;
}

/* Lock held. */
static struct alq_mark *alq_mark_take(const struct alq_thread *thread)
{
    struct alq_mark *mark = alq_mark_find(thread->tid);
    if (mark == NULL && alq_marks_made >= alq_marks_sweep_at) {
        alq_marks_sweep();
        mark = alq_mark_find(thread->tid);
    }
    if (mark != NULL) {
        alq_mark_vacate(mark);
        mark->thread = *thread;
        return mark;
    }
    void *memory = NULL;
    if (posix_memalign(&memory, _Alignof(struct alq_mark), sizeof *mark) != 0) {
        return NULL;
    }
    mark = memory;
    *mark = (struct alq_mark){.thread = *thread, .next = alq_marks};
    __atomic_store_n(&alq_marks, mark, __ATOMIC_RELEASE);
    __atomic_store_n(&alq_marks_made, alq_marks_made + 1, __ATOMIC_RELAXED);
    return mark;
}

struct alq_mark *alq_mark_make(void)
{
    int saved_errno = errno;
    int cancel_state;
    struct alq_thread thread = alq_thread_self();
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    pthread_mutex_lock(&alq_marks_mutex);
    alq_mark_own = alq_mark_take(&thread);
    pthread_mutex_unlock(&alq_marks_mutex);
    pthread_setcancelstate(cancel_state, NULL);
    errno = saved_errno;
    return alq_mark_own;
}

bool alq_marks_clear(void)
{
    const struct alq_mark *mark = __atomic_load_n(&alq_marks, __ATOMIC_ACQUIRE);
    for (; mark != NULL; mark = mark->next) {
        if (mark != alq_mark_own && (__atomic_load_n(&mark->word, __ATOMIC_ACQUIRE) & ALQ_MARK_DEPTH) != 0) {
            return false;
        }
    }
    return true;
}

void alq_marks_bury(void)
{
    pthread_mutex_lock(&alq_marks_mutex);
    for (struct alq_mark *mark = alq_marks; mark != NULL; mark = mark->next) {
        bool inside = (__atomic_load_n(&mark->word, __ATOMIC_RELAXED) & ALQ_MARK_DEPTH) != 0;
        if (mark != alq_mark_own && inside && alq_thread_gone(&mark->thread)) {
            alq_mark_vacate(mark);
        }
    }
    pthread_mutex_unlock(&alq_marks_mutex);
}

uint64_t alq_marks_submissions(void)
{
    uint64_t sum = 0;
    for (const struct alq_mark *mark = __atomic_load_n(&alq_marks, __ATOMIC_ACQUIRE); mark != NULL; mark = mark->next) {
        sum += __atomic_load_n(&mark->word, __ATOMIC_RELAXED) / ALQ_MARK_CALL;
    }
    /* a signal's handler that makes gated calls may have its count overwritten by the call it came into */
    alq_marks_most = sum > alq_marks_most ? sum : alq_marks_most;
    return alq_marks_most;
}

uint32_t alq_marks_count(void)
{
    return __atomic_load_n(&alq_marks_made, __ATOMIC_RELAXED);
}

void alq_marks_after_fork(void)
{
    pthread_mutex_init(&alq_marks_mutex, NULL);
    alq_marks = NULL;
    alq_marks_made = 0;
    alq_marks_most = 0;
    alq_marks_sweep_at = ALQ_MARKS_AT_FIRST;
    alq_mark_own = NULL;
}
