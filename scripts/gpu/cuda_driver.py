"""The CUDA driver API through ctypes alone, for programs that have to run where there is no framework, and three kernels.

Every call that does not succeed raises `Refused`, which carries the driver's code.
"""

import ctypes

OUT_OF_MEMORY = 2
MIB = 1 << 20
BLOCKS, THREADS = 1056, 256

# One thread's walk over the words of a block, in steps of the whole grid; the kernel's own part stands between the two halves.
_WALK = """
.visible .entry %(name)s(.param .u64 at, .param .u64 words, .param .u32 value%(more)s)
{
  .reg .pred %%past, %%same;
  .reg .u32 %%cta, %%width, %%lane, %%ctas, %%operand, %%seen;
  .reg .u64 %%base, %%count, %%index, %%stride, %%place, %%sum, %%one;
  ld.param.u64 %%base, [at];
  ld.param.u64 %%count, [words];
  ld.param.u32 %%operand, [value];
  mov.u32 %%cta, %%ctaid.x;
  mov.u32 %%width, %%ntid.x;
  mov.u32 %%lane, %%tid.x;
  mov.u32 %%ctas, %%nctaid.x;
  cvt.u64.u32 %%index, %%lane;
  mad.wide.u32 %%index, %%cta, %%width, %%index;
  mul.wide.u32 %%stride, %%ctas, %%width;
%(before)s
walk:
  setp.ge.u64 %%past, %%index, %%count;
  @%%past bra done;
  mad.lo.u64 %%place, %%index, 4, %%base;
  add.u64 %%index, %%index, %%stride;
%(body)s
  bra walk;
done:
  ret;
}
"""


def _kernel(name, body, more="", before=""):
    return _WALK % {"name": name, "body": body, "more": more, "before": before}


PTX = (
    ".version 6.5\n.target sm_50\n.address_size 64\n"
    + _kernel("aliquot_fill", "  st.global.u32 [%place], %operand;")
    + _kernel(
        "aliquot_add",
        "  ld.global.u32 %seen, [%place];\n  add.u32 %seen, %seen, %operand;\n  st.global.u32 [%place], %seen;",
    )
    + _kernel(
        "aliquot_check",
        "  ld.global.u32 %seen, [%place];\n  setp.eq.u32 %same, %seen, %operand;\n  @%same bra walk;\n"
        "  red.global.add.u64 [%sum], %one;",
        more=", .param .u64 out",
        before="  ld.param.u64 %sum, [out];\n  mov.u64 %one, 1;",
    )
)


class Refused(Exception):
    def __init__(self, call, code):
        super().__init__(f"{call}: {code}")
        self.code = code


class Device:
    """Device 0 with its primary context, current in the calling thread, and the kernels."""

    def __init__(self):
        self._library = ctypes.CDLL("libcuda.so.1")
        self._call("cuInit", ctypes.c_uint(0))
        device, context, module = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_void_p()
        self._call("cuDeviceGet", ctypes.byref(device), ctypes.c_int(0))
        self._call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        self._call("cuCtxSetCurrent", context)
        self._call("cuModuleLoadData", ctypes.byref(module), ctypes.c_char_p(PTX.encode()))
        self._kernels = {}
        for name in ("fill", "add", "check"):
            function = ctypes.c_void_p()
            self._call("cuModuleGetFunction", ctypes.byref(function), module, ctypes.c_char_p(b"aliquot_" + name.encode()))
            self._kernels[name] = function
        self._counter = self.allocate(8)

    def _call(self, name, *arguments):
        code = getattr(self._library, name)(*arguments)
        if code:
            raise Refused(name, code)

    def info(self):
        """Free and total bytes, as the driver tells this process."""
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        self._call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
        return free.value, total.value

    def allocate(self, size):
        address = ctypes.c_uint64()
        self._call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(size))
        return address.value

    def free(self, address):
        self._call("cuMemFree_v2", ctypes.c_uint64(address))

    def allocate_pinned(self, size):
        address = ctypes.c_void_p()
        self._call("cuMemHostAlloc", ctypes.byref(address), ctypes.c_size_t(size), ctypes.c_uint(0))
        return address

    def copy_to_host(self, host, address, size):
        self._call("cuMemcpyDtoH_v2", host, ctypes.c_uint64(address), ctypes.c_size_t(size))

    def launch(self, kernel, address, size, value):
        """Queues a kernel over all words of a block."""
        arguments = [ctypes.c_uint64(address), ctypes.c_uint64(size // 4), ctypes.c_uint32(value), ctypes.c_uint64(self._counter)]
        pointers = (ctypes.c_void_p * 4)(*(ctypes.addressof(a) for a in arguments))
        grid = [ctypes.c_uint(n) for n in (BLOCKS, 1, 1, THREADS, 1, 1, 0)]
        self._call("cuLaunchKernel", self._kernels[kernel], *grid, None, pointers, None)

    def synchronize(self):
        self._call("cuCtxSynchronize")

    def wrong(self):
        """Words that the checks queued so far have found wrong, all together."""
        self.synchronize()
        count = ctypes.c_uint64()
        self.copy_to_host(ctypes.byref(count), self._counter, 8)
        return count.value

    def start_count(self):
        self._call("cuMemsetD8_v2", ctypes.c_uint64(self._counter), ctypes.c_ubyte(0), ctypes.c_size_t(8))
        self.synchronize()
