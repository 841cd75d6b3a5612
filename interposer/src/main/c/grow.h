/*
 * Lists that grow.
 */
#ifndef ALIQUOT_INTERPOSER_GROW_H
#define ALIQUOT_INTERPOSER_GROW_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define ALQ_GROW_FIRST 64

/* A list from malloc (NULL: none yet) with room for one more of that size than it has; perhaps another one, in place of the old. NULL: no memory,
 * and the old one is as it was. */
static inline void *alq_grown(void *list, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return list;
    }
    size_t larger = *capacity == 0 ? ALQ_GROW_FIRST : *capacity * 2;
    void *grown = realloc(list, larger * size);
    *capacity = grown != NULL ? larger : *capacity;
    return grown;
}

#endif
