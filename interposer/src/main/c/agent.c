/* Frames to the agent and back. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "pages.h"

#define ALQ_RETRY_STEP_MS 20
#define ALQ_RESUME_RETRIES 100
/* How often one who waits for an answer looks whether the agent lives, and the least time after which it is taken not to. */
#define ALQ_LOOK_MS 1000
#define ALQ_HANGS_MS 5000

/* Descriptors of the exchanges in progress, plus one; 0 where there is none: a forked child has to close its copies. An exchange that finds no
 * place here only costs such a child a descriptor. */
#define ALQ_DESCRIPTORS 16
static int alq_descriptors[ALQ_DESCRIPTORS];
static uint32_t alq_next_request;

static int64_t alq_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void alq_sleep_ms(long milliseconds)
{
    struct timespec step = {.tv_nsec = milliseconds * 1000000L};
    nanosleep(&step, NULL);
}

void alq_agent_after_fork(void)
{
    for (int at = 0; at < ALQ_DESCRIPTORS; at++) {
        int known = __atomic_exchange_n(&alq_descriptors[at], 0, __ATOMIC_RELAXED);
        if (known != 0) {
            close(known - 1);
        }
    }
}

static void alq_remember(int descriptor)
{
    for (int at = 0; at < ALQ_DESCRIPTORS; at++) {
        int none = 0;
        if (__atomic_compare_exchange_n(
                &alq_descriptors[at], &none, descriptor + 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
            return;
        }
    }
}

void alq_agent_close(int descriptor)
{
    for (int at = 0; at < ALQ_DESCRIPTORS; at++) {
        int known = descriptor + 1;
        if (__atomic_compare_exchange_n(&alq_descriptors[at], &known, 0, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
            break;
        }
    }
    close(descriptor);
}

/* Connects to the tenant's socket, through the directory's own descriptor where its path is too long for an address. */
static int alq_connect_once(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int directory = -1;
    if (!alq_pages_path(address.sun_path, sizeof address.sun_path, ALQ_SOCKET_FILE)) {
        directory = alq_pages_off_standard(open(alq_pages_directory(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (directory < 0) {
            return -1;
        }
        snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", directory, ALQ_SOCKET_FILE);
    }
    int connection = alq_pages_off_standard(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (connection >= 0) {
        alq_remember(connection);
        int result;
        do {
            result = connect(connection, (const struct sockaddr *)&address, sizeof address);
        } while (result != 0 && errno == EINTR);
        if (result != 0) {
            alq_agent_close(connection);
            connection = -1;
        }
    }
    if (directory >= 0) {
        close(directory);
    }
    return connection;
}

/* Whether the agent that has the connection has shown no sign of life for as long as one that is away is waited for: it hangs, or is stopped. */
static bool alq_agent_hangs(void)
{
    const struct alq_control_page *control = alq_pages_control();
    uint64_t heartbeat_ns = control == NULL ? 0 : __atomic_load_n(&control->heartbeat_ns, __ATOMIC_RELAXED);
    if (heartbeat_ns == 0) {
        return false;
    }
    int64_t wait_ms = __atomic_load_n(&control->agent_wait_ms, __ATOMIC_RELAXED);
    return alq_now_ms() - (int64_t)(heartbeat_ns / 1000000) > (wait_ms > ALQ_HANGS_MS ? wait_ms : ALQ_HANGS_MS);
}

static bool alq_wait_for(int connection, short events, int64_t deadline_ms)
{
    for (;;) {
        int64_t left_ms = alq_agent_hangs() ? 0 : deadline_ms - alq_now_ms();
        struct pollfd wanted = {.fd = connection, .events = events};
        int ready = poll(&wanted, 1, left_ms > 0 ? (int)(left_ms < ALQ_LOOK_MS ? left_ms : ALQ_LOOK_MS) : 0);
        if (ready > 0) {
            return true;
        }
        if (ready < 0 && errno != EINTR) {
            return false;
        }
        if (left_ms <= 0) {
            return false;
        }
    }
}

static bool alq_send_all(int connection, const void *bytes, size_t length, int64_t deadline_ms)
{
    const char *next = bytes;
    while (length > 0) {
        ssize_t sent = send(connection, next, length, MSG_NOSIGNAL);
        if (sent > 0) {
            next += sent;
            length -= (size_t)sent;
        } else if (errno == EAGAIN) {
            if (!alq_wait_for(connection, POLLOUT, deadline_ms)) {
                return false;
            }
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

static bool alq_receive_all(int connection, void *bytes, size_t length, int64_t deadline_ms)
{
    char *next = bytes;
    while (length > 0) {
        ssize_t received = recv(connection, next, length, 0);
        if (received > 0) {
            next += received;
            length -= (size_t)received;
        } else if (received == 0) {
            return false;
        } else if (errno == EAGAIN) {
            if (!alq_wait_for(connection, POLLIN, deadline_ms)) {
                return false;
            }
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

/* The byte after an answer, and the one descriptor that it carries; -1: it carries none, or more than one. */
static int alq_receive_descriptor(int connection, int64_t deadline_ms)
{
    char byte;
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(2 * sizeof(int))];
    } control;
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    while (recvmsg(connection, &message, MSG_CMSG_CLOEXEC) != 1) {
        if (errno != EINTR && (errno != EAGAIN || !alq_wait_for(connection, POLLIN, deadline_ms))) {
            return -1;
        }
        errno = ECONNRESET; /* what an end of the stream leaves behind */
        message.msg_controllen = sizeof control;
    }
    int descriptors[2] = {-1, -1};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS
        && header->cmsg_len >= CMSG_LEN(sizeof(int))) {
        size_t length = header->cmsg_len - CMSG_LEN(0);
        memcpy(descriptors, CMSG_DATA(header), length < sizeof descriptors ? length : sizeof descriptors);
    }
    if (descriptors[1] >= 0) {
        close(descriptors[0]);
        close(descriptors[1]);
        return -1;
    }
    return alq_agent_adopt(descriptors[0]);
}

int alq_agent_adopt(int descriptor)
{
    descriptor = alq_pages_off_standard(descriptor);
    if (descriptor >= 0) {
        alq_remember(descriptor);
    }
    return descriptor;
}

/* One connection: the request out, the answer in, and the descriptor that comes with it. False: this agent did not finish the
 * exchange. */
static bool alq_exchange_once(const struct alq_frame *request, const void *payload, struct alq_frame *answer,
    void *answer_payload, int *descriptor, int64_t deadline_ms)
{
    char out[sizeof *request + 64];
    memcpy(out, request, sizeof *request);
    memcpy(out + sizeof *request, payload, request->length);
    int connection = alq_connect_once();
    if (connection < 0) {
        return false;
    }
    bool done = alq_send_all(connection, out, sizeof *request + request->length, deadline_ms)
        && alq_receive_all(connection, answer, sizeof *answer, deadline_ms) && answer->magic == ALQ_FRAME_MAGIC
        && answer->length <= ALQ_FRAME_MAX_PAYLOAD && answer->request_id == request->request_id
        && alq_receive_all(connection, answer_payload, answer->length, deadline_ms);
    if (done && descriptor != NULL && (answer->type == ALQ_FRAME_CHUNK || answer->type == ALQ_FRAME_SHARED)) {
        *descriptor = alq_receive_descriptor(connection, deadline_ms);
    }
    alq_agent_close(connection);
    return done;
}

static void alq_read_refusal(const struct alq_frame *answer, const void *payload, struct alq_agent_refusal *refusal)
{
    const struct alq_refused *refused = payload;
    memset(refusal, 0, sizeof *refusal);
    refusal->status = refused->status;
    size_t room = answer->length - offsetof(struct alq_refused, reason);
    size_t length = refused->reason_bytes < room ? refused->reason_bytes : room;
    length = length < sizeof refused->reason ? length : sizeof refused->reason;
    memcpy(refusal->reason, refused->reason, length);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)refusal->reason[i];
        refusal->reason[i] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
    }
}

/* How often an exchange that found no agent is tried again. A SETTLE is not worth waiting for one: an agent that comes back settles by itself.
 * Without one a RESUME has the program go on over the bus, which is better than to stand still. */
static int alq_retries(enum alq_frame_type type)
{
    return type == ALQ_FRAME_SETTLE ? 0 : type == ALQ_FRAME_RESUME ? ALQ_RESUME_RETRIES : INT_MAX;
}

enum alq_agent_answer alq_agent_exchange(uint32_t wait_ms, enum alq_frame_type type, const void *payload, uint32_t length,
    enum alq_frame_type wanted_type, void *wanted, size_t wanted_length, int *descriptor, struct alq_agent_refusal *refusal)
{
    int64_t deadline_ms = alq_now_ms() + wait_ms;
    _Alignas(16) char answer_payload[ALQ_FRAME_MAX_PAYLOAD];
    for (int retries = alq_retries(type);; retries--) {
        struct alq_frame answer;
        struct alq_frame request = {.magic = ALQ_FRAME_MAGIC,
            .version = ALQ_PROTOCOL_VERSION,
            .type = (uint16_t)type,
            .length = length,
            .request_id = __atomic_add_fetch(&alq_next_request, 1, __ATOMIC_RELAXED)};
        if (alq_exchange_once(&request, payload, &answer, answer_payload, descriptor, deadline_ms)) {
            if (answer.type == wanted_type && answer.length >= wanted_length) {
                memcpy(wanted, answer_payload, wanted_length);
                return ALQ_AGENT_YES;
            }
            if (answer.type == ALQ_FRAME_REFUSED && answer.length >= offsetof(struct alq_refused, reason)) {
                alq_read_refusal(&answer, answer_payload, refusal);
                if (refusal->status != ALQ_STATUS_UNAVAILABLE) {
                    return ALQ_AGENT_REFUSED;
                }
            }
        }
        if (retries == 0 || alq_now_ms() + ALQ_RETRY_STEP_MS >= deadline_ms) {
            return ALQ_AGENT_ABSENT;
        }
        alq_sleep_ms(ALQ_RETRY_STEP_MS);
    }
}

enum alq_agent_answer alq_agent_hello(uint32_t wait_ms, struct alq_seat *seat, struct alq_agent_refusal *refusal)
{
    struct alq_hello hello = {.tenant_pid = (uint32_t)getpid()};
    struct alq_welcome welcome;
    enum alq_agent_answer answer = alq_agent_exchange(
        wait_ms, ALQ_FRAME_HELLO, &hello, sizeof hello, ALQ_FRAME_WELCOME, &welcome, sizeof welcome, NULL, refusal);
    if (answer == ALQ_AGENT_YES && welcome.slot >= ALQ_MAX_SLOTS) {
        return ALQ_AGENT_ABSENT;
    }
    if (answer == ALQ_AGENT_YES) {
        *seat = (struct alq_seat){.slot = welcome.slot, .generation = welcome.generation};
    }
    return answer;
}

enum alq_agent_answer alq_agent_ask(
    uint32_t wait_ms, const struct alq_seat *seat, uint32_t device, uint64_t wanted_bytes, struct alq_agent_refusal *refusal)
{
    struct alq_ask ask = {
        .slot = seat->slot, .device = device, .generation = seat->generation, .wanted_bytes = wanted_bytes};
    struct alq_granted granted;
    return alq_agent_exchange(wait_ms, ALQ_FRAME_ASK, &ask, sizeof ask, ALQ_FRAME_GRANTED, &granted, sizeof granted, NULL, refusal);
}

enum alq_agent_answer alq_agent_settle(
    uint32_t wait_ms, const struct alq_seat *seat, uint32_t device, struct alq_agent_refusal *refusal)
{
    struct alq_settle settle = {.slot = seat->slot, .device = device, .generation = seat->generation};
    struct alq_granted granted;
    return alq_agent_exchange(
        wait_ms, ALQ_FRAME_SETTLE, &settle, sizeof settle, ALQ_FRAME_GRANTED, &granted, sizeof granted, NULL, refusal);
}

static enum alq_agent_answer alq_chunk_exchange(uint32_t wait_ms, enum alq_frame_type type, const void *payload, uint32_t length,
    struct alq_agent_chunk *chunk, struct alq_agent_refusal *refusal)
{
    struct alq_chunk_given given;
    int descriptor = -1;
    enum alq_agent_answer answer =
        alq_agent_exchange(wait_ms, type, payload, length, ALQ_FRAME_CHUNK, &given, sizeof given, &descriptor, refusal);
    if (answer != ALQ_AGENT_YES) {
        return answer;
    }
    *chunk = (struct alq_agent_chunk){.id = given.id, .bytes = given.bytes, .descriptor = descriptor};
    return ALQ_AGENT_YES;
}

enum alq_agent_answer alq_agent_take_chunk(uint32_t wait_ms, const struct alq_seat *seat, uint32_t device, uint64_t bytes,
    struct alq_agent_chunk *chunk, struct alq_agent_refusal *refusal)
{
    struct alq_take_chunk take = {.slot = seat->slot, .device = device, .generation = seat->generation, .bytes = bytes};
    return alq_chunk_exchange(wait_ms, ALQ_FRAME_TAKE_CHUNK, &take, sizeof take, chunk, refusal);
}

enum alq_agent_answer alq_agent_reopen_chunk(
    uint32_t wait_ms, const struct alq_seat *seat, uint64_t id, struct alq_agent_chunk *chunk, struct alq_agent_refusal *refusal)
{
    struct alq_reopen_chunk reopen = {.slot = seat->slot, .generation = seat->generation, .id = id};
    return alq_chunk_exchange(wait_ms, ALQ_FRAME_REOPEN_CHUNK, &reopen, sizeof reopen, chunk, refusal);
}

enum alq_agent_answer alq_agent_return_chunk(
    uint32_t wait_ms, const struct alq_seat *seat, uint64_t id, struct alq_agent_refusal *refusal)
{
    struct alq_return_chunk back = {.slot = seat->slot, .generation = seat->generation, .id = id};
    struct alq_granted granted;
    return alq_agent_exchange(
        wait_ms, ALQ_FRAME_RETURN_CHUNK, &back, sizeof back, ALQ_FRAME_GRANTED, &granted, sizeof granted, NULL, refusal);
}

enum alq_agent_answer alq_agent_moved(uint32_t wait_ms, const struct alq_moved *moved, struct alq_agent_refusal *refusal)
{
    struct alq_granted granted;
    return alq_agent_exchange(
        wait_ms, ALQ_FRAME_MOVED, moved, sizeof *moved, ALQ_FRAME_GRANTED, &granted, sizeof granted, NULL, refusal);
}

enum alq_agent_answer alq_agent_resume(uint32_t wait_ms, const struct alq_seat *seat, struct alq_agent_refusal *refusal)
{
    struct alq_resume resume = {.slot = seat->slot, .generation = seat->generation};
    struct alq_granted granted;
    return alq_agent_exchange(
        wait_ms, ALQ_FRAME_RESUME, &resume, sizeof resume, ALQ_FRAME_GRANTED, &granted, sizeof granted, NULL, refusal);
}
