// Official SDK clients are paired with build/device from nothing but its URL: 401, metadata, registration, the page of the
// device in a browser (here: fetched, its form posted) with the code that the console shows, tokens, calls, a refresh, a second
// scope, revocation. Pairings outlive kill -9 and a restart, and not --reset. The conformance suite's scenarios for authorization servers.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { check, device, equal, failure, finish, load, ok, start, until } from "./lib/harness.mjs";

const { Client: Client1 } = load("@modelcontextprotocol/sdk/client/index.js");
const { StreamableHTTPClientTransport: Transport1 } = load("@modelcontextprotocol/sdk/client/streamableHttp.js");
const two = await import(load.resolve("@modelcontextprotocol/client"));

const state = mkdtempSync(join(tmpdir(), "pairing-"));
process.env.XDG_STATE_HOME = state;
delete process.env.DEVICE_TLS;
let server = await start({ args: ["--port", "0"] });
const port = new URL(server.url).port;

// The person at the device: opens the page, reads the console, types.
const unescape = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", "\"").replaceAll("&#39;", "'").replaceAll("&amp;", "&");
async function person(url, { action = "allow", typed } = {}) {
  server.text = "";
  const page = await fetch(url);
  const html = await page.text();
  if (page.status !== 200) return { page, html };
  await until(2000, () => /: \d{4} \d{4}\n/.test(server.text), "the code on the console");
  const [, code] = server.text.match(/: (\d{4} \d{4})\n/);
  const [, form] = html.match(/name="form" value="([^"]+)"/);
  const answer = await fetch(url, { method: "POST", redirect: "manual", headers: { Origin: url.origin },
    body: new URLSearchParams({ form, code: typed ?? code, action }) });
  const location = answer.headers.get("location");
  return { page, html, answer, back: location && new URL(location) };
}

// What an application provides.
function application(label) {
  const kept = {};
  return {
    asked: [], kept,
    get redirectUrl() { return "http://127.0.0.1:9/callback"; },
    get clientMetadata() { return { client_name: `interop <${label}>`, redirect_uris: [this.redirectUrl], grant_types: ["authorization_code", "refresh_token"], response_types: ["code"], token_endpoint_auth_method: "none" }; },
    state: () => "st&te/1 ü",
    clientInformation: () => kept.client,
    saveClientInformation(client) { kept.client = client; },
    tokens: () => kept.tokens,
    saveTokens(tokens) { kept.tokens = tokens; },
    codeVerifier: () => kept.verifier,
    saveCodeVerifier(verifier) { kept.verifier = verifier; },
    discoveryState: () => kept.discovery,
    saveDiscoveryState(discovery) { kept.discovery = discovery; },
    invalidateCredentials(what) { if (what === "tokens" || what === "all") delete kept.tokens; },
    redirectToAuthorization(url) { this.asked.push(url); },
  };
}

for (const [label, make, transport] of [
  ["sdk1", () => new Client1({ name: "interop", version: "1.0.0" }), Transport1],
  ["sdk2", () => new two.Client({ name: "interop", version: "1.0.0" }), two.StreamableHTTPClientTransport],
]) {
  const app = application(label);
  const open = () => new transport(new URL(server.url), { authProvider: app });
  const finishAuth = (wire, back) => label === "sdk1" ? wire.finishAuth(back.searchParams.get("code")) : wire.finishAuth(back.searchParams);
  let client;

  await check(`${label}: from its URL alone to a call`, async () => {
    const first = open();
    const refused = await failure(make().connect(first), "connecting without a token");
    ok(/unauthorized/i.test(`${refused.name} ${refused.message}`), `refused with ${refused}`);
    equal(app.asked[0].searchParams.get("scope"), "read", "the scope of the challenge");
    equal(app.asked[0].searchParams.get("resource"), server.url, "the resource");
    const { page, html, answer, back } = await person(app.asked[0]);
    equal(page.headers.get("content-type"), "text/html; charset=utf-8", "the page");
    ok(unescape(html).includes(`interop <${label}>`) && !html.includes("<sdk"), "the client's name, escaped");
    ok(html.includes("read its sensors") && !html.includes("clear it"), "what it asks for");
    equal(answer.status, 303, "the answer to the form");
    equal(back.searchParams.get("state"), "st&te/1 ü", "state");
    equal(back.searchParams.get("iss"), new URL(server.url).origin, "iss");
    await finishAuth(first, back);
    client = make();
    await client.connect(open());
    ok((await client.callTool({ name: "read_state", arguments: {} })).structuredContent.processors > 0, "a tool call");
    await client.close();
  });

  await check(`${label}: a token that has ended is refreshed without the user`, async () => {
    const { refresh_token: old } = app.kept.tokens;
    app.kept.tokens = { ...app.kept.tokens, access_token: "mcpta_gone" };
    client = make();
    await client.connect(open());
    ok((await client.callTool({ name: "read_state", arguments: {} })).structuredContent.processors > 0, "a tool call");
    ok(app.asked.length === 1 && app.kept.tokens.refresh_token !== old, "refreshed, rotated, nobody was asked");
    await client.close();
  });

  await check(`${label}: a tool that needs more leads to a second page`, async () => {
    if (label === "sdk1") delete app.kept.tokens.refresh_token;       // with one it refreshes, which gives no more scopes, and stops
    const wire = open();
    client = make();
    await client.connect(wire);
    await failure(client.callTool({ name: "add_note", arguments: { text: "x" } }), "a call without its scope");
    equal(app.asked.at(-1).searchParams.get("scope").split(" ").sort(), ["control", "read"], "the scopes of the second request");
    const { html, back } = await person(app.asked.at(-1));
    ok(html.includes("clear it"), "what it asks for now");
    await finishAuth(wire, back);
    ok(!(await client.callTool({ name: "add_note", arguments: { text: "x" } })).isError, "after it");
    await client.close();
  });

  await check(`${label}: kill -9 and a restart keep the pairing`, async () => {
    server.child.kill("SIGKILL");
    await server.ended;
    server = await start({ args: ["--port", port] });
    client = make();
    await client.connect(open());
    ok((await client.callTool({ name: "read_state", arguments: {} })).structuredContent.processors > 0, "a tool call");
    await client.close();
  });

  await check(`${label}: what it revokes is over at once`, async () => {
    const { revocation_endpoint } = await (await fetch(new URL("/.well-known/oauth-authorization-server", server.url))).json();
    const body = new URLSearchParams({ token: app.kept.tokens.refresh_token, client_id: app.kept.client.client_id });
    equal((await fetch(revocation_endpoint, { method: "POST", body })).status, 200, "revocation");
    const refused = await failure(make().connect(open()), "connecting with a revoked token");
    ok(/unauthorized/i.test(`${refused.name} ${refused.message}`), `refused with ${refused}`);
  });
}

await check("who denies, and who types something else", async () => {
  const metadata = await (await fetch(new URL("/.well-known/oauth-authorization-server", server.url))).json();
  const registration = { client_name: "other", redirect_uris: ["https://app.example/cb"] };
  const { client_id } = await (await fetch(metadata.registration_endpoint, { method: "POST", headers: { "Content-Type": "application/json" },
    body: JSON.stringify(registration) })).json();
  const url = new URL(metadata.authorization_endpoint);
  url.search = new URLSearchParams({ response_type: "code", client_id, redirect_uri: "https://app.example/cb", state: "1",
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", code_challenge_method: "S256" });
  const denied = await person(url, { action: "deny" });
  equal(denied.back.searchParams.get("error"), "access_denied", "deny");
  const wrong = await person(url, { typed: "0000 000" });
  equal([wrong.answer.status, wrong.back], [403, null], "another code");
  url.searchParams.set("redirect_uri", "https://evil.example/cb");
  const evil = await person(url);
  ok(evil.page.status === 400 && !evil.page.redirected, "another address");
});

// The official conformance suite, which prints the URL that a person is to open.
await check("the suite's authorization server scenarios", async () => {
  const callback = 20000 + Math.floor(Math.random() * 9000), origin = new URL(server.url).origin;
  const { client_id } = await (await fetch(`${origin}/register`, { method: "POST", headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ client_name: "suite", redirect_uris: [`http://127.0.0.1:${callback}/callback`] }) })).json();
  const suite = join(dirname(load.resolve("@modelcontextprotocol/conformance/package.json")), "dist/index.js");
  const child = spawn(process.execPath, [suite, "authorization", "--url", origin, "--client-id", client_id, "--resource", server.url, "-p", String(callback)]);
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => { text += data; });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  const url = /http:\S+\/authorize\?\S+/;
  try {
    await until(10000, () => url.test(text) && text.includes("Callback server started"), "the suite's URL");
    await fetch((await person(new URL(text.match(url)[0].replace(/\x1b\[.*$/, "")))).back);
    equal(await ended, 0, "the suite's answer");
  } finally {
    child.kill();
  }
  for (const name of ["authorization-server-metadata-endpoint", "authorization-code-grant"])
    ok(text.includes(`${name}: 1 passed, 0 failed`), `${name}:\n${text}`);
});

await check("records hold no token and belong to their owner alone", async () => {
  const directory = join(state, "this-machine/pairing");
  const names = readdirSync(directory).filter((name) => !name.startsWith("."));
  ok(names.length > 0, "there are records");
  for (const name of names) {
    equal(statSync(join(directory, name)).mode & 0o77, 0, `mode of ${name}`);
    ok(!/mcpt[ar]_/.test(readFileSync(join(directory, name), "latin1")), `no token in ${name}`);
  }
});

await check("--reset forgets all", async () => {
  await server.stop();
  equal(spawnSync(device, ["--reset"]).status, 0, "--reset");
  equal(readdirSync(join(state, "this-machine/pairing")).filter((name) => !name.startsWith(".")), [], "records");
});

rmSync(state, { recursive: true });
finish();
