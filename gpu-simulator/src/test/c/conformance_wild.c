/* Faults on the device: sticky for the process that made them, harmless for the others. */
#include "conformance.h"

#include <unistd.h>

static void store_to(CUdeviceptr address) {
    void *arguments[] = {&address};
    OK(cu(cuLaunchKernel)(conf_kernel("aliquot_wild"), 1, 1, 1, 1, 1, 1, 0, NULL, arguments, NULL));
}

/* An error that stays: every later call that needs the device gives it again. */
static void stays(CUresult wanted, CUstream stream) {
    CUdeviceptr address = 0;
    int count = 0;
    CUcontext current = NULL;
    IS(wanted, cu(cuCtxSynchronize)());
    IS(wanted, cu(cuMemAlloc_v2)(&address, 4096));
    IS(wanted, cu(cuStreamSynchronize)(stream));
    IS(wanted, cu(cuCtxSynchronize)());
    OK(cu(cuDeviceGetCount)(&count));
    OK(cu(cuCtxGetCurrent)(&current));
    CHECK(count >= 1 && current != NULL);
}

CASE(wild, store_to_a_reserved_range_is_an_illegal_address) {
    CUdeviceptr address = 0;
    conf_context();
    CUstream stream = conf_stream();
    OK(cu(cuMemAddressReserve)(&address, 32 * MIB, 0, 0, 0));
    store_to(address);
    IS(CUDA_ERROR_ILLEGAL_ADDRESS, cu(cuCtxSynchronize)());
    stays(CUDA_ERROR_ILLEGAL_ADDRESS, stream);
}

CASE(wild, store_near_zero_is_an_illegal_address) {
    conf_context();
    CUstream stream = conf_stream();
    store_to(0x1000);
    IS(CUDA_ERROR_ILLEGAL_ADDRESS, cu(cuCtxSynchronize)());
    stays(CUDA_ERROR_ILLEGAL_ADDRESS, stream);
}

CASE(wild, trap_is_a_failed_launch) {
    conf_context();
    CUstream stream = conf_stream();
    OK(cu(cuLaunchKernel)(conf_kernel("aliquot_trap"), 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL));
    CUresult result = cu(cuCtxSynchronize)();
    ONE_OF(result, CUDA_ERROR_LAUNCH_FAILED, CUDA_ERROR_ILLEGAL_INSTRUCTION);
    stays(result, stream);
}

CASE(wild, allocated_memory_is_no_fault) {
    uint32_t word = 0;
    conf_context();
    CUdeviceptr address = conf_alloc(4096);
    store_to(address);
    OK(cu(cuMemcpyDtoH_v2)(&word, address, sizeof word));
    EQ(word, 1);
}

static void faulter(int channel, void *unused) {
    (void)unused;
    conf_context();
    conf_alloc(256 * MIB);
    conf_signal(channel);
    conf_await(channel);
    store_to(0x1000);
    IS(CUDA_ERROR_ILLEGAL_ADDRESS, cu(cuCtxSynchronize)());
    conf_signal(channel);
    conf_await(channel);
    _exit(0);
}

CASE(wild, others_go_on_and_memory_comes_back) {
    struct conf_peer peer = conf_start(faulter, NULL);
    conf_await(peer.channel);
    conf_context();
    CUdeviceptr address = conf_alloc(4 * MIB);
    conf_fill(address, MIB, 2, NULL);
    conf_signal(peer.channel);
    conf_await(peer.channel);
    conf_add(address, MIB, 3, NULL);
    EQ(conf_mismatches(address, MIB, 5), 0);
    uint64_t with = conf_room();
    conf_signal(peer.channel);
    conf_join(&peer);
    CHECK(conf_wait_for_room(with + 256 * MIB - CONF_NOISE));
}
