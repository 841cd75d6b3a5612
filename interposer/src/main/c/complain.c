/* The one line that a library of ours may say: why it fails closed. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "pages.h"

static int alq_complained;

void alq_pages_complain(const char *what, const char *why)
{
    if (__atomic_exchange_n(&alq_complained, 1, __ATOMIC_RELAXED)) {
        return;
    }
    int saved_errno = errno;
    char line[768] = "aliquot: ";
    size_t length = strlen(line);
    const char *parts[] = {what, ": ", why, "\n"};
    for (size_t part = 0; part < 4; part++) {
        size_t part_length = strnlen(parts[part], sizeof line - 2 - length);
        memcpy(line + length, parts[part], part_length);
        length += part_length;
    }
    line[length - 1] = '\n';
    while (write(STDERR_FILENO, line, length) < 0 && errno == EINTR) {
    }
    errno = saved_errno;
}
