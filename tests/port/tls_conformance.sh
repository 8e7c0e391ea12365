#!/bin/sh
# The official conformance suite over https, with each library. Two of its scenarios write their requests onto a plain
# socket whatever the URL says; they cannot pass here and must fail for that reason alone.
set -u
cd "$(dirname "$0")/../.." || exit 1
tests/tools/need.sh libbearssl-dev libmbedtls-dev openssl=openssl && tests/tools/need-node.sh || {
  echo 'PASSED 0 FAILED 0 SKIPPED 1 (needs libbearssl-dev, libmbedtls-dev, openssl, the npm packages)'
  exit 0
}
certs=$PWD/build/port/certs server=build/san/tests/port/tls_server
tests/port/certs.sh "$certs" && ${MAKE:-make} $server || { echo 'PASSED 0 FAILED 1'; exit 1; }
plain='http-header-validation|http-custom-header-server-validation'
status=0
for library in bearssl mbedtls; do
  log=build/port/conformance-$library.txt
  SCHEME=https NODE_EXTRA_CA_CERTS=$certs/ca.pem TLS_LIBRARY=$library TLS_CERTS=$certs TLS_CERT=suite \
    tests/conformance/run.sh $server "tls-$library" >"$log" 2>&1
  passed=$(grep -c '^ok ' "$log")
  failed=$(grep -E '^FAIL ' "$log" | grep -cvE "$plain")
  grep -E '^FAIL ' "$log"
  reasons=$(find "build/conformance/tls-$library" -path "*validation*" -name checks.json -exec grep -l 'Parse Error: Expected HTTP/' {} + | wc -l)
  echo "$library: $passed scenarios over https, $(grep -E '^FAIL ' "$log" | grep -cE "$plain") that speak plain HTTP ($reasons say so)"
  [ "$reasons" = "$(grep -E '^FAIL ' "$log" | grep -cE "$plain")" ] || failed=$((failed + 1))
  [ "$passed" -gt 90 ] || failed=$((failed + 1))
  echo "PASSED $passed FAILED $failed"
  [ "$failed" = 0 ] || { tail -n 5 "$log"; status=1; }
done
exit $status
