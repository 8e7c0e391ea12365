#!/bin/sh
# flash.sh [--smoke] PROGRAM   The stores of a device: flash and stack of the code on Cortex-M, then PROGRAM's table of what
# store_flash costs the chip. UPDATE=1 writes it into README.md at <!-- flash -->; --smoke checks that it stands there.
set -u
cd "$(dirname "$0")/../.." || exit 1
smoke=
[ "$1" != --smoke ] || { smoke=1; shift; }
program=$1 dir=build/bench out=build/bench/flash.md
mkdir -p $dir
printf 'chip_*: -\n*_list: -\n' >$dir/flash.indirect
sizes() { # port, root of the deepest path
  line="| \`$1\` |"
  for cpu in cortex-m0plus cortex-m4; do
    # shellcheck disable=SC2086  # lists of flags
    arm-none-eabi-gcc -std=c99 -Os -mthumb -mcpu=$cpu ${WARN_C:--Wall} ${INC:--I. -isystem build/include} -fstack-usage \
      -fcallgraph-info=su -c port/"$1".c -o $dir/"$1".o || exit 1
    # shellcheck disable=SC2046  # text data bss
    set -- "$1" "$2" $(arm-none-eabi-size $dir/"$1".o | tail -n 1)
    stack=$(tests/tools/callgraph.py stack --indirect $dir/flash.indirect --root "$2" $dir/"$1".ci | sed -n '1s/ .*//p')
    line="$line $3 | $(($4 + $5)) | $stack |"
    set -- "$1" "$2"
  done
  echo "$line"
}
{
  echo '| port | flash M0+ | RAM | stack | flash M4 | RAM | stack |'
  echo '|---|---:|---:|---:|---:|---:|---:|'
  sizes store_flash flash_write
  sizes store_ram ram_write
  echo
  "$program"
} >$out || { echo 'PASSED 0 FAILED 1 (no numbers)'; exit 1; }
cat $out
[ -z "${UPDATE:-}" ] || tests/tools/readme.py flash <$out
[ -n "$smoke" ] || exit 0
# the code's size depends on the compiler's version, the table below does not
sed -n '/sectors/,$p' $out >$dir/flash.table
if sed -n '/<!-- flash -->/,/<!-- \/flash -->/p' README.md | sed -n '/sectors/,$p' | grep '^|' | cmp -s - $dir/flash.table; then
  echo 'PASSED 1 FAILED 0'
else
  echo 'PASSED 0 FAILED 1 (README.md has other numbers: UPDATE=1 make bench-flash)'
fi
