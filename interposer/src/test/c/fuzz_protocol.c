/*
 * Hostile bytes against what the library reads: answers on the socket, and the two pages.
 *
 * Built plainly it runs FUZZ_ROUNDS rounds of a deterministic mutator (the seed is fixed, so a failure comes back); built with
 * -DALQ_LIBFUZZER the mutator is libFuzzer's. Either way one input is: a byte that chooses the target, then the target's bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"
#include "pages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
            abort(); \
        } \
    } while (0)

static char directory[128];
static struct alq_control_page *control;
static struct alq_usage_page *usage;
static int listener = -1;

/* What the next connection is answered with; `fix` puts the right magic and request id in, so that later checks are reached. */
static struct {
    pthread_mutex_t mutex;
    uint8_t bytes[ALQ_FRAME_MAX_PAYLOAD + 256];
    size_t size;
    int fix;
} answer = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void *serve(void *unused)
{
    (void)unused;
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            continue;
        }
        struct alq_frame request;
        uint8_t bytes[sizeof answer.bytes];
        pthread_mutex_lock(&answer.mutex);
        size_t size = answer.size;
        memcpy(bytes, answer.bytes, size);
        int fix = answer.fix;
        pthread_mutex_unlock(&answer.mutex);
        if (recv(fd, &request, sizeof request, MSG_WAITALL) == (ssize_t)sizeof request) {
            if (fix && size >= sizeof request) {
                struct alq_frame head;
                memcpy(&head, bytes, sizeof head);
                head.magic = ALQ_FRAME_MAGIC;
                head.request_id = request.request_id;
                head.length = head.length % (ALQ_FRAME_MAX_PAYLOAD + 16);
                head.type = (uint16_t)(head.type % 17);
                memcpy(bytes, &head, sizeof head);
            }
            (void)!send(fd, bytes, size, MSG_NOSIGNAL);
        }
        shutdown(fd, SHUT_WR);
        char rest[256];
        while (recv(fd, rest, sizeof rest, 0) > 0) {
        }
        close(fd);
    }
    return NULL;
}

static void *page_of(const char *name, size_t bytes)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    REQUIRE(fd >= 0 && ftruncate(fd, (off_t)bytes) == 0);
    void *page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    REQUIRE(page != MAP_FAILED);
    return page;
}

static void good_pages(void)
{
    memset(control, 0, sizeof *control);
    memset(usage, 0, sizeof *usage);
    control->magic = ALQ_CONTROL_MAGIC;
    control->version = ALQ_PROTOCOL_VERSION;
    control->device_count = 1;
    control->state = ALQ_TENANT_READY;
    usage->magic = ALQ_USAGE_MAGIC;
    usage->version = ALQ_PROTOCOL_VERSION;
}

static void finish(void)
{
    static const char *const names[] = {ALQ_CONTROL_FILE, ALQ_USAGE_FILE, ALQ_SOCKET_FILE};
    char path[256];
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        unlink(path);
    }
    rmdir(directory);
}

static void start(void)
{
    const char *base = getenv("TMPDIR");
    snprintf(directory, sizeof directory, "%.90s/aliquot-fuzz.XXXXXX", base == NULL ? "/tmp" : base);
    REQUIRE(mkdtemp(directory) != NULL);
    setenv(ALQ_TENANT_DIR_ENV, directory, 1);
    control = page_of(ALQ_CONTROL_FILE, sizeof *control);
    usage = page_of(ALQ_USAGE_FILE, sizeof *usage);
    good_pages();
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof at.sun_path, "%.90s/%s", directory, ALQ_SOCKET_FILE);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(bind(listener, (struct sockaddr *)&at, sizeof at) == 0 && listen(listener, 64) == 0);
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, serve, NULL) == 0);
    REQUIRE(atexit(finish) == 0);
}

/* Whatever comes back, the library either understands it or treats the agent as absent; a seat is always inside the pages. */
static void fuzz_answer(const uint8_t *data, size_t size)
{
    pthread_mutex_lock(&answer.mutex);
    answer.fix = size > 0 && data[0] % 4 != 0;
    answer.size = size < sizeof answer.bytes ? size : sizeof answer.bytes;
    memcpy(answer.bytes, data, answer.size);
    pthread_mutex_unlock(&answer.mutex);
    struct alq_seat seat = {0, 0};
    struct alq_agent_refusal refusal;
    memset(&refusal, 0x5a, sizeof refusal);
    enum alq_agent_answer said = ALQ_AGENT_ABSENT;
    switch (size > 1 ? data[1] % 4 : 0) {
    case 0:
        said = alq_agent_hello(20, &seat, &refusal);
        REQUIRE(said != ALQ_AGENT_YES || seat.slot < ALQ_MAX_SLOTS);
        break;
    case 1:
        said = alq_agent_ask(20, &seat, 0, 4096, &refusal);
        break;
    case 2:
        said = alq_agent_resume(20, &seat, &refusal);
        break;
    default:
        said = alq_agent_settle(20, &seat, 0, &refusal);
    }
    REQUIRE(said == ALQ_AGENT_YES || said == ALQ_AGENT_REFUSED || said == ALQ_AGENT_ABSENT);
    if (said == ALQ_AGENT_REFUSED) {
        size_t length = strnlen(refusal.reason, sizeof refusal.reason);
        REQUIRE(length < sizeof refusal.reason);
        for (size_t i = 0; i < length; i++) {
            REQUIRE((unsigned char)refusal.reason[i] >= 0x20);
        }
    }
}

/* A mapped page may turn into anything at any moment. */
static void fuzz_pages(const uint8_t *data, size_t size)
{
    const struct alq_control_page *mapped = NULL;
    good_pages();
    REQUIRE(alq_pages_open_control(0, &mapped) == ALQ_PAGES_OK && mapped != NULL);
    for (size_t at = 0; at + 4 <= size; at += 4) {
        uint32_t where = (uint32_t)(data[at] | data[at + 1] << 8);
        where = (data[at + 1] & 0x80) != 0 ? where % 4096 : where * 3 % (uint32_t)sizeof *control;
        uint8_t *page = (data[at + 2] & 1) != 0 ? (uint8_t *)usage : (uint8_t *)control;
        page[where] = data[at + 3];
        page[(where + 1) % sizeof *control] = (uint8_t)~data[at + 3];
    }
    if (size > 8 && data[2] % 3 == 0) {
        control->device_count = UINT32_MAX;
        memset(control->devices, 'G', sizeof control->devices);
        memset(control->cuda_library, '/', sizeof control->cuda_library);
        memset(control->tenant, 'x', sizeof control->tenant);
    }
    uint32_t count = alq_pages_device_count(mapped);
    REQUIRE(count <= ALQ_MAX_DEVICES);
    int index = alq_pages_device(mapped, "GPU-12345678-1234-1234-1234-123456789abc");
    REQUIRE(index >= -1 && index < (int)ALQ_MAX_DEVICES);
    for (uint32_t d = 0; d < ALQ_MAX_DEVICES + 2; d++) {
        uint64_t free_bytes = alq_pages_free_bytes(mapped, usage, d);
        REQUIRE(d < count || free_bytes == 0);
        REQUIRE(d >= ALQ_MAX_DEVICES || free_bytes <= control->devices[d].limit_bytes);
        (void)alq_pages_used_bytes(mapped, usage, d);
    }
    enum alq_pages_status status = alq_pages_open_control(0, &mapped);
    REQUIRE((status == ALQ_PAGES_OK) == (mapped != NULL));
    good_pages();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (listener < 0) {
        start();
    }
    if (size > 0) {
        (data[0] % 2 != 0 ? fuzz_pages : fuzz_answer)(data + 1, size - 1);
    }
    return 0;
}

#ifndef ALQ_LIBFUZZER

static uint64_t seed = 0x616c6971756f74;

static uint32_t next_random(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33);
}

/* A page that was wrong from the start is refused, never mapped; each in a process of its own, for a good page stays mapped. */
static void check_first_page(const char *what, enum alq_pages_status expected, uint32_t magic, uint32_t version, size_t bytes)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        char path[256];
        const struct alq_control_page *mapped = (const void *)1;
        good_pages();
        control->magic = magic;
        control->version = version;
        snprintf(path, sizeof path, "%s/%s", directory, ALQ_CONTROL_FILE);
        _exit(truncate(path, (off_t)bytes) == 0 && alq_pages_open_control(0, &mapped) == expected &&
                (mapped != NULL) == (expected == ALQ_PAGES_OK)
                ? 0
                : 1);
    }
    int status = 1;
    waitpid(child, &status, 0);
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, ALQ_CONTROL_FILE);
    REQUIRE(truncate(path, sizeof *control) == 0);
    good_pages();
    if (status != 0) {
        fprintf(stderr, "FAILED a control page with %s is not answered as it should\n", what);
        exit(1);
    }
}

int main(void)
{
    const char *text = getenv("FUZZ_ROUNDS");
    long rounds = text == NULL ? 20000 : strtol(text, NULL, 10);
    start();
    check_first_page("nothing wrong", ALQ_PAGES_OK, ALQ_CONTROL_MAGIC, ALQ_PROTOCOL_VERSION, sizeof *control);
    check_first_page("another magic", ALQ_PAGES_BAD_PAGE, 0x12345678, ALQ_PROTOCOL_VERSION, sizeof *control);
    check_first_page("another version", ALQ_PAGES_BAD_PAGE, ALQ_CONTROL_MAGIC, 77, sizeof *control);
    check_first_page("half its size", ALQ_PAGES_BAD_PAGE, ALQ_CONTROL_MAGIC, ALQ_PROTOCOL_VERSION, sizeof *control / 2);
    check_first_page("no size", ALQ_PAGES_NO_PAGE, ALQ_CONTROL_MAGIC, ALQ_PROTOCOL_VERSION, 0);
    static uint8_t input[ALQ_FRAME_MAX_PAYLOAD + 512];
    for (long round = 0; round < rounds; round++) {
        size_t size = 1 + next_random() % (round % 16 == 0 ? sizeof input - 1 : 300);
        for (size_t i = 0; i < size; i++) {
            uint32_t r = next_random();
            input[i] = r % 5 == 0 ? 0 : r % 7 == 0 ? 0xff : (uint8_t)(r >> 8);
        }
        LLVMFuzzerTestOneInput(input, size);
    }
    printf("%ld passed, 0 failed\n", rounds + 5);
    return 0;
}

#endif
