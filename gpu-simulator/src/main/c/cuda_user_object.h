/* User objects: something of the program's that lives as long as a graph refers to it. */
#ifndef SIM_CUDA_USER_OBJECT_H
#define SIM_CUDA_USER_OBJECT_H

#include "cuda_graph.h"

void sim_user_references_drop(struct sim_graph *graph);

#endif
