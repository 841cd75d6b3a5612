/*
 * A process that makes device memory and hands it to this one: one of the tenant's, or one that never heard of it.
 *
 * To be started before this process has called CUDA. The memory begins with SHARED_WORD. Everything the maker holds is its own until
 * it is told to let go; it ends with this process at the latest.
 *
 * Failure contract: what the maker could not do is a failed check of the case, and the answer of the driver where one is asked for.
 */
#ifndef ALIQUOT_SUPPORT_SHARING_H
#define ALIQUOT_SUPPORT_SHARING_H

#include "support_routes.h"

#define SHARED_WORD 0x5ca1ab1eu

struct maker {
    pid_t pid;
    int channel;
};

/* exporting: the route by which it finds the function that hands the memory out, NULL by symbol. */
struct maker maker_start(enum sharing_way way, bool of_tenant, const struct route *exporting);
/* Makes that much more and hands it out; only the driver's answer where that is not CUDA_SUCCESS. */
CUresult maker_makes(struct maker *maker, uint64_t bytes, struct shared *shared);
/* Frees all that it has made; done when this returns. */
void maker_lets_go(struct maker *maker);
/* Allocates and frees again: the driver's answer. */
CUresult maker_tries(struct maker *maker, uint64_t bytes);
/* Ends by itself, or by kill -9. */
void maker_ends(struct maker *maker, bool killed);

#endif
