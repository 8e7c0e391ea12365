// The protected device behind nginx: a public https URL, two processes that share a Redis, then a PostgreSQL store. One pairs, both
// serve; README.md shows the configuration that is run here (between the marks). tests/stores/server.sh starts the stores.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { fileURLToPath } from "node:url";
import { check, equal, examples, failure, finish, load, ok, start, until } from "./lib/harness.mjs";

const self = fileURLToPath(import.meta.url), root = fileURLToPath(new URL("../../", import.meta.url));
const freePort = () => new Promise((resolve) => {
  const s = createServer().listen(0, "127.0.0.1", () => { const { port } = s.address(); s.close(() => resolve(port)); });
});

if (!process.env.STORE_PORT) {
  for (const name of ["redis", "postgres"]) {
    const child = spawn(join(root, "tests/stores/server.sh"), ["run", name, process.execPath, self], { stdio: "inherit", env: { ...process.env, STORE_NAME: name } });
    const code = await new Promise((resolve) => child.on("exit", resolve));
    await check(`nginx, two processes, ${name}`, async () => equal(code, 0, "exit"));
  }
  finish();
}

const { STORE_NAME, STORE_PORT, STORE_PASSWORD, STORE_DIR } = process.env;
const store = STORE_NAME === "redis" ? `redis://:${STORE_PASSWORD}@127.0.0.1:${STORE_PORT}/0`
  : `postgres:host=127.0.0.1 port=${STORE_PORT} user=tester password=${STORE_PASSWORD} dbname=postgres`;
setDefaultCACertificates([...getCACertificates(), readFileSync(join(STORE_DIR, "server.crt"), "utf8")]);
const directory = mkdtempSync(join(tmpdir(), "nginx-")), port = await freePort(), base = `https://localhost:${port}`;
const gateway = (at) => start({ command: join(examples, "09_gateway"), args: ["--port", String(at), "--base-url", base, "--store", store] });
const first = await gateway(0), second = await gateway(0);
const address = (server) => `127.0.0.1:${new URL(server.url).port}`;
const [a, b] = [address(first), address(second)];

// README.md's configuration with this test's ports and files.
const readme = readFileSync(join(root, "README.md"), "utf8").match(/```nginx\n([^]*?)```/)[1]
  .replaceAll("127.0.0.1:8081", a).replaceAll("127.0.0.1:8082", b).replace("listen 443 ssl", `listen 127.0.0.1:${port} ssl`)
  .replaceAll("gateway.example", "localhost").replace(/ssl_certificate .*/, `ssl_certificate ${STORE_DIR}/server.crt;`)
  .replace(/ssl_certificate_key .*/, `ssl_certificate_key ${STORE_DIR}/server.key;`);
writeFileSync(join(directory, "nginx.conf"), `daemon off; worker_processes 1; pid ${directory}/pid; error_log stderr warn;
${process.getuid() === 0 ? "user root;" : ""} events { }
http {
  access_log off; add_header X-Served-By $upstream_addr always;
  ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${directory}/${name};`).join(" ")}
${readme}
}
`);
const nginx = spawn("nginx", ["-p", directory, "-c", join(directory, "nginx.conf"), "-e", "stderr"],
  { stdio: ["ignore", "inherit", "inherit"], env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } });
await until(10000, async () => (await fetch(`${base}/mcp`).catch(() => null)) !== null, "nginx");

async function registered(name, scope, at = base) {
  const redirect_uri = "https://app.example/cb";
  const answer = await fetch(`${at}/register`, { method: "POST", headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ client_name: name, redirect_uris: [redirect_uri], token_endpoint_auth_method: "none" }) });
  equal(answer.status, 201, "registration");
  const { client_id } = await answer.json();
  const url = new URL(`${at}/authorize`);
  url.search = new URLSearchParams({ response_type: "code", client_id, redirect_uri, state: "1", scope,
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", code_challenge_method: "S256" });      // RFC 7636 appendix B
  return { client_id, redirect_uri, url };
}
// The person: opens the page, reads the code from the console of the process that pairs, types it.
async function person(url, at = first) {
  at.text = "";
  const html = await (await fetch(url)).text();
  await until(5000, () => /: \d{4} \d{4}\n/.test(at.text), `the code on the console\n${html}`);
  const [, typed] = at.text.match(/: (\d{4} \d{4})\n/), [, form] = html.match(/name="form" value="([^"]+)"/);
  const answer = await fetch(url, { method: "POST", redirect: "manual", headers: { Origin: base }, body: new URLSearchParams({ form, code: typed, action: "allow" }) });
  equal(answer.status, 303, "the answer to the form");
  return new URL(answer.headers.get("location"));
}
async function coded(name, scope = "read", at = base, process = first) {
  const client = await registered(name, scope, at), back = await person(client.url, process);
  equal(back.searchParams.get("iss"), base, "iss");
  return { ...client, body: new URLSearchParams({ grant_type: "authorization_code", code: back.searchParams.get("code"), client_id: client.client_id,
    redirect_uri: client.redirect_uri, code_verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" }) };
}
async function paired(name, scope) {
  const client = await coded(name, scope), answer = await fetch(`${base}/token`, { method: "POST", body: client.body });
  equal(answer.status, 200, "tokens");
  return { ...client, ...await answer.json() };
}
// One request of the revision 2026-07-28, to nginx or to a process behind it.
let id = 0;
async function call(at, token, name, args, more = {}) {
  const params = { name, arguments: args, _meta: { "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": { elicitation: { form: {} } }, "io.modelcontextprotocol/clientInfo": { name: "t", version: "1" } }, ...more };
  const answer = await fetch(`${at}/mcp`, { method: "POST", headers: { "Content-Type": "application/json", Accept: "application/json, text/event-stream",
    "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": name, ...(token && { Authorization: `Bearer ${token}` }) },
  body: JSON.stringify({ jsonrpc: "2.0", id: ++id, method: "tools/call", params }) });
  const text = await answer.text();
  return { status: answer.status, by: answer.headers.get("x-served-by"), result: answer.status === 200 ? JSON.parse(text.match(/\{.*\}/)[0]).result : null, headers: answer.headers };
}

await check(`${STORE_NAME}: one pairs, both serve, in turn`, async () => {
  const { access_token } = await paired("turns"), by = new Set();
  for (let k = 0; k < 8; k++) {
    const answer = await call(base, access_token, "read_state", {});
    ok(answer.result.structuredContent.processors > 0, "a call");
    by.add(answer.by);
  }
  equal([...by].sort(), [a, b].sort(), "who served");
  ok((await call(`http://${b}`, access_token, "read_state", {})).result.structuredContent.processors > 0, "the other one alone");
});
await check(`${STORE_NAME}: stock clients from the public URL alone`, async () => {
  const one = { Client: load("@modelcontextprotocol/sdk/client/index.js").Client,
    Transport: load("@modelcontextprotocol/sdk/client/streamableHttp.js").StreamableHTTPClientTransport, finish: (wire, back) => wire.finishAuth(back.searchParams.get("code")) };
  const two = await import(load.resolve("@modelcontextprotocol/client"));
  for (const { Client, Transport, finish: finishAuth } of [one, { Client: two.Client, Transport: two.StreamableHTTPClientTransport, finish: (wire, back) => wire.finishAuth(back.searchParams) }]) {
    const kept = {};
    const authProvider = { redirectUrl: "http://127.0.0.1:9/callback", state: () => "s",
      clientMetadata: { client_name: "stock", redirect_uris: ["http://127.0.0.1:9/callback"], token_endpoint_auth_method: "none" },
      clientInformation: () => kept.client, saveClientInformation(v) { kept.client = v; }, tokens: () => kept.tokens, saveTokens(v) { kept.tokens = v; },
      codeVerifier: () => kept.verifier, saveCodeVerifier(v) { kept.verifier = v; }, discoveryState: () => kept.discovery, saveDiscoveryState(v) { kept.discovery = v; },
      redirectToAuthorization(v) { kept.url = v; } };
    const wire = new Transport(new URL(`${base}/mcp`), { authProvider });
    await failure(new Client({ name: "stock", version: "1" }).connect(wire), "connecting without a token");
    equal(kept.url.searchParams.get("resource"), `${base}/mcp`, "the resource");
    await finishAuth(wire, await person(kept.url));
    const client = new Client({ name: "stock", version: "1" });
    await client.connect(new Transport(new URL(`${base}/mcp`), { authProvider }));
    for (let k = 0; k < 4; k++) ok((await client.callTool({ name: "read_state", arguments: {} })).structuredContent.processors > 0, "a call");
    let steps = 0;
    await client.callTool({ name: "watch_load", arguments: { seconds: 1 } }, ...(Client === one.Client ? [undefined] : []), { onprogress: () => { steps++; } });
    ok(steps > 0, "progress comes through the proxy");
    await client.close();
  }
});
await check(`${STORE_NAME}: what was asked by one is answered at the other`, async () => {
  const { access_token } = await paired("asks", "read control");
  const asked = await call(`http://${a}`, access_token, "rename_device", { name: "shared" });
  equal(asked.result.resultType, "input_required", JSON.stringify(asked.result));
  const inputResponses = Object.fromEntries(Object.keys(asked.result.inputRequests).map((key) => [key, { action: "accept", content: { confirm: true } }]));
  const done = await call(`http://${b}`, access_token, "rename_device", { name: "shared" }, { inputResponses, requestState: asked.result.requestState });
  ok(done.result.content[0].text.includes("shared"), JSON.stringify(done.result));
});
await check(`${STORE_NAME}: a revocation at one is known to the other`, async () => {
  const { access_token, refresh_token, client_id } = await paired("revoked");
  for (const at of [a, b]) equal((await call(`http://${at}`, access_token, "read_state", {})).status, 200, at);
  equal((await fetch(`${base}/revoke`, { method: "POST", body: new URLSearchParams({ token: refresh_token, client_id }) })).status, 200, "revocation");
  await until(5000, async () => (await call(`http://${b}`, access_token, "read_state", {})).status === 401, "the other one");
  equal((await call(`http://${a}`, access_token, "read_state", {})).status, 401, "the one");
});
await check(`${STORE_NAME}: a code is redeemed once, whoever is asked, and its reuse ends the pairing (RFC 6749 section 4.1.2)`, async () => {
  const { body } = await coded("twice");
  const answers = await Promise.all([a, b, a, b, a, b].map((at) => fetch(`http://${at}/token`, { method: "POST", body })));
  const good = answers.filter(({ status }) => status === 200);
  equal([good.length, answers.filter(({ status }) => status === 400).length], [1, 5], "answers");
  const { access_token } = await good[0].json();
  for (const at of [a, b]) await until(5000, async () => (await call(`http://${at}`, access_token, "read_state", {})).status === 401, at);
});
await check(`${STORE_NAME}: either process pairs, also at the same moment`, async () => {
  const both = [[a, first], [b, second]].map(([at, process]) => [`http://${at}`, process]);
  const clients = await Promise.all(both.map(([at, process], k) => coded(`either ${k}`, "read", at, process)));
  const answers = await Promise.all(both.map(([at], k) => fetch(`${at}/token`, { method: "POST", body: clients[k].body })));
  equal(answers.map(({ status }) => status), [200, 200], "tokens");
  const tokens = await Promise.all(answers.map((answer) => answer.json()));
  for (const [at] of both) for (const { access_token } of tokens) equal((await call(at, access_token, "read_state", {})).status, 200, at);
  const again = await Promise.all(both.map(([at], k) => fetch(`${both[1 - k][0]}/token`, { method: "POST",     // refreshed at the other one
    body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: tokens[k].refresh_token, client_id: clients[k].client_id }) })));
  equal(again.map(({ status }) => status), [200, 200], "refreshed");
  for (const [k, answer] of again.entries()) {
    const { access_token, refresh_token } = await answer.json();
    for (const [at] of both) equal((await call(at, access_token, "read_state", {})).status, 200, at);
    equal((await fetch(`${base}/revoke`, { method: "POST", body: new URLSearchParams({ token: refresh_token, client_id: clients[k].client_id }) })).status, 200, "revoked");
  }
});
await check(`${STORE_NAME}: X-Forwarded headers and a foreign Host change nothing`, async () => {
  const headers = { "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http", "X-Forwarded-For": "10.0.0.1", Forwarded: "host=evil.example;proto=http", "X-Original-URL": "/x" };
  for (const at of [base, `http://${a}`, `http://${b}`]) {
    const prm = await (await fetch(`${at}/.well-known/oauth-protected-resource`, { headers })).json();
    equal([prm.resource, prm.authorization_servers], [`${base}/mcp`, [base]], at);
    equal((await (await fetch(`${at}/.well-known/oauth-authorization-server`, { headers })).json()).token_endpoint, `${base}/token`, at);
    ok((await call(at, null, "read_state", {})).headers.get("www-authenticate").includes(`resource_metadata="${base}/`), "challenge");
  }
  const answer = await new Promise((resolve, reject) => {
    request(`${base}/.well-known/oauth-protected-resource`, { servername: "localhost", headers: { Host: "evil.example" } }, (r) => {
      let text = "";
      r.on("data", (data) => { text += data; });
      r.on("end", () => resolve({ status: r.statusCode, text }));
    }).on("error", reject).end();
  });
  ok(answer.status >= 400 && !answer.text.includes("evil.example"), JSON.stringify(answer));
});
await check(`${STORE_NAME}: one is killed, the other goes on; it comes back and knows everybody`, async () => {
  const { access_token } = await paired("survives");
  second.child.kill("SIGKILL");
  await second.ended;
  for (let k = 0; k < 4; k++) equal((await call(base, access_token, "read_state", {})).status, 200, "while one is gone");
  const again = await gateway(b.split(":")[1]);
  ok((await call(`http://${b}`, access_token, "read_state", {})).result.structuredContent.processors > 0, "back");
  equal((await again.stop()).code, 0, "exit");
});
nginx.kill("SIGQUIT");
await first.stop();
await new Promise((resolve) => (nginx.exitCode === null ? nginx.on("exit", resolve) : resolve()));
rmSync(directory, { recursive: true });
finish();
