#!/usr/bin/env python3
"""Shows that a program is swapped out as a whole and comes back, and how fast, beside the bus in the same run.

A program (request 25 %, limit 100 % of the device) grows to most of the device and checks and changes all of it over and over. It is
told to leave, again and again, in the middle of its work; each time all of its data moves to host memory, its next call has
it come back, and its words must be right. It never learns of any of it.

    swap.py [--aliquot PATH] [--simulate NODE] [--step-mib N] [--times N]

Exit status 0: everything was as it must be; 1: it was not; the last line says so. Every wait has an end, only what was started here
is stopped, and the agent's state is removed.
"""

import subprocess
import time

from lending_node import until
from lending_script import GIB, main, print_device, start

POOL_PART = 1.0  # all of the program's data leaves
GOAL = 0.9  # of the bus, each way


def counters(node):
    values = node.metrics()
    return {
        (what, way): values[f"aliquot_{what}", way]
        for what in ("moved_bytes_total", "move_copy_seconds_total", "move_closed_seconds_total")
        for way in ("demoted", "promoted")
    }


def swap_once(node, held):
    """Out and in again; what the counters say of it, and how long the whole took."""
    before, began = counters(node), time.monotonic()
    subprocess.run(
        [node.aliquot, "swap", "out", "holder", "--state-dir", node.state, "--timeout", "120"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=150,
    )  # a program that computes may be back before the command looks: the counters say what was done

    def back():
        now = counters(node)
        done = all(now["moved_bytes_total", way] - before["moved_bytes_total", way] >= held for way in ("demoted", "promoted"))
        return now if done and node.tenant("holder")["demotedBytes"] == 0 else None

    after = until("the program to be out and back", back)
    return {key: after[key] - before[key] for key in after}, time.monotonic() - began


def per_second(size, seconds):
    return size / seconds if seconds else 0.0


def show(node, step_mib, times):
    [bus] = start(node, POOL_PART, POOL_PART)
    holder = node.run("holder", ["borrower", step_mib], ["--gpu-fraction", "25", "--gpu-fraction-limit", "100"])
    held = holder.first("full")["held"]
    until("the host pool to be made", lambda: node.prepared_bytes() >= held, 600)
    rows = []
    for _ in range(times):
        rounds = len(holder.all("round"))
        rows.append(swap_once(node, held))
        until("a round over all data", lambda: len(holder.all("round")) >= rounds + 2)
    wrong = holder.leave()["wrong"]

    print_device(node)
    print(f"bus       {bus['rate'] / 1e9:.1f} GB/s, pinned copies in the same run")
    best = {}
    for moves, took in rows:
        line = []
        for way, word in (("demoted", "out"), ("promoted", "in")):
            size = moves["moved_bytes_total", way]
            copy = per_second(size, moves["move_copy_seconds_total", way])
            closed = moves["move_closed_seconds_total", way]
            rate = per_second(size, closed)
            best[word] = max(best.get(word, 0.0), rate)
            line.append(f"{word} {size / GIB:.2f} GiB, copying {copy / 1e9:.1f} GB/s, callers kept for {closed:.3f} s "
                        f"({rate / 1e9:.1f} GB/s, {rate / bus['rate']:.2f} of the bus)")
        print("  " + "; ".join(line) + f"; all in {took:.2f} s")
    print(f"wrong     {wrong} words")
    summary = (f"out {best['out'] / 1e9:.1f}, in {best['in'] / 1e9:.1f} GB/s of {held / GIB:.2f} GiB, bus {bus['rate'] / 1e9:.1f}, "
               f"{wrong} wrong words")
    missed = min(best.values()) < GOAL * bus["rate"]
    if missed and not node.simulate:
        summary += f"; the goal of {GOAL} of the bus is missed"
    return summary, [f"{wrong} wrong words"] if wrong else []


main(show, "--times", int, 3)
