/* The device models and driver branches that a node can be made of. */
#ifndef SIM_NODE_MODELS_H
#define SIM_NODE_MODELS_H

#include "node.h"

#define SIM_MODEL_NAMES "H100, H200, A100, L4 and RTX4090"
#define SIM_DRIVER_NAMES "535, 550, 570, 580 or 615"

struct sim_model {
    const char *name; /* as in a specification */
    struct sim_device_config device;
};

struct sim_driver {
    uint32_t branch;
    int32_t cuda_version;
    const char *version; /* a release of the branch */
};

const struct sim_model *sim_model_find(const char *name);       /* NULL: unknown; case does not matter */
const char *sim_model_name(const struct sim_device_config *device);
const struct sim_driver *sim_driver_find(const char *version);  /* "580" or "580.x.y"; NULL: unknown */

#endif
