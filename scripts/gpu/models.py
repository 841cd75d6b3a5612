"""Programs of frameworks that answer the same each time they are asked, for swap_models.py. No part of them knows of Aliquot.

    models.py driver MIB          blocks of the driver API, without any framework
    models.py llama               PyTorch: a decoder of Llama-3.1-8B's shape, random weights in bf16, one token as a captured CUDA graph
    models.py torch_compile       PyTorch: a compiled stack of layers
    models.py torch_async         PyTorch on cudaMallocAsync
    models.py torch_segments      PyTorch with expandable segments
    models.py torch_sharing       PyTorch: a tensor that a child process has, too, by torch.multiprocessing
    models.py jax | cupy

Each prints {"event": "ready", "held": bytes} when it can answer, {"event": "answer", "first": seconds, "seconds": ..., "digest": ...}
for each line of its standard input, and {"event": "end"} at the end of that. `first` is the time until the first of several results.
"""

import hashlib
import json
import os
import sys
import time

MIB = 1 << 20
TOKENS = 8


def tell(event, **values):
    print(json.dumps({"event": event, "at": time.monotonic(), **values}), flush=True)


def driver(mib):
    from cuda_driver import Device

    device = Device()
    blocks = [(device.allocate(64 * MIB), 7 + at) for at in range(int(mib) // 64)]
    for address, value in blocks:
        device.launch("fill", address, 64 * MIB, value)
    device.start_count()

    def answer():
        for address, value in blocks:
            device.launch("check", address, 64 * MIB, value)
            yield str(device.wrong()).encode()

    return answer, len(blocks) * 64 * MIB


def llama():
    import torch
    import torch.nn.functional as F

    layers, hidden, heads, kv_heads, size, inner, words, context = 32, 4096, 32, 8, 128, 14336, 128256, 512
    torch.manual_seed(1)

    def weight(*shape):
        return torch.randn(*shape, device="cuda", dtype=torch.bfloat16) * 0.02

    embed, head = weight(words, hidden), weight(words, hidden)
    stack = [
        dict(q=weight(heads * size, hidden), kv=weight(2 * kv_heads * size, hidden), o=weight(hidden, heads * size),
             gate=weight(inner, hidden), up=weight(inner, hidden), down=weight(hidden, inner),
             cache=torch.zeros(2, 1, kv_heads, context, size, device="cuda", dtype=torch.bfloat16))
        for _ in range(layers)
    ]
    token = torch.zeros(1, dtype=torch.long, device="cuda")
    place = torch.zeros(1, dtype=torch.long, device="cuda")
    places = torch.arange(context, device="cuda")
    logits = torch.zeros(1, words, device="cuda", dtype=torch.bfloat16)

    def norm(x):
        return F.rms_norm(x, (hidden,))

    def decode():
        x = embed[token]
        mask = (places <= place).view(1, 1, 1, context)
        for w in stack:
            y = norm(x)
            q = F.linear(y, w["q"]).view(1, heads, 1, size)
            kv = F.linear(y, w["kv"]).view(2, 1, kv_heads, 1, size)
            w["cache"].index_copy_(3, place, kv)
            k, v = (part.repeat_interleave(heads // kv_heads, dim=1) for part in w["cache"])
            x = x + F.linear(F.scaled_dot_product_attention(q, k, v, attn_mask=mask).reshape(1, heads * size), w["o"])
            y = norm(x)
            x = x + F.linear(F.silu(F.linear(y, w["gate"])) * F.linear(y, w["up"]), w["down"])
        logits.copy_(F.linear(norm(x), head))
        token.copy_(logits.argmax(-1))
        place.add_(1)

    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.no_grad(), torch.cuda.stream(side):
        for _ in range(3):
            decode()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.no_grad(), torch.cuda.graph(graph):
        decode()

    def answer():
        token.fill_(1)
        place.zero_()
        for _ in range(TOKENS):
            graph.replay()
            yield str(token.item()).encode()
        yield logits.float().cpu().numpy().tobytes()

    return answer, torch.cuda.memory_reserved()


def torch_layers(compiled=False):
    import torch

    torch.manual_seed(1)
    stack = torch.nn.Sequential(*(torch.nn.Linear(4096, 4096, dtype=torch.bfloat16) for _ in range(64))).cuda()
    run = torch.compile(stack) if compiled else stack
    x = torch.randn(64, 4096, device="cuda", dtype=torch.bfloat16)

    def answer():
        with torch.no_grad():
            y = run(x)
            z = run(y + torch.full_like(y, 0.5))  # something is allocated and freed each time
        for result in (y, z):
            yield result.float().cpu().numpy().tobytes()

    return answer, torch.cuda.memory_reserved()


def torch_compile():
    return torch_layers(compiled=True)


def torch_async():
    os.environ["PYTORCH_CUDA_ALLOC_CONF"] = "backend:cudaMallocAsync"
    return torch_layers()


def torch_segments():
    os.environ["PYTORCH_CUDA_ALLOC_CONF"] = "expandable_segments:True"
    return torch_layers()


def _child(shared, orders, answers):
    for _ in iter(orders.get, None):
        shared.add_(1)
        answers.put(float(shared.double().sum()))


def torch_sharing():
    import torch

    spawn = torch.multiprocessing.get_context("spawn")
    shared, own = torch.zeros(64 * MIB // 4, device="cuda"), torch.arange(256 * MIB // 4, device="cuda")
    orders, answers = spawn.SimpleQueue(), spawn.SimpleQueue()
    spawn.Process(target=_child, args=(shared, orders, answers), daemon=True).start()

    def answer():
        shared.zero_()
        torch.cuda.synchronize()
        orders.put("add")
        yield str(answers.get()).encode()
        yield str((float(shared.double().sum()), int(own.sum()))).encode()

    return answer, torch.cuda.memory_reserved()


def jax():
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
    import jax as framework
    import jax.numpy as jnp
    import numpy

    weights = framework.random.normal(framework.random.key(1), (16, 4096, 4096), jnp.bfloat16) * 0.02
    run = framework.jit(lambda x, stack: framework.lax.scan(lambda carry, w: (carry @ w, None), x, stack)[0])
    x = jnp.ones((64, 4096), jnp.bfloat16)

    def answer():
        for at in range(3):
            yield numpy.asarray(run(x * (at + 1), weights), dtype=numpy.float32).tobytes()

    return answer, weights.nbytes


def cupy():
    import cupy as framework

    framework.random.seed(1)
    weights = framework.random.standard_normal((16, 4096, 4096), dtype=framework.float32) * 0.02
    x = framework.ones((64, 4096), framework.float32)

    def answer():
        y = x
        for w in weights:
            y = y @ w
            yield y.tobytes()

    return answer, weights.nbytes


MODELS = {each.__name__: each for each in (driver, llama, torch_compile, torch_async, torch_segments, torch_sharing, jax, cupy)}


def main():
    make = MODELS.get(sys.argv[1]) if len(sys.argv) > 1 else None
    if make is None:
        print(__doc__)
        sys.exit(2)
    answer, held = make(*sys.argv[2:])
    list(answer())
    tell("ready", held=held)
    for _ in sys.stdin:
        began, first, seen = time.monotonic(), None, hashlib.sha256()
        for result in answer():
            first = first or time.monotonic() - began
            seen.update(result)
        tell("answer", first=first, seconds=time.monotonic() - began, digest=seen.hexdigest()[:16])
    tell("end")


if __name__ == "__main__":
    main()
