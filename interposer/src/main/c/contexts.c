/* A small array: programs have a handful of contexts. */
#include "contexts.h"

#include <pthread.h>

#include "devices.h"
#include "fork.h"

static pthread_mutex_t alq_mutex = PTHREAD_MUTEX_INITIALIZER;
static CUcontext alq_contexts[ALQ_CONTEXTS];
static size_t alq_count;
static bool alq_overflown;

static size_t alq_find(CUcontext context)
{
    size_t at = 0;
    while (at < alq_count && alq_contexts[at] != context) {
        at++;
    }
    return at;
}

void alq_contexts_put(CUcontext context)
{
    if (context == NULL) {
        return;
    }
    pthread_mutex_lock(&alq_mutex);
    size_t at = alq_find(context);
    if (at == ALQ_CONTEXTS) {
        alq_overflown = true;
    } else if (at == alq_count) {
        alq_contexts[alq_count++] = context;
    }
    pthread_mutex_unlock(&alq_mutex);
}

void alq_contexts_remove(CUcontext context)
{
    pthread_mutex_lock(&alq_mutex);
    size_t at = alq_find(context);
    if (at < alq_count) {
        alq_contexts[at] = alq_contexts[--alq_count];
    }
    pthread_mutex_unlock(&alq_mutex);
}

bool alq_contexts_has(CUcontext context)
{
    pthread_mutex_lock(&alq_mutex);
    bool found = context != NULL && alq_find(context) < alq_count;
    pthread_mutex_unlock(&alq_mutex);
    return found;
}

bool alq_contexts_list(CUcontext contexts[ALQ_CONTEXTS], size_t *count)
{
    pthread_mutex_lock(&alq_mutex);
    for (size_t at = 0; at < alq_count; at++) {
        contexts[at] = alq_contexts[at];
    }
    *count = alq_count;
    bool all = !alq_overflown;
    pthread_mutex_unlock(&alq_mutex);
    return all;
}

CUcontext alq_contexts_on(CUdevice ordinal)
{
    CUcontext contexts[ALQ_CONTEXTS];
    CUcontext found = NULL;
    size_t count;
    alq_contexts_list(contexts, &count);
    for (size_t at = 0; found == NULL && at < count; at++) {
        struct alq_place place;
        found = alq_place_of_context(contexts[at], &place) && place.ordinal == ordinal ? contexts[at] : NULL;
    }
    return found;
}

void alq_contexts_after_fork(void)
{
    pthread_mutex_init(&alq_mutex, NULL);
    alq_count = 0;
    alq_overflown = false;
}
