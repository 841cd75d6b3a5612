/*
 * What graphs do to movable blocks (graph_blocks.h), which the driver does not know: which blocks a capture, a graph or an executable
 * allocates and does not free, and which it frees that others have allocated. What a capture both allocates and frees is noted until its end
 * alone, so that most graphs have no notes and their launches cost one load.
 *
 * One lock, held across nothing. Where there is no memory for a note, alq_notes_lost says so from then on: nothing can be concluded from what is
 * not noted any more.
 */
#ifndef ALIQUOT_INTERPOSER_GRAPH_NOTES_H
#define ALIQUOT_INTERPOSER_GRAPH_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <aliquot/cuda_abi.h>

enum alq_note_of { ALQ_OF_CAPTURE, ALQ_OF_GRAPH, ALQ_OF_EXEC };

enum alq_note_what { ALQ_ALLOCATES, ALQ_FREES, ALQ_ALLOCATES_AND_FREES };

struct alq_note {
    enum alq_note_of of;
    uint64_t owner; /* the driver's id of a capture, else the handle */
    enum alq_note_what what;
    CUdeviceptr address;
    uint64_t block;  /* its id */
    uint64_t stream; /* ALQ_ALLOCATES_AND_FREES: the driver's id of the one it was freed on; 0: what is captured next may not come behind that */
};

static inline uint64_t alq_note_owner(const void *handle)
{
    return (uintptr_t)handle;
}

/* Whether there are any. One load. */
bool alq_notes_any(enum alq_note_of of);

/* A graph that frees what it is noted to allocate has no note of that any more. */
void alq_notes_put(const struct alq_note *note);

/* The note of an owner about a block. False: there is none. */
bool alq_notes_find(enum alq_note_of of, uint64_t owner, uint64_t block, struct alq_note *note);

/* All notes of an owner, for the caller to free; NULL: none. */
struct alq_note *alq_notes_list(enum alq_note_of of, uint64_t owner, size_t *count);

/* The capture frees what it has allocated itself, on that stream; or (0) allocates it again. */
void alq_notes_turn(uint64_t capture, uint64_t block, uint64_t stream);

/* What is captured on the stream from now on may not come behind what was freed there. */
void alq_notes_unorder(uint64_t capture, uint64_t stream);

/* The notes of one are another's, too. */
void alq_notes_copy(enum alq_note_of from, uint64_t owner, enum alq_note_of to, uint64_t other);

/* The notes of a capture are a graph's from now on; those of one that came to nothing (NULL) are gone. */
void alq_notes_end(uint64_t capture, CUgraph graph);

/* The owner is gone. */
void alq_notes_drop(enum alq_note_of of, uint64_t owner);

/* Nothing allocates the block any more; and (gone) there is no such block any more. */
void alq_notes_forget(uint64_t block, bool gone);

bool alq_notes_lost(void);

#endif
