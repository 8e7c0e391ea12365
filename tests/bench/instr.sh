#!/bin/sh
# instr.sh [--smoke] PROGRAM [MARK]   Instructions per request, exact: "PROGRAM METHOD N" takes N requests of that method through
# a function bench_request (not inlined), from request bytes to answer bytes, and prints "METHOD REQUEST-BYTES
# ANSWER-BYTES"; PROGRAM alone prints the names of the methods. Counted is what callgrind sees inside of bench_request,
# in a run of N + 1 less a run of 1. UPDATE=1 writes the table into README.md at <!-- MARK -->, instructions by default.
set -u
cd "$(dirname "$0")/../.." || exit 1
n=10 smoke=
[ "$1" != --smoke ] || { smoke=1 n=1; shift; }
program=$1 mark=${2:-instructions} passed=0 failed=0
out=build/bench/$mark.md
mkdir -p build/bench
methods=$("$program") || { echo "PASSED 0 FAILED 1 ($program)"; exit 1; }
{
  echo '| request | bytes in | bytes out | instructions |'
  echo '|---|---:|---:|---:|'
} | tee $out
count() { # method, requests: the program's line and the number of instructions
  valgrind --tool=callgrind --toggle-collect=bench_request --callgrind-out-file=build/bench/callgrind."$(echo "$1" | tr / .)" \
    "$program" "$1" "$2" 2>build/bench/valgrind.log && sed -n 's/^==[0-9]*== Collected : //p' build/bench/valgrind.log
}
for method in $methods; do
  # shellcheck disable=SC2046  # four words each
  set -- $(count "$method" 1) $(count "$method" $((n + 1)))
  if [ $# = 8 ] && [ "$8" -gt "$4" ]; then
    echo "| \`$method\` | $6 | $7 | $((($8 - $4) / n)) |" | tee -a $out
    passed=$((passed + 1))
  else
    echo "$method: no result: $*"
    cat build/bench/valgrind.log
    failed=$((failed + 1))
  fi
  [ -z "$smoke" ] || [ $passed -lt 2 ] || break
done
[ -z "${UPDATE:-}" ] || tests/tools/readme.py "$mark" <$out
[ -z "$smoke" ] || echo "PASSED $passed FAILED $failed"
[ $failed = 0 ]
