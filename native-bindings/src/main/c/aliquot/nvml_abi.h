/*
 * The NVML ABI that Aliquot's C code builds against: types and entry points.
 * Include nvml_types.h alone where only layouts and constants are needed.
 */
#ifndef ALIQUOT_NVML_ABI_H
#define ALIQUOT_NVML_ABI_H

#include <aliquot/nvml_functions.h>
#include <aliquot/nvml_memory_limits.h>
#include <aliquot/nvml_types.h>

#endif
