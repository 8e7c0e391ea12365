#!/bin/sh
# each.sh COMMAND...   Runs each command (a string for sh), at most LIMIT seconds. A command ends with a line
# "PASSED n FAILED m"; one that does not, or that dies, counts as one failure. Exits 1 when one failed.
set -u
bad=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT
for command in "$@"; do
  echo "== $command"
  { timeout "${LIMIT:-900}" sh -c "$command" 2>&1; echo "$?" >"$out.status"; } | tee "$out"
  status=$(cat "$out.status")
  rm -f "$out.status"
  last=$(grep -E '^PASSED [0-9]+ FAILED [0-9]+' "$out" | tail -n 1)
  case $last in
    '') echo "PASSED 0 FAILED 1 ($command: no count, exit $status)" ;;
    *' FAILED 0'*) [ "$status" = 0 ] || echo "PASSED 0 FAILED 1 ($command: exit $status)" ;;
  esac
  case $status:$last in 0:*' FAILED 0'*) ;; *) bad=1 ;; esac
done
exit $bad
