/* Running this test program again under LD_PRELOAD, as a tenant runs a program. */
#ifndef ALIQUOT_SUPPORT_PRELOAD_H
#define ALIQUOT_SUPPORT_PRELOAD_H

#include "support_world.h"

/* What a program wrote and how it ended. */
struct preload_result {
    int status; /* of waitpid */
    size_t out_bytes, err_bytes;
    char out[4096], err[4096];
};

/* Runs /proc/self/exe with one argument, both libraries preloaded, and LD_LIBRARY_PATH as given (NULL: unset). */
struct preload_result run_preloaded(const char *argument, const char *library_path);
/* The same for any program. */
struct preload_result run_program(char *const argv[], bool preload, const char *library_path);

#endif
