/*
 * Legacy IPC handles of movable memory: between two processes of a tenant, with what is shared kept on its device and everything else moved as
 * ever; and what happens where the agent, the maker or the opener does not play along.
 */
#include "support_sharer.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "support_bare.h"

/* A case that begins with two processes of the tenant, neither of which has any memory. */
typedef void sharing_body(const struct moving *m, const struct sharer *other);

struct sharing_case {
    sharing_body *body;
    bool next_agent; /* another agent has been prepared */
};

static void start_both(struct world *world, const void *argument)
{
    const struct sharing_case *sharing = argument;
    struct moving moving;
    if (sharing->next_agent) {
        world_prepare_agent(world);
    }
    struct sharer other = sharer_start(world);
    moving_start(&moving, world, 256 * MIB);
    sharing->body(&moving, &other);
}

static void nothing_is_left(struct world *world, const void *unused)
{
    (void)unused;
    check_nothing_left(world);
    CHECK_EQ(atomic_load(&world->agent->shared->shares_kept), 0);
}

static void run_sharing(const char *name, sharing_body *body, bool next_agent)
{
    struct world *world =
        world_open((struct world_config){.memory_bytes = 4096 * MIB, .limit_bytes = 1024 * MIB, .agent_wait_ms = 1000});
    if (run_case(name, start_both, world, &(struct sharing_case){body, next_agent}) && !next_agent) {
        run_case(name, nothing_is_left, world, NULL);
    }
    world_close(world);
}

#define RUN_SHARING(name) run_sharing(#name, name, false)
#define RUN_SHARING_NEXT(name) run_sharing(#name, name, true)

static const struct agent_shared *agent_of(const struct moving *m)
{
    return m->world->agent->shared;
}

static uint64_t pieces_kept(const struct moving *m)
{
    return atomic_load(&agent_of(m)->shares_kept);
}

static void agent_shares(const struct moving *m, enum agent_share_mode mode)
{
    atomic_store(&m->world->agent->shared->share_mode, mode);
}

static CUdeviceptr filled(const struct moving *m, uint64_t bytes, uint32_t value)
{
    CUdeviceptr block = moving_alloc(bytes);
    moving_fill(m, block, bytes, value, NULL);
    CHECK_EQ(CU(cuCtxSynchronize)(), CUDA_SUCCESS);
    return block;
}

static CUdeviceptr opened(const struct sharer *other, CUipcMemHandle handle)
{
    struct sharer_message answer = sharer_does(other, (struct sharer_message){.order = SHARER_OPENS, .handle = handle});
    CHECK_EQ(answer.result, CUDA_SUCCESS);
    return answer.address;
}

static CUresult opening(const struct sharer *other, CUipcMemHandle handle)
{
    return sharer_does(other, (struct sharer_message){.order = SHARER_OPENS, .handle = handle}).result;
}

static CUresult closing(const struct sharer *other, CUdeviceptr address)
{
    return sharer_does(other, (struct sharer_message){.order = SHARER_CLOSES, .address = address}).result;
}

static uint64_t seen_wrong(const struct sharer *other, CUdeviceptr address, uint64_t bytes, uint32_t value)
{
    struct sharer_message look = {.order = SHARER_LOOKS, .address = address, .bytes = bytes, .value = value};
    return sharer_does(other, look).figure;
}

static void memory_is_read_and_written_by_another_process(const struct moving *m, const struct sharer *other)
{
    CUdeviceptr block = filled(m, 136 * MIB, 7);
    CUdeviceptr there = opened(other, sharer_handle(block));
    CHECK_EQ(seen_wrong(other, there, 136 * MIB, 7), 0);
    struct sharer_message add = {.order = SHARER_ADDS, .address = there, .bytes = 136 * MIB, .value = 5};
    CHECK_EQ(sharer_does(other, add).result, CUDA_SUCCESS);
    CHECK_EQ(moving_wrong(m, block, 136 * MIB, 12, NULL), 0);
    CHECK_EQ(moving_used(m), 136 * MIB);
    CHECK_EQ(test_agent_used(m->world->agent, 0), 136 * MIB);
    CHECK_EQ(closing(other, there), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
    sharer_ends(other, false);
}

static void a_handle_names_the_whole_allocation_and_stays_the_same(const struct moving *m, const struct sharer *other)
{
    CUdeviceptr block = filled(m, 70 * MIB, 1);
    CUipcMemHandle handle = sharer_handle(block), again = sharer_handle(block), inside = sharer_handle(block + 66 * MIB);
    CHECK(memcmp(&handle, &again, sizeof handle) == 0);
    CHECK(memcmp(&handle, &inside, sizeof handle) == 0);
    CHECK_EQ(pieces_kept(m), 2);
    CUdeviceptr there = opened(other, inside);
    CHECK_EQ(seen_wrong(other, there, 70 * MIB, 1), 0);
    sharer_ends(other, false);
}

static void what_is_shared_stays_and_everything_else_leaves(const struct moving *m, const struct sharer *other)
{
    CUdeviceptr shared = filled(m, 70 * MIB, 3), rest = filled(m, 136 * MIB, 4);
    CUdeviceptr there = opened(other, sharer_handle(shared));
    CHECK_EQ(moving_movable(m), 136 * MIB);
    moving_park(m);
    CHECK_EQ(moving_used(m), 70 * MIB);
    CHECK_EQ(moving_demoted(m), 136 * MIB);
    CHECK_EQ(seen_wrong(other, there, 70 * MIB, 3), 0);
    struct sharer_message add = {.order = SHARER_ADDS, .address = there, .bytes = 70 * MIB, .value = 1};
    CHECK_EQ(sharer_does(other, add).result, CUDA_SUCCESS);
    moving_return(m);
    CHECK(moving_becomes(m, moving_demoted, 0));
    CHECK_EQ(moving_wrong(m, shared, 70 * MIB, 4, NULL), 0);
    CHECK_EQ(moving_wrong(m, rest, 136 * MIB, 4, NULL), 0);
    sharer_ends(other, false);
}

static void freed_it_is_shared_no_more_and_the_next_one_moves(const struct moving *m, const struct sharer *other)
{
    CUdeviceptr block = filled(m, 136 * MIB, 3);
    CUipcMemHandle handle = sharer_handle(block);
    CHECK_EQ(pieces_kept(m), 3);
    CHECK_EQ(moving_movable(m), 0);
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
    CHECK_EQ(pieces_kept(m), 0);
    CHECK_EQ(moving_used(m), 0);
    CHECK_EQ(opening(other, handle), CUDA_ERROR_INVALID_VALUE);
    CUdeviceptr next = filled_block(m);
    CHECK_EQ(moving_movable(m), BLOCK_BYTES);
    check_moves(m, next);
    sharer_ends(other, false);
}

static void what_is_demoted_comes_back_to_be_shared(const struct moving *m, const struct sharer *other)
{
    CUdeviceptr block = filled(m, 136 * MIB, 9);
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_demoted, 136 * MIB));
    CUdeviceptr there = opened(other, sharer_handle(block));
    CHECK_EQ(moving_demoted(m), 0);
    CHECK_EQ(moving_used(m), 136 * MIB);
    CHECK_EQ(moving_movable(m), 0);
    CHECK_EQ(seen_wrong(other, there, 136 * MIB, 9), 0);
    CHECK_EQ(closing(other, there), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
    CHECK_EQ(moving_used(m), 0);
    sharer_ends(other, false);
}

static void what_would_not_fit_the_request_is_not_shared(const struct moving *m, const struct sharer *other)
{
    CUipcMemHandle handle;
    CUdeviceptr block = filled(m, 300 * MIB, 9);
    CHECK_EQ(CU(cuIpcGetMemHandle)(&handle, block), CUDA_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(moving_movable(m), 300 * MIB);
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_demoted, 300 * MIB));
    CHECK_EQ(CU(cuIpcGetMemHandle)(&handle, block), CUDA_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(moving_demoted(m), 300 * MIB);
    CHECK_EQ(moving_used(m), 0);
    CHECK_EQ(pieces_kept(m), 0);
    sharer_ends(other, false);
}

static void what_is_demoted_is_not_shared_while_its_device_does_not_rest(const struct moving *m, const struct sharer *other)
{
    CUipcMemHandle handle;
    CUdeviceptr block = filled(m, 70 * MIB, 9);
    CUstream stream = moving_stream();
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_demoted, 70 * MIB));
    moving_spin(m, 12000000000ull, stream);
    CHECK_EQ(CU(cuIpcGetMemHandle)(&handle, block), CUDA_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(CU(cuStreamQuery)(stream), CUDA_ERROR_NOT_READY);
    CHECK_EQ(moving_demoted(m), 70 * MIB);
    CHECK_EQ(moving_used(m), 0);
    CHECK_EQ(CU(cuStreamSynchronize)(stream), CUDA_SUCCESS);
    CUdeviceptr there = opened(other, sharer_handle(block));
    CHECK_EQ(moving_demoted(m), 0);
    CHECK_EQ(moving_used(m), 70 * MIB);
    CHECK_EQ(seen_wrong(other, there, 70 * MIB, 9), 0);
    sharer_ends(other, false);
}

static void opened_again_it_is_where_it_was(const struct moving *m, const struct sharer *other)
{
    CUdeviceptr block = filled(m, 70 * MIB, 2);
    CUipcMemHandle handle = sharer_handle(block);
    CUdeviceptr there = opened(other, handle);
    CHECK_EQ(opened(other, handle), there);
    CHECK_EQ(closing(other, there), CUDA_SUCCESS);
    CHECK_EQ(seen_wrong(other, there, 70 * MIB, 2), 0);
    CHECK_EQ(closing(other, there), CUDA_SUCCESS);
    CHECK_EQ(closing(other, there), CUDA_ERROR_INVALID_VALUE);
    CHECK_EQ(CU(cuIpcCloseMemHandle)(block), CUDA_ERROR_INVALID_VALUE);
    sharer_ends(other, false);
}

static void own_memory_is_not_opened(const struct moving *m, const struct sharer *other)
{
    CUdeviceptr again;
    CUipcMemHandle handle = sharer_handle(filled(m, 70 * MIB, 2));
    CHECK_EQ(CU(cuIpcOpenMemHandle_v2)(&again, handle, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS), CUDA_ERROR_INVALID_CONTEXT);
    CHECK_EQ(CU(cuIpcOpenMemHandle)(&again, handle, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS), CUDA_ERROR_INVALID_CONTEXT);
    sharer_ends(other, false);
}

static void opened_memory_is_one_block_of_another_process(const struct moving *m, const struct sharer *other)
{
    CUipcMemHandle handle;
    CUdeviceptr there = 0, begin = 0;
    size_t bytes = 0;
    unsigned int capable = 1;
    struct sharer_message make = {.order = SHARER_MAKES, .bytes = 136 * MIB, .value = 6};
    struct sharer_message made = sharer_does(other, make);
    CHECK_EQ(made.result, CUDA_SUCCESS);
    moving_alloc(4 * MIB);
    CHECK_EQ(CU(cuIpcOpenMemHandle_v2)(&there, made.handle, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemGetAddressRange_v2)(&begin, &bytes, there + 100 * MIB), CUDA_SUCCESS);
    CHECK_EQ(begin, there);
    CHECK_EQ(bytes, 136 * MIB);
    CHECK_EQ(CU(cuPointerGetAttribute)(&capable, CU_POINTER_ATTRIBUTE_IS_LEGACY_CUDA_IPC_CAPABLE, there), CUDA_SUCCESS);
    CHECK_EQ(capable, 0);
    CHECK_EQ(CU(cuIpcGetMemHandle)(&handle, there), CUDA_ERROR_INVALID_VALUE);
    CHECK_EQ(CU(cuMemFree_v2)(there), CUDA_ERROR_INVALID_VALUE);
    CHECK(CU(cuMemFreeAsync)(there, NULL) != CUDA_SUCCESS);
    CHECK_EQ(moving_used(m), 4 * MIB);
    CHECK_EQ(moving_movable(m), 4 * MIB);
    moving_park(m);
    CHECK_EQ(moving_demoted(m), 4 * MIB);
    moving_return(m);
    CHECK_EQ(moving_wrong(m, there, 136 * MIB, 6, NULL), 0);
    CHECK_EQ(CU(cuIpcCloseMemHandle)(there), CUDA_SUCCESS);
    CHECK(CU(cuMemGetAddressRange_v2)(&begin, &bytes, there) != CUDA_SUCCESS);
    sharer_ends(other, false);
}

static void what_is_open_outlives_its_maker(const struct moving *m, const struct sharer *other)
{
    CUdeviceptr there = 0, again = 0;
    struct sharer_message make = {.order = SHARER_MAKES, .bytes = 70 * MIB, .value = 6};
    struct sharer_message made = sharer_does(other, make);
    CHECK_EQ(made.result, CUDA_SUCCESS);
    CHECK_EQ(CU(cuIpcOpenMemHandle_v2)(&there, made.handle, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS), CUDA_SUCCESS);
    sharer_ends(other, true);
    CHECK(moving_becomes(m, pieces_kept, 0));
    CHECK_EQ(moving_wrong(m, there, 70 * MIB, 6, NULL), 0);
    CHECK_EQ(CU(cuIpcOpenMemHandle_v2)(&again, made.handle, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS), CUDA_SUCCESS);
    CHECK_EQ(CU(cuIpcCloseMemHandle)(there), CUDA_SUCCESS);
    CHECK_EQ(CU(cuIpcCloseMemHandle)(there), CUDA_SUCCESS);
    CHECK_EQ(CU(cuIpcOpenMemHandle_v2)(&again, made.handle, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS), CUDA_ERROR_INVALID_VALUE);
}

static void what_is_open_ends_with_its_context(const struct moving *m, const struct sharer *other)
{
    CUdeviceptr there = 0, begin;
    size_t bytes;
    CUcontext second = NULL;
    struct sharer_message make = {.order = SHARER_MAKES, .bytes = 70 * MIB, .value = 6};
    struct sharer_message made = sharer_does(other, make);
    CHECK_EQ(CU(cuCtxCreate_v2)(&second, 0, moving_device()), CUDA_SUCCESS);
    CHECK_EQ(CU(cuIpcOpenMemHandle_v2)(&there, made.handle, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxDestroy_v2)(second), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxSetCurrent)(m->context), CUDA_SUCCESS);
    CHECK(CU(cuMemGetAddressRange_v2)(&begin, &bytes, there) != CUDA_SUCCESS);
    sharer_ends(other, false);
}

static void each_context_has_what_it_opened_for_itself(const struct moving *m, const struct sharer *other)
{
    CUdeviceptr first = 0, second = 0, again = 0, begin;
    size_t bytes;
    CUcontext context = NULL;
    struct sharer_message make = {.order = SHARER_MAKES, .bytes = 70 * MIB, .value = 6};
    struct sharer_message made = sharer_does(other, make);
    CHECK_EQ(CU(cuCtxCreate_v2)(&context, 0, moving_device()), CUDA_SUCCESS);
    CHECK_EQ(CU(cuIpcOpenMemHandle_v2)(&first, made.handle, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxSetCurrent)(m->context), CUDA_SUCCESS);
    CHECK_EQ(CU(cuIpcOpenMemHandle_v2)(&second, made.handle, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS), CUDA_SUCCESS);
    CHECK_EQ(CU(cuIpcOpenMemHandle_v2)(&again, made.handle, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS), CUDA_SUCCESS);
    CHECK(first != second);
    CHECK_EQ(again, second);
    CHECK_EQ(CU(cuCtxDestroy_v2)(context), CUDA_SUCCESS);
    CHECK_EQ(CU(cuCtxSetCurrent)(m->context), CUDA_SUCCESS);
    CHECK(CU(cuMemGetAddressRange_v2)(&begin, &bytes, first) != CUDA_SUCCESS);
    CHECK_EQ(moving_wrong(m, second, 70 * MIB, 6, NULL), 0);
    CHECK_EQ(CU(cuIpcCloseMemHandle)(second), CUDA_SUCCESS);
    CHECK_EQ(CU(cuIpcCloseMemHandle)(second), CUDA_SUCCESS);
    CHECK(CU(cuMemGetAddressRange_v2)(&begin, &bytes, second) != CUDA_SUCCESS);
    sharer_ends(other, false);
}

static void closing_during_a_capture_spoils_nothing(const struct moving *m, const struct sharer *other)
{
    CUdeviceptr there = 0, begin;
    size_t bytes;
    CUgraph graph = NULL;
    CUstream stream = moving_stream();
    struct sharer_message make = {.order = SHARER_MAKES, .bytes = 70 * MIB, .value = 6};
    struct sharer_message made = sharer_does(other, make);
    CHECK_EQ(CU(cuIpcOpenMemHandle_v2)(&there, made.handle, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS), CUDA_SUCCESS);
    CHECK_EQ(CU(cuIpcOpenMemHandle_v2)(&there, made.handle, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamBeginCapture_v2)(stream, CU_STREAM_CAPTURE_MODE_GLOBAL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuIpcCloseMemHandle)(there), CUDA_SUCCESS);
    CHECK_EQ(CU(cuIpcCloseMemHandle)(there), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamEndCapture)(stream, &graph), CUDA_SUCCESS);
    CHECK_EQ(CU(cuIpcCloseMemHandle)(there), CUDA_ERROR_INVALID_VALUE);
    CHECK_EQ(CU(cuMemFree_v2)(moving_alloc(4 * MIB)), CUDA_SUCCESS);
    CHECK(CU(cuMemGetAddressRange_v2)(&begin, &bytes, there) != CUDA_SUCCESS);
    CHECK_EQ(CU(cuGraphDestroy)(graph), CUDA_SUCCESS);
    CHECK_EQ(moving_used(m), 0);
    sharer_ends(other, false);
}

static void errno_stays_what_it_was(const struct moving *m, const struct sharer *other)
{
    enum { OWN = 4711 };
    CUipcMemHandle handle;
    CUdeviceptr there = 0, block = filled(m, 70 * MIB, 1);
    struct sharer_message make = {.order = SHARER_MAKES, .bytes = 70 * MIB, .value = 6};
    struct sharer_message made = sharer_does(other, make);
    errno = OWN;
    CUresult shared = CU(cuIpcGetMemHandle)(&handle, block);
    CHECK_EQ(errno, OWN);
    errno = OWN;
    CUresult open = CU(cuIpcOpenMemHandle_v2)(&there, made.handle, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS);
    CHECK_EQ(errno, OWN);
    errno = OWN;
    CUresult closed = CU(cuIpcCloseMemHandle)(there);
    CHECK_EQ(errno, OWN);
    kill_agent(m->world);
    errno = OWN;
    CUresult freed = CU(cuMemFree_v2)(block);
    CHECK_EQ(errno, OWN);
    errno = OWN;
    CUresult gone = CU(cuIpcOpenMemHandle_v2)(&there, made.handle, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS);
    CHECK_EQ(errno, OWN);
    CHECK_EQ(shared, CUDA_SUCCESS);
    CHECK_EQ(open, CUDA_SUCCESS);
    CHECK_EQ(closed, CUDA_SUCCESS);
    CHECK_EQ(freed, CUDA_SUCCESS);
    CHECK_EQ(gone, CUDA_ERROR_INVALID_VALUE);
    sharer_ends(other, false);
}

static void nobody_keeps_a_descriptor(const struct moving *m, const struct sharer *other)
{
    CUdeviceptr block = filled(m, 136 * MIB, 8);
    uint64_t before = sharer_descriptors();
    uint64_t there_before = sharer_does(other, (struct sharer_message){.order = SHARER_COUNTS}).figure;
    CUdeviceptr there = opened(other, sharer_handle(block));
    CHECK_EQ(sharer_descriptors(), before);
    CHECK_EQ(closing(other, there), CUDA_SUCCESS);
    CHECK_EQ(sharer_does(other, (struct sharer_message){.order = SHARER_COUNTS}).figure, there_before);
    sharer_ends(other, false);
}

static void where_the_agent_refuses_the_driver_answers_and_the_block_moves_on(const struct moving *m, const struct sharer *other)
{
    static const enum agent_share_mode modes[] = {SHARES_REFUSED, SHARES_FIRST_ONLY};
    CUipcMemHandle handle;
    CUdeviceptr block = filled_block(m);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        agent_shares(m, modes[i]);
        CHECK_EQ(CU(cuIpcGetMemHandle)(&handle, block), BARE(cuIpcGetMemHandle)(&handle, block));
        CHECK_EQ(pieces_kept(m), 0);
        CHECK_EQ(moving_movable(m), BLOCK_BYTES);
    }
    check_moves(m, block);
    sharer_ends(other, false);
}

static void what_the_agent_does_not_hand_over_is_not_opened(const struct moving *m, const struct sharer *other)
{
    static const enum agent_share_mode modes[] = {
        SHARES_REFUSED, SHARES_FIRST_ONLY, SHARES_WITHOUT_DESCRIPTOR, SHARES_NO_MEMORY, SHARES_WRONG_SIZE};
    CUipcMemHandle handle = sharer_handle(filled(m, 136 * MIB, 8));
    uint64_t before = sharer_does(other, (struct sharer_message){.order = SHARER_COUNTS}).figure;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        agent_shares(m, modes[i]);
        CHECK(opening(other, handle) != CUDA_SUCCESS);
        CHECK_EQ(sharer_does(other, (struct sharer_message){.order = SHARER_COUNTS}).figure, before);
    }
    agent_shares(m, SHARES_HONEST);
    CUdeviceptr there = opened(other, handle);
    CHECK_EQ(seen_wrong(other, there, 136 * MIB, 8), 0);
    sharer_ends(other, false);
}

static void handles_that_were_never_given_are_invalid(const struct moving *m, const struct sharer *other)
{
    CUipcMemHandle handle = sharer_handle(filled(m, 70 * MIB, 8));
    uint64_t words[8];
    for (size_t word = 1; word < 5; word++) {
        static const uint64_t odd[] = {0, 1, UINT64_MAX, 1ull << 63};
        for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
            memcpy(words, &handle, sizeof words);
            words[word] = odd[i];
            CUipcMemHandle other_handle;
            memcpy(&other_handle, words, sizeof words);
            struct sharer_message answer =
                sharer_does(other, (struct sharer_message){.order = SHARER_OPENS, .handle = other_handle});
            /* who made it and how much was asked for is the maker's word alone */
            CHECK(answer.result == CUDA_ERROR_INVALID_VALUE || word == 1 || (word == 4 && odd[i] < 2));
            if (answer.result == CUDA_SUCCESS) {
                CHECK_EQ(closing(other, answer.address), CUDA_SUCCESS);
            }
        }
    }
    sharer_ends(other, false);
}

static void without_an_agent_nothing_new_is_shared_and_what_is_open_stays(const struct moving *m, const struct sharer *other)
{
    CUipcMemHandle refused;
    CUdeviceptr shared = filled(m, 70 * MIB, 8), block = filled(m, 70 * MIB, 9);
    CUipcMemHandle handle = sharer_handle(shared);
    CUdeviceptr there = opened(other, handle);
    kill_agent(m->world);
    CHECK_EQ(CU(cuIpcGetMemHandle)(&refused, block), BARE(cuIpcGetMemHandle)(&refused, block));
    CHECK_EQ(moving_movable(m), 70 * MIB);
    CHECK_EQ(seen_wrong(other, there, 70 * MIB, 8), 0);
    world_next_agent(m->world);
    CHECK_EQ(opened(other, handle), there);
    CHECK_EQ(closing(other, there), CUDA_SUCCESS);
    CHECK_EQ(closing(other, there), CUDA_SUCCESS);
    CHECK_EQ(opening(other, handle), CUDA_ERROR_INVALID_VALUE);
    CHECK_EQ(CU(cuMemFree_v2)(shared), CUDA_SUCCESS);
    CHECK_EQ(moving_used(m), 70 * MIB);
    there = opened(other, sharer_handle(block));
    CHECK_EQ(seen_wrong(other, there, 70 * MIB, 9), 0);
    sharer_ends(other, false);
}

static void what_the_last_agent_shared_the_next_one_shares_again(const struct moving *m, const struct sharer *other)
{
    CUdeviceptr block = filled(m, 136 * MIB, 8);
    CUipcMemHandle handle = sharer_handle(block);
    CUdeviceptr there = opened(other, handle);
    CHECK_EQ(closing(other, there), CUDA_SUCCESS);
    kill_agent(m->world);
    world_next_agent(m->world);
    agent_shares(m, SHARES_FIRST_ONLY);
    CHECK(CU(cuIpcGetMemHandle)(&handle, block) != CUDA_SUCCESS);
    CHECK_EQ(moving_movable(m), 0);
    agent_shares(m, SHARES_HONEST);
    CUipcMemHandle next = sharer_handle(block), again = sharer_handle(block);
    CHECK(memcmp(&handle, &next, sizeof next) != 0);
    CHECK(memcmp(&next, &again, sizeof next) == 0);
    CHECK_EQ(moving_movable(m), 0);
    CHECK_EQ(moving_used(m), 136 * MIB);
    there = opened(other, next);
    CHECK_EQ(seen_wrong(other, there, 136 * MIB, 8), 0);
    CHECK_EQ(closing(other, there), CUDA_SUCCESS);
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
    CHECK(moving_becomes(m, pieces_kept, 0));
    CHECK_EQ(opening(other, next), CUDA_ERROR_INVALID_VALUE);
    CHECK_EQ(moving_used(m), 0);
    sharer_ends(other, false);
}

static void memory_of_a_pool_is_refused_as_the_driver_refuses_it(const struct moving *m, const struct sharer *other)
{
    CUipcMemHandle handle;
    CUdeviceptr block = 0;
    CHECK_EQ(CU(cuMemAllocAsync)(&block, 70 * MIB, NULL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamSynchronize)(NULL), CUDA_SUCCESS);
    CHECK_EQ(CU(cuIpcGetMemHandle)(&handle, block), CUDA_ERROR_INVALID_VALUE);
    CHECK_EQ(moving_movable(m), 70 * MIB);
    sharer_ends(other, false);
}

static void a_forked_child_has_nothing_of_it(const struct moving *m, const struct sharer *other)
{
    CUdeviceptr block = filled(m, 70 * MIB, 8);
    CUipcMemHandle handle = sharer_handle(block);
    pid_t child = fork();
    if (child == 0) {
        CUdeviceptr address;
        CHECK(CU(cuIpcOpenMemHandle_v2)(&address, handle, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS) != CUDA_SUCCESS);
        CHECK(CU(cuMemFree_v2)(block) != CUDA_SUCCESS);
        end_case();
    }
    check_child(child);
    CHECK_EQ(pieces_kept(m), 2);
    CUdeviceptr there = opened(other, handle);
    CHECK_EQ(seen_wrong(other, there, 70 * MIB, 8), 0);
    sharer_ends(other, false);
}

static void freed_in_the_order_of_a_stream_it_is_over_with_the_synchronisation(const struct moving *m, const struct sharer *other)
{
    CUstream stream = moving_stream();
    CUdeviceptr block = filled(m, 70 * MIB, 8);
    sharer_handle(block);
    CHECK_EQ(CU(cuMemFreeAsync)(block, stream), CUDA_SUCCESS);
    CHECK_EQ(CU(cuStreamSynchronize)(stream), CUDA_SUCCESS);
    CHECK(moving_becomes(m, pieces_kept, 0));
    CHECK(moving_becomes(m, moving_used, 0));
    sharer_ends(other, false);
}

static void a_process_that_has_shared_anything_stays_hot(const struct moving *m, const struct sharer *other)
{
    CUdeviceptr block = filled(m, 70 * MIB, 8);
    sharer_handle(block);
    CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
    block = filled_block(m);
    bare_park(m);
    uint64_t since = moving_reports(m);
    bare_tell(m, 1);
    CHECK(moving_report(m, since, ALQ_MOVE_FAILED, false) != NULL);
    CHECK_EQ(moving_parked(m), ALQ_PARKED_HOT);
    check_block(m, block);
    sharer_ends(other, false);
}

struct party {
    const struct moving *moving;
    CUdeviceptr address;
    CUipcMemHandle handle;
    CUresult result;
};

static void *share_it(void *argument)
{
    struct party *party = argument;
    CHECK_EQ(CU(cuCtxSetCurrent)(party->moving->context), CUDA_SUCCESS);
    party->result = CU(cuIpcGetMemHandle)(&party->handle, party->address);
    return NULL;
}

static void *open_it(void *argument)
{
    struct party *party = argument;
    CHECK_EQ(CU(cuCtxSetCurrent)(party->moving->context), CUDA_SUCCESS);
    party->result = CU(cuIpcOpenMemHandle_v2)(&party->address, party->handle, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS);
    return NULL;
}

#define PARTIES 8

static void at_once(void *(*body)(void *), struct party parties[PARTIES])
{
    pthread_t threads[PARTIES];
    for (int i = 0; i < PARTIES; i++) {
        pthread_create(&threads[i], NULL, body, &parties[i]);
    }
    for (int i = 0; i < PARTIES; i++) {
        pthread_join(threads[i], NULL);
        CHECK_EQ(parties[i].result, CUDA_SUCCESS);
    }
}

static void threads_at_once_get_one_handle_and_one_address(const struct moving *m, const struct sharer *other)
{
    struct party parties[PARTIES];
    CUdeviceptr block = filled(m, 70 * MIB, 8);
    moving_resident(m, 0);
    CHECK(moving_becomes(m, moving_demoted, 70 * MIB));
    for (int i = 0; i < PARTIES; i++) {
        parties[i] = (struct party){.moving = m, .address = block};
    }
    at_once(share_it, parties);
    for (int i = 1; i < PARTIES; i++) {
        CHECK(memcmp(&parties[i].handle, &parties[0].handle, sizeof parties[0].handle) == 0);
    }
    CHECK_EQ(pieces_kept(m), 2);
    CHECK_EQ(moving_used(m), 70 * MIB);
    struct sharer_message make = {.order = SHARER_MAKES, .bytes = 70 * MIB, .value = 6};
    CUipcMemHandle handle = sharer_does(other, make).handle;
    for (int i = 0; i < PARTIES; i++) {
        parties[i] = (struct party){.moving = m, .handle = handle};
    }
    at_once(open_it, parties);
    for (int i = 0; i < PARTIES; i++) {
        CHECK_EQ(parties[i].address, parties[0].address);
    }
    CHECK_EQ(moving_wrong(m, parties[0].address, 70 * MIB, 6, NULL), 0);
    for (int i = 0; i < PARTIES; i++) {
        CHECK_EQ(CU(cuIpcCloseMemHandle)(parties[0].address), CUDA_SUCCESS);
    }
    CHECK_EQ(CU(cuIpcCloseMemHandle)(parties[0].address), CUDA_ERROR_INVALID_VALUE);
    sharer_ends(other, false);
}

static void *share_and_free(void *argument)
{
    struct party *party = argument;
    CHECK_EQ(CU(cuCtxSetCurrent)(party->moving->context), CUDA_SUCCESS);
    for (uint64_t round = 0; round < 12; round++) {
        uint64_t bytes = (2 + 2 * (round % 3)) * MIB;
        CUdeviceptr block = 0;
        CHECK_EQ(CU(cuMemAlloc_v2)(&block, bytes), CUDA_SUCCESS);
        party->result = CU(cuIpcGetMemHandle)(&party->handle, block);
        CHECK_EQ(party->result, CUDA_SUCCESS);
        CHECK_EQ(CU(cuMemFree_v2)(block), CUDA_SUCCESS);
    }
    return NULL;
}

static void threads_share_while_everything_else_is_moved(const struct moving *m, const struct sharer *other)
{
    struct party parties[PARTIES];
    pthread_t mover[PARTIES];
    CUdeviceptr block = filled_block(m);
    for (int i = 0; i < PARTIES; i++) {
        parties[i] = (struct party){.moving = m};
        pthread_create(&mover[i], NULL, share_and_free, &parties[i]);
    }
    for (int round = 0; round < 30; round++) {
        moving_resident(m, round % 2 == 0 ? 0 : ALQ_RESIDENT_ALL);
        usleep(10000);
    }
    for (int i = 0; i < PARTIES; i++) {
        pthread_join(mover[i], NULL);
    }
    moving_resident(m, ALQ_RESIDENT_ALL);
    CHECK(moving_becomes(m, moving_demoted, 0));
    check_block_counted(m, block);
    CHECK(moving_becomes(m, pieces_kept, 0));
    check_moves(m, block);
    sharer_ends(other, false);
}

int main(void)
{
    RUN_SHARING(memory_is_read_and_written_by_another_process);
    RUN_SHARING(a_handle_names_the_whole_allocation_and_stays_the_same);
    RUN_SHARING(what_is_shared_stays_and_everything_else_leaves);
    RUN_SHARING(freed_it_is_shared_no_more_and_the_next_one_moves);
    RUN_SHARING(what_is_demoted_comes_back_to_be_shared);
    RUN_SHARING(what_would_not_fit_the_request_is_not_shared);
    RUN_SHARING(what_is_demoted_is_not_shared_while_its_device_does_not_rest);
    RUN_SHARING(opened_again_it_is_where_it_was);
    RUN_SHARING(own_memory_is_not_opened);
    RUN_SHARING(opened_memory_is_one_block_of_another_process);
    RUN_SHARING(what_is_open_outlives_its_maker);
    RUN_SHARING(what_is_open_ends_with_its_context);
    RUN_SHARING(each_context_has_what_it_opened_for_itself);
    RUN_SHARING(closing_during_a_capture_spoils_nothing);
    RUN_SHARING_NEXT(errno_stays_what_it_was);
    RUN_SHARING(nobody_keeps_a_descriptor);
    RUN_SHARING(where_the_agent_refuses_the_driver_answers_and_the_block_moves_on);
    RUN_SHARING(what_the_agent_does_not_hand_over_is_not_opened);
    RUN_SHARING(handles_that_were_never_given_are_invalid);
    RUN_SHARING_NEXT(without_an_agent_nothing_new_is_shared_and_what_is_open_stays);
    RUN_SHARING_NEXT(what_the_last_agent_shared_the_next_one_shares_again);
    RUN_SHARING(memory_of_a_pool_is_refused_as_the_driver_refuses_it);
    RUN_SHARING(a_forked_child_has_nothing_of_it);
    RUN_SHARING(freed_in_the_order_of_a_stream_it_is_over_with_the_synchronisation);
    RUN_SHARING(a_process_that_has_shared_anything_stays_hot);
    RUN_SHARING(threads_at_once_get_one_handle_and_one_address);
    RUN_SHARING(threads_share_while_everything_else_is_moved);
    return finish_cases();
}
