/* See support_sharing.h. */
#include "support_sharing.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_PIECES 16

#define IN(library, name) ((__typeof__(name) *)dlsym(library, #name))

enum order { ORDER_MAKE, ORDER_LET_GO, ORDER_TRY };

struct message {
    enum order order;
    uint64_t bytes;
};

struct answer {
    CUresult result;
    struct shared shared;
};

/* What a maker has made. */
struct piece {
    CUdeviceptr address;
    CUmemGenericAllocationHandle handle;
    uint64_t bytes;
};

struct making {
    void *library;
    enum sharing_way way;
    void *export;
    CUdevice device;
    CUmemoryPool pool;
    struct piece pieces[MOST_PIECES];
    size_t count;
};

static CUmemAllocationProp handle_properties(const struct making *m)
{
    CUmemAllocationProp prop;
    memset(&prop, 0, sizeof prop);
    prop.type = CU_MEM_ALLOCATION_TYPE_PINNED;
    prop.requestedHandleTypes = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR;
    prop.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    prop.location.id = m->device;
    return prop;
}

static CUresult make_handle(struct making *m, struct piece *piece)
{
    CUmemAllocationProp prop = handle_properties(m), seen;
    CUmemAccessDesc access = {.location = prop.location, .flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
    CUresult answer = IN(m->library, cuMemCreate)(&piece->handle, piece->bytes, &prop, 0);
    if (answer != CUDA_SUCCESS) {
        return answer;
    }
    CHECK_EQ(IN(m->library, cuMemGetAllocationPropertiesFromHandle)(&seen, piece->handle), CUDA_SUCCESS);
    CHECK_EQ(seen.requestedHandleTypes, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR);
    CHECK_EQ(IN(m->library, cuMemAddressReserve)(&piece->address, piece->bytes, 0, 0, 0), CUDA_SUCCESS);
    CHECK_EQ(IN(m->library, cuMemMap)(piece->address, piece->bytes, 0, piece->handle, 0), CUDA_SUCCESS);
    return IN(m->library, cuMemSetAccess)(piece->address, piece->bytes, &access, 1);
}

static CUresult make_in_pool(struct making *m, struct piece *piece)
{
    CUmemPoolProps props;
    memset(&props, 0, sizeof props);
    props.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
    props.handleTypes = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR;
    props.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    props.location.id = m->device;
    CUresult answer = m->pool != NULL ? CUDA_SUCCESS : IN(m->library, cuMemPoolCreate)(&m->pool, &props);
    answer = answer ? answer : IN(m->library, cuMemAllocFromPoolAsync)(&piece->address, piece->bytes, m->pool, NULL);
    return answer ? answer : IN(m->library, cuStreamSynchronize)(NULL);
}

/* Once through the interposer, where this is the tenant's, and once through the driver itself: the bytes are the same. */
static CUresult hand_out(struct making *m, const struct piece *piece, struct shared *shared)
{
    struct shared plain = {.fd = -1};
    CUresult answer;
    shared->fd = -1;
    shared->bytes = piece->bytes;
    switch (m->way) {
    case SHARED_BY_IPC:
        answer = ((__typeof__(cuIpcGetMemHandle) *)m->export)(&shared->ipc, piece->address);
        CHECK_EQ(BARE(cuIpcGetMemHandle)(&plain.ipc, piece->address), CUDA_SUCCESS);
        CHECK(memcmp(&plain.ipc, &shared->ipc, sizeof plain.ipc) == 0);
        return answer;
    case SHARED_BY_HANDLE:
        return ((__typeof__(cuMemExportToShareableHandle) *)m->export)(
            &shared->fd, piece->handle, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0);
    default:
        answer = IN(m->library, cuMemPoolExportToShareableHandle)(
            &shared->fd, m->pool, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0);
        CHECK_EQ(answer, CUDA_SUCCESS);
        answer = ((__typeof__(cuMemPoolExportPointer) *)m->export)(&shared->pointer, piece->address);
        CHECK_EQ(BARE(cuMemPoolExportPointer)(&plain.pointer, piece->address), CUDA_SUCCESS);
        CHECK(memcmp(&plain.pointer, &shared->pointer, sizeof plain.pointer) == 0);
        return answer;
    }
}

static CUresult make(struct making *m, uint64_t bytes, struct shared *shared)
{
    struct piece piece = {.bytes = bytes};
    CUresult answer = m->count == MOST_PIECES ? CUDA_ERROR_INVALID_VALUE
        : m->way == SHARED_BY_HANDLE          ? make_handle(m, &piece)
        : m->way == SHARED_BY_POOL            ? make_in_pool(m, &piece)
                                              : IN(m->library, cuMemAlloc_v2)(&piece.address, bytes);
    if (answer != CUDA_SUCCESS) {
        return answer;
    }
    m->pieces[m->count++] = piece;
    CHECK_EQ(IN(m->library, cuMemsetD32_v2)(piece.address, SHARED_WORD, 1), CUDA_SUCCESS);
    CHECK_EQ(IN(m->library, cuStreamSynchronize)(NULL), CUDA_SUCCESS);
    return hand_out(m, &piece, shared);
}

static void let_go(struct making *m)
{
    while (m->count > 0) {
        struct piece *piece = &m->pieces[--m->count];
        if (m->way == SHARED_BY_HANDLE) {
            CHECK_EQ(IN(m->library, cuMemUnmap)(piece->address, piece->bytes), CUDA_SUCCESS);
            CHECK_EQ(IN(m->library, cuMemAddressFree)(piece->address, piece->bytes), CUDA_SUCCESS);
            CHECK_EQ(IN(m->library, cuMemRelease)(piece->handle), CUDA_SUCCESS);
        } else if (m->way == SHARED_BY_POOL) {
            CHECK_EQ(IN(m->library, cuMemFreeAsync)(piece->address, NULL), CUDA_SUCCESS);
        } else {
            CHECK_EQ(IN(m->library, cuMemFree_v2)(piece->address), CUDA_SUCCESS);
        }
    }
    CHECK_EQ(IN(m->library, cuStreamSynchronize)(NULL), CUDA_SUCCESS);
}

static CUresult try_and_free(struct making *m, uint64_t bytes)
{
    CUdeviceptr address;
    CUresult answer = IN(m->library, cuMemAlloc_v2)(&address, bytes);
    if (answer == CUDA_SUCCESS) {
        CHECK_EQ(IN(m->library, cuMemFree_v2)(address), CUDA_SUCCESS);
    }
    return answer;
}

static void start_in(struct making *m)
{
    CUcontext context;
    int count = 0;
    CHECK_EQ(IN(m->library, cuInit)(0), CUDA_SUCCESS);
    CHECK_EQ(IN(m->library, cuDeviceGetCount)(&count), CUDA_SUCCESS);
    m->device = count - 1;
    CHECK_EQ(IN(m->library, cuDevicePrimaryCtxRetain)(&context, m->device), CUDA_SUCCESS);
    CHECK_EQ(IN(m->library, cuCtxSetCurrent)(context), CUDA_SUCCESS);
}

/* A descriptor travels beside the answer that names one. */
static void answer_with(int channel, struct answer *answer)
{
    char control[CMSG_SPACE(sizeof(int))];
    struct iovec part = {answer, sizeof *answer};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    memset(control, 0, sizeof control);
    if (answer->shared.fd >= 0) {
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(header), &answer->shared.fd, sizeof(int));
    }
    CHECK_EQ(sendmsg(channel, &message, 0), sizeof *answer);
    if (answer->shared.fd >= 0) {
        close(answer->shared.fd);
    }
}

static struct answer answer_from(int channel)
{
    char control[CMSG_SPACE(sizeof(int))];
    struct answer answer = {.result = CUDA_ERROR_UNKNOWN, .shared.fd = -1};
    struct iovec part = {&answer, sizeof answer};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    CHECK_EQ(recvmsg(channel, &message, 0), sizeof answer);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header != NULL && header->cmsg_type == SCM_RIGHTS) {
        memcpy(&answer.shared.fd, CMSG_DATA(header), sizeof(int));
    }
    return answer;
}

static _Noreturn void serve(struct making *m, int channel)
{
    struct message message;
    start_in(m);
    while (read(channel, &message, sizeof message) == (ssize_t)sizeof message) {
        struct answer answer = {.result = CUDA_SUCCESS, .shared.fd = -1};
        if (message.order == ORDER_MAKE) {
            answer.result = make(m, message.bytes, &answer.shared);
        } else if (message.order == ORDER_LET_GO) {
            let_go(m);
        } else {
            answer.result = try_and_free(m, message.bytes);
        }
        answer_with(channel, &answer);
    }
    end_case();
}

struct maker maker_start(enum sharing_way way, bool of_tenant, const struct route *exporting)
{
    static const char *const exports[] = {[SHARED_BY_IPC] = "cuIpcGetMemHandle",
        [SHARED_BY_HANDLE] = "cuMemExportToShareableHandle",
        [SHARED_BY_POOL] = "cuMemPoolExportPointer"};
    int ends[2] = {-1, -1};
    CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    fflush(NULL);
    struct maker maker = {.pid = fork(), .channel = ends[0]};
    if (maker.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[0]);
        struct making m = {.library = of_tenant ? ours() : bare(), .way = way};
        m.export = exporting == NULL ? dlsym(m.library, exports[way]) : route_find(exporting, m.library);
        serve(&m, ends[1]);
    }
    close(ends[1]);
    return maker;
}

static struct answer ask(struct maker *maker, enum order order, uint64_t bytes)
{
    struct message message = {order, bytes};
    CHECK_EQ(write(maker->channel, &message, sizeof message), sizeof message);
    return answer_from(maker->channel);
}

CUresult maker_makes(struct maker *maker, uint64_t bytes, struct shared *shared)
{
    struct answer answer = ask(maker, ORDER_MAKE, bytes);
    *shared = answer.shared;
    return answer.result;
}

void maker_lets_go(struct maker *maker)
{
    CHECK_EQ(ask(maker, ORDER_LET_GO, 0).result, CUDA_SUCCESS);
}

CUresult maker_tries(struct maker *maker, uint64_t bytes)
{
    return ask(maker, ORDER_TRY, bytes).result;
}

void maker_ends(struct maker *maker, bool killed)
{
    int status = 1;
    if (killed) {
        kill(maker->pid, SIGKILL);
    }
    close(maker->channel);
    waitpid(maker->pid, &status, 0);
    CHECK(killed ? WIFSIGNALED(status) : status == 0);
}
