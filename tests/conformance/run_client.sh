#!/bin/sh
# run_client.sh CLIENT   Runs the official conformance suite against CLIENT: both requirement sets with their unscored
# scenarios, the two scenarios of revision 2025-03-26 and the four of the skills extension (SEP-2640). No baseline file. One line a scenario; exits 1 when a check of
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
for skill in no-prefetch verify-digest verify-size verify-frontmatter; do
  node "$suite" client --command "$client" --scenario sep-2640-client-$skill -o "$out/skills" >"$out/$skill.txt" 2>&1
  result=$(sed -n 's/^Passed: [0-9]*\/[0-9]*, /1 run, /p' "$out/$skill.txt")
  if [ "$result" = "1 run, 0 failed, 0 warnings" ] && grep -q 'SUCCESS' "$out/$skill.txt" && grep -q 'OVERALL: PASSED' "$out/$skill.txt"; then
    passed=$((passed + 1)) result="✓ skills $result"
  else
    failed=$((failed + 1)) result="✗ skills $result"
  fi
  echo "$result: sep-2640-client-$skill"
done
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
