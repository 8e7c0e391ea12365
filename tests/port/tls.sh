#!/bin/sh
# port/tls: both libraries against each other in one process; then servers and clients of each against OpenSSL and Node.
# All with ASan and UBSan. PEERS= leaves the second part out.
set -u
cd "$(dirname "$0")/../.." || exit 1
need='libbearssl-dev libmbedtls-dev openssl=openssl'
# shellcheck disable=SC2086  # lists
tests/tools/need.sh $need && tests/tools/need-node.sh || {
  echo "PASSED 0 FAILED 0 SKIPPED 1 (needs $need and the npm packages)"
  exit 0
}
out=build/port
tests/port/certs.sh $out/certs || { echo 'PASSED 0 FAILED 1 (no certificates)'; exit 1; }
san=build/san/tests/port
${MAKE:-make} $san/tls $san/tls_server $san/tls_client $san/tls_fetch || { echo 'PASSED 0 FAILED 1'; exit 1; }
status=0 passed=0 failed=0
# what speaks TLS 1.2 alone says so when it is compiled, unless it is told that this is meant
for port in tls_bearssl:1: tls_bearssl:0:-DMCPT_TLS_12 tls_mbedtls:1: tls_mbedtls:0:-DMCPT_TLS_12; do
  want=${port#*:}
  # shellcheck disable=SC2086  # lists of flags
  said=$(${CC:-cc} -std=c99 -fsyntax-only ${INC:--I. -isystem build/include} ${want#*:} port/${port%%:*}.c 2>&1 | grep -cE '(message|warning): port.*speaks TLS 1\.2 alone')
  if [ "$said" = "${want%%:*}" ]; then passed=$((passed + 1)); else failed=$((failed + 1)) status=1; echo "$port: said $said times"; fi
done
echo "PASSED $passed FAILED $failed"
$san/tls $out/certs || status=1
[ -z "${PEERS-yes}" ] ||
  build/node/node_modules/.bin/node tests/port/tls_peers.mjs $san/tls_server $san/tls_client $san/tls_fetch $out/certs || status=1
exit $status
