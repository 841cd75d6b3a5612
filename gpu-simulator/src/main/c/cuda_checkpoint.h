/* The checkpoint service of this process and what others ask of it. */
#ifndef SIM_CUDA_CHECKPOINT_H
#define SIM_CUDA_CHECKPOINT_H

#include "cuda_core.h"

/* Starts the thread that serves lock, checkpoint, restore and unlock; all signals are blocked in it. */
bool sim_checkpoint_serve(void);

#endif
