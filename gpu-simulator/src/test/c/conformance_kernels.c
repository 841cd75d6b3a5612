/*
 * The suite's kernels as PTX, and how they are launched. Every kernel walks its words in grid-sized steps, so any grid and
 * block works; words are 32 bits. aliquot_wild stores to its argument, aliquot_trap executes a trap.
 */
#include "conformance.h"

const char conf_ptx[] =
    ".version 7.0\n"
    ".target sm_70\n"
    ".address_size 64\n"
    "\n"
    ".visible .entry aliquot_fill(.param .u64 to, .param .u64 words, .param .u32 value)\n"
    "{\n"
    "  .reg .pred %p;\n"
    "  .reg .b32 %r<5>;\n"
    "  .reg .b64 %d<8>;\n"
    "  ld.param.u64 %d0, [to];\n"
    "  ld.param.u64 %d1, [words];\n"
    "  ld.param.u32 %r0, [value];\n"
    "  cvta.to.global.u64 %d0, %d0;\n"
    "  mov.u32 %r1, %ctaid.x;\n"
    "  mov.u32 %r2, %ntid.x;\n"
    "  mov.u32 %r3, %tid.x;\n"
    "  mov.u32 %r4, %nctaid.x;\n"
    "  mul.wide.u32 %d2, %r1, %r2;\n"
    "  cvt.u64.u32 %d3, %r3;\n"
    "  add.s64 %d2, %d2, %d3;\n"
    "  mul.wide.u32 %d4, %r4, %r2;\n"
    "again:\n"
    "  setp.ge.u64 %p, %d2, %d1;\n"
    "  @%p bra done;\n"
    "  shl.b64 %d5, %d2, 2;\n"
    "  add.s64 %d6, %d0, %d5;\n"
    "  st.global.u32 [%d6], %r0;\n"
    "  add.s64 %d2, %d2, %d4;\n"
    "  bra again;\n"
    "done:\n"
    "  ret;\n"
    "}\n"
    "\n"
    ".visible .entry aliquot_check(.param .u64 from, .param .u64 words, .param .u32 value, .param .u64 result)\n"
    "{\n"
    "  .reg .pred %p<2>;\n"
    "  .reg .b32 %r<6>;\n"
    "  .reg .b64 %d<10>;\n"
    "  ld.param.u64 %d0, [from];\n"
    "  ld.param.u64 %d1, [words];\n"
    "  ld.param.u32 %r0, [value];\n"
    "  ld.param.u64 %d7, [result];\n"
    "  cvta.to.global.u64 %d0, %d0;\n"
    "  cvta.to.global.u64 %d7, %d7;\n"
    "  mov.u32 %r1, %ctaid.x;\n"
    "  mov.u32 %r2, %ntid.x;\n"
    "  mov.u32 %r3, %tid.x;\n"
    "  mov.u32 %r4, %nctaid.x;\n"
    "  mul.wide.u32 %d2, %r1, %r2;\n"
    "  cvt.u64.u32 %d3, %r3;\n"
    "  add.s64 %d2, %d2, %d3;\n"
    "  mul.wide.u32 %d4, %r4, %r2;\n"
    "  mov.u64 %d8, 0;\n"
    "again:\n"
    "  setp.ge.u64 %p0, %d2, %d1;\n"
    "  @%p0 bra done;\n"
    "  shl.b64 %d5, %d2, 2;\n"
    "  add.s64 %d6, %d0, %d5;\n"
    "  ld.global.u32 %r5, [%d6];\n"
    "  setp.ne.u32 %p1, %r5, %r0;\n"
    "  @%p1 add.s64 %d8, %d8, 1;\n"
    "  add.s64 %d2, %d2, %d4;\n"
    "  bra again;\n"
    "done:\n"
    "  setp.eq.u64 %p0, %d8, 0;\n"
    "  @%p0 bra out;\n"
    "  atom.global.add.u64 %d9, [%d7], %d8;\n"
    "out:\n"
    "  ret;\n"
    "}\n"
    "\n"
    ".visible .entry aliquot_copy(.param .u64 to, .param .u64 from, .param .u64 words)\n"
    "{\n"
    "  .reg .pred %p;\n"
    "  .reg .b32 %r<6>;\n"
    "  .reg .b64 %d<10>;\n"
    "  ld.param.u64 %d0, [to];\n"
    "  ld.param.u64 %d7, [from];\n"
    "  ld.param.u64 %d1, [words];\n"
    "  cvta.to.global.u64 %d0, %d0;\n"
    "  cvta.to.global.u64 %d7, %d7;\n"
    "  mov.u32 %r1, %ctaid.x;\n"
    "  mov.u32 %r2, %ntid.x;\n"
    "  mov.u32 %r3, %tid.x;\n"
    "  mov.u32 %r4, %nctaid.x;\n"
    "  mul.wide.u32 %d2, %r1, %r2;\n"
    "  cvt.u64.u32 %d3, %r3;\n"
    "  add.s64 %d2, %d2, %d3;\n"
    "  mul.wide.u32 %d4, %r4, %r2;\n"
    "again:\n"
    "  setp.ge.u64 %p, %d2, %d1;\n"
    "  @%p bra done;\n"
    "  shl.b64 %d5, %d2, 2;\n"
    "  add.s64 %d8, %d7, %d5;\n"
    "  ld.global.u32 %r5, [%d8];\n"
    "  add.s64 %d6, %d0, %d5;\n"
    "  st.global.u32 [%d6], %r5;\n"
    "  add.s64 %d2, %d2, %d4;\n"
    "  bra again;\n"
    "done:\n"
    "  ret;\n"
    "}\n"
    "\n"
    ".visible .entry aliquot_add(.param .u64 to, .param .u64 words, .param .u32 value)\n"
    "{\n"
    "  .reg .pred %p;\n"
    "  .reg .b32 %r<6>;\n"
    "  .reg .b64 %d<8>;\n"
    "  ld.param.u64 %d0, [to];\n"
    "  ld.param.u64 %d1, [words];\n"
    "  ld.param.u32 %r0, [value];\n"
    "  cvta.to.global.u64 %d0, %d0;\n"
    "  mov.u32 %r1, %ctaid.x;\n"
    "  mov.u32 %r2, %ntid.x;\n"
    "  mov.u32 %r3, %tid.x;\n"
    "  mov.u32 %r4, %nctaid.x;\n"
    "  mul.wide.u32 %d2, %r1, %r2;\n"
    "  cvt.u64.u32 %d3, %r3;\n"
    "  add.s64 %d2, %d2, %d3;\n"
    "  mul.wide.u32 %d4, %r4, %r2;\n"
    "again:\n"
    "  setp.ge.u64 %p, %d2, %d1;\n"
    "  @%p bra done;\n"
    "  shl.b64 %d5, %d2, 2;\n"
    "  add.s64 %d6, %d0, %d5;\n"
    "  ld.global.u32 %r5, [%d6];\n"
    "  add.s32 %r5, %r5, %r0;\n"
    "  st.global.u32 [%d6], %r5;\n"
    "  add.s64 %d2, %d2, %d4;\n"
    "  bra again;\n"
    "done:\n"
    "  ret;\n"
    "}\n"
    "\n"
    ".visible .entry aliquot_spin(.param .u64 nanoseconds)\n"
    "{\n"
    "  .reg .pred %p;\n"
    "  .reg .b64 %d<4>;\n"
    "  ld.param.u64 %d0, [nanoseconds];\n"
    "  mov.u64 %d1, %globaltimer;\n"
    "again:\n"
    "  mov.u64 %d2, %globaltimer;\n"
    "  sub.s64 %d3, %d2, %d1;\n"
    "  setp.lt.u64 %p, %d3, %d0;\n"
    "  @%p bra again;\n"
    "  ret;\n"
    "}\n"
    "\n"
    ".visible .entry aliquot_wild(.param .u64 address)\n"
    "{\n"
    "  .reg .b32 %r;\n"
    "  .reg .b64 %d;\n"
    "  ld.param.u64 %d, [address];\n"
    "  cvta.to.global.u64 %d, %d;\n"
    "  mov.u32 %r, 1;\n"
    "  st.global.u32 [%d], %r;\n"
    "  ret;\n"
    "}\n"
    "\n"
    ".visible .entry aliquot_trap()\n"
    "{\n"
    "  trap;\n"
    "  ret;\n"
    "}\n";

const char conf_ptx_global[] =
    ".version 7.0\n"
    ".target sm_70\n"
    ".address_size 64\n"
    ".visible .global .align 8 .u64 aliquot_cell;\n"
    ".visible .entry aliquot_fill(.param .u64 to, .param .u64 words, .param .u32 value)\n"
    "{\n"
    "  ret;\n"
    "}\n";

CUfunction conf_kernel(const char *name) {
    static CUmodule module;
    CUfunction function = NULL;
    if (module == NULL) {
        OK(cu(cuModuleLoadData)(&module, conf_ptx));
    }
    OK(cu(cuModuleGetFunction)(&function, module, name));
    CHECK(function != NULL);
    return function;
}

static void launch(const char *name, unsigned blocks, unsigned threads, CUstream stream, void **arguments) {
    OK(cu(cuLaunchKernel)(conf_kernel(name), blocks, 1, 1, threads, 1, 1, 0, stream, arguments, NULL));
}

void conf_fill(CUdeviceptr address, uint64_t words, uint32_t value, CUstream stream) {
    launch("aliquot_fill", 64, 256, stream, (void *[]){&address, &words, &value});
}

void conf_add(CUdeviceptr address, uint64_t words, uint32_t value, CUstream stream) {
    launch("aliquot_add", 64, 256, stream, (void *[]){&address, &words, &value});
}

void conf_copy(CUdeviceptr to, CUdeviceptr from, uint64_t words, CUstream stream) {
    launch("aliquot_copy", 64, 256, stream, (void *[]){&to, &from, &words});
}

void conf_spin(unsigned ms, CUstream stream) {
    uint64_t nanoseconds = ms * 1000000ull;
    launch("aliquot_spin", 1, 1, stream, (void *[]){&nanoseconds});
}

void conf_spin_longer(struct conf_spell *spell, CUstream stream) {
    if (spell->ms >= 6400) {
        conf_fail(__FILE__, __LINE__, "launches come back only after their kernels' ends");
    }
    spell->ms = spell->ms == 0 ? 400 : 4 * spell->ms;
    spell->end_ns = conf_now_ns() + spell->ms * 1000000ull;
    conf_spin(spell->ms, stream);
}

bool conf_is_spinning(const struct conf_spell *spell) {
    return conf_now_ns() < spell->end_ns;
}

uint64_t conf_mismatches(CUdeviceptr address, uint64_t words, uint32_t value) {
    CUdeviceptr result = conf_alloc(sizeof(uint64_t));
    uint64_t count = 0;
    OK(cu(cuMemsetD32_v2)(result, 0, 2));
    OK(cu(cuCtxSynchronize)());
    launch("aliquot_check", 64, 256, NULL, (void *[]){&address, &words, &value, &result});
    OK(cu(cuMemcpyDtoH_v2)(&count, result, sizeof count));
    OK(cu(cuMemFree_v2)(result));
    return count;
}
