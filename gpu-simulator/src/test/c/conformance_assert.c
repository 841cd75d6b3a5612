/* How a case ends before its end: a failed assertion or a skip, with one sentence for the runner. */
#include "conformance.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int report_fd = 2;

void conf_report_to(int fd) {
    report_fd = fd;
}

/* One write, so that the sentences of two processes do not mix (PIPE_BUF is larger). */
_Noreturn static void leave(int status, const char *prefix, const char *format, va_list arguments) {
    char text[1024];
    int used = snprintf(text, sizeof text, "%s", prefix);
    vsnprintf(text + used, sizeof text - (size_t)used, format, arguments);
    size_t length = strnlen(text, sizeof text - 2);
    text[length] = '\n';
    ssize_t written = write(report_fd, text, length + 1);
    (void)written;
    _exit(status);
}

void conf_fail(const char *file, int line, const char *format, ...) {
    const char *name = strrchr(file, '/');
    char prefix[128];
    snprintf(prefix, sizeof prefix, "%s:%d: ", name == NULL ? file : name + 1, line);
    va_list arguments;
    va_start(arguments, format);
    leave(1, prefix, format, arguments);
}

void conf_skip(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    leave(77, "", format, arguments);
}

const char *conf_error_name(CUresult result) {
    static __thread char text[64];
    const char *name = NULL;
    __typeof__(&cuGetErrorName) ask = (__typeof__(&cuGetErrorName))conf_find("cuGetErrorName");
    if (ask != NULL && ask(result, &name) == CUDA_SUCCESS && name != NULL) {
        snprintf(text, sizeof text, "%s (%d)", name, (int)result);
    } else {
        snprintf(text, sizeof text, "error %d", (int)result);
    }
    return text;
}

void conf_result(const char *file, int line, const char *call, CUresult got, const CUresult *wanted, size_t count) {
    char list[128] = "";
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (got == wanted[i]) {
            return;
        }
        int added = snprintf(list + used, sizeof list - used, "%s%d", i == 0 ? "" : " or ", (int)wanted[i]);
        used += (size_t)added < sizeof list - used ? (size_t)added : 0;
    }
    conf_fail(file, line, "%s answered %s, expected %s", call, conf_error_name(got), list);
}

void conf_refused(const char *file, int line, const char *call, CUresult got) {
    if (got == CUDA_SUCCESS) {
        conf_fail(file, line, "%s succeeded, expected a refusal", call);
    }
}

void conf_equal(const char *file, int line, const char *left, const char *right, uint64_t a, uint64_t b) {
    if (a != b) {
        conf_fail(file, line, "%s is %llu (0x%llx), expected %s = %llu (0x%llx)", left, (unsigned long long)a,
                  (unsigned long long)a, right, (unsigned long long)b, (unsigned long long)b);
    }
}
