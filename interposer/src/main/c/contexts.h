/*
 * The contexts that the program has, as far as it made them through us: what has to be idle before memory is moved.
 *
 * Thread-safe; one lock, held for a few loads. A context is removed only inside the gate, so what is here while the gate is closed lives.
 */
#ifndef ALIQUOT_INTERPOSER_CONTEXTS_H
#define ALIQUOT_INTERPOSER_CONTEXTS_H

#include <stdbool.h>
#include <stddef.h>

#include <aliquot/cuda_abi.h>

#define ALQ_CONTEXTS 256

/* Idempotent. The program may have more than can be remembered: then nothing is ever moved again (alq_contexts_list). */
void alq_contexts_put(CUcontext context);

void alq_contexts_remove(CUcontext context);

/* Whether it is one of them: its end will be seen. */
bool alq_contexts_has(CUcontext context);

/* One of a device's; NULL: there is none. */
CUcontext alq_contexts_on(CUdevice ordinal);

/* Copies them; false where there are some that we do not know. */
bool alq_contexts_list(CUcontext contexts[ALQ_CONTEXTS], size_t *count);

#endif
