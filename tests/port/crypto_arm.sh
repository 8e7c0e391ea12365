#!/bin/sh
# crypto_arm.sh   port/crypto_bearssl, with BearSSL from its source, as Cortex-M code in QEMU: compiled for the M4 (curve
# arithmetic m31) and the M0+ (m15). The vectors of everywhere; prints the stack that each call takes.
set -u
cd "$(dirname "$0")/../.." || exit 1
: "${WARN_C:=-Wall -Wextra -Werror}" "${INC:=-I. -isystem build/include}"
skip() { echo "PASSED 0 FAILED 0 SKIPPED 1 ($*)"; exit 0; }
tests/tools/need.sh arm-none-eabi-gcc=gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm=qemu-system-arm ||
  skip 'needs QEMU and the ARM compiler'
tests/tools/need-source.sh bearssl || skip 'needs the sources of BearSSL'
src=build/src/bearssl passed=0 failed=0
printf '#define MCPTOOLS_IMPLEMENTATION\n#include "mcptools.h"\n' >build/mcptools.c
try() { # the processor to compile for; it runs on an M4
  dir=build/crypto/$1
  gcc="arm-none-eabi-gcc -mthumb -mcpu=$1 -Os -g -std=gnu99 -ffunction-sections -fdata-sections -isystem $src/inc"
  mkdir -p "$dir"
  for part in aead codec ec hash int mac rand rsa symcipher; do
    for file in "$src/src/$part"/*.c; do
      object=$dir/$(basename "$file" .c).o
      [ -e "$object" ] || echo "$gcc -w -I$src/src -c $file -o $object"
    done
  done | xargs -r -P "$(getconf _NPROCESSORS_ONLN)" -d '\n' -n 1 sh -c || return 1
  # shellcheck disable=SC2086  # lists
  $gcc -DDEVICE $WARN_C $INC --specs=rdimon.specs -Wl,--gc-sections -Wl,--undefined=vectors -Wl,--section-start=.vectors=0 \
    tests/port/crypto_arm.c tests/unit/test_crypto_bearssl.c port/crypto_bearssl.c build/mcptools.c "$dir"/*.o -lc -lrdimon -o "$dir/test.elf" &&
    timeout 300 qemu-system-arm -M mps2-an386 -nographic -semihosting-config enable=on,target=native -kernel "$dir/test.elf" </dev/null
}
for cpu in cortex-m4 cortex-m0plus; do
  if out=$(try $cpu 2>&1); then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  echo "$cpu: $(echo "$out" | tail -n 8)"
done
echo "PASSED $passed FAILED $failed"
[ $failed = 0 ]
