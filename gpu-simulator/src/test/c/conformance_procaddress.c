/* Entry points by name and interface version. */
#include "conformance.h"

static CUresult ask(const char *name, int version, cuuint64_t flags, void **found, CUdriverProcAddressQueryResult *status) {
    *found = (void *)&conf_entries;
    *status = (CUdriverProcAddressQueryResult)77;
    __typeof__(&cuGetProcAddress_v2) function = (__typeof__(&cuGetProcAddress_v2))conf_find("cuGetProcAddress_v2");
    if (function == NULL) {
        SKIP("this driver has no cuGetProcAddress_v2");
    }
    return function(name, found, version, flags, status);
}

CASE(procaddress, finds_every_entry_that_the_suite_uses) {
    for (size_t i = 0; i < conf_entry_count; i++) {
        void *found = NULL;
        CUdriverProcAddressQueryResult status;
        OK(ask(conf_entries[i].base, conf_entries[i].version, CU_GET_PROC_ADDRESS_DEFAULT, &found, &status));
        if (found == NULL || status != CU_GET_PROC_ADDRESS_SUCCESS) {
            conf_fail(__FILE__, __LINE__, "%s of version %d was not found (status %d)", conf_entries[i].base,
                      conf_entries[i].version, (int)status);
        }
    }
}

CASE(procaddress, works_before_init) {
    void *found = NULL;
    CUdriverProcAddressQueryResult status;
    OK(ask("cuInit", 2000, CU_GET_PROC_ADDRESS_DEFAULT, &found, &status));
    CHECK(found != NULL);
    OK(((__typeof__(&cuInit))found)(0));
}

CASE(procaddress, unknown_names_are_not_found) {
    void *found = NULL;
    CUdriverProcAddressQueryResult status;
    ONE_OF(ask("cuNoSuchFunction", 12000, CU_GET_PROC_ADDRESS_DEFAULT, &found, &status), CUDA_SUCCESS, CUDA_ERROR_NOT_FOUND);
    CHECK(found == NULL);
    EQ(status, CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND);
}

CASE(procaddress, versions_before_the_function_are_not_sufficient) {
    void *found = NULL;
    CUdriverProcAddressQueryResult status;
    ONE_OF(ask("cuMemAllocAsync", 10000, CU_GET_PROC_ADDRESS_DEFAULT, &found, &status), CUDA_SUCCESS, CUDA_ERROR_NOT_FOUND);
    CHECK(found == NULL);
    EQ(status, CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT);
}

CASE(procaddress, later_versions_give_the_newest_form_up_to_them) {
    void *found = NULL;
    void *same = NULL;
    CUdriverProcAddressQueryResult status;
    OK(ask("cuMemAlloc", 3020, CU_GET_PROC_ADDRESS_DEFAULT, &found, &status));
    OK(ask("cuMemAlloc", 12000, CU_GET_PROC_ADDRESS_DEFAULT, &same, &status));
    CHECK(found == same);
    OK(ask("cuStreamGetCaptureInfo", 11030, CU_GET_PROC_ADDRESS_DEFAULT, &found, &status));
    OK(ask("cuStreamGetCaptureInfo", 10010, CU_GET_PROC_ADDRESS_DEFAULT, &same, &status));
    CHECK(found != NULL && same != NULL && found != same);
}

CASE(procaddress, flags_choose_the_default_stream) {
    void *legacy = NULL;
    void *per_thread = NULL;
    void *standard = NULL;
    CUdriverProcAddressQueryResult status;
    uint32_t word = 0;
    OK(ask("cuMemcpyDtoH", 7000, CU_GET_PROC_ADDRESS_LEGACY_STREAM, &legacy, &status));
    OK(ask("cuMemcpyDtoH", 7000, CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM, &per_thread, &status));
    OK(ask("cuMemcpyDtoH", 7000, CU_GET_PROC_ADDRESS_DEFAULT, &standard, &status));
    CHECK(legacy != NULL && per_thread != NULL);
    CHECK(legacy != per_thread);
    CHECK(standard == legacy);
    conf_context();
    CUdeviceptr address = conf_alloc(4096);
    OK(cu(cuMemsetD32_v2)(address, 5, 1024));
    OK(cu(cuCtxSynchronize)());
    OK(((__typeof__(&cuMemcpyDtoH_v2))per_thread)(&word, address, sizeof word));
    EQ(word, 5);
    OK(ask("cuDeviceGetCount", 12000, CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM, &per_thread, &status));
    CHECK(per_thread != NULL);
}

CASE(procaddress, finds_itself) {
    void *found = NULL;
    void *inner = NULL;
    CUdriverProcAddressQueryResult status = (CUdriverProcAddressQueryResult)77;
    OK(ask("cuGetProcAddress", 12000, CU_GET_PROC_ADDRESS_DEFAULT, &found, &status));
    CHECK(found != NULL);
    OK(((__typeof__(&cuGetProcAddress_v2))found)("cuMemFree", &inner, 3020, CU_GET_PROC_ADDRESS_DEFAULT, &status));
    CHECK(inner != NULL);
    EQ(status, CU_GET_PROC_ADDRESS_SUCCESS);
    OK(ask("cuGetProcAddress", 11030, CU_GET_PROC_ADDRESS_DEFAULT, &found, &status));
    CHECK(found != NULL);
    inner = NULL;
    OK(((__typeof__(&cuGetProcAddress))found)("cuMemFree", &inner, 3020, CU_GET_PROC_ADDRESS_DEFAULT));
    CHECK(inner != NULL);
}

CASE(procaddress, status_is_optional) {
    void *found = NULL;
    OK(cu(cuGetProcAddress_v2)("cuMemFree", &found, 3020, CU_GET_PROC_ADDRESS_DEFAULT, NULL));
    CHECK(found != NULL);
}

CASE(procaddress, missing_arguments_are_refused) {
    void *found = NULL;
    CUdriverProcAddressQueryResult status;
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuGetProcAddress_v2)(NULL, &found, 12000, 0, &status));
    IS(CUDA_ERROR_INVALID_VALUE, cu(cuGetProcAddress_v2)("cuInit", NULL, 12000, 0, &status));
}
