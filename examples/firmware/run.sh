#!/bin/sh
# run.sh IMAGE.elf [--port N] [--mcp CHARDEV] [--option NAME=NUMBER]...   Runs an image in QEMU: its port 80 as port N (8080)
# of the loopback address, its console here, its MCP UART at a QEMU character device (default: none), its flash in
# IMAGE.flash. Ended by SIGTERM or the
# end of standard input it asks the firmware for its report first. The emulated network leads nowhere else.
set -u
image=$1 port=8080 mcp=null options=,arg=flash=${1%.elf}.flash
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
commands=$(mktemp -u)
mkfifo "$commands" || exit 1
qemu-system-arm -M "$machine" -display none -monitor none -serial "$mcp" -serial stdio ${QEMU:-} \
  -nic "user,restrict=on,hostfwd=tcp:127.0.0.1:$port-:80" -kernel "$image" \
  -semihosting-config "enable=on,target=native,arg=firmware$options" <"$commands" 2>&1 &
pid=$!
exec 3>"$commands"
rm -f "$commands"
finish() {
  printf q >&3
  (sleep 5; kill $pid) 2>/dev/null &
  wait $pid
  status=$?
  kill $! 2>/dev/null
  exit $status
}
trap finish TERM INT
wait $pid
