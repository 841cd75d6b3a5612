/* Processes killed with -9: their memory comes back, and nobody else is harmed. */
#include "conformance.h"

#define HELD (512 * MIB)

static void holder(int channel, void *unused) {
    (void)unused;
    conf_context();
    CUdeviceptr address = conf_alloc(HELD / 2);
    CUdeviceptr chunk = 0;
    conf_mapped_chunk(HELD / 2, false, &chunk);
    conf_fill(address, MIB, 1, NULL);
    conf_fill(chunk, MIB, 1, NULL);
    OK(cu(cuCtxSynchronize)());
    conf_signal(channel);
    conf_await(channel);
}

CASE(kill9, memory_comes_back) {
    struct conf_peer peer = conf_start(holder, NULL);
    conf_await(peer.channel);
    conf_context();
    uint64_t with = conf_room();
    conf_kill(&peer);
    CHECK(conf_wait_for_room(with + HELD - CONF_NOISE));
}

static void busy(int channel, void *unused) {
    (void)unused;
    conf_context();
    CUstream stream = conf_stream();
    CUdeviceptr address = conf_alloc(HELD);
    conf_fill(address, MIB, 1, stream);
    conf_spin(20000, stream);
    conf_fill(address, MIB, 2, stream);
    conf_signal(channel);
    conf_await(channel);
}

CASE(kill9, in_the_middle_of_a_kernel) {
    struct conf_peer peer = conf_start(busy, NULL);
    conf_await(peer.channel);
    conf_context();
    uint64_t with = conf_room();
    CUdeviceptr own = conf_alloc(4 * MIB);
    conf_kill(&peer);
    CHECK(conf_wait_for_room(with + HELD - CONF_NOISE));
    conf_fill(own, MIB, 8, NULL);
    EQ(conf_mismatches(own, MIB, 8), 0);
}

CASE(kill9, again_and_again_leaks_nothing) {
    struct conf_peer peers[4];
    for (int i = 0; i < 4; i++) {
        peers[i] = conf_start(holder, NULL);
        conf_await(peers[i].channel);
        conf_kill(&peers[i]);
    }
    struct conf_peer last = conf_start(holder, NULL);
    conf_await(last.channel);
    conf_context();
    conf_sleep_ms(500);
    uint64_t with = conf_room();
    conf_kill(&last);
    CHECK(conf_wait_for_room(with + HELD - CONF_NOISE));
}
