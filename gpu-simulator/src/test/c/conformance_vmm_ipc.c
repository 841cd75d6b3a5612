/* Chunks shared with other processes through file descriptors. */
#include "conformance.h"

#include <fcntl.h>
#include <unistd.h>

#define CHUNK (64 * MIB)

static void need_descriptors(void) {
    conf_context();
    if (conf_attribute(CU_DEVICE_ATTRIBUTE_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED) == 0) {
        SKIP("the device does not share memory through file descriptors");
    }
}

static int export_chunk(CUmemGenericAllocationHandle chunk) {
    int fd = -1;
    OK(cu(cuMemExportToShareableHandle)(&fd, chunk, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0));
    CHECK(fd >= 0);
    return fd;
}

static CUmemGenericAllocationHandle import_chunk(int fd) {
    CUmemGenericAllocationHandle chunk = 0;
    OK(cu(cuMemImportFromShareableHandle)(&chunk, (void *)(uintptr_t)fd, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR));
    CHECK(close(fd) == 0);
    return chunk;
}

/* Reads 5, writes 6. */
static void importer(int channel, void *unused) {
    (void)unused;
    CUdeviceptr address = 0;
    int fd = conf_receive_fd(channel);
    need_descriptors();
    CUmemGenericAllocationHandle chunk = import_chunk(fd);
    conf_map_chunk(chunk, CHUNK, &address);
    EQ(conf_mismatches(address, CHUNK / 4, 5), 0);
    conf_fill(address, CHUNK / 4, 6, NULL);
    OK(cu(cuCtxSynchronize)());
    conf_signal(channel);
    OK(cu(cuMemUnmap)(address, CHUNK));
    OK(cu(cuMemRelease)(chunk));
}

CASE(vmm_ipc, chunk_is_read_and_written_by_another_process) {
    CUdeviceptr address = 0;
    struct conf_peer peer = conf_start(importer, NULL);
    need_descriptors();
    CUmemGenericAllocationHandle chunk = conf_mapped_chunk(CHUNK, true, &address);
    conf_fill(address, CHUNK / 4, 5, NULL);
    OK(cu(cuCtxSynchronize)());
    int fd = export_chunk(chunk);
    conf_send_fd(peer.channel, fd);
    CHECK(close(fd) == 0);
    conf_await(peer.channel);
    EQ(conf_mismatches(address, CHUNK / 4, 6), 0);
    conf_join(&peer);
    EQ(conf_mismatches(address, CHUNK / 4, 6), 0);
}

static void exporter_that_ends(int channel, void *unused) {
    (void)unused;
    CUdeviceptr address = 0;
    need_descriptors();
    CUmemGenericAllocationHandle chunk = conf_mapped_chunk(CHUNK, true, &address);
    conf_fill(address, CHUNK / 4, 9, NULL);
    OK(cu(cuCtxSynchronize)());
    conf_send_fd(channel, export_chunk(chunk));
    conf_await(channel);
}

/* Starts with a context of its own, so that only the chunk's memory is looked at. */
static void outlive(bool killed) {
    CUdeviceptr address = 0;
    struct conf_peer peer = conf_start(exporter_that_ends, NULL);
    int fd = conf_receive_fd(peer.channel);
    need_descriptors();
    CUmemGenericAllocationHandle chunk = import_chunk(fd);
    if (killed) {
        conf_kill(&peer);
    } else {
        conf_signal(peer.channel);
        conf_join(&peer);
    }
    conf_map_chunk(chunk, CHUNK, &address);
    EQ(conf_mismatches(address, CHUNK / 4, 9), 0);
    OK(cu(cuMemUnmap)(address, CHUNK));
    OK(cu(cuMemRelease)(chunk));
}

CASE(vmm_ipc, chunk_outlives_the_process_that_made_it) {
    outlive(false);
}

CASE(vmm_ipc, chunk_outlives_a_killed_process_that_made_it) {
    outlive(true);
}

static void hold_import(int channel, void *unused) {
    (void)unused;
    int fd = conf_receive_fd(channel);
    need_descriptors();
    conf_signal(channel);
    conf_await(channel);
    CUmemGenericAllocationHandle chunk = import_chunk(fd);
    conf_signal(channel);
    conf_await(channel);
    OK(cu(cuMemRelease)(chunk));
    conf_signal(channel);
    conf_await(channel);
}

CASE(vmm_ipc, shared_chunk_takes_room_once_and_until_the_last_holder) {
    struct conf_peer peer = conf_start(hold_import, NULL);
    CUmemGenericAllocationHandle chunk = 0;
    need_descriptors();
    CUmemAllocationProp prop = conf_device_prop(true);
    OK(cu(cuMemCreate)(&chunk, 256 * MIB, &prop, 0));
    int fd = export_chunk(chunk);
    conf_send_fd(peer.channel, fd);
    CHECK(close(fd) == 0);
    conf_await(peer.channel); /* the peer has its context */
    uint64_t shared = conf_room();
    conf_signal(peer.channel);
    conf_await(peer.channel);
    CHECK(conf_room() + CONF_NOISE >= shared);
    OK(cu(cuMemRelease)(chunk));
    conf_sleep_ms(200);
    CHECK(conf_room() <= shared + CONF_NOISE);
    conf_signal(peer.channel);
    conf_await(peer.channel);
    CHECK(conf_wait_for_room(shared + 256 * MIB - CONF_NOISE));
    conf_signal(peer.channel);
    conf_join(&peer);
}

CASE(vmm_ipc, import_in_the_same_process_is_the_same_memory) {
    CUdeviceptr one = 0;
    CUdeviceptr two = 0;
    need_descriptors();
    CUmemGenericAllocationHandle chunk = conf_mapped_chunk(CHUNK, true, &one);
    CUmemGenericAllocationHandle again = import_chunk(export_chunk(chunk));
    conf_map_chunk(again, CHUNK, &two);
    conf_fill(one, CHUNK / 4, 77, NULL);
    OK(cu(cuCtxSynchronize)());
    EQ(conf_mismatches(two, CHUNK / 4, 77), 0);
    OK(cu(cuMemRelease)(chunk));
    OK(cu(cuMemRelease)(again));
}

CASE(vmm_ipc, descriptor_alone_keeps_the_contents) {
    CUdeviceptr address = 0;
    need_descriptors();
    CUmemGenericAllocationHandle chunk = conf_mapped_chunk(CHUNK, true, &address);
    conf_fill(address, CHUNK / 4, 13, NULL);
    OK(cu(cuCtxSynchronize)());
    int fd = export_chunk(chunk);
    OK(cu(cuMemUnmap)(address, CHUNK));
    OK(cu(cuMemRelease)(chunk));
    OK(cu(cuMemAddressFree)(address, CHUNK));
    chunk = import_chunk(fd);
    conf_map_chunk(chunk, CHUNK, &address);
    EQ(conf_mismatches(address, CHUNK / 4, 13), 0);
}

CASE(vmm_ipc, chunk_not_made_for_export_is_not_exported) {
    CUdeviceptr address = 0;
    int fd = -1;
    need_descriptors();
    CUmemGenericAllocationHandle chunk = conf_mapped_chunk(CHUNK, false, &address);
    FAILS(cu(cuMemExportToShareableHandle)(&fd, chunk, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0));
}

CASE(vmm_ipc, other_descriptors_are_not_imported) {
    CUmemGenericAllocationHandle chunk = 0;
    need_descriptors();
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0);
    FAILS(cu(cuMemImportFromShareableHandle)(&chunk, (void *)(uintptr_t)fd, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR));
    CHECK(close(fd) == 0);
    FAILS(cu(cuMemImportFromShareableHandle)(&chunk, (void *)(uintptr_t)fd, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR));
}
