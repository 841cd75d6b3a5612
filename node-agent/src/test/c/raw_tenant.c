/*
 * A tenant's process that knows the protocol and nothing of CUDA: each line on stdin is a command, each answer one line on stdout.
 *
 *   hello | ask DEVICE BYTES | settle DEVICE | bye     an exchange; answers "welcome SLOT GENERATION", "granted BYTES",
 *                                                      "refused STATUS REASON" or "closed"
 *   memory                                             makes memory; answers its descriptor
 *   share DESCRIPTOR PIECES | unshare ID | open ID PIECE   an exchange; answers as above, or "shared ID", with "and a descriptor" where one came
 *   as SLOT GENERATION                                 believes to have that slot from now on
 *   use DEVICE BYTES | in_flight N | refusals N        writes its own usage slot
 *   credit DEVICE | overhead DEVICE | state | epoch    reads the control page
 *   garbage                                            fills the usage page with 0xff
 *   truncate                                           cuts the usage page to nothing
 *   pid | quit
 *
 * The tenant directory is the only argument.
 */
#include <errno.h>
#include <fcntl.h>
#include <protocol.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char directory[200];
static const struct alq_control_page *control;
static struct alq_usage_page *usage;
static uint32_t slot;
static uint64_t generation;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void *map(const char *name, int flags, int protection, size_t bytes)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0) {
        die(path);
    }
    void *page = mmap(NULL, bytes, protection, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) {
        die("mmap");
    }
    close(fd);
    return page;
}

static int transfer(int fd, void *data, size_t bytes, int sending)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t n = sending ? send(fd, (char *)data + done, bytes - done, MSG_NOSIGNAL) : recv(fd, (char *)data + done, bytes - done, 0);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return 0;
        }
        done += (size_t)n;
    }
    return 1;
}

static int descriptor_from(int fd)
{
    char byte;
    char control_bytes[CMSG_SPACE(sizeof(int))];
    struct iovec part = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control_bytes, .msg_controllen = sizeof control_bytes};
    int received = -1;
    if (recvmsg(fd, &message, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&message) != NULL) {
        memcpy(&received, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof received);
    }
    return received;
}

static void exchange(uint16_t type, const void *payload, uint32_t length)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%.90s/%s", directory, ALQ_SOCKET_FILE);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct alq_frame frame = {ALQ_FRAME_MAGIC, ALQ_PROTOCOL_VERSION, type, length, 7};
    union {
        char bytes[ALQ_FRAME_MAX_PAYLOAD];
        struct alq_welcome welcome;
        struct alq_granted granted;
        struct alq_refused refused;
        struct alq_shared shared;
    } answer;
    memcpy(answer.bytes, payload, length);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0 || !transfer(fd, &frame, sizeof frame, 1) ||
        !transfer(fd, answer.bytes, length, 1) || !transfer(fd, &frame, sizeof frame, 0) || frame.length > sizeof answer ||
        !transfer(fd, answer.bytes, frame.length, 0) || frame.request_id != 7) {
        puts("closed");
    } else if (frame.type == ALQ_FRAME_WELCOME) {
        slot = answer.welcome.slot;
        generation = answer.welcome.generation;
        __atomic_store_n(&usage->slots[slot].generation, generation, __ATOMIC_SEQ_CST);
        __atomic_store_n(&usage->slots[slot].state, 1, __ATOMIC_SEQ_CST);
        printf("welcome %u %llu\n", slot, (unsigned long long)generation);
    } else if (frame.type == ALQ_FRAME_SHARED) {
        int received = type == ALQ_FRAME_OPEN_SHARE ? descriptor_from(fd) : -1;
        printf("shared %llu%s\n", (unsigned long long)answer.shared.id, received >= 0 ? " and a descriptor" : "");
        if (received >= 0) {
            close(received);
        }
    } else if (frame.type == ALQ_FRAME_GRANTED) {
        printf("granted %llu\n", (unsigned long long)answer.granted.credit_bytes);
    } else {
        printf("refused %u %.*s\n", answer.refused.status, (int)answer.refused.reason_bytes, answer.refused.reason);
    }
    close(fd);
}

static void use(unsigned device, uint64_t bytes)
{
    struct alq_usage_slot *own = &usage->slots[slot];
    __atomic_add_fetch(&own->changes, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&own->used_bytes[device], bytes, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&own->changes, 1, __ATOMIC_SEQ_CST);
    puts("ok");
}

static void run(const char *word, unsigned long long a, unsigned long long b)
{
    unsigned device = (unsigned)a % ALQ_MAX_DEVICES;
    if (strcmp(word, "hello") == 0) {
        struct alq_hello hello = {(uint32_t)getpid(), 0};
        exchange(ALQ_FRAME_HELLO, &hello, sizeof hello);
    } else if (strcmp(word, "ask") == 0) {
        struct alq_ask ask = {slot, (uint32_t)a, generation, b};
        exchange(ALQ_FRAME_ASK, &ask, sizeof ask);
    } else if (strcmp(word, "settle") == 0) {
        struct alq_settle settle = {slot, (uint32_t)a, generation};
        exchange(ALQ_FRAME_SETTLE, &settle, sizeof settle);
    } else if (strcmp(word, "bye") == 0) {
        struct alq_bye bye = {slot, 0, generation};
        exchange(ALQ_FRAME_BYE, &bye, sizeof bye);
    } else if (strcmp(word, "memory") == 0) {
        printf("%d\n", memfd_create("raw-tenant", MFD_CLOEXEC));
    } else if (strcmp(word, "share") == 0) {
        struct alq_share share = {
            .slot = slot, .descriptor = (uint32_t)a, .generation = generation, .bytes = 64 << 20, .pieces = (uint32_t)b};
        exchange(ALQ_FRAME_SHARE, &share, sizeof share);
    } else if (strcmp(word, "unshare") == 0) {
        struct alq_unshare over = {.slot = slot, .generation = generation, .id = a};
        exchange(ALQ_FRAME_UNSHARE, &over, sizeof over);
    } else if (strcmp(word, "open") == 0) {
        struct alq_open_share open_share = {.slot = slot, .piece = (uint32_t)b, .generation = generation, .id = a};
        exchange(ALQ_FRAME_OPEN_SHARE, &open_share, sizeof open_share);
    } else if (strcmp(word, "as") == 0) {
        slot = (uint32_t)a;
        generation = b;
        puts("ok");
    } else if (strcmp(word, "use") == 0) {
        use(device, b);
    } else if (strcmp(word, "in_flight") == 0) {
        __atomic_store_n(&usage->slots[slot].in_flight, a, __ATOMIC_SEQ_CST);
        puts("ok");
    } else if (strcmp(word, "refusals") == 0) {
        __atomic_store_n(&usage->slots[slot].refusals, a, __ATOMIC_SEQ_CST);
        puts("ok");
    } else if (strcmp(word, "credit") == 0) {
        printf("%llu\n", (unsigned long long)__atomic_load_n(&control->slots[slot].credit_bytes[device], __ATOMIC_SEQ_CST));
    } else if (strcmp(word, "overhead") == 0) {
        printf("%llu\n", (unsigned long long)__atomic_load_n(&control->devices[device].overhead_bytes, __ATOMIC_SEQ_CST));
    } else if (strcmp(word, "state") == 0) {
        printf("%u\n", __atomic_load_n(&control->state, __ATOMIC_SEQ_CST));
    } else if (strcmp(word, "epoch") == 0) {
        printf("%llu\n", (unsigned long long)__atomic_load_n(&control->agent_epoch, __ATOMIC_SEQ_CST));
    } else if (strcmp(word, "garbage") == 0) {
        memset(usage, 0xff, sizeof *usage);
        puts("ok");
    } else if (strcmp(word, "truncate") == 0) {
        char path[300];
        snprintf(path, sizeof path, "%s/%s", directory, ALQ_USAGE_FILE);
        puts(truncate(path, 0) == 0 ? "ok" : "failed");
    } else if (strcmp(word, "pid") == 0) {
        printf("%d\n", (int)getpid());
    } else if (strcmp(word, "quit") == 0) {
        exit(0);
    } else {
        puts("unknown");
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    snprintf(directory, sizeof directory, "%s", argv[1]);
    control = map(ALQ_CONTROL_FILE, O_RDONLY, PROT_READ, sizeof *control);
    usage = map(ALQ_USAGE_FILE, O_RDWR, PROT_READ | PROT_WRITE, sizeof *usage);
    char line[128];
    while (fgets(line, sizeof line, stdin) != NULL) {
        char word[32] = "";
        unsigned long long a = 0, b = 0;
        sscanf(line, "%31s %llu %llu", word, &a, &b);
        run(word, a, b);
    }
    return 0;
}
