"""A framework's program inside a share. No part of it knows of Aliquot.

    frameworks.py torch|jax|cupy share     takes memory until it is refused; the share must be the device, and the data right
    frameworks.py torch|jax|cupy launch    microseconds for a launch of a small kernel

The last line says what was seen; exit status 1 when something was not as it must be.
"""

import os
import sys
import time

MIB = 1 << 20
PIECE = 256 * MIB


def fail(text):
    print("FAILED:", text)
    sys.exit(1)


def torch_share():
    import torch

    free, total = torch.cuda.mem_get_info()
    pieces = []
    try:
        while True:
            pieces.append(torch.full((PIECE // 4,), len(pieces), dtype=torch.int32, device="cuda"))
    except torch.cuda.OutOfMemoryError:
        pass
    if not pieces or len(pieces) * PIECE > total:
        fail(f"{len(pieces)} pieces of {PIECE // MIB} MiB in a share of {total // MIB} MiB")
    for value, piece in enumerate(pieces):
        if not bool((piece == value).all()):
            fail(f"piece {value} has wrong data")
    count = len(pieces)
    del pieces
    torch.cuda.empty_cache()
    a = torch.randn(1024, 1024, device="cuda")
    if not torch.allclose(a @ torch.eye(1024, device="cuda"), a, atol=1e-2):
        fail("the matrix product after the refusal is wrong")
    graph = torch.cuda.CUDAGraph()
    b = torch.zeros(1024, device="cuda")
    with torch.cuda.graph(graph):
        b += 1
    for _ in range(10):
        graph.replay()
    torch.cuda.synchronize()
    if b[0].item() != 10:
        fail(f"a graph replayed ten times added {b[0].item()}")
    print(f"total {total // MIB} MiB, free at first {free // MIB} MiB, held {count * PIECE // MIB} MiB, then out of memory")


def cupy_share():
    import cupy

    free, total = cupy.cuda.runtime.memGetInfo()
    pieces = []
    try:
        while True:
            pieces.append(cupy.full(PIECE // 4, len(pieces), dtype=cupy.int32))
    except cupy.cuda.memory.OutOfMemoryError:
        pass
    if not pieces or len(pieces) * PIECE > total:
        fail(f"{len(pieces)} pieces of {PIECE // MIB} MiB in a share of {total // MIB} MiB")
    for value, piece in enumerate(pieces):
        if int(piece.min()) != value or int(piece.max()) != value:
            fail(f"piece {value} has wrong data")
    print(f"total {total // MIB} MiB, free at first {free // MIB} MiB, held {len(pieces) * PIECE // MIB} MiB, then out of memory")


def jax_share():
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
    import jax
    import jax.numpy as jnp

    pieces = []
    refused = False
    for value in range(4096):
        try:
            pieces.append(jnp.full(PIECE // 4, value, dtype=jnp.int32).block_until_ready())
        except Exception as error:  # jaxlib's own exception type has moved between releases
            refused = "RESOURCE_EXHAUSTED" in str(error) or "out of memory" in str(error).lower()
            if not refused:
                raise
            break
    if not refused or not pieces:
        fail(f"refused: {refused}, pieces: {len(pieces)}")
    for value, piece in enumerate(pieces[:4]):
        if int(piece[0]) != value or int(piece[-1]) != value:
            fail(f"piece {value} has wrong data")
    limit = jax.devices()[0].memory_stats().get("bytes_limit", 0)
    print(f"bytes_limit {limit // MIB} MiB, held {len(pieces) * PIECE // MIB} MiB, then out of memory")


def torch_launch():
    import torch

    x = torch.zeros(1, device="cuda")
    return lambda: x.add_(1), torch.cuda.synchronize


def cupy_launch():
    import cupy

    x = cupy.zeros(1)
    return lambda: cupy.add(x, 1, out=x), cupy.cuda.runtime.deviceSynchronize


def jax_launch():
    import jax
    import jax.numpy as jnp

    add = jax.jit(lambda v: v + 1)
    x = jnp.zeros(1)
    add(x).block_until_ready()
    return lambda: add(x), lambda: add(x).block_until_ready()


def launch(prepare):
    once, wait = prepare()
    best = float("inf")
    for _ in range(20):
        began = time.perf_counter()
        for _ in range(2000):
            once()
        wait()
        best = min(best, (time.perf_counter() - began) / 2000)
    print(f"{best * 1e6:.2f} us a launch, best of 20 rounds of 2000")


def main():
    if len(sys.argv) != 3 or sys.argv[2] not in ("share", "launch"):
        print(__doc__)
        sys.exit(2)
    function = globals().get(f"{sys.argv[1]}_{sys.argv[2]}")
    if function is None:
        print(__doc__)
        sys.exit(2)
    if sys.argv[2] == "launch":
        launch(function)
    else:
        function()


main()
