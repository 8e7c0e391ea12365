#!/bin/sh
# tokens.sh [--smoke] PROGRAM   Access tokens verified per second of processor time, by algorithm: mcpt_jwt_check with mbedTLS and
# BearSSL beside jose on Node; and signatures alone beside OpenSSL. RSA of 2048 bits, P-256. What is not here shows a dash. UPDATE=1
# writes the table into README.md at <!-- tokens -->.
set -u
cd "$(dirname "$0")/../.." || exit 1
seconds=1 smoke=
[ "$1" != --smoke ] || { smoke=1 seconds=0.05; shift; }
program=$1 log=build/bench/log
mkdir -p $log
node=build/node/node_modules/.bin/node
"$program" $seconds >$log/tokens || { echo 'PASSED 0 FAILED 1'; exit 1; }
: >$log/jose
[ ! -x $node ] || NODE_MODULES=$PWD/build/node/node_modules $node tests/bench/tokens.mjs $seconds "$program" >$log/jose
: >$log/openssl
! command -v openssl >/dev/null 2>&1 || openssl speed -seconds 1 rsa2048 ecdsap256 >$log/openssl 2>/dev/null
value() { awk -v a="$1" -v b="$2" -v n="$3" '$1 == a && $2 == b { v = $n } END { print v ? v : "–" }' $log/tokens; }
openssl_rate() { awk -v what="$1" 'index($0, what) == 1 || (what != "rsa" && /nistp256/) { v = $NF } END { printf v ? "%.0f" : "–", v }' $log/openssl; }
{
echo '| algorithm | tokens/s: mbedTLS | BearSSL | jose on Node | signatures/s: mbedTLS | BearSSL | OpenSSL |'
echo '|---|---:|---:|---:|---:|---:|---:|'
for alg in RS256 PS256 ES256; do
  case $alg in RS256) ssl=$(openssl_rate rsa) ;; ES256) ssl=$(openssl_rate ecdsa) ;; *) ssl=– ;; esac
  echo "| $alg | $(value $alg mbedTLS 4) | $(value $alg BearSSL 4) | $(awk -v a=$alg '$1 == a { v = $2 } END { print v ? v : "–" }' $log/jose)" \
    "| $(value $alg mbedTLS 3) | $(value $alg BearSSL 3) | $ssl |"
done
} | tee $log/tokens.md
[ -z "${UPDATE:-}" ] || tests/tools/readme.py tokens <$log/tokens.md
[ -z "$smoke" ] || echo "PASSED $(grep -c '^| [REP]' $log/tokens.md) FAILED 0"
