/*
 * Locks between the processes of a node.
 *
 * The life lock must fall exactly when its process dies or calls exec: not when the program closes all descriptors, and not
 * live on in a forked child. So it hangs on a mapping of the lock file, which fork does not copy (MADV_DONTFORK), and the
 * descriptor is closed. A file system that maps another file than the opened one (overlayfs) loses the lock with the
 * descriptor; there the descriptor is kept, and within one pid namespace the reaper goes by pid and start time instead.
 */
#define _GNU_SOURCE
#include "node_state.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LIFE_MAP_BYTES 4096u

static pthread_mutex_t manage_mutex = PTHREAD_MUTEX_INITIALIZER;
static void *life_map;
static int life_descriptor = -1;

static bool byte_op(int file, int command, short type, uint32_t byte)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)byte, .l_len = 1};
    int rc;
    do {
        rc = fcntl(file, command, &lock);
    } while (rc != 0 && errno == EINTR);
    return rc == 0 && (command != F_OFD_GETLK || lock.l_type == F_UNLCK);
}

bool sim_byte_held(int lock_file, uint32_t byte)
{
    return !byte_op(lock_file, F_OFD_GETLK, F_WRLCK, byte);
}

int sim_byte_lock(uint32_t byte)
{
    int file = sim_open_file("lock", O_RDWR);
    if (file < 0)
        return -1;
    if (!byte_op(file, F_OFD_SETLKW, F_WRLCK, byte)) {
        close(file);
        return -1;
    }
    return file;
}

void sim_byte_unlock(int lock)
{
    close(lock);
}

/* The mutex keeps a fork in another thread from copying the descriptor of a held lock: see the fork handlers. */
int sim_manage_lock(void)
{
    pthread_mutex_lock(&manage_mutex);
    int lock = sim_byte_lock(0);
    if (lock < 0)
        pthread_mutex_unlock(&manage_mutex);
    return lock;
}

void sim_manage_unlock(int lock)
{
    sim_byte_unlock(lock);
    pthread_mutex_unlock(&manage_mutex);
}

bool sim_life_lock(uint32_t byte, bool *by_descriptor)
{
    *by_descriptor = false;
    int file = sim_open_file("lock", O_RDWR);
    if (file < 0)
        return false;
    void *map = MAP_FAILED;
    if (!byte_op(file, F_OFD_SETLK, F_WRLCK, byte)
        || (map = mmap(NULL, LIFE_MAP_BYTES, PROT_READ, MAP_SHARED, file, 0)) == MAP_FAILED
        || madvise(map, LIFE_MAP_BYTES, MADV_DONTFORK) != 0)
        goto failed;

    /* Is the lock still there once the descriptor is gone? */
    int probe = sim_open_file("lock", O_RDWR);
    if (probe < 0)
        goto failed;
    close(file);
    bool survived = sim_byte_held(probe, byte);
    if (!survived) {
        *by_descriptor = true;
        if (!byte_op(probe, F_OFD_SETLK, F_WRLCK, byte)) {
            close(probe);
            munmap(map, LIFE_MAP_BYTES);
            return false;
        }
        life_descriptor = probe;
    } else {
        close(probe);
    }
    life_map = map;
    return true;

failed:
    if (map != MAP_FAILED)
        munmap(map, LIFE_MAP_BYTES);
    close(file);
    return false;
}

void sim_life_unlock(void)
{
    if (life_descriptor >= 0)
        close(life_descriptor);
    if (life_map != NULL)
        munmap(life_map, LIFE_MAP_BYTES);
    life_descriptor = -1;
    life_map = NULL;
}

void sim_life_forget(void)
{
    if (life_descriptor >= 0)
        close(life_descriptor);
    life_descriptor = -1;
    life_map = NULL; /* not mapped in the child */
}

static void before_fork(void)
{
    pthread_mutex_lock(&manage_mutex);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&manage_mutex);
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork, after_fork);
}

void sim_futex_wait(_Atomic uint32_t *word, uint32_t value, uint32_t timeout_ms)
{
    struct timespec timeout = {.tv_sec = timeout_ms / 1000, .tv_nsec = (long)(timeout_ms % 1000) * 1000000};
    syscall(SYS_futex, word, FUTEX_WAIT, value, &timeout, NULL, 0);
}

void sim_futex_wake(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}
