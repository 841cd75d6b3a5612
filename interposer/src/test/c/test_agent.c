/* The agent's life: pages, socket, loop; see test_agent.h. What it decides is in support_credit.c. */
#include "test_agent.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support_credit.h"

static void *map_file(const char *dir, const char *name, size_t bytes, mode_t mode)
{
    char path[ALQ_PATH_BYTES + 16];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)bytes) != 0) {
        if (fd >= 0) {
            close(fd);
        }
        return NULL;
    }
    fchmod(fd, mode);
    void *page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return page == MAP_FAILED ? NULL : page;
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int listen_at(const char *dir)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    if (snprintf(at.sun_path, sizeof at.sun_path, "%s/%s", dir, ALQ_SOCKET_FILE) >= (int)sizeof at.sun_path) {
        return -1;
    }
    unlink(at.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 512) != 0) {
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    chmod(at.sun_path, 0666);
    return fd;
}

static int read_all(int fd, void *to, size_t bytes)
{
    for (size_t got = 0; got < bytes;) {
        ssize_t n = recv(fd, (char *)to + got, bytes - got, 0);
        if (n <= 0) {
            if (n < 0 && errno == EINTR) {
                continue;
            }
            return -1;
        }
        got += (size_t)n;
    }
    return 0;
}

/* Sends the answer the way the mode wants it. */
static void answer(int fd, struct credit_book *book, uint32_t request_id, const struct credit_answer *said)
{
    struct {
        struct alq_frame frame;
        char payload[sizeof(struct alq_refused)];
    } out = {.frame = {ALQ_FRAME_MAGIC, ALQ_PROTOCOL_VERSION, said->type, said->length, request_id}};
    size_t bytes = sizeof out.frame + said->length;
    memcpy(out.payload, &said->body, said->length);
    switch (atomic_load(&book->shared->mode)) {
    case AGENT_BAD_MAGIC:
        out.frame.magic ^= 0x20202020u;
        break;
    case AGENT_LONG_PAYLOAD:
        out.frame.length = UINT32_MAX;
        break;
    case AGENT_SHORT_PAYLOAD:
        bytes = sizeof out.frame + said->length / 2;
        break;
    case AGENT_WRONG_ID:
        out.frame.request_id += 7;
        break;
    case AGENT_WRONG_TYPE:
        out.frame.type = 4242;
        break;
    case AGENT_NOISE:
        for (size_t i = 0; i < sizeof out; i++) {
            book->noise = book->noise * 6364136223846793005u + 1442695040888963407u;
            ((unsigned char *)&out)[i] = (unsigned char)(book->noise >> 56);
        }
        bytes = sizeof out;
        break;
    default:
        break;
    }
    (void)!send(fd, &out, bytes, MSG_NOSIGNAL);
}

/* The byte after an answer, with what it carries. */
static void hand_over(int fd, struct credit_answer *said)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(2 * sizeof(int))];
    } control = {0};
    char byte = 0;
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (said->descriptor_count > 0) {
        size_t bytes = (size_t)said->descriptor_count * sizeof(int);
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(bytes);
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(bytes);
        memcpy(CMSG_DATA(&control.header), said->descriptors, bytes);
    }
    (void)!sendmsg(fd, &message, MSG_NOSIGNAL);
    for (int i = 0; i < said->descriptor_count; i++) {
        close(said->descriptors[i]);
    }
}

static void serve(int fd, struct credit_book *book)
{
    struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    struct ucred peer;
    socklen_t peer_bytes = sizeof peer;
    struct alq_frame frame;
    unsigned char payload[ALQ_FRAME_MAX_PAYLOAD];
    if (atomic_load(&book->shared->mode) == AGENT_HANGS_UP ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_bytes) != 0 || read_all(fd, &frame, sizeof frame) != 0) {
        return;
    }
    struct credit_answer said;
    if (frame.magic != ALQ_FRAME_MAGIC || frame.length > ALQ_FRAME_MAX_PAYLOAD) {
        credit_refuse(&said, ALQ_STATUS_MALFORMED, "This is no frame.");
    } else if (frame.version != ALQ_PROTOCOL_VERSION) {
        credit_refuse(&said, ALQ_STATUS_VERSION, "This agent speaks protocol version 1.");
    } else if (read_all(fd, payload, frame.length) != 0) {
        return;
    } else {
        credit_exchange(book, peer.pid, frame.type, payload, frame.length, &said);
    }
    if (said.type == ALQ_FRAME_REFUSED && said.body.refused.status == ALQ_STATUS_MALFORMED) {
        atomic_fetch_add(&book->shared->malformed, 1);
    }
    answer(fd, book, frame.request_id, &said);
    if (said.type == ALQ_FRAME_SHARED && frame.type == ALQ_FRAME_OPEN_SHARE) {
        hand_over(fd, &said);
    }
    if (said.type == ALQ_FRAME_CHUNK) {
        uint32_t mode = atomic_load(&book->shared->chunk_mode);
        if (mode == CHUNKS_LAST_WORDS) {
            _exit(0);
        }
        hand_over(fd, &said);
        if (mode == CHUNKS_THEN_DEATH) {
            _exit(0);
        }
    }
}

static _Noreturn void run(struct credit_book *book, const char *dir)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    int listener = listen_at(dir);
    if (listener < 0) {
        fprintf(stderr, "test agent: cannot listen in %s: %s\n", dir, strerror(errno));
        _exit(1);
    }
    atomic_store(&book->shared->ready, 1);
    while (!atomic_load(&book->shared->stop)) {
        struct pollfd wait = {.fd = listener, .events = POLLIN};
        int n = poll(&wait, 1, AGENT_TICK_MS);
        __atomic_store_n(&book->control->heartbeat_ns, now_ns(), __ATOMIC_SEQ_CST);
        if (n > 0) {
            int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
            if (fd >= 0) {
                serve(fd, book);
                close(fd);
            }
        }
        if (n == 0 || now_ns() - book->last_tick_ns > AGENT_TICK_MS * 1000000ull) {
            book->last_tick_ns = now_ns();
            credit_tick(book);
            atomic_fetch_add(&book->shared->ticks, 1);
        }
        credit_obey(book);
    }
    char path[ALQ_PATH_BYTES + 16];
    snprintf(path, sizeof path, "%s/%s", dir, ALQ_SOCKET_FILE);
    unlink(path);
    _exit(0);
}

static void fill_control(struct alq_control_page *page, const struct test_agent_config *config)
{
    page->version = ALQ_PROTOCOL_VERSION;
    page->device_count = config->device_count;
    page->agent_wait_ms = config->agent_wait_ms;
    page->agent_epoch++;
    page->heartbeat_ns = now_ns();
    snprintf(page->tenant, sizeof page->tenant, "test-tenant");
    snprintf(page->cuda_library, sizeof page->cuda_library, "%s/libcuda.so.1", config->library_dir);
    snprintf(page->nvml_library, sizeof page->nvml_library, "%s/libnvidia-ml.so.1", config->library_dir);
    for (uint32_t d = 0; d < config->device_count; d++) {
        snprintf(page->devices[d].uuid, sizeof page->devices[d].uuid, "%s", config->uuids[d]);
        page->devices[d].request_bytes = config->limit_bytes[d] / 2;
        page->devices[d].limit_bytes = config->limit_bytes[d];
        page->devices[d].context_estimate_bytes = config->context_estimate_bytes;
    }
    page->magic = ALQ_CONTROL_MAGIC;
    __atomic_store_n(&page->state, ALQ_TENANT_READY, __ATOMIC_SEQ_CST);
}

struct test_agent *test_agent_prepare(const struct test_agent_config *config)
{
    struct test_agent *agent = calloc(1, sizeof *agent);
    struct alq_control_page *control = map_file(config->dir, ALQ_CONTROL_FILE, sizeof *control, 0444);
    struct alq_usage_page *usage = map_file(config->dir, ALQ_USAGE_FILE, sizeof *usage, 0666);
    struct agent_shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (agent == NULL || control == NULL || usage == NULL || shared == MAP_FAILED) {
        fprintf(stderr, "test agent: cannot make the pages in %s: %s\n", config->dir, strerror(errno));
        return NULL;
    }
    atomic_store(&shared->slack_bytes, config->slack_bytes);
    atomic_store(&shared->chunks_most, UINT64_MAX);
    for (uint32_t d = 0; d < config->device_count; d++) {
        atomic_store(&shared->limit_bytes[d], config->limit_bytes[d]);
    }
    snprintf(agent->dir, sizeof agent->dir, "%s", config->dir);
    agent->device_count = config->device_count;
    agent->shared = shared;
    agent->control = control;
    agent->usage = usage;
    agent->pid = fork();
    if (agent->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (!atomic_load(&shared->go)) {
            usleep(1000);
        }
        usage->magic = ALQ_USAGE_MAGIC;
        usage->version = ALQ_PROTOCOL_VERSION;
        fill_control(control, config);
        struct credit_book book = {.control = control, .usage = usage, .shared = shared, .noise = 42};
        credit_truth_open(&book, config->library_dir);
        run(&book, config->dir);
    }
    return agent;
}

int test_agent_go(struct test_agent *agent)
{
    atomic_store(&agent->shared->go, 1);
    for (int i = 0; i < PATIENCE_MS && !atomic_load(&agent->shared->ready); i++) {
        usleep(1000);
    }
    return atomic_load(&agent->shared->ready) != 0;
}

struct test_agent *test_agent_start(const struct test_agent_config *config)
{
    struct test_agent *agent = test_agent_prepare(config);
    if (agent != NULL && !test_agent_go(agent)) {
        fprintf(stderr, "test agent: did not start\n");
        test_agent_stop(agent, 0);
        return NULL;
    }
    return agent;
}

void test_agent_stop(struct test_agent *agent, int orderly)
{
    if (agent == NULL) {
        return;
    }
    if (orderly) {
        atomic_store(&agent->shared->stop, 1);
    } else {
        kill(agent->pid, SIGKILL);
    }
    waitpid(agent->pid, NULL, 0);
    munmap((void *)(uintptr_t)agent->control, sizeof *agent->control);
    munmap((void *)(uintptr_t)agent->usage, sizeof *agent->usage);
    munmap(agent->shared, sizeof *agent->shared);
    free(agent);
}

uint64_t test_agent_used(const struct test_agent *agent, uint32_t device)
{
    return credit_used(agent->control, agent->usage, device);
}

uint64_t test_agent_credit(const struct test_agent *agent, uint32_t device)
{
    uint64_t sum = 0;
    for (uint32_t s = 0; s < ALQ_MAX_SLOTS; s++) {
        sum += __atomic_load_n(&agent->control->slots[s].credit_bytes[device], __ATOMIC_SEQ_CST);
    }
    return sum;
}

uint64_t test_agent_overhead(const struct test_agent *agent, uint32_t device)
{
    return __atomic_load_n(&agent->control->devices[device].overhead_bytes, __ATOMIC_SEQ_CST);
}

uint64_t test_agent_refusals(const struct test_agent *agent)
{
    uint64_t sum = 0;
    for (uint32_t s = 0; s < ALQ_MAX_SLOTS; s++) {
        sum += __atomic_load_n(&agent->usage->slots[s].refusals, __ATOMIC_SEQ_CST);
    }
    return sum;
}

int test_agent_slot(const struct test_agent *agent, pid_t pid)
{
    for (uint32_t s = 0; s < ALQ_MAX_SLOTS; s++) {
        if (__atomic_load_n(&agent->control->slots[s].host_pid, __ATOMIC_SEQ_CST) == (uint32_t)pid) {
            return (int)s;
        }
    }
    return -1;
}

uint32_t test_agent_slots(const struct test_agent *agent)
{
    uint32_t taken = 0;
    for (uint32_t s = 0; s < ALQ_MAX_SLOTS; s++) {
        taken += __atomic_load_n(&agent->control->slots[s].host_pid, __ATOMIC_SEQ_CST) != 0;
    }
    return taken;
}

static struct alq_control_page *page_of(const struct test_agent *agent)
{
    return (struct alq_control_page *)(uintptr_t)agent->control;
}

void test_agent_lend(const struct test_agent *agent, uint32_t device, uint64_t request_bytes)
{
    struct alq_control_device *facts = &page_of(agent)->devices[device];
    __atomic_store_n(&facts->request_bytes, request_bytes, __ATOMIC_SEQ_CST);
    __atomic_or_fetch(&facts->flags, ALQ_DEVICE_MOVABLE, __ATOMIC_SEQ_CST);
}

void test_agent_say(const struct test_agent *agent, uint32_t device, uint64_t flags)
{
    __atomic_or_fetch(&page_of(agent)->devices[device].flags, flags, __ATOMIC_SEQ_CST);
}

void test_agent_set_credit(const struct test_agent *agent, uint32_t slot, uint32_t device, uint64_t bytes)
{
    __atomic_store_n(&page_of(agent)->slots[slot].credit_bytes[device], bytes, __ATOMIC_SEQ_CST);
}

void test_agent_set_resident_quietly(const struct test_agent *agent, uint32_t slot, uint32_t device, uint64_t bytes)
{
    __atomic_store_n(&page_of(agent)->slots[slot].resident_bytes[device], bytes, __ATOMIC_SEQ_CST);
}

void test_agent_set_resident(const struct test_agent *agent, uint32_t slot, uint32_t device, uint64_t bytes)
{
    test_agent_set_resident_quietly(agent, slot, device, bytes);
    test_agent_wake(agent, slot);
}

void test_agent_set_away(const struct test_agent *agent, uint32_t slot, uint32_t devices)
{
    __atomic_store_n(&page_of(agent)->slots[slot].away, devices, __ATOMIC_SEQ_CST);
}

void test_agent_set_deep(const struct test_agent *agent, uint32_t slot, uint32_t deep)
{
    __atomic_store_n(&page_of(agent)->slots[slot].deep, deep, __ATOMIC_SEQ_CST);
    test_agent_wake(agent, slot);
}

uint32_t test_agent_order(const struct test_agent *agent, uint32_t slot, enum agent_order order)
{
    atomic_store(&agent->shared->order_slot, slot);
    atomic_store(&agent->shared->order, order);
    for (int i = 0; i < PATIENCE_MS && atomic_load(&agent->shared->order) != ORDER_NONE; i++) {
        usleep(1000);
    }
    return atomic_load(&agent->shared->order) == ORDER_NONE ? atomic_load(&agent->shared->order_result) : UINT32_MAX;
}

void test_agent_wake(const struct test_agent *agent, uint32_t slot)
{
    uint32_t *wake = &page_of(agent)->slots[slot].wake;
    __atomic_add_fetch(wake, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, wake, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}
