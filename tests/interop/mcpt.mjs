// The command-line client against real servers: the official "everything" server over stdio and HTTP, and our own device.
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { check, device, equal, examples, finish, load, ok, start, until } from "./lib/harness.mjs";
import { createServer } from "node:net";

const state = mkdtempSync(join(tmpdir(), "mcpt-")), mcpt = join(examples, "08_mcpt");
const everything = join(load.resolve("@modelcontextprotocol/server-everything/package.json"), "../dist/index.js");

// Runs mcpt; answers its exit code and what it wrote.
function run(args, input = "") {
  return new Promise((resolve) => {
    const child = execFile(mcpt, args, { env: { ...process.env, MCPT_STATE: join(state, "s"), ...(input && { MCPT_ANSWERS: "1" }) }, timeout: 14000 },
      (error, out, err) => resolve({ code: error ? error.code ?? -1 : 0, out, err }));
    child.stdin.on("error", () => {}).end(input);
  });
}
async function good(args, input) {
  const r = await run(args, input);
  equal(r.code, 0, `mcpt ${args.join(" ")}: ${r.err}`);
  return r;
}
const freePort = () => new Promise((resolve) => {
  const s = createServer().listen(0, "127.0.0.1", () => { const { port } = s.address(); s.close(() => resolve(port)); });
});

async function theDevice(t, words) {
  await check(`${t}: added, listed, called, read, prompted`, async () => {
    ok((await good(["add", "dev", ...words])).out.startsWith("dev is added"), "added");
    const { out } = await good(["list", "dev"]);
    for (const name of ["read_state", "device://log", "device://sensor/{name}", "diagnose"]) ok(out.includes(name), `${name} in ${out}`);
    const state = JSON.parse((await good(["--json", "call", "dev", "read_state"])).out);
    ok(state.structuredContent.processors > 0, "processors");
    ok((await good(["call", "dev", "add_note", "text=written by mcpt"])).out.includes("Noted"), "noted");
    ok((await good(["read", "dev", "device://about"])).out.length > 20, "about");
    ok((await good(["prompt", "dev", "diagnose"])).out.includes("Diagnose"), "diagnose");
  });
  await check(`${t}: progress on standard error, the result on standard output`, async () => {
    const r = await good(["call", "dev", "watch_load", "seconds=2"]);
    ok(r.err.includes("1/2") && r.err.includes("2/2"), r.err);
    equal(JSON.parse(r.out).samples >= 1, true, "samples");
  });
  await check(`${t}: a question to the user, answered and declined`, async () => {
    ok((await good(["call", "dev", "rename_device", "name=lab"], "true\n")).out.includes("lab"), "renamed");
    const r = await run(["call", "dev", "rename_device", "name=other"]);
    equal(r.code, 3, "exit code");
    ok(r.out.includes("not"), r.out);
  });
  await check(`${t}: errors say what to do`, async () => {
    for (const [args, code, says] of [
      [["call", "dev", "nothing"], 1, "mcpt list"], [["call", "dev", "watch_load", "seconds=x"], 2, "JSON"],
      [["call", "dev", "rename_device"], 3, ""], [["read", "dev", "device://nope"], 1, "not found"], [["list", "nobody"], 1, "mcpt servers"],
      [["call", "dev", "add_note", "text"], 2, "KEY=VALUE"], [["bogus"], 2, "usage"], [["add", "a b", "http://localhost/"], 2, "name"]]) {
      const r = await run(args);
      equal(r.code, code, args.join(" ") + r.err);
      ok(r.err.includes(says), `${says} in ${r.err}`);
    }
    ok((await good(["logout", "dev"])).out.includes("forgotten"), "forgotten");
    equal((await good(["servers"])).out, "", "servers");
  });
}

async function theEverything(t, words) {
  await check(`${t}: added, listed, called, read, prompted`, async () => {
    await good(["add", "every", ...words]);
    const { out } = await good(["list", "every"]);
    for (const name of ["echo", "get-sum", "prompts"]) ok(out.includes(name), `${name} in ${out}`);
    equal((await good(["call", "every", "echo", "message=caf\u00e9 \"x\""])).out.trim(), "Echo: caf\u00e9 \"x\"", "echo");
    ok((await good(["call", "every", "get-sum", "a=5", "b=3"])).out.includes("8"), "sum");
    ok((await good(["--json", "call", "every", "get-tiny-image"])).out.includes("image/png"), "image");
    const { out: prompt } = await good(["prompt", "every", "simple-prompt"]);
    ok(prompt.length > 5, prompt);
    const uri = (await good(["list", "every"])).out.match(/^ {2}(demo:\S+)/m)?.[1];
    ok(uri, "a resource");
    ok((await good(["read", "every", uri])).out.length > 5, uri);
  });
  await check(`${t}: progress`, async () => {
    const r = await good(["call", "every", "trigger-long-running-operation", "duration=1", "steps=2"]);
    ok(r.err.includes("1/2") && r.err.includes("2/2"), r.err);
    await good(["logout", "every"]);
  });
}

const served = await start();
await theDevice("device, HTTP", [served.url]);
await served.stop();
await check("a server that is gone", async () => {
  const r = await run(["add", "gone", served.url]);
  equal(r.code, 1, "exit code");
  ok(r.err.includes("Is it running?"), r.err);
});
await theDevice("device, stdio", ["--", device, "--stdio", "--open"]);
await theEverything("everything, stdio", ["--", process.execPath, everything, "stdio"]);
const port = await freePort();
const web = spawn(process.execPath, [everything, "streamableHttp"], { env: { ...process.env, PORT: port }, stdio: ["ignore", "pipe", "pipe"] });
let said = "";
for (const s of [web.stdout, web.stderr]) s.on("data", (d) => { said += d; });
await until(10000, () => /listening|running|port/i.test(said), "the everything server").catch(() => {});
await theEverything("everything, HTTP", [`http://localhost:${port}/mcp`]);
web.kill();
rmSync(state, { recursive: true, force: true });
finish();
