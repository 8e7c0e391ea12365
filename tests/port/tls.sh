#!/bin/sh
# port/tls: both libraries against each other in one process, with ASan and UBSan.
set -u
cd "$(dirname "$0")/../.." || exit 1
tests/tools/need.sh libbearssl-dev libmbedtls-dev openssl=openssl || {
  echo 'PASSED 0 FAILED 0 SKIPPED 1 (needs libbearssl-dev, libmbedtls-dev, openssl)'
  exit 0
}
out=build/port
tests/port/certs.sh $out/certs || { echo 'PASSED 0 FAILED 1 (no certificates)'; exit 1; }
# shellcheck disable=SC2086  # lists of flags
${CC:-cc} -std=c99 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all '-DMCPT_ASSERT(x)=((x) ? (void)0 : __builtin_trap())' \
  ${WARN_C:--Wall -Wextra} -DMCPT_TLS_12 ${INC:--I. -isystem build/include} tests/port/tls.c port/tls.c port/tls_bearssl.c \
  port/tls_mbedtls.c port/posix_env.c build/mcptools.c -lbearssl -lmbedtls -lmbedx509 -lmbedcrypto -o $out/tls ||
  { echo 'PASSED 0 FAILED 1'; exit 1; }
exec $out/tls $out/certs
