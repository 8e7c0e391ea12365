// One flow of @clerk/mcp-tools on Node finished by ours, and the reverse, through a shared store in its layout: its own Redis,
// PostgreSQL, SQLite and file stores, real servers, build/device as MCP and authorization server. Each step of ours is a process of its own.
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { check, equal, examples, failure, finish, load, ok, start, until } from "./lib/harness.mjs";
import { seed, seedStore } from "./lib/seed.mjs";

const redirect = "http://127.0.0.1:9/callback", self = fileURLToPath(import.meta.url);
const root = join(dirname(self), "../.."), program = join(dirname(dirname(examples)), "o/tests/interop/seed");

// Redis and PostgreSQL are started by the script that the tests of the stores use; it runs this file again, for the one medium.
async function behind(medium) {
  let text = "";
  const child = spawn(join(root, "tests/stores/server.sh"), ["run", medium, process.execPath, self], { env: { ...process.env, SEED_MEDIUM: medium }, stdio: ["ignore", "pipe", "inherit"] });
  child.stdout.on("data", (data) => { text += data; });
  await new Promise((resolve) => child.on("close", resolve));
  for (const [line, name, , stack] of text.matchAll(/^(?:ok   |FAIL )(.*)((?:\n     (.*))*)/gm))
    await check(name, async () => ok(line.startsWith("ok"), stack ?? line));
  await check(`${medium}: all was run`, async () => ok(/^PASSED \d+ FAILED 0$/m.test(text), text));
}

async function through(medium, where) {
  const state = mkdtempSync(join(tmpdir(), "seed-"));
  process.env.XDG_STATE_HOME = state;
  delete process.env.DEVICE_TLS;
  const server = await start({ args: ["--port", "0"] });
  const store = await seedStore(medium, where);
  const close = store.disconnect;
  let mended = store;
  if (medium === "postgres") {
    const { Client } = load("pg"), db = new Client({ connectionString: where });
    await db.connect();
    await check("postgres: its own store cannot read the strings it writes", async () => {
      await store.write("state_x", "a text");
      ok((await failure(store.read("state_x"), "reading")).message.includes("Invalid JSON"), "the error");
      await store.delete("state_x");
    });
    // so what it began can be finished by us only; for what Node is to finish, a store of one's own, as the package allows, over the same table
    mended = { write: store.write, disconnect: () => db.end(),
      read: async (key) => (await db.query("SELECT value FROM mcp_store WHERE key = $1", [key])).rows[0]?.value ?? null };
  }

  const run = (...args) => new Promise((resolve) => execFile(program, [where, ...args], { timeout: 14000 },
    (error, out, err) => resolve({ code: error ? error.code ?? -1 : 0, lines: out.split("\n"), err })));
  async function good(...args) {
    const r = await run(...args);
    equal(r.code, 0, `${args[0]}: ${r.err}`);
    return r.lines;
  }
  // The person at the device: opens the page, types the code on the console, allows; answers where the browser is sent back to.
  async function person(url) {
    server.text = "";
    const html = await (await fetch(url)).text();
    await until(5000, () => /: \d{4} \d{4}\n/.test(server.text), "the code on the console");
    const [, code] = server.text.match(/: (\d{4} \d{4})\n/), [, form] = html.match(/name="form" value="([^"]+)"/);
    const answer = await fetch(url, { method: "POST", redirect: "manual", headers: { Origin: new URL(url).origin }, body: new URLSearchParams({ form, code, action: "allow" }) });
    return new URL(answer.headers.get("location"));
  }
  const worked = (text) => ok(JSON.parse(text).structuredContent.processors > 0, text);
  async function nodeCalls(sessionId) {
    const { connect, client } = await seed.getClientBySessionId({ sessionId, store: mended });
    await connect();
    worked(JSON.stringify(await client.callTool({ name: "read_state", arguments: {} })));
    await client.close();
  }
  async function nodeBegins(known) {
    let asked;
    const make = known ? seed.createKnownCredentialsMcpClient : seed.createDynamicallyRegisteredMcpClient;
    const { connect, sessionId } = await make({ mcpEndpoint: server.url, oauthRedirectUrl: redirect, oauthScopes: "read", oauthClientName: "seed \"Node\" ü", oauthClientUri: "https://app.example/",
      mcpClientName: "Node \"client\"", mcpClientVersion: "1.0.0", ...known ?? { oauthPublicClient: true }, redirect: (url) => { asked = url; }, store });
    await failure(connect(), "connecting without a token");
    return { sessionId, back: await person(asked) };
  }
  async function oursBegins(known) {
    const [sessionId, url] = await good("create", server.url, redirect, ...known ? [known.clientId] : []);
    return { sessionId, back: await person(url) };
  }
  const query = (back) => back.search.slice(1);
  const shape = (value) => Object.fromEntries(Object.entries(value).map(([key, v]) => [key, typeof v]).sort());
  const finished = {};

  const register = async () => {
    const r = await fetch(new URL("/register", server.url), { method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ client_name: "known", redirect_uris: [redirect], token_endpoint_auth_method: "none" }) });
    return { clientId: (await r.json()).client_id };
  };
  for (const [label, credentials] of [["dynamic", async () => undefined], ["known credentials", register]]) {
    await check(`${medium}: ${label}: begun by the package, finished by ours, used by both`, async () => {
      const { sessionId, back } = await nodeBegins(await credentials());
      const [id, result] = await good("complete", query(back));
      equal(id, sessionId, "the session");
      worked(result);
      await nodeCalls(sessionId);
      worked((await good("call", sessionId))[1]);
      finished.node = sessionId;
    });
    await check(`${medium}: ${label}: begun by ours, finished by the package, used by both`, async () => {
      const { sessionId, back } = await oursBegins(await credentials());
      const done = await seed.completeAuthWithCode({ state: back.searchParams.get("state"), code: back.searchParams.get("code"), store: mended });
      equal(done.sessionId, sessionId, "the session");
      await nodeCalls(sessionId);
      worked((await good("call", sessionId))[1]);
      finished.ours = sessionId;
    });
  }

  await check(`${medium}: the same records, whoever wrote them`, async () => {
    const [node, ours] = [await mended.read(`session_${finished.node}`), await mended.read(`session_${finished.ours}`)];
    const { issuer, ...rest } = shape(ours);
    const { issuer: added, oauthPublicClient, ...packages } = shape(node);
    equal([rest, issuer, added], [packages, "string", "string"], "members");
    equal([node.authComplete, ours.authComplete, ours.mcpClientName], [true, true, "C \"client\""], "values");
    const keys = await store.keys();
    const pending = keys.filter((key) => !key.startsWith("session_"));
    ok(pending.every((key) => /^(state|pkce_verifier)_[\w-]{32,36}$/.test(key)), pending.join());
    const left = await oursBegins();
    const written = left.back.searchParams.get("state");
    equal(await mended.read(`state_${written}`), left.sessionId, "state_");
    ok(/^[\w-]{43}$/.test(await mended.read(`pkce_verifier_${written}`)), "pkce_verifier_");
    equal(shape(await mended.read(`session_${left.sessionId}`)).authComplete, undefined, "not complete yet");
  });

  await check(`${medium}: a state is used once, and by one`, async () => {
    const { back } = await nodeBegins();
    const both = await Promise.all([run("complete", query(back)), run("complete", query(back))]);
    equal(both.map((r) => r.code).sort(), [0, 1], both.map((r) => r.err).join());
    ok((await run("complete", query(back))).err.startsWith("complete: "), "again");
    ok((await run("complete", "code=x&state=unknown")).err.startsWith("complete: "), "unknown");
    ok((await run("complete", "code=x&state=..%2F")).err.startsWith("complete: "), "no key");
  });

  await check(`${medium}: the answer of another issuer, or of none, is refused before the code is sent`, async () => {
    for (const issuer of ["https://evil.example", undefined]) {
      const { back, sessionId } = await nodeBegins();
      back.searchParams.delete("iss");
      if (issuer) back.searchParams.set("iss", issuer);
      equal((await run("complete", query(back))).code, 1, "exit code");
      equal((await mended.read(`session_${sessionId}`)).accessToken, undefined, "no token");
    }
  });

  await check(`${medium}: a token that has ended is refreshed, and the package has the new one`, async () => {
    const key = `session_${finished.node}`, before = await mended.read(key);
    await store.write(key, { ...before, accessToken: "mcpta_gone", added: { by: ["the \\\"application", {}, []], n: 1.5 } });
    worked((await good("call", finished.node))[1]);
    const after = await mended.read(key);
    ok(after.accessToken !== "mcpta_gone" && after.refreshToken !== before.refreshToken, "rotated");
    equal([after.added, after.clientId], [{ by: ["the \\\"application", {}, []], n: 1.5 }, before.clientId], "what the application added");
    await nodeCalls(finished.node);
  });

  await check(`${medium}: a session whose issuer the server left goes nowhere`, async () => {
    const key = `session_${finished.ours}`, before = await mended.read(key);
    await store.write(key, { ...before, accessToken: "mcpta_gone", issuer: "https://former.example" });
    equal((await run("call", finished.ours)).code, 1, "exit code");
    equal((await mended.read(key)).refreshToken, before.refreshToken, "its refresh token was not sent");
    await store.write(key, before);
    await nodeCalls(finished.ours);
  });

  await check(`${medium}: records that make no sense, and none`, async () => {
    for (const value of [[], "text", 7, {}, { mcpEndpoint: server.url }, { ...await mended.read(`session_${finished.node}`), mcpEndpoint: "ftp://x" }]) {
      await store.write("session_bad", value);
      const r = await run("call", "bad");
      ok(r.code === 1 && r.err.startsWith("open: "), `${JSON.stringify(value)}: ${r.code} ${r.err}`);
    }
    ok((await run("call", "nobody")).err.startsWith("open: "), "none");
    await store.delete("session_bad");
  });

  await check(`${medium}: a log-out erases the session`, async () => {
    await good("logout", finished.node);
    equal(await mended.read(`session_${finished.node}`), null, "the record");
    ok((await run("call", finished.node)).err.startsWith("open: "), "to be opened");
    await nodeCalls(finished.ours);
  });

  // build/mcpt over the same server: its own records, under other names
  if (medium !== "fs") await check(`${medium}: mcpt --store keeps its sessions there, sealed`, async () => {
    let dump;
    const its = { sqlite: `${where}.mcpt`, redis: `${where}/1`, postgres: `${where}?options=-csearch_path%3Dmcpt` }[medium];
    if (medium === "redis") {
      const db = load("redis").createClient({ url: its });
      dump = async () => { await db.connect(); const all = await db.mGet(await db.keys("*")); await db.disconnect(); return all; };
    } else if (medium === "postgres") {
      const { Client } = load("pg"), db = new Client({ connectionString: where });
      await db.connect();
      await db.query("CREATE SCHEMA mcpt");
      dump = async () => { const { rows } = await db.query("SELECT encode(value, 'escape') AS value FROM mcpt.mcp_store"); await db.end(); return rows.map((row) => row.value); };
    } else {
      dump = async () => ["", "-wal"].map((end) => its.slice("sqlite:".length) + end).filter(existsSync).map((name) => readFileSync(name, "latin1"));
    }
    let text = "";
    const mcpt = (...args) => spawn(join(examples, "08_mcpt"), ["--store", its, ...args], { env: { ...process.env, MCPT_STATE: join(state, "mcpt") } });
    const end = (child) => new Promise((resolve) => child.on("close", resolve));
    const add = mcpt("add", "dev", server.url), added = end(add);
    for (const stream of [add.stdout, add.stderr]) stream.on("data", (data) => { text += data; });
    await until(10000, () => /http:\S+\n/.test(text) || add.exitCode !== null, "the link");
    await fetch(await person(text.match(/http:\S+/)?.[0]));
    equal(await added, 0, `mcpt add: ${text}`);
    const call = mcpt("--json", "call", "dev", "read_state");
    text = "";
    call.stdout.on("data", (data) => { text += data; });
    equal(await end(call), 0, "mcpt call");
    worked(text);
    const all = (await dump()).join("\n");
    ok(all.includes(server.url) && !all.includes("mcpta_") && !all.includes("mcptr_"), all);
    equal(await end(mcpt("logout", "dev")), 0, "mcpt logout");
    equal(await end(mcpt("call", "dev", "read_state")), 1, "after it");
  });

  await mended.disconnect();
  if (mended !== store) await close();
  await server.stop();
  rmSync(state, { recursive: true });
}

// Either half may be run alone: SEED_MEDIUM=redis under tests/stores/server.sh run redis.
const { SEED_MEDIUM: medium, STORE_PORT: port, STORE_PASSWORD: password } = process.env;
if (medium === "redis") await through(medium, `redis://:${password}@127.0.0.1:${port}`);
else if (medium === "postgres") await through(medium, `postgresql://tester:${password}@127.0.0.1:${port}/postgres`);
else {
  const directory = mkdtempSync(join(tmpdir(), "seed-sqlite-"));
  await through("sqlite", `sqlite:${join(directory, "store.db")}`);
  await through("fs", `seedfile:${join(directory, "store")}`);
  rmSync(directory, { recursive: true });
  await behind("redis");
  await behind("postgres");
}
finish();
