#!/bin/sh
# tls.sh [--smoke] PROGRAM   Instructions of one TLS connection (handshake, 200 bytes each way, close_notify), by callgrind, a
# run of three connections less one of one, halved: of servers and of clients, with key exchange and certificate, and resumed.
# UPDATE=1 writes the table into README.md at <!-- tls-instructions -->.
set -u
cd "$(dirname "$0")/../.." || exit 1
smoke=
[ "$1" != --smoke ] || { smoke=1; shift; }
program=$1 out=build/bench/tls.md passed=0 failed=0
mkdir -p build/bench
tests/port/certs.sh build/port/certs || { echo 'PASSED 0 FAILED 1 (no certificates)'; exit 1; }
count() { # function, server, client, certificate, kind, connections
  function=$1
  shift
  valgrind --tool=callgrind --toggle-collect="$function" --callgrind-out-file=/dev/null "$program" "$@" 2>build/bench/valgrind-tls.log >/dev/null &&
    sed -n 's/^==[0-9]*== Collected : //p' build/bench/valgrind-tls.log
}
million() { # function, arguments: of a later connection for "resumed", of any for "full"
  one=$(count "$@" 1) more=$(count "$@" 3)
  case $one:$more in *[0-9]:[0-9]*) ;; *) echo '?'; return ;; esac
  echo $(((more - one) / 2)) | awk '{ printf "%.2f", $1 / 1e6 }'
}
{
  echo '| million instructions a connection | server, full | server, resumed | client, full | client, resumed |'
  echo '|---|---:|---:|---:|---:|'
} | tee $out
for library in bearssl mbedtls; do
  for certificate in server rsa; do
    row="| $library, $(echo $certificate | sed 's/server/P-256/; s/rsa/RSA-2048/') |"
    for side in server client; do
      for kind in full resumed; do
        row="$row $(million bench_$side $library $library $certificate $kind) |"
      done
    done
    echo "$row" | tee -a $out
    case $row in *\?*) failed=$((failed + 1)); cat build/bench/valgrind-tls.log ;; *) passed=$((passed + 1)) ;; esac
    [ -z "$smoke" ] || break 2
  done
done
[ -z "${UPDATE:-}" ] || tests/tools/readme.py tls-instructions <$out
[ -z "$smoke" ] || echo "PASSED $passed FAILED $failed"
[ $failed = 0 ]
