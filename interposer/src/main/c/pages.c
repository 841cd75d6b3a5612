/* Finding and mapping the tenant's pages. */
#include "pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define ALQ_WAIT_STEP_MS 20u

static const struct alq_control_page *alq_control;
static struct alq_usage_page *alq_usage;
static int64_t alq_wait_until_ms; /* 0: nobody has waited yet */

const char *alq_pages_directory(void)
{
    const char *directory = secure_getenv(ALQ_TENANT_DIR_ENV);
    return directory != NULL && directory[0] != '\0' ? directory : ALQ_TENANT_DIR_DEFAULT;
}

bool alq_pages_path(char *path, size_t path_size, const char *file)
{
    const char *directory = alq_pages_directory();
    size_t directory_length = strlen(directory);
    size_t file_length = strlen(file);
    if (directory_length + 1 + file_length + 1 > path_size) {
        return false;
    }
    memcpy(path, directory, directory_length);
    path[directory_length] = '/';
    memcpy(path + directory_length + 1, file, file_length + 1);
    return true;
}

const struct alq_control_page *alq_pages_control(void)
{
    const struct alq_control_page *control = __atomic_load_n(&alq_control, __ATOMIC_ACQUIRE);
    return control != NULL && __atomic_load_n(&control->state, __ATOMIC_ACQUIRE) == ALQ_TENANT_READY ? control : NULL;
}

int alq_pages_off_standard(int descriptor)
{
    if (descriptor < 0 || descriptor > STDERR_FILENO) {
        return descriptor;
    }
    int moved = fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int saved_errno = errno;
    close(descriptor);
    errno = saved_errno;
    return moved;
}

/* Maps a file that is exactly size bytes long; NULL with *status set where that is not so. */
static void *alq_pages_map(const char *file, size_t size, int access, int protection, enum alq_pages_status *status)
{
    char path[4096];
    *status = ALQ_PAGES_NO_DIRECTORY;
    if (!alq_pages_path(path, sizeof path, file)) {
        return NULL;
    }
    int descriptor;
    do {
        descriptor = open(path, access | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
    } while (descriptor < 0 && errno == EINTR);
    descriptor = alq_pages_off_standard(descriptor);
    if (descriptor < 0) {
        if (errno != ENOENT || faccessat(AT_FDCWD, alq_pages_directory(), F_OK, 0) == 0) {
            *status = ALQ_PAGES_NO_PAGE;
        }
        return NULL;
    }
    off_t length = lseek(descriptor, 0, SEEK_END);
    void *page = MAP_FAILED;
    if (length == 0) {
        *status = ALQ_PAGES_NO_PAGE;
    } else if (length != (off_t)size) {
        *status = ALQ_PAGES_BAD_PAGE;
    } else {
        page = mmap(NULL, size, protection, MAP_SHARED, descriptor, 0);
        *status = page == MAP_FAILED ? ALQ_PAGES_NO_PAGE : ALQ_PAGES_OK;
    }
    close(descriptor);
    return page == MAP_FAILED ? NULL : page;
}

/* One try: maps the page unless it is mapped, and tells whether it can be used. */
static enum alq_pages_status alq_pages_try_control(void)
{
    const struct alq_control_page *control = __atomic_load_n(&alq_control, __ATOMIC_ACQUIRE);
    if (control == NULL) {
        enum alq_pages_status status;
        struct alq_control_page *page = alq_pages_map(ALQ_CONTROL_FILE, sizeof *page, O_RDONLY, PROT_READ, &status);
        if (page == NULL) {
            return status;
        }
        if (__atomic_load_n(&page->state, __ATOMIC_ACQUIRE) == ALQ_TENANT_STARTING) {
            munmap(page, sizeof *page);
            return ALQ_PAGES_NO_PAGE;
        }
        if (page->magic != ALQ_CONTROL_MAGIC || page->version != ALQ_PROTOCOL_VERSION) {
            munmap(page, sizeof *page);
            return ALQ_PAGES_BAD_PAGE;
        }
        const struct alq_control_page *none = NULL;
        if (!__atomic_compare_exchange_n(&alq_control, &none, page, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            munmap(page, sizeof *page);
            page = NULL;
        }
        control = page != NULL ? page : none;
    }
    switch (__atomic_load_n(&control->state, __ATOMIC_ACQUIRE)) {
    case ALQ_TENANT_READY:
        return ALQ_PAGES_OK;
    case ALQ_TENANT_STARTING:
        return ALQ_PAGES_NO_PAGE;
    default:
        return ALQ_PAGES_CLOSED;
    }
}

static int64_t alq_pages_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* When waiting ends for everybody in this process: the first to wait says when. */
static int64_t alq_pages_deadline_ms(uint32_t wait_ms)
{
    int64_t deadline_ms = 0;
    int64_t wanted_ms = alq_pages_now_ms() + wait_ms;
    if (wait_ms == 0) {
        return wanted_ms;
    }
    return __atomic_compare_exchange_n(&alq_wait_until_ms, &deadline_ms, wanted_ms, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
        ? wanted_ms
        : deadline_ms;
}

void alq_pages_after_fork(void)
{
    __atomic_store_n(&alq_wait_until_ms, 0, __ATOMIC_RELEASE);
}

enum alq_pages_status alq_pages_open_control(uint32_t wait_ms, const struct alq_control_page **control)
{
    int saved_errno = errno;
    int64_t deadline_ms = 0;
    enum alq_pages_status status = alq_pages_try_control();
    if (status == ALQ_PAGES_NO_PAGE) {
        deadline_ms = alq_pages_deadline_ms(wait_ms);
    }
    while (status == ALQ_PAGES_NO_PAGE && alq_pages_now_ms() < deadline_ms) {
        struct timespec step = {.tv_nsec = ALQ_WAIT_STEP_MS * 1000000L};
        nanosleep(&step, NULL);
        status = alq_pages_try_control();
    }
    *control = status == ALQ_PAGES_OK ? __atomic_load_n(&alq_control, __ATOMIC_ACQUIRE) : NULL;
    errno = saved_errno;
    return status;
}

struct alq_usage_page *alq_pages_open_usage(enum alq_pages_status *status)
{
    struct alq_usage_page *usage = __atomic_load_n(&alq_usage, __ATOMIC_ACQUIRE);
    *status = ALQ_PAGES_OK;
    if (usage != NULL) {
        return usage;
    }
    int saved_errno = errno;
    struct alq_usage_page *page = alq_pages_map(ALQ_USAGE_FILE, sizeof *page, O_RDWR, PROT_READ | PROT_WRITE, status);
    if (page != NULL && (page->magic != ALQ_USAGE_MAGIC || page->version != ALQ_PROTOCOL_VERSION)) {
        munmap(page, sizeof *page);
        page = NULL;
        *status = ALQ_PAGES_BAD_PAGE;
    }
    if (page != NULL && !__atomic_compare_exchange_n(&alq_usage, &usage, page, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        munmap(page, sizeof *page);
        page = usage;
    }
    errno = saved_errno;
    return page;
}

const char *alq_pages_explain(enum alq_pages_status status)
{
    switch (status) {
    case ALQ_PAGES_OK:
        return "all is well";
    case ALQ_PAGES_NO_DIRECTORY:
        return "there is no tenant directory; start the program through Aliquot, or set ALIQUOT_TENANT_DIR to its directory";
    case ALQ_PAGES_NO_PAGE:
        return "the agent on this node does not answer; check that it runs";
    case ALQ_PAGES_BAD_PAGE:
        return "the agent on this node speaks another protocol version; restart the container";
    case ALQ_PAGES_CLOSED:
        return "the agent has ended this tenant; start the container again";
    }
    return "unknown";
}
