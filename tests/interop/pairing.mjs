// Official SDK clients are paired with build/device from nothing but its URL: 401, metadata, registration, the page of the
// device in Chromium, answered from the keyboard with the code that the console shows, tokens, calls, a refresh, a second
// scope, revocation. Pairings outlive kill -9 and a restart, and not --reset. The conformance suite's scenarios for authorization servers.
import { spawn, spawnSync } from "node:child_process";
import { createServer } from "node:http";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { answer as answerPage, browse, desk, phone } from "./lib/browser.mjs";
import { check, device, equal, failure, finish, load, ok, start, until } from "./lib/harness.mjs";

const { Client: Client1 } = load("@modelcontextprotocol/sdk/client/index.js");
const { StreamableHTTPClientTransport: Transport1 } = load("@modelcontextprotocol/sdk/client/streamableHttp.js");
const two = await import(load.resolve("@modelcontextprotocol/client"));

const state = mkdtempSync(join(tmpdir(), "pairing-"));
process.env.XDG_STATE_HOME = state;
delete process.env.DEVICE_TLS;
let server = await start({ args: ["--port", "0"] });
const port = new URL(server.url).port;

// Where the browser comes back to, the application's own server: its last request.
let arrived;
const callback = createServer((request, response) => {
  if (request.url.startsWith("/callback?")) arrived = { url: new URL(request.url, "http://127.0.0.1"), referer: request.headers.referer };
  response.setHeader("Content-Type", "text/html").end("<!DOCTYPE html><title>Done</title>Done.");
});
await new Promise((resolve) => callback.listen(0, "127.0.0.1", resolve));
const redirect = `http://127.0.0.1:${callback.address().port}/callback`;
const browser = await browse();
const shown = async () => {
  await until(5000, () => /: \d{4} \d{4}\n/.test(server.text), "the code on the console");
  return server.text.match(/: (\d{4} \d{4})\n/)[1];
};

// The person at the device, in a browser: look at the page, type the code, go on. Answers the query that the application got.
async function click(url, { screen = desk, action = "Allow", look = async () => {} } = {}) {
  server.text = "";
  arrived = null;
  const { page, complaints, status, close } = await browser.open(url, { screen });
  try {
    const code = await shown();
    equal(status, 200, "the page");
    equal(await page.locator("script, [onclick], [onload]").count(), 0, "scripts");
    await look(page, code);
    await answerPage(page, action === "Allow" && code, action);
    equal([await page.title(), complaints.filter((text) => !/status of 403/.test(text))], ["Done", []], "where it ends; what the browser objects to");
    equal(arrived?.referer, undefined, "Referer");
    return arrived.url;
  } finally {
    await close();
  }
}

// What everybody must be able to use, whatever the screen.
async function usable(page) {
  const { width } = page.viewportSize();
  const { scroll, font, colour } = await page.evaluate(() => ({ scroll: document.documentElement.scrollWidth,
    font: parseFloat(getComputedStyle(document.body).fontSize), colour: getComputedStyle(document.querySelector("[value=allow]")).backgroundColor }));
  ok(scroll <= width && font >= 16, `${scroll} of ${width} pixels, letters of ${font}`);
  equal(colour, "rgb(0, 102, 68)", "its style is applied");
  equal(await page.locator("html").getAttribute("lang"), "en", "language");
  equal(await page.getByRole("heading", { level: 1 }).textContent(), "Pair with This machine", "heading");
  const code = page.getByRole("textbox", { name: "Code that This machine shows now" });
  equal(await code.getAttribute("inputmode"), "numeric", "the keys of a phone");
  ok((await page.locator(`#${await code.getAttribute("aria-describedby")}`).textContent()).includes("8 digits"), "its description");
  for (const element of [code, page.getByRole("button", { name: "Allow" }), page.getByRole("button", { name: "Deny" })]) {
    const box = await element.boundingBox();
    ok(box.height >= 44 && box.width >= 44 && box.x >= 0 && box.x + box.width <= width, `a finger's size: ${JSON.stringify(box)}`);
  }
}

// The same without one, for what no browser would send.
async function person(url, { action = "allow", typed } = {}) {
  server.text = "";
  const page = await fetch(url);
  const html = await page.text();
  if (page.status !== 200) return { page, html };
  const code = await shown();
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
    get redirectUrl() { return redirect; },
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
    const back = await click(app.asked[0], { screen: label === "sdk1" ? desk : phone, look: async (page) => {
      await usable(page);
      const text = await page.getByRole("main").textContent();
      ok(text.includes(`interop <${label}>`), "the client's name, as text");
      ok(text.includes("read its sensors") && !text.includes("clear it"), "what it asks for");
      ok(text.includes("Your answer goes to 127.0.0.1, a program on the computer"), "where the answer goes");
    } });
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
    const back = await click(app.asked.at(-1), { look: async (page) => ok((await page.getByRole("listitem").allTextContents()).some((t) => t.includes("clear it")), "what it asks for now") });
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

const metadata = await (await fetch(new URL("/.well-known/oauth-authorization-server", server.url))).json();
async function ask(client_name, redirect_uri) {
  const { client_id } = await (await fetch(metadata.registration_endpoint, { method: "POST", headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ client_name, redirect_uris: [redirect_uri] }) })).json();
  const url = new URL(metadata.authorization_endpoint);
  url.search = new URLSearchParams({ response_type: "code", client_id, redirect_uri, state: "1",
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", code_challenge_method: "S256" });
  return url;
}
await check("in the browser: a wrong code is said and can be corrected", async () => {
  const back = await click(await ask("browser", redirect), { look: async (page, code) => {
    await answerPage(page, code === "0000 0000" ? "1111 1111" : "0000 0000");
    equal(await page.getByRole("alert").textContent(), "That is not the code on the device. Look again.", "what it says");
    equal(await page.getByRole("textbox").getAttribute("aria-invalid"), "true", "said to a screen reader");
    await usable(page);
  } });
  ok(back.searchParams.get("code").length > 20, "a code");
});
await check("in the browser: denied from the keyboard, without a code", async () => {
  equal((await click(await ask("browser", redirect), { screen: phone, action: "Deny" })).searchParams.get("error"), "access_denied", "deny");
});
await check("who denies, and who types something else", async () => {
  const url = await ask("other", "https://app.example/cb");
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
  const port = 20000 + Math.floor(Math.random() * 9000), origin = new URL(server.url).origin;
  const { client_id } = await (await fetch(`${origin}/register`, { method: "POST", headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ client_name: "suite", redirect_uris: [`http://127.0.0.1:${port}/callback`] }) })).json();
  const suite = join(dirname(load.resolve("@modelcontextprotocol/conformance/package.json")), "dist/index.js");
  const child = spawn(process.execPath, [suite, "authorization", "--url", origin, "--client-id", client_id, "--resource", server.url, "-p", String(port)]);
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

await browser.close();
rmSync(state, { recursive: true });
finish();
