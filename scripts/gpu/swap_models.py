#!/usr/bin/env python3
"""Shows that programs of frameworks are swapped out, hot and deep, and answer as before: what of them stays on the device meanwhile, and how
long their next answer takes.

    swap_models.py [--aliquot PATH] [--simulate NODE] [--step-mib N] [--times N[:NAME,NAME...]]

One program after the other (models.py), each in a share of 25 % that may borrow all of the device, idle: told to leave N times hot and N times
deep, and asked each time for what it answered before. Programs whose framework is not installed are left out. STEP-MIB is a quarter of
what the program without a framework holds.

Exit status 0: all answers were the same; 1: they were not; the last line says so. Every wait has an end, only what was started here is stopped,
and the agent's state is removed.
"""

import importlib.util
import os
import subprocess
import sys
import time

from lending_node import HERE, Failed, Program, until
from lending_script import GIB, main, print_device, start

# What a program needs, and within how long its first result has to be there on a bus of an H100's: hot, deep.
MODELS = {
    "driver": (None, None),
    "llama": ("torch", (0.5, 1.5)),
    "torch_compile": ("torch", None),
    "torch_async": ("torch", None),
    "torch_segments": ("torch", None),
    "torch_sharing": ("torch", None),
    "jax": ("jax", None),
    "cupy": ("cupy", None),
}
WAYS = {"hot": ([], "swapped"), "deep": (["--deep"], "deep")}
POOL_PART = 0.6
READING = 2.0  # the agent has looked at the device since


def aliquot(node, *arguments):
    command = [node.aliquot, arguments[0], "--state-dir", node.state, *map(str, arguments[1:])]
    return subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=200)


def ask(program):
    """Its next answer."""
    known = len(program.all("answer"))
    program.process.stdin.write("\n")
    program.process.stdin.flush()
    until(f"an answer of {program.name}", lambda: program.process.poll() is not None or len(program.all("answer")) > known)
    if len(program.all("answer")) == known:
        raise Failed(f"{program.name} ended with {program.process.returncode}")
    return program.all("answer")[-1]


def swap_once(node, program, way):
    """Out, and in by being asked: what stays on the device meanwhile, and the answer; or why it stays."""
    options, state = WAYS[way]
    out = aliquot(node, "swap", "out", program.name, "--timeout", 120, *options)
    waited = aliquot(node, "wait", program.name, "--for", state, "--timeout", 60)
    time.sleep(READING)
    tenant = node.tenant(program.name)
    if tenant["state"] != state:
        return None, " ".join((out.stdout + waited.stdout).split())[-160:]
    left = tenant["groundTruthBytes"]
    answer = ask(program)
    until("all of it to be back", lambda: node.tenant(program.name)["demotedBytes"] == 0)
    return (left, answer), ""


def show_model(node, name, step_mib, times, problems):
    command = [sys.executable, os.path.join(HERE, "models.py"), name, *([4 * step_mib] if name == "driver" else [])]
    share = ["--gpu-fraction", "25", "--gpu-fraction-limit", "100", "--swap", "preferred"]
    program = Program(name, [node.aliquot, "run", "--state-dir", node.state, "--name", name, *share, "--", *map(str, command)])
    node.started.append(program)
    until(f"{name} to be ready", lambda: program.all("ready") or program.process.poll() is not None, 600)
    held = program.first("ready")["held"]
    before = ask(program)
    print(f"{name:15} {held / GIB:6.2f} GiB; warm: first {before['first']:.3f} s, all {before['seconds']:.3f} s")
    for way in WAYS:
        for _ in range(times):
            seen, why = swap_once(node, program, way)
            if seen is None:
                print(f"  {way:5} stays: {why}")
                if way == "hot" or name != "torch_sharing":  # what is shared keeps its process from going deep
                    problems.append(f"{name} does not leave ({way})")
                break
            left, answer = seen
            same = answer["digest"] == before["digest"]
            print(f"  {way:5} on the device meanwhile {left / GIB:.2f} GiB; first {answer['first']:.3f} s, all {answer['seconds']:.3f} s, "
                  + ("the same" if same else "DIFFERENT"))
            if not same:
                problems.append(f"{name} answers otherwise after {way}")
            goals = MODELS[name][1]
            goal = goals[way == "deep"] if goals else None
            if goal and answer["first"] > goal and not node.simulate:
                print(f"  {way:5} the goal of {goal} s is missed")
    program.leave()


def show(node, step_mib, options):
    times, only = options
    [bus] = start(node, POOL_PART, 0.5)
    print_device(node)
    print(f"bus       {bus['rate'] / 1e9:.1f} GB/s, pinned copies in the same run")
    problems, shown = [], []
    for name, (framework, _) in MODELS.items():
        if only and name not in only:
            continue
        if framework and (node.simulate or importlib.util.find_spec(framework) is None):
            print(f"{name:15} left out: no {framework} here" if not node.simulate else f"{name:15} left out on the simulator")
            continue
        show_model(node, name, step_mib, times, problems)
        shown.append(name)
    return f"the same answers from {', '.join(shown)}", problems


def options(text):
    """TIMES or TIMES:NAME,NAME"""
    times, _, names = text.partition(":")
    return int(times), [name for name in names.split(",") if name]


main(show, "--times", options, (3, []))
