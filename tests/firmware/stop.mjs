// stop.mjs BOARD   The port's graceful stop finishes what is in work and takes nothing new; destroying it ends everything at once, and
// it can begin again in the same memory.
import { check, finish, start, wait } from "./board.mjs";
import { Wire, modern } from "./wire.mjs";

const board = await start(`${process.argv[2]}-conformance`);
const call = (name, args, id) => modern("tools/call", { name, arguments: args ?? {} }, id);
const echo = async (wire, text) => {
  await wire.send(call("echo", { text }, 1));
  return (await wire.read().catch(() => null))?.json?.result?.content[0].text === text;
};

const idle = new Wire(board.port), work = new Wire(board.port), watch = new Wire(board.port);
check(await echo(idle, "idle"), "a connection that idles");
await watch.send(modern("subscriptions/listen", { notifications: { toolsListChanged: true } }, 5));
while (!watch.bytes.includes("acknowledged")) await watch.more(5000);
await work.send(call("slow_compute", { seconds: 1, label: "slow" }, 2));
await wait(200);
board.command("s");
const r = await work.read();
check(r !== null && (r.json.result ?? r.json.error) !== undefined, `the call in work is answered: ${r?.status} ${r?.text}`);
console.log(`the call in work: ${r?.status} ${r?.text}`);
while (!idle.ended) await idle.more(5000);
check(true, "the idle connection is ended");
while (!watch.ended) await watch.more(5000);
check(watch.bytes.toString().includes('"id":5'), `the event stream had its last result: ${watch.bytes}`);
await board.settle();
const late = new Wire(board.port);
check(!await echo(late, "late"), "nobody is served after the stop");
let report = await board.report();
check(report.connections + report.buffers + report.listeners + report.slots === 0, `left: ${JSON.stringify(report)}`);

board.command("x");
await board.until(() => board.text.split("listening").length === 3);
const again = new Wire(board.port);
check(await echo(again, "again"), "served again after destroy and init");
await again.send(call("echo", { text: "half" }, 1).slice(0, -4)); // now it holds a buffer
await wait(100);
board.command("x");
await board.until(() => board.text.split("listening").length === 4);
while (!again.ended) await again.more(5000);
check(again.bytes.length === 0, "a connection in work is ended at once");
const third = new Wire(board.port);
check(await echo(third, "third"), "served once more");
third.close();
await board.settle();
report = await board.quit();
check(report.connections + report.buffers + report.tcp_active + report.pbufs + report.segments === 0, `left: ${JSON.stringify(report)}`);
check(board.ended === 0, `exit code ${board.ended}`);
finish();
