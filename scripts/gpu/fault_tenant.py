"""A program that makes one fault on the device and tells how the driver ended it.

    fault_tenant.py wild|trap|misaligned

Prints {"event": "fault", "code": CUresult, "at": the machine's monotonic clock}; ends with the status 0 when the driver refused.
"""

import ctypes
import json
import sys
import time

from cuda_driver import Device, Refused

PTX = """.version 6.5
.target sm_50
.address_size 64
.visible .entry aliquot_wild(.param .u64 at)
{
  .reg .u64 %at;
  .reg .u32 %one;
  ld.param.u64 %at, [at];
  mov.u32 %one, 1;
  st.global.u32 [%at], %one;
  ret;
}
.visible .entry aliquot_trap()
{
  trap;
  ret;
}
"""
NOWHERE = 0x70000000000


def main(word):
    device = Device()
    library = ctypes.CDLL("libcuda.so.1")
    module, kernel = ctypes.c_void_p(), ctypes.c_void_p()
    address = device.allocate(2 << 20) + 1 if word == "misaligned" else NOWHERE
    name = b"aliquot_trap" if word == "trap" else b"aliquot_wild"
    for call, arguments in (
        ("cuModuleLoadData", (ctypes.byref(module), ctypes.c_char_p(PTX.encode()))),
        ("cuModuleGetFunction", (ctypes.byref(kernel), module, ctypes.c_char_p(name))),
    ):
        code = getattr(library, call)(*arguments)
        if code:
            raise Refused(call, code)
    argument = ctypes.c_uint64(address)
    pointers = (ctypes.c_void_p * 1)(ctypes.addressof(argument))
    grid = [ctypes.c_uint(n) for n in (1, 1, 1, 1, 1, 1, 0)]
    code = library.cuLaunchKernel(kernel, *grid, None, pointers, None) or library.cuCtxSynchronize()
    print(json.dumps({"event": "fault", "code": code, "at": time.monotonic()}), flush=True)
    sys.exit(0 if code else 1)


main(sys.argv[1])
