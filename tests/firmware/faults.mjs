// faults.mjs BOARD   Memory protection works: each kind of wild access ends the emulation with the fault's exit code.
import { check, finish, start } from "./board.mjs";

for (const [command, what] of [["w", "a write where there is no memory"], ["n", "a write near address 0"],
  ["f", "a write to flash"], ["o", "an overflow of the stack"]]) {
  const board = await start(`${process.argv[2]}-conformance`);
  board.command(command);
  await board.until(() => board.ended !== null).catch(() => {});
  check(board.ended === 99 && board.text.includes("fault 0x"), `${what}: exit code ${board.ended}, ${board.text}`);
}
finish();
