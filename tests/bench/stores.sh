#!/bin/sh
# stores.sh [--smoke] PROGRAM   Operations per second of every store of a host, and of those of @clerk/mcp-tools beside them, a
# Markdown table. UPDATE=1 writes it into README.md at <!-- stores -->. Files lie in memory, unless TMPDIR says otherwise: on a disk every write waits for its sync.
set -u
cd "$(dirname "$0")/../.." || exit 1
smoke='' out=build/bench/stores.md failed=0
[ "$1" != --smoke ] || { smoke=1; shift; export STORE_OPERATIONS=20; }
mkdir -p build/bench
if [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ]; then export TMPDIR=/dev/shm; fi
{
  echo '| port | operation | 10 keys | 1,000 keys | 10,000 keys |'
  echo '|---|---|---:|---:|---:|'
} | tee $out
for store in ram fs sqlite redis postgres; do
  tests/stores/server.sh run $store "$1" $store >build/bench/row || failed=$((failed + 1))
  tee -a $out <build/bench/row
  [ $store = ram ] && continue
  STORE_NAME=$store tests/stores/server.sh run $store build/node/node_modules/.bin/node tests/bench/stores.mjs >build/bench/row || failed=$((failed + 1))
  tee -a $out <build/bench/row
done
[ -z "${UPDATE:-}" ] || tests/tools/readme.py stores <$out
rows=$(grep -cE '^\| (its )?`stor(e_|es/)[a-z]*` \| [a-z]* \|( [1-9][0-9]* \|){3}$' $out)
[ -z "$smoke" ] || echo "PASSED $rows FAILED $((23 - rows))"
[ $failed = 0 ] && [ "$rows" = 23 ]
