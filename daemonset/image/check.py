"""The part of daemonset/image/check that runs the container: arguments are the repository, the work folder, the container's name."""
import glob, json, os, re, subprocess, sys, time, urllib.request

ROOT, WORK, NAME = sys.argv[1:4]
STATE, GIB, MIB = WORK + "/state", 1 << 30, 1 << 20
GROUP = 64999  # whose members may have tenants: admin-group in the configuration
PROFILE = os.environ.get("SECCOMP_PROFILE", "")
MVN = os.environ["MVN"]
WITHOUT = "CAP_" + os.environ.get("WITHOUT", "")
failed = []


def chart():
    """The container's security context as the chart has it."""
    text = open(ROOT + "/daemonset/manifests/aliquot.yaml").read()
    agent = text[text.index("- name: agent"):]
    return ["CAP_" + each for each in re.findall(r"^ {16}- ([A-Z_]+)$", agent[agent.index("add:"):agent.index("resources:")], re.M)]


def check(what, seen, wanted):
    right = wanted(seen) if callable(wanted) else seen == wanted
    print(("ok      " if right else "WRONG   ") + what + ("" if right else ": " + repr(seen)[:400]), flush=True)
    if not right:
        failed.append(what)


def soon(ask, seconds=60):
    end = time.monotonic() + seconds
    while True:
        try:
            answer = ask()
            if answer or time.monotonic() > end:
                return answer
        except Exception as e:
            if time.monotonic() > end:
                return e
        time.sleep(0.1)


def system_calls(profile, capabilities):
    """A runtime's default profile as it comes out for these capabilities."""
    rules = []
    for rule in profile["syscalls"]:
        only, never = (rule.get(each) or {} for each in ("includes", "excludes"))
        arches = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
        if set(only.get("caps", [])) <= set(capabilities) and arches in only.get("arches", [arches]) \
                and not set(never.get("caps", [])) & set(capabilities) and arches not in never.get("arches", []):
            rules.append({each: rule[each] for each in ("names", "action", "args", "errnoRet") if rule.get(each)})
    return {"defaultAction": profile["defaultAction"], "syscalls": rules}


def configure():
    """A runtime configuration such as containerd makes of the chart's pod; umoci's own is the base."""
    path = WORK + "/bundle/config.json"
    config = json.load(open(path))
    capabilities = [each for each in chart() if each != WITHOUT]
    process = config["process"]
    process.update(terminal=False, noNewPrivileges=True, args=["/usr/bin/aliquot", "agent", "--config", WORK + "/etc/agent.yaml"])
    process["capabilities"] = {each: capabilities for each in ("bounding", "effective", "permitted")}
    config["root"] = {"path": "rootfs", "readonly": True}
    bind = lambda path, *more: {"destination": path, "source": path, "type": "bind", "options": ["rbind", *more]}
    config["mounts"] = [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=65536k"]},
        {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["nosuid", "noexec", "nodev", "mode=1777"]},
        {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
        {"destination": "/tmp", "type": "bind", "source": WORK + "/tmp", "options": ["rbind", "rw"]},
        {"destination": "/dev/kmsg", "type": "bind", "source": "/dev/kmsg", "options": ["rbind", "ro"]},
        bind(STATE, "rw"), bind(WORK + "/lib", "rw"), bind(WORK + "/kubelet", "rw"), bind(WORK + "/etc", "ro"),
    ]
    # the host's pids and, so that this script can ask, its network; what containerd gives every container of devices
    config["linux"] = {
        "namespaces": [{"type": each} for each in ("mount", "ipc", "uts", "cgroup")],
        "resources": {"devices": [{"allow": False, "access": "rwm"}]},
        "maskedPaths": config["linux"].get("maskedPaths", []), "readonlyPaths": config["linux"].get("readonlyPaths", []),
    }
    if PROFILE:
        config["linux"]["seccomp"] = system_calls(json.load(open(PROFILE)), capabilities)
    for each in (STATE, WORK + "/lib", WORK + "/kubelet", WORK + "/etc"):
        os.makedirs(WORK + "/bundle/rootfs" + each, exist_ok=True)
    json.dump(config, open(path, "w"))
    return capabilities


def start():
    log = open(WORK + "/log", "a")
    subprocess.run(["runc", "run", "--detach", "--bundle", WORK + "/bundle", NAME], stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True)


def allow_kernel_log():
    """As a privileged container has it, or one that the runtime was told to give the device; and health-kubernetes without a cluster."""
    path = WORK + "/bundle/config.json"
    config = json.load(open(path))
    config["linux"]["resources"]["devices"].append({"allow": True, "type": "c", "major": 1, "minor": 11, "access": "r"})
    json.dump(config, open(path, "w"))
    with open(WORK + "/etc/agent.yaml", "a") as agent:
        agent.write("health-kubernetes: dry-run\n")


def cluster_problem():
    """What keeps the agent from the cluster, in its own words; there is none here."""
    told = get("/api/v1/health")["kubernetes"]
    return told["failures"] > 0 and told["problem"]


def pid():
    return json.loads(subprocess.run(["runc", "state", NAME], capture_output=True, text=True, check=True).stdout)["pid"]


def get(path):
    address = json.load(open(STATE + "/agent.json"))["http"]
    return json.load(urllib.request.urlopen("http://" + address + path, timeout=5))


def tenant():
    return get("/api/v1/tenants")[0]


def aliquot(*arguments):
    """The image's own command, in the container."""
    done = subprocess.run(["runc", "exec", NAME, "/usr/bin/aliquot", *arguments], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


def pods():
    """A kubelet stand-in and pods' processes, in a test that is given the agent."""
    done = subprocess.run([MVN, "--batch-mode", "--no-transfer-progress", "-Dstyle.color=never", "-pl", "node-agent", "-am", "test", "-DskipNativeTests",
                           "-Dtest=ImagePodsTest", "-Dsurefire.failIfNoSpecifiedTests=false",
                           f"-Daliquot.test.args=-Daliquot.image.kubelet={WORK}/kubelet"], cwd=ROOT, capture_output=True, text=True, timeout=900)
    return done.returncode, done.stdout[-6000:]


def status(field, process):
    return re.search(field + r":\s+(\S+)", open(f"/proc/{process}/status").read()).group(1)


class Tenant:
    """A CUDA program of user 65534 on the node, in the folder and with the libraries that the container made for it."""

    def __init__(self):
        program = WORK + "/cuda_tenant"
        subprocess.run(["gcc", "-O2", "-D_GNU_SOURCE", "-I", ROOT + "/interposer/src/main/c", ROOT + "/node-agent/src/test/c/cuda_tenant.c",
                        "-o", program, "-ldl"], check=True)
        image = WORK + "/bundle/rootfs/opt/aliquot"
        command = ["setpriv", "--reuid=65534", "--regid=65534", f"--groups={GROUP}", "--inh-caps=-all", image + "/runtime/bin/java", "-Xmx64m",
                   "-jar", image + "/aliquot.jar", "run", "--state-dir", STATE, "--name", "tenant", "--gpu-memory", "512MiB",
                   "--gpu-memory-limit", "2GiB", "--", program]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, cwd="/")

    def say(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return "(ended)"
        return self.process.stdout.readline().strip()


def main():
    capabilities = configure()
    print("capabilities:", " ".join(capabilities))
    begin = time.monotonic()
    start()
    check("healthy", soon(lambda: get("/healthz")), {"status": "ok"})
    if failed:
        return end()
    ready = soon(lambda: get("/readyz"))
    check("ready", ready, lambda seen: isinstance(seen, dict) and seen["ready"])
    print(f"        {time.monotonic() - begin:.1f} s after its start")
    check("which says that runtimes keep /dev/kmsg from it", ready.get("degraded"), lambda seen: any("/dev/kmsg" in each for each in seen))
    check("a node of two devices", len(get("/api/v1/node")["devices"]), 2)
    check("its root is read-only", subprocess.run(["runc", "exec", NAME, "/bin/touch", "/opt/x"], capture_output=True).returncode, 1)
    check("none but the chart's capabilities", bin(int(status("CapEff", pid()), 16)).count("1"), len(capabilities))
    check("held to the profile of system calls", status("Seccomp", pid()), "2" if PROFILE else "0")
    check("nor can it get more", (status("CapBnd", pid()), status("NoNewPrivs", pid())), (status("CapEff", pid()), "1"))
    one = Tenant()
    check("a tenant of another user has a context", one.say("init"), "0")
    check("allocates what is guaranteed", one.say(f"alloc {256 * MIB}"), "0")
    check("shares memory among its processes", one.say("export"), lambda seen: seen.startswith("414c5153"))
    check("gives it back", one.say("free"), "0")
    check("borrows", one.say(f"alloc {GIB}"), "0")
    check("is charged for it", soon(lambda: tenant()["usedBytes"] == GIB + 64 * MIB), True)
    check("is refused what is beyond its limit", one.say(f"alloc {GIB}"), "2")
    check("is swapped out by the image's command", aliquot("swap", "--state-dir", STATE, "out", "tenant"), lambda seen: seen[0] == 0)
    check("is out", soon(lambda: tenant()["state"] == "swapped" and tenant()["demotedBytes"] == GIB), True)
    check("comes back", aliquot("swap", "--state-dir", STATE, "in", "tenant"), lambda seen: seen[0] == 0)
    stranger = subprocess.Popen(["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups", WORK + "/cuda_tenant"], text=True,
                                env={"LD_LIBRARY_PATH": os.path.dirname(glob.glob(WORK + "/lib/*/libcuda.so.1")[0]), "ALIQUOT_SIM_DIR": STATE + "/node"},
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/")
    stranger.stdin.write("init\n")
    stranger.stdin.flush()
    check("a stranger of another user is stopped", soon(lambda: stranger.poll() is not None and stranger.returncode, 20), -15)
    stranger.kill()
    check("shows in the image's status", aliquot("status", "--state-dir", STATE), lambda seen: seen[0] == 0 and "tenant" in seen[1])
    rss = status("VmRSS", pid())
    runc("kill", "KILL")
    check("a killed agent is gone", soon(lambda: subprocess.run(["runc", "delete", NAME], capture_output=True).returncode == 0), True)
    allow_kernel_log()
    start()
    check("the next one has the tenant", soon(lambda: tenant()["usedBytes"] == GIB + 64 * MIB), True)
    check("and reads /dev/kmsg, once it has the device", soon(lambda: not any("/dev/kmsg" in each for each in get("/readyz")["degraded"])), True)
    check("and looks for the cluster", soon(cluster_problem), lambda seen: isinstance(seen, str) and "the API server does not answer" in seen)
    check("which allocates on", one.say(f"alloc {256 * MIB}"), "0")
    one.process.stdin = one.process.stdin.close()
    check("and ends", soon(lambda: one.process.poll() is not None and str(one.process.returncode)), "0")
    check("and leaves nothing", soon(lambda: get("/api/v1/tenants") == [] and os.listdir(STATE + "/tenants") == [] == os.listdir(STATE + "/pods")), True)
    check("pods are held to their shares, over a restart of the kubelet", pods(), lambda seen: seen[0] == 0 and "Tests run: 1," in seen[1] and "Skipped: 0" in seen[1])
    runc("kill", "TERM")
    check("the agent stops when asked", soon(lambda: subprocess.run(["runc", "delete", NAME], capture_output=True).returncode == 0), True)
    print(f"RSS of the agent with one tenant: {rss} KiB")
    return end()


def end():
    if failed:
        print(open(WORK + "/log").read()[-3000:])
    print("wrong: " + ", ".join(failed) if failed else "all right")
    return 1 if failed else 0


def runc(verb, signal):
    subprocess.run(["runc", verb, NAME, signal], check=True)


try:
    code = main()
finally:
    subprocess.run(["runc", "delete", "--force", NAME], capture_output=True)
sys.exit(code)
