#!/bin/sh
# The command aliquot-sim: what it makes, what it injects, and one clear sentence for bad input.
set -u
sim=$ALIQUOT_SIM_OUT/aliquot-sim
node=$ALIQUOT_TEST_DIR/made
failures=0
fail() { echo "tool: $*"; failures=$((failures + 1)); }

refused() { # code, sentence, arguments
  code=$1 sentence=$2
  shift 2
  said=$("$sim" "$@" 2>&1 >/dev/null)
  got=$?
  [ "$got" = "$code" ] || fail "$*: exit code $got, not $code"
  case $said in *"$sentence"*) ;; *) fail "$*: said \"$said\", not \"$sentence\"" ;; esac
  [ "$(printf '%s\n' "$said" | wc -l)" = 1 ] || fail "$*: more than one line: $said"
}

refused 2 "colour is no setting of a node" create "$node" colour=red
refused 2 "a node has 1 to 16 devices" create "$node" devices=17
refused 2 "a node has 1 to 16 devices" create "$node" devices=0
refused 2 "a node has 1 to 16 devices" create "$node" devices=-1
refused 2 "is not a size" create "$node" memory=much
refused 2 "is not a size" create "$node" memory=99999999999999999999GiB
refused 2 "is out of range" create "$node" memory=1MiB
refused 2 "choose one of H100, H200, A100, L4 and RTX4090" create "$node" model=TPU
refused 2 "choose a version of branch 535" create "$node" driver=42
refused 2 "leaves nothing of memory" create "$node" memory=1GiB,reserved=1GiB
refused 2 "a setting is written key=value" create "$node" devices
refused 1 "there is no node here" show "$node"
refused 1 "there is no node here" destroy "$node"
[ ! -e "$node" ] || fail "a refused create left $node"

"$sim" create "$node" devices=2,memory=8GiB,model=L4,driver=535.216.03 || fail "create"
refused 2 "needs --device N" xid "$node" --code 31
refused 2 "needs --code N" xid "$node" --device 0
refused 2 "give a number from 0 to 1" xid "$node" --device 2 --code 31
refused 2 "is no option" xid "$node" --device 0 --color red
refused 2 "is no command" explode "$node" --device 0

before=$("$sim" show "$node")
case $before in *"driver 535.216.03, CUDA 12.2"*"device 1: NVIDIA L4, GPU-"*) ;; *) fail "show: $before" ;; esac
"$sim" xid "$node" --device 0 --code 79 && "$sim" recovery "$node" --device 1 --action 1 && "$sim" recovery "$node" --device 1 --action 0 \
  && "$sim" xid "$node" --device 1 --code 13 --message "Graphics SM Warp Exception on (GPC 1, TPC 4, SM 0): Misaligned Address" || fail "injection"
log=$(sed 's/^[^;]*;//' "$node/kmsg")
for line in "NVRM: Xid (PCI:0000:06:00): 79, GPU has fallen off the bus." "NVRM: GPU 0000:06:00.0: GPU has fallen off the bus." \
  "NVRM: Xid (PCI:0000:08:00): 154, GPU recovery action changed from 0x0 (None) to 0x1 (GPU Reset Required)" \
  "NVRM: Xid (PCI:0000:08:00): 154, GPU recovery action changed from 0x1 (GPU Reset Required) to 0x0 (None)" \
  "NVRM: Xid (PCI:0000:08:00): 13, Graphics SM Warp Exception on (GPC 1, TPC 4, SM 0): Misaligned Address"; do
  printf '%s\n' "$log" | grep -qxF "$line" || fail "kmsg lacks: $line"
done
[ "$(grep -c 'NVRM: GPU at PCI:' "$node/kmsg")" = 2 ] || fail "each device is announced once"
uuids=$("$sim" show "$node" | grep -o 'GPU-[0-9a-f-]*')
"$sim" create "$node" devices=2,memory=8GiB,model=L4 || fail "create again"
[ "$uuids" = "$("$sim" show "$node" | grep -o 'GPU-[0-9a-f-]*')" ] || fail "the same place gives other UUIDs"

ALIQUOT_SIM_DIR=$node "$ALIQUOT_SIM_OUT/test/holder" 100 60 >"$ALIQUOT_TEST_DIR/holder" &
holder=$!
i=0
while [ $i -lt 600 ] && ! grep -q ready "$ALIQUOT_TEST_DIR/holder"; do sleep 0.1; i=$((i + 1)); done
refused 1 "programs are using" destroy "$node"
refused 1 "programs are using" create "$node" devices=1
"$sim" show "$node" | grep -q "process $holder: 356 MiB, 1 contexts" || fail "show lacks the process: $("$sim" show "$node")"
kill -9 "$holder"
wait "$holder" 2>/dev/null
"$sim" destroy "$node" || fail "destroy"
[ ! -e "$node" ] || fail "destroy left $node"

# A program whose environment was cleared finds the node through the file beside the library.
mkdir "$ALIQUOT_TEST_DIR/library" && cp "$ALIQUOT_SIM_OUT/615/libnvidia-ml.so.1" "$ALIQUOT_TEST_DIR/library/"
alone() { env -i LD_LIBRARY_PATH="$ALIQUOT_TEST_DIR/library" "$ALIQUOT_SIM_OUT/test/nvml_api_test" without-node; }
alone || fail "there is a driver without a node"
echo "$ALIQUOT_SIM_DIR" >"$ALIQUOT_TEST_DIR/library/node-dir"
alone && fail "the file node-dir is not looked at"
[ "$failures" = 0 ]
