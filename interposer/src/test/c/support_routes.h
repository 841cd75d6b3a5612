/* The ways in which a program comes to a function of the driver. */
#ifndef ALIQUOT_SUPPORT_ROUTES_H
#define ALIQUOT_SUPPORT_ROUTES_H

#include "support_subjects.h"

struct route {
    const struct subject *subject;
    int direct;
    bool hooked; /* the interposer stands in; otherwise the driver's own function is right */
    int version; /* for cuGetProcAddress */
    cuuint64_t flags;
};

/* The function in a library by that route, NULL where it leads nowhere. */
void *route_find(const struct route *route, void *library);
/* Writes the routes by cuGetProcAddress that lead to the subject's very symbol to a pipe, one for each value of flags that has
 * one. Loads the bare driver: for a process of its own. */
void routes_by_look_up(int pipe_end, const struct subject *subject);

#endif
