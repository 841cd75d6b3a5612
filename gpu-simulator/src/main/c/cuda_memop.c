/* Stream memory operations: write a value, wait for one. */
#include <time.h>

#include "cuda_copy.h"
#include "cuda_memory.h"

static bool is_wait(const CUstreamBatchMemOpParams *op) {
    return op->operation == CU_STREAM_MEM_OP_WAIT_VALUE_32 || op->operation == CU_STREAM_MEM_OP_WAIT_VALUE_64;
}
static bool is_wide(const CUstreamBatchMemOpParams *op) {
    return op->operation == CU_STREAM_MEM_OP_WAIT_VALUE_64 || op->operation == CU_STREAM_MEM_OP_WRITE_VALUE_64;
}
static bool touches(const CUstreamBatchMemOpParams *op) {
    return is_wait(op) || op->operation == CU_STREAM_MEM_OP_WRITE_VALUE_32 || op->operation == CU_STREAM_MEM_OP_WRITE_VALUE_64;
}

bool sim_memop_waits(const CUstreamBatchMemOpParams *op) { return is_wait(op); }

CUresult sim_memop_check(const CUstreamBatchMemOpParams *op) {
    if (!touches(op)) {
        SIM_NEED(op->operation == CU_STREAM_MEM_OP_BARRIER || op->operation == CU_STREAM_MEM_OP_FLUSH_REMOTE_WRITES);
        return CUDA_SUCCESS;
    }
    unsigned bytes = is_wide(op) ? 8 : 4;
    SIM_NEED(op->waitValue.address != 0 && op->waitValue.address % bytes == 0);
    SIM_NEED(sim_reach(op->waitValue.address, bytes, !is_wait(op)) != NULL);
    unsigned known = is_wait(op) ? CU_STREAM_WAIT_VALUE_NOR | CU_STREAM_WAIT_VALUE_FLUSH : CU_STREAM_WRITE_VALUE_NO_MEMORY_BARRIER;
    SIM_NEED((op->waitValue.flags & ~known) == 0);
    return CUDA_SUCCESS;
}

static bool reached(uint64_t now, uint64_t value, unsigned condition, bool wide) {
    uint64_t mask = wide ? UINT64_MAX : UINT32_MAX;
    switch (condition) {
    case CU_STREAM_WAIT_VALUE_EQ: return now == value;
    case CU_STREAM_WAIT_VALUE_AND: return (now & value) != 0;
    case CU_STREAM_WAIT_VALUE_NOR: return (~(now | value) & mask) != 0;
    default: return wide ? (int64_t)(now - value) >= 0 : (int32_t)((uint32_t)now - (uint32_t)value) >= 0;
    }
}

CUresult sim_memop_run(const CUstreamBatchMemOpParams *op, struct sim_context *ctx) {
    if (!touches(op)) return CUDA_SUCCESS;
    bool wide = is_wide(op);
    uint64_t value = wide ? op->waitValue.value64 : op->waitValue.value;
    void *at = sim_reach(op->waitValue.address, wide ? 8 : 4, !is_wait(op));
    if (at == NULL) return CUDA_ERROR_ILLEGAL_ADDRESS;
    if (!is_wait(op)) {
        if (wide) __atomic_store_n((uint64_t *)at, value, __ATOMIC_SEQ_CST);
        else __atomic_store_n((uint32_t *)at, (uint32_t)value, __ATOMIC_SEQ_CST);
        return CUDA_SUCCESS;
    }
    unsigned condition = op->waitValue.flags & 3u;
    for (long pause = 2000;; pause = pause < 500000 ? pause * 2 : pause) {
        uint64_t now = wide ? __atomic_load_n((uint64_t *)at, __ATOMIC_SEQ_CST) : __atomic_load_n((uint32_t *)at, __ATOMIC_SEQ_CST);
        if (reached(now, value, condition, wide) || atomic_load(&ctx->dying)) return CUDA_SUCCESS;
        nanosleep(&(struct timespec){.tv_nsec = pause}, NULL);
    }
}

static CUresult submit(CUstream where, const CUstreamBatchMemOpParams *op) {
    SIM_ENTER_CONTEXT();
    struct sim_stream *stream;
    SIM_TRY(sim_stream_resolve(&call, where, &stream));
    SIM_TRY(sim_memop_check(op));
    struct sim_work work = {.type = SIM_WORK_MEMOP, .memop = *op};
    return sim_submit(&call, stream, &work, sim_work_is_long(&work) ? SIM_SUBMIT_LONG : 0);
}

static CUresult one(CUstream stream, CUstreamBatchMemOpType type, CUdeviceptr address, uint64_t value, unsigned flags) {
    CUstreamBatchMemOpParams op;
    memset(&op, 0, sizeof op);
    op.operation = type;
    op.writeValue.address = address;
    op.writeValue.value64 = value;
    op.writeValue.flags = flags;
    return submit(stream, &op);
}

static CUresult batch(CUstream stream, unsigned count, const CUstreamBatchMemOpParams *list, unsigned flags) {
    SIM_NEED(list != NULL && count != 0 && count <= 256 && flags == 0);
    for (unsigned i = 0; i < count; i++) SIM_TRY(submit(stream, &list[i]));
    return CUDA_SUCCESS;
}

#define VALUE_CALL(name, type, width)                                                                                       \
    CUresult name(CUstream s, CUdeviceptr a, width v, unsigned int f) { return one(s, type, a, v, f); }                      \
    CUresult name##_v2(CUstream s, CUdeviceptr a, width v, unsigned int f) { return one(s, type, a, v, f); }                 \
    CUresult name##_ptsz(CUstream s, CUdeviceptr a, width v, unsigned int f) { return one(sim_pts(s), type, a, v, f); }      \
    CUresult name##_v2_ptsz(CUstream s, CUdeviceptr a, width v, unsigned int f) { return one(sim_pts(s), type, a, v, f); }
VALUE_CALL(cuStreamWaitValue32, CU_STREAM_MEM_OP_WAIT_VALUE_32, cuuint32_t)
VALUE_CALL(cuStreamWaitValue64, CU_STREAM_MEM_OP_WAIT_VALUE_64, cuuint64_t)
VALUE_CALL(cuStreamWriteValue32, CU_STREAM_MEM_OP_WRITE_VALUE_32, cuuint32_t)
VALUE_CALL(cuStreamWriteValue64, CU_STREAM_MEM_OP_WRITE_VALUE_64, cuuint64_t)

CUresult cuStreamBatchMemOp(CUstream s, unsigned int n, CUstreamBatchMemOpParams *l, unsigned int f) { return batch(s, n, l, f); }
CUresult cuStreamBatchMemOp_v2(CUstream s, unsigned int n, CUstreamBatchMemOpParams *l, unsigned int f) { return batch(s, n, l, f); }
CUresult cuStreamBatchMemOp_ptsz(CUstream s, unsigned int n, CUstreamBatchMemOpParams *l, unsigned int f) {
    return batch(sim_pts(s), n, l, f);
}
CUresult cuStreamBatchMemOp_v2_ptsz(CUstream s, unsigned int n, CUstreamBatchMemOpParams *l, unsigned int f) {
    return batch(sim_pts(s), n, l, f);
}
