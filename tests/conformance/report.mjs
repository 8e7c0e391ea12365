// report.mjs DIR   Reads what the conformance suite left in DIR/REVISION/server-SCENARIO-TIME/checks.json and prints
// one line a scenario. DIR/REVISION.list is the suite's own list of what that revision requires.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const dir = process.argv[2];
const alwaysSkipped = new Set(["tasks-status-notifications"]); // by the suite itself, in this release
const total = { passed: 0, failed: 0, warned: 0 };

// "Server scenarios" are scored; what stands under "never scored" and is marked [server] is run as well.
function required(file) {
  const scored = [], unscored = [];
  let at = "";
  for (const line of readFileSync(file, "utf8").split("\n")) {
    if (/^\S/.test(line)) at = line;
    const item = line.match(/^\s+- (\S+)(?: \[(\w+)\])?/);
    if (item && at.startsWith("Server")) scored.push(item[1]);
    if (item && item[2] === "server") unscored.push(item[1]);
  }
  return { scored, unscored };
}

function results(path) {
  const found = new Map();
  for (const entry of existsSync(path) ? readdirSync(path) : []) {
    const name = entry.match(/^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/)?.[1];
    const file = join(path, entry, "checks.json");
    if (name && existsSync(file)) found.set(name, JSON.parse(readFileSync(file, "utf8")));
  }
  return found;
}

function report(revision, name, checks, kind) {
  const count = (status) => checks.filter((c) => c.status === status).length;
  const good = count("SUCCESS"), bad = count("FAILURE"), warnings = count("WARNING");
  const empty = good + bad === 0;
  const failed = bad > 0 || (empty && kind !== "older" && !alwaysSkipped.has(name));
  const word = failed ? "FAIL" : empty ? "none" : warnings ? "warn" : "ok";
  const notes = [["failed", bad], ["warnings", warnings], ["skipped", count("SKIPPED")], ["info", count("INFO")]]
    .filter(([, n]) => n).map(([what, n]) => `, ${n} ${what}`).join("");
  console.log(`${word.padEnd(4)} ${revision} ${name.padEnd(46)} ${good} passed${notes}${kind === "unscored" ? "  (unscored)" : ""}`);
  for (const c of checks)
    if (c.status === "FAILURE" || c.status === "WARNING" || (failed && c.status !== "SUCCESS"))
      console.log(`       ${c.status} ${c.id}: ${String(c.errorMessage ?? c.description ?? "").replace(/\s+/g, " ").slice(0, 400)}`);
  if (warnings) total.warned++;
  if (failed) total.failed++; else if (!empty) total.passed++;
  return !failed;
}

const summary = [];
for (const list of readdirSync(dir).filter((f) => f.endsWith(".list")).sort()) {
  const revision = list.slice(0, -5), { scored, unscored } = required(join(dir, list)), found = results(join(dir, revision));
  const run = (names, kind) => names.filter((name) => {
    if (found.has(name)) return report(revision, name, found.get(name), kind);
    console.log(`FAIL ${revision} ${name}: the suite left no result`);
    total.failed++;
    return false;
  }).length;
  const rest = [...found.keys()].filter((name) => !scored.includes(name) && !unscored.includes(name));
  summary.push(`${revision}: ${run(scored, "scored")}/${scored.length} scored, ` +
    `${run([...unscored, ...rest], "unscored")}/${unscored.length + rest.length} unscored scenarios`);
  if (scored.length === 0) total.failed++;
}
for (const revision of readdirSync(dir).filter((f) => /^\d{4}-\d\d-\d\d$/.test(f) && !existsSync(join(dir, f + ".list")))) {
  const found = results(join(dir, revision));
  const good = [...found].filter(([name, checks]) => report(revision, name, checks, "older")).length;
  summary.push(`${revision}: ${good}/${found.size} scenarios`);
}
console.log(summary.join("\n"));
if (total.warned) console.log(`${total.warned} scenarios with warnings`);
console.log(`PASSED ${total.passed} FAILED ${total.failed}`);
process.exit(total.failed ? 1 : 0);
