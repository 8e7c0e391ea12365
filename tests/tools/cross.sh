#!/bin/sh
# cross.sh [--update] NAME=ZIG-TARGET...   Runs the unit tests in $TESTS (sources), built in build/cross/NAME, each on the
# machine it was built for: qemu-user, Node for WebAssembly, nothing for Windows, where that they compile is all. Prints a
# Markdown table; --update puts it into README.md. What a machine is like is what its compiler says.
set -u
cd "$(dirname "$0")/../.." || exit 1
bin=build/node/node_modules/.bin
update=
[ "${1:-}" != --update ] || { update=1; shift; }

dir=$(mktemp -d build/cross.XXXXXX)
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
export dir

runner() { # of a machine
  case $1 in
    x86) case $(uname -m) in x86_64 | i?86) ;; *) echo qemu-i386 ;; esac ;;
    powerpc*) echo "qemu-ppc${1#powerpc}" ;;
    wasm32) echo "$bin/node --no-warnings tests/tools/wasi.mjs" ;;
    windows) echo : ;;
    *) echo "qemu-$1" ;;
  esac
}

for test in $TESTS; do
  for machine in "$@"; do
    printf '%s\t%s\t%s\n' "${machine%%=*}" "$(basename "$test" .c)" "$(runner "${machine%%=*}")"
  done
done >"$dir/jobs"

# shellcheck disable=SC2016  # the inner shell expands
xargs -P "$(getconf _NPROCESSORS_ONLN)" -d '\n' -n 1 sh -c '
  IFS="	"; set -- $0; IFS=" "
  program=build/cross/$1/tests/unit/$2 out=$dir/$1.$2 begin=$(date +%s%N)
  if [ ! -e "$program" ]; then echo "$1: $2 was not built" >"$out"
  elif [ "$3" = : ]; then echo "PASSED 1 FAILED 0" >"$out"
  elif timeout "${LIMIT:-600}" $3 "$program" >"$out" 2>&1 || [ $? = 1 ]; then :
  else echo "$1: $2 died" >>"$out"
  fi
  tail -n 1 "$out" | grep -qE "^PASSED [0-9]+ FAILED [0-9]+$" || echo "PASSED 0 FAILED 1" >>"$out"
  echo "TIME $((($(date +%s%N) - begin) / 1000000))" >>"$out"' <"$dir/jobs"

{
  echo '| machine | bits | byte order | char | runs on | checks | seconds |'
  echo '|---|---:|---|---|---|---:|---:|'
  for machine in "$@"; do
    name=${machine%%=*}
    runs=$(runner "$name" | sed 's/ .*//; s|.*/||')
    case $name in x86) with="cc -m32" ;; *) with="$bin/zig cc -target ${machine#*=}" ;; esac    # zig does not preprocess for x86
    echo | $with -dM -E - >"$dir/macros"
    bits=$(awk '$2 == "__SIZEOF_POINTER__" { print $3 * 8 }' "$dir/macros")
    char=$(grep -q __CHAR_UNSIGNED__ "$dir/macros" && echo unsigned || echo signed)
    order=$(grep -q '__BYTE_ORDER__ __ORDER_BIG' "$dir/macros" && echo big || echo little)
    case $runs in '') runs=itself ;; node) runs=Node ;; :) runs='– (compiled)' ;; *) runs=qemu-user ;; esac
    cat "$dir/$name".test_* | awk -v "head=| $name | $bits | $order | $char | $runs |" '
      function grouped(n) { return n < 1000 ? n : grouped(int(n / 1000)) "," sprintf("%03d", n % 1000) }
      /^PASSED/ { p += $2; f += $4 } /^TIME/ { t += $2 }
      END { print head, grouped(p) (f ? " (" f " failed)" : ""), "|", sprintf("%.0f", t / 1000), "|" }'
  done
} >"$dir/table"
cat "$dir/table"
[ -z "$update" ] || tests/tools/readme.py cross <"$dir/table"

bad=0
for out in "$dir"/*.test_*; do
  grep -qE '^PASSED [0-9]+ FAILED 0$' "$out" || { echo "== ${out##*/}"; grep -v '^TIME' "$out" | tail -n 30 | sed '$!s/^PASSED/passed/'; bad=1; }
done
cat "$dir"/*.test_* | awk '/^PASSED/ { p += $2; f += $4 } END { print "PASSED", p, "FAILED", f + 0 }'
exit $bad
