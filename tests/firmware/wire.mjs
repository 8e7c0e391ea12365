// wire.mjs: an HTTP client over a raw socket, for requests that no client library would send.
import { connect } from "node:net";

export const MODERN = "2026-07-28", LEGACY = "2025-11-25";
const META = { "io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientInfo": { name: "wire", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {} };
const NAMES = { "tools/call": "name", "prompts/get": "name", "resources/read": "uri" };

export function post(body, fields = {}, { host = "localhost" } = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body); // one byte a character
  const all = { Host: host, Accept: "application/json, text/event-stream", "Content-Type": "application/json",
    "Content-Length": text.length, ...fields };
  return "POST /mcp HTTP/1.1\r\n" + Object.entries(all).filter(([, v]) => v !== null).map(([k, v]) => `${k}: ${v}\r\n`).join("") + "\r\n" + text;
}

export function modern(method, params = {}, id = 1) {
  const fields = { "MCP-Protocol-Version": MODERN, "Mcp-Method": method };
  if (NAMES[method]) fields["Mcp-Name"] = params[NAMES[method]];
  return post({ jsonrpc: "2.0", id, method, params: { ...params, _meta: META } }, fields);
}

export function legacy(method, params, session, id = 1) {
  return post({ jsonrpc: "2.0", ...(id === null ? {} : { id }), method, ...(params ? { params } : {}) },
    { "Mcp-Session-Id": session ?? null, "MCP-Protocol-Version": session ? LEGACY : null });
}

const call = (n) => modern("tools/call", { name: "echo", arguments: { text: "x" } }, n);
// What it is, its bytes, the statuses that are right. An empty list: the client leaves in the middle.
export const bad = [
  ["no JSON", (n, r) => post("{".repeat(1 + r(30))), [400]],
  ["cut JSON", (n) => post(`{"jsonrpc":"2.0","id":${n},"method":"ping"`), [400]],
  ["not UTF-8", () => post("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\xfe\"}"), [400]],
  ["deep JSON", () => post("[".repeat(200)), [400]],
  ["trailing text", (n) => post(`{"jsonrpc":"2.0","id":${n},"method":"ping"} x`), [400]],
  ["duplicate key", (n) => post(`{"jsonrpc":"2.0","id":${n},"id":2,"method":"ping"}`), [400]],
  ["no tool", (n) => modern("tools/call", { name: "nothing", arguments: {} }, n), [200, 400, 404]],
  ["bad arguments", (n) => modern("tools/call", { name: "echo", arguments: { text: 5 } }, n), [200, 400]],
  ["no method", (n) => modern("nothing/here", {}, n), [404, 400, 200]],
  ["header and body differ", (n) => call(n).replace("Mcp-Name: echo", "Mcp-Name: other"), [400]],
  ["media type", (n) => call(n).replace("application/json\r\n", "text/plain\r\n"), [415, 400]],
  ["foreign Host", (n) => call(n).replace("Host: localhost", "Host: evil.example"), [403, 421]],
  ["foreign Origin", (n) => call(n).replace("Host: localhost", "Host: localhost\r\nOrigin: https://evil.example"), [403]],
  ["two lengths", (n) => call(n).replace("Content-Length", "Content-Length: 5\r\nContent-Length"), [400]],
  ["length and chunked", (n) => call(n).replace("Content-Length", "Transfer-Encoding: chunked\r\nContent-Length"), [400]],
  ["bare LF", (n) => call(n).replaceAll("\r\n", "\n"), [400]],
  ["HTTP/2.0", (n) => call(n).replace("HTTP/1.1", "HTTP/2.0"), [505, 400]],
  ["no such path", (n) => call(n).replace("/mcp", "/other"), [404]],
  ["PUT", (n) => call(n).replace("POST", "PUT"), [405]],
  ["big head", (n) => call(n).replace("Host:", `X-Filler: ${"x".repeat(3000)}\r\nHost:`), [431]],
  ["long target", (n) => call(n).replace("/mcp", "/" + "x".repeat(3000)), [414, 404]],
  ["big body", () => post("x".repeat(100), { "Content-Length": 1000000 }), [413]],
  ["no length", (n) => call(n).replace(/Content-Length: \d+\r\n/, "").replace(/\r\n\r\n.*/, "\r\n\r\n"), [411]],
  ["binary", (n, r) => Buffer.from(Array.from({ length: 60 }, () => r(256))).toString("latin1") + "\r\n\r\n", [400, 505, 501]],
  ["no session", (n) => legacy("tools/list", null, "0".repeat(32), n), [404]],
  ["half a head", (n, r) => call(n).slice(0, 20 + r(150)), []],
  ["half a body", (n) => call(n).slice(0, -5), []],
];


// One connection. read() answers the next response: status, headers, text (of a stream: its data lines), or null at the end.
export class Wire {
  constructor(port) {
    this.socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.bytes = Buffer.alloc(0);
    this.ended = false;
    this.wake = () => {};
    this.socket.on("data", (d) => { this.bytes = Buffer.concat([this.bytes, d]); this.wake(); });
    for (const event of ["end", "close", "error"]) this.socket.on(event, () => { this.ended = true; this.wake(); });
    this.open = new Promise((done) => { this.socket.on("connect", done); this.socket.on("close", done); });
  }

  async more(ms) {
    const before = this.bytes.length, stop = Date.now() + ms;
    while (!this.ended && this.bytes.length === before && Date.now() < stop) {
      await new Promise((done) => { const t = setTimeout(done, stop - Date.now()); this.wake = () => { clearTimeout(t); done(); }; });
    }
    if (!this.ended && this.bytes.length === before) throw new Error(`nothing for ${ms} ms after ${JSON.stringify(this.bytes.toString("latin1").slice(-80))}`);
    return this.bytes.length > before;
  }

  async line(ms) {
    let at;
    while ((at = this.bytes.indexOf("\r\n")) < 0) if (!await this.more(ms)) return null;
    const text = this.bytes.toString("latin1", 0, at);
    this.bytes = this.bytes.subarray(at + 2);
    return text;
  }

  async take(n, ms) {
    while (this.bytes.length < n) if (!await this.more(ms)) return null;
    const text = this.bytes.toString("utf8", 0, n);
    this.bytes = this.bytes.subarray(n);
    return text;
  }

  async read(ms = 20000) {
    const first = await this.line(ms);
    if (first === null) return null;
    const headers = {}, status = Number(first.match(/^HTTP\/1\.1 (\d{3}) /)?.[1]);
    for (let line; (line = await this.line(ms)) !== ""; ) {
      if (line === null) return null;
      const at = line.indexOf(":");
      headers[line.slice(0, at).toLowerCase()] = line.slice(at + 1).trim();
    }
    let text = "";
    if (headers["transfer-encoding"] === "chunked") {
      for (let size; (size = parseInt(await this.line(ms) ?? "", 16)) !== 0; ) {
        const chunk = Number.isNaN(size) ? null : await this.take(size, ms);
        if (chunk === null || await this.line(ms) === null) return null;      // cut off
        text += chunk;
      }
      await this.line(ms);
    } else {
      text = await this.take(Number(headers["content-length"] ?? 0), ms);
      if (text === null) return null;
    }
    return { status, headers, text, close: headers.connection === "close",
      get json() { return JSON.parse(text.includes("\ndata: ") || text.startsWith("data: ") ? text.split("data: ").at(-1) : text); } };
  }

  // Sends text in pieces of the given sizes (used in turn), each in a segment of its own as far as the system lets us.
  async send(text, sizes = [Infinity], ms = 0) {
    const bytes = Buffer.from(text, "latin1");
    for (let at = 0, i = 0; at < bytes.length && !this.ended; i++) {
      const end = Math.min(bytes.length, at + sizes[i % sizes.length]);
      this.socket.write(bytes.subarray(at, end));
      at = end;
      if (at < bytes.length) await new Promise((done) => ms > 0 ? setTimeout(done, ms) : setImmediate(done));
    }
  }

  close() { this.socket.end(); }
  reset() { this.socket.on("error", () => {}); this.socket.resetAndDestroy(); }
}

// Deterministic: the same numbers in every run.
export function random(seed) {
  let s = seed >>> 0;
  return (n) => { s = (Math.imul(s, 1664525) + 1013904223) >>> 0; return Math.floor(s / 4294967296 * n); };
}
