#!/bin/sh
# port/microhttpd: builds and runs microhttpd.c here, which needs a package that nothing else does.
set -u
cd "$(dirname "$0")/../.." || exit 1
tests/tools/need.sh libmicrohttpd-dev || {
  echo 'PASSED 0 FAILED 0 SKIPPED 1 (needs libmicrohttpd-dev)'
  exit 0
}
mkdir -p build/port
# shellcheck disable=SC2086  # lists of flags
tests/tools/snippet.sh port/microhttpd.h '#include <microhttpd.h>
enum MHD_Result your_pages(void *cls, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                           const char *data, size_t *size, void **con_cls);
enum MHD_Result answer(void *cls, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                       const char *data, size_t *size, void **con_cls);' ${INC:--I. -isystem build/include} || { echo 'PASSED 0 FAILED 1 (the guide in README.md)'; exit 1; }
# shellcheck disable=SC2086  # lists of flags
${CC:-cc} -std=c99 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all ${WARN_C:--Wall -Wextra} \
  ${INC:--I. -isystem build/include} tests/port/microhttpd.c port/microhttpd.c port/posix_env.c port/crypto_mbedtls.c port/store_ram.c -lmicrohttpd -lmbedcrypto \
  -o build/port/microhttpd || { echo 'PASSED 0 FAILED 1'; exit 1; }
exec build/port/microhttpd
