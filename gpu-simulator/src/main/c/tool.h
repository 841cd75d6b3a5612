/* aliquot-sim: making, showing, disturbing and removing a simulated node from the shell. Private to tool*.c. */
#ifndef SIM_TOOL_H
#define SIM_TOOL_H

#include "node.h"

/* Options after the directory: --device N --code N --pid P --message TEXT --action K --name value ... */
struct tool_options {
    bool has_device, has_code, has_action;
    uint32_t device, code, action;
    pid_t pid;
    const char *message;
    int64_t corrected, uncorrected, pending, failure, lost, temperature; /* -1: not given */
};

/* Prints "aliquot-sim: " and the sentence to stderr and answers 2, the exit code for bad input. */
int tool_refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* False after a refusal was printed. */
bool tool_options_parse(int count, char **words, struct tool_options *options);

int tool_show(void);
int tool_xid(const struct tool_options *options);
int tool_recovery(const struct tool_options *options);
int tool_ecc(const struct tool_options *options);
int tool_remap(const struct tool_options *options);
int tool_lost(const struct tool_options *options);
int tool_temperature(const struct tool_options *options);

#endif
