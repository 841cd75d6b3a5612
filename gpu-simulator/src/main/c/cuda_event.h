/* Events that other processes share: two counters in a page of a memory file. */
#ifndef SIM_CUDA_EVENT_H
#define SIM_CUDA_EVENT_H

#include "cuda_stream.h"

struct sim_ipc_event {
    _Atomic uint64_t recorded;
    _Atomic uint64_t completed;
};

struct sim_shared_record;

bool sim_event_share(struct sim_event *event);
void sim_event_unshare(struct sim_event *event);
void sim_event_shared_begin(struct sim_event *event);
struct sim_shared_record *sim_event_shared_record(struct sim_event *event, struct sim_mark *mark);
void sim_event_shared_done(void *record);
CUresult sim_event_shared_wait(struct sim_stream *stream, struct sim_event *event);
bool sim_event_shared_ready(const struct sim_event *event);
void sim_event_shared_sleep(const struct sim_event *event);
void sim_capture_spoil_event(struct sim_event *event);

#endif
