#!/bin/sh
# need.sh [command=]package ...   Makes sure that Debian packages are there; installs the ones that are not.
# "command=package" is content with the command, wherever it comes from.
# OFFLINE=1 only looks: names what is missing and exits 1. Root installs directly, everybody else through sudo.
set -u
stamps=$(cd "$(dirname "$0")/../.." && pwd)/build/have
missing=
for want in "$@"; do
  package=${want##*=}
  case $want in *=*) command -v "${want%%=*}" >/dev/null 2>&1 && continue ;; esac
  if command -v dpkg-query >/dev/null 2>&1; then
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
  elif [ "$want" != "$package" ]; then
    missing="$missing $package"
  fi
done
[ -n "$missing" ] || exit 0

if [ "${OFFLINE:-0}" = 1 ]; then
  echo "missing:$missing" >&2
  exit 1
fi
if ! command -v apt-get >/dev/null 2>&1; then
  echo "need.sh installs on Debian only; here please install the equivalent of:$missing" >&2
  exit 1
fi
sudo=
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null 2>&1 || { echo "as root: apt-get install --no-install-recommends$missing" >&2; exit 1; }
  sudo=sudo
  [ -t 0 ] || sudo='sudo -n'
fi
mkdir -p "$stamps"
exec 9>"$stamps/lock"
! command -v flock >/dev/null 2>&1 || flock 9
apt() { $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" </dev/null >"$stamps/apt.log" 2>&1; }
# shellcheck disable=SC2086  # $missing is a list
install() { apt install -y --no-install-recommends $missing; }
echo "installing:$missing" >&2
if [ ! -e "$stamps/apt-update" ] || ! install; then
  apt update && touch "$stamps/apt-update" && install || { cat "$stamps/apt.log" >&2; echo "could not install:$missing" >&2; exit 1; }
fi
