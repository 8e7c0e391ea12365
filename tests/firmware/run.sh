#!/bin/sh
# run.sh BOARD...   Runs build/firmware/BOARD-* in QEMU: the official conformance suite as on a workstation, then the tests
# beside this file that are named *.mjs and take a board. Prints what the firmware reports about itself.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
bad=0
for board in "$@"; do
  echo "== $board: conformance suite"
  "$root/tests/conformance/run.sh" "$root/build/firmware/$board-conformance" || bad=1
  log=$root/build/conformance/$board-conformance/server.log stack=$root/build/firmware/$board-conformance.stack
  grep '^report' "$log" || { echo "PASSED 0 FAILED 1 (no report)"; bad=1; }
  used=$(sed -n 's/^report .*"stack_used":\([0-9]*\).*/\1/p' "$log" | sort -n | tail -n 1)
  [ "$(cat "$stack" 2>/dev/null || echo 0)" -ge "${used:-0}" ] || echo "$used" >"$stack"
  for test in "faults.mjs $board" "device.mjs $board" "pairing.mjs $board" "power.mjs $board" "stop.mjs $board" "hostile.mjs $board" \
    "client.mjs $board" "soak.mjs $board" "soak.mjs $board 10000 device"; do
    "$root/tests/tools/each.sh" "PATH=$root/build/node/node_modules/.bin:\$PATH node $here/$test" || bad=1
  done
done
exit $bad
