/* Starting: before cuInit, cuInit itself, versions, error names, visible devices. */
#include "conformance.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

CASE(init, calls_before_it_answer_not_initialized) {
    int count = 0;
    CUdevice device = 0;
    CUcontext context = NULL;
    CUdeviceptr address = 0;
    IS(CUDA_ERROR_NOT_INITIALIZED, cu(cuDeviceGetCount)(&count));
    IS(CUDA_ERROR_NOT_INITIALIZED, cu(cuDeviceGet)(&device, 0));
    IS(CUDA_ERROR_NOT_INITIALIZED, cu(cuDevicePrimaryCtxRetain)(&context, 0));
    IS(CUDA_ERROR_NOT_INITIALIZED, cu(cuCtxGetCurrent)(&context));
    IS(CUDA_ERROR_NOT_INITIALIZED, cu(cuMemAlloc_v2)(&address, 4096));
}

CASE(init, version_and_error_names_need_no_init) {
    int version = 0;
    const char *name = NULL;
    OK(cu(cuDriverGetVersion)(&version));
    CHECK(version >= 11000 && version < 100000 && version % 10 == 0);
    OK(cu(cuGetErrorName)(CUDA_ERROR_OUT_OF_MEMORY, &name));
    CHECK(strcmp(name, "CUDA_ERROR_OUT_OF_MEMORY") == 0);
}

CASE(init, works_and_works_again) {
    int count = 0;
    OK(cu(cuInit)(0));
    OK(cu(cuInit)(0));
    OK(cu(cuDeviceGetCount)(&count));
    CHECK(count >= 1);
}

CASE(init, flags_other_than_zero_are_invalid) {
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuInit)(1));
    OK(cu(cuInit)(0));
}

static void *count_in_thread(void *unused) {
    (void)unused;
    int count = 0;
    OK(cu(cuDeviceGetCount)(&count));
    CHECK(count >= 1);
    return NULL;
}

CASE(init, counts_for_every_thread) {
    pthread_t thread;
    OK(cu(cuInit)(0));
    CHECK(pthread_create(&thread, NULL, count_in_thread, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}

CASE(init, error_names_and_texts) {
    static const struct {
        CUresult result;
        const char *name;
    } KNOWN[] = {
        {CUDA_SUCCESS, "CUDA_SUCCESS"},
        {CUDA_ERROR_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE"},
        {CUDA_ERROR_NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED"},
        {CUDA_ERROR_NO_DEVICE, "CUDA_ERROR_NO_DEVICE"},
        {CUDA_ERROR_INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT"},
        {CUDA_ERROR_INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE"},
        {CUDA_ERROR_NOT_FOUND, "CUDA_ERROR_NOT_FOUND"},
        {CUDA_ERROR_NOT_READY, "CUDA_ERROR_NOT_READY"},
        {CUDA_ERROR_ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS"},
        {CUDA_ERROR_LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED"},
        {CUDA_ERROR_NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED"},
        {CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"},
        {CUDA_ERROR_UNKNOWN, "CUDA_ERROR_UNKNOWN"},
    };
    for (size_t i = 0; i < sizeof KNOWN / sizeof KNOWN[0]; i++) {
        const char *name = NULL;
        const char *text = NULL;
        OK(cu(cuGetErrorName)(KNOWN[i].result, &name));
        CHECK(name != NULL && strcmp(name, KNOWN[i].name) == 0);
        OK(cu(cuGetErrorString)(KNOWN[i].result, &text));
        CHECK(text != NULL && text[0] != '\0');
    }
    const char *text = NULL;
    OK(cu(cuGetErrorString)(CUDA_SUCCESS, &text));
    CHECK(strcmp(text, "no error") == 0);
    OK(cu(cuGetErrorString)(CUDA_ERROR_OUT_OF_MEMORY, &text));
    CHECK(strcmp(text, "out of memory") == 0);
}

CASE(init, unknown_errors_have_no_name) {
    const char *name = "untouched";
    const char *text = "untouched";
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuGetErrorName)((CUresult)123456, &name));
    CHECK(name == NULL);
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuGetErrorString)((CUresult)123456, &text));
    CHECK(text == NULL);
}

CASE(init, no_visible_device_is_no_device) {
    CHECK(setenv("CUDA_VISIBLE_DEVICES", "", 1) == 0);
    IS(CUDA_ERROR_NO_DEVICE, cu(cuInit)(0));
}

CASE(init, visible_devices_are_chosen_by_index) {
    int count = 0;
    CHECK(setenv("CUDA_VISIBLE_DEVICES", "0", 1) == 0);
    OK(cu(cuInit)(0));
    OK(cu(cuDeviceGetCount)(&count));
    EQ(count, 1);
}

/* The list ends at the first entry that is no device. */
CASE(init, visible_devices_end_at_an_unknown_one) {
    int count = 0;
    CHECK(setenv("CUDA_VISIBLE_DEVICES", "0,-1,0", 1) == 0);
    OK(cu(cuInit)(0));
    OK(cu(cuDeviceGetCount)(&count));
    EQ(count, 1);
}

static void send_uuid_of_last(int channel, void *unused) {
    (void)unused;
    int count = 0;
    CUuuid uuid;
    CUdevice device = 0;
    OK(cu(cuInit)(0));
    OK(cu(cuDeviceGetCount)(&count));
    OK(cu(cuDeviceGet)(&device, count - 1));
    OK(cu(cuDeviceGetUuid_v2)(&uuid, device));
    conf_send(channel, &uuid, sizeof uuid);
    conf_send(channel, &count, sizeof count);
}

CASE(init, visible_devices_are_reordered) {
    int count = 0;
    CUuuid last;
    CUuuid first;
    CUdevice device = 0;
    struct conf_peer peer = conf_start(send_uuid_of_last, NULL);
    conf_receive(peer.channel, &last, sizeof last);
    conf_receive(peer.channel, &count, sizeof count);
    conf_join(&peer);
    if (count < 2) {
        SKIP("needs two devices");
    }
    char order[32];
    order[0] = (char)('0' + (count - 1) % 10);
    memcpy(order + 1, ",0", 3);
    if (count > 10) {
        SKIP("knows up to 10 devices");
    }
    CHECK(setenv("CUDA_VISIBLE_DEVICES", order, 1) == 0);
    OK(cu(cuInit)(0));
    OK(cu(cuDeviceGetCount)(&count));
    EQ(count, 2);
    OK(cu(cuDeviceGet)(&device, 0));
    OK(cu(cuDeviceGetUuid_v2)(&first, device));
    CHECK(memcmp(&first, &last, sizeof first) == 0);
}
