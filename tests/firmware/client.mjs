// client.mjs BOARD   The client image: a board that calls a server of the official SDK, protected by a real authorization server, both
// over https on this host, under names that only this test's DNS knows. A person allows it once (RFC 8628); then it keeps, refreshes
// and forgets its tokens, over resets of all kinds.
import { createSocket } from "node:dgram";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, request } from "node:https";
import { join } from "node:path";
import { Readable } from "node:stream";
import { check as checked, equal, finish, load, ok } from "../interop/lib/harness.mjs";
import { root, scratch, start } from "./board.mjs";

const { McpServer, createMcpHandler, fromJsonSchema } = load("@modelcontextprotocol/server");
console.info = console.warn = () => {};                     // what it says about settings that are for tests only
const { Provider } = await import(load.resolve("oidc-provider"));
const image = `${process.argv[2]}-client`, certs = join(root, "build/port/certs");
execFileSync(join(root, "tests/port/certs.sh"), [certs]);
const pem = (name) => readFileSync(join(certs, name));
const MCP = "mcp.wild.test", ID = "id.wild.test", IMPOSTOR = "impostor.wild.test";

// -- names: everything in wild.test is this host
const dns = createSocket("udp4").on("message", (q, from) => {
  let end = 12;
  const labels = [];
  while (q[end]) { labels.push(q.toString("latin1", end + 1, end + 1 + q[end])); end += q[end] + 1; }
  const known = labels.slice(-2).join(".") === "wild.test", head = Buffer.from(q.subarray(0, 12));
  head.writeUInt16BE(known ? 0x8180 : 0x8183, 2);
  head.writeUInt16BE(known ? 1 : 0, 6);
  head.writeUInt32BE(0, 8);
  const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 2, 2]);
  dns.send(Buffer.concat([head, q.subarray(12, end + 5), known ? answer : Buffer.alloc(0)]), from.port);
});
dns.bind(0, "127.0.0.1");
await once(dns, "listening");

// -- servers, and what they were asked
const log = [];
let connections = 0, away = false;
async function listen(name, handle, certificate = "server") {
  const server = createServer({ cert: pem(`${certificate}.pem`), key: pem(`${certificate}.key`) }, (req, res) => {
    log.push(`${name} ${req.method} ${req.url}`);
    handle(req, res);
  });
  server.on("connection", (socket) => { if (away) socket.destroy(); });
  server.on("secureConnection", () => { connections++; });
  server.keepAliveTimeout = 0;        // idle connections stay, however slow the board is
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `https://${name}:${server.address().port}`;
}
let provider;
const issuer = await listen(ID, (req, res) => provider.callback()(req, res));
const readings = [], refused = new Set();
let handler, demand = true;
const site = await listen(MCP, async (req, res) => {
  const say = (status, body, headers = {}) => res.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  if (req.url === "/.well-known/oauth-protected-resource/mcp")
    return say(200, { resource: `${site}/mcp`, authorization_servers: [issuer], scopes_supported: ["record"] });
  if (req.url !== "/mcp") return say(404, {});
  const token = req.headers.authorization?.match(/^Bearer (\S+)$/)?.[1];
  const found = token && !refused.has(token) && await provider.AccessToken.find(token);
  if (demand && (!found || found.aud !== `${site}/mcp` || !found.scope.split(" ").includes("record")))
    return say(401, {}, { "www-authenticate": `Bearer resource_metadata="${site}/.well-known/oauth-protected-resource/mcp", scope="record"` });
  const web = await handler.fetch(new Request(`${site}/mcp`, { method: req.method, headers: req.headers, duplex: "half",
    ...(req.method === "POST" ? { body: Readable.toWeb(req) } : {}) }));
  last = token;
  res.writeHead(web.status, Object.fromEntries(web.headers));
  if (web.body) Readable.fromWeb(web.body).pipe(res); else res.end();
});
let last;
handler = createMcpHandler(() => {
  const server = new McpServer({ name: "collector", version: "1.0.0" });
  server.registerTool("record", { description: "Keeps readings.", inputSchema: fromJsonSchema({ type: "object",
    properties: { board: { type: "string" }, volts: { type: "array", items: { type: "number" } } }, required: ["board", "volts"] }) },
  async (args) => { readings.push(args); return { content: [{ type: "text", text: `reading ${readings.length} kept` }] }; });
  return server;
});
provider = new Provider(issuer, {
  scopes: ["record", "openid", "offline_access"],
  clientDefaults: { grant_types: ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"], response_types: [], redirect_uris: [] },
  issueRefreshToken: (ctx, client) => client.grantTypeAllowed("refresh_token"),
  features: {
    deviceFlow: { enabled: true }, registration: { enabled: true }, revocation: { enabled: true },
    resourceIndicators: { enabled: true, useGrantedResource: () => true, getResourceServerInfo: (ctx, resource) => ({
      scope: "record", audience: resource, accessTokenTTL: 3600, accessTokenFormat: "opaque" }) },
  },
});

// -- the person with a browser: follows, fills in and sends what the authorization server shows
function browser() {
  const cookies = new Map();
  return async function go(url, form) {
    const u = new URL(url), body = form && new URLSearchParams(form).toString();
    const req = request({ host: "127.0.0.1", port: u.port, servername: u.hostname, path: u.pathname + u.search, ca: pem("ca.pem"),
      method: body === undefined ? "GET" : "POST", agent: false, headers: { host: u.host, cookie: [...cookies].map((c) => c.join("=")).join("; "),
        ...(body === undefined ? {} : { "content-type": "application/x-www-form-urlencoded", "content-length": body.length }) } });
    req.end(body);
    const [res] = await once(req, "response");
    let text = "";
    for await (const piece of res) text += piece;
    for (const c of res.headers["set-cookie"] ?? []) { const [, k, v] = c.match(/^([^=]+)=([^;]*)/); cookies.set(k, v); }
    if (res.headers.location) return go(new URL(res.headers.location, url).href);
    return { status: res.statusCode, text, url };
  };
}
async function person(url, code, allow = true) {
  const go = browser();
  let page = await go(url);
  for (let i = 0; i < 8; i++) {
    const form = page.text.match(/<form[^]*?<\/form>/)?.[0];
    if (!form) return page.text;
    const fields = {};
    for (const [input] of form.matchAll(/<input[^>]*>/g)) {
      const name = input.match(/name="([^"]+)"/)?.[1];
      if (name) fields[name] = name === "user_code" ? code : name === "login" || name === "password" ? "ada" : input.match(/value="([^"]*)"/)?.[1] ?? "";
    }
    if (!allow && /name="abort"/.test(page.text)) fields.abort = "yes"; else delete fields.abort;
    const refusal = fields.abort;
    page = await go(new URL(form.match(/action="([^"]+)"/)[1], page.url).href, fields);
    if (refusal) return page.text;
  }
  throw new Error(`no end: ${page.text}`);
}

// -- the board. All of it is slow where others want the processor too: nothing here depends on how long it takes.
const LONG = 100000, check = (name, work) => checked(name, work, 2 * LONG);
const options = [`dns=${dns.address().port}`];
const power_on = (more = []) => start(image, { out: true, options: [...options, ...more], ready: " is up" });
let board = await power_on();
const type = (text) => board.command(`${text}\n`);
const times = (sign) => board.text.split(sign).length - 1;
const after = async (sign, work) => {           // what it says next
  const before = times(sign);
  await work();
  await board.until(() => times(sign) > before && board.text.slice(board.text.lastIndexOf(sign)).includes("\n"), LONG);
  return board.text.slice(board.text.lastIndexOf(sign) + sign.length).split("\n")[0];
};
const seen = (n, what) => log.slice(n).filter((line) => line.includes(what)).length;
const reading = () => after("answer ", () => type("send"));
const reboot = async () => { await board.quit(); board = await power_on(); };
const authority = pem("ca.pem").toString().replace(/-----.*?-----|\n/g, "");

await check("an authority and a server, typed in; the server's challenge leads to a code for a person", async () => {
  await board.until("type server URL", LONG);
  type(`server ${site}/mcp`);
  await board.until("type trust BASE64", LONG);
  type(`trust ${authority}`);
  await board.until(() => /open https:\S+\n[^]*code \S+\n/.test(board.text), LONG);
  equal(readings.length, 0, "readings");
});
await check("the person allows it; the reading arrives", async () => {
  const url = board.text.match(/open (\S+)/)[1], code = board.text.match(/code (\S+)/)[1];
  ok(url.startsWith(issuer), url);
  equal(await after("answer ", () => person(url, code)), "reading 1 kept", "answer");
  equal([readings[0].board, readings[0].volts.length], [process.argv[2], 4], "the reading");
  const own = log.filter((line) => !/ \/(device|interaction)(\?|\/(?!auth)|$)/.test(line)).map((line) => line.replace(".wild.test", ""));
  equal(own.filter((line) => line !== "id POST /token"), ["mcp POST /mcp", "mcp GET /.well-known/oauth-protected-resource/mcp",
    "id GET /.well-known/oauth-authorization-server", "id POST /reg", "id POST /device/auth", "mcp POST /mcp", "mcp POST /mcp"],
  "the board's requests, without those for the token");
  console.log(`${own.length} requests of the board: ${own.join(", ")}`);
});
await check("the next one goes with the token there is, over the same connection", async () => {
  const n = log.length, c = connections;
  equal(await reading(), "reading 2 kept", "answer");
  equal([log.length - n, connections - c], [1, 0], "requests, connections");
});
await check("a reset: no questions", async () => {
  const n = log.length, codes = times("code ");
  equal(await after("answer ", () => type("reset")), "reading 3 kept", "answer");
  equal([seen(n, ID), times("code ") - codes], [0, 0], "requests to the authorization server, codes");
});
await check("without power in between: no questions, and no secret can be read from the flash", async () => {
  await reboot();
  await board.until("answer reading 4 kept", LONG);
  equal(times("code "), 0, "codes");
  const flash = readFileSync(join(scratch, "flash")).toString("latin1");
  ok(flash.includes(MCP), "the server's address");
  ok(last.length > 20 && !flash.includes(last), "the access token");
});
await check("a token that the server takes no longer is refreshed, without a person", async () => {
  refused.add(last);
  const n = log.length, codes = times("code ");
  equal(await reading(), "reading 5 kept", "answer");
  equal([seen(n, `${ID} POST /token`), times("code ") - codes], [1, 0], "token requests, codes");
  await reboot();
  await board.until("answer reading 6 kept", LONG);
  equal(times("code "), 0, "codes after another reset");
});
await check("the flash in another device: its key does not open it, a person is asked", async () => {
  await board.quit();
  board = await power_on(["serial=2"]);
  await board.until(() => /code \S+\n/.test(board.text), LONG);
  const url = board.text.match(/open (\S+)/)[1], code = board.text.match(/code (\S+)/)[1];
  equal(await after("failed: ", () => person(url, code, false)), "the user declined", "what it says");
  await board.until(() => /because: .*\n/.test(board.text), LONG);
});
await check("a certificate of another authority, and one for another name, are refused", async () => {
  const n = log.length;
  const other = await listen(IMPOSTOR, (req, res) => res.end(), "self");
  const wrong = (await listen("device.test", (req, res) => res.end())).replace("device.test", "a.b.wild.test");
  for (const where of [other, wrong])
    equal(await after("failed: ", () => type(`server ${where}/mcp`)), "the peer's certificate is not accepted", where);
  equal(log.length, n, "requests");
});
await check("a name that nobody knows, a port where nobody listens: an error, and the device goes on", async () => {
  equal(await after("failed: ", () => type("server https://nobody.test/mcp")), "the transport failed", "no such name");
  equal(await after("failed: ", () => type("server https://mcp.wild.test:1/mcp")), "the transport failed", "nobody listens");
  const codes = times("code ");
  type(`server ${site}/mcp`);
  await board.until(() => times("code ") > codes, LONG);
});
await check("a server that was away for a while: the device finds it without being told", async () => {
  const before = times("failed: ");
  away = true;
  type("reset");
  await board.until(() => times("failed: ") > before, LONG);
  const codes = times("code ");
  away = false;
  await board.until(() => times("code ") > codes, LONG);
});
await check("the board ended well", async () => {
  const r = await board.quit();
  console.log(`report ${JSON.stringify(r)}`);
  equal(board.ended, 0, "exit code");
  ok(r.stack_used < r.stack, `stack ${r.stack_used} of ${r.stack}`);
  ok(r.client_bytes <= 13 * 1024, `RAM of the client: ${r.client_bytes}`);
});
finish();
