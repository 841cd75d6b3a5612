/* See support_routes.h. */
#include "support_routes.h"

#include <string.h>
#include <unistd.h>

void *route_find(const struct route *route, void *library)
{
    if (route->direct) {
        return dlsym(library, route->subject->name);
    }
    char base[128];
    snprintf(base, sizeof base, "%s", route->subject->name);
    char *suffix = strstr(base, "_pts");
    suffix = suffix == NULL ? strstr(base, "_ptd") : suffix;
    if (suffix != NULL) {
        *suffix = 0;
    }
    suffix = strstr(base, "_v");
    if (suffix != NULL) {
        *suffix = 0;
    }
    void *function = NULL;
    CUdriverProcAddressQueryResult result;
    __typeof__(cuGetProcAddress_v2) *look_up = (__typeof__(cuGetProcAddress_v2) *)dlsym(library, "cuGetProcAddress_v2");
    return look_up(base, &function, route->version, route->flags, &result) == CUDA_SUCCESS ? function : NULL;
}

void routes_by_look_up(int pipe_end, const struct subject *subject)
{
    static const int versions[] = {2000, 2010, 3000, 3020, 4000, 4010, 5000, 5050, 6000, 6050, 7000, 7050, 8000, 9000, 9020,
        10000, 10010, 10020, 11000, 11010, 11020, 11030, 11040, 11060, 11070, 12000, 12020, 12030, 12040, 12050, 12080, 13000};
    void *target = dlsym(bare(), subject->name);
    for (cuuint64_t flags = 0; target != NULL && flags <= 2; flags++) {
        for (size_t v = 0; v < sizeof versions / sizeof versions[0]; v++) {
            struct route route = {.subject = subject, .version = versions[v], .flags = flags};
            if (route_find(&route, bare()) == target) {
                if (write(pipe_end, &route, sizeof route) != (ssize_t)sizeof route) {
                    _exit(1);
                }
                break;
            }
        }
    }
}

