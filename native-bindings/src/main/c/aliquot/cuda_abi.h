/*
 * The CUDA driver ABI that Aliquot's C code builds against: types and entry points.
 * Include cuda_types.h alone where only layouts and constants are needed.
 */
#ifndef ALIQUOT_CUDA_ABI_H
#define ALIQUOT_CUDA_ABI_H

#include <aliquot/cuda_functions.h>
#include <aliquot/cuda_types.h>

#endif
