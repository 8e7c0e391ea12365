// hostile.mjs BOARD   Hostile bytes over real TCP: whatever the segments, the answer is the same; slow readers, pipelined requests,
// more clients than connections, more work than buffers; and all of it again on a network that loses, delays and swaps frames.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { check, finish, root, start, wait } from "./board.mjs";
import { Wire, bad, legacy, modern, post, random } from "./wire.mjs";

const image = `${process.argv[2]}-conformance`;
const corpus = join(root, "tests/fuzz/corpus/http");
const call = (text, id) => modern("tools/call", { name: "echo", arguments: { text } }, id);
const inputs = [
  ...bad.map(([name, make]) => [name, make(7, random(7))]),
  ...readdirSync(corpus).map((file) => [file, readFileSync(join(corpus, file)).toString("latin1")]),
  ["echo", call("a", 1)],
  ["three in a row", call("a", 1) + call("b", 2) + call("c", 3)],
  ["good, then bad", call("a", 1) + "GET \0\r\n\r\n" + call("b", 2)],
  ["legacy", legacy("initialize", { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "w", version: "1" } })],
  ["batch", post([{ jsonrpc: "2.0", id: 1, method: "ping" }, { jsonrpc: "2.0", id: 2, method: "ping" }])],
  ["chunked", call("chunked", 1).replace(/Content-Length: \d+/, "Transfer-Encoding: chunked")
    .replace(/\r\n\r\n(.*)$/s, (_, b) => `\r\n\r\n5\r\n${b.slice(0, 5)}\r\n${(b.length - 5).toString(16)}\r\n${b.slice(5)}\r\n0\r\n\r\n`)],
];

// All that comes back until the board ends the connection, with ids that differ from run to run taken out.
async function answer(port, text, sizes, ms) {
  const wire = new Wire(port);
  await wire.open;
  await wire.send(text, sizes, ms);
  wire.socket.end();
  while (!wire.ended) await wire.more(90000);                // longer than QEMU's network takes for a SYN that was lost
  return wire.bytes.toString("latin1").replace(/[0-9a-f]{32}/g, "ID");
}

function difference(a, b) {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return `at byte ${at} of ${a.length}: ${JSON.stringify(a.slice(at, at + 150))}, whole (${b.length}): ${JSON.stringify(b.slice(at, at + 150))}`;
}

async function invariant(board, list, ways) {
  let same = 0, answered = 0;
  for (const [name, text] of list) {
    const whole = await answer(board.port, text);
    answered += whole.startsWith("HTTP/1.1 ");
    for (const [way, sizes, ms] of ways) {
      const split = await answer(board.port, text, sizes, ms);
      same += split === whole;
      if (split !== whole) check(false, `${name}, ${way}: ${difference(split, whole)}`);
      if (board.ended !== null) { check(false, `the board died of ${name}: ${board.text}`); finish(); }
    }
  }
  console.log(`${list.length} inputs (${answered} answered), ${same} deliveries in pieces with the same answer`);
  check(answered > list.length / 3 && same === list.length * ways.length, `${same} of ${list.length * ways.length} the same`);
}

async function clean(board, what) {
  await board.settle();
  const report = await board.quit();
  console.log(`report ${JSON.stringify(report)}`);
  for (const name of ["connections", "buffers", "listeners", "slots", "tcp_active", "pbufs", "segments"])
    check(report[name] === 0, `${what}: ${name} left in use: ${report[name]}`);
  check(board.ended === 0, `${what}: exit code ${board.ended}`);
  return report;
}

{
  const board = await start(image);
  const rnd = random(3);
  await invariant(board, inputs, [["byte by byte", [1]], ["in threes", [3]], ["head and tail", [40, 1000]],
    ["at random", Array.from({ length: 17 }, () => 1 + rnd(90))], ["slowly", [150, 1], 20]]);
  const many = new Wire(board.port);                        // 4 KB of requests at once: more than the window
  await many.send(Array.from({ length: 8 }, (_, i) => call(`p${i}`, i)).join(""));
  for (let i = 0; i < 8; i++) check((await many.read())?.json.result.content[0].text === `p${i}`, `pipelined ${i}`);
  many.close();

  const slow = new Wire(board.port);                        // does not read for a while
  await slow.open;
  slow.socket.pause();
  await slow.send(Array.from({ length: 20 }, (_, i) => modern("tools/list", {}, i)).join(""));
  await wait(500);
  const other = new Wire(board.port);
  await other.send(call("meanwhile", 1));
  check((await other.read())?.json.result.content[0].text === "meanwhile", "served while another does not read");
  slow.socket.resume();
  for (let i = 0; i < 20; i++) check((await slow.read())?.json.result.tools.length > 30, `list ${i} of the slow reader`);
  slow.close();
  other.close();
  await board.settle();

  const full = Array.from({ length: 6 }, () => new Wire(board.port)), hello = call("hello", 1);   // as many clients as connections, in work all
  for (const w of full) await w.send(hello.slice(0, 20));
  for (const end = Date.now() + 20000; (await board.report()).connections < 6 && Date.now() < end;) await wait(50);
  const more = Array.from({ length: 7 }, () => new Wire(board.port)), since = Date.now(), after = [];    // as many more as it takes at once
  await Promise.all(more.map(async (w) => {
    const r = await w.read();
    after.push(Date.now() - since);
    check(r?.status === 503 && r.headers["retry-after"] && r.close, `one more than six: ${r?.status}`);
  }));
  console.log(`seven refused after ${after.join(", ")} ms`);
  check(after[4] < 1000 && after[5] >= 1000, "five at once, two after they have waited for room");
  for (const w of full) await w.send(hello.slice(20));
  for (const w of full) check((await w.read())?.status === 200, "one of six");
  const last = new Wire(board.port);                                        // whoever was served and waits gives way
  await last.send(call("new", 1));
  check((await last.read())?.json.result.content[0].text === "new", "a new client while six wait for something to ask");
  for (const end = Date.now() + 10000; !full.some((w) => w.ended) && Date.now() < end;) await wait(50);
  check(full.filter((w) => w.ended).length === 1, "one of the six has given way");
  for (const w of full.filter((w) => !w.ended)) { await w.send(call("again", 2)); check((await w.read())?.status === 200, "one of the other five"); }
  [...full, ...more, last].forEach((w) => w.close());
  await board.settle();

  const half = [new Wire(board.port), new Wire(board.port)];                // every buffer holds half a request
  for (const w of half) await w.send(call("never", 1).slice(0, -3));
  await wait(100);
  const third = new Wire(board.port), began = Date.now();
  await third.send(call("patient", 1));
  check((await third.read(25000))?.json.result.content[0].text === "patient", "served when the half requests have timed out");
  console.log(`waited ${Date.now() - began} ms for a buffer`);
  check((await half[0].read())?.status === 408, "half a request is answered 408");
  [...half, third].forEach((w) => w.close());
  await clean(board, "hostile");
}

for (const [what, options] of [["frames lost", ["drop=19"]], ["frames swapped and late", ["swap=4", "hold=7", "hold_ms=12"]],
  ["both", ["drop=31", "swap=5", "hold=9", "hold_ms=3"]]]) {
  const board = await start(image, { options });
  let right = 0, late = 0;
  await Promise.all([0, 1, 2, 3].map(async (me) => {
    const rnd = random(me);
    let wire = new Wire(board.port);
    for (let i = 0; i < 8; i++) {
      const list = i % 4 === 3;
      await wire.send(list ? modern("tools/list", {}, i) : call(`${me}-${i}`, i), [1 + rnd(200), 400], rnd(2) * 3);
      const r = await wire.read(60000).catch((error) => ({ text: String(error) }));
      if ((r === null || r.status === 408) && late++ < 8) { // request or answer took longer than mcpt_server.timeout_ms to get through: once more
        wire.close();
        wire = new Wire(board.port);
        i--;
        continue;
      }
      const ok = r?.status === 200 && (list ? r.json.result.tools.length > 30 : r.json.result.content[0].text === `${me}-${i}`);
      right += ok ? 1 : 0;
      if (!ok) { check(false, `${what}: ${r?.status} ${r?.text}`); break; }
    }
    wire.close();
  }));
  check(right === 32, `${what}: ${right} of 32 answered`);
  const report = await clean(board, what);
  console.log(`${what}: ${report.dropped_in} in and ${report.dropped_out} out lost, ${report.late_in} and ${report.late_out} late, ${late} requests too slow and repeated`);
  check(report.dropped_in + report.late_in > 3 && report.dropped_out + report.late_out > 3, `${what}: the network was good`);
}
finish();
