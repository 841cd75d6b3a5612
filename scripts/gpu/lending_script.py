"""What lending.py, swap.py and swap_models.py are beside what they show: options, an agent with its host pool, and the verdict in the last line."""

import argparse
import os
import re
import signal
import subprocess
import sys

from lending_node import HERE, Failed, Node

GIB = 1 << 30


def start(node, pool_part, prepared_part, *others):
    """Starts the agent with a host pool of that part of the device, and that part of the device made ahead; the bus, and what each of
    the others measures on the node outside of any tenant. A real device is measured before: its size is needed for the pool.
    """

    def measure():
        return [node.run("bus", ["bus"]).first("bus"), *(other(node) for other in others)]

    def start_agent(total):
        node.start_agent(int(total * pool_part), int(total * prepared_part))

    if node.simulate:
        start_agent(int(re.search(r"memory=(\d+)GiB", node.simulate).group(1)) * GIB)
        node.find_bare_simulator()
        return measure()
    measured = measure()
    start_agent(measured[0]["total"])
    return measured


def print_device(node):
    view = node.view()
    device = view["devices"][0]
    print(f"device    {device['name']}, {device['totalBytes'] / GIB:.1f} GiB, driver {view['driverVersion']}"
          + (", simulated: no figure here is a GPU's" if node.simulate else ""))


def main(show, name, kind, default):
    """Runs show(node, step_mib, the option of that name), which says a line that sums it up and what was not as it must be."""
    options = argparse.ArgumentParser()
    packed = os.path.join(HERE, "aliquot")
    options.add_argument("--aliquot", default=packed if os.path.exists(packed) else os.path.join(HERE, "..", "..", "aliquot"))
    options.add_argument("--simulate", metavar="NODE", help="such as devices=1,memory=4GiB")
    options.add_argument("--step-mib", type=int, default=256)
    own = options.add_argument(name, type=kind, default=default).dest
    given = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    node = Node(given.aliquot, given.simulate)
    try:
        summary, problems = show(node, given.step_mib, getattr(given, own))
    except (Failed, OSError, subprocess.SubprocessError) as failure:
        summary, problems = "", [str(failure)]
    finally:
        node.stop()
    print("FAILED: " + "; ".join(problems) if problems else "PASSED: " + summary)
    sys.exit(1 if problems else 0)
