#!/bin/sh
# each.sh COMMAND...   Runs each command (a string for sh), at most LIMIT seconds, JOBS of them at a time. A command ends
# with a line "PASSED n FAILED m"; one that does not, or that dies, counts as one failure. Exits 1 when one failed.
set -u
if [ "${JOBS:-1}" -gt 1 ]; then # each in an each.sh of its own, its output in one piece
  export self="$0" jobs="$JOBS"
  # shellcheck disable=SC2016  # the inner shell expands
  printf '%s\n' "$@" | JOBS=1 xargs -P "$jobs" -d '\n' -n 1 sh -c '
    out=$(mktemp); "$self" "$0" >"$out" 2>&1; status=$?; cat "$out"; rm -f "$out"; exit $status' || exit 1
  exit 0
fi
bad=0
out=$(mktemp)
trap 'rm -f "$out" "$out.status"' EXIT
for command in "$@"; do
  echo "== $command"
  { timeout "${LIMIT:-900}" sh -c "$command" 2>&1; echo "$?" >"$out.status"; } | tee "$out"
  status=$(cat "$out.status")
  last=$(grep -E '^PASSED [0-9]+ FAILED [0-9]+' "$out" | tail -n 1)
  case $last in
    '') echo "PASSED 0 FAILED 1 ($command: no count, exit $status)" ;;
    *' FAILED 0'*) [ "$status" = 0 ] || echo "PASSED 0 FAILED 1 ($command: exit $status)" ;;
  esac
  case $status:$last in 0:*' FAILED 0'*) ;; *) bad=1 ;; esac
done
exit $bad
