// Tokens of others at our resource server, and ours at others: jose makes and checks single tokens, oidc-provider is a certified
// authorization server (JWT and opaque access tokens, introspection, DPoP, private_key_jwt). With both libraries.
import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { join } from "node:path";
import { check, equal, examples, finish, load, ok, start } from "./lib/harness.mjs";

const jose = await import(load.resolve("jose"));
const { Provider } = await import(load.resolve("oidc-provider"));
const command = process.env.PROTECTED ?? join(examples, "../tests/interop/protected");
const large = Object.fromEntries([3072, 4096].map((modulusLength) => [modulusLength, generateKeyPairSync("rsa", { modulusLength })]));    // takes its time
const LIBRARIES = ["mbedtls", "bearssl"], ALGS = ["ES256", "RS256", "PS256"];

const listen = (handler) => new Promise((resolve) => {
  const server = createServer(handler).listen(0, "127.0.0.1", () => resolve({ server, url: `http://127.0.0.1:${server.address().port}` }));
});
const freePort = async () => {
  const { server, url } = await listen(() => {});
  await new Promise((resolve) => server.close(resolve));
  return Number(new URL(url).port);
};
const protect = async (library, kind, issuer, url, ...secret) => {
  const port = await freePort();
  return start({ command, args: [String(port), library, kind, issuer, url, ...secret] });
};

// One call of the tool with these header fields; the principal, or status and challenge.
async function whoami(server, headers, method = "tools/call") {
  const version = "2026-07-28";
  const response = await fetch(server.url, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream", "mcp-protocol-version": version,
      "mcp-method": method, "mcp-name": "whoami", ...headers },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: { name: "whoami", arguments: {}, _meta: {
      "io.modelcontextprotocol/protocolVersion": version, "io.modelcontextprotocol/clientInfo": { name: "t", version: "1" },
      "io.modelcontextprotocol/clientCapabilities": {} } } }),
  });
  const text = await response.text();
  if (response.status !== 200) return { status: response.status, challenge: response.headers.get("www-authenticate"), nonce: response.headers.get("dpop-nonce") };
  return JSON.parse(text.replace(/^(event|id):.*$/gm, "").replace(/^data: /gm, "")).result.structuredContent;
}
const bearer = (token) => ({ authorization: `Bearer ${token}` });

// -- jose: every algorithm, bad tokens, live rotation of keys
for (const library of LIBRARIES) {
  const keys = {};
  let set = [], fetched = 0;
  for (const alg of ALGS) {
    keys[alg] = await jose.generateKeyPair(alg, { modulusLength: 2048 });
    set.push({ ...await jose.exportJWK(keys[alg].publicKey), kid: alg, alg, use: "sig" });
  }
  const as = await listen((request, response) => { fetched++; response.setHeader("content-type", "application/json"); response.end(JSON.stringify({ keys: set })); });
  const server = await protect(library, "jwt", as.url, `${as.url}/jwks`);
  const token = (alg, { header = {}, key = keys[alg], ...claims } = {}) => new jose.SignJWT({
    client_id: "app", scope: "read write", ...claims,
  }).setProtectedHeader({ alg, kid: alg, typ: "at+jwt", ...header }).setIssuer(claims.iss ?? as.url).setAudience(claims.aud ?? server.url)
    .setSubject("user_1").setIssuedAt().setExpirationTime(claims.exp ?? "5m").sign(key.privateKey);

  for (const alg of ALGS) {
    await check(`jose ${alg}, ${library}`, async () => {
      equal(await whoami(server, bearer(await token(alg))),
        { subject: "user_1", client_id: "app", scopes: "read write", issuer: as.url, bound: false }, "the principal");
    });
    if (alg !== "ES256") await check(`jose ${alg}, ${library}: 3072 and 4096 bits, other keys`, async () => {
      for (const modulusLength of [3072, 4096]) {
        const key = large[modulusLength];
        const kid = `${alg}-${modulusLength}`;
        set = [...set.filter((k) => !k.kid.includes("-")), { ...await jose.exportJWK(key.publicKey), kid, alg, use: "sig" }];
        await new Promise((resolve) => setTimeout(resolve, 600));
        equal((await whoami(server, bearer(await token(alg, { key, header: { kid } })))).subject, "user_1", kid);
        equal((await whoami(server, bearer(await token(alg, { key })))).status, 401, "signed with another key than kid says");
      }
    });
  }
  await check(`refused, ${library}`, async () => {
    const good = await token("ES256");
    const [header, claims, signature] = good.split(".");
    const b64 = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const hmac = await new jose.SignJWT({ client_id: "app" }).setProtectedHeader({ alg: "HS256", kid: "RS256", typ: "at+jwt" }).setIssuer(as.url)
      .setAudience(server.url).setSubject("user_1").setExpirationTime("5m").sign(new TextEncoder().encode(await jose.exportSPKI(keys.RS256.publicKey)));
    const bad = {
      "alg none": `${b64({ alg: "none", typ: "at+jwt" })}.${claims}.`,
      "alg none with a signature": `${b64({ alg: "none", typ: "at+jwt", kid: "ES256" })}.${claims}.${signature}`,
      "HS256 with the public key": hmac,
      "expired": await token("ES256", { exp: Math.floor(Date.now() / 1000) - 61 }),
      "other audience": await token("ES256", { aud: "https://other.example/mcp" }),
      "other issuer": await token("ES256", { iss: "https://other.example" }),
      "an ID token": await token("ES256", { header: { typ: "JWT" } }),
      "claims changed": `${header}.${b64({ ...jose.decodeJwt(good), sub: "admin" })}.${signature}`,
      "encrypted": `${header}.${claims}.${signature}.a.b`,
    };
    for (const [name, text] of Object.entries(bad)) {
      const answer = await whoami(server, bearer(text));
      equal(answer.status, 401, name);
      ok(/error="invalid_token"/.test(answer.challenge), `${name}: ${answer.challenge}`);
    }
    equal((await whoami(server, {})).status, 401, "no token");
  });
  await check(`keys rotated live, ${library}`, async () => {
    const next = await jose.generateKeyPair("ES256");
    const old = await token("ES256"), young = await token("ES256", { key: next, header: { kid: "next" } });
    set = [...set.filter((k) => k.kid === "ES256"), { ...await jose.exportJWK(next.publicKey), kid: "next", alg: "ES256" }];
    await new Promise((resolve) => setTimeout(resolve, 600));
    const before = fetched;
    equal((await whoami(server, bearer(young))).subject, "user_1", "the new key");
    equal((await whoami(server, bearer(old))).subject, "user_1", "the old one beside it");
    equal(fetched, before + 1, "fetches");
    set = set.filter((k) => k.kid === "next");
    await new Promise((resolve) => setTimeout(resolve, 600));
    equal((await whoami(server, bearer(await token("ES256", { header: { kid: "unknown" } })))).status, 401, "unknown kid");
    equal((await whoami(server, bearer(old))).status, 401, "the old key is gone");
    equal((await whoami(server, bearer(young))).subject, "user_1", "the new key");
  });
  await server.stop();
  as.server.close();
}

// -- oidc-provider: access tokens of a real authorization server
const rsa = await jose.exportJWK((await jose.generateKeyPair("RS256", { extractable: true })).privateKey);
const ec = await jose.exportJWK((await jose.generateKeyPair("ES256", { extractable: true })).privateKey);
// RFC 7515 A.3, which "protected emit" signs with
const ours = { kty: "EC", crv: "P-256", kid: "ec1", x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" };
const policy = { format: "jwt", alg: "ES256" };
let provider;
const as = await listen((request, response) => provider.callback()(request, response));
provider = new Provider(as.url, {
  clients: [
    { client_id: "app", client_secret: "secret", grant_types: ["client_credentials"], redirect_uris: [], response_types: [], scope: "read write" },
    { client_id: "resource", client_secret: "resource secret", grant_types: [], redirect_uris: [], response_types: [] },
    { client_id: "device", token_endpoint_auth_method: "private_key_jwt", token_endpoint_auth_signing_alg: "ES256", jwks: { keys: [ours] },
      grant_types: ["client_credentials"], redirect_uris: [], response_types: [], scope: "read write" },
  ],
  jwks: { keys: [{ ...rsa, kid: "rsa", use: "sig" }, { ...ec, kid: "ec", use: "sig" }] },
  scopes: ["read", "write", "offline_access"],
  clientAuthMethods: ["client_secret_basic", "client_secret_post", "private_key_jwt"],
  enabledJWA: { clientAuthSigningAlgValues: ["ES256"], dPoPSigningAlgValues: ["ES256"] },
  features: {
    devInteractions: { enabled: false }, clientCredentials: { enabled: true }, introspection: { enabled: true }, revocation: { enabled: true }, dPoP: { enabled: true },
    resourceIndicators: { enabled: true, getResourceServerInfo: (ctx, resource) => ({
      scope: "read write", audience: resource, accessTokenTTL: 300, accessTokenFormat: policy.format,
      ...(policy.format === "jwt" ? { jwt: { sign: { alg: policy.alg } } } : {}) }) },
  },
});
const metadata = await (await fetch(`${as.url}/.well-known/openid-configuration`)).json();
async function grant(resource, body = {}, headers = {}) {
  const basic = body.client_assertion ? {} : { authorization: `Basic ${Buffer.from("app:secret").toString("base64")}` };
  const response = await fetch(metadata.token_endpoint, { method: "POST", headers: { ...basic, ...headers },
    body: new URLSearchParams({ grant_type: "client_credentials", scope: "read", resource, ...body }) });
  const answer = await response.json();
  if (!answer.access_token) throw new Error(`the token endpoint: ${JSON.stringify(answer)}`);
  return answer;
}
const proofOf = async (key, method, url, token, nonce) => new jose.SignJWT({
  htm: method, htu: url, jti: crypto.randomUUID(), ...(nonce ? { nonce } : {}),
  ...(token ? { ath: Buffer.from(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token))).toString("base64url") } : {}),
}).setProtectedHeader({ typ: "dpop+jwt", alg: "ES256", jwk: await jose.exportJWK(key.publicKey) }).setIssuedAt().sign(key.privateKey);
const emit = (...args) => execFileSync(command, ["emit", ...args], { encoding: "utf8" }).trim().split("\n");

for (const library of LIBRARIES) {
  const server = await protect(library, "jwt", as.url, metadata.jwks_uri);
  for (const alg of ALGS) {
    await check(`oidc-provider ${alg}, ${library}`, async () => {
      Object.assign(policy, { format: "jwt", alg });
      const { access_token } = await grant(server.url);
      equal(jose.decodeProtectedHeader(access_token).alg, alg, "alg");
      equal(await whoami(server, bearer(access_token)), { subject: "app", client_id: "app", scopes: "read", issuer: as.url, bound: false }, "the principal");
      equal((await whoami(server, bearer((await grant("https://other.example/mcp")).access_token))).status, 401, "a token for another resource");
    });
  }
  await check(`oidc-provider DPoP, ${library}`, async () => {
    Object.assign(policy, { format: "jwt", alg: "ES256" });
    const key = await jose.generateKeyPair("ES256"), other = await jose.generateKeyPair("ES256");
    const { access_token, token_type } = await grant(server.url, {}, { dpop: await proofOf(key, "POST", metadata.token_endpoint) });
    equal(token_type, "DPoP", "token_type");
    equal((await whoami(server, bearer(access_token))).status, 401, "bound, sent as Bearer");
    const send = async (by, nonce, url = server.url) => whoami(server,
      { authorization: `DPoP ${access_token}`, dpop: await proofOf(by, "POST", url, access_token, nonce) });
    const first = await send(key);
    equal(first.status, 401, "without a nonce");
    ok(/use_dpop_nonce/.test(first.challenge) && first.nonce?.length > 0, first.challenge);
    equal((await send(key, first.nonce)).bound, true, "with it");
    equal((await send(other, first.nonce)).status, 401, "another key");
    equal((await send(key, first.nonce, "http://127.0.0.1:1/mcp")).status, 401, "for another URL");
  });
  await server.stop();

  const asked = await protect(library, "opaque", as.url, metadata.introspection_endpoint, "resource", "resource secret");
  await check(`oidc-provider introspection, ${library}`, async () => {
    policy.format = "opaque";
    const { access_token } = await grant(asked.url);
    ok(!access_token.includes("."), "opaque");
    const who = await whoami(asked, bearer(access_token));
    equal({ client_id: who.client_id, scopes: who.scopes }, { client_id: "app", scopes: "read" }, "the principal");
    equal((await whoami(asked, bearer(`${access_token}x`))).status, 401, "an unknown token");
    equal((await whoami(asked, bearer((await grant("https://other.example/mcp")).access_token))).status, 401, "a token for another resource");
    const several = await Promise.all([1, 2, 3, 4].map(async () => whoami(asked, bearer((await grant(asked.url)).access_token))));
    equal(several.map((w) => w.client_id), ["app", "app", "app", "app"], "four at once");
    const refresh = await new provider.RefreshToken({ client: await provider.Client.find("app"), accountId: "user_1", scope: "read", gty: "authorization_code", iat: Math.floor(Date.now() / 1000), expiresIn: 300 }).save();
    const said = await (await fetch(metadata.introspection_endpoint, { method: "POST", headers: { authorization: `Basic ${Buffer.from("resource:resource%20secret").toString("base64")}` },
      body: new URLSearchParams({ token: refresh, token_type_hint: "access_token" }) })).json();
    equal([said.active, said.token_type, said.aud], [true, undefined, undefined], "what it says about a refresh token");
    equal((await whoami(asked, bearer(refresh))).status, 401, "a refresh token, which is active too");
    await fetch(metadata.revocation_endpoint, { method: "POST", headers: { authorization: `Basic ${Buffer.from("app:secret").toString("base64")}` },
      body: new URLSearchParams({ token: access_token }) });
    equal((await whoami(asked, bearer(access_token))).status, 401, "revoked");
  });
  await asked.stop();
  const wrong = await protect(library, "opaque", as.url, metadata.introspection_endpoint, "resource", "wrong");
  await check(`introspection with a wrong secret is not the caller's fault, ${library}`, async () => {
    const answer = await whoami(wrong, bearer((await grant(wrong.url)).access_token));
    equal([answer.status, answer.challenge], [503, null], "status and challenge");
  });
  await wrong.stop();
}

// -- ours at others: private_key_jwt (RFC 7523) and DPoP proofs (RFC 9449)
await check("our assertion and proof, checked by jose", async () => {
  const [assertion, proof, jkt] = emit("device", as.url, "POST", "https://x.example/y", "token", "nonce");
  const key = await jose.importJWK(ours, "ES256");
  const { payload } = await jose.jwtVerify(assertion, key, { issuer: "device", subject: "device", audience: as.url, typ: "JWT", requiredClaims: ["jti", "iat", "exp"] });
  equal(payload.exp - payload.iat, 300, "lifetime");
  const checked = await jose.jwtVerify(proof, jose.EmbeddedJWK, { typ: "dpop+jwt", algorithms: ["ES256"], requiredClaims: ["jti", "iat"] });
  equal({ htm: checked.payload.htm, htu: checked.payload.htu, nonce: checked.payload.nonce, ath: checked.payload.ath },
    { htm: "POST", htu: "https://x.example/y", nonce: "nonce", ath: "PEaenWxYddN6Q_NT1PiOYfz4EsZu7jRXRlpAsNpBU-A" }, "the proof");
  equal(await jose.calculateJwkThumbprint(ours), jkt, "thumbprint");
});
await check("our assertion and proof at oidc-provider: a bound token", async () => {
  Object.assign(policy, { format: "jwt", alg: "ES256" });
  const [assertion, proof, jkt] = emit("device", as.url, "POST", metadata.token_endpoint);
  const answer = await grant("https://device.example/mcp", { client_assertion: assertion,
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" }, { dpop: proof });
  equal(answer.token_type, "DPoP", "token_type");
  equal(jose.decodeJwt(answer.access_token).cnf.jkt, jkt, "cnf.jkt");
});
as.server.close();
finish();
