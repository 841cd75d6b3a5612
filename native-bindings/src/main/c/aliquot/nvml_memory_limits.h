/*
 * The cgroup memory limits of NVML 13.4 (driver R615 and later): a soft limit that is kept
 * available and a hard limit that the driver enforces, for one cgroup v2 directory on one device.
 *
 * Setting needs root; MIG handles are refused. Soft 0 and hard NVML_DEVICE_MEMORY_LIMIT_MAX mean
 * no limit. The caller owns the path, which must stay valid during the call.
 *
 * Source of facts: NVIDIA's published reference of both structures (members, types, order). It is
 * not compared with a real header by abi_check.c, an older guide names the members differently,
 * and the value of NVML_DEVICE_MEMORY_LIMIT_MAX is taken to be all ones: look the calls up at run
 * time and read a limit back after setting it.
 */
#ifndef ALIQUOT_NVML_MEMORY_LIMITS_H
#define ALIQUOT_NVML_MEMORY_LIMITS_H

#include <aliquot/nvml_types.h>

#define NVML_DEVICE_MEMORY_LIMIT_MAX 0xffffffffffffffffULL

/* All sizes in bytes. */
typedef struct {
  const char *nameSpace;
  unsigned long long softLimit;
  unsigned long long hardLimit;
} nvmlSetMemoryLimits_v1_t;

typedef struct {
  const char *nameSpace;
  unsigned long long softLimit;
  unsigned long long hardLimit;
  unsigned long long currentUsed;
} nvmlGetMemoryLimits_v1_t;

_Static_assert(sizeof(nvmlSetMemoryLimits_v1_t) == 24, "path and two limits");
_Static_assert(sizeof(nvmlGetMemoryLimits_v1_t) == 32, "path, two limits and the use");

nvmlReturn_t nvmlDeviceSetMemoryLimits_v1(nvmlDevice_t, nvmlSetMemoryLimits_v1_t *);
nvmlReturn_t nvmlDeviceGetMemoryLimits_v1(nvmlDevice_t, nvmlGetMemoryLimits_v1_t *);

#endif
