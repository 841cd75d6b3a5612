/* What the kernel says about a process. */
#define _GNU_SOURCE
#include "node_state.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

uint64_t sim_start_time(pid_t pid)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    ssize_t got = read(file, text, sizeof text - 1);
    close(file);
    if (got <= 0)
        return 0;
    text[got] = 0;
    char *at = strrchr(text, ')'); /* the name may hold spaces and brackets */
    if (at != NULL && (strncmp(at, ") Z", 3) == 0 || strncmp(at, ") X", 3) == 0))
        return 0;
    for (int field = 2; at != NULL && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at == NULL ? 0 : strtoull(at + 1, NULL, 10);
}

uint64_t sim_pid_namespace(void)
{
    struct stat st;
    return stat("/proc/self/ns/pid", &st) == 0 ? (uint64_t)st.st_ino : 0;
}

/* Its pid in the innermost of its namespaces; 0 when it is gone. */
static pid_t innermost_pid(pid_t pid)
{
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 ? -1 : read(file, text, sizeof text - 1);
    if (file >= 0)
        close(file);
    if (got <= 0)
        return 0;
    text[got] = 0;
    char *line = strstr(text, "\nNSpid:");
    if (line == NULL)
        return 0;
    line++;
    line[strcspn(line, "\n")] = 0;
    char *last = strrchr(line, '\t');
    return last == NULL ? 0 : (pid_t)atoi(last + 1);
}

/* A namespace that may not be looked at counts as the right one: pid and start time are the same. */
static bool is_process(pid_t seen, pid_t pid, uint64_t start_time, uint64_t pid_namespace)
{
    char path[64];
    struct stat st;
    if (innermost_pid(seen) != pid || sim_start_time(seen) != start_time)
        return false;
    snprintf(path, sizeof path, "/proc/%d/ns/pid", (int)seen);
    return stat(path, &st) != 0 || (uint64_t)st.st_ino == pid_namespace;
}

pid_t sim_visible_pid(pid_t pid, uint64_t start_time, uint64_t pid_namespace, pid_t hint)
{
    if (hint > 0 && is_process(hint, pid, start_time, pid_namespace))
        return hint;
    DIR *all = opendir("/proc");
    pid_t found = 0;
    for (struct dirent *entry; all != NULL && found == 0 && (entry = readdir(all)) != NULL;) {
        pid_t seen = (pid_t)atoi(entry->d_name);
        if (seen > 0 && is_process(seen, pid, start_time, pid_namespace))
            found = seen;
    }
    if (all != NULL)
        closedir(all);
    return found;
}

void sim_own_cgroup(char out[SIM_CGROUP_BYTES])
{
    char text[4096];
    out[0] = 0;
    int file = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 ? -1 : read(file, text, sizeof text - 1);
    if (file >= 0)
        close(file);
    if (got <= 0)
        return;
    text[got] = 0;
    const char *line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
    if (line == NULL)
        return;
    line = strchr(line, '/');
    size_t length = line == NULL ? 0 : strcspn(line, "\n");
    if (length >= SIM_CGROUP_BYTES)
        length = 0;
    memcpy(out, line == NULL ? "" : line, length);
    out[length] = 0;
}
