// port/curl: the client and a server's exchanges over libcurl. Proxies of every kind of answer (tinyproxy), certificates, and that
// nothing happens behind the library's back: no redirect is followed, no cookie kept, events come one by one, cancelling hangs up.
import { spawn } from "node:child_process";
import { lookup } from "node:dns/promises";
import { createServer as httpServer } from "node:http";
import { createServer as httpsServer } from "node:https";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { TLSSocket } from "node:tls";
import { check, equal, finish, load, ok, start, until } from "./lib/harness.mjs";

const directory = mkdtempSync(join(tmpdir(), "curl-")), file = (name) => join(directory, name);
const program = new URL("../../build/san/tests/interop/curl", import.meta.url).pathname;
const everything = join(load.resolve("@modelcontextprotocol/server-everything/package.json"), "../dist/index.js");
const closing = [];

// Runs the program; answers its lines by their first word, and what it wrote so far while it runs.
function run(args, environment = {}) {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/_proxy$/i.test(name)));
  const child = spawn(program, args, { env: { ...clean, ...environment }, stdio: ["ignore", "pipe", "pipe"] });
  const self = { text: "", errors: "" };
  child.stdout.on("data", (data) => { self.text += data; });
  child.stderr.on("data", (data) => { self.errors += data; });
  self.ended = new Promise((resolve) => child.on("close", (code) => {
    const lines = {};
    for (const [, word, rest] of self.text.matchAll(/^(\w+) (.*)$/gm)) (lines[word] ??= []).push(rest);
    resolve({ code, ...lines, text: self.text + self.errors });
  }));
  return self;
}
async function ends(args, environment) {
  const r = await run(args, environment).ended;
  equal(r.code, 0, `${args.join(" ")}: ${r.text}`);        // sanitizers end it otherwise
  return r;
}
function listen(server, host = "127.0.0.1") {
  return new Promise((resolve) => server.listen(0, host, () => { closing.push(server); resolve(server.address().port); }));
}
async function proxy(...lines) {
  const port = await new Promise((resolve) => { const s = createServer().listen(0, "127.0.0.1", () => { const { port } = s.address(); s.close(() => resolve(port)); }); });
  const conf = file(`proxy-${port}.conf`);
  writeFileSync(conf, [`Port ${port}`, "Listen 127.0.0.1", "LogLevel Connect", "MaxClients 20", ...lines, ""].join("\n"));
  const child = spawn("tinyproxy", ["-d", "-c", conf], { stdio: ["ignore", "pipe", "pipe"] });
  const self = { port, text: "", host: `127.0.0.1:${port}`, child };
  for (const s of [child.stdout, child.stderr]) s.on("data", (data) => { self.text += data; });
  closing.push({ close: () => child.kill() });
  const knock = () => new Promise((resolve) => {
    const s = connect(port, "127.0.0.1", () => { s.destroy(); resolve(true); }).on("error", () => resolve(false));
  });
  await until(10000, knock, "tinyproxy");
  self.asked = (what) => self.text.split("\n").filter((line) => line.includes(`CONNECT ${what}`)).length;
  return self;
}

const plain = await start(), { port } = new URL(plain.url);
const tls = await start({ args: ["--open", "--port", "0", "--tls-dir", directory] }), tlsPort = new URL(tls.url).port;
const trust = ["--ca", file("device.crt")], identity = { cert: readFileSync(file("device.crt")), key: readFileSync(file("device.key")) };
const open = await proxy(), locked = await proxy("BasicAuth ada secret"), narrow = await proxy("ConnectPort 443");
const state = /"processors":\d/;

await check("a call without a proxy, http and https", async () => {
  ok(state.test((await ends(["call", plain.url, "read_state"])).result[0]), "http");
  ok(state.test((await ends(["call", tls.url, "read_state", ...trust])).result[0]), "https");
  ok(state.test((await ends(["call", `https://[::1]:${tlsPort}/mcp`, "read_state", ...trust])).result[0]), "an IPv6 literal");
});
await check("the proxies of the environment, by CONNECT", async () => {
  ok(state.test((await ends(["call", plain.url, "read_state"], { http_proxy: `http://${open.host}` })).result[0]), "http");
  equal(open.asked(`localhost:${port}`) > 0, true, "http goes through it");
  ok(state.test((await ends(["call", tls.url, "read_state", ...trust], { https_proxy: `http://${open.host}` })).result[0]), "https");
  equal(open.asked(`localhost:${tlsPort}`) > 0, true, "https goes through it");
  const before = open.asked("");
  const r = await ends(["call", tls.url, "read_state", ...trust], { https_proxy: `http://${open.host}`, no_proxy: "example.com,localhost" });
  ok(state.test(r.result[0]), "no_proxy");
  ok(state.test((await ends(["call", tls.url, "read_state", "--proxy", "", ...trust], { https_proxy: `http://${open.host}` })).result[0]), "proxy \"\"");
  equal(open.asked(""), before, "neither goes through it");
});
await check("a proxy with a password, and what the person is told", async () => {
  ok(state.test((await ends(["call", tls.url, "read_state", "--proxy", `http://ada:secret@${locked.host}`, ...trust])).result[0]), "with it");
  for (const [by, status] of [[`http://${locked.host}`, "407"], [`http://ada:wrong@${locked.host}`, "40"], [`http://${narrow.host}`, "403"]]) {
    const r = await ends(["call", tls.url, "read_state", "--proxy", by, ...trust]);
    equal(r.outcome[0].startsWith("the transport failed"), true, r.outcome[0]);
    ok(r.reason[0].includes(status), r.reason[0]);
  }
  const gone = await ends(["call", tls.url, "read_state", "--proxy", "http://127.0.0.1:1", ...trust]);
  ok(gone.outcome[0].startsWith("the transport failed") && gone.reason[0] !== "", gone.text);
});
await check("a certificate that nobody vouches for, and one for another name, are refused before a byte is said", async () => {
  let heard = 0;
  const other = httpsServer(identity, (q, a) => { heard++; a.end(); }), otherPort = await listen(other, "127.0.0.2");
  for (const args of [["call", tls.url, "read_state"], ["call", `https://127.0.0.2:${otherPort}/mcp`, "x", ...trust],
    ["call", tls.url, "read_state", "--proxy", `http://${open.host}`]]) {
    const r = await ends(args);
    ok(r.outcome[0].startsWith("the peer's certificate is not accepted"), `${args}: ${r.text}`);
  }
  equal((await ends(["exchange", `https://127.0.0.2:${otherPort}/`, "--trusted", ...trust])).done, Array(2).fill("the peer's certificate is not accepted"), "an exchange");
  equal(heard, 0, "requests");
});

// A server of the revision 2026-07-28 that answers tools/call as the test says.
const requests = [];
let answer;
const scripted = httpServer((q, a) => {
  let text = "";
  q.on("data", (data) => { text += data; });
  q.on("end", () => {
    const message = JSON.parse(text || "{}");
    requests.push({ message, headers: q.headers, url: q.url });
    a.setHeader("Set-Cookie", "a=b; Path=/");
    if (message.method === "tools/call") return answer(q, a, message);
    a.setHeader("Content-Type", "application/json");
    a.end(JSON.stringify({ jsonrpc: "2.0", id: message.id, result: { resultType: "complete", supportedVersions: ["2026-07-28"],
      capabilities: { tools: {} }, serverInfo: { name: "s", version: "1" } } }));
  });
});
const scriptedUrl = `http://localhost:${await listen(scripted, "localhost")}/mcp`;
const event = (a, message) => a.write(`data: ${JSON.stringify({ jsonrpc: "2.0", ...message })}\n\n`);
const progress = (a, n) => event(a, { method: "notifications/progress", params: { progressToken: 1, progress: n } });

await check("events are handed over as they come", async () => {
  let go;
  answer = (q, a, message) => {
    a.writeHead(200, { "Content-Type": "text/event-stream" });
    progress(a, 1);
    go = () => { event(a, { id: message.id, result: { resultType: "complete", content: [] } }); a.end(); };
  };
  const self = run(["call", scriptedUrl, "slow"]);
  await until(10000, () => self.text.includes("note notifications/progress"), "the first event");
  equal(self.text.includes("outcome"), false, "it is not over");
  go();
  const r = await self.ended;
  equal([r.code, r.outcome], [0, ["ok 0"]], r.text);
});
await check("cancelling closes the stream", async () => {
  let closed = false;
  answer = (q, a) => {
    a.on("close", () => { closed = true; });
    a.writeHead(200, { "Content-Type": "text/event-stream" });
    progress(a, 1);
  };
  ok((await ends(["call", scriptedUrl, "slow", "--cancel"])).outcome[0].startsWith("the request was cancelled"), "outcome");
  await until(5000, () => closed, "the server sees it");
});
await check("a redirect is not followed, a cookie not kept", async () => {
  let elsewhere = 0;
  const other = httpServer((q, a) => { elsewhere++; a.end(); }), to = await listen(other);
  answer = (q, a) => { a.writeHead(307, { Location: `http://127.0.0.1:${to}/mcp` }); a.end(); };
  equal((await ends(["call", scriptedUrl, "x"])).outcome, ["the answer's HTTP status is an error 307"], "outcome");
  equal(elsewhere, 0, "requests at the other server");
  ok(requests.length > 4 && requests.every((r) => r.headers.cookie === undefined), "no cookie");
});
await check("limits: an answer too long, none at all, a handshake that does not end", async () => {
  answer = (q, a, message) => {
    a.setHeader("Content-Type", "application/json");
    a.end(JSON.stringify({ jsonrpc: "2.0", id: message.id, result: { resultType: "complete", content: [{ type: "text", text: "x".repeat(200000) }] } }));
  };
  ok((await ends(["call", scriptedUrl, "x"])).outcome[0].startsWith("a buffer is too small"), "too long");
  answer = () => {};
  ok((await ends(["call", scriptedUrl, "x", "--timeout-ms", "700"])).outcome[0].startsWith("the deadline passed"), "silence");
  const silent = await listen(createServer((s) => s.on("error", () => {})));
  ok((await ends(["call", `https://127.0.0.1:${silent}/mcp`, "x", "--connect-ms", "300"])).outcome[0].startsWith("the deadline passed"), "handshake");
  equal((await ends(["exchange", `https://127.0.0.1:${silent}/`, "--trusted", "--timeout-ms", "300"])).done, Array(2).fill("the deadline passed"), "an exchange");
  equal((await ends(["exchange", `https://127.0.0.1:${silent}/`, "--trusted", "--stop"])).done, Array(2).fill("the request was cancelled"), "stopped");
});

// the address of this machine's own name, when it leads inside: what a foreign URL must not
const named = await lookup(hostname()).then(({ address }) => /^(10|127|172|192\.168)\./.test(address) && address, () => null);
let size = 5, hits = 0;
const big = httpsServer(identity, (q, a) => { hits++; a.end("x".repeat(size)); }), bigPort = await listen(big);
await check("exchanges: bodies, their limit, the addresses they may reach", async () => {
  const url = `https://127.0.0.1:${bigPort}/keys`;
  equal([(await ends(["exchange", url, "--trusted", ...trust])).done, hits], [["ok", "ok"], 2], "trusted");
  size = 700000;
  equal((await ends(["exchange", url, "--trusted", ...trust])).bytes, ["700000", "700000"], "a large body");
  size = 1500000;
  equal((await ends(["exchange", url, "--trusted", ...trust])).done, Array(2).fill("a limit is reached"), "more than 1 MB");
  hits = 0;
  for (const host of ["127.0.0.1", "2130706433", "[::ffff:127.0.0.1]"]) {
    const inside = await ends(["exchange", `https://${host}:${bigPort}/`, ...trust]);
    ok((inside.done ?? inside.start).every((e) => e !== "ok"), inside.text);
  }
  if (named) {
    const inside = await ends(["exchange", `https://${hostname()}:${await listen(httpsServer(identity, (q, a) => { hits++; a.end(); }), named)}/`, ...trust]);
    equal(inside.done, Array(2).fill("the transport failed"), inside.text);
  }
  equal(hits, 0, "requests");
});
await check("exchanges: not through a proxy of the environment, through one of their own", async () => {
  size = 5;
  const url = `https://127.0.0.1:${bigPort}/keys`, before = open.asked("");
  equal((await ends(["exchange", url, "--trusted", ...trust], { https_proxy: `http://${open.host}` })).done, ["ok", "ok"], "environment");
  equal(open.asked(""), before, "not through it");
  equal((await ends(["exchange", url, "--trusted", "--proxy", `http://${open.host}`, ...trust])).done, ["ok", "ok"], "its own");
  equal(open.asked(`127.0.0.1:${bigPort}`), 2, "through it");
});
await check("a body that the end of the connection ends: over TLS nobody knows whether it was cut (RFC 8446 section 6.1)", async () => {
  const half = (s, end) => {
    s.on("error", () => {});
    s.once("data", () => s.write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf of i", end));
  };
  const cut = await listen(createServer((raw) => {
    raw.on("error", () => {});
    half(new TLSSocket(raw, { isServer: true, ...identity }), () => raw.destroy());
  }));
  equal((await ends(["exchange", `https://127.0.0.1:${cut}/`, "--trusted", ...trust])).done, Array(2).fill("the transport failed"), "TLS");
  const whole = await listen(createServer((s) => half(s, () => s.end())));
  equal((await ends(["exchange", `http://127.0.0.1:${whole}/`, "--loopback"])).done, ["ok", "ok"], "http");
});
await check("the official everything server, through a proxy", async () => {
  const at = await new Promise((resolve) => { const s = createServer().listen(0, "127.0.0.1", () => { const { port } = s.address(); s.close(() => resolve(port)); }); });
  const web = spawn(process.execPath, [everything, "streamableHttp"], { env: { ...process.env, PORT: at }, stdio: ["ignore", "pipe", "pipe"] });
  closing.push({ close: () => web.kill() });
  let said = "";
  for (const s of [web.stdout, web.stderr]) s.on("data", (data) => { said += data; });
  await until(10000, () => /listening|running|port/i.test(said), "the everything server");
  const through = { http_proxy: `http://${open.host}` }, url = `http://localhost:${at}/mcp`;
  ok((await ends(["call", url, "echo", "{\"message\":\"caf\u00e9\"}"], through)).result[0].includes("Echo: caf\u00e9"), "echo");
  const r = await ends(["call", url, "trigger-long-running-operation", "{\"duration\":1,\"steps\":2}"], through);
  equal(r.note.filter((line) => line.startsWith("notifications/progress")).length, 2, r.text);
  ok(open.asked(`localhost:${at}`) > 0, "through it");
});
await plain.stop();
await tls.stop();
for (const server of closing) { server.closeAllConnections?.(); server.close(); }
rmSync(directory, { recursive: true });
finish();
