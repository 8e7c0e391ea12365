#!/bin/sh
# run.sh IMAGE.elf [--port N] [--mcp CHARDEV] [--option NAME=NUMBER]...   Runs an image in QEMU: its port 80 (with TLS 443) as port
# N (8080, 8443) of the loopback address, its console here, also what is typed, its MCP UART at a QEMU character device (default: none), its flash in
# IMAGE.flash. Ended by SIGTERM or the
# end of standard input it asks the firmware for its report first. The emulated network leads nowhere else, but that of a client
# to wherever this machine can go; 10.0.2.2 is its loopback address there.
set -u
image=$1 inside=80 port=8080 mcp=null options=,arg=flash=${1%.elf}.flash
case $1 in *tls.elf) inside=443 port=8443 ;; esac
shift
while [ $# -gt 1 ]; do
  case $1 in
    --port) port=$2 ;;
    --mcp) mcp=$2 ;;
    --option) options=$options,arg=$2 ;;
  esac
  shift 2
done
name=$(basename "$image")
case $name in
  lm3s6965evb-*) machine=lm3s6965evb ;;
  mps2-an385-*) machine=mps2-an385 ;;
  *) echo "$name: which board?" >&2; exit 2 ;;
esac
restrict=on last=q
case $name in *-client.elf) restrict=off last='quit
' ;; esac
commands=$(mktemp -u)
mkfifo "$commands" || exit 1
LD_PRELOAD=$(dirname "$image")/backlog.so qemu-system-arm -M "$machine" -display none -monitor none -serial "$mcp" -serial stdio ${QEMU:-} \
  -nic "user,restrict=$restrict,hostfwd=tcp:127.0.0.1:$port-:$inside" -kernel "$image" \
  -semihosting-config "enable=on,target=native,arg=firmware,arg=port=$port$options" <"$commands" 2>&1 &
pid=$!
exec 3>"$commands"
rm -f "$commands"
exec 4<&0
cat <&4 >&3 2>/dev/null & # what is typed
typed=$!
finish() {
  kill $typed 2>/dev/null
  printf %s "$last" >&3
  (sleep 5; kill $pid) 2>/dev/null &
  wait $pid
  status=$?
  kill $! 2>/dev/null
  exit $status
}
trap finish TERM INT
wait $pid
status=$?
kill $typed 2>/dev/null
exit $status
