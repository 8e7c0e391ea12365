// port/tls against OpenSSL and Node: tls_peers.mjs SERVER CLIENT FETCH CERTS [13]   "13": mbedTLS speaks TLS 1.3
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import https from "node:https";
import net from "node:net";
import tls from "node:tls";
import { check, equal, finish, ok, until, within } from "../interop/lib/harness.mjs";

const [server, client, fetcher, certs, thirteen] = process.argv.slice(2);
const ca = readFileSync(`${certs}/ca.pem`);

// Runs a program until its end; input is written to it, then the end of input.
async function run(command, args, input = "") {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
  let out = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => { out += data; });
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const [code] = await within(30000, once(child, "close"), command);
  return { code, out };
}

async function serve(library, settings = {}) {
  const child = spawn(server, ["--port", "0"], {
    env: { ...process.env, TLS_LIBRARY: library, TLS_CERTS: certs, ...settings }, stdio: ["ignore", "pipe", "pipe"],
  });
  const self = { text: "" };
  let errors = "";
  child.stderr.on("data", (data) => { errors += data; });
  child.stdout.on("data", (data) => { self.text += data; });
  await until(10000, () => self.text.includes("\n") || child.exitCode !== null, "the server");
  self.url = self.text.trim();
  self.port = Number(new URL(self.url).port);
  self.stop = async () => {
    const ended = once(child, "close");
    child.kill("SIGTERM");
    const [code] = await within(10000, ended, "the end");
    if (code !== 0) throw new Error(`exit ${code}: ${errors}`);
    return Object.fromEntries([...self.text.matchAll(/(\w+) (\d+)/g)].map(([, k, v]) => [k, Number(v)]));
  };
  return self;
}

const ping = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "server/discover", params: { _meta: {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientInfo": { name: "t", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {} } } });
function post(port, { agent, body = ping, host = "localhost", ...options } = {}) {
  return new Promise((resolve, reject) => {
    const request = https.request({ host, port, path: "/mcp", method: "POST", ca, agent, ...options, headers: {
      "content-type": "application/json", accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2026-07-28", "mcp-method": "server/discover", "content-length": Buffer.byteLength(body) } }, (answer) => {
      let text = "";
      answer.on("data", (data) => { text += data; });
      answer.on("end", () => resolve({ status: answer.statusCode, text, socket: request.socket }));
      answer.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}

const s_client = (port, ...args) => run("openssl", ["s_client", "-connect", `localhost:${port}`, "-CAfile", `${certs}/ca.pem`, ...args]);

for (const library of ["bearssl", "mbedtls"]) {
  const newest = library === "mbedtls" && thirteen ? "TLSv1.3" : "TLSv1.2";
  const name = (text) => `${library} server: ${text}`;
  for (const cert of ["server", "rsa", "leaf"]) {
    await check(name(`openssl with certificate ${cert}`), async () => {
      const s = await serve(library, { TLS_CERT: cert });
      const { out } = await s_client(s.port, "-alpn", "h2,http/1.1", "-verify_return_error", "-verify_hostname", "device.test");
      ok(/Verify return code: 0/.test(out) && /ALPN protocol: http\/1\.1/.test(out) && out.includes(newest), out);
      const old = await s_client(s.port, "-tls1_2", "-verify_return_error");
      ok(/Verify return code: 0/.test(old.out) && old.out.includes("TLSv1.2"), old.out);
      equal((await s.stop()).full, 2, "handshakes");
    });
  }
  await check(name("each AEAD suite, no other"), async () => {
    const s = await serve(library);
    for (const suite of ["AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"]) {
      const { out } = await s_client(s.port, "-tls1_2", "-cipher", `ECDHE-ECDSA-${suite}`);
      ok(out.includes(`Cipher is ECDHE-ECDSA-${suite}`), out);
    }
    for (const suite of ["ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-CCM", "ECDHE-RSA-AES128-GCM-SHA256"]) {
      const { out } = await s_client(s.port, "-tls1_2", "-cipher", `${suite}:@SECLEVEL=0`);
      ok(/alert handshake failure/.test(out), out);
    }
    await s.stop();
  });
  await check(name("TLS 1.0 and 1.1 end in protocol_version"), async () => {
    const s = await serve(library);
    for (const version of ["-tls1", "-tls1_1"]) {
      const { out } = await s_client(s.port, version, "-cipher", "ALL:@SECLEVEL=0");
      ok(/alert protocol version|wrong version number/.test(out) && /Cipher is \(NONE\)/.test(out), out);
    }
    if (newest === "TLSv1.2") ok(/alert (protocol version|handshake failure)/.test((await s_client(s.port, "-tls1_3")).out), "TLS 1.3 alone");
    await s.stop();
  });
  await check(name("h2 alone ends in no_application_protocol, no ALPN is served"), async () => {
    const s = await serve(library);
    ok(/alert no application protocol/.test((await s_client(s.port, "-alpn", "h2")).out), "alert");
    ok(/No ALPN negotiated/.test((await s_client(s.port)).out), "none");
    await s.stop();
  });
  await check(name("openssl resumes"), async () => {
    const s = await serve(library);
    const { out } = await s_client(s.port, "-tls1_2", "-reconnect");
    equal(out.match(/^Reused/gm)?.length, 5, "reused");
    const { full, resumed } = await s.stop();
    equal([full, resumed], [1, 5], "handshakes");
  });
  await check(name("renegotiation is refused"), async () => {
    const s = await serve(library);
    const child = spawn("openssl", ["s_client", "-connect", `localhost:${s.port}`, "-tls1_2"], { stdio: ["pipe", "pipe", "pipe"] });
    let out = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => { out += data; });
    await until(5000, () => out.includes("Verify return code"), "handshake");
    child.stdin.write("R\n");
    await within(5000, once(child, "close"), "the end");
    ok(/no renegotiation/.test(out), out);
    equal((await s.stop()).full, 1, "handshakes");
  });
  await check(name("Node's https and fetch, keep-alive and 300 requests at once"), async () => {
    const s = await serve(library);
    const agent = new https.Agent({ keepAlive: true, maxSockets: 40, ca });
    const answers = await Promise.all(Array.from({ length: 300 }, () => post(s.port, { agent })));
    ok(answers.every(({ status, text }) => status === 200 && JSON.parse(text).result), `status ${answers.map((a) => a.status)}`);
    const address = await post(s.port, { host: "127.0.0.1" });
    equal(address.status, 200, "by address");
    agent.destroy();
    const { full, resumed, open } = await s.stop();
    ok(full + resumed === 41 && open === 0, `${full} ${resumed} ${open}`);
  });
  await check(name("Node resumes its sessions"), async () => {
    const s = await serve(library);
    const agent = new https.Agent({ keepAlive: false, ca });
    for (let i = 0; i < 6; i++) equal((await post(s.port, { agent })).status, 200, "status");
    const { full, resumed } = await s.stop();
    equal([full, resumed], [1, 5], "handshakes");
  });
  await check(name("a client that does not trust it leaves"), async () => {
    const s = await serve(library);
    for (const options of [{ ca: undefined }, { ca: readFileSync(`${certs}/impostor.pem`) }, { servername: "other.test" }]) {
      const error = await post(s.port, options).then(() => null, (e) => e);
      ok(error && /CERT|SIGNATURE|ALTNAME|ISSUER/.test(error.code), `${error?.code}`);
    }
    equal((await post(s.port)).status, 200, "still there");
    await s.stop();
  });
  await check(name("a pool that is empty answers with an alert, and has room again"), async () => {
    const s = await serve(library, { TLS_POOL: "3" });
    const connect = () => new Promise((resolve, reject) => {
      const socket = tls.connect({ host: "127.0.0.1", port: s.port, ca, servername: "localhost" }, () => resolve(socket));
      socket.on("error", reject);
    });
    const open = [await connect(), await connect(), await connect()];
    for (let i = 0; i < 30; i++) {
      const error = await connect().then(() => null, (e) => e);
      ok(/internal error/.test(error?.message) || error?.code === "ECONNRESET", `${error}`);
    }
    open[0].end();
    await once(open[0], "close");
    await until(2000, () => connect().then((socket) => { open.push(socket); return true; }, () => false), "room");
    for (const socket of open) socket.destroy();
    const { refused, open: left } = await s.stop();
    ok(refused >= 30 && left === 0, `${refused} refused`);
  });
  await check(name("handshakes that do not go on are ended, others are served meanwhile"), async () => {
    const s = await serve(library, { TLS_POOL: "8", TLS_TIMEOUT: "700" });
    const silent = net.connect(s.port, "127.0.0.1"), slow = net.connect(s.port, "127.0.0.1");
    const drip = setInterval(() => slow.write(Buffer.from([22])), 50);
    const noise = net.connect(s.port, "127.0.0.1", () => noise.write(Buffer.alloc(10000, 0x16)));
    const ends = [silent, slow, noise].map((socket) => { socket.on("error", () => {}); socket.resume(); return once(socket, "close"); });
    equal((await post(s.port)).status, 200, "meanwhile");
    await within(3000, Promise.all(ends), "the end of them");
    clearInterval(drip);
    const { failed, open } = await s.stop();
    equal([failed, open], [3, 0], "failed, open");
  });
  await check(name("a plain request gets an alert"), async () => {
    const s = await serve(library);
    const socket = net.connect(s.port, "127.0.0.1", () => socket.write("POST /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    const [data] = await within(3000, once(socket, "data"), "an answer");
    ok(data.length === 7 && data[0] === 21 && data[5] === 2, data.toString("hex"));
    await s.stop();
  });
  await check(name("idle connections get close_notify when it stops"), async () => {
    const s = await serve(library);
    const socket = tls.connect({ host: "127.0.0.1", port: s.port, ca, servername: "localhost" });
    await once(socket, "secureConnect");
    let bytes = Buffer.alloc(0);
    const ended = once(socket, "end");    // Node says "end" after close_notify
    socket.resume();
    socket.on("error", () => { bytes = null; });
    await s.stop();
    await within(2000, ended, "close_notify");
    ok(bytes !== null, "an error instead of an end");
  });
  if (library === "bearssl") {
    await check(name("a record longer than the buffer ends in record_overflow"), async () => {
      const s = await serve(library, { TLS_IN: String(4096 + 512) });
      const body = ping.replace(/}$/, `,"x":"${"y".repeat(4000)}"}`);
      equal((await post(s.port, { body: ping })).status, 200, "short");
      const error = await post(s.port, { body: body + " ".repeat(8000) }).then(() => null, (e) => e);
      ok(/record overflow|record_overflow|ECONNRESET|EPIPE|hang up/.test(`${error?.message} ${error?.code}`), `${error}`);
      await s.stop();
    });
    await check(name("max_fragment_length is obeyed"), async () => {
      const s = await serve(library);
      const { out } = await run("openssl", ["s_client", "-connect", `localhost:${s.port}`, "-tls1_2", "-maxfraglen", "512", "-msg"]);
      ok(/Verification|Verify/.test(out) && !/alert/.test(out.replace(/Alert, (level 1|warning).*/g, "")) || /New, TLSv1\.2/.test(out), out);
      await s.stop();
    });
  }
}

async function s_server(...args) {
  const port = await new Promise((resolve) => {
    const probe = net.createServer().listen(0, "127.0.0.1", () => { const { port } = probe.address(); probe.close(() => resolve(port)); });
  });
  const child = spawn("openssl", ["s_server", "-accept", `127.0.0.1:${port}`, "-www", ...args], { stdio: ["pipe", "pipe", "pipe"] });
  let out = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => { out += data; });
  await until(5000, () => out.includes("ACCEPT") || child.exitCode !== null, "s_server");
  return { port, stop: async () => { child.kill("SIGKILL"); await once(child, "close"); return out; } };
}
const identity = (cert) => ["-cert", `${certs}/${cert}.pem`, "-key", `${certs}/${cert}.key`,
  ...cert === "leaf" ? ["-cert_chain", `${certs}/middle.pem`] : []];

for (const library of ["bearssl", "mbedtls"]) {
  const name = (text) => `${library} client: ${text}`;
  const get = async (s, { host = "device.test", trust = "ca", times = 1 } = {}) => {
    const { out } = await run(client, [library, String(s.port), host, `${certs}/${trust}.pem`, String(times)]);
    const numbers = [...out.matchAll(/^err (-?\d+) detail (-?\d+) bytes (\d+) full (\d+) resumed (\d+)/gm)].at(-1);
    if (!numbers) throw new Error(out);
    return { err: Number(numbers[1]), detail: Number(numbers[2]), bytes: Number(numbers[3]), full: Number(numbers[4]),
      resumed: Number(numbers[5]), out };
  };
  const CLOSED = -9, TLS = -12, CERTIFICATE = -13;
  for (const cert of ["server", "rsa", "leaf", "p384"]) {
    await check(name(`openssl s_server with certificate ${cert}`), async () => {
      const s = await s_server(...identity(cert));
      const { err, bytes, out } = await get(s);
      ok((err === CLOSED || err === 0) && bytes > 500 && /HTTP\/1\.0 200/.test(out), out);
      await s.stop();
    });
  }
  await check(name("TLS 1.1 and CBC are refused"), async () => {
    for (const args of [["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256:@SECLEVEL=0"]]) {
      const s = await s_server(...identity("server"), ...args);
      equal((await get(s)).err, TLS, args.join(" "));
      await s.stop();
    }
  });
  await check(name("TLS 1.3 alone"), async () => {
    const s = await s_server(...identity("server"), "-tls1_3");
    const { err, bytes } = await get(s);
    if (library === "mbedtls" && thirteen) ok((err === CLOSED || err === 0) && bytes > 500, `${err}`);
    else equal(err, TLS, "refused");
    await s.stop();
  });
  await check(name("wrong authority, wrong name, self-signed, no name"), async () => {
    const s = await s_server(...identity("server"));
    equal((await get(s, { trust: "impostor" })).err, CERTIFICATE, "authority");
    equal((await get(s, { host: "other.test" })).err, CERTIFICATE, "name");
    equal((await get(s, { host: "127.0.0.2" })).err, CERTIFICATE, "address");
    ok([CLOSED, 0].includes((await get(s, { host: "127.0.0.1" })).err), "right address");
    await s.stop();
    for (const [cert, err] of [["self", CERTIFICATE], ["noname", CERTIFICATE], ["weak", CERTIFICATE]]) {
      const other = await s_server(...identity(cert), "-cipher", "DEFAULT:@SECLEVEL=0");
      equal((await get(other)).err, err, cert);
      await other.stop();
    }
  });
  await check(name("resumes with openssl"), async () => {
    const s = await s_server(...identity("server"), "-tls1_2");
    const { full, resumed } = await get(s, { times: 4 });
    equal([full, resumed], [1, 3], "handshakes");
    await s.stop();
  });
  await check(name("a server that vanishes is not an end"), async () => {
    const relay = net.createServer(async (socket) => {
      const up = net.connect(s.port, "127.0.0.1");
      let down = 0;
      for (const x of [socket, up]) x.on("error", () => {});
      socket.on("data", (data) => up.write(data));
      up.on("data", (data) => { down += data.length; if (down > 2000) { socket.end(data.subarray(0, 5)); up.destroy(); } else socket.write(data); });
    });
    const s = await s_server(...identity("server"), "-tls1_2");
    await new Promise((resolve) => relay.listen(0, "127.0.0.1", resolve));
    const { err } = await get({ port: relay.address().port });
    equal(err, -10, "E_IO");
    relay.close();
    await s.stop();
  });
}
// https outwards, from a server's own loop.
const identityOf = (cert) => ({ cert: readFileSync(`${certs}/${cert}.pem`), key: readFileSync(`${certs}/${cert}.key`) });
for (const library of ["bearssl", "mbedtls"]) {
  await check(`${library}: exchanges over https, ended, cut, refused, resumed`, async () => {
    const sites = await Promise.all(["server", "self"].map((cert) => new Promise((resolve) => {
      const site = https.createServer({ ...identityOf(cert), maxVersion: thirteen ? undefined : "TLSv1.2" }, (request, answer) => {
        if (request.url === "/length") answer.end("x".repeat(5000));
        else if (request.url === "/until") { request.socket.end("HTTP/1.1 200 OK\r\n\r\n" + "x".repeat(3000)); }
        else answer.destroy();
      }).listen(0, "127.0.0.1", () => resolve(site));
      const kept = new Map();                             // session ids: Node leaves them to the application
      site.on("newSession", (id, data, next) => { kept.set(id.toString("hex"), data); next(); });
      site.on("resumeSession", (id, next) => next(null, kept.get(id.toString("hex")) ?? null));
    })));
    const url = (site, path, host = "localhost") => `https://${host}:${sites[site].address().port}${path}`;
    const { code, out } = await run(fetcher, [library, `${certs}/ca.pem`, url(0, "/length"), url(0, "/until"), url(0, "/length"),
      url(0, "/length", "127.0.0.1"), url(1, "/length")]);
    for (const site of sites) site.close();
    const fetched = [...out.matchAll(/^fetch (-?\d+) (\d+) (\d+)$/gm)].map((m) => m.slice(1).map(Number));
    equal(fetched.slice(0, 4), [[0, 200, 5000], [0, 200, 3000], [0, 200, 5000], [0, 200, 5000]], out);
    equal(fetched[4], [-13, 0, 0], "not trusted");
    equal(out.match(/full (\d+) resumed (\d+)/).slice(1).map(Number), [2, 2], "handshakes");
    equal(code, 0, "exit");
  });
  await check(`${library}: a body that is cut short is an error`, async () => {
    const site = tls.createServer({ ...identityOf("server"), maxVersion: thirteen ? undefined : "TLSv1.2" });
    const relay = net.createServer((socket) => {        // passes bytes on until the first of the body, then vanishes
      const up = net.connect(site.address().port, "127.0.0.1");
      let down = 0;
      for (const x of [socket, up]) x.on("error", () => {});
      socket.on("data", (data) => up.write(data));
      up.on("data", (data) => { down += data.length; socket.write(data); if (down > 20000) { socket.end(); up.destroy(); } });
    });
    site.on("secureConnection", (socket) => { socket.on("error", () => {}); socket.write("HTTP/1.1 200 OK\r\n\r\n" + "x".repeat(30000)); });
    await new Promise((resolve) => site.listen(0, "127.0.0.1", resolve));
    await new Promise((resolve) => relay.listen(0, "127.0.0.1", resolve));
    const { out } = await run(fetcher, [library, `${certs}/ca.pem`, `https://localhost:${relay.address().port}/`]);
    const [, e, status] = out.match(/^fetch (-?\d+) (\d+)/m);
    equal([Number(e), Number(status)], [-10, 200], out);
    site.close();
    relay.close();
  });
}
finish();
