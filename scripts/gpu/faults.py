#!/usr/bin/env python3
"""Shows that a fault of one program is blamed on its tenant by name, and that its neighbour computes on with the right data.

A neighbour checks and changes its data all the time. One tenant after another makes a real fault with a small kernel: a store to
where nothing is (XID 31), a trap (43), a misaligned store (13; not on a simulated node).

    faults.py [--aliquot PATH] [--simulate NODE] [--step-mib N] [--times N]

The kernel log has to be readable, or nobody can be blamed: run it as root. Exit status 0: everything was as it must be; 1: it was
not; the last line says so. Every wait has an end, only what was started here is stopped, and the agent's state is removed.
"""

import os
import sys
import time

from lending_node import HERE, Program, until
from lending_script import main, print_device, start

FAULTS = {"wild": 31, "trap": 43, "misaligned": 13}


def blamed(node, tenant):
    return [fault for fault in node.faults() if fault["tenantName"] == tenant]


def make(node, word, number):
    """One fault; the tenant's name, how the driver ended the program, and what the agent says of it after how long."""
    name = f"{word}-{number}"
    command = [node.aliquot, "run", "--state-dir", node.state, "--name", name, "--gpu-fraction", "40", "--"]
    program = Program(name, [*command, sys.executable, os.path.join(HERE, "fault_tenant.py"), word])
    node.started.append(program)
    ended = program.first("fault")
    [fault, *more] = until(f"somebody to be blamed for {name}", lambda: blamed(node, name), 30)
    return name, ended["code"], fault, more, time.monotonic() - ended["at"]


def show(node, step_mib, times):
    start(node, 0.1, 0.0)
    neighbour = node.run("neighbour", ["borrower", step_mib], ["--gpu-fraction", "30"])
    neighbour.first("full")
    words = [word for word in FAULTS if word != "misaligned" or not node.simulate]
    problems, waits = [], []
    print_device(node)
    for reason in node.view()["health"]["degraded"]:
        problems.append(reason)
    for number in range(times):
        for word in words:
            name, code, fault, more, seconds = make(node, word, number)
            rounds = len(neighbour.all("round"))
            until("the neighbour's next rounds", lambda: len(neighbour.all("round")) >= rounds + 2)
            state = node.view()["devices"][0]["state"]
            waits.append(seconds)
            print(f"  {name:14} CUresult {code}, XID {fault['code']} blamed on {fault['tenantName']} {fault['process']} after {seconds:.3f} s, "
                  f"seen {fault['sightings']} times by {', '.join(fault['sources'])}; device {state}")
            if int(fault["code"]) != FAULTS[word] or more:
                problems.append(f"{name} is told as {[each['code'] for each in [fault, *more]]}, not as one {FAULTS[word]}")
            if state != "healthy":
                problems.append(f"the device is {state} after {name}")
    wrong = neighbour.leave()["wrong"]
    print(f"neighbour {wrong} wrong words")
    if wrong:
        problems.append(f"{wrong} wrong words of the neighbour")
    if blamed(node, "neighbour"):
        problems.append("the neighbour is blamed")
    return f"{len(waits)} faults blamed, the slowest after {max(waits):.3f} s, 0 wrong words", problems


main(show, "--times", int, 2)
