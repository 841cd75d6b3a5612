/* See share.h. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "capture.h"
#include "devices.h"
#include "gate.h"
#include "hooks.h"
#include "movable.h"
#include "peers.h"
#include "settled.h"
#include "share.h"

#define ALQ_OPEN_WAIT_MS 5000u

/* Waits for the agent. False: it has no such piece, or does not answer. */
static bool alq_piece_fetch(uint64_t id, uint32_t at, struct alq_agent_piece *piece)
{
    struct alq_seat seat;
    struct alq_agent_refusal refusal;
    enum alq_agent_answer answer = ALQ_AGENT_ABSENT;
    for (int attempt = 0; attempt < 2 && alq_charge_seat(&seat) != NULL; attempt++) {
        answer = alq_agent_open_share(ALQ_OPEN_WAIT_MS, &seat, id, at, piece, &refusal);
        if (answer != ALQ_AGENT_REFUSED || refusal.status != ALQ_STATUS_STALE || !alq_ask_again()) {
            break;
        }
    }
    return answer == ALQ_AGENT_YES;
}

/* Imports the next piece of a block that is mapped nowhere yet, and is to have that many. */
static CUresult alq_piece_import(struct alq_movable_block *block, uint32_t pieces)
{
    struct alq_agent_piece fetched;
    uint32_t at = block->piece_count;
    uint64_t done_bytes = at * ALQ_PIECE_BYTES;
    if (!alq_piece_fetch(block->share, at, &fetched)) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    uint64_t left_bytes = alq_sub(block->bytes, done_bytes);
    uint64_t bytes = left_bytes < ALQ_PIECE_BYTES ? left_bytes : ALQ_PIECE_BYTES;
    bool good = fetched.descriptor >= 0 && bytes != 0 && fetched.shared.bytes == bytes && fetched.shared.piece == at
        && fetched.shared.pieces == pieces;
    struct alq_piece *piece = &block->pieces[at];
    *piece = (struct alq_piece){.bytes = bytes};
    CUresult result = good ? ALQ_CALL(cuMemImportFromShareableHandle, &piece->backing.handle,
                                 (void *)(uintptr_t)fetched.descriptor, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR)
                           : CUDA_ERROR_INVALID_VALUE;
    if (fetched.descriptor >= 0) {
        alq_agent_close(fetched.descriptor);
    }
    block->piece_count += result == CUDA_SUCCESS;
    return result;
}

static void alq_imports_end(struct alq_movable_block *block)
{
    for (uint32_t at = 0; at < block->piece_count; at++) {
        ALQ_CALL(cuMemRelease, block->pieces[at].backing.handle);
    }
    free(block);
}

/* Whoever reaches the memory of its device, and the device that it was opened for. */
static CUresult alq_opened_access(const struct alq_movable_block *block, CUdevice opener)
{
    CUmemAccessDesc access = {.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
    access.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    access.location.id = opener;
    CUresult result = alq_block_access(block);
    return result != CUDA_SUCCESS || opener == block->ordinal
        ? result
        : ALQ_CALL(cuMemSetAccess, block->begin, block->bytes, &access, 1);
}

/* Inside the gate. What is not mapped is undone, but for the handles. */
static CUresult alq_opened_map(struct alq_movable_block *block, CUdevice opener)
{
    CUresult result = ALQ_CALL(cuMemAddressReserve, &block->begin, block->bytes, 0, 0, 0);
    uint32_t mapped = 0;
    if (result != CUDA_SUCCESS) {
        return result;
    }
    for (; mapped < block->piece_count && result == CUDA_SUCCESS; mapped += result == CUDA_SUCCESS) {
        struct alq_piece *piece = &block->pieces[mapped];
        piece->begin = block->begin + mapped * ALQ_PIECE_BYTES;
        result = ALQ_CALL(cuMemMap, piece->begin, piece->bytes, 0, piece->backing.handle, 0);
    }
    if (result == CUDA_SUCCESS) {
        result = alq_opened_access(block, opener);
    }
    for (uint32_t at = 0; result != CUDA_SUCCESS && at < mapped; at++) {
        ALQ_CALL(cuMemUnmap, block->pieces[at].begin, block->pieces[at].bytes);
    }
    if (result != CUDA_SUCCESS) {
        ALQ_CALL(cuMemAddressFree, block->begin, block->bytes);
    }
    return result;
}

/* The block of a handle with all its pieces imported. */
static CUresult alq_opened_import(const struct alq_share_handle *handle, struct alq_movable_block **imported)
{
    uint64_t pieces = (handle->bytes + ALQ_PIECE_BYTES - 1) / ALQ_PIECE_BYTES;
    if (handle->bytes > ALQ_SHARE_PIECES * ALQ_PIECE_BYTES || pieces == 0 || handle->asked_bytes > handle->bytes) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    struct alq_movable_block *block = calloc(1, sizeof *block + pieces * sizeof block->pieces[0]);
    if (block == NULL) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    *block = (struct alq_movable_block){.bytes = handle->bytes,
        .asked_bytes = handle->asked_bytes,
        .id = alq_movables_id(),
        .context = alq_context_current(),
        .tie = ALQ_OPENED,
        .reason = ALQ_PINNED_OPENED,
        .share = handle->id,
        .opens = 1};
    CUresult result = CUDA_SUCCESS;
    while (block->piece_count < pieces && result == CUDA_SUCCESS) {
        result = alq_piece_import(block, (uint32_t)pieces);
    }
    if (result != CUDA_SUCCESS) {
        alq_imports_end(block);
        return result;
    }
    *imported = block;
    return CUDA_SUCCESS;
}

/* Maps it and puts it where it is found; another thread may have been first. */
static CUresult alq_opened_land(struct alq_movable_block *block, CUdevice opener, CUdeviceptr *address)
{
    bool gated = alq_gate_enter();
    uint32_t version = alq_peers_version();
    CUresult result = alq_opened_map(block, opener);
    struct alq_movable_block *there = result == CUDA_SUCCESS ? alq_movables_put_opened(block) : NULL;
    if (there != NULL) {
        *address = there->begin;
    }
    if (there == block) {
        alq_charge_shift(block->device, &(struct alq_shift){.pinned = block->bytes, .reason = ALQ_PINNED_OPENED});
    }
    if (there == block && version != alq_peers_version()) {
        alq_opened_access(block, opener);
    }
    if (result == CUDA_SUCCESS && there != block) {
        alq_block_end(block);
    } else if (result != CUDA_SUCCESS) {
        alq_imports_end(block);
    }
    alq_gate_leave(gated);
    return there == NULL && result == CUDA_SUCCESS ? CUDA_ERROR_OUT_OF_MEMORY : result;
}

static CUresult alq_open(const struct alq_share_handle *handle, CUdeviceptr *address)
{
    struct alq_movable_block *block;
    struct alq_place opener;
    struct alq_place place;
    if (!alq_place_current(&opener)) {
        return CUDA_ERROR_INVALID_CONTEXT;
    }
    CUresult result = alq_opened_import(handle, &block);
    if (result != CUDA_SUCCESS) {
        return result;
    }
    if (!alq_place_of_handle(block->pieces[0].backing.handle, &place)) {
        alq_imports_end(block);
        return CUDA_ERROR_INVALID_VALUE;
    }
    block->ordinal = place.ordinal;
    block->device = place.device;
    CUdeviceptr begin;
    result = alq_opened_land(block, opener.ordinal, &begin);
    if (result == CUDA_SUCCESS && !alq_import_fits(&place)) {
        alq_share_close(begin, &result);
        alq_settle(place.device);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    if (result == CUDA_SUCCESS) {
        *address = begin;
    }
    return result;
}

bool alq_share_open(CUdeviceptr *address, const CUipcMemHandle *handle, unsigned int flags, CUresult *result)
{
    struct alq_share_handle own;
    int cancel_state;
    memcpy(&own, handle, sizeof own);
    if (own.magic != ALQ_SHARE_MAGIC || address == NULL || (flags & ~(unsigned int)CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS) != 0
        || alq_context_current() == NULL) {
        return false;
    }
    if (own.maker == alq_share_maker()) {
        *result = CUDA_ERROR_INVALID_CONTEXT;
        return true;
    }
    CUdeviceptr begin = alq_movables_open(own.id, alq_context_current());
    if (begin != 0) {
        *address = begin;
        *result = CUDA_SUCCESS;
        return true;
    }
    int saved_errno = errno;
    alq_bare_never();
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    *result = alq_open(&own, address);
    pthread_setcancelstate(cancel_state, NULL);
    errno = saved_errno;
    return true;
}

/* Takes the block that begins at address out with its last close: *last. False: there is none. */
static bool alq_share_leave(CUdeviceptr address, bool captured, struct alq_movable_block **last)
{
    bool gated = alq_gate_enter();
    bool closed = alq_movables_close(address, last);
    if (*last != NULL && captured) {
        alq_movable_bury(*last);
        *last = NULL;
    }
    alq_gate_leave(gated);
    return closed;
}

bool alq_share_close(CUdeviceptr address, CUresult *result)
{
    struct alq_movable_block copy;
    struct alq_movable_block *last;
    if (!alq_movables_find(address, &copy) || copy.tie != ALQ_OPENED || alq_context_current() == NULL) {
        return false;
    }
    int saved_errno = errno;
    bool closed = alq_share_leave(copy.begin, alq_capture_active(), &last);
    *result = CUDA_SUCCESS;
    if (last != NULL) {
        *result = alq_block_wait(copy.context);
        bool gated = alq_gate_enter();
        if (*result == CUDA_SUCCESS) {
            alq_movable_release(last);
        } else {
            alq_movable_bury(last);
        }
        alq_gate_leave(gated);
        alq_settle_lazily(copy.device);
    }
    errno = saved_errno;
    return closed;
}
