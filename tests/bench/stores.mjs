// The stores of @clerk/mcp-tools beside ours: how many values of 700 bytes one writes and reads in a second, with 10, 1,000 and
// 10,000 keys in it. STORE_NAME says which, tests/stores/server.sh runs its server. One row of a Markdown table for each kind.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seedStore } from "../interop/lib/seed.mjs";

const { STORE_NAME: name, STORE_PORT: port, STORE_PASSWORD: password, STORE_OPERATIONS: wanted = "2000" } = process.env;
const directory = mkdtempSync(join(tmpdir(), "mcpt-bench-"));
const where = { fs: `seedfile:${join(directory, "store")}`, sqlite: `sqlite:${join(directory, "store.db")}`, redis: `redis://:${password}@127.0.0.1:${port}`,
  postgres: `postgresql://tester:${password}@127.0.0.1:${port}/postgres` }[name];
const store = await seedStore(name, where);
const value = (key, version) => ({ text: `${key} ${version} `.padEnd(689, "abcdefghijklmnopqrstuvwxyz"[version % 26]) });      // 700 bytes as JSON
const versions = [];                                                    // at most two seconds for 2,000 operations
let there = 0, seed = 1;
const chance = (n) => { seed = (seed * 1103515245 + 12345) % 2147483648; return Math.floor(seed / 65536) * n / 32768 | 0; };
const write = (k) => store.write(`session-${k}`, value(k, versions[k] = (versions[k] ?? 0) + 1));
const read = async (k) => { if ((await store.read(`session-${k}`)).text !== value(k, versions[k]).text) throw new Error(`session-${k}`); };
const rates = { write: [], read: [] };

for (const keys of [10, 1000, 10000]) {
  if (name === "fs") {                                                // as its own writes would leave the file, without 10,000 of them
    const now = new Date().toISOString(), data = {};
    for (; there < keys; there++) versions[there] = 1;
    for (let k = 0; k < keys; k++) data[`session-${k}`] = { value: value(k, versions[k]), created_at: now, updated_at: now };
    writeFileSync(join(directory, "store"), JSON.stringify(data, null, 2));
  }
  while (there < keys) await Promise.all(Array.from({ length: Math.min(name === "redis" ? 500 : 1, keys - there) }, () => write(there++)));
  const best = { write: 0, read: 0 };                                 // each three times, as ours
  for (const [kind, work] of Object.entries({ write, read, "write ": write, "read ": read, " write": write, " read": read })) {
    const begin = performance.now();
    let n = 0;
    while (n < Number(wanted) && (n < 2 || performance.now() - begin < 2 * Number(wanted))) {
      await work(chance(there));
      n++;
    }
    best[kind.trim()] = Math.max(best[kind.trim()], n * 1000 / (performance.now() - begin));
  }
  for (const kind of ["write", "read"]) rates[kind].push(best[kind].toFixed(0));
}
for (const [kind, row] of Object.entries(rates)) console.log(`| its \`stores/${name}\` | ${kind} | ${row.join(" | ")} |`);
await store.disconnect();
rmSync(directory, { recursive: true });
