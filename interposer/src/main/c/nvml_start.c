/* Start and end of NVML, and the names of its errors. */
#include "nvml_library.h"

ALQ_NVML_HOOK(nvmlInit);
ALQ_NVML_HOOK(nvmlInit_v2);
ALQ_NVML_HOOK(nvmlInitWithFlags);
ALQ_NVML_HOOK(nvmlShutdown);
ALQ_NVML_HOOK(nvmlErrorString);

const struct alq_library alq_library = {
    .path_offset = offsetof(struct alq_control_page, nvml_library),
    .not_ready = NVML_ERROR_UNINITIALIZED,
    .missing = NVML_ERROR_FUNCTION_NOT_FOUND,
    .wait_ms = 0,
};

/* What a start answers before the driver is asked; the control page has to be there and READY each time. */
static nvmlReturn_t ready(void)
{
    const struct alq_control_page *control = NULL;
    if (alq_pages_open_control(0, &control) != ALQ_PAGES_OK) {
        return NVML_ERROR_NOT_READY;
    }
    alq_nvml_forget_handles();
    return alq_library_open() != NULL ? NVML_SUCCESS : NVML_ERROR_LIBRARY_NOT_FOUND;
}

nvmlReturn_t alq_hook_nvmlInit(void)
{
    nvmlReturn_t answer = ready();
    return answer == NVML_SUCCESS ? ALQ_REAL(nvmlInit)() : answer;
}

nvmlReturn_t alq_hook_nvmlInit_v2(void)
{
    nvmlReturn_t answer = ready();
    return answer == NVML_SUCCESS ? ALQ_REAL(nvmlInit_v2)() : answer;
}

nvmlReturn_t alq_hook_nvmlInitWithFlags(unsigned int flags)
{
    nvmlReturn_t answer = ready();
    return answer == NVML_SUCCESS ? ALQ_REAL(nvmlInitWithFlags)(flags) : answer;
}

nvmlReturn_t alq_hook_nvmlShutdown(void)
{
    alq_nvml_forget_handles();
    return ALQ_REAL(nvmlShutdown)();
}

/* The driver's text; without the driver's library the three answers that this one gives by itself. */
const char *alq_hook_nvmlErrorString(nvmlReturn_t result)
{
    if (alq_library_has(ALQ_FN_nvmlErrorString)) {
        return ALQ_REAL(nvmlErrorString)(result);
    }
    switch ((int)result) {
    case NVML_SUCCESS:
        return "Success";
    case NVML_ERROR_UNINITIALIZED:
        return "Uninitialized";
    case NVML_ERROR_LIBRARY_NOT_FOUND:
        return "NVML Shared Library Not Found";
    case NVML_ERROR_NOT_READY:
        return "The tenant's agent is not ready";
    default:
        return "Unknown Error";
    }
}
