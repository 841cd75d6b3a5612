"""The programs of lending.py. No part of them knows of Aliquot; they run as well without it.

    lending_tenant.py borrower STEP_MIB     grows to 90 % of the device, then checks and changes all its data over and over
    lending_tenant.py owner STEP_MIB        takes all that the device has free for it, step by step, and keeps it
    lending_tenant.py churn HOLD_PERCENT    microseconds for an allocation of 20 MiB and its free, above what it holds
    lending_tenant.py bus                   pinned copies from the device to the host

Each prints one JSON object a line. Borrower and owner go on until their standard input ends or has a line. Times are the
machine's monotonic clock, so that those of different processes can be compared.
"""

import json
import select
import sys
import time

from cuda_driver import MIB, OUT_OF_MEMORY, Device, Refused

GROUP = 2  # blocks whose kernels are queued at once: memory moves only when all that is queued has run
FULL = 0.9
CHURN_BYTES = 20 * MIB
PIECE = 64 * MIB


def tell(event, **values):
    print(json.dumps({"event": event, "at": time.monotonic(), **values}), flush=True)


def told_to_leave():
    return bool(select.select([sys.stdin], [], [], 0)[0])


class Blocks:
    """Equal blocks, each full of one word of its own."""

    def __init__(self, device, size):
        self.device, self.size, self.blocks = device, size, []

    def grow(self):
        address = self.device.allocate(self.size)
        value = 0x01000193 * (len(self.blocks) + 1) & 0xFFFFFFFF
        self.device.launch("fill", address, self.size, value)
        self.blocks.append([address, value])

    def held(self):
        return len(self.blocks) * self.size

    def round(self, change=0):
        """Checks every word of every block, then changes it; the longest time that what was queued took."""
        longest = 0
        for first in range(0, len(self.blocks), GROUP):
            began = time.monotonic()
            for block in self.blocks[first : first + GROUP]:
                self.device.launch("check", block[0], self.size, block[1])
                if change:
                    self.device.launch("add", block[0], self.size, change)
                    block[1] = (block[1] + change) & 0xFFFFFFFF
            self.device.synchronize()
            longest = max(longest, time.monotonic() - began)
        return longest

    def check_of_the_check(self):
        """A check for another word has to find every word of the first block wrong, once."""
        before = self.device.wrong()
        self.device.launch("check", self.blocks[0][0], self.size, self.blocks[0][1] + 1)
        found = self.device.wrong() - before
        self.device.start_count()
        if found != self.size // 4:
            tell("broken", why=f"{found} of {self.size // 4} words that differ were found")
            sys.exit(1)


def borrower(step_mib):
    device = Device()
    device.start_count()
    _, total = device.info()
    blocks = Blocks(device, int(step_mib) * MIB)
    refused = False
    while not refused and blocks.held() + blocks.size <= FULL * total:
        try:
            blocks.grow()
        except Refused as refusal:
            if refusal.code != OUT_OF_MEMORY or not blocks.blocks:
                raise
            refused = True
    blocks.check_of_the_check()
    tell("full", held=blocks.held(), total=total, refused=refused)
    rounds = 0
    while not told_to_leave():
        began = time.monotonic()
        rounds += 1
        longest = blocks.round(change=rounds)
        tell("round", seconds=time.monotonic() - began, queued=longest)
    blocks.round()
    tell("end", rounds=rounds, wrong=device.wrong())


def owner(step_mib):
    device = Device()
    device.start_count()
    blocks = Blocks(device, int(step_mib) * MIB)
    tell("start", free=device.info()[0])
    while device.info()[0] >= blocks.size:
        began = time.monotonic()
        try:
            blocks.grow()
        except Refused as refusal:
            tell("refused", code=refusal.code, wait=time.monotonic() - began, free=device.info()[0])
            sys.exit(1)
        tell("step", wait=time.monotonic() - began)
    blocks.check_of_the_check()
    tell("full", held=blocks.held())
    while not told_to_leave():
        blocks.round(change=1)
    blocks.round()
    tell("end", wrong=device.wrong())


def churn(hold_percent):
    device = Device()
    hold = device.info()[1] * int(hold_percent) // 100
    held = []
    try:
        while (len(held) + 1) * PIECE <= hold:
            held.append(device.allocate(PIECE))
    except Refused:
        device.free(held.pop())
    best = float("inf")
    for _ in range(10):
        began = time.perf_counter()
        for _ in range(50):
            device.free(device.allocate(CHURN_BYTES))
        best = min(best, (time.perf_counter() - began) / 50)
    tell("churn", microseconds=best * 1e6)


def bus():
    device = Device()
    size = 512 * MIB
    block, host = device.allocate(size), device.allocate_pinned(size)
    device.launch("fill", block, size, 1)
    device.synchronize()
    best = float("inf")
    for _ in range(8):
        began = time.perf_counter()
        device.copy_to_host(host, block, size)
        best = min(best, time.perf_counter() - began)
    tell("bus", rate=size / best, total=device.info()[1])


ROLES = {"borrower": (borrower, 1), "owner": (owner, 1), "churn": (churn, 1), "bus": (bus, 0)}


def main():
    role = ROLES.get(sys.argv[1]) if len(sys.argv) > 1 else None
    if role is None or len(sys.argv) != 2 + role[1]:
        print(__doc__)
        sys.exit(2)
    role[0](*sys.argv[2:])


main()
