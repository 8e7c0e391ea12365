#!/bin/sh
# crypto_versions.sh   port/crypto_mbedtls against the sources of mbedTLS 2.28 (this Debian) and 3.6 (Debian 13), built for a
# device: no allocator but one array of 12 KB. Same vectors as everywhere; prints what the array was used for at most, on 64
# bit and, where zig is, on 32 bit (the size of a Cortex-M's pointers and limbs).
set -u
cd "$(dirname "$0")/../.." || exit 1
: "${CC:=cc}" "${WARN_C:=-Wall -Wextra -Werror}" "${INC:=-I. -isystem build/include}"
arena=12288
zig=$PWD/build/node/node_modules/.bin/zig
# some only in one of the versions
files='aes asn1parse asn1write bignum bignum_core bignum_mod bignum_mod_raw chacha20 chachapoly cipher cipher_wrap constant_time
  ctr_drbg ecdsa ecp ecp_curves ecp_curves_new entropy gcm hmac_drbg md memory_buffer_alloc oid platform platform_util poly1305
  rsa rsa_alt_helpers rsa_internal sha256'
passed=0 failed=0 skipped=0
tests/tools/need-source.sh mbedtls mbedtls/trixie || { echo "PASSED 0 FAILED 0 SKIPPED 1 (needs the sources of mbedTLS)"; exit 0; }

# "mbedtls" must be what this Debian links, not the newest that a mirror has
installed=$(dpkg-query -W -f '${source:Upstream-Version}' libmbedtls-dev)
unpacked=$(sed -n 's/^#define MBEDTLS_VERSION_STRING *"\(.*\)"/\1/p' build/src/mbedtls/include/mbedtls/version.h build/src/mbedtls/include/mbedtls/build_info.h 2>/dev/null)
if [ "$installed" = "$unpacked" ]; then passed=$((passed + 1)); else failed=$((failed + 1)) && echo "sources of mbedTLS $unpacked beside the library $installed"; fi

# compiler, its name, source directory: builds and runs
try() {
  dir=build/crypto/$2-$3 src=build/src/$3
  flags="-O1 -g -std=gnu99 -ffunction-sections -fdata-sections -DARENA=$arena -DMBEDTLS_CONFIG_FILE=<tests/port/mbedtls_crypto_config.h>"
  includes="-I. -isystem $src/include"
  mkdir -p "$dir/library"
  for file in $files; do
    object=$dir/library/$file.o file=$src/library/$file.c
    [ ! -e "$file" ] || [ "$object" -nt tests/port/mbedtls_crypto_config.h ] || echo "$1 $flags -w $includes -I$src/library -c $file -o $object"
  done | sed 's/[<>]/"\\&"/g; s/"\\\([<>]\)"/\\\1/g' | xargs -r -P "$(getconf _NPROCESSORS_ONLN)" -d '\n' -n 1 sh -c || return 1
  # shellcheck disable=SC2086  # lists
  $1 $flags $WARN_C $includes $INC -Wl,--gc-sections tests/unit/test_crypto.c port/crypto_mbedtls.c build/mcptools.c "$dir"/library/*.o \
    -o "$dir/test_crypto" && timeout 300 "$dir/test_crypto"
}

printf '#define MCPTOOLS_IMPLEMENTATION\n#include "mcptools.h"\n' >build/mcptools.c
check() {
  if out=$(try "$@" 2>&1); then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  echo "$2 $3: $(echo "$out" | tail -n 12)"
}
for source in mbedtls mbedtls-trixie; do
  check "$CC" "$(getconf LONG_BIT)" $source
  if [ -x "$zig" ]; then check "$zig cc -target x86-linux-musl -DMBEDTLS_NO_UDBL_DIVISION" 32 $source; else skipped=$((skipped + 1)); fi
done
echo "PASSED $passed FAILED $failed SKIPPED $skipped"
[ $failed = 0 ]
