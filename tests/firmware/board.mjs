// board.mjs: runs an image of build/firmware in QEMU, and talks to its console.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const root = join(import.meta.dirname, "../..");
let passed = 0, failed = 0;

export function check(ok, what) {
  if (ok) passed++; else failed++;
  if (!ok) console.log(`FAIL ${what}`);
  return ok;
}

export function finish() {
  console.log(`PASSED ${passed} FAILED ${failed}`);
  process.exit(failed ? 1 : 0);
}

export async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

export const scratch = mkdtempSync(join(tmpdir(), "board-")); // holds the flash of all boards a test starts
const started = new Set();
process.on("exit", () => {
  started.forEach((child) => child.kill("SIGKILL"));
  rmSync(scratch, { recursive: true, force: true });
});
const running = setTimeout(() => { console.log("FAIL: out of time"); process.exit(1); }, 840000);
running.unref();

// Answers when the firmware says that it is ready. options: name=number for the firmware; mcp: a QEMU character device for its MCP
// UART; out: it may make connections, 10.0.2.2 is this host's loopback address; port: of this host, for its own.
export async function start(image, { options = [], mcp = "null", qemu = [], out = false, ready = "listening", port } = {}) {
  const machine = image.match(/^(lm3s6965evb|mps2-an385)-/)[1], tls = /-(tls|mbedtls)$/.test(image);
  port ??= await freePort();
  const child = spawn("qemu-system-arm", ["-M", machine, "-display", "none", "-monitor", "none", "-serial", mcp, "-serial", "stdio",
    "-nic", `user,id=n0,restrict=${out ? "off" : "on"},hostfwd=tcp:127.0.0.1:${port}-:${tls ? 443 : 80}`, "-kernel", join(root, "build/firmware", `${image}.elf`),
    "-semihosting-config", ["enable=on", "target=native", "arg=firmware", `arg=flash=${process.env.BOARD_FLASH ?? join(scratch, "flash")}`, `arg=port=${port}`, ...options.map((o) => `arg=${o}`)].join(","), ...qemu],
  { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, LD_PRELOAD: join(root, "build/firmware/backlog.so") } });
  started.add(child);
  const board = { port, child, text: "", ended: null, url: tls ? `https://localhost:${port}/mcp` : `http://127.0.0.1:${port}/mcp` };
  let changed = () => {};
  const grow = (bytes) => { board.text += bytes; changed(); };
  child.stdout.on("data", grow);
  child.stderr.on("data", grow);
  child.stdin.on("error", () => {});
  child.on("exit", (code) => { board.ended = code; started.delete(child); changed(); });
  board.until = (sign, ms = 20000) => new Promise((done, fail) => {
    const stop = setTimeout(() => { changed = () => {}; fail(new Error(`no ${sign} from the board: ${board.text}`)); }, ms);
    changed = () => {
      if (!(typeof sign === "function" ? sign() : sign instanceof RegExp ? sign.test(board.text) : board.text.includes(sign))) return;
      clearTimeout(stop);
      changed = () => {};
      done();
    };
    changed();
  });
  board.command = (c) => child.stdin.write(c);
  board.report = async (c = out ? "report\n" : "r") => {
    const before = board.text.split("report {").length;
    board.command(c);
    await board.until(() => /report \{.*\}\n/.test(board.text) && board.text.split("report {").length > before &&
      board.text.split("report {").at(-1).includes("}\n"));
    const report = JSON.parse("{" + board.text.split("report {").at(-1).split("}\n")[0] + "}");
    const file = join(root, "build/firmware", `${image}.stack`); // the deepest of all runs of this image
    writeFileSync(file, `${Math.max(report.stack_used, existsSync(file) ? Number(readFileSync(file, "utf8")) : 0)}\n`);
    return report;
  };
  // Waits for connections that end: the board's clock may run slower than ours.
  board.settle = async (ms = 20000) => {
    for (const stop = Date.now() + ms; Date.now() < stop; await wait(250)) {
      const { connections, tcp_active } = await board.report();
      if (connections + tcp_active === 0) break;
    }
  };
  board.quit = async () => {
    const report = await board.report(out ? "quit\n" : "q");
    await board.until(() => board.ended !== null);
    return report;
  };
  await board.until(ready);
  return board;
}

export const wait = (ms) => new Promise((done) => setTimeout(done, ms));
