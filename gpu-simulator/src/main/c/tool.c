/* The command line of aliquot-sim. Exit codes: 0 done, 1 could not be done, 2 bad input. */
#include "tool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: aliquot-sim create DIR [SETTINGS]   make a node, e.g. devices=2,memory=16GiB,model=H100,driver=580.159.04\n"
    "       aliquot-sim show DIR                devices, memory and processes\n"
    "       aliquot-sim xid DIR --device N --code N [--pid P] [--message TEXT]\n"
    "       aliquot-sim recovery DIR --device N --action K   0 none, 1 GPU reset, 2 node reboot, 3 drain P2P, 4 drain and reset,\n"
    "                                           5 recover IMEX domain; also writes XID 154\n"
    "       aliquot-sim ecc DIR --device N [--corrected N] [--uncorrected N]\n"
    "       aliquot-sim remap DIR --device N [--corrected N] [--uncorrected N] [--pending 0|1] [--failure 0|1]\n"
    "       aliquot-sim lost DIR --device N [--lost 0|1]     the device falls off the bus, or comes back\n"
    "       aliquot-sim temperature DIR --device N --temperature DEGREES\n"
    "       aliquot-sim destroy DIR\n";

int tool_refuse(const char *format, ...)
{
    va_list arguments;
    fputs("aliquot-sim: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return 2;
}

static bool number(const char *option, const char *text, uint64_t most, uint64_t *value)
{
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != 0 || errno != 0 || *value > most) {
        tool_refuse("%s %s: give a number from 0 to %llu", option, text, (unsigned long long)most);
        return false;
    }
    return true;
}

bool tool_options_parse(int count, char **words, struct tool_options *options)
{
    *options = (struct tool_options){.corrected = -1, .uncorrected = -1, .pending = -1, .failure = -1, .lost = -1, .temperature = -1};
    struct { const char *name; int64_t *target; uint64_t most; } counters[] = {
        {"--corrected", &options->corrected, INT64_MAX}, {"--uncorrected", &options->uncorrected, INT64_MAX},
        {"--pending", &options->pending, 1}, {"--failure", &options->failure, 1}, {"--lost", &options->lost, 1},
        {"--temperature", &options->temperature, 150},
    };
    for (int i = 0; i < count; i += 2) {
        uint64_t value = 0;
        bool known = true;
        if (i + 1 >= count) {
            tool_refuse("%s needs a value", words[i]);
            return false;
        }
        if (strcmp(words[i], "--message") == 0) {
            options->message = words[i + 1];
        } else if (strcmp(words[i], "--device") == 0) {
            if (!number(words[i], words[i + 1], sim_config()->device_count - 1, &value))
                return false;
            options->device = (uint32_t)value;
            options->has_device = true;
        } else if (strcmp(words[i], "--code") == 0) {
            if (!number(words[i], words[i + 1], 9999, &value))
                return false;
            options->code = (uint32_t)value;
            options->has_code = true;
        } else if (strcmp(words[i], "--action") == 0) {
            if (!number(words[i], words[i + 1], 7, &value))
                return false;
            options->action = (uint32_t)value;
            options->has_action = true;
        } else if (strcmp(words[i], "--pid") == 0) {
            if (!number(words[i], words[i + 1], INT32_MAX, &value))
                return false;
            options->pid = (pid_t)value;
        } else {
            known = false;
            for (size_t c = 0; c < sizeof counters / sizeof *counters && !known; c++) {
                if (strcmp(words[i], counters[c].name) != 0)
                    continue;
                if (!number(words[i], words[i + 1], counters[c].most, &value))
                    return false;
                *counters[c].target = (int64_t)value;
                known = true;
            }
        }
        if (!known) {
            tool_refuse("%s is no option; run aliquot-sim without arguments to see them", words[i]);
            return false;
        }
    }
    return true;
}

static int on_device(const char *name, const struct tool_options *options)
{
    static const struct { const char *name; int (*run)(const struct tool_options *); } commands[] = {
        {"xid", tool_xid}, {"recovery", tool_recovery}, {"ecc", tool_ecc}, {"remap", tool_remap}, {"lost", tool_lost},
        {"temperature", tool_temperature},
    };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(name, commands[i].name) != 0)
            continue;
        if (!options->has_device)
            return tool_refuse("%s needs --device N", name);
        return commands[i].run(options);
    }
    return tool_refuse("%s is no command; run aliquot-sim without arguments to see them", name);
}

int main(int argc, char **argv)
{
    char error[SIM_ERROR_BYTES] = "";
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        fputs(usage, argc < 2 ? stderr : stdout);
        return argc < 2 ? 2 : 0;
    }
    if (argc < 3)
        return tool_refuse("%s needs the directory of the node", argv[1]);
    if (strcmp(argv[1], "create") == 0) {
        struct sim_config config;
        const char *spec = argc > 3 ? argv[3] : "";
        if (argc > 4)
            return tool_refuse("%s: write all settings as one word, separated by commas", argv[4]);
        if (!sim_config_parse(spec, &config, error))
            return tool_refuse("%s", error);
        return sim_node_create(argv[2], spec, error) ? 0 : (tool_refuse("%s", error), 1);
    }
    if (strcmp(argv[1], "destroy") == 0)
        return sim_node_destroy(argv[2], error) ? 0 : (tool_refuse("%s", error), 1);
    struct tool_options options;
    if (!sim_node_open_at(argv[2], error)) {
        tool_refuse("%s", error);
        return 1;
    }
    if (strcmp(argv[1], "show") == 0)
        return argc == 3 ? tool_show() : tool_refuse("show takes nothing after the directory");
    if (!tool_options_parse(argc - 3, argv + 3, &options))
        return 2;
    return on_device(argv[1], &options);
}
