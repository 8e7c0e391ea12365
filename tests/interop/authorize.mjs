// Our client and every way to authorize it, live: oidc-provider in front of a protected server, and build/device, which pairs. Then
// its process is killed at every write to its store, before and after the write took effect, and goes on: nobody has to sign in more
// than once more, no code is sent twice, and a refresh token that was used is not, unless its answer was lost with the power (then
// once, for servers with a grace period).
import { execFile } from "node:child_process";
import { createServer, request as ask } from "node:http";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { check, equal, examples, finish, load, ok, start, until } from "./lib/harness.mjs";

const jose = await import(load.resolve("jose"));
const { Provider } = await import(load.resolve("oidc-provider"));
const directory = mkdtempSync(join(tmpdir(), "authorize-"));
const programs = process.env.INTEROP ?? join(examples, "../tests/interop"), PERSON = 10;
const TTL = 300, SHORT = 4, REDIRECT = "http://127.0.0.1:8976/cb", CIMD = "https://client.example/metadata.json";

// -- the browser: cookies, redirects, forms that submit themselves; ends at the redirect URI (its query) or at a page
async function browse(url) {
  const jar = new Map();
  let body = null;
  for (let hops = 0; hops < 20; hops++) {
    const response = await fetch(url, { redirect: "manual", ...(body && { method: "POST", body }),
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join("; ") } });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
      if (value) jar.set(name, value); else jar.delete(name);
    }
    const html = await response.text(), location = response.headers.get("location");
    const form = html.match(/<form[^>]* action="([^"]*)"/)?.[1];
    body = null;
    if (location?.startsWith(REDIRECT)) return new URL(location).search.slice(1);
    if (location) url = new URL(location, url).href;
    else if (form) {
      body = new URLSearchParams([...html.matchAll(/<input\s([^>]*)>/g)].map(([, text]) => [text.match(/name="([^"]*)"/)?.[1], text.match(/value="([^"]*)"/)?.[1] ?? ""])
        .filter(([name]) => name));
      url = new URL(form, url).href;
    } else return html;
  }
  throw new Error("the browser goes round in circles");
}

// -- oidc-provider, what it saw, and who clicks
const ours = { kty: "EC", crv: "P-256", kid: "ec1", x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" };
const key = await jose.exportJWK((await jose.generateKeyPair("ES256", { extractable: true })).privateKey);
const seen = { clicks: 0, registered: 0, unregistered: 0, revoked: 0, codes: new Map(), refreshed: new Map(), grants: [], clients: [], pushed: 0, short: false, ttl: TTL };
const authorizationServer = async (features = {}) => {
  let provider = null;
  const server = createServer(async (request, response) => {
    if (request.url.startsWith("/interaction/")) {
      const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
      if (prompt.name === "login") return provider.interactionFinished(request, response, { login: { accountId: "user_1" } });
      seen.clicks++;
      const grant = grantId ? await provider.Grant.find(grantId) : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
      grant.addOIDCScope(["offline_access", ...prompt.details.missingOIDCScope ?? []].join(" "));
      for (const [resource, scopes] of Object.entries(prompt.details.missingResourceScopes ?? {})) grant.addResourceScope(resource, scopes.join(" "));
      return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true });
    }
    return provider.callback()(request, response);
  });
  await new Promise((resolve) => { server.listen(0, "127.0.0.1", resolve); });
  const url = `http://127.0.0.1:${server.address().port}`;
  provider = new Provider(url, { ...configuration, features: { ...configuration.features, ...features } });
  provider.use(watch);
  const { jwks_uri } = await (await fetch(`${url}/.well-known/oauth-authorization-server`)).json();
  return { server, url, jwks_uri };
};
const known = (client_id, more) => ({ client_id, redirect_uris: [REDIRECT], application_type: "native", grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"], scope: "read write offline_access", ...more });
const page = (ctx, form) => { ctx.body = `<!doctype html>${form.replace("<form", "<form data-x")}`; };
const configuration = {
  clients: [
    known("public", { token_endpoint_auth_method: "none" }),
    known("basic:1", { client_secret: "s e/c+r%t", token_endpoint_auth_method: "client_secret_basic" }),
    known("post", { client_secret: "s&=p", token_endpoint_auth_method: "client_secret_post" }),
    known("signed", { token_endpoint_auth_method: "private_key_jwt", token_endpoint_auth_signing_alg: "ES256", jwks: { keys: [ours] } }),
    known("machine", { client_secret: "m", grant_types: ["client_credentials"], redirect_uris: [], response_types: [], scope: "read write" }),
    known("signed machine", { token_endpoint_auth_method: "private_key_jwt", token_endpoint_auth_signing_alg: "ES256", jwks: { keys: [ours] },
      grant_types: ["client_credentials"], redirect_uris: [], response_types: [], scope: "read write" }),
    known("device", { token_endpoint_auth_method: "none", grant_types: ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"], redirect_uris: [],
      response_types: [] }),
  ],
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  jwks: { keys: [{ ...key, kid: "ec", use: "sig", alg: "ES256" }] },
  scopes: ["offline_access", "read", "write"],
  clientAuthMethods: ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"],
  enabledJWA: { clientAuthSigningAlgValues: ["ES256"], dPoPSigningAlgValues: ["ES256"], idTokenSigningAlgValues: ["ES256"] },
  clientDefaults: { id_token_signed_response_alg: "ES256" },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  cookies: { keys: ["interop"] },
  rotateRefreshToken: true,
  issueRefreshToken: (ctx, client, code) => client.grantTypeAllowed("refresh_token") && code.scopes.has("offline_access"),
  fetch: (url) => new Response(JSON.stringify({ client_id: CIMD, client_name: "interop", redirect_uris: [REDIRECT], application_type: "native",
    grant_types: ["authorization_code", "refresh_token"], response_types: ["code"], token_endpoint_auth_method: "none", scope: "read write offline_access" }), { status: url === CIMD || url.href === CIMD ? 200 : 404 }),
  features: {
    devInteractions: { enabled: false }, clientCredentials: { enabled: true }, revocation: { enabled: true }, introspection: { enabled: true },
    dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 7), requireNonce: () => true },
    registration: { enabled: true }, registrationManagement: { enabled: true },
    clientIdMetadataDocument: { enabled: true, ack: "draft-02" },
    deviceFlow: { enabled: true, charset: "digits", mask: "****-****", userCodeInputSource: page, userCodeConfirmSource: page,
      successSource: (ctx) => { ctx.body = "signed in"; } },
    resourceIndicators: { enabled: true, getResourceServerInfo: (ctx, resource) => ({ scope: "read write", audience: resource, accessTokenTTL: seen.short ? SHORT : seen.ttl,
      accessTokenFormat: "jwt", jwt: { sign: { alg: "ES256" } } }) },
  },
};
async function watch(ctx, next) {
  await next();
  const params = ctx.oidc?.params, good = ctx.status < 300;
  const count = (map, value) => map.set(value, (map.get(value) ?? 0) + 1);
  if (ctx.path === "/reg" && ctx.status === 201) seen.registered++;
  if (ctx.path.startsWith("/reg/") && ctx.method === "DELETE" && good) seen.unregistered++;
  if (ctx.path === "/token/revocation" && good) seen.revoked++;
  if (ctx.path === "/request" && ctx.status === 201) seen.pushed++;
  if (ctx.path !== "/token" || !params || ctx.body?.error === "use_dpop_nonce") return;     // looked at nothing else (RFC 9449 section 8)
  if (params.code) count(seen.codes, params.code);
  if (params.refresh_token) count(seen.refreshed, params.refresh_token);
  if (good) {
    seen.grants.push(params.grant_type.split(":").at(-1));
    seen.clients.push(ctx.oidc.client.clientId);
  }
}
const most = (map) => Math.max(0, ...map.values());
const twice = (map) => [...map.values()].reduce((n, times) => n + times - 1, 0);
function forget() {
  Object.assign(seen, { clicks: 0, registered: 0, unregistered: 0, revoked: 0, codes: new Map(), refreshed: new Map(), grants: [], clients: [], pushed: 0 });
}

// -- our client: one process for each step
let stores = 0;
const place = () => join(directory, `store-${stores++}`);
function run(store, url, tool, options = {}, onDevice = () => {}) {
  const args = [store, url, tool, ...Object.entries(options).map(([name, value]) => `${name}=${value}`)];
  return new Promise((resolve) => {
    let out = "", shown = false;
    const child = execFile(join(programs, "authorize"), args, { timeout: 14000 }, (error) => {
      const line = (name) => out.match(new RegExp(`^${name} (.*)$`, "m"))?.[1];
      resolve({ code: error ? error.code ?? -1 : 0, signal: error?.signal, out, url: line("URL"), result: JSON.parse(line("RESULT") ?? "null")?.structuredContent,
        scope: line("SCOPE"), failed: line("FAILED"), writes: Number(line("WRITES") ?? -1), isError: JSON.parse(line("RESULT") ?? "null")?.isError });
    });
    child.stdout.on("data", (data) => {
      out += data;
      const device = out.match(/^DEVICE (\S+) (\S+)\n/m);
      if (device && !shown) {
        shown = true;
        onDevice(device[1], device[2]);
      }
    });
  });
}
// Until the tool was called: a person helps, each redirect finds a new process.
async function reach(store, url, tool, options = {}, person = browse, clicks = 3) {
  let last = await run(store, url, tool, options), n = 0;
  while (last.code === PERSON && n < clicks) {
    n++;
    last = await run(store, url, tool, { ...options, query: await person(last.url) });
  }
  equal(last.code, 0, `${tool} with ${JSON.stringify(options)}: ${last.out}`);
  return { ...last, clicks: n };
}
const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, "127.0.0.1", () => { const { port } = server.address(); server.close(() => resolve(port)); });
});
const as = await authorizationServer(), strict = await authorizationServer({ pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true } });
const protect = async (by = as) => start({ command: join(programs, "protected"), args: [String(await freePort()), "mbedtls", "jwt", by.url, by.jwks_uri] });
const server = await protect(), strictly = await protect(strict);
const bound = { scope: "read", dpop: 1 };

for (const [name, options, client, by = as, at = server] of [
  ["dynamic registration", {}, /./], ["dynamic registration without a secret", { public: 1 }, /./],
  ["a known public client", { id: "public" }, /^public$/],
  ["client_secret_basic, characters that must be encoded", { id: "basic:1", secret: "s e/c+r%t" }, /^basic:1$/],
  ["client_secret_post", { id: "post", secret: "s&=p" }, /^post$/], ["private_key_jwt", { id: "signed", key: 1 }, /^signed$/],
  ["client ID metadata document", { cimd: CIMD }, /^https:\/\/client\.example\/metadata\.json$/],
  ["requests must be pushed (RFC 9126), dynamic registration", {}, /./, strict, strictly],
  ["requests must be pushed, a public client", { id: "public" }, /^public$/, strict, strictly],
  ["requests must be pushed, private_key_jwt", { id: "signed", key: 1 }, /^signed$/, strict, strictly],
]) {
  await check(`oidc-provider, ${name}: code, refresh, step-up, log-out`, async () => {
    const store = place();
    forget();
    const first = await reach(store, at.url, "whoami", { ...options, scope: "read" });
    equal([first.clicks, first.result.subject, first.result.issuer, first.scope.includes("read")], [1, "user_1", by.url, true], "signed in");
    ok(client.test(first.result.client_id), first.result.client_id);
    equal((await reach(store, at.url, "whoami", { ...options, scope: "read" })).clicks, 0, "the next process is signed in");
    equal((await reach(store, at.url, "whoami", { ...options, scope: "read", clock: TTL })).clicks, 0, "refreshed");
    equal((await reach(store, at.url, "whoami", { ...options, scope: "read", clock: 2 * TTL })).clicks, 0, "and again");
    const more = await reach(store, at.url, "change", { ...options, scope: "read", clock: 2 * TTL });
    equal([more.clicks, more.result.scopes.split(" ").sort().join(" ")], [1, "read write"], "step-up");
    equal(seen.pushed, by === strict ? 2 : 0, "pushed");
    equal(seen.grants, ["authorization_code", "refresh_token", "refresh_token", "authorization_code"], "grants");
    equal([most(seen.codes), most(seen.refreshed), seen.registered], [1, 1, options.id || options.cimd ? 0 : 1], "each code and token once; registrations");
    equal((await run(store, at.url, "-", { ...options, scope: "read", logout: 1 })).code, 0, "log-out");
    ok(seen.revoked >= 1 && seen.unregistered === seen.registered, `revoked ${seen.revoked}, unregistered ${seen.unregistered}`);
    equal(readdirSync(store).filter((file) => !file.startsWith(".")), [], "records after the log-out");
    equal((await run(store, at.url, "whoami", { ...options, scope: "read" })).code, PERSON, "a person is asked again");
  });
}
await strictly.stop();
await check("oidc-provider: tokens bound to our key, with the nonces of both servers", async () => {
  const store = place();
  forget();
  seen.short = true;                  // a proof has a time of its own: no other clock here
  const first = await reach(store, server.url, "whoami", { ...bound, public: 1 }), end = Date.now() + SHORT * 1000;
  equal([first.clicks, first.result.bound], [1, true], "bound");
  await until(10000, () => Date.now() > end, "the end of the token");
  seen.short = false;
  const again = await reach(store, server.url, "whoami", { ...bound, public: 1 });
  equal([again.clicks, again.result.bound, seen.grants.at(-1)], [0, true, "refresh_token"], "after a refresh");
});
await check("oidc-provider: client credentials, with a secret and with a key", async () => {
  for (const options of [{ id: "machine", secret: "m" }, { id: "signed machine", key: 1 }]) {
    const store = place();
    forget();
    for (const clock of [0, 0, TTL]) {
      const { result, clicks } = await reach(store, server.url, "whoami", { ...options, grant: "client", clock });
      equal([result.client_id, result.scopes, clicks], [options.id, "read", 0], "who");
    }
    equal(seen.grants, ["client_credentials", "client_credentials"], "grants: the second call used the stored token");
  }
});
await check("oidc-provider: device grant: a code is shown here, a person confirms it elsewhere", async () => {
  const store = place();
  let page = null;
  forget();
  const first = await run(store, server.url, "whoami", { id: "device", grant: "device", scope: "read" }, (url, code) => { page = browse(url).then((html) => [html, code]); });
  equal([first.code, first.result?.subject], [0, "user_1"], first.out);
  const [html, code] = await page;
  ok(html.includes("signed in") && /^\d{4}-\d{4}$/.test(code), `${code}: ${html}`);
  equal((await run(store, server.url, "whoami", { id: "device", grant: "device", scope: "read", clock: TTL })).result?.subject, "user_1", "refreshed");
  equal(seen.grants, ["device_code", "refresh_token"], "grants");
});
await check("oidc-provider: mcpt --device adds a server, calls, logs out", async () => {
  const env = { ...process.env, MCPT_STATE: join(directory, "mcpt") };
  const mcpt = (args, onText = () => {}) => new Promise((resolve) => {
    let err = "";
    const child = execFile(join(examples, "08_mcpt"), args, { env, timeout: 14000 }, (error, out) => resolve({ code: error ? error.code ?? -1 : 0, out, err }));
    child.stderr.on("data", (data) => { err += data; onText(err); });
  });
  let opened = false;
  forget();
  const added = await mcpt(["--device", "add", "thing", server.url], (text) => {
    const url = text.match(/^ {2}(http\S+)\n/m)?.[1];
    if (url && !opened) {
      opened = true;
      browse(url);
    }
  });
  equal([added.code, opened], [0, true], added.err);
  ok(added.out.includes("you are signed in"), added.out);
  equal(JSON.parse((await mcpt(["--device", "--json", "call", "thing", "whoami"])).out).structuredContent.subject, "user_1", "called");
  equal((await mcpt(["--device", "logout", "thing"])).code, 0, "log-out");
  ok(seen.revoked >= 1, "revoked");
});

// -- killed at every write
// The whole life of a client, a step after the other; kill: { step, die, when }. Answers how often a person had to act.
async function life(url, tools, person, kill) {
  const store = place(), writes = [];
  let clicks = 0;
  const steps = [
    { tool: tools[0], options: {} }, { tool: tools[0], options: {}, query: true }, { tool: tools[1], options: {} },
    { tool: tools[1], options: {}, query: true }, { tool: tools[0], options: { clock: tools.ttl } }, { tool: tools[0], options: { clock: 2 * tools.ttl, logout: 1 } },
  ];
  let link = null, killed = false;
  for (const [i, { tool, options, query }] of steps.entries()) {
    const all = { ...tools.options, ...options, ...(query && link ? { query: await person(link) } : {}) };
    const aim = kill?.step === i ? { die: kill.die, when: kill.when } : {};
    clicks += all.query ? 1 : 0;
    let last = await run(store, url, tool, { ...all, ...aim });
    if (kill?.step === i && last.signal === "SIGKILL") {
      killed = true;                  // power is back: the redirect is lost, the clock has gone on
      last = await run(store, url, tool, { ...tools.options, ...options, clock: (options.clock ?? 0) + 60 });
    }
    for (let n = 0; last.code === PERSON && (query || i > 3) && n < 3; n++) {
      clicks++;
      last = await run(store, url, tool, { ...tools.options, ...options, query: await person(last.url) });
    }
    ok(last.code === 0 || (last.code === PERSON && !query), `step ${i}${kill ? ` killed ${kill.when} write ${kill.die} of step ${kill.step}` : ""}: ${last.out}`);
    link = last.url ?? null;
    writes.push(last.writes);
  }
  const left = readdirSync(store).filter((file) => !file.startsWith("."));
  ok(left.length <= 1 && left.every((name) => name.startsWith("a")), `records at the end: ${left}`);     // an attempt expires
  return { clicks, writes, killed };
}

async function killed(t, url, tools, person, counts, fresh = async () => url) {
  const points = [];
  let usual;
  if (!await check(`${t}: the life of a client`, async () => {
    usual = await life(await fresh(), tools, person);
    equal(usual.clicks, 2, "clicks");
    usual.writes.forEach((n, step) => { for (let die = 1; die <= n; die++) for (const when of ["before", "after"]) points.push({ step, die, when }); });
    ok(points.length > 20, `writes ${usual.writes}`);
  })) return;
  let most = 0, again = 0, done = 0;
  for (const point of points) {
    const name = `killed ${point.when} write ${point.die} of step ${point.step + 1}`;
    await check(`${t}: ${name}`, async () => {
      forget();
      const { clicks, killed } = await life(await fresh(), tools, person, point);
      ok(killed, "it was not killed");
      ok(clicks <= usual.clicks + 1, `${clicks} clicks`);
      const { codes, tokens } = counts();
      equal(codes, 0, "codes sent twice");
      ok(tokens <= (point.step === 4 && point.die === 2 && point.when === "before" ? 1 : 0), `${tokens} refresh tokens sent twice`);
      most = Math.max(most, clicks);
      again += tokens;
      done++;
    });
  }
  console.log(`     ${t}: ${done} of ${points.length} kill points; at most ${most} clicks, ${usual.clicks} without a kill; 0 codes and ${again} refresh tokens sent twice, its answer lost`);
}
await killed("oidc-provider", server.url, Object.assign(["whoami", "change"], { ttl: TTL, options: { scope: "read" } }), browse,
  () => ({ codes: twice(seen.codes), tokens: twice(seen.refreshed) }));

// The other grants, step by step: a kill at every write of every process, then the same step again.
async function living(steps, kill) {
  const store = place(), writes = [], pages = [];
  let clicks = 0, killed = false;
  for (const [i, { tool = "whoami", ...options }] of steps.entries()) {
    let later = 0;
    const go = async (more) => {
      const aim = kill?.process === writes.length ? { die: kill.die, when: kill.when } : {};
      const last = await run(store, server.url, tool, { ...options, clock: (options.clock ?? 0) + later, ...more, ...aim }, (url) => { pages.push(browse(url).catch(String)); });
      writes.push(last.writes);
      if (last.signal !== "SIGKILL" || !aim.die) return last;
      killed = true;                  // power is back a minute later, a redirect is lost
      later = 60;
      return go({});
    };
    let last = await go({});
    for (let n = 0; last.code !== 0 && n < 3; n++) {        // a person signs in, or tries again
      const asked = last.code === PERSON;
      clicks += asked ? 1 : 0;
      last = await go(asked ? { query: await browse(last.url) } : {});
    }
    equal(last.code, 0, `step ${i + 1}: ${last.out}`);
  }
  clicks += (await Promise.all(pages)).filter((html) => html.includes("signed in")).length;
  const left = readdirSync(store).filter((file) => !file.startsWith("."));
  ok(left.every((name) => /^[ad]/.test(name)), `records at the end: ${left}`);             // an attempt expires
  return { clicks, writes, killed };
}
async function survives(t, steps, people, least) {
  const points = [];
  let usual, again = 0;
  if (!await check(`${t}: the life of a client`, async () => {
    forget();
    usual = await living(steps);
    equal(usual.clicks, people, "how often a person had to act");
    usual.writes.forEach((n, process) => { for (let die = 1; die <= n; die++) for (const when of ["before", "after"]) points.push({ process, die, when }); });
    ok(points.length >= least, `writes ${usual.writes}`);
  })) return;
  for (const point of points) await check(`${t}: killed ${point.when} write ${point.die} of process ${point.process + 1}`, async () => {
    forget();
    const { clicks, killed } = await living(steps, point);
    ok(killed, "it was not killed");
    ok(clicks <= usual.clicks + 1, `a person acted ${clicks} times`);
    equal(twice(seen.codes), 0, "codes sent twice");
    ok(twice(seen.refreshed) <= 1, "refresh tokens sent twice");
    again += twice(seen.refreshed);
  });
  ok(again <= 2, `${t}: ${again} refresh tokens sent twice`);
  console.log(`     ${t}: ${points.length} kill points; ${again} refresh tokens sent twice, its answer lost`);
}
const machine = { id: "machine", secret: "m", grant: "client" }, thing = { id: "device", grant: "device", scope: "read" }, proved = { ...bound, public: 1 };
await survives("oidc-provider, client credentials", [machine, { ...machine, clock: TTL }, { ...machine, clock: TTL, tool: "change" }, { ...machine, clock: TTL, logout: 1 }], 0, 8);
await survives("oidc-provider, device grant", [thing, { ...thing, clock: TTL }, { ...thing, clock: TTL, tool: "change" }, { ...thing, clock: 2 * TTL, logout: 1 }], 2, 20);
seen.ttl = 60;                        // a proof has a time of its own, which servers allow minutes for
await survives("oidc-provider, tokens bound to a key", [proved, { ...proved, clock: 60 }, { ...proved, clock: 60, tool: "change" }, { ...proved, clock: 60, logout: 1 }], 2, 28);
await server.stop();

// -- build/device, which pairs: what it is sent goes through a proxy that counts
process.env.XDG_STATE_HOME = join(directory, "state");
delete process.env.DEVICE_TLS;
const sent = { codes: new Map(), refreshed: new Map(), revoked: 0 };
let device = null, devices = 0;
const proxy = await new Promise((resolve) => {
  const server = createServer((incoming, outgoing) => {
    const chunks = [];
    incoming.on("data", (chunk) => chunks.push(chunk)).on("end", () => {
      const body = Buffer.concat(chunks), form = new URLSearchParams(incoming.url === "/token" ? body.toString() : "");
      for (const [name, map] of [["code", sent.codes], ["refresh_token", sent.refreshed]])
        if (form.has(name)) map.set(form.get(name), (map.get(form.get(name)) ?? 0) + 1);
      sent.revoked += incoming.url === "/revoke" ? 1 : 0;
      const { port } = new URL(device.url);
      ask({ host: "127.0.0.1", port, method: incoming.method, path: incoming.url, headers: incoming.headers, agent: false }, (answer) => {
        outgoing.writeHead(answer.statusCode, answer.rawHeaders);
        answer.pipe(outgoing);
      }).on("error", () => outgoing.destroy()).end(body);
    });
  }).listen(0, "127.0.0.1", () => resolve({ server, url: `http://127.0.0.1:${server.address().port}/mcp` }));
});
async function newDevice() {          // one that nobody is paired with
  await device?.stop();
  process.env.XDG_STATE_HOME = join(directory, `device-${devices++}`);
  mkdirSync(process.env.XDG_STATE_HOME);
  device = await start({ args: ["--port", "0"] });
  Object.assign(sent, { codes: new Map(), refreshed: new Map(), revoked: 0 });
  return proxy.url;
}
async function owner(url) {           // reads the page and the console, types
  device.text = "";
  const html = await (await fetch(url)).text();
  await until(5000, () => /: \d{4} \d{4}\n/.test(device.text), "the code on the console");
  const answer = await fetch(url, { method: "POST", redirect: "manual", headers: { Origin: new URL(url).origin }, body: new URLSearchParams({
    form: html.match(/name="form" value="([^"]+)"/)[1], code: device.text.match(/: (\d{4} \d{4})\n/)[1], action: "allow" }) });
  return new URL(answer.headers.get("location")).search.slice(1);
}
await check("a device that pairs: registration, refresh, step-up, log-out", async () => {
  const store = place(), url = await newDevice();
  const first = await reach(store, url, "read_state", {}, owner);
  ok(first.clicks === 1 && first.result.processors > 0 && first.scope === "read", first.out);
  equal((await reach(store, url, "read_state", { clock: 3600 }, owner)).clicks, 0, "refreshed");
  const more = await reach(store, url, "add_note", { text: "paired" }, owner);
  equal([more.clicks, more.isError ?? false, more.scope.split(" ").sort()], [1, false, ["control", "read"]], "step-up");
  equal([most(sent.codes), most(sent.refreshed), sent.codes.size, sent.refreshed.size], [1, 1, 2, 1], "each code and token once");
  equal((await run(store, url, "-", { logout: 1 })).code, 0, "log-out");
  equal([sent.revoked > 0, readdirSync(store).filter((file) => !file.startsWith("."))], [true, []], "revoked; records");
  equal((await run(store, url, "read_state")).code, PERSON, "a person is asked again");
});
await killed("a device that pairs", proxy.url, Object.assign(["read_state", "add_note"], { ttl: 3600, options: { text: "x" } }), owner,
  () => ({ codes: twice(sent.codes), tokens: twice(sent.refreshed) }), newDevice);
await device?.stop();

proxy.server.closeAllConnections();
proxy.server.close();
for (const { server: one } of [as, strict]) {
  one.closeAllConnections();
  one.close();
}
rmSync(directory, { recursive: true, force: true });
finish();
