// soak.mjs BOARD [REQUESTS [device]]   10,000 mixed requests from four connections, half of them malformed: good ones are answered right, bad
// ones refused, and afterwards the board has nothing left in use.
import { check, finish, start, wait } from "./board.mjs";
import { MODERN, Wire, bad, legacy, modern, random } from "./wire.mjs";

const total = Number(process.argv[3] ?? 10000), workers = 4;
const image = process.argv[4] ?? "conformance", board = await start(`${process.argv[2]}-${image}`);
const kinds = new Map();
const count = (what) => kinds.set(what, (kinds.get(what) ?? 0) + 1);

const sensor = { name: "read_sensor", arguments: { channel: 2 } };
const good = image === "device" ? [
  ["sensor", (n) => modern("tools/call", { name: "read_sensor", arguments: { channel: n % 4 } }, n), (r, n) => r.json.result.structuredContent.channel === n % 4],
  ["state", (n) => modern("tools/call", { name: "read_state", arguments: {} }, n), (r) => r.json.result.structuredContent.stack_bytes_used > 0],
  ["light", (n) => modern("tools/call", { name: "set_led", arguments: { on: n % 4 === 1 } }, n), (r, n) => r.json.result.content[0].text.includes(n % 4 === 1 ? "on" : "off")],
  ["name", (n) => modern("tools/call", { name: "set_name", arguments: { name: `board ${n}` } }, n), (r) => !r.json.result.isError],
  ["tools/list", (n) => modern("tools/list", {}, n), (r) => r.json.result.tools.length === 6],
  ["log", (n) => modern("resources/read", { uri: "device://log" }, n), (r) => r.json.result.contents[0].text.includes(" ms: ")],
  ["setting", (n) => modern("resources/read", { uri: "device://settings/none" }, n), (r) => r.json.error !== undefined],
  ["prompt", (n) => modern("prompts/get", { name: "diagnose" }, n), (r) => r.json.result.messages.length === 1],
  ["discover", (n) => modern("server/discover", {}, n), (r) => r.json.result.supportedVersions.includes(MODERN)],
  ["ask", (n) => modern("tools/call", { name: "restart", arguments: {} }, n), (r) => r.json.error.code === -32021],
] : [
  ["echo", (n) => modern("tools/call", { name: "echo", arguments: { text: `hello ${n}` } }, n), (r, n) => r.json.result.content[0].text === `hello ${n}`],
  ["tools/list", (n) => modern("tools/list", {}, n), (r) => r.json.result.tools.length > 30],
  ["image", (n) => modern("tools/call", { name: "test_image_content", arguments: {} }, n), (r) => r.json.result.content[0].type === "image"],
  ["resource", (n) => modern("resources/read", { uri: "test://static-binary" }, n), (r) => r.json.result.contents[0].blob.length > 50],
  ["template", (n) => modern("resources/read", { uri: `test://template/${n}/data` }, n), (r, n) => r.json.result.contents[0].text.includes(`${n}`)],
  ["prompt", (n) => modern("prompts/get", { name: "test_simple_prompt" }, n), (r) => r.json.result.messages.length === 1],
  ["discover", (n) => modern("server/discover", {}, n), (r) => r.json.result.supportedVersions.includes(MODERN)],
  ["ask", (n) => modern("tools/call", { name: "test_missing_capability", arguments: {} }, n), (r) => r.json.error.code === -32021],
  ["progress", (n) => modern("tools/call", { name: "test_tool_with_logging", arguments: {} }, n), (r) => !!r.json.result],
];
let left = total, refused = 0, first;
async function worker(me) {
  const rnd = random(me + 1), sizes = [[Infinity], [Infinity], [1, 7, 50], [300], [536], [200, 1]];
  let wire = new Wire(board.port);
  const renew = () => { wire.close(); wire = new Wire(board.port); };
  const past = [];                    // of this connection, for the message
  const fail = (what, r) => { what = `${what} after ${past.slice(-4)}`; first ??= `${what}: ${r ? `${r.status} ${r.text}` : "no answer"}`; check(false, `${what}: ${r ? `${r.status} ${r.text.slice(0, 200)}` : "no answer"}`); };
  // The answer to text; where the board had no connection left, or ended this one for another's sake before it saw the request, once more.
  async function exchange(text) {
    for (let tries = 0; ; tries++) {
      if (wire.ended) renew();
      await wire.send(text, sizes[rnd(sizes.length)]);
      const r = await wire.read().catch((error) => { fail(`${JSON.stringify(text.slice(0, 400))} ${error}`); return null; });
      past.push(`${text.slice(0, 30).replace(/\s+/g, " ")} ${text.length}: ${r?.status}`);
      const unseen = r === null && wire.ended && wire.bytes.length === 0;
      if (r?.close || r === null) renew();
      if ((r?.status !== 503 && !unseen) || tries > 20) return r;
      refused++;
      await wait(unseen ? 0 : 50);
    }
  }
  while (left > 0 && !first) {
    const n = left--, bits = rnd(100);
    if (n % 2 === 0) {
      const [what, make, statuses] = bad[rnd(bad.length)];
      count(what);
      if (statuses.length === 0) {
        await wire.open;
        await wire.send(make(n, rnd));
        bits < 50 ? wire.reset() : wire.close();
        wire = new Wire(board.port);
        continue;
      }
      const r = await exchange(make(n, rnd));
      if (r && !statuses.includes(r.status)) fail(what, r);
      else if (!r) renew();
    } else if (bits < 6 && me < 3) {
      count("session");
      const r = await exchange(legacy("initialize", { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "s", version: "1" } }));
      const session = r?.headers["mcp-session-id"];
      if (!session) { fail("initialize", r); continue; }
      await exchange(legacy("notifications/initialized", null, session, null));
      const l = await exchange(legacy("tools/call", image === "device" ? sensor : { name: "echo", arguments: { text: "legacy" } }, session, n));
      if (!/volts|"legacy"/.test(JSON.stringify(l?.json.result ?? null))) fail("legacy call", l);
      const d = await exchange(`DELETE /mcp HTTP/1.1\r\nHost: localhost\r\nMcp-Session-Id: ${session}\r\nMCP-Protocol-Version: 2025-11-25\r\n\r\n`);
      if (d?.status !== 204 && d?.status !== 200) fail("DELETE", d);
    } else if (bits < 10) {
      count("left before the answer");
      await wire.open;
      await wire.send(modern("tools/list", {}, n));
      wire.reset();
      wire = new Wire(board.port);
    } else {
      const [what, make, right] = good[rnd(good.length)];
      count(what);
      const r = await exchange(make(n));
      let ok = false;
      try { ok = right(r, n); } catch { /* it is not */ }
      if (!ok) fail(what, r);
    }
    if (board.ended !== null) fail(`the board has died: ${board.text}`);
  }
  wire.close();
}
const began = Date.now();
await Promise.all(Array.from({ length: workers }, (_, i) => worker(i)));
console.log(`${total - left} requests in ${((Date.now() - began) / 1000).toFixed(1)} s, ${refused} answered 503, or their connection ended for another, and repeated`);
console.log([...kinds].sort().map(([k, n]) => `${k} ${n}`).join(", "));
check(left <= 0 && board.ended === null, `all requests sent, the board alive (${board.text})`);
await board.settle();
const report = await board.quit();
console.log(`report ${JSON.stringify(report)}`);
for (const what of ["connections", "buffers", "sessions", "listeners", "slots", "tcp_active", "pbufs", "segments"].filter((what) => what in report))
  check(report[what] === 0, `${what} left in use: ${report[what]}`);
check(report.stack_used < report.stack, `stack ${report.stack_used} of ${report.stack}`);
check(board.ended === 0, `exit code ${board.ended}`);
finish();
