#!/bin/sh
# symbols.sh   What the implementation object may not have: writable data, exported names without the prefix, symbols of
# a C library beyond six functions, recursion, frames of unknown size.
set -u
: "${CC:=cc}" "${INC:=-I. -isystem build/include}"
cd "$(dirname "$0")/../.." || exit 1
mkdir -p build
dir=$(mktemp -d build/symbols.XXXXXX)
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
printf '#define MCPTOOLS_IMPLEMENTATION\n#include "mcptools.h"\n' >$dir/impl.c
passed=0 failed=0 skipped=0
expect() { # $1 what, $2 what should be empty
  if [ -z "$2" ]; then passed=$((passed + 1)); else echo "$1:"; echo "$2" | sed 's/^/  /'; failed=$((failed + 1)); fi
}
# memcpy and its five sisters, and what compilers call on their own.
allowed='memcpy|memmove|memset|memcmp|memchr|strlen|__aeabi_.*|__gnu_.*|__stack_chk_.*|_GLOBAL_OFFSET_TABLE_'
allowed="$allowed|__[a-z]+([sdt]i|[sdt]f|[hq]i)+[0-9]?"

object() { # $1 name, $2 prefix of the binutils, rest: compiler and flags
  name=$1 tools=$2
  shift 2
  if ! command -v "$1" >/dev/null 2>&1; then echo "missing: $1"; skipped=$((skipped + 1)); return; fi
  # shellcheck disable=SC2086  # a list of flags
  if ! "$@" -std=c99 $INC -c $dir/impl.c -o $dir/$name.o; then failed=$((failed + 1)); return; fi
  expect "$name: writable data" "$("${tools}size" -A $dir/$name.o |
    awk '(/^\.data/ && !/^\.data\.rel\.ro/ || /^\.t?bss/) && $2 > 0 { print $1, $2 }'; "${tools}nm" $dir/$name.o | grep ' C ')"
  expect "$name: exported without mcpt_" "$("${tools}nm" -g --defined-only $dir/$name.o | awk '$3 !~ /^mcpt_/ { print $3 }')"
  expect "$name: undefined" "$("${tools}nm" -u $dir/$name.o | awk '{ print $2 }' | grep -vxE "$allowed")"
  echo "$name: $("${tools}size" $dir/$name.o | awk 'NR == 2 { print $1 " text " $2 " data " $3 " bss" }')"
}
object host '' "$CC" -Os -fno-pie
object host-debug '' "$CC" -O0 -fno-pie
object cortex-m0plus arm-none-eabi- arm-none-eabi-gcc -mthumb -mcpu=cortex-m0plus -Os -ffreestanding
object cortex-m4 arm-none-eabi- arm-none-eabi-gcc -mthumb -mcpu=cortex-m4 -Os

# Without optimisation, so that no call is inlined and no recursion turned into a loop. What a pointer reaches is said
# in tests/size/indirect.txt.
# shellcheck disable=SC2086
if $CC -std=c99 -O0 -fcallgraph-info=su $INC -c $dir/impl.c -o $dir/graph.o; then
  indirect=
  [ ! -e tests/size/indirect.txt ] || indirect='--indirect tests/size/indirect.txt'
  expect recursion "$(tests/tools/callgraph.py cycles $indirect $dir/*.ci)"
  expect frames "$(tests/tools/callgraph.py dynamic $dir/*.ci)"
  echo "call graph: $(grep -c '^node.*bytes' $dir/graph.ci) functions"
else
  echo "$CC has no -fcallgraph-info: recursion not checked"
  skipped=$((skipped + 2))
fi
echo "PASSED $passed FAILED $failed SKIPPED $skipped"
[ $failed = 0 ]
