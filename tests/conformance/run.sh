#!/bin/sh
# run.sh SERVER [NAME]   Runs the official conformance suite against SERVER, started here as "SERVER --port N" with the
# endpoint at /mcp: both requirement sets with their unscored scenarios, then everything for the two older revisions.
# Prints one line a scenario. Exits 1 when any check of any scenario fails, scored or not.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
server=$1 name=${2:-$(basename "$1")}
"$root/tests/tools/need-node.sh" || { echo "PASSED 0 FAILED 0 SKIPPED 1 (conformance suite missing)"; exit 0; }
PATH=$root/build/node/node_modules/.bin:$PATH
suite=$root/build/node/node_modules/@modelcontextprotocol/conformance/dist/index.js
out=$root/build/conformance/$name
rm -rf "$out"
mkdir -p "$out"

port=$(node -e 'const s = require("net").createServer().listen(0, "localhost", () => { console.log(s.address().port); s.close(); })')
"$server" --port "$port" >"$out/server.log" 2>&1 &
pid=$!
trap 'kill $pid 2>/dev/null; wait $pid 2>/dev/null' EXIT
trap 'exit 130' INT TERM
node -e '
  const [port, pid] = process.argv.slice(1).map(Number), stop = Date.now() + 20000;
  (function knock() {
    require("net").connect(port, "localhost").on("connect", () => process.exit(0)).on("error", () => {
      try { process.kill(pid, 0); } catch { process.exit(1); }
      Date.now() > stop ? process.exit(1) : setTimeout(knock, 50);
    });
  })();' "$port" "$pid" || { echo "$server does not listen on port $port:"; cat "$out/server.log"; echo "PASSED 0 FAILED 1"; exit 1; }

url=${SCHEME:-http}://localhost:$port/mcp    # https: NODE_EXTRA_CA_CERTS must say whom to trust
for revision in 2025-11-25 2026-07-28; do
  node "$suite" list --requirements "$revision" >"$out/$revision.list"
  node "$suite" server --url "$url" --requirements "$revision" -o "$out/$revision" >"$out/$revision.txt" 2>&1
done
for revision in 2025-06-18 2025-03-26; do
  node "$suite" server --url "$url" --suite all --spec-version "$revision" -o "$out/$revision" >"$out/$revision.txt" 2>&1
done
alive=0
kill -0 $pid 2>/dev/null || { alive=1; echo "$server died:"; tail -n 40 "$out/server.log"; }
node "$root/tests/conformance/report.mjs" "$out" || exit 1
[ $alive = 0 ] || { echo "PASSED 0 FAILED 1 (the server died)"; exit 1; }
