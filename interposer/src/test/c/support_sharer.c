/* See support_sharer.h. */
#include "support_sharer.h"

#include <dirent.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

uint64_t sharer_descriptors(void)
{
    uint64_t count = 0;
    DIR *list = opendir("/proc/self/fd");
    while (list != NULL && readdir(list) != NULL) {
        count++;
    }
    closedir(list);
    return count;
}

CUipcMemHandle sharer_handle(CUdeviceptr address)
{
    CUipcMemHandle handle = {0};
    CHECK_EQ(CU(cuIpcGetMemHandle)(&handle, address), CUDA_SUCCESS);
    return handle;
}

static void obey(const struct moving *m, struct sharer_message *said)
{
    said->result = CUDA_SUCCESS;
    switch (said->order) {
    case SHARER_MAKES:
        said->address = moving_alloc(said->bytes);
        moving_fill(m, said->address, said->bytes, said->value, NULL);
        CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
        said->result = CU(cuIpcGetMemHandle)(&said->handle, said->address);
        break;
    case SHARER_FREES:
        said->result = CU(cuMemFree_v2)(said->address);
        break;
    case SHARER_OPENS:
        said->result = CU(cuIpcOpenMemHandle_v2)(&said->address, said->handle, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS);
        break;
    case SHARER_CLOSES:
        said->result = CU(cuIpcCloseMemHandle)(said->address);
        break;
    case SHARER_ADDS:
        moving_add(m, said->address, said->bytes, said->value, NULL);
        said->result = CU(cuCtxSynchronize)();
        break;
    case SHARER_LOOKS:
        said->figure = moving_wrong(m, said->address, said->bytes, said->value, NULL);
        break;
    case SHARER_COUNTS:
        said->figure = sharer_descriptors();
        break;
    }
}

static _Noreturn void serve(struct world *world, int channel)
{
    struct sharer_message said;
    struct moving moving;
    bool started = false;
    while (read(channel, &said, sizeof said) == (ssize_t)sizeof said) {
        if (!started) {
            moving_start(&moving, world, 256 * MIB);
            started = true;
        }
        obey(&moving, &said);
        CHECK_EQ(write(channel, &said, sizeof said), sizeof said);
    }
    end_case();
}

struct sharer sharer_start(struct world *world)
{
    int ends[2] = {-1, -1};
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    fflush(NULL);
    struct sharer sharer = {.pid = fork(), .channel = ends[0]};
    if (sharer.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
        close(ends[0]);
        serve(world, ends[1]);
    }
    close(ends[1]);
    return sharer;
}

struct sharer_message sharer_does(const struct sharer *sharer, struct sharer_message message)
{
    struct sharer_message answer = {.result = CUDA_ERROR_UNKNOWN};
    CHECK_EQ(write(sharer->channel, &message, sizeof message), sizeof message);
    CHECK_EQ(read(sharer->channel, &answer, sizeof answer), sizeof answer);
    return answer;
}

void sharer_ends(const struct sharer *sharer, bool killed)
{
    int status = 1;
    if (killed) {
        kill(sharer->pid, SIGKILL);
    }
    close(sharer->channel);
    waitpid(sharer->pid, &status, 0);
    CHECK(killed ? WIFSIGNALED(status) : status == 0);
}
