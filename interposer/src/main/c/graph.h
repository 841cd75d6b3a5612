/*
 * Memory of graphs: what the alloc nodes of a graph take when it is uploaded or launched.
 */
#ifndef ALIQUOT_INTERPOSER_GRAPH_H
#define ALIQUOT_INTERPOSER_GRAPH_H

#include <stdbool.h>

/* Whether this process has ever made an alloc node. While it has not, graphs cost one load. */
bool alq_graph_seen(void);

/* Makes it so, if `seen`. */
void alq_graph_see(bool seen);

#endif
