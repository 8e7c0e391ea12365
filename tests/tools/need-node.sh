#!/bin/sh
# need-node.sh   Brings what package.json beside it names to build/node: a pinned Node, the conformance suite, the
# official SDKs, zig. Afterwards build/node/node_modules/.bin holds node and zig. OFFLINE=1 only looks.
set -u
here=$(cd "$(dirname "$0")" && pwd)
node=$here/../../build/node
mkdir -p "$node"
exec 8>"$node/lock"
! command -v flock >/dev/null 2>&1 || flock 8
cmp -s "$here/package.json" "$node/installed.json" && exit 0

if [ "${OFFLINE:-0}" = 1 ]; then
  echo "missing: the npm packages of tests/tools/package.json" >&2
  exit 1
fi
"$here/need.sh" npm=npm node=nodejs ca-certificates || exit 1
echo "installing: the npm packages of tests/tools/package.json" >&2
rm -f "$node/package.json" "$node/installed.json" # not written through a link that another copy of build/ shares
cp "$here/package.json" "$node/package.json"
(cd "$node" && timeout 900 npm install --no-audit --no-fund --no-save --no-package-lock --ignore-scripts=false --loglevel=error) \
  >"$node/npm.log" 2>&1 && "$node/node_modules/.bin/node" --version >/dev/null ||
  { cat "$node/npm.log" >&2; echo "could not install the npm packages" >&2; exit 1; }
cp "$here/package.json" "$node/installed.json"
