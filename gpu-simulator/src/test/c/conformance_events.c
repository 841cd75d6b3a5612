/* Events: states, times, order between streams. */
#include "conformance.h"

CASE(events, pass_through_their_states) {
    CUevent event = NULL;
    conf_context();
    CUstream stream = conf_stream();
    conf_kernel("aliquot_spin");
    OK(cu(cuEventCreate)(&event, CU_EVENT_DEFAULT));
    OK(cu(cuEventQuery)(event));
    OK(cu(cuEventSynchronize)(event));
    struct conf_spell spell = {0};
    CUresult meanwhile;
    do {
        OK(cu(cuStreamSynchronize)(stream));
        conf_spin_longer(&spell, stream);
        OK(cu(cuEventRecord)(event, stream));
        meanwhile = cu(cuEventQuery)(event);
    } while (!conf_is_spinning(&spell));
    IS(CUDA_ERROR_NOT_READY, meanwhile);
    OK(cu(cuEventSynchronize)(event));
    OK(cu(cuEventQuery)(event));
    OK(cu(cuEventDestroy_v2)(event));
}

CASE(events, measure_time) {
    CUevent start = NULL;
    CUevent end = NULL;
    float ms = 0;
    conf_context();
    CUstream stream = conf_stream();
    conf_spin(1, stream);
    OK(cu(cuEventCreate)(&start, CU_EVENT_DEFAULT));
    OK(cu(cuEventCreate)(&end, CU_EVENT_BLOCKING_SYNC));
    uint64_t before = conf_now_ns();
    OK(cu(cuEventRecord)(start, stream));
    conf_spin(100, stream);
    OK(cu(cuEventRecord)(end, stream));
    OK(cu(cuEventSynchronize)(end));
    double most = (double)(conf_now_ns() - before) / 1e6;
    OK(cu(cuEventElapsedTime)(&ms, start, end));
    CHECK(ms >= 95);
    CHECK(ms <= most * 1.05 + 1); /* two clocks */
}

CASE(events, without_a_record_or_timing_measure_nothing) {
    CUevent one = NULL;
    CUevent two = NULL;
    CUevent untimed = NULL;
    float ms = 0;
    conf_context();
    OK(cu(cuEventCreate)(&one, CU_EVENT_DEFAULT));
    OK(cu(cuEventCreate)(&two, CU_EVENT_DEFAULT));
    OK(cu(cuEventCreate)(&untimed, CU_EVENT_DISABLE_TIMING));
    IS(CUDA_ERROR_INVALID_HANDLE, cu(cuEventElapsedTime)(&ms, one, two));
    OK(cu(cuEventRecord)(one, NULL));
    OK(cu(cuEventRecord)(untimed, NULL));
    OK(cu(cuCtxSynchronize)());
    IS(CUDA_ERROR_INVALID_HANDLE, cu(cuEventElapsedTime)(&ms, one, untimed));
}

CASE(events, not_reached_measure_nothing_yet) {
    CUevent start = NULL;
    CUevent end = NULL;
    float ms = 0;
    conf_context();
    CUstream stream = conf_stream();
    conf_kernel("aliquot_spin");
    OK(cu(cuEventCreate)(&start, CU_EVENT_DEFAULT));
    OK(cu(cuEventCreate)(&end, CU_EVENT_DEFAULT));
    struct conf_spell spell = {0};
    CUresult meanwhile;
    do {
        OK(cu(cuStreamSynchronize)(stream));
        OK(cu(cuEventRecord)(start, stream));
        conf_spin_longer(&spell, stream);
        OK(cu(cuEventRecord)(end, stream));
        meanwhile = cu(cuEventElapsedTime)(&ms, start, end);
    } while (!conf_is_spinning(&spell));
    IS(CUDA_ERROR_NOT_READY, meanwhile);
    OK(cu(cuEventSynchronize)(end));
    OK(cu(cuEventElapsedTime)(&ms, start, end));
}

CASE(events, order_one_stream_after_another) {
    CUevent event = NULL;
    conf_context();
    CUstream one = conf_stream();
    CUstream two = conf_stream();
    CUdeviceptr address = conf_alloc(4 * MIB);
    OK(cu(cuEventCreate)(&event, CU_EVENT_DISABLE_TIMING));
    OK(cu(cuMemsetD32_v2)(address, 0, MIB));
    OK(cu(cuCtxSynchronize)());
    conf_spin(200, one);
    conf_fill(address, MIB, 10, one);
    OK(cu(cuEventRecord)(event, one));
    OK(cu(cuStreamWaitEvent)(two, event, 0));
    conf_add(address, MIB, 1, two);
    OK(cu(cuStreamSynchronize)(two));
    EQ(conf_mismatches(address, MIB, 11), 0);
}

CASE(events, recorded_again_mean_the_last_record) {
    CUevent event = NULL;
    conf_context();
    CUstream stream = conf_stream();
    conf_kernel("aliquot_spin");
    OK(cu(cuEventCreate)(&event, CU_EVENT_DISABLE_TIMING));
    OK(cu(cuEventRecord)(event, stream));
    OK(cu(cuEventSynchronize)(event));
    struct conf_spell spell = {0};
    CUresult meanwhile;
    do {
        OK(cu(cuStreamSynchronize)(stream));
        conf_spin_longer(&spell, stream);
        OK(cu(cuEventRecord)(event, stream));
        meanwhile = cu(cuEventQuery)(event);
    } while (!conf_is_spinning(&spell));
    IS(CUDA_ERROR_NOT_READY, meanwhile);
    OK(cu(cuEventSynchronize)(event));
}

CASE(events, destroyed_while_pending) {
    CUevent event = NULL;
    conf_context();
    CUstream stream = conf_stream();
    OK(cu(cuEventCreate)(&event, CU_EVENT_DISABLE_TIMING));
    conf_spin(100, stream);
    OK(cu(cuEventRecord)(event, stream));
    OK(cu(cuEventDestroy_v2)(event));
    OK(cu(cuStreamSynchronize)(stream));
}

CASE(events, for_other_processes_have_no_timing) {
    CUevent event = NULL;
    conf_context();
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuEventCreate)(&event, CU_EVENT_INTERPROCESS));
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuEventCreate)(&event, 0x1000));
}

CASE(events, waited_for_without_a_record_hold_nothing) {
    CUevent event = NULL;
    conf_context();
    CUstream stream = conf_stream();
    OK(cu(cuEventCreate)(&event, CU_EVENT_DISABLE_TIMING));
    OK(cu(cuStreamWaitEvent)(stream, event, 0));
    OK(cu(cuStreamSynchronize)(stream));
}
