#!/usr/bin/env python3
"""Shows that lent device memory is taken back from a program that goes on computing.

A borrower (request 25 %, limit 100 % of the device) grows far beyond its request and computes on all of it. Then the owner of
half of the device takes what it was guaranteed, and leaves again. The table says how long the owner waited, how fast data
moved, how the borrower fared meanwhile, and how many of its words were wrong: that must be none.

    lending.py [--aliquot PATH] [--simulate NODE] [--step-mib N] [--phase-seconds N]

Exit status 0: everything was as it must be; 1: it was not; the last line says so. Every wait has an end, only what was started here
is stopped, and the agent's state is removed.
"""

import time

from lending_node import Failed, until
from lending_script import GIB, main, print_device, start

POOL_PART = 0.6
PREPARED_PART = 0.5  # what the owner will take back: else it waits for the making of chunks, ten times as long as for the bus


def rounds_a_second(rounds, began, ended):
    """Rounds that lie partly within count for that part."""
    done = 0.0
    for r in rounds:
        inside = min(r["at"], ended) - max(r["at"] - r["seconds"], began)
        done += max(0.0, inside) / r["seconds"]
    return done / (ended - began)


def measure_bare_churn(node):
    """Allocation without Aliquot."""
    return node.run("bare", ["churn", 0]).first("churn")["microseconds"]


def measure_churn(node, name, hold_percent, limit):
    program = node.run(name, ["churn", hold_percent], ["--gpu-fraction", "25", "--gpu-fraction-limit", limit])
    microseconds = program.first("churn")["microseconds"]
    program.process.wait(60)
    until(f"the end of {name}", lambda: all(t["name"] != name for t in node.view()["tenants"]), 60)
    return microseconds


def show(node, step_mib, phase):
    """The whole story; a line that sums it up, and what was not as it must be."""
    bus, bare_us = start(node, POOL_PART, PREPARED_PART, measure_bare_churn)
    churns = {
        "bare": bare_us,
        "tenant": measure_churn(node, "fixed", 0, "25"),
        "may borrow": measure_churn(node, "modest", 0, "100"),
        "borrows": measure_churn(node, "greedy", 60, "100"),
    }

    a = node.run("borrower", ["borrower", step_mib], ["--gpu-fraction", "25", "--gpu-fraction-limit", "100"])
    full = a.first("full")
    until("the host pool to be made", lambda: node.prepared_bytes() >= full["total"] * PREPARED_PART - (128 << 20))
    time.sleep(phase)
    alone, before = node.tenant("borrower"), node.metrics()

    b = node.run("owner", ["owner", step_mib], ["--gpu-fraction", "50"])
    kept = b.first("full")
    taking = b.first("start")["at"], kept["at"]
    time.sleep(phase)
    beside = node.tenant_by_command("borrower")
    taken = node.metrics()
    left = time.monotonic()
    owner_end = b.leave()

    promoted_before = taken["aliquot_moved_bytes_total", "promoted"]
    until("the borrower's data back on the device", lambda: node.tenant("borrower")["demotedBytes"] == 0)
    until(
        "the counters of its return",
        lambda: node.metrics()["aliquot_moved_bytes_total", "promoted"] - promoted_before >= beside["demotedBytes"],
        30,
    )
    back = time.monotonic()
    time.sleep(phase)
    again, after = node.tenant("borrower"), node.metrics()
    ended = time.monotonic()
    borrower_end = a.leave()

    rounds, waits = a.all("round"), [s["wait"] for s in b.all("step")]
    if not rounds or not waits:
        raise Failed(f"{len(rounds)} rounds of the borrower and {len(waits)} steps of the owner")
    queued = max([r["queued"] for r in rounds if taking[0] < r["at"] < taking[1]], default=0)
    phases = [
        ("alone", alone, full["at"], taking[0]),
        ("owner takes", None, *taking),
        ("beside the owner", beside, kept["at"], left),
        ("alone again", again, back, ended),
    ]
    rates = [rounds_a_second(rounds, began, end) for _, _, began, end in phases]

    def moved(name, direction, since, to):
        return to[f"aliquot_{name}", direction] - since[f"aliquot_{name}", direction]

    demoted = moved("moved_bytes_total", "demoted", before, taken)
    copying = moved("move_copy_seconds_total", "demoted", before, taken)
    closed = moved("move_closed_seconds_total", "demoted", before, taken)
    promoted = moved("moved_bytes_total", "promoted", taken, after)
    promoting = moved("move_copy_seconds_total", "promoted", taken, after)
    waited = [moved("take_back_seconds_" + part, "loan", before, taken) for part in ("count", "sum")]
    stuck = moved("take_back_seconds_count", "stuck", before, after)
    wrong = borrower_end["wrong"] + owner_end["wrong"]

    print_device(node)
    print(f"borrower  data {full['held'] / GIB:.2f} GiB" + (", then refused" if full["refused"] else ""))
    for (name, view, began, end), rate in zip(phases, rates):
        where = f"{(full['held'] - view['demotedBytes']) / GIB:7.2f} GiB on the device" if view else " " * 25
        print(f"  {name:<17}{where}  {rate:7.2f} rounds/s in {end - began:.1f} s")
    print(f"  its queued work took up to {queued * 1e3:.0f} ms while the owner took, waiting for moves included")
    print(f"owner     {len(waits)} steps of {step_mib} MiB, {kept['held'] / GIB:.2f} GiB; waits: worst {max(waits) * 1e3:.0f} ms, "
          f"total {sum(waits):.3f} s, median {sorted(waits)[len(waits) // 2] * 1e3:.1f} ms")
    print(f"demotion  {demoted / GIB:.2f} GiB, copying {copying:.3f} s, {per_second(demoted, copying)}; bus {bus['rate'] / 1e9:.1f} GB/s; "
          f"gate closed {closed:.3f} s; wait/copy {sum(waits) / copying if copying else float('inf'):.2f}")
    print(f"agent     {waited[0]:.0f} waits for a loan, {waited[1]:.3f} s; {stuck:.0f} in vain")
    print(f"return    {promoted / GIB:.2f} GiB, copying {promoting:.3f} s, {per_second(promoted, promoting)}; "
          f"all back {back - left:.1f} s after the owner was told to leave")
    print("churn     us for 20 MiB and its free: " + ", ".join(f"{name} {us:.1f}" for name, us in churns.items()))
    print(f"wrong     {wrong} words")

    summary = f"{demoted / GIB:.2f} GiB demoted at {per_second(demoted, copying)}, worst wait {max(waits) * 1e3:.0f} ms, {wrong} wrong words"
    return summary, [text for bad, text in [
        (wrong, f"{wrong} wrong words"),
        (demoted <= 0 or beside["demotedBytes"] <= 0, "nothing was demoted: the owner's request did not need the borrower's memory"),
        (alone["loanBytes"] <= 0, "nothing was lent"),
        (stuck, f"{stuck:.0f} waits in vain"),
        (min(rates) <= 0, "the borrower stood still in a phase"),
    ] if bad]


def per_second(size, seconds):
    return f"{size / seconds / 1e9:.1f} GB/s" if seconds else "- GB/s"


main(show, "--phase-seconds", float, 8)
