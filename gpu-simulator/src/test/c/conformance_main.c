/*
 * The runner: each case in a child process, one line per case, a closing line of counts.
 *
 *   conformance [--list] [--only PATTERN]... [--json] [--seam mixed|dlsym|procaddress]
 *
 * PATTERN is a shell pattern over subject.behaviour, or a subject. Exit status: 0 all passed or skipped, 1 a case failed,
 * 2 wrong usage, 3 no case could run because this machine has no usable driver.
 */
#include "conformance.h"

#include <errno.h>
#include <fnmatch.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum outcome { PASSED, FAILED, SKIPPED, OUTCOMES };
static const char *const OUTCOME_NAMES[OUTCOMES] = {"ok", "FAILED", "skipped"};
#define MAX_PATTERNS 64

static struct conf_case *all_cases;
static const char *patterns[MAX_PATTERNS];
static size_t pattern_count;

/* Keeps the list sorted by name, so that the order does not depend on the linker. */
void conf_register(struct conf_case *one) {
    struct conf_case **place = &all_cases;
    while (*place != NULL) {
        int order = strcmp((*place)->subject, one->subject);
        if (order > 0 || (order == 0 && strcmp((*place)->behaviour, one->behaviour) > 0)) {
            break;
        }
        place = &(*place)->next;
    }
    one->next = *place;
    *place = one;
}

static bool wanted(const struct conf_case *one) {
    char name[256];
    snprintf(name, sizeof name, "%s.%s", one->subject, one->behaviour);
    for (size_t i = 0; i < pattern_count; i++) {
        if (strcmp(patterns[i], one->subject) == 0 || fnmatch(patterns[i], name, 0) == 0) {
            return true;
        }
    }
    return pattern_count == 0;
}

/* Reads the case's sentence until the case's end or its time limit; answers false at the limit. */
static bool collect(int pipe_fd, pid_t child, unsigned limit_s, char *text, size_t size, int *status) {
    uint64_t deadline = conf_now_ns() + limit_s * 1000000000ull;
    size_t used = 0;
    for (;;) {
        struct pollfd one = {.fd = pipe_fd, .events = POLLIN};
        if (poll(&one, 1, 10) > 0 && (one.revents & POLLIN) != 0 && used + 1 < size) {
            ssize_t got = read(pipe_fd, text + used, size - 1 - used);
            used += got > 0 ? (size_t)got : 0;
            text[used] = '\0';
        }
        if (waitpid(child, status, WNOHANG) == child) {
            while (poll(&one, 1, 0) > 0 && (one.revents & POLLIN) != 0 && used + 1 < size) {
                ssize_t got = read(pipe_fd, text + used, size - 1 - used);
                if (got <= 0) {
                    break;
                }
                used += (size_t)got;
                text[used] = '\0';
            }
            return true;
        }
        if (conf_now_ns() > deadline) {
            return false;
        }
    }
}

static enum outcome run_case(const struct conf_case *one, char *text, size_t size) {
    int fds[2];
    text[0] = '\0';
    if (pipe(fds) != 0) {
        snprintf(text, size, "no pipe: %s", strerror(errno));
        return FAILED;
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(fds[0]);
        conf_report_to(fds[1]);
        one->run();
        _exit(0);
    }
    close(fds[1]);
    if (child < 0) {
        close(fds[0]);
        snprintf(text, size, "no process: %s", strerror(errno));
        return FAILED;
    }
    setpgid(child, child);
    int status = 0;
    bool ended = collect(fds[0], child, one->limit_s, text, size, &status);
    kill(-child, SIGKILL);
    if (!ended) {
        waitpid(child, &status, 0);
    }
    close(fds[0]);
    text[strcspn(text, "\n")] = '\0';
    if (!ended) {
        snprintf(text, size, "not done after %u s", one->limit_s);
        return FAILED;
    }
    if (WIFSIGNALED(status)) {
        snprintf(text, size, "ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
        return FAILED;
    }
    int code = WEXITSTATUS(status);
    if (code != 0 && code != 77 && text[0] == '\0') {
        snprintf(text, size, "ended with status %d", code);
    }
    return code == 0 ? PASSED : code == 77 ? SKIPPED : FAILED;
}

static void print_json_string(const char *text) {
    putchar('"');
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            printf("\\%c", c);
        } else if (c < 0x20 || c >= 0x7f) {
            printf("\\u%04x", c);
        } else {
            putchar(c);
        }
    }
    putchar('"');
}

static void print_case(const struct conf_case *one, enum outcome outcome, const char *text, double ms, bool json, bool first) {
    if (!json) {
        printf("%-8s %s.%s (%.0f ms)%s%s\n", OUTCOME_NAMES[outcome], one->subject, one->behaviour, ms,
               text[0] == '\0' ? "" : ": ", text);
        fflush(stdout);
        return;
    }
    printf("%s\n  {\"case\": \"%s.%s\", \"outcome\": \"%s\", \"milliseconds\": %.0f, \"reason\": ", first ? "" : ",", one->subject,
           one->behaviour, outcome == FAILED ? "failed" : OUTCOME_NAMES[outcome], ms);
    print_json_string(text);
    printf("}");
}

/* A driver that starts, in a process of its own so that the runner never calls it. */
static void probe(void) {
    CUresult result = cu(cuInit)(0);
    if (result != CUDA_SUCCESS) {
        conf_fail(__FILE__, __LINE__, "cuInit answered %s", conf_error_name(result));
    }
}

static int usage(const char *program) {
    fprintf(stderr, "usage: %s [--list] [--only PATTERN]... [--json] [--seam mixed|dlsym|procaddress]\n", program);
    return 2;
}

int main(int argc, char **argv) {
    bool list = false;
    bool json = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--list") == 0) {
            list = true;
        } else if (strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc && pattern_count < MAX_PATTERNS) {
            patterns[pattern_count++] = argv[++i];
        } else if (strcmp(argv[i], "--seam") == 0 && i + 1 < argc) {
            i++;
            if (strcmp(argv[i], "mixed") != 0 && strcmp(argv[i], "dlsym") != 0 && strcmp(argv[i], "procaddress") != 0) {
                return usage(argv[0]);
            }
            conf_set_seam(argv[i][0] == 'm' ? CONF_MIXED : argv[i][0] == 'd' ? CONF_DLSYM : CONF_PROC_ADDRESS);
        } else {
            return usage(argv[0]);
        }
    }
    if (list) {
        for (struct conf_case *one = all_cases; one != NULL; one = one->next) {
            if (wanted(one)) {
                printf("%s.%s\n", one->subject, one->behaviour);
            }
        }
        return 0;
    }
    char text[2048];
    const struct conf_case starting = {"driver", "starts", probe, 60, NULL};
    if (run_case(&starting, text, sizeof text) != PASSED) {
        fprintf(stderr, "no usable CUDA driver on this machine: %s\n", text);
        return 3;
    }
    unsigned counts[OUTCOMES] = {0};
    bool first = true;
    if (json) {
        printf("{\"cases\": [");
    }
    for (struct conf_case *one = all_cases; one != NULL; one = one->next) {
        if (!wanted(one)) {
            continue;
        }
        uint64_t start = conf_now_ns();
        enum outcome outcome = run_case(one, text, sizeof text);
        counts[outcome]++;
        print_case(one, outcome, text, (double)(conf_now_ns() - start) / 1e6, json, first);
        first = false;
    }
    if (json) {
        printf("\n], \"passed\": %u, \"failed\": %u, \"skipped\": %u}\n", counts[PASSED], counts[FAILED], counts[SKIPPED]);
    } else {
        printf("%u passed, %u failed, %u skipped\n", counts[PASSED], counts[FAILED], counts[SKIPPED]);
    }
    return counts[FAILED] == 0 ? 0 : 1;
}
