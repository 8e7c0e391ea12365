// Clients that are an https URL (client ID metadata documents) at build/device: an official SDK client with clientMetadataUrl, the page in
// Chromium, a call, a refresh; the document is fetched over TLS with the name checked. Then everything that is no such document, and
// addresses that strangers must not send the device to.
import { spawnSync } from "node:child_process";
import { lookup } from "node:dns/promises";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSecure } from "node:https";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { answer, browse } from "./lib/browser.mjs";
import { check, equal, failure, finish, load, ok, start, until } from "./lib/harness.mjs";

const { Client, StreamableHTTPClientTransport } = await import(load.resolve("@modelcontextprotocol/client"));
const directory = mkdtempSync(join(tmpdir(), "documents-")), file = (name) => join(directory, name);
const run = (command, ...args) => equal(spawnSync(command, args, { cwd: directory }).status, 0, `${command} ${args}`);
run(fileURLToPath(new URL("../port/certs.sh", import.meta.url)), directory);
writeFileSync(file("here.ext"), `subjectAltName=DNS:${hostname()}\n`);
run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "here.key", "-subj", "/CN=here", "-out", "here.csr");
run("openssl", "x509", "-req", "-in", "here.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "300", "-extfile", "here.ext", "-out", "here.pem");
delete process.env.DEVICE_TLS;
process.env.SSL_CERT_FILE = file("ca.pem");
const device = (where, n) => {
  process.env.XDG_STATE_HOME = file(`state${n}`);
  return start({ args: ["--port", "0", "--client-documents", where] });
};

// Where the browser comes back to, and where the documents are: one address for each certificate.
let arrived;
const callback = createServer((request, response) => {
  if (request.url.startsWith("/callback?")) arrived = new URL(request.url, "http://127.0.0.1");
  response.end("Done.");
});
await new Promise((resolve) => callback.listen(0, "127.0.0.1", resolve));
const redirect = `http://127.0.0.1:${callback.address().port}/callback`;
const asked = [], servers = [];
let documents = {};
async function publish(certificate, host = "localhost") {
  const server = createSecure({ cert: readFileSync(file(`${certificate}.pem`)), key: readFileSync(file(`${certificate}.key`)) }, (request, response) => {
    asked.push(request.url);
    const { status = 200, headers = {}, body } = documents[request.url] ?? { status: 404, body: "" };
    response.writeHead(status, { "Content-Type": "application/json", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify({ client_id: `https://${host}:${server.address().port}${request.url}`, client_name: "Documented <App>",
      redirect_uris: [redirect], grant_types: ["authorization_code", "refresh_token"], response_types: ["code"], token_endpoint_auth_method: "none", ...body }));
  });
  server.on("tlsClientError", () => {});
  server.connections = 0;
  server.on("connection", () => { server.connections++; });
  servers.push(server);
  await new Promise((resolve) => server.listen(0, resolve));
  server.url = `https://${host}:${server.address().port}`;
  return server;
}
const there = await publish("server"), browser = await browse();

// The page of an authorization request of that client.
async function page(server, client_id, redirect_uri = redirect) {
  const url = new URL("/authorize", server.url);
  url.search = new URLSearchParams({ response_type: "code", client_id, redirect_uri, state: "1",
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", code_challenge_method: "S256" });
  const response = await fetch(url, { redirect: "manual" });
  return { status: response.status, html: await response.text() };
}
// Says no to it, on a page of its own, shows no code, and sends nothing anywhere.
async function refuses(server, client, why = /says who it is at an address where this device does not find that/, redirect_uri = redirect) {
  const found = await page(server, client, redirect_uri);
  equal(found.status, 400, client);
  ok(why.test(found.html) && !found.html.includes("<form"), `${client}: ${found.html}`);
  ok(!/: \d{4} \d{4}\n/.test(server.text), "no code on the console");
}

let server = await device("private", 1);
await check("the official SDK, a URL as client_id: from nothing to a call, and a refresh", async () => {
  documents = { "/app/client.json": {} };
  const kept = {}, authProvider = {
    clientMetadataUrl: `${there.url}/app/client.json`, redirectUrl: redirect,
    get clientMetadata() { return { client_name: "not this", redirect_uris: [redirect], token_endpoint_auth_method: "none" }; },
    clientInformation: () => kept.client, saveClientInformation(client) { kept.client = client; },
    tokens: () => kept.tokens, saveTokens(tokens) { kept.tokens = tokens; },
    codeVerifier: () => kept.verifier, saveCodeVerifier(verifier) { kept.verifier = verifier; },
    discoveryState: () => kept.discovery, saveDiscoveryState(discovery) { kept.discovery = discovery; },
    redirectToAuthorization(url) { kept.url = url; },
  };
  const metadata = await (await fetch(new URL("/.well-known/oauth-authorization-server", server.url))).json();
  equal(metadata.client_id_metadata_document_supported, true, "it is offered");
  const wire = new StreamableHTTPClientTransport(new URL(server.url), { authProvider });
  await failure(new Client({ name: "interop", version: "1.0.0" }).connect(wire), "connecting without a token");
  equal(kept.url.searchParams.get("client_id"), `${there.url}/app/client.json`, "client_id");
  const { page, complaints, status, close } = await browser.open(kept.url);
  await until(5000, () => /: \d{4} \d{4}\n/.test(server.text), "the code on the console");
  const text = await page.getByRole("main").textContent();
  ok(text.includes("A program that calls itself Documented <App> of localhost asks"), text);
  await answer(page, server.text.match(/: (\d{4} \d{4})\n/)[1]);
  equal([status, complaints], [200, []], "the page");
  await close();
  await wire.finishAuth(arrived.searchParams);
  const client = new Client({ name: "interop", version: "1.0.0" });
  await client.connect(new StreamableHTTPClientTransport(new URL(server.url), { authProvider }));
  ok((await client.callTool({ name: "read_state", arguments: {} })).structuredContent.processors > 0, "a tool call");
  const before = kept.tokens;
  kept.tokens = { ...before, access_token: "mcpta_gone" };
  ok((await client.callTool({ name: "read_state", arguments: {} })).structuredContent.processors > 0, "a tool call after a refresh");
  ok(kept.tokens.refresh_token !== before.refresh_token, "refreshed");
  await client.close();
  equal(asked, ["/app/client.json"], "fetched once");
  server.text = "";
}, 30000);
await check("a redirect URI that the document does not list", () =>
  refuses(server, `${there.url}/app/client.json`, /names an address that it did not register/, "https://evil.example/cb"));
await server.stop();

server = await device("private", 2);
await check("what is no such document", async () => {
  documents = {
    "/other": { body: { client_id: `${there.url}/app/client.json` } },
    "/redirected": { status: 302, headers: { Location: `${there.url}/app/client.json` }, body: "" },
    "/large": { body: { client_uri: `https://${"x".repeat(6000)}.example` } },
    "/page": { headers: { "Content-Type": "text/html" } },
    "/secret": { body: { client_secret: "x" } },
    "/scheme": { body: { redirect_uris: ["javascript:alert(1)"] } },
    "/cut": { body: "{\"client_id\":" },
  };
  for (const path of [...Object.keys(documents), "/missing"]) await refuses(server, there.url + path);
  equal(asked.slice(1), [...Object.keys(documents), "/missing"], "each was fetched, once, and nothing else");
});
await check("what is no such URL is not fetched at all; beyond a budget nothing is", async () => {
  const before = there.connections;
  for (const url of [there.url.replace("https:", "http:") + "/x", there.url, `${there.url}/`, `${there.url}/a/../x`, `${there.url}/x#y`, there.url.replace("//", "//user@") + "/x"])
    await refuses(server, url, /does not know the program/);
  await refuses(server, `${there.url}/ninth`);
  equal(there.connections, before, "connections");
});
await server.stop();

server = await device("private", 3);
await check("certificates that are not trusted, or not for that name", async () => {
  for (const certificate of ["self", "noname", "here"]) {
    const bad = await publish(certificate);
    documents = { "/x": {} };
    const before = asked.length;
    await refuses(server, `${bad.url}/x`);
    equal([bad.connections, asked.length], [1, before], `${certificate}: connected, nothing asked`);
  }
});
const here = await publish("here", hostname()), { address } = await lookup(hostname());
await check("a name in the own network, where that is allowed; none but localhost leads to this machine", async () => {
  documents = { "/x": {} };
  if (/^(127\.|::1$)/.test(address)) return refuses(server, `${here.url}/x`);          // as /etc/hosts has it where there is no network
  const { status, html } = await page(server, `${here.url}/x`);
  ok(status === 200 && html.includes("<form"), `${hostname()} is ${address}: ${status} ${server.text.slice(-300)}`);
});
await server.stop();

server = await device("public", 4);
await check("this machine and private networks, by address and by name, are not connected to", async () => {
  const before = [there.connections, here.connections];
  for (const host of ["localhost", "127.0.0.1", "[::1]"]) await refuses(server, `https://${host}:${new URL(there.url).port}/x`, /does not know the program/);
  for (const host of ["10.0.0.1", "192.168.1.1", "169.254.169.254", "[fd00::1]"]) await refuses(server, `https://${host}:${new URL(there.url).port}/x`);
  await refuses(server, `${here.url}/x`);
  equal([there.connections, here.connections], before, "connections");
}, 8000);                             // it does not try them: that would take 10 seconds
await server.stop();

await browser.close();
for (const one of [callback, ...servers]) one.close();
rmSync(directory, { recursive: true });
finish();
