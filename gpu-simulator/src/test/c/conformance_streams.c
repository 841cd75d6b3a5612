/* Streams: order, overlap, the default streams, priorities, host functions, values in memory. */
#include "conformance.h"

#include <stdlib.h>

CASE(streams, are_busy_until_their_work_is_done) {
    conf_context();
    CUstream stream = conf_stream();
    conf_kernel("aliquot_spin");
    struct conf_spell spell = {0};
    CUresult meanwhile;
    do {
        OK(cu(cuStreamSynchronize)(stream));
        OK(cu(cuStreamQuery)(stream));
        conf_spin_longer(&spell, stream);
        meanwhile = cu(cuStreamQuery)(stream);
    } while (!conf_is_spinning(&spell));
    IS(CUDA_ERROR_NOT_READY, meanwhile);
    OK(cu(cuStreamSynchronize)(stream));
    CHECK(conf_now_ns() + 10000000ull >= spell.end_ns);
    OK(cu(cuStreamQuery)(stream));
    OK(cu(cuStreamDestroy_v2)(stream));
}

CASE(streams, run_beside_each_other) {
    conf_context();
    CUstream one = conf_stream();
    CUstream two = conf_stream();
    conf_spin(1, one);
    conf_spin(1, two);
    OK(cu(cuCtxSynchronize)());
    uint64_t ms = 150;
    uint64_t took;
    do { /* again, and longer, where this machine stalled for as long as one of them spins */
        ms *= 4;
        uint64_t start = conf_now_ns();
        conf_spin((unsigned)ms, one);
        conf_spin((unsigned)ms, two);
        OK(cu(cuCtxSynchronize)());
        took = (conf_now_ns() - start) / 1000000;
        CHECK(took + 10 >= ms);
    } while (took + 50 >= 2 * ms && ms < 9600);
    CHECK(took + 50 < 2 * ms);
}

CASE(streams, context_waits_for_all_of_them) {
    conf_context();
    CUstream streams[4];
    for (size_t i = 0; i < 4; i++) {
        streams[i] = conf_stream();
        conf_spin(100, streams[i]);
    }
    OK(cu(cuCtxSynchronize)());
    for (size_t i = 0; i < 4; i++) {
        OK(cu(cuStreamQuery)(streams[i]));
    }
}

CASE(streams, blocking_ones_are_ordered_with_the_default_one) {
    CUstream stream = NULL;
    conf_context();
    CUdeviceptr address = conf_alloc(4096);
    uint32_t word = 0;
    OK(cu(cuMemsetD32_v2)(address, 1, 1024));
    OK(cu(cuStreamCreate)(&stream, CU_STREAM_DEFAULT));
    conf_spin(200, stream);
    conf_fill(address, 1024, 2, stream);
    OK(cu(cuMemcpyDtoH_v2)(&word, address, sizeof word));
    EQ(word, 2);
    OK(cu(cuStreamQuery)(stream));
}

CASE(streams, non_blocking_ones_are_not_held_by_the_default_one) {
    conf_context();
    CUdeviceptr address = conf_alloc(4096);
    CUstream stream = conf_stream();
    conf_spin(1, NULL);
    OK(cu(cuCtxSynchronize)());
    struct conf_spell spell = {0};
    CUresult meanwhile;
    do {
        OK(cu(cuStreamSynchronize)(stream));
        conf_spin_longer(&spell, stream);
        conf_fill(address, 1024, 2, NULL);
        OK(cu(cuStreamSynchronize)(NULL));
        meanwhile = cu(cuStreamQuery)(stream);
    } while (!conf_is_spinning(&spell));
    IS(CUDA_ERROR_NOT_READY, meanwhile);
    OK(cu(cuStreamSynchronize)(stream));
}

CASE(streams, the_three_default_handles_take_work) {
    static const uintptr_t HANDLES[] = {0, 1, 2};
    conf_context();
    CUdeviceptr address = conf_alloc(4096);
    for (uint32_t i = 0; i < 3; i++) {
        CUstream stream = (CUstream)HANDLES[i];
        conf_fill(address, 1024, i + 5, stream);
        OK(cu(cuStreamSynchronize)(stream));
        OK(cu(cuStreamQuery)(stream));
        EQ(conf_mismatches(address, 1024, i + 5), 0);
    }
}

CASE(streams, per_thread_variants_take_work) {
    uint32_t word = 0;
    conf_context();
    CUdeviceptr address = conf_alloc(4096);
    OK(cu(cuMemsetD32Async_ptsz)(address, 8, 1024, NULL));
    OK(cu(cuStreamSynchronize_ptsz)(NULL));
    OK(cu(cuMemcpyDtoH_v2_ptds)(&word, address, sizeof word));
    EQ(word, 8);
}

CASE(streams, know_their_flags_priority_and_context) {
    CUstream stream = NULL;
    CUcontext context = NULL;
    unsigned flags = 77;
    int priority = 77;
    int least = 0;
    int greatest = 0;
    CUcontext current = conf_context();
    OK(cu(cuCtxGetStreamPriorityRange)(&least, &greatest));
    OK(cu(cuStreamCreateWithPriority)(&stream, CU_STREAM_NON_BLOCKING, greatest));
    OK(cu(cuStreamGetFlags)(stream, &flags));
    EQ(flags, CU_STREAM_NON_BLOCKING);
    OK(cu(cuStreamGetPriority)(stream, &priority));
    EQ(priority, greatest);
    OK(cu(cuStreamGetCtx)(stream, &context));
    CHECK(context == current);
    OK(cu(cuStreamDestroy_v2)(stream));
}

CASE(streams, have_distinct_ids) {
    unsigned long long ids[2] = {0, 0};
    conf_context();
    OK(cu(cuStreamGetId)(conf_stream(), &ids[0]));
    OK(cu(cuStreamGetId)(conf_stream(), &ids[1]));
    CHECK(ids[0] != ids[1]);
}

CASE(streams, bad_flags_are_refused) {
    CUstream stream = NULL;
    conf_context();
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuStreamCreate)(&stream, 0x1000));
}

CASE(streams, destroyed_with_work_pending_finish_it) {
    conf_context();
    CUdeviceptr address = conf_alloc(4096);
    CUstream stream = conf_stream();
    conf_spin(200, stream);
    conf_fill(address, 1024, 4, stream);
    OK(cu(cuStreamDestroy_v2)(stream));
    OK(cu(cuCtxSynchronize)());
    EQ(conf_mismatches(address, 1024, 4), 0);
}

struct trail {
    int next;
    int seen[4];
};

static void note(void *data) {
    struct trail *trail = data;
    int place = __atomic_fetch_add(&trail->next, 1, __ATOMIC_SEQ_CST);
    trail->seen[place & 3] = place + 1;
}

static void CUDA_CB note_callback(CUstream stream, CUresult status, void *data) {
    (void)stream;
    if (status == CUDA_SUCCESS) {
        note(data);
    }
}

CASE(streams, host_functions_run_in_order) {
    static struct trail trail;
    struct conf_spell spell = {0};
    int meanwhile;
    conf_context();
    CUstream stream = conf_stream();
    conf_kernel("aliquot_spin");
    do {
        OK(cu(cuStreamSynchronize)(stream));
        trail = (struct trail){0};
        conf_spin_longer(&spell, stream);
        OK(cu(cuLaunchHostFunc)(stream, note, &trail));
        OK(cu(cuStreamAddCallback)(stream, note_callback, &trail, 0));
        OK(cu(cuLaunchHostFunc)(stream, note, &trail));
        meanwhile = __atomic_load_n(&trail.next, __ATOMIC_SEQ_CST);
    } while (!conf_is_spinning(&spell));
    EQ(meanwhile, 0);
    OK(cu(cuStreamSynchronize)(stream));
    EQ(__atomic_load_n(&trail.next, __ATOMIC_SEQ_CST), 3);
}

CASE(streams, wait_for_a_value_in_memory) {
    conf_context();
    CUstream waiter = conf_stream();
    CUstream writer = conf_stream();
    CUdeviceptr flag = conf_alloc(4096);
    CUdeviceptr data = conf_alloc(4096);
    OK(cu(cuMemsetD32_v2)(flag, 0, 2));
    OK(cu(cuMemsetD32_v2)(data, 0, 1024));
    OK(cu(cuCtxSynchronize)());
    CUresult result = cu(cuStreamWaitValue32_v2)(waiter, flag, 3, CU_STREAM_WAIT_VALUE_GEQ);
    if (result == CUDA_ERROR_NOT_SUPPORTED) {
        SKIP("the device has no waits for values");
    }
    OK(result);
    conf_fill(data, 1024, 12, waiter);
    conf_sleep_ms(50);
    IS(CUDA_ERROR_NOT_READY, cu(cuStreamQuery)(waiter));
    OK(cu(cuStreamWriteValue32_v2)(writer, flag, 3, CU_STREAM_WRITE_VALUE_DEFAULT));
    OK(cu(cuStreamSynchronize)(waiter));
    EQ(conf_mismatches(data, 1024, 12), 0);
}
