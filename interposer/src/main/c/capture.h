/*
 * Streams that are being captured, counted in the whole process: while one is, a call that synchronises would break the program's graph, so
 * the mover makes none. A capture begins inside the gate; with the gate closed none begins, and what is answered here stays true.
 *
 * A capture is counted from before it begins until it has ended: by its end, whatever that answered, if the stream is out of it; by the end
 * of its stream, its context, or, for a thread's own default stream, its thread. Thread-safe, keeps errno. Not seen: a capture that
 * goes around this library, and a green context destroyed with a capture in it (its streams have to be destroyed before).
 */
#ifndef ALIQUOT_INTERPOSER_CAPTURE_H
#define ALIQUOT_INTERPOSER_CAPTURE_H

#include <stdbool.h>

#include <aliquot/cuda_abi.h>

bool alq_capture_active(void);

/* Whether a capture is going on into a graph that the program has made. */
bool alq_capture_borrows(CUgraph graph);

/* The context is gone, and every capture in it. */
void alq_capture_forget(CUcontext context);

#endif
