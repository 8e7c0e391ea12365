#!/bin/sh
# need-source.sh PACKAGE[/RELEASE]...   Unpacks Debian source packages under build/src/PACKAGE[-RELEASE], where they are not
# yet. Works without root and where only "deb" lines are configured: a private list names the same repositories with
# "deb-src", and another release (mbedtls/trixie) in the repository that this machine's own release comes from.
# OFFLINE=1 only looks: names what is missing and exits 1.
set -u
here=$(cd "$(dirname "$0")" && pwd)
src=$here/../../build/src
missing=
dir() { echo "$1" | tr / -; }
for package in "$@"; do [ -e "$src/$(dir "$package")/.unpacked" ] || missing="$missing $package"; done
[ -n "$missing" ] || exit 0
if [ "${OFFLINE:-0}" = 1 ]; then
  echo "missing: the sources of$missing" >&2
  exit 1
fi
"$here/need.sh" dpkg-source=dpkg-dev ca-certificates || exit 1
mkdir -p "$src/apt/lists/partial" "$src/apt/cache/archives/partial"
src=$(cd "$src" && pwd)
exec 7>"$src/lock"
! command -v flock >/dev/null 2>&1 || flock 7

# The distribution's own repositories, as the machine has them. Where no package list was ever fetched, nothing is known of
# them: then the lists are fetched, for us alone.
distribution=$(. /etc/os-release && echo "$ID")
private="-o Dir::State::lists=$src/apt/lists -o Dir::Cache=$src/apt/cache -o Debug::NoLocking=1 -o APT::Sandbox::User=$(id -un) -o Acquire::Languages=none"
repositories() {
  apt-get "$@" indextargets --format '$(CREATED_BY) $(ORIGIN) $(REPO_URI) $(RELEASE) $(COMPONENT)' 2>/dev/null |
    awk -v id="$distribution" '$1 == "Packages" && tolower($2) == id { print "deb-src " $3 " " $4 " " $5 }' | sort -u
}
# shellcheck disable=SC2086  # $private is a list of options
{
  repositories >"$src/apt/sources.list"
  [ -s "$src/apt/sources.list" ] || { apt-get -qq $private update >/dev/null 2>&1; repositories $private >"$src/apt/sources.list"; }
  apt() { apt-get -qq -o Dir::Etc::sourcelist="$src/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null $private "$@"; }
}
echo "fetching: the sources of$missing" >&2
fetch() {
  apt update || return 1
  for package in "$@"; do
    to=$(dir "$package")
    rm -rf "${src:?}/$to" "$src/apt/$to"
    mkdir -p "$src/apt/$to"
    (cd "$src/apt/$to" && apt source --download-only "$package" && dpkg-source --no-copy --no-check -x ./*.dsc "$src/$to") || return 1
    touch "$src/$to/.unpacked"
  done
}
# This release's own first, while no other is named: apt takes the newest version that it knows.
# shellcheck disable=SC2046  # lists
all() {
  fetch $(printf '%s\n' $missing | grep -v /) || return 1
  other=$(printf '%s\n' $missing | grep /) || return 0
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  for package in $other; do
    awk -v old="$codename" -v new="${package#*/}" '$3 == old && $4 == "main" { print $1, $2, new, $4 }' "$src/apt/sources.list"
  done | sort -u >"$src/apt/other"
  cat "$src/apt/other" >>"$src/apt/sources.list"
  fetch $other
}
all </dev/null >"$src/apt/log" 2>&1 ||
  { cat "$src/apt/log" >&2; echo "could not fetch the sources of$missing" >&2; exit 1; }
