/* An array: as many notes as blocks that graphs leave behind or free, and those of captures. */
#include "graph_notes.h"

#include <pthread.h>
#include <string.h>

#include "fork.h"
#include "grow.h"

static pthread_mutex_t alq_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct alq_note *alq_notes;
static size_t alq_count;
static size_t alq_capacity;
static uint32_t alq_counts[ALQ_OF_EXEC + 1];
static bool alq_lost;

bool alq_notes_any(enum alq_note_of of)
{
    return __builtin_expect(__atomic_load_n(&alq_counts[of], __ATOMIC_ACQUIRE) != 0, 0);
}

bool alq_notes_lost(void)
{
    return __atomic_load_n(&alq_lost, __ATOMIC_ACQUIRE);
}

/* Mutex held. */
static void alq_add_note(const struct alq_note *note)
{
    struct alq_note copy = *note; /* it may lie in the array */
    struct alq_note *grown = alq_grown(alq_notes, alq_count, &alq_capacity, sizeof *alq_notes);
    if (grown == NULL) {
        __atomic_store_n(&alq_lost, true, __ATOMIC_RELEASE);
        return;
    }
    alq_notes = grown;
    alq_notes[alq_count++] = copy;
    __atomic_add_fetch(&alq_counts[copy.of], 1, __ATOMIC_RELEASE);
}

/* Mutex held. Another one is in its place then. */
static void alq_remove_note(size_t at)
{
    __atomic_sub_fetch(&alq_counts[alq_notes[at].of], 1, __ATOMIC_RELEASE);
    alq_notes[at] = alq_notes[--alq_count];
}

static bool alq_is_of(const struct alq_note *note, enum alq_note_of of, uint64_t owner)
{
    return note->of == of && note->owner == owner;
}

/* Mutex held. */
static struct alq_note *alq_find(enum alq_note_of of, uint64_t owner, uint64_t block)
{
    for (size_t at = 0; at < alq_count; at++) {
        if (alq_is_of(&alq_notes[at], of, owner) && alq_notes[at].block == block) {
            return &alq_notes[at];
        }
    }
    return NULL;
}

/* Mutex held. */
static void alq_put(const struct alq_note *note)
{
    struct alq_note *before = note->of == ALQ_OF_GRAPH && note->what == ALQ_FREES ? alq_find(note->of, note->owner, note->block) : NULL;
    if (before != NULL && before->what == ALQ_ALLOCATES) {
        alq_remove_note((size_t)(before - alq_notes));
    } else {
        alq_add_note(note);
    }
}

void alq_notes_put(const struct alq_note *note)
{
    pthread_mutex_lock(&alq_mutex);
    alq_put(note);
    pthread_mutex_unlock(&alq_mutex);
}

bool alq_notes_find(enum alq_note_of of, uint64_t owner, uint64_t block, struct alq_note *note)
{
    pthread_mutex_lock(&alq_mutex);
    const struct alq_note *found = alq_find(of, owner, block);
    if (found != NULL) {
        *note = *found;
    }
    pthread_mutex_unlock(&alq_mutex);
    return found != NULL;
}

struct alq_note *alq_notes_list(enum alq_note_of of, uint64_t owner, size_t *count)
{
    struct alq_note *list = NULL;
    size_t capacity = 0;
    *count = 0;
    if (!alq_notes_any(of)) {
        return NULL;
    }
    pthread_mutex_lock(&alq_mutex);
    for (size_t at = 0; at < alq_count; at++) {
        if (alq_is_of(&alq_notes[at], of, owner)) {
            struct alq_note *grown = alq_grown(list, *count, &capacity, sizeof *list);
            if (grown == NULL) {
                __atomic_store_n(&alq_lost, true, __ATOMIC_RELEASE);
                break;
            }
            list = grown;
            list[(*count)++] = alq_notes[at];
        }
    }
    pthread_mutex_unlock(&alq_mutex);
    return list;
}

void alq_notes_turn(uint64_t capture, uint64_t block, uint64_t stream)
{
    pthread_mutex_lock(&alq_mutex);
    struct alq_note *note = alq_find(ALQ_OF_CAPTURE, capture, block);
    if (note != NULL) {
        note->what = note->what == ALQ_ALLOCATES ? ALQ_ALLOCATES_AND_FREES : ALQ_ALLOCATES;
        note->stream = stream;
    }
    pthread_mutex_unlock(&alq_mutex);
}

void alq_notes_unorder(uint64_t capture, uint64_t stream)
{
    pthread_mutex_lock(&alq_mutex);
    for (size_t at = 0; at < alq_count; at++) {
        if (alq_is_of(&alq_notes[at], ALQ_OF_CAPTURE, capture) && alq_notes[at].stream == stream) {
            alq_notes[at].stream = 0;
        }
    }
    pthread_mutex_unlock(&alq_mutex);
}

void alq_notes_copy(enum alq_note_of from, uint64_t owner, enum alq_note_of to, uint64_t other)
{
    if (!alq_notes_any(from)) {
        return;
    }
    pthread_mutex_lock(&alq_mutex);
    for (size_t at = 0, count = alq_count; at < count; at++) {
        if (alq_is_of(&alq_notes[at], from, owner)) {
            struct alq_note copy = alq_notes[at];
            copy.of = to;
            copy.owner = other;
            alq_add_note(&copy);
        }
    }
    pthread_mutex_unlock(&alq_mutex);
}

void alq_notes_end(uint64_t capture, CUgraph graph)
{
    pthread_mutex_lock(&alq_mutex);
    for (size_t at = 0; at < alq_count;) {
        struct alq_note note = alq_notes[at];
        if (!alq_is_of(&note, ALQ_OF_CAPTURE, capture)) {
            at++;
            continue;
        }
        alq_remove_note(at);
        note.of = ALQ_OF_GRAPH;
        note.owner = alq_note_owner(graph);
        if (graph != NULL && note.what != ALQ_ALLOCATES_AND_FREES) {
            alq_put(&note);
        }
        at = 0; /* others have taken places that were looked at */
    }
    pthread_mutex_unlock(&alq_mutex);
}

void alq_notes_drop(enum alq_note_of of, uint64_t owner)
{
    if (!alq_notes_any(of)) {
        return;
    }
    pthread_mutex_lock(&alq_mutex);
    for (size_t at = 0; at < alq_count;) {
        if (alq_is_of(&alq_notes[at], of, owner)) {
            alq_remove_note(at);
        } else {
            at++;
        }
    }
    pthread_mutex_unlock(&alq_mutex);
}

void alq_notes_forget(uint64_t block, bool gone)
{
    pthread_mutex_lock(&alq_mutex);
    for (size_t at = 0; at < alq_count;) {
        if (alq_notes[at].block == block && (gone || alq_notes[at].what != ALQ_FREES)) {
            alq_remove_note(at);
        } else {
            at++;
        }
    }
    pthread_mutex_unlock(&alq_mutex);
}

void alq_notes_after_fork(void)
{
    pthread_mutex_init(&alq_mutex, NULL);
    alq_notes = NULL;
    alq_count = 0;
    alq_capacity = 0;
    memset(alq_counts, 0, sizeof alq_counts);
    alq_lost = false;
}
