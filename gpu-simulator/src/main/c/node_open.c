/* Opening, making and removing a node. */
#define _GNU_SOURCE
#include "node_state.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t open_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct sim_state *_Atomic current;
static char node_dir[SIM_PATH_BYTES];

struct sim_state *sim_state(void)
{
    return atomic_load_explicit(&current, memory_order_acquire);
}

const struct sim_config *sim_config(void)
{
    return &sim_state()->config;
}

const char *sim_node_dir(void)
{
    return node_dir;
}

bool sim_device_valid(uint32_t device)
{
    return sim_state() != NULL && device < sim_config()->device_count;
}

uint64_t sim_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static bool fail(char *error, const char *dir, const char *why)
{
    if (error != NULL)
        snprintf(error, SIM_ERROR_BYTES, "simulated node %.*s: %s", 180, dir, why);
    return false;
}

static bool join(char *out, const char *dir, const char *name)
{
    int length = snprintf(out, SIM_PATH_BYTES, "%s/%s", dir, name);
    return length > 0 && length < (int)SIM_PATH_BYTES;
}

int sim_open_file(const char *name, int flags)
{
    char path[SIM_PATH_BYTES];
    return join(path, node_dir, name) ? open(path, flags | O_CLOEXEC) : -1;
}

static struct sim_state *map_state(const char *dir, char *error)
{
    char path[SIM_PATH_BYTES];
    struct stat st;
    if (!join(path, dir, "node")) {
        fail(error, dir, "the path is too long");
        return NULL;
    }
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) {
        fail(error, dir, errno == ENOENT ? "there is no node here; make one with `aliquot-sim create`" : strerror(errno));
        return NULL;
    }
    struct sim_state *state = MAP_FAILED;
    if (fstat(file, &st) == 0 && st.st_size == (off_t)sizeof *state)
        state = mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (state == MAP_FAILED) {
        fail(error, dir, "its state file has another size than this version of the simulator uses; make the node again");
        return NULL;
    }
    if (state->magic != SIM_STATE_MAGIC || state->version != SIM_STATE_VERSION || state->size != sizeof *state
        || state->config.device_count == 0 || state->config.device_count > SIM_MAX_DEVICES) {
        munmap(state, sizeof *state);
        fail(error, dir, "its state file was made by another version of the simulator; make the node again");
        return NULL;
    }
    return state;
}

bool sim_node_open_at(const char *dir, char *error)
{
    if (dir == NULL || dir[0] == 0 || strlen(dir) >= SIM_PATH_BYTES)
        return fail(error, dir == NULL ? "" : dir, "not a usable path");
    pthread_mutex_lock(&open_mutex);
    bool ok = true;
    if (sim_state() == NULL || strcmp(dir, node_dir) != 0) {
        struct sim_state *state = map_state(dir, error);
        ok = state != NULL;
        if (ok) {
            /* An earlier node stays mapped: another thread may still read it. */
            memcpy(node_dir, dir, strlen(dir) + 1);
            atomic_store(&current, state);
        }
    }
    pthread_mutex_unlock(&open_mutex);
    return ok;
}

/* The path in the file `node-dir` beside the library that this code is part of. */
static bool dir_beside_library(char *out)
{
    Dl_info info;
    char path[SIM_PATH_BYTES];
    if (dladdr((void *)&sim_node_open, &info) == 0 || info.dli_fname == NULL || strlen(info.dli_fname) >= sizeof path)
        return false;
    memcpy(path, info.dli_fname, strlen(info.dli_fname) + 1);
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        return false;
    *slash = 0;
    char file_path[SIM_PATH_BYTES];
    if (!join(file_path, path, SIM_DIR_FILE))
        return false;
    int file = open(file_path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    ssize_t got = read(file, out, SIM_PATH_BYTES - 1);
    close(file);
    if (got <= 0)
        return false;
    out[got] = 0;
    out[strcspn(out, "\r\n")] = 0;
    return out[0] != 0;
}

bool sim_node_open(void)
{
    if (sim_state() != NULL)
        return true;
    char beside[SIM_PATH_BYTES];
    const char *dir = getenv(SIM_DIR_ENV);
    if (dir != NULL && dir[0] != 0)
        return sim_node_open_at(dir, NULL);
    return dir_beside_library(beside) && sim_node_open_at(beside, NULL);
}

static bool write_file(const char *dir, const char *name, const void *data, size_t bytes, off_t size)
{
    char path[SIM_PATH_BYTES], fresh[SIM_PATH_BYTES];
    char fresh_name[64];
    snprintf(fresh_name, sizeof fresh_name, ".%s.new", name);
    if (!join(path, dir, name) || !join(fresh, dir, fresh_name))
        return false;
    int file = open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0)
        return false;
    /* Like the device nodes of a driver: any user of the machine may use the node. */
    bool ok = fchmod(file, 0666) == 0 && pwrite(file, data, bytes, 0) == (ssize_t)bytes
        && (size == 0 || ftruncate(file, size) == 0) && rename(fresh, path) == 0;
    int saved = errno;
    close(file);
    if (!ok)
        unlink(fresh);
    errno = saved;
    return ok;
}

static bool live(const char *dir)
{
    char path[SIM_PATH_BYTES];
    if (!join(path, dir, "lock"))
        return false;
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0)
        return false;
    struct flock any = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 1, .l_len = SIM_MAX_PROCESSES};
    bool held = fcntl(file, F_OFD_GETLK, &any) == 0 && any.l_type != F_UNLCK;
    close(file);
    return held;
}

bool sim_node_create(const char *dir, const char *spec, char *error)
{
    struct sim_state *state = calloc(1, sizeof *state);
    char full[PATH_MAX];
    if (state == NULL)
        return fail(error, dir, "out of memory");
    bool ok = sim_config_parse(spec, &state->config, error);
    if (ok && (mkdir(dir, 0755) == 0 ? chmod(dir, 0755) != 0 : errno != EEXIST)) /* whatever the umask */
        ok = fail(error, dir, strerror(errno));
    if (ok && live(dir))
        ok = fail(error, dir, "programs are using the node that is here; end them or choose another directory");
    if (ok && realpath(dir, full) == NULL)
        ok = fail(error, dir, strerror(errno));
    if (ok) {
        sim_config_identify(&state->config, full);
        state->magic = SIM_STATE_MAGIC;
        state->version = SIM_STATE_VERSION;
        state->size = sizeof *state;
        atomic_store(&state->event_next, 1);
        char text[4096];
        int length = sim_config_text(&state->config, text, sizeof text);
        size_t head = offsetof(struct sim_state, slots);
        ok = write_file(dir, "lock", "", 0, 4096) && write_file(dir, "kmsg", "", 0, 0)
            && write_file(dir, "node.conf", text, (size_t)length, 0) && write_file(dir, "node", state, head, sizeof *state);
        if (!ok)
            fail(error, dir, strerror(errno));
    }
    free(state);
    return ok;
}

bool sim_node_destroy(const char *dir, char *error)
{
    static const char *const names[] = {"node", "lock", "kmsg", "node.conf"};
    char path[SIM_PATH_BYTES];
    if (!join(path, dir, "node") || access(path, F_OK) != 0)
        return fail(error, dir, "there is no node here");
    if (live(dir))
        return fail(error, dir, "programs are using it; end them first");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (join(path, dir, names[i]) && unlink(path) != 0 && errno != ENOENT)
            return fail(error, dir, strerror(errno));
    }
    if (rmdir(dir) != 0 && errno != ENOTEMPTY && errno != EEXIST && errno != EBUSY)
        return fail(error, dir, strerror(errno));
    return true;
}
