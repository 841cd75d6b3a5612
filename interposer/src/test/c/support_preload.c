/* See support_preload.h. */
#include "support_preload.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void exec_program(char *const argv[], bool preload, const char *library_path)
{
    if (preload) {
        char value[4096 * 2 + 64], dir[4096];
        if (realpath(library_dir(), dir) == NULL) {
            _exit(126);
        }
        snprintf(value, sizeof value, "%s/libaliquot-cuda.so:%s/libaliquot-nvml.so", dir, dir);
        setenv("LD_PRELOAD", value, 1);
    }
    if (library_path != NULL) {
        setenv("LD_LIBRARY_PATH", library_path, 1);
    } else {
        unsetenv("LD_LIBRARY_PATH");
    }
    execv(argv[0], argv);
    _exit(127);
}

struct preload_result run_program(char *const argv[], bool preload, const char *library_path)
{
    struct preload_result result = {.status = -1};
    int out[2], err[2];
    if (pipe(out) != 0 || pipe(err) != 0) {
        return result;
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(100);
        dup2(out[1], STDOUT_FILENO);
        dup2(err[1], STDERR_FILENO);
        close(out[0]);
        close(out[1]);
        close(err[0]);
        close(err[1]);
        exec_program(argv, preload, library_path);
    }
    close(out[1]);
    close(err[1]);
    struct pollfd ends[2] = {{.fd = out[0], .events = POLLIN}, {.fd = err[0], .events = POLLIN}};
    while (ends[0].fd >= 0 || ends[1].fd >= 0) {
        poll(ends, 2, -1);
        for (int i = 0; i < 2; i++) {
            size_t *bytes = i == 0 ? &result.out_bytes : &result.err_bytes;
            char *text = i == 0 ? result.out : result.err;
            if (ends[i].fd >= 0 && ends[i].revents != 0) {
                ssize_t n = read(ends[i].fd, text + *bytes, sizeof result.out - 1 - *bytes);
                if (n <= 0) {
                    close(ends[i].fd);
                    ends[i].fd = -1;
                } else {
                    *bytes += (size_t)n;
                }
            }
        }
    }
    waitpid(child, &result.status, 0);
    return result;
}

struct preload_result run_preloaded(const char *argument, const char *library_path)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n < 0 ? 0 : n] = 0;
    char word[256];
    snprintf(word, sizeof word, "%s", argument);
    char *argv[] = {self, word, NULL};
    return run_program(argv, true, library_path);
}
