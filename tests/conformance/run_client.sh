#!/bin/sh
# run_client.sh CLIENT   Runs the official conformance suite against CLIENT: both requirement sets with their unscored
# scenarios, and the two scenarios of revision 2025-03-26. No baseline file. One line a scenario; exits 1 when a check of
# any scenario fails or warns, scored or not.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
client=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
"$root/tests/tools/need-node.sh" || { echo "PASSED 0 FAILED 0 SKIPPED 1 (conformance suite missing)"; exit 0; }
PATH=$root/build/node/node_modules/.bin:$PATH
suite=$root/build/node/node_modules/@modelcontextprotocol/conformance/dist/index.js
out=$root/build/conformance/client
rm -rf "$out"
mkdir -p "$out"
for revision in 2025-11-25 2026-07-28; do
  node "$suite" client --command "$client" --requirements "$revision" -o "$out/$revision" >"$out/$revision.txt" 2>&1
  echo $? >"$out/$revision.rc"
done
node "$suite" client --command "$client" --suite backcompat -o "$out/2025-03-26" >"$out/2025-03-26.txt" 2>&1
echo $? >"$out/2025-03-26.rc"
passed=0 failed=0
for revision in 2025-11-25 2026-07-28 2025-03-26; do
  sed -n 's/^\(✓\|✗\) \([^:]*: [0-9]* passed, [0-9]* failed.*\)$/\1 '"$revision"' \2/p' "$out/$revision.txt" >"$out/$revision.lines"
  cat "$out/$revision.lines"
  good=$(grep -c '^✓' "$out/$revision.lines")
  bad=$(grep -c '^✗' "$out/$revision.lines")
  grep -q '[1-9][0-9]* warnings' "$out/$revision.txt" && { echo "$revision: warnings"; bad=$((bad + 1)); }
  [ "$good" -gt 0 ] || { echo "$revision: no scenario was run:"; tail -n 20 "$out/$revision.txt"; bad=$((bad + 1)); }
  [ "$(cat "$out/$revision.rc")" = 0 ] || [ "$bad" -gt 0 ] || { echo "$revision: the suite answers $(cat "$out/$revision.rc")"; bad=1; }
  passed=$((passed + good)) failed=$((failed + bad))
done
echo "PASSED $passed FAILED $failed"
[ $failed = 0 ]
