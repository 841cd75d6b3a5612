#!/bin/sh
# Compares one of our ABI headers with the real one.
#   check_abi.sh NAME REAL_HEADER REAL_FLAGS OUR_INCLUDE WORK_DIR
# NAME is cuda or nvml. REAL_FLAGS makes the real header declare its unversioned symbols and keeps
# it from renaming functions. Exits 0 when equal or when there is no real header, 1 on a difference.
set -eu
name=$1 real=$2 real_flags=$3 ours=$4 work=$5
here=$(dirname "$0")
compile="${CC:-gcc} -std=gnu11 -Wall -Wextra -Werror -Wstrict-prototypes -I$ours -I$work"

if [ ! -f "$real" ]; then
  echo "check-abi: skipped $name: no header at '$real'"
  exit 0
fi
mkdir -p "$work"
# The layouts of the oldest PCI calls are in no current header.
awk -f "$here/abi_facts.awk" "$ours/aliquot/${name}_types.h" |
  grep -v 'nvmlPciInfo_v[12]_t' >"$work/${name}_facts.inc"

$compile "-DABI_HEADER=<aliquot/${name}_abi.h>" "-DABI_FACTS=<${name}_facts.inc>" \
  "$here/abi_check.c" -o "$work/${name}_ours"
# shellcheck disable=SC2086
$compile -w $real_flags "-DABI_HEADER=\"$real\"" "-DABI_FACTS=<${name}_facts.inc>" \
  "$here/abi_check.c" -o "$work/${name}_real"
"$work/${name}_ours" >"$work/${name}_ours.txt"
"$work/${name}_real" >"$work/${name}_real.txt"
diff -u "$work/${name}_real.txt" "$work/${name}_ours.txt" || {
  echo "check-abi: $name differs (- real header, + ours)" >&2
  exit 1
}

upper=$(echo "$name" | tr '[:lower:]' '[:upper:]')
# shellcheck disable=SC2086
$compile -w $real_flags "-DABI_HEADER=\"$real\"" "-DALIQUOT_${upper}_TYPES_H" \
  "-DABI_PROTOTYPES=<aliquot/${name}_functions.h>" -c "$here/abi_check.c" -o "$work/${name}_prototypes.o"
echo "check-abi: $name: $(grep -c . "$work/${name}_ours.txt") facts equal," \
  "$(grep -c '^[A-Za-z].* \**\(cu\|nvml\)[A-Z][A-Za-z0-9_]*(' "$ours/aliquot/${name}_functions.h") prototypes compiled against it"
