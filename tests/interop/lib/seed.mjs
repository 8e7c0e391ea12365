// @clerk/mcp-tools and its stores. better-sqlite3, which its SQLite store asks for, is built on the machine it is installed on; here the
// SQLite of Node stands in for the few of its calls that the store makes. The store's own code and SQL are as published.
import { registerHooks } from "node:module";
import { load } from "./harness.mjs";

const standIn = `import { DatabaseSync } from "node:sqlite";
export default class Database {
  constructor(path, { readonly, timeout }) { this.db = new DatabaseSync(path, { readOnly: readonly, timeout }); }
  pragma(text) { this.db.exec("PRAGMA " + text); }
  exec(text) { this.db.exec(text); }
  prepare(text) { return this.db.prepare(text); }
  close() { this.db.close(); }
}`;
registerHooks({
  resolve: (name, context, next) => name === "better-sqlite3"
    ? { url: `data:text/javascript,${encodeURIComponent(standIn)}`, format: "module", shortCircuit: true } : next(name, context),
});
// the package has no entry for require()
const part = async (name) => import(new URL(`./dist/${name}.mjs`, new URL("../@clerk/mcp-tools/", `file://${load.resolve.paths("x")[0]}/x/`)));

export const seed = await part("client");
export async function seedStore(medium, where) {
  if (medium === "redis") {
    const { hostname: host, port, password } = new URL(where);
    return (await part("stores/redis")).createRedisStore({ host, port: Number(port), password });
  }
  if (medium === "postgres") return (await part("stores/postgres")).createPostgresStore({ connectionString: where });
  if (medium === "sqlite") return (await part("stores/sqlite")).createSqliteStore({ dbPath: where.slice("sqlite:".length) });
  return (await part("stores/fs")).createFsStore({ filePath: where.slice("seedfile:".length) });
}
