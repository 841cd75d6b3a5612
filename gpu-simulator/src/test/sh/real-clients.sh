#!/bin/bash
# Real NVML clients that nobody here wrote, on the simulated node: nvidia-smi 550, pynvml, nvtop.
# Exit code 77: none of them could be had. Environment: ALIQUOT_SIM_OUT (build), ALIQUOT_TEST_DIR (a folder of its own).
set -u
here=$(cd "$(dirname "$0")" && pwd)
parts=$here/../../../../scripts/real-parts
node=$ALIQUOT_TEST_DIR/clients
failures=0
ran=0

fail() { echo "real-clients: $*"; failures=$((failures + 1)); }
expect() { case $2 in *"$3"*) ;; *) fail "$1: \"$3\" is not in: $2" ;; esac; }

part() {
  local path
  path=$("$parts" path "$1" 2>/dev/null) || {
    "$parts" fetch "$1" >"$ALIQUOT_TEST_DIR/fetch" 2>&1
    path=$("$parts" path "$1" 2>/dev/null) || { echo "real-clients: skipped $(cat "$ALIQUOT_TEST_DIR/fetch")" >&2; return 1; }
  }
  echo "$path"
}

# nvidia-smi insists on a library of its own version.
"$ALIQUOT_SIM_OUT/aliquot-sim" create "$node" devices=3,memory=16GiB,model=H100,driver=550.163.01,context=256MiB || exit 1
export ALIQUOT_SIM_DIR=$node LD_LIBRARY_PATH=$ALIQUOT_SIM_OUT/550
"$ALIQUOT_SIM_OUT/test/holder" 512 120 >"$ALIQUOT_TEST_DIR/holder" &
holder=$!
trap 'kill "$holder" 2>/dev/null' EXIT
for _ in $(seq 600); do grep -q ready "$ALIQUOT_TEST_DIR/holder" && break; sleep 0.1; done
sleep 1

if smi=$(part nvidia-smi); then
  ran=1
  list=$(timeout 30 "$smi" -L) || fail "nvidia-smi -L ended with $?"
  [ "$(grep -c 'NVIDIA H100 80GB HBM3 (UUID: GPU-' <<<"$list")" = 3 ] || fail "nvidia-smi -L does not list 3 devices: $list"
  table=$(timeout 30 "$smi") || fail "nvidia-smi ended with $?"
  expect nvidia-smi "$table" "768MiB /  16384MiB"
  expect nvidia-smi "$table" "Driver Version: 550.163.01"
  for _ in 1 2 3 4 5; do # again where the holder stalled in the last second: it was not half busy then
    query=$(timeout 30 "$smi" --query-gpu=index,memory.total,memory.used,memory.free,memory.reserved,mig.mode.current,compute_cap,utilization.gpu \
      --format=csv,noheader,nounits) || fail "nvidia-smi --query-gpu ended with $?"
    busy=$(head -n 1 <<<"$query" | sed 's/.*, //')
    if [ "$busy" -ge 30 ] && [ "$busy" -le 60 ]; then break; fi
    sleep 1
  done
  expect "nvidia-smi --query-gpu" "$query" "0, 16384, 768, 15136, 480, Disabled, 9.0, "
  expect "nvidia-smi --query-gpu" "$query" "2, 16384, 0, 15904, 480, Disabled, 9.0, 0"
  [ "$busy" -ge 30 ] && [ "$busy" -le 60 ] || fail "nvidia-smi shows $busy % for a device that is half busy"
  "$ALIQUOT_SIM_OUT/aliquot-sim" ecc "$node" --device 1 --uncorrected 5
  all=$(timeout 30 "$smi" -q) || fail "nvidia-smi -q ended with $?"
  expect "nvidia-smi -q" "$all" "DRAM Uncorrectable            : 5"
  expect "nvidia-smi -q" "$all" "Product Architecture                  : Hopper"
fi

if py=$(part pynvml) && command -v python3 >/dev/null; then
  ran=1
  PYTHONPATH=$(dirname "$py") timeout 60 python3 - "$holder" <<'PYTHON' || fail "pynvml: see above"
import sys
import time
import pynvml as n

holder = int(sys.argv[1])
MIB = 1 << 20
n.nvmlInit()
assert n.nvmlDeviceGetCount() == 3
h = n.nvmlDeviceGetHandleByIndex(0)
assert n.nvmlDeviceGetName(h) == "NVIDIA H100 80GB HBM3", n.nvmlDeviceGetName(h)
v1 = n.nvmlDeviceGetMemoryInfo(h)
v2 = n.nvmlDeviceGetMemoryInfo(h, version=n.nvmlMemory_v2)
assert v1.total == v2.total == 16384 * MIB
assert v2.used == 768 * MIB and v1.used == v2.used + v2.reserved, (v1, v2)
processes = n.nvmlDeviceGetComputeRunningProcesses(h)
assert [(p.pid, p.usedGpuMemory) for p in processes] == [(holder, 768 * MIB)], processes
assert n.nvmlDeviceGetComputeRunningProcesses(n.nvmlDeviceGetHandleByIndex(1)) == []
for _ in range(5):  # again where the holder stalled
    samples = n.nvmlDeviceGetProcessUtilization(h, 0)
    if 25 <= samples[0].smUtil <= 75:
        break
    time.sleep(1)
assert [s.pid for s in samples] == [holder] and 25 <= samples[0].smUtil <= 75, samples[0].smUtil
assert n.nvmlSystemGetProcessName(holder).endswith("holder")
try:
    n.nvmlDeviceGetFanSpeed(h)
    raise AssertionError("a fan?")
except n.NVMLError_NotSupported:
    pass
n.nvmlShutdown()
PYTHON
fi

if top=$(part nvtop) && command -v script >/dev/null; then
  ran=1
  for seconds in 4 30; do # it draws until it is ended: longer only where this machine stalled
    screen=$(TERM=xterm COLUMNS=160 LINES=50 timeout "$seconds" script -qfc "stty cols 160 rows 50; '$top' -d 5 -C" /dev/null </dev/null 2>/dev/null |
      sed 's/\x1b\[[0-9;?]*[a-zA-Z]/ /g; s/\x1b[()][A-Z0-9]//g')
    if [[ $screen == *"$holder"* ]]; then break; fi
  done
  expect nvtop "$screen" "NVIDIA H100 80GB HBM3"
  expect nvtop "$screen" "$holder"
fi

[ "$ran" = 1 ] || { echo "neither nvidia-smi nor pynvml nor nvtop could be had: $(cat "$ALIQUOT_TEST_DIR/fetch")"; exit 77; }
[ "$failures" = 0 ]
