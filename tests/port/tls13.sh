#!/bin/sh
# port/tls with mbedTLS 3.6 of Debian 13, built here from its source: TLS 1.3. The same tests as tls.sh, with ASan and UBSan;
# its heap is one array, which must be empty at the end. PEERS= leaves OpenSSL and Node out.
set -u
cd "$(dirname "$0")/../.." || exit 1
tests/tools/need.sh libbearssl-dev openssl=openssl && tests/tools/need-node.sh && tests/tools/need-source.sh mbedtls/trixie || {
  echo 'PASSED 0 FAILED 0 SKIPPED 1 (needs libbearssl-dev, openssl, the npm packages, the source of mbedTLS 3.6)'
  exit 0
}
src=build/src/mbedtls-trixie out=build/port/tls13 certs=build/port/certs
tests/port/certs.sh $certs || { echo 'PASSED 0 FAILED 1 (no certificates)'; exit 1; }
${MAKE:-make} build/san/mcptools.o || exit 1
mkdir -p $out/library
config="-DMBEDTLS_USER_CONFIG_FILE=\"tests/port/mbedtls_tls_config.h\""
for file in $src/library/*.c; do
  object=$out/library/$(basename "$file" .c).o
  { [ "$object" -nt "$file" ] && [ "$object" -nt tests/port/mbedtls_tls_config.h ]; } || printf '%s\n' "${CC:-cc} -O1 -g -w '$config' -I. -I$src/include -c $file -o $object"
done | xargs -r -P "$(getconf _NPROCESSORS_ONLN)" -d '\n' -n 1 sh -c || { echo 'PASSED 0 FAILED 1 (mbedTLS)'; exit 1; }
build() { # program, sources
  program=$1
  shift
  # shellcheck disable=SC2086  # lists of flags
  ${CC:-cc} -std=c99 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
    '-DMCPT_ASSERT(x)=((x) ? (void)0 : __builtin_trap())' ${WARN_C:--Wall -Wextra} "$config" -isystem $src/include ${INC:--I. -isystem build/include} \
    "$@" build/san/mcptools.o port/tls.c port/tls_bearssl.c port/tls_mbedtls.c port/posix_env.c port/crypto_mbedtls.c $out/library/*.o -lbearssl -o $out/$program
}
build tls tests/port/tls.c && build tls_client tests/port/tls_client.c &&
  build tls_server tests/port/tls_server.c port/posix.c && build tls_fetch tests/port/tls_fetch.c port/posix.c port/posix_resolve.c || { echo 'PASSED 0 FAILED 1'; exit 1; }
status=0
# TLS 1.3 is there: nothing to say
# shellcheck disable=SC2086  # lists of flags
if ${CC:-cc} -std=c99 -fsyntax-only "$config" -isystem $src/include ${INC:--I. -isystem build/include} port/tls_mbedtls.c 2>&1 | grep -q 'TLS 1\.2 alone'; then
  echo 'PASSED 0 FAILED 1 (it says that it has TLS 1.2 alone)' && status=1
else echo 'PASSED 1 FAILED 0'; fi
$out/tls $certs || status=1
[ -z "${PEERS-yes}" ] || build/node/node_modules/.bin/node tests/port/tls_peers.mjs $out/tls_server $out/tls_client $out/tls_fetch $certs 13 || status=1
exit $status
