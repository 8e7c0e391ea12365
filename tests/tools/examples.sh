#!/bin/sh
# examples.sh EXAMPLE.c...   Every example must have been built for the host; those that include mcptools.h and
# no file else are compiled for Cortex-M4 as well. One that says in its main() whether it worked, and needs nothing, is run.
set -u
: "${WARN_C:=-Wall -Wextra -Werror}" "${INC:=-I. -isystem build/include}"
cd "$(dirname "$0")/../.." || exit 1
passed=0 failed=0
for source in "$@"; do
  if [ -x "build/o/${source%.c}" ]; then passed=$((passed + 1)); else echo "not built: $source"; failed=$((failed + 1)); fi
  case $source in *_own_store.c)
    if "build/o/${source%.c}" >/dev/null; then passed=$((passed + 1)); else echo "failed: $source"; failed=$((failed + 1)); fi ;;
  esac
  grep -E '^#[ ]*include[ ]+("|<(unistd|pthread|sys/))' "$source" | grep -qv '"mcptools\.h"' && continue
  # shellcheck disable=SC2086
  if arm-none-eabi-gcc -mthumb -mcpu=cortex-m4 -Os -std=c99 $WARN_C $INC -c "$source" -o /dev/null; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
  fi
done
echo "PASSED $passed FAILED $failed"
[ $failed = 0 ]
