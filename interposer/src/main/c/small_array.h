/* The other half of small.h, for arrays. Only small.c includes this. */
#ifndef ALIQUOT_INTERPOSER_SMALL_ARRAY_H
#define ALIQUOT_INTERPOSER_SMALL_ARRAY_H

#include <stdint.h>

/* Takes away an array, or small levels of one; bytes as they were taken. */
void alq_small_array_give(int device, uint64_t bytes);

void alq_small_array_after_fork(void);

#endif
