// power.mjs BOARD   The emulator is killed in the middle of writes to the flash store, again and again: the device comes up with the
// name it had acknowledged, or with the one it was being given.
import { check, finish, start, wait } from "./board.mjs";
import { Wire, modern, random } from "./wire.mjs";

const rnd = random(1), allowed = new Set(["board"]);
let writes = 0, inFlight = 0;
for (let round = 0; round < 25; round++) {
  const board = await start(`${process.argv[2]}-device`);
  const wire = new Wire(board.port);
  await wire.send(modern("tools/call", { name: "read_state", arguments: {} }));
  const name = (await wire.read())?.json.result.structuredContent.name;
  check(allowed.has(name), `round ${round}: ${name}, not one of ${[...allowed]}`);
  allowed.clear();
  allowed.add(name);
  let stop = false;
  const killed = wait(20 + rnd(150)).then(() => { stop = true; board.child.kill("SIGKILL"); });
  while (!stop) {
    const next = `${round}-${writes}-${"x".repeat(rnd(30))}`;
    allowed.add(next);                // from now on it may be there
    await wire.send(modern("tools/call", { name: "set_name", arguments: { name: next } }));
    const r = await wire.read().catch(() => null);
    if (r?.status !== 200) break;
    writes++;
    allowed.clear();
    allowed.add(next);                // from now on it must be
  }
  await killed;
  inFlight += allowed.size - 1;
  wire.close();
  await board.until(() => board.ended !== null || board.child.signalCode !== null);
}
console.log(`${writes} names written, 25 times killed, ${inFlight} times with a write under way`);
check(writes > 100, `${writes} writes`);
finish();
