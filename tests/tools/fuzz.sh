#!/bin/sh
# fuzz.sh SECONDS NAME...   For each fuzzer tests/fuzz/fuzz_NAME.c, built in build/fuzz and build/cov: replays what
# is kept in tests/fuzz/corpus/NAME, then tries new inputs for SECONDS (0: none; tests/fuzz/NAME.dict helps), then
# prints the branch coverage of the sections it is for. New inputs stay in build/fuzz/corpus/NAME; KEEP=1 adds those that reach
# something new to the kept ones. In a fuzzer: "/* sections: json-scan json-read */" and "/* seeds: DIRECTORY */".
set -u
cd "$(dirname "$0")/../.." || exit 1
seconds=$1
shift
export ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1
status=0
profiles=
fail() { echo "PASSED 0 FAILED 1 ($*)"; status=1; }
for name in "$@"; do
  source=tests/fuzz/fuzz_$name.c fuzzer=build/fuzz/tests/fuzz/fuzz_$name cov=build/cov/tests/fuzz/fuzz_$name
  kept=tests/fuzz/corpus/$name work=build/fuzz/corpus/$name log=build/fuzz/$name.log
  [ -x "$fuzzer" ] || { fail "$name is not built"; continue; }
  seeds=
  for directory in $(sed -n 's|^/\* seeds: \(.*\) \*/$|\1|p' "$source"); do
    [ ! -d "$directory" ] || seeds="$seeds $directory"
  done
  limits="-timeout=20 -rss_limit_mb=2000 -artifact_prefix=build/fuzz/crash-$name-"
  mkdir -p "$work"
  [ -d "$kept" ] || kept=
  # shellcheck disable=SC2086  # lists
  if ! "$fuzzer" $limits -runs=0 $kept $seeds >"$log" 2>&1; then
    tail -n 40 "$log"
    fail "$name: a kept input fails"
    continue
  fi
  # shellcheck disable=SC2086
  [ -z "$kept$seeds" ] || echo "$name: $(find $kept $seeds -type f | wc -l) kept inputs replayed"
  if [ "$seconds" -gt 0 ]; then
    [ ! -e "tests/fuzz/$name.dict" ] || limits="$limits -dict=tests/fuzz/$name.dict"
    # shellcheck disable=SC2086
    if "$fuzzer" $limits -max_total_time="$seconds" -print_final_stats=1 "$work" $kept $seeds >"$log" 2>&1; then
      echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs in $seconds s," \
        "$(find "$work" -type f | wc -l) of them kept in $work"
    else
      tail -n 60 "$log"
      fail "$name: a finding; the input is $(sed -n 's/.*Test unit written to //p' "$log")"
      continue
    fi
  fi
  echo "PASSED 1 FAILED 0"
  if [ -n "${KEEP:-}" ]; then
    mkdir -p "tests/fuzz/corpus/$name"
    "$fuzzer" -merge=1 "tests/fuzz/corpus/$name" "$work" >/dev/null 2>&1
    echo "$name: $(find "tests/fuzz/corpus/$name" -type f | wc -l) inputs in tests/fuzz/corpus/$name"
  fi
  # shellcheck disable=SC2086
  LLVM_PROFILE_FILE=build/cov/$name.profraw "$cov" -timeout=60 -runs=0 "$work" $kept $seeds >build/cov/$name.log 2>&1 &&
    llvm-profdata merge -sparse "build/cov/$name.profraw" -o "build/cov/$name.profdata" &&
    llvm-cov export -format=text -instr-profile="build/cov/$name.profdata" "$cov" >"build/cov/$name.json" ||
    { tail -n 20 build/cov/$name.log; fail "$name: no coverage"; continue; }
  profiles="$profiles build/cov/$name.json"
  sections="${sections:-} $(sed -n 's|^/\* sections: \(.*\) \*/$|\1|p' "$source")"
done
# shellcheck disable=SC2086
[ -z "$profiles" ] || tests/tools/coverage.py --min "${MIN:-90}" --sections "$sections" $profiles || status=1
exit $status
