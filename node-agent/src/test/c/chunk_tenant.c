/*
 * A tenant's process that speaks the protocol by itself and uses host chunks through the driver, without the interposer. Each line on
 * stdin is a command, each answer one line on stdout.
 *
 *   enter DIRECTORY                the tenant directory, before anything else
 *   hello | as SLOT GENERATION     as in raw_tenant.c
 *   ask DEVICE BYTES               answers "granted BYTES" or "refused STATUS REASON"
 *   hold DEVICE BYTES              says in the usage page that it holds so much, and that all of it can move
 *   resident DEVICE                reads the own slot of the control page
 *   take DEVICE BYTES              answers "chunk ID BYTES INODE" or "refused STATUS REASON"; the descriptor is kept
 *   take_and_leave DEVICE BYTES    the same wish, and gone before the answer
 *   flood BYTES COUNT              one connection that wishes COUNT times without reading; answers how many wishes were taken
 *   return ID                      answers "granted 0" or "refused STATUS REASON"; the descriptor is kept
 *   drop ID                        closes the descriptor and unmaps
 *   write ID TEXT | read ID        at the beginning of the chunk, imported and mapped by the driver; "read" answers "data TEXT"
 *   host_bytes                     reads the own slot of the control page
 *   keeper                         forks a process that keeps every descriptor and does nothing; answers its pid
 *   reopen ID                      answers as take does; the descriptor is kept beside the first
 *   context                        makes a context on the first device; answers the CUresult
 *   park | bare | run BYTES        says that all it held is in host memory, as far as it has chunks for it, and it is at rest; that it has let go of
 *                                  what it had imported, too; that it runs, and holds so much, all movable
 *   moved OUTCOME                  says how an attempt to leave ended
 *   resume                         answers "granted 0" or "refused STATUS REASON"
 *   away | deep                    reads the own slot of the control page
 *   pid | quit
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <protocol.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define MOST 4096
#define TEXT 64

typedef unsigned long long address;

static struct chunk {
    uint64_t id;
    uint64_t bytes;
    int fd;
    address mapped;
} chunks[MOST];
static int count;

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

static void *map_page(const char *name, int flags, int protection, size_t bytes)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int fd = open(path, flags | O_CLOEXEC);
    void *page = fd < 0 ? MAP_FAILED : mmap(NULL, bytes, protection, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) {
        die(path);
    }
    close(fd);
    return page;
}

static void enter(const char *name)
{
    snprintf(directory, sizeof directory, "%.199s", name);
    control = map_page(ALQ_CONTROL_FILE, O_RDONLY, PROT_READ, sizeof *control);
    usage = map_page(ALQ_USAGE_FILE, O_RDWR, PROT_READ | PROT_WRITE, sizeof *usage);
    puts("ok");
}

static int dial(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%.90s/%s", directory, ALQ_SOCKET_FILE);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        close(fd);
        return -1;
    }
    return fd;
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

static int receive_descriptor(int from)
{
    char byte;
    char space[CMSG_SPACE(sizeof(int))];
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    ssize_t n;
    do {
        n = recvmsg(from, &message, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    struct cmsghdr *header = n == 1 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header == NULL || header->cmsg_type != SCM_RIGHTS) {
        return -1;
    }
    int fd;
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

static int say(int fd, uint16_t type, const void *payload, uint32_t length)
{
    struct alq_frame frame = {ALQ_FRAME_MAGIC, ALQ_PROTOCOL_VERSION, type, length, 7};
    char bytes[sizeof frame + 64];
    memcpy(bytes, &frame, sizeof frame);
    memcpy(bytes + sizeof frame, payload, length);
    return transfer(fd, bytes, sizeof frame + length, 1);
}

static void chunk_given(int fd, const struct alq_chunk_given *given)
{
    struct stat status;
    int received = receive_descriptor(fd);
    if (received < 0 || fstat(received, &status) != 0 || count == MOST) {
        puts("no descriptor");
        return;
    }
    chunks[count++] = (struct chunk){given->id, given->bytes, received, 0};
    printf("chunk %llu %llu %llu\n", (address)given->id, (address)given->bytes, (address)status.st_ino);
}

static void exchange(uint16_t type, const void *payload, uint32_t length)
{
    int fd = dial();
    struct alq_frame frame;
    union {
        char bytes[ALQ_FRAME_MAX_PAYLOAD];
        struct alq_welcome welcome;
        struct alq_granted granted;
        struct alq_chunk_given chunk;
        struct alq_refused refused;
    } answer;
    if (fd < 0 || !say(fd, type, payload, length) || !transfer(fd, &frame, sizeof frame, 0) || frame.length > sizeof answer ||
        !transfer(fd, answer.bytes, frame.length, 0) || frame.request_id != 7) {
        puts("closed");
    } else if (frame.type == ALQ_FRAME_WELCOME) {
        slot = answer.welcome.slot;
        generation = answer.welcome.generation;
        printf("welcome %u %llu\n", slot, (address)generation);
    } else if (frame.type == ALQ_FRAME_GRANTED) {
        printf("granted %llu\n", (address)answer.granted.credit_bytes);
    } else if (frame.type == ALQ_FRAME_CHUNK) {
        chunk_given(fd, &answer.chunk);
    } else {
        printf("refused %u %.*s\n", answer.refused.status, (int)answer.refused.reason_bytes, answer.refused.reason);
    }
    close(fd);
}

static struct chunk *find(uint64_t id)
{
    for (int i = 0; i < count; i++) {
        if (chunks[i].id == id) {
            return &chunks[i];
        }
    }
    return NULL;
}

/* ---- the driver -------------------------------------------------------------------------------------------------------------- */

static void *function(const char *name)
{
    static void *driver;
    if (driver == NULL) {
        driver = dlopen(control->cuda_library, RTLD_NOW);
    }
    void *found = driver == NULL ? NULL : dlsym(driver, name);
    if (found == NULL) {
        fprintf(stderr, "no %s in %s\n", name, control->cuda_library);
        exit(1);
    }
    return found;
}

static int context(void)
{
    static int ready;
    if (ready) {
        return 0;
    }
    int (*init)(unsigned) = (int (*)(unsigned))function("cuInit");
    int (*retain)(void **, int) = (int (*)(void **, int))function("cuDevicePrimaryCtxRetain");
    int (*set_current)(void *) = (int (*)(void *))function("cuCtxSetCurrent");
    void *made = NULL;
    int result = init(0);
    result = result != 0 ? result : retain(&made, 0);
    result = result != 0 ? result : set_current(made);
    ready = result == 0;
    return result;
}

/* As the interposer does with demoted memory: import, map for the device. */
static int map(struct chunk *chunk)
{
    int (*import)(address *, void *, int) = (int (*)(address *, void *, int))function("cuMemImportFromShareableHandle");
    int (*reserve)(address *, size_t, size_t, address, address) =
        (int (*)(address *, size_t, size_t, address, address))function("cuMemAddressReserve");
    int (*map_memory)(address, size_t, size_t, address, address) = (int (*)(address, size_t, size_t, address, address))function("cuMemMap");
    int (*set_access)(address, size_t, const void *, size_t) = (int (*)(address, size_t, const void *, size_t))function("cuMemSetAccess");
    int (*release)(address) = (int (*)(address))function("cuMemRelease");
    struct {
        int location_type, location_id, flags;
    } access = {1, 0, 3}; /* the device, to read and write */
    address handle = 0, at = 0;
    int result = chunk->mapped != 0 ? 0 : context();
    if (chunk->mapped != 0 || result != 0) {
        return result;
    }
    result = import(&handle, (void *)(intptr_t)chunk->fd, 1);
    result = result != 0 ? result : reserve(&at, chunk->bytes, 0, 0, 0);
    result = result != 0 ? result : map_memory(at, chunk->bytes, 0, handle, 0);
    result = result != 0 ? result : set_access(at, chunk->bytes, &access, 1);
    result = result != 0 ? result : release(handle);
    chunk->mapped = result == 0 ? at : 0;
    return result;
}

static void unmap(struct chunk *chunk)
{
    int (*unmap_memory)(address, size_t) = (int (*)(address, size_t))function("cuMemUnmap");
    if (chunk->mapped != 0) {
        unmap_memory(chunk->mapped, chunk->bytes);
        chunk->mapped = 0;
    }
}

static void write_text(struct chunk *chunk, const char *text)
{
    int (*copy)(address, const void *, size_t) = (int (*)(address, const void *, size_t))function("cuMemcpyHtoD_v2");
    char bytes[TEXT] = "";
    snprintf(bytes, sizeof bytes, "%s", text);
    int result = map(chunk);
    printf("%d\n", result != 0 ? result : copy(chunk->mapped, bytes, sizeof bytes));
}

static void read_text(struct chunk *chunk)
{
    int (*copy)(void *, address, size_t) = (int (*)(void *, address, size_t))function("cuMemcpyDtoH_v2");
    char bytes[TEXT + 1] = "";
    int result = map(chunk);
    result = result != 0 ? result : copy(bytes, chunk->mapped, TEXT);
    result != 0 ? printf("error %d\n", result) : printf("data %s\n", bytes);
}

/* ---- commands ---------------------------------------------------------------------------------------------------------------- */

static void keeper(void)
{
    int ready[2];
    char byte;
    if (pipe(ready) != 0) {
        die("pipe");
    }
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_NAME, "keeper");
        close(0);
        if (freopen("/dev/null", "w", stdout) == NULL) {
            die("/dev/null");
        }
        /* So that the agent has seen it. */
        struct alq_hello hello = {(uint32_t)getpid(), 0};
        exchange(ALQ_FRAME_HELLO, &hello, sizeof hello);
        struct alq_bye bye = {slot, 0, generation};
        exchange(ALQ_FRAME_BYE, &bye, sizeof bye);
        close(ready[0]);
        close(ready[1]);
        for (;;) {
            pause();
        }
    }
    close(ready[1]);
    if (read(ready[0], &byte, 1) != 0) {
        die("read");
    }
    close(ready[0]);
    printf("%d\n", (int)child);
}

static void flood(uint64_t bytes, int wishes)
{
    struct alq_take_chunk take = {slot, 0, generation, bytes};
    int fd = dial(), said = 0;
    while (said < wishes && say(fd, ALQ_FRAME_TAKE_CHUNK, &take, sizeof take)) {
        said++;
    }
    printf("%d\n", said);
    close(fd);
}

static void hold(uint32_t device, uint64_t bytes)
{
    struct alq_usage_slot *own = &usage->slots[slot];
    __atomic_store_n(&own->used_bytes[device], bytes, __ATOMIC_SEQ_CST);
    __atomic_store_n(&own->movable_bytes[device], bytes, __ATOMIC_SEQ_CST);
    __atomic_store_n(&own->generation, generation, __ATOMIC_SEQ_CST);
    __atomic_store_n(&own->state, 1, __ATOMIC_SEQ_CST);
    puts("ok");
}

static void rest(uint32_t parked, uint64_t used_bytes)
{
    struct alq_usage_slot *own = &usage->slots[slot];
    uint64_t demoted_bytes = used_bytes == 0 ? control->slots[slot].host_bytes : 0;
    __atomic_store_n(&own->used_bytes[0], used_bytes, __ATOMIC_SEQ_CST);
    __atomic_store_n(&own->movable_bytes[0], used_bytes, __ATOMIC_SEQ_CST);
    __atomic_store_n(&own->demoted_bytes[0], demoted_bytes, __ATOMIC_SEQ_CST);
    __atomic_store_n(&own->parked, parked, __ATOMIC_SEQ_CST);
    puts("ok");
}

static void moved(uint16_t outcome)
{
    uint32_t wake = __atomic_load_n(&control->slots[slot].wake, __ATOMIC_SEQ_CST);
    struct alq_moved moved = {.slot = slot, .generation = generation, .outcome = outcome, .wake = wake};
    exchange(ALQ_FRAME_MOVED, &moved, sizeof moved);
}

static void of_chunk(const char *word, uint64_t id, const char *text)
{
    struct chunk *chunk = find(id);
    if (chunk == NULL) {
        puts("no such chunk");
    } else if (strcmp(word, "write") == 0) {
        write_text(chunk, text);
    } else if (strcmp(word, "read") == 0) {
        read_text(chunk);
    } else {
        unmap(chunk);
        close(chunk->fd);
        *chunk = chunks[--count];
        puts("ok");
    }
}

static void run(const char *word, address a, address b, const char *text)
{
    if (strcmp(word, "hello") == 0) {
        struct alq_hello hello = {(uint32_t)getpid(), 0};
        exchange(ALQ_FRAME_HELLO, &hello, sizeof hello);
    } else if (strcmp(word, "as") == 0) {
        slot = (uint32_t)a;
        generation = b;
        puts("ok");
    } else if (strcmp(word, "ask") == 0) {
        struct alq_ask ask = {slot, (uint32_t)a, generation, b};
        exchange(ALQ_FRAME_ASK, &ask, sizeof ask);
    } else if (strcmp(word, "hold") == 0) {
        hold((uint32_t)a, b);
    } else if (strcmp(word, "resident") == 0) {
        printf("%lld\n", (long long)__atomic_load_n(&control->slots[slot].resident_bytes[a], __ATOMIC_SEQ_CST));
    } else if (strcmp(word, "take") == 0) {
        struct alq_take_chunk take = {slot, (uint32_t)a, generation, b};
        exchange(ALQ_FRAME_TAKE_CHUNK, &take, sizeof take);
    } else if (strcmp(word, "take_and_leave") == 0) {
        struct alq_take_chunk take = {slot, (uint32_t)a, generation, b};
        int fd = dial();
        say(fd, ALQ_FRAME_TAKE_CHUNK, &take, sizeof take);
        close(fd);
        puts("ok");
    } else if (strcmp(word, "flood") == 0) {
        flood(a, (int)b);
    } else if (strcmp(word, "return") == 0) {
        struct alq_return_chunk back = {slot, 0, generation, a};
        exchange(ALQ_FRAME_RETURN_CHUNK, &back, sizeof back);
    } else if (strcmp(word, "context") == 0) {
        printf("%d\n", context());
    } else if (strcmp(word, "park") == 0) {
        rest(1, 0);
    } else if (strcmp(word, "bare") == 0) {
        rest(2, 0);
    } else if (strcmp(word, "run") == 0) {
        rest(0, a);
    } else if (strcmp(word, "moved") == 0) {
        moved((uint16_t)a);
    } else if (strcmp(word, "resume") == 0) {
        struct alq_resume resume = {slot, 0, generation};
        exchange(ALQ_FRAME_RESUME, &resume, sizeof resume);
    } else if (strcmp(word, "away") == 0) {
        printf("%u\n", __atomic_load_n(&control->slots[slot].away, __ATOMIC_SEQ_CST));
    } else if (strcmp(word, "deep") == 0) {
        printf("%u\n", __atomic_load_n(&control->slots[slot].deep, __ATOMIC_SEQ_CST));
    } else if (strcmp(word, "reopen") == 0) {
        struct alq_reopen_chunk again = {slot, 0, generation, a};
        exchange(ALQ_FRAME_REOPEN_CHUNK, &again, sizeof again);
    } else if (strcmp(word, "write") == 0 || strcmp(word, "read") == 0 || strcmp(word, "drop") == 0) {
        of_chunk(word, a, text);
    } else if (strcmp(word, "host_bytes") == 0) {
        printf("%llu\n", (address)__atomic_load_n(&control->slots[slot].host_bytes, __ATOMIC_SEQ_CST));
    } else if (strcmp(word, "keeper") == 0) {
        keeper();
    } else if (strcmp(word, "pid") == 0) {
        printf("%d\n", (int)getpid());
    } else if (strcmp(word, "quit") == 0) {
        exit(0);
    } else {
        puts("unknown");
    }
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    char line[320];
    while (fgets(line, sizeof line, stdin) != NULL) {
        char word[32] = "", text[TEXT] = "";
        address a = 0, b = 0;
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "enter ", 6) == 0) {
            enter(line + 6);
            continue;
        }
        if (sscanf(line, "%31s %llu %llu", word, &a, &b) < 3) {
            sscanf(line, "%31s %llu %63s", word, &a, text);
        }
        run(word, a, b, text);
    }
    return 0;
}
