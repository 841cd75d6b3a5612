"""An agent of our own with the programs that run under it, for lending.py, swap.py, swap_models.py and faults.py: every wait has an end, and only what was started here
is stopped.
"""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
DEADLINE = 150


class Failed(Exception):
    pass


def until(what, ready, seconds=DEADLINE):
    """What `ready` answers, as soon as that is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = ready()
        if answer:
            return answer
        time.sleep(0.05)
    raise Failed(f"waited {seconds} s in vain for {what}")


class Program:
    """A process of lending_tenant.py and what it has told so far."""

    def __init__(self, name, command, environment=None):
        self.name, self.events = name, []
        self.process = subprocess.Popen(
            command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self._complaints = []
        self._readers = [
            threading.Thread(target=self._read_events, daemon=True),
            threading.Thread(target=lambda: self._complaints.extend(self.process.stderr), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read_events(self):
        for line in self.process.stdout:
            try:
                self.events.append(json.loads(line))
            except ValueError:
                self._complaints.append(line)

    def all(self, event):
        return [e for e in self.events if e.get("event") == event]

    def first(self, event):
        """Its first such event; a program that ends without one has failed."""

        def look():
            ended = self.process.poll() is not None
            if ended:
                for reader in self._readers:
                    reader.join(5)
            found = self.all(event)
            if ended and not found:
                tail = " ".join("".join(self._complaints).split())[-300:]
                raise Failed(f"{self.name} ended with {self.process.returncode} before '{event}': {self.events[-1:]} {tail}")
            return found

        return until(f"'{event}' of {self.name}", look)[0]

    def leave(self):
        """Tells it to end; its last event."""
        self.process.stdin.close()
        end = self.first("end")
        if self.process.wait(DEADLINE) != 0:
            raise Failed(f"{self.name} ended with {self.process.returncode}")
        return end

    def stop(self):
        for send in (self.process.terminate, self.process.kill):
            if self.process.poll() is None:
                send()
                try:
                    self.process.wait(20)
                except subprocess.TimeoutExpired:
                    pass


class Node:
    """An agent of our own, and what runs under it."""

    def __init__(self, aliquot, simulate):
        self.aliquot, self.simulate, self.started = aliquot, simulate, []
        self.state = tempfile.mkdtemp(prefix="aliquot-lending-")
        self.bare = dict(os.environ)

    def start_agent(self, pool_bytes, prepared_bytes):
        command = [self.aliquot, "agent", "--state-dir", self.state, "--http-port", "0"]
        command += ["--host-pool-size", f"{pool_bytes >> 20}MiB", "--host-pool-prepared", f"{prepared_bytes >> 20}MiB"]
        agent = Program("agent", command + (["--simulate", self.simulate] if self.simulate else []))
        self.started.append(agent)
        self._address = until("the agent", self._agent_address, 60)
        until("the agent's first reading", lambda: self.view()["ready"], 60)

    def _agent_address(self):
        try:
            with open(os.path.join(self.state, "agent.json")) as file:
                return json.load(file)["http"]
        except (OSError, ValueError):
            return None

    def stop(self):
        for program in reversed(self.started):
            program.stop()
        shutil.rmtree(self.state, ignore_errors=True)

    def run(self, name, arguments, share=None):
        """Starts a role of lending_tenant.py: under `aliquot run` with a share, or bare."""
        role = [sys.executable, os.path.join(HERE, "lending_tenant.py"), *map(str, arguments)]
        if share:
            role = [self.aliquot, "run", "--state-dir", self.state, "--name", name, *share, "--", *role]
        program = Program(name, role, None if share else self.bare)
        self.started.append(program)
        return program

    def find_bare_simulator(self):
        """Without these two variables, bare programs would look for a real driver."""
        [tool] = glob.glob(os.path.join(self.state, "lib", "*", "aliquot-sim"))
        self.bare.update(ALIQUOT_SIM_DIR=os.path.join(self.state, "node"), LD_LIBRARY_PATH=os.path.dirname(tool))

    def _get(self, path):
        with urllib.request.urlopen(f"http://{self._address}{path}", timeout=20) as answer:
            return answer.read().decode()

    def view(self):
        return json.loads(self._get("/api/v1/node"))

    def faults(self):
        return json.loads(self._get("/api/v1/faults"))

    def tenant(self, name):
        return self._tenant(name, self.view())

    def tenant_by_command(self, name):
        """The same as `aliquot status --json` shows it."""
        command = [self.aliquot, "status", "--state-dir", self.state, "--json"]
        shown = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, timeout=60).stdout
        return self._tenant(name, json.loads(shown))

    @staticmethod
    def _tenant(name, view):
        for tenant in view["tenants"]:
            if tenant["name"] == name:
                return tenant
        raise Failed(f"the agent shows no tenant {name}")

    def prepared_bytes(self):
        """What of the host pool is made ahead."""
        return float(re.search(r"^aliquot_host_pool_prepared_bytes\{.*\} (\S+)$", self._get("/metrics"), re.M).group(1))

    def metrics(self):
        """The counters of moves and waits, by name and label."""
        values = {}
        for name, labels, value in re.findall(r"^(aliquot_(?:move|take_back)\w*)\{(.*)\} (\S+)$", self._get("/metrics"), re.M):
            label = re.search(r'(?:direction|cause)="(\w+)"', labels).group(1)
            if "outcome" not in labels and 'le="' not in labels:
                values[name, label] = float(value)
        return values
