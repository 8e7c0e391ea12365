#!/bin/sh
# steps.sh STEP...   Runs `make step-STEP` for each step and adds up their lines "PASSED n FAILED m [SKIPPED k]".
# The last line is "N passed, N failed, N skipped". Exits 1 when something failed, or, where CI is set, was skipped.
# A step's whole output is in build/log/STEP.txt; V=1 (or CI) shows it as it comes. What failed is said again before the last line.
set -u
log=build/log
mkdir -p "$log"
passed=0 failed=0 skipped=0 bad=
for step in "$@"; do
  begin=$(date +%s)
  if [ -n "${CI:-}${V:-}" ]; then
    echo "=== $step"
    { ${MAKE:-make} --no-print-directory "step-$step" 2>&1; echo $? >"$log/status"; } | tee "$log/$step.txt"
    status=$(cat "$log/status")
  else
    ${MAKE:-make} --no-print-directory "step-$step" >"$log/$step.txt" 2>&1
    status=$?
  fi
  # shellcheck disable=SC2046  # three numbers
  set -- $(awk '/^PASSED [0-9]+ FAILED [0-9]+/ { p += $2; f += $4; if ($5 == "SKIPPED") s += $6 }
                END { print p + 0, f + 0, s + 0 }' "$log/$step.txt")
  p=$1 f=$2 s=$3
  [ "$status" = 0 ] || [ "$f" -gt 0 ] || f=1
  [ $((p + f + s)) -gt 0 ] || { echo "step $step counted nothing" >>"$log/$step.txt"; f=1; }
  mark=ok
  [ "$s" = 0 ] || mark=SKIP
  [ "$f" = 0 ] || { mark=FAIL; bad="$bad $step"; }
  printf '%-4s %-22s %6d passed %3d failed %3d skipped %5d s\n' $mark "$step" "$p" "$f" "$s" $(($(date +%s) - begin))
  [ -n "${CI:-}${V:-}" ] || {
    [ "$f" = 0 ] || tail -n 60 "$log/$step.txt" | sed 's/^/     | /'
    [ "$s" = 0 ] || grep -E '^missing:|SKIPPED [1-9]' "$log/$step.txt" | sort -u | sed 's/^/     | /'
  }
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
for step in $bad; do
  echo "failed in $step:"
  grep -nE '^ *(FAIL|fail|not ok)|FAILED [1-9]|[Ee]rror:|ERROR|Assert|missing:|below' "$log/$step.txt" | tail -n 25 | cut -c1-300 | sed 's/^/  /'
done
echo "$passed passed, $failed failed, $skipped skipped" | tee "$log/total.txt"
[ $failed = 0 ] && { [ -z "${CI:-}" ] || [ $skipped = 0 ]; }
