// A protected server that takes Clerk's tokens, both kinds, and passes on its metadata, against a stand-in of Clerk's API.
import { createServer } from "node:http";
import { join } from "node:path";
import { clerk } from "./lib/clerk.mjs";
import { check as checked, equal, examples, finish, ok, start, until } from "./lib/harness.mjs";

const command = process.env.PROTECTED ?? join(examples, "../tests/interop/protected");
const check = (name, work) => checked(name, work, 60000);   // keys are made and programs started meanwhile
const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, "127.0.0.1", () => { const { port } = server.address(); server.close(() => resolve(port)); });
});
const protect = async (library, api, { secret = api.secret } = {}) => start({ command, args: [String(await freePort()), library, "clerk", api.publishable,
  `${api.url}/.well-known/jwks.json`, `${api.url}/oauth_applications/access_tokens/verify`, api.url, ...(secret ? [secret] : [])] });

// A call with that token: the principal, or status and challenge.
async function whoami(server, token) {
  const version = "2026-07-28", prefix = "io.modelcontextprotocol/";
  const response = await fetch(server.url, { method: "POST", headers: { "content-type": "application/json", accept: "application/json, text/event-stream",
    "mcp-protocol-version": version, "mcp-method": "tools/call", "mcp-name": "whoami", authorization: `Bearer ${token}` },
  body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "whoami", arguments: {}, _meta: { [`${prefix}protocolVersion`]: version,
    [`${prefix}clientInfo`]: { name: "t", version: "1" }, [`${prefix}clientCapabilities`]: {} } } }) });
  const text = await response.text();
  ok(!text.includes(token), "an answer does not repeat the token");
  return response.status === 200 ? JSON.parse(text.replace(/^(event|id):.*$/gm, "").replace(/^data: /gm, "")).result.structuredContent
    : { status: response.status, challenge: response.headers.get("www-authenticate") };
}
async function refused(server, token, what) {
  const { status, challenge } = await whoami(server, token);
  equal(status, 401, what);
  ok(/^Bearer .*error="invalid_token".*resource_metadata="http:/.test(challenge), `${what}: ${challenge}`);
}
const user = (api) => ({ subject: "user_1", client_id: "app", scopes: "read write", issuer: api.issuer, bound: false });

for (const library of ["mbedtls", "bearssl"]) {
  const api = await clerk(), server = await protect(library, api);
  await check(`Clerk's JSON Web Tokens, ${library}`, async () => {
    equal(await whoami(server, await api.jwt("ins_1")), user(api), "the principal");
    const other = await clerk({ host: "other.example.com" });
    const bad = {
      "another issuer": await api.jwt("ins_1", { iss: other.issuer }), "the issuer with a slash": await api.jwt("ins_1", { iss: `${api.issuer}/` }),
      "another instance's key": await other.jwt("ins_1", { iss: api.issuer }), "a session token": await api.jwt("ins_1", { header: { typ: "JWT" }, azp: "app", sid: "sess_1" }),
      "another client": await api.jwt("ins_1", { client_id: "stranger" }), "expired": await api.jwt("ins_1", { exp: "-2m" }), "no kid that is known": await api.jwt("ins_1", { header: { kid: "ins_9" } }),
    };
    for (const [what, token] of Object.entries(bad)) await refused(server, token, what);
    other.close();
    ok(!api.asked.includes("/oauth_applications/access_tokens/verify"), "nobody was asked about them");
  });
  await check(`its key is rotated, ${library}`, async () => {
    const old = await api.jwt("ins_1");
    await api.rotate("ins_2");
    delete api.keys.ins_1;
    const young = await api.jwt("ins_2");
    await until(5000, async () => (await whoami(server, young)).subject === "user_1", "the new key is fetched");
    await until(5000, async () => (await whoami(server, old)).status === 401, "the old one is gone");
    equal(await whoami(server, young), user(api), "the new one");
  });
  await check(`its opaque tokens, ${library}`, async () => {
    Object.assign(api.tokens, { oat_good: {}, oat_forever: { expiration: null }, oat_seconds: { expiration: Math.floor(Date.now() / 1000) + 60 }, oat_reader: { scopes: ["read"] } });
    for (const token of ["oat_good", "oat_forever", "oat_seconds"]) equal(await whoami(server, token), user(api), token);
    equal((await whoami(server, "oat_reader")).scopes, "read", "scopes");
    Object.assign(api.tokens, { oat_expired: { expired: true }, oat_past: { expiration: Date.now() - 86400000 }, oat_stranger: { client_id: "stranger" },
      oat_refresh: { type: "oauth:refresh_token" }, oat_none: { scopes: undefined, revoked: undefined, expired: undefined } });
    for (const token of ["oat_expired", "oat_past", "oat_stranger", "oat_refresh", "oat_none"]) await refused(server, token, token);
    api.asked = [];
    await refused(server, "oat_unknown", "404");
    equal(api.asked, ["/oauth_applications/access_tokens/verify"], "it was asked");
    for (const token of ["mt_good", "ak_good", "good", "oat_"]) await refused(server, token, token);
    equal(api.asked.length, 1, "machine tokens, keys and others are not even asked about");
    api.tokens.oat_good.revoked = true;
    await refused(server, "oat_good", "revoked");
    const answers = await Promise.all(["oat_forever", "oat_seconds", "oat_good", "oat_reader"].map((token) => whoami(server, token)));
    equal(answers.map((a) => a.scopes ?? a.status), ["read write", "read write", 401, "read"], "at once, each its own answer");
  });
  await check(`when Clerk gives no answer that is nobody's fault, ${library}`, async () => {
    for (const status of [401, 429, 500, 503]) {
      api.fail = { status, body: "{\"errors\":[]}" };
      equal(await whoami(server, "oat_forever"), { status: 503, challenge: null }, String(status));
    }
    api.fail = { status: 200, body: "<html>" };
    equal((await whoami(server, "oat_forever")).status, 503, "no JSON");
    api.fail = null;
    equal(await whoami(server, "oat_forever"), user(api), "afterwards");
  });
  await server.stop();
  await check(`without the secret key, and with a wrong one, ${library}`, async () => {
    const without = await protect(library, api, { secret: null }), wrong = await protect(library, api, { secret: "sk_test_wrong" });
    api.asked = [];
    await refused(without, "oat_forever", "no secret: opaque tokens are not taken");
    equal(api.asked, [], "nor sent anywhere");
    equal(await whoami(without, await api.jwt("ins_2")), user(api), "JSON Web Tokens are");
    equal(await whoami(wrong, "oat_forever"), { status: 503, challenge: null }, "a wrong one");
    ok(!wrong.text.includes("sk_test_wrong") && !wrong.text.includes("oat_forever"), "neither is in the log");
    await without.stop();
    await wrong.stop();
  });
  api.close();
}

// -- its metadata, for clients that look for it here
const path = "/.well-known/oauth-authorization-server";
const metadata = async (server) => {
  const response = await fetch(new URL(path, server.url));
  return { status: response.status, text: await response.text(), cors: response.headers.get("access-control-allow-origin"), type: response.headers.get("content-type") };
};
await check("Clerk's metadata is passed on as it is, and fetched once", async () => {
  const api = await clerk(), server = await protect("mbedtls", api), kept = api.document.replaceAll("\n", "");
  for (const { status, text, cors, type } of await Promise.all(Array.from({ length: 10 }, () => metadata(server)))) {
    equal([status, cors, type], [200, "*", "application/json"], "status and fields");
    equal(text, kept, "every byte but line ends, members that nobody knows too");
  }
  equal(api.asked, [path], "requests to Clerk");
  api.metadata = "{}";
  equal((await metadata(server)).text, kept, "what was kept");
  equal((await (await fetch(new URL("/.well-known/oauth-protected-resource/mcp", server.url))).json()).authorization_servers, [api.issuer], "what the resource names");
  await server.stop();
  api.close();
});
await check("metadata that is not Clerk's is not passed on", async () => {
  const api = await clerk(), good = JSON.parse(api.document);
  const bad = {
    "another issuer": { metadata: { ...good, issuer: "https://evil.example" } }, "the issuer with a slash": { metadata: { ...good, issuer: `${good.issuer}/` } },
    "no issuer": { metadata: { ...good, issuer: undefined } }, "no token endpoint": { metadata: { ...good, token_endpoint: undefined } },
    "a script": { metadata: { ...good, authorization_endpoint: "javascript:alert(1)" } }, "larger than the room for it": { metadata: { ...good, x: "x".repeat(9000) } },
    "404 with the document": { fail: { status: 404, body: api.document } }, "404 as a page": { fail: { status: 404, body: "<html>evil" } },
    "500": { fail: { status: 500, body: api.document } }, "a redirect": { fail: { status: 302, headers: { Location: "https://evil.example/" } } }, "not JSON": { fail: { status: 200, body: "<html>evil" } },
  };
  for (const [what, answer] of Object.entries(bad)) {
    const server = await protect("mbedtls", api);
    Object.assign(api, { metadata: null, fail: null, ...answer });
    const { status, text } = await metadata(server);
    equal(status, 503, what);
    ok(!/evil|issuer/.test(text), `${what}: ${text}`);
    await server.stop();
  }
  api.close();
});
finish();
