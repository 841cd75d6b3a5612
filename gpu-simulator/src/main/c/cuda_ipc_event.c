/* Events between processes: how often recorded, and how many of those recordings are done. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "cuda_event.h"
#include "cuda_share.h"

struct sim_shared_record {
    struct sim_ipc_event *shared;
    struct sim_mark *mark;
    uint64_t number;
};

struct shared_wait {
    struct sim_ipc_event *shared;
    uint64_t number;
};

static struct sim_ipc_event *map_page(int fd) {
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return page == MAP_FAILED ? NULL : page;
}

bool sim_event_share(struct sim_event *event) {
    event->shared_fd = memfd_create("aliquot-sim-event", MFD_CLOEXEC);
    if (event->shared_fd < 0 || ftruncate(event->shared_fd, 4096) != 0) return false;
    event->shared = map_page(event->shared_fd);
    return event->shared != NULL;
}

/* The page stays mapped: queued work may still count in it. */
void sim_event_unshare(struct sim_event *event) {
    if (event->shared_fd >= 0) close(event->shared_fd);
    event->shared_fd = -1;
}

void sim_event_shared_begin(struct sim_event *event) {
    if (event->shared != NULL) atomic_fetch_add(&event->shared->recorded, 1);
}

struct sim_shared_record *sim_event_shared_record(struct sim_event *event, struct sim_mark *mark) {
    struct sim_shared_record *record = malloc(sizeof *record);
    if (record == NULL) return NULL;
    *record = (struct sim_shared_record){event->shared, mark, atomic_load(&event->shared->recorded)};
    return record;
}

void sim_event_shared_done(void *argument) {
    struct sim_shared_record *record = argument;
    uint64_t seen = atomic_load(&record->shared->completed);
    while (seen < record->number && !atomic_compare_exchange_weak(&record->shared->completed, &seen, record->number)) continue;
    sim_mark_set(record->mark);
    sim_mark_unref(record->mark);
    free(record);
}

static void sleep_until(struct sim_ipc_event *shared, uint64_t number) {
    while (atomic_load(&shared->completed) < number) nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
}

static void run_wait(void *argument) {
    struct shared_wait *wait = argument;
    sleep_until(wait->shared, wait->number);
    free(wait);
}

CUresult sim_event_shared_wait(struct sim_stream *stream, struct sim_event *event) {
    uint64_t number = atomic_load(&event->shared->recorded);
    if (atomic_load(&event->shared->completed) >= number) return CUDA_SUCCESS;
    struct shared_wait *wait = malloc(sizeof *wait);
    if (wait == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    *wait = (struct shared_wait){event->shared, number};
    struct sim_work work = {.type = SIM_WORK_HOST, .host = {run_wait, wait}};
    return sim_submit_now(stream, &work, SIM_SUBMIT_LONG);
}

bool sim_event_shared_ready(const struct sim_event *event) {
    return atomic_load(&event->shared->completed) >= atomic_load(&event->shared->recorded);
}

void sim_event_shared_sleep(const struct sim_event *event) { sleep_until(event->shared, atomic_load(&event->shared->recorded)); }

CUresult cuIpcGetEventHandle(CUipcEventHandle *out, CUevent handle) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL);
    if (!sim_handle_is(handle, SIM_KIND_EVENT)) return CUDA_ERROR_INVALID_HANDLE;
    const struct sim_event *event = (const struct sim_event *)handle;
    if (event->shared == NULL || event->imported) return CUDA_ERROR_INVALID_HANDLE;
    struct sim_share share = {.device = event->ctx->device, .fd = event->shared_fd};
    sim_share_sign(&share, SIM_SHARE_EVENT);
    memcpy(out, &share, sizeof share);
    return CUDA_SUCCESS;
}

CUresult cuIpcOpenEventHandle(CUevent *out, CUipcEventHandle handle) {
    SIM_ENTER_CONTEXT();
    SIM_NEED(out != NULL);
    struct sim_share share;
    memcpy(&share, &handle, sizeof share);
    int fd = sim_share_open(&share, SIM_SHARE_EVENT);
    if (fd < 0) return CUDA_ERROR_INVALID_VALUE;
    struct sim_event *event = sim_handle_new(SIM_KIND_EVENT);
    if (event != NULL) {
        event->ctx = call.ctx;
        event->flags = CU_EVENT_DISABLE_TIMING | CU_EVENT_INTERPROCESS;
        event->shared_fd = fd;
        event->imported = true;
        event->shared = map_page(fd);
        pthread_mutex_init(&event->mutex, NULL);
    }
    if (event == NULL || event->shared == NULL) {
        close(fd);
        sim_handle_free(event);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    *out = (CUevent)event;
    return CUDA_SUCCESS;
}
