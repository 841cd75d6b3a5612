/* Device identity: UUIDs from the driver against the control page. */
#include "devices.h"

#include "hooks.h"

#define ALQ_ORDINALS 64

/* By ordinal: 0 not asked yet, 1 not the tenant's, else index + 2. */
static uint8_t alq_indices[ALQ_ORDINALS];

static void alq_uuid_text(const CUuuid *uuid, char text[37])
{
    static const char digits[] = "0123456789abcdef";
    char *next = text;
    for (int i = 0; i < 16; i++) {
        unsigned char byte = (unsigned char)uuid->bytes[i];
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *next++ = '-';
        }
        *next++ = digits[byte >> 4];
        *next++ = digits[byte & 15];
    }
    *next = '\0';
}

int alq_device_index(CUdevice ordinal)
{
    if (ordinal < 0 || ordinal >= ALQ_ORDINALS) {
        return -1;
    }
    uint8_t known = __atomic_load_n(&alq_indices[ordinal], __ATOMIC_RELAXED);
    if (known != 0) {
        return (int)known - 2;
    }
    const struct alq_control_page *control = alq_pages_control();
    CUuuid uuid;
    /* the second version tells a MIG instance from its GPU */
    if (control == NULL
        || (ALQ_CALL(cuDeviceGetUuid_v2, &uuid, ordinal) != CUDA_SUCCESS
            && ALQ_CALL(cuDeviceGetUuid, &uuid, ordinal) != CUDA_SUCCESS)) {
        return -1;
    }
    char text[37];
    alq_uuid_text(&uuid, text);
    int device = alq_pages_device(control, text);
    __atomic_store_n(&alq_indices[ordinal], (uint8_t)(device + 2), __ATOMIC_RELAXED);
    return device;
}

bool alq_device_exists(CUdevice ordinal)
{
    int value;
    return ALQ_CALL(cuDeviceGetAttribute, &value, CU_DEVICE_ATTRIBUTE_WARP_SIZE, ordinal) == CUDA_SUCCESS;
}

bool alq_place_current(struct alq_place *place)
{
    if (ALQ_CALL(cuCtxGetDevice, &place->ordinal) != CUDA_SUCCESS) {
        return false;
    }
    place->device = alq_device_index(place->ordinal);
    return true;
}

bool alq_place_of_context(CUcontext context, struct alq_place *place)
{
    CUcontext popped;
    if (context == NULL || ALQ_CALL(cuCtxPushCurrent_v2, context) != CUDA_SUCCESS) {
        return false;
    }
    bool known = alq_place_current(place);
    ALQ_CALL(cuCtxPopCurrent_v2, &popped);
    return known;
}

CUcontext alq_context_of_stream(CUstream stream)
{
    CUcontext context = NULL;
    if (stream == NULL || stream == CU_STREAM_LEGACY || stream == CU_STREAM_PER_THREAD) {
        return alq_context_current();
    }
    return ALQ_CALL(cuStreamGetCtx, stream, &context) == CUDA_SUCCESS ? context : NULL;
}

bool alq_place_of_stream(CUstream stream, struct alq_place *place)
{
    CUcontext context = alq_context_of_stream(stream);
    return context == alq_context_current() ? alq_place_current(place) : alq_place_of_context(context, place);
}

CUcontext alq_context_current(void)
{
    CUcontext context = NULL;
    return ALQ_CALL(cuCtxGetCurrent, &context) == CUDA_SUCCESS ? context : NULL;
}

bool alq_capturing(CUstream stream)
{
    CUstreamCaptureStatus status = CU_STREAM_CAPTURE_STATUS_NONE;
    return ALQ_CALL(cuStreamIsCapturing, stream, &status) == CUDA_SUCCESS && status != CU_STREAM_CAPTURE_STATUS_NONE;
}
