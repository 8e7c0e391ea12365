#!/bin/sh
# lwip.sh   port/lwip on a workstation, with AddressSanitizer and lwIP's own sources: builds and runs lwip.c beside it, without
# TLS and with both libraries' TLS.
set -u
cd "$(dirname "$0")/../.." || exit 1
need='libbearssl-dev libmbedtls-dev openssl=openssl'
# shellcheck disable=SC2086  # a list
tests/tools/need.sh $need || { echo "PASSED 0 FAILED 0 SKIPPED 1 (needs $need)"; exit 0; }
tests/port/certs.sh build/port/certs || { echo 'PASSED 0 FAILED 1 (no certificates)'; exit 1; }
tests/tools/need-source.sh lwip || { echo 'PASSED 0 FAILED 0 SKIPPED 1 (needs the sources of lwIP)'; exit 0; }
out=build/port/lwip src=build/src/lwip/src
mkdir -p $out
flags="-std=c99 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -I. -Iexamples/firmware -isystem build/include -isystem $src/include
  -DFIRMWARE_ASSERT -DMEM_ALIGNMENT=8 -DMEM_LIBC_MALLOC=1 -DMEMP_MEM_MALLOC=1 -DLWIP_ARP=0 -DLWIP_ETHERNET=0 -DLWIP_SINGLE_NETIF=0
  -DMCPT_NO_HOSTED=1 -DMCPT_NO_METADATA=1 -DMCPT_TLS_12"
stack=
for file in init def inet_chksum ip mem memp netif pbuf stats tcp tcp_in tcp_out timeouts ipv4/icmp ipv4/ip4 ipv4/ip4_addr; do
  stack="$stack $src/core/$file.c"
done
# shellcheck disable=SC2086  # lists of words
compile() { ${CC:-cc} $flags "$@"; }
# shellcheck disable=SC2086
tests/tools/snippet.sh port/lwip.h 'extern const mcpt_server thermo; extern mcpt_hub hub; void reset(void); void ethernet_frames_to_lwip(void);
  void sleep_until_interrupt(uint32_t milliseconds); void serve(void);' $flags || { echo 'PASSED 0 FAILED 1 (the guide in README.md)'; exit 1; }
# shellcheck disable=SC2086
for file in $stack; do compile -w -c $file -o "$out/$(basename $file .c).o" || exit 1; done
for file in build/mcptools.c port/lwip.c port/lwip_client.c port/tls.c port/tls_bearssl.c port/tls_mbedtls.c tests/port/lwip.c tests/conformance/fixtures.c; do
  # shellcheck disable=SC2086
  compile ${WARN_C:-} -c $file -o "$out/$(echo $file | tr / -).o" || exit 1
done
compile $out/*.o -lbearssl -lmbedtls -lmbedx509 -lmbedcrypto -o $out/test &&
  ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1 timeout 600 $out/test build/port/certs
