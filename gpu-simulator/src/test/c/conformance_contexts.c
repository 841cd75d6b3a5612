/* Contexts: none, primary ones, own ones, the stack of a thread, limits, what they cost. */
#include "conformance.h"

#include <pthread.h>

CASE(contexts, without_one_calls_answer_invalid_context) {
    CUdeviceptr address = 0;
    size_t room = 0;
    size_t total = 0;
    CUstream stream = NULL;
    CUevent event = NULL;
    CUmodule module = NULL;
    CUdevice device = 0;
    CUcontext context = (CUcontext)&device;
    conf_device();
    OK(cu(cuCtxGetCurrent)(&context));
    CHECK(context == NULL);
    IS(CUDA_ERROR_INVALID_CONTEXT, cu(cuMemAlloc_v2)(&address, 4096));
    IS(CUDA_ERROR_INVALID_CONTEXT, cu(cuMemGetInfo_v2)(&room, &total));
    IS(CUDA_ERROR_INVALID_CONTEXT, cu(cuStreamCreate)(&stream, 0));
    IS(CUDA_ERROR_INVALID_CONTEXT, cu(cuEventCreate)(&event, 0));
    IS(CUDA_ERROR_INVALID_CONTEXT, cu(cuModuleLoadData)(&module, conf_ptx));
    IS(CUDA_ERROR_INVALID_CONTEXT, cu(cuCtxGetDevice)(&device));
    IS(CUDA_ERROR_INVALID_CONTEXT, cu(cuCtxSynchronize)());
    IS(CUDA_ERROR_INVALID_CONTEXT, cu(cuCtxPopCurrent_v2)(&context));
}

CASE(contexts, primary_one_is_counted) {
    CUdevice device = conf_device();
    CUcontext one = NULL;
    CUcontext two = NULL;
    unsigned flags = 1;
    int active = -1;
    OK(cu(cuDevicePrimaryCtxGetState)(device, &flags, &active));
    EQ(active, 0);
    OK(cu(cuDevicePrimaryCtxRetain)(&one, device));
    OK(cu(cuDevicePrimaryCtxRetain)(&two, device));
    CHECK(one != NULL && one == two);
    OK(cu(cuDevicePrimaryCtxGetState)(device, &flags, &active));
    EQ(active, 1);
    OK(cu(cuDevicePrimaryCtxRelease_v2)(device));
    OK(cu(cuDevicePrimaryCtxGetState)(device, &flags, &active));
    EQ(active, 1);
    OK(cu(cuDevicePrimaryCtxRelease_v2)(device));
    OK(cu(cuDevicePrimaryCtxGetState)(device, &flags, &active));
    EQ(active, 0);
    FAILS(cu(cuDevicePrimaryCtxRelease_v2)(device));
}

CASE(contexts, retain_does_not_make_current) {
    CUcontext context = NULL;
    CUcontext current = NULL;
    OK(cu(cuDevicePrimaryCtxRetain)(&context, conf_device()));
    OK(cu(cuCtxGetCurrent)(&current));
    CHECK(current == NULL);
}

CASE(contexts, create_pushes_and_destroy_pops) {
    CUdevice device = conf_device();
    CUdevice current_device = -1;
    CUcontext context = NULL;
    CUcontext current = NULL;
    unsigned version = 0;
    OK(cu(cuCtxCreate_v2)(&context, 0, device));
    OK(cu(cuCtxGetCurrent)(&current));
    CHECK(context != NULL && current == context);
    OK(cu(cuCtxGetDevice)(&current_device));
    EQ(current_device, device);
    OK(cu(cuCtxGetApiVersion)(context, &version));
    CHECK(version >= 3010);
    OK(cu(cuCtxDestroy_v2)(context));
    OK(cu(cuCtxGetCurrent)(&current));
    CHECK(current == NULL);
}

CASE(contexts, stack_of_a_thread) {
    CUdevice device = conf_device();
    CUcontext one = NULL;
    CUcontext two = NULL;
    CUcontext got = NULL;
    OK(cu(cuCtxCreate_v2)(&one, 0, device));
    OK(cu(cuCtxCreate_v2)(&two, 0, device));
    CHECK(one != two);
    OK(cu(cuCtxPopCurrent_v2)(&got));
    CHECK(got == two);
    OK(cu(cuCtxGetCurrent)(&got));
    CHECK(got == one);
    OK(cu(cuCtxPushCurrent_v2)(two));
    OK(cu(cuCtxGetCurrent)(&got));
    CHECK(got == two);
    OK(cu(cuCtxPopCurrent_v2)(&got));
    OK(cu(cuCtxPopCurrent_v2)(&got));
    CHECK(got == one);
    IS(CUDA_ERROR_INVALID_CONTEXT, cu(cuCtxPopCurrent_v2)(&got));
    OK(cu(cuCtxSetCurrent)(two));
    OK(cu(cuCtxGetCurrent)(&got));
    CHECK(got == two);
    OK(cu(cuCtxSetCurrent)(NULL));
    OK(cu(cuCtxGetCurrent)(&got));
    CHECK(got == NULL);
    OK(cu(cuCtxDestroy_v2)(one));
    OK(cu(cuCtxDestroy_v2)(two));
}

static void *other_thread(void *context) {
    CUcontext current = context;
    OK(cu(cuCtxGetCurrent)(&current));
    CHECK(current == NULL);
    OK(cu(cuCtxSetCurrent)(context));
    OK(cu(cuMemFree_v2)(conf_alloc(4096)));
    return NULL;
}

CASE(contexts, are_current_for_one_thread_only) {
    pthread_t thread;
    CUcontext context = conf_context();
    CUcontext current = NULL;
    CHECK(pthread_create(&thread, NULL, other_thread, context) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    OK(cu(cuCtxGetCurrent)(&current));
    CHECK(current == context);
}

CASE(contexts, flags_are_kept) {
    CUcontext context = NULL;
    unsigned flags = 0;
    OK(cu(cuCtxCreate_v2)(&context, CU_CTX_SCHED_BLOCKING_SYNC, conf_device()));
    OK(cu(cuCtxGetFlags)(&flags));
    EQ(flags & CU_CTX_SCHED_MASK, CU_CTX_SCHED_BLOCKING_SYNC);
}

CASE(contexts, bad_flags_and_devices_are_refused) {
    CUcontext context = NULL;
    conf_device();
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuCtxCreate_v2)(&context, 0x80000000u, 0));
    IS(CUDA_ERROR_INVALID_DEVICE, cu(cuCtxCreate_v2)(&context, 0, 1000));
    IS(CUDA_ERROR_INVALID_DEVICE, cu(cuDevicePrimaryCtxRetain)(&context, 1000));
}

CASE(contexts, have_limits) {
    size_t value = 0;
    conf_context();
    OK(cu(cuCtxGetLimit)(&value, CU_LIMIT_STACK_SIZE));
    CHECK(value > 0);
    OK(cu(cuCtxSetLimit)(CU_LIMIT_MALLOC_HEAP_SIZE, 16 * MIB));
    OK(cu(cuCtxGetLimit)(&value, CU_LIMIT_MALLOC_HEAP_SIZE));
    CHECK(value >= 16 * MIB);
    ONE_OF(cu(cuCtxGetLimit)(&value, (CUlimit)1000), CUDA_ERROR_UNSUPPORTED_LIMIT, CUDA_ERROR_INVALID_VALUE);
}

CASE(contexts, have_a_range_of_stream_priorities) {
    int least = -100;
    int greatest = 100;
    conf_context();
    OK(cu(cuCtxGetStreamPriorityRange)(&least, &greatest));
    CHECK(least >= greatest && least - greatest < 100);
}

CASE(contexts, have_distinct_ids) {
    CUcontext one = NULL;
    CUcontext two = NULL;
    unsigned long long ids[2] = {0, 0};
    CUdevice device = conf_device();
    OK(cu(cuCtxCreate_v2)(&one, 0, device));
    OK(cu(cuCtxCreate_v2)(&two, 0, device));
    OK(cu(cuCtxGetId)(one, &ids[0]));
    OK(cu(cuCtxGetId)(two, &ids[1]));
    CHECK(ids[0] != ids[1]);
}

CASE(contexts, take_their_memory_with_them) {
    CUcontext context = NULL;
    conf_context();
    uint64_t before = conf_room();
    OK(cu(cuCtxCreate_v2)(&context, 0, conf_device()));
    conf_alloc(256 * MIB);
    CHECK(conf_room() + 256 * MIB <= before);
    OK(cu(cuCtxDestroy_v2)(context));
    CHECK(conf_wait_for_room(before - CONF_NOISE));
}

CASE(contexts, reset_of_the_primary_one_frees_memory) {
    CUdevice device = conf_device();
    CUcontext watcher = NULL;
    CUcontext primary = NULL;
    OK(cu(cuCtxCreate_v2)(&watcher, 0, device));
    OK(cu(cuDevicePrimaryCtxRetain)(&primary, device));
    uint64_t before = conf_room();
    OK(cu(cuCtxSetCurrent)(primary));
    conf_alloc(256 * MIB);
    OK(cu(cuCtxSetCurrent)(watcher));
    CHECK(conf_room() + 256 * MIB <= before);
    OK(cu(cuDevicePrimaryCtxReset_v2)(device));
    OK(cu(cuCtxSetCurrent)(watcher));
    CHECK(conf_wait_for_room(before - CONF_NOISE));
}

static void *use_destroyed(void *argument) {
    CUcontext *context = argument;
    CUdeviceptr address = 0;
    OK(cu(cuCtxSetCurrent)(context[0]));
    OK(cu(cuMemFree_v2)(conf_alloc(4096)));
    __atomic_store_n(&context[1], context[0], __ATOMIC_RELEASE);
    while (__atomic_load_n(&context[2], __ATOMIC_ACQUIRE) == NULL) {
        conf_sleep_ms(5);
    }
    ONE_OF(cu(cuMemAlloc_v2)(&address, 4096), CUDA_ERROR_CONTEXT_IS_DESTROYED, CUDA_ERROR_INVALID_CONTEXT);
    return NULL;
}

CASE(contexts, destroyed_under_a_thread_are_noticed) {
    CUcontext state[3] = {NULL, NULL, NULL};
    pthread_t thread;
    OK(cu(cuCtxCreate_v2)(&state[0], 0, conf_device()));
    CHECK(pthread_create(&thread, NULL, use_destroyed, state) == 0);
    while (__atomic_load_n(&state[1], __ATOMIC_ACQUIRE) == NULL) {
        conf_sleep_ms(5);
    }
    OK(cu(cuCtxDestroy_v2)(state[0]));
    __atomic_store_n(&state[2], state[0], __ATOMIC_RELEASE);
    CHECK(pthread_join(thread, NULL) == 0);
}

static void hold_context(int channel, void *unused) {
    (void)unused;
    conf_context();
    conf_signal(channel);
    conf_await(channel);
}

CASE(contexts, cost_memory_that_others_see_and_get_back) {
    struct conf_peer peer = conf_start(hold_context, NULL);
    conf_await(peer.channel);
    conf_context();
    uint64_t with = conf_room();
    conf_signal(peer.channel);
    conf_join(&peer);
    CHECK(conf_wait_for_room(with + 32 * MIB));
}
