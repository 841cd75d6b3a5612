/* User objects: something of the program's that lives as long as a graph, a copy of it or one of its executables refers to it. */
#ifndef SIM_CUDA_USER_OBJECT_H
#define SIM_CUDA_USER_OBJECT_H

#include "cuda_graph.h"

void sim_user_references_drop(struct sim_user_reference **list);
/* One reference more for each of the list's; false, and some of them are there: no memory. */
bool sim_user_references_copy(struct sim_user_reference **list, const struct sim_user_reference *from);

#endif
