// pairing.mjs BOARD   The images with TLS, of BearSSL and of mbedTLS: official SDK clients are paired from nothing but the URL (401,
// metadata, registration, the page of the board with the code of its console, tokens), call, refresh, step up, revoke, over several TLS
// connections at a time. Key, certificate and pairings outlive kill -9 and a reset, and not a factory reset.
import { spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { connect } from "node:tls";
import { check as bounded, equal, failure, finish, load, ok, until } from "../interop/lib/harness.mjs";
import { freePort, scratch, start } from "./board.mjs";

const [, me, name, image] = process.argv;
const check = (what, work) => bounded(what, work, 60000);  // an emulated board, of which a busy host runs little
const certificate = async (board) => {
  board.text = "";
  board.command("c");
  await board.until("END CERTIFICATE-----\n");
  return board.text.match(/-----BEGIN CERTIFICATE-----[^]*END CERTIFICATE-----\n/)[0];
};
const kill = async (board) => {
  board.child.kill("SIGKILL");
  await board.until(() => board.ended !== null || board.child.signalCode !== null);
};

if (!image) {                         // first the certificate, as a person would: from the console. Then a Node that trusts it.
  for (const kind of [`${name}-device-tls`, `${name}-device-mbedtls`]) {
    process.env.BOARD_FLASH = join(scratch, kind);
    const board = await start(kind), pem = join(scratch, `${kind}.pem`);
    writeFileSync(pem, await certificate(board));
    await kill(board);
    const child = spawn(process.execPath, [me, name, kind], { stdio: "inherit", env: { ...process.env, NODE_EXTRA_CA_CERTS: pem } });
    const code = await new Promise((resolve) => child.on("exit", resolve));
    await check(`${kind}: all of the above`, async () => equal(code, 0, "exit"));
  }
  finish();
}

const { Client: Client1 } = load("@modelcontextprotocol/sdk/client/index.js"), { ElicitRequestSchema } = load("@modelcontextprotocol/sdk/types.js");
const { StreamableHTTPClientTransport: Transport1 } = load("@modelcontextprotocol/sdk/client/streamableHttp.js");
const two = await import(load.resolve("@modelcontextprotocol/client"));
const port = await freePort();
let board = await start(image, { port });
const url = (path) => new URL(path, board.url);

// The person at the device: opens the page, reads the console, types.
async function person(to, { action = "allow", typed } = {}) {
  board.text = "";
  const page = await fetch(to), html = await page.text();
  if (page.status !== 200) return { page, html };
  await board.until(/: \d{4} \d{4}\n/);
  const [, code] = board.text.match(/: (\d{4} \d{4})\n/);
  const [, form] = html.match(/name="form" value="([^"]+)"/);
  const answer = await fetch(to, { method: "POST", redirect: "manual", headers: { Origin: to.origin },
    body: new URLSearchParams({ form, code: typed ?? code, action }) });
  const location = answer.headers.get("location");
  return { page, html, answer, said: board.text, back: location && new URL(location) };
}

// What an application provides.
function application(label) {
  const kept = {};
  return {
    asked: [], kept,
    get redirectUrl() { return "http://127.0.0.1:9/callback"; },
    get clientMetadata() { return { client_name: `board <${label}>`, redirect_uris: [this.redirectUrl], token_endpoint_auth_method: "none" }; },
    state: () => "1",
    clientInformation: () => kept.client, saveClientInformation(client) { kept.client = client; },
    tokens: () => kept.tokens, saveTokens(tokens) { kept.tokens = tokens; },
    codeVerifier: () => kept.verifier, saveCodeVerifier(verifier) { kept.verifier = verifier; },
    discoveryState: () => kept.discovery, saveDiscoveryState(discovery) { kept.discovery = discovery; },
    invalidateCredentials(what) { if (what === "tokens" || what === "all") delete kept.tokens; },
    redirectToAuthorization(to) { this.asked.push(to); },
  };
}
const sdks = {
  sdk1() {
    const client = new Client1({ name: "board", version: "1.0.0" }, { capabilities: { elicitation: {} } });
    client.setRequestHandler(ElicitRequestSchema, async () => ({ action: "accept", content: { sure: true } }));
    return client;
  },
  sdk2() {
    const client = new two.Client({ name: "board", version: "1.0.0" }, { capabilities: { elicitation: {} }, versionNegotiation: { mode: { pin: "2026-07-28" } } });
    client.setRequestHandler("elicitation/create", async () => ({ action: "accept", content: { sure: true } }));
    return client;
  },
};
const apps = {};

// Does work; once more when a connection that gave way crossed its request (RFC 9112 section 9.5), which a client may meet.
async function again(work) {
  for (let left = 3; ; left--) {
    try { return await work(); } catch (error) {
      if (left === 0 || !/fetch failed|terminated|ECONNRESET|other side closed/.test(`${error} ${error.cause}`)) throw error;
    }
  }
}

await check(`${image}: key and certificate outlived kill -9`, async () => {
  equal(await certificate(board), readFileSync(process.env.NODE_EXTRA_CA_CERTS, "latin1"), "the certificate");
});

for (const [label, make] of Object.entries(sdks)) {
  const app = apps[label] = application(label), Transport = label === "sdk1" ? Transport1 : two.StreamableHTTPClientTransport;
  const open = () => new Transport(url("/mcp"), { authProvider: app });
  const enter = (wire, back) => label === "sdk1" ? wire.finishAuth(back.searchParams.get("code")) : wire.finishAuth(back.searchParams);
  const visit = (work) => again(async () => {
    const client = make();
    await client.connect(open());
    try { await work(client); } finally { await client.close().catch(() => {}); }
  });
  const read = (client) => client.callTool({ name: "read_state", arguments: {} });
  const light = (client, on) => client.callTool({ name: "set_led", arguments: { on } });

  await check(`${label}: from the URL alone to a call`, async () => {
    const first = open();
    const refused = await failure(make().connect(first), "connecting without a token");
    ok(/unauthorized/i.test(`${refused.name} ${refused.message}`), `refused with ${refused}`);
    equal([app.asked[0].origin, app.asked[0].searchParams.get("scope"), app.asked[0].searchParams.get("resource")], [url("/").origin, "read", board.url], "what it asks for");
    const { html, said, answer, back } = await person(app.asked[0]);
    ok(said.includes(`"board <${label}>" asks to use this device`) && html.includes("board &lt;") && html.includes("read its inputs"), `${said} ${html}`);
    equal([answer.status, back.searchParams.get("iss")], [303, url("/").origin], "the answer to the form");
    await enter(first, back);
    await visit(async (client) => equal((await read(client)).structuredContent.board, name, "a tool call"));
  });

  await check(`${label}: a token that has ended is refreshed without the user`, async () => {
    const { refresh_token: old } = app.kept.tokens;
    app.kept.tokens = { ...app.kept.tokens, access_token: "mcpta_gone" };
    await visit(async (client) => equal((await read(client)).structuredContent.board, name, "a tool call"));
    ok(app.asked.length === 1 && app.kept.tokens.refresh_token !== old, "refreshed, rotated, nobody was asked");
  });

  await check(`${label}: a tool that needs more leads to a second page`, async () => {
    if (label === "sdk1") delete app.kept.tokens.refresh_token;       // with one it refreshes, which gives no more scopes, and stops
    let wire, client;
    await again(async () => {
      [wire, client] = [open(), make()];
      await client.connect(wire);
      const refused = await failure(light(client, true), "a call without its scope");
      if (app.asked.length === 1) { await client.close().catch(() => {}); throw refused; }
    });
    equal(app.asked.at(-1).searchParams.get("scope").split(" ").sort(), ["control", "read"], "the scopes of the second request");
    await enter(wire, (await person(app.asked.at(-1))).back);
    equal((await light(client, true)).content[0].text, "The light is on.", "after it");
    await client.close();
  });

  await check(`${label}: kill -9 keeps the pairing`, async () => {
    await kill(board);
    board = await start(image, { port });
    await visit(async (client) => equal((await read(client)).structuredContent.led, false, "a tool call"));
  });

  await check(`${label}: a reset, asked for and agreed to over TLS, keeps the pairing`, async () => {
    board.text = "";
    await visit(async (client) =>
      equal((await client.callTool({ name: "restart", arguments: {} })).content[0].text, "The device restarts.", "what it says"));
    await board.until("listening");
    await visit(async (client) => equal((await light(client, true)).content[0].text, "The light is on.", "a tool call"));
  });
}

// A TLS connection of its own, which is given half a request, and the rest later.
const ca = readFileSync(process.env.NODE_EXTRA_CA_CERTS);
const dial = () => new Promise((resolve, reject) => {
  const socket = connect({ host: "127.0.0.1", port, servername: "localhost", ca, ALPNProtocols: ["http/1.1"] }, () => resolve(socket));
  socket.on("error", reject);
  socket.text = "";
  socket.on("data", (data) => { socket.text += data; });
});
await check("three connections at a time, in work half by half; one that waits gives way; one too many is told so", async () => {
  let report;
  const [one, other] = await Promise.all([dial(), dial()]), rest = [];
  const text = "GET /.well-known/oauth-authorization-server HTTP/1.1\r\nHost: localhost:" + port + "\r\n\r\n";
  one.write(text.slice(0, 40));
  other.write(text.slice(0, 60));
  await until(10000, async () => (report = await board.report()).tls >= 2 && report.connections >= 2, "two connections");
  other.write(text.slice(60));
  await until(10000, () => other.text.includes("issuer"), "the answer to the second");
  equal(one.text, "", "the first waits");
  one.write(text.slice(40));
  await until(10000, () => one.text.includes("issuer"), "the answer to the first");
  rest.push(await dial(), await dial());
  await until(10000, () => other.closed, "the end of the one that waited longest, for a new one");
  equal(one.closed, false, "the other");
  one.write(text.slice(0, 40));
  for (const socket of rest) socket.write(text.slice(0, 40));
  const refused = await failure(dial(), "one more than are served, none of which waits");
  ok(/internal.error/i.test(refused.message), `${refused}`);
  for (const socket of [one, ...rest]) socket.end();
  await until(10000, async () => (report = await board.report()).tls === 0 && report.connections === 0, "their end");
});
await check("a record that is too long ends in an alert, a request that is too long in an answer", async () => {
  const long = (n) => `GET /mcp HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(n)}\r\n\r\n`;
  const socket = await dial(), wrong = await dial();
  socket.write(long(1900).slice(0, 1200));
  socket.write(long(1900).slice(1200) + " ".repeat(200));
  await until(10000, () => /^HTTP\/1.1 4\d\d /.test(socket.text), "an answer");
  const error = failure(new Promise((resolve, reject) => { wrong.on("error", reject); wrong.on("close", resolve); }), "a record of 6000 bytes");
  wrong.write(long(6000));
  ok(/alert record overflow/i.test((await error).message), `${await error}`);
  socket.destroy();
});

await check("what is revoked is over at once", async () => {
  const app = apps.sdk2, { revocation_endpoint } = await (await fetch(url("/.well-known/oauth-authorization-server"))).json();
  const body = new URLSearchParams({ token: app.kept.tokens.refresh_token, client_id: app.kept.client.client_id });
  equal((await fetch(revocation_endpoint, { method: "POST", body })).status, 200, "revocation");
  const refused = await failure(sdks.sdk2().connect(new two.StreamableHTTPClientTransport(url("/mcp"), { authProvider: app })), "connecting with a revoked token");
  ok(/unauthorized/i.test(`${refused.name} ${refused.message}`), `refused with ${refused}`);
});
await check("who denies, and who types something else", async () => {
  const metadata = await (await fetch(url("/.well-known/oauth-authorization-server"))).json();
  const { client_id } = await (await fetch(metadata.registration_endpoint, { method: "POST", headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ client_name: "other", redirect_uris: ["https://app.example/cb"] }) })).json();
  const to = new URL(metadata.authorization_endpoint);
  to.search = new URLSearchParams({ response_type: "code", client_id, redirect_uri: "https://app.example/cb", state: "1",
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", code_challenge_method: "S256" });
  equal((await person(to, { action: "deny" })).back.searchParams.get("error"), "access_denied", "deny");
  const wrong = await person(to, { typed: "0000 000" });
  equal([wrong.answer.status, wrong.back], [403, null], "another code");
});
await check("no token lies in the flash", async () => ok(!/mcpt[ar]_/.test(readFileSync(process.env.BOARD_FLASH, "latin1")), "a token"));

// As it came from the factory: another key, and nobody is known.
const untrusting = (path, headers = {}) => new Promise((resolve, reject) => {
  const r = request(url(path), { method: "POST", rejectUnauthorized: false, agent: false, headers }, (response) => { response.resume(); resolve(response.statusCode); });
  r.on("error", reject);
  r.end();
});
await check("a factory reset forgets all of it", async () => {
  const before = new X509Certificate(await certificate(board)), token = apps.sdk1.kept.tokens.access_token;
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json", Accept: "application/json, text/event-stream" };
  equal(await untrusting("/mcp", headers), 400, "what is known before, and no request");
  board.text = "";
  board.command("F");
  await board.until("listening");
  equal(await untrusting("/mcp", headers), 401, "the token");
  ok(/self.signed|certificate/i.test(`${(await failure(fetch(url("/mcp")), "TLS with the old trust")).cause}`), "another certificate");
  ok(new X509Certificate(await certificate(board)).fingerprint256 !== before.fingerprint256, "another key");
  ok(!readFileSync(process.env.BOARD_FLASH, "latin1").includes("board <"), "names of clients in the flash");
});

const report = await board.quit();
console.log(`report ${JSON.stringify(report)}`);
await check("the board ended well", async () => {
  equal(board.ended, 0, "exit code");
  ok(report.stack_used < report.stack, `stack ${report.stack_used} of ${report.stack}`);
});
finish();
