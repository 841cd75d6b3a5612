/*
 * Freeing by address, whatever the address came from: a plain allocation, a pool's, a graph's, or nothing we know.
 */
#ifndef ALIQUOT_INTERPOSER_ASYNC_H
#define ALIQUOT_INTERPOSER_ASYNC_H

#include "pointers.h"

struct alq_freeing {
    CUdeviceptr address;
    bool tracked;
    struct alq_holding holding;
};

/* Before the driver is asked: takes the entry out. */
void alq_free_begin(struct alq_freeing *freeing, CUdeviceptr address);

/* After it has answered: gives the bytes back, or puts the entry back. Returns the driver's answer. */
CUresult alq_free_end(struct alq_freeing *freeing, CUresult result);

#endif
