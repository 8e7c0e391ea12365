// Official SDK clients at a protected server (examples/07_protected), from nothing but its URL: 401, metadata, authorization,
// a token, a call; a second scope when a tool asks for it; revocation. The authorization server is a stand-in that hands
// out the two tokens the example knows.
import { createServer } from "node:http";
import { check, equal, examples, failure, finish, load, ok, start } from "./lib/harness.mjs";

const { Client: Client1 } = load("@modelcontextprotocol/sdk/client/index.js");
const { StreamableHTTPClientTransport: Transport1 } = load("@modelcontextprotocol/sdk/client/streamableHttp.js");
const two = await import(load.resolve("@modelcontextprotocol/client"));

// -- the stand-in
const seen = [];
let origin;
const codes = new Map();
const stand = createServer(async (request, response) => {
  const url = new URL(request.url, origin);
  let body = "";
  for await (const piece of request) body += piece;
  seen.push({ path: url.pathname, query: Object.fromEntries(url.searchParams), body });
  const json = (status, value) => {
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(JSON.stringify(value));
  };
  if (url.pathname === "/.well-known/oauth-authorization-server") {
    json(200, {
      issuer: origin, authorization_endpoint: `${origin}/authorize`, token_endpoint: `${origin}/token`, registration_endpoint: `${origin}/register`,
      response_types_supported: ["code"], grant_types_supported: ["authorization_code"], code_challenge_methods_supported: ["S256"],
      token_endpoint_auth_methods_supported: ["none"],
    });
  } else if (url.pathname === "/register") {
    json(201, { ...JSON.parse(body), client_id: "app" });
  } else if (url.pathname === "/token") {
    const scope = codes.get(new URLSearchParams(body).get("code"));
    json(200, { access_token: scope.includes("valve:write") ? "writer-token" : "reader-token", token_type: "Bearer", expires_in: 3600, scope });
  } else {
    json(404, {});
  }
});
await new Promise((resolve) => stand.listen(0, "127.0.0.1", resolve));
origin = `http://127.0.0.1:${stand.address().port}`;
const server = await start({ command: `${examples}/07_protected`, args: [origin, "0"] });

// What an application provides: where codes come back, and a memory. The person says yes at once.
function application() {
  const kept = {};
  return {
    asked: [],
    get redirectUrl() { return "http://127.0.0.1:9/callback"; },
    get clientMetadata() { return { client_name: "interop", redirect_uris: [this.redirectUrl], grant_types: ["authorization_code"], token_endpoint_auth_method: "none" }; },
    clientInformation: () => kept.client,
    saveClientInformation(client) { kept.client = client; },
    tokens: () => kept.tokens,
    saveTokens(tokens) { kept.tokens = tokens; },
    codeVerifier: () => kept.verifier,
    saveCodeVerifier(verifier) { kept.verifier = verifier; },
    discoveryState: () => kept.discovery,
    saveDiscoveryState(state) { kept.discovery = state; },
    redirectToAuthorization(url) {
      this.asked.push(url);
      codes.set(`code${codes.size}`, url.searchParams.get("scope") ?? "");
      this.code = `code${codes.size - 1}`;
    },
    kept,
  };
}

// Connects as an application does: the first attempt ends in the browser, the second has the code.
async function connect(make, transport) {
  const app = application();
  const open = () => new transport(new URL(server.url), { authProvider: app });
  const first = open();
  const refused = await failure(make().connect(first), "connecting without a token");
  ok(/unauthorized/i.test(`${refused.name} ${refused.message}`), `refused with ${refused}`);
  await first.finishAuth(app.code);
  const client = make();
  const wire = open();
  await client.connect(wire);
  return { app, client, wire };
}

for (const [label, make, transport] of [
  ["sdk1", () => new Client1({ name: "interop", version: "1.0.0" }), Transport1],
  ["sdk2", () => new two.Client({ name: "interop", version: "1.0.0" }), two.StreamableHTTPClientTransport],
]) {
  await check(`${label}: from its URL alone to a call`, async () => {
    seen.length = 0;
    const { app, client } = await connect(make, transport);
    const asked = app.asked[0];
    equal(asked.searchParams.get("resource"), server.url, "resource");
    equal(asked.searchParams.get("scope"), "valve:read", "scope of the challenge");
    ok(seen.some(({ path }) => path === "/.well-known/oauth-authorization-server"), "the metadata named the authorization server");
    equal(new URLSearchParams(seen.find(({ path }) => path === "/token").body).get("resource"), server.url, "resource at the token endpoint");
    const { structuredContent } = await client.callTool({ name: "read_valve", arguments: {} });
    equal(structuredContent, { open: false, asked_by: "ada" }, "the result");
    await client.close();
  });
  await check(`${label}: a tool that needs more asks for all of its scopes`, async () => {
    const { app, client, wire } = await connect(make, transport);
    await failure(client.callTool({ name: "set_valve", arguments: { open: true } }), "a call without its scope");
    const asked = app.asked.at(-1);
    ok(app.asked.length === 2, `${app.asked.length} authorization requests`);
    equal(asked.searchParams.get("scope").split(" ").sort(), ["valve:read", "valve:write"], "the scopes of the second request");
    await wire.finishAuth(app.code);
    equal((await client.callTool({ name: "set_valve", arguments: { open: true } })).structuredContent.open, true, "after it");
    equal((await client.callTool({ name: "set_valve", arguments: { open: false } })).structuredContent.open, false, "and again");
    await client.close();
  });
  await check(`${label}: a token that is no longer valid leads to a new authorization`, async () => {
    const { app, client } = await connect(make, transport);
    app.kept.tokens = { access_token: "revoked-token", token_type: "Bearer" };
    await failure(client.callTool({ name: "read_valve", arguments: {} }), "a call with it");
    equal(app.asked.length, 2, "authorization requests");
    await client.close();
  });
}

await check("a browser's preflight and challenge", async () => {
  const cors = { Origin: "http://localhost:6274" };
  const asked = await fetch(server.url, { method: "OPTIONS", headers: { ...cors, "Access-Control-Request-Method": "POST" } });
  equal([asked.status, asked.headers.get("access-control-allow-origin")], [204, cors.Origin], "preflight");
  const refused = await fetch(server.url, { method: "POST", headers: { ...cors, "Content-Type": "application/json" }, body: "{}" });
  ok(refused.headers.get("access-control-expose-headers").includes("WWW-Authenticate"), "the challenge is exposed");
  const [, metadata] = refused.headers.get("www-authenticate").match(/resource_metadata="([^"]+)"/);
  const document = await (await fetch(metadata)).json();
  equal(document, { resource: server.url, authorization_servers: [origin], scopes_supported: ["valve:read"],
    bearer_methods_supported: ["header"], resource_name: "Valve" }, "the document");
});

await server.stop();
stand.close();
finish();
