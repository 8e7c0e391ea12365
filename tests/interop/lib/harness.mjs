// What the interoperability tests share: finding the SDKs, starting and stopping the device, checks and the count.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const modules = process.env.NODE_MODULES ?? join(root, "build/node/node_modules");
export const load = createRequire(join(modules, "any.js"));
export const device = process.env.DEVICE ?? join(root, "build/device");
export const examples = process.env.EXAMPLES ?? join(root, "build/o/examples");

let passed = 0, failed = 0;
const running = new Set();

export function equal(found, wanted, what) {
  if (!isDeepStrictEqual(found, wanted)) throw new Error(`${what}: ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
}

export function ok(condition, what) {
  if (!condition) throw new Error(what);
}

// The error that work ends in; an error of its own when it does not.
export async function failure(work, what) {
  let result;
  try {
    result = await work;
  } catch (error) {
    return error;
  }
  throw new Error(`${what}: no error but ${JSON.stringify(result)}`);
}

export function within(ms, work, what) {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms); });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

export async function until(ms, condition, what) {
  for (const end = Date.now() + ms; !await condition(); await new Promise((resolve) => setTimeout(resolve, 20)))
    if (Date.now() > end) throw new Error(`${what}: not within ${ms} ms`);
}

// One line for each check. A check that fails does not stop the others.
export async function check(name, work, ms = 15000) {
  try {
    await within(ms, work(), "the check");
    passed++;
    console.log(`ok   ${name}`);
    return true;
  } catch (error) {
    failed++;
    console.log(`FAIL ${name}\n     ${String(error?.stack ?? error).split("\n").slice(0, 4).join("\n     ")}`);
    return false;
  }
}

// Starts the device (or another server) on a free port; answers its URL, what it wrote, and how to stop it.
// With DEVICE_TLS=DIRECTORY it serves https with the certificate there.
export async function start({ command = device, args = ["--open", "--port", "0"] } = {}) {
  if (process.env.DEVICE_TLS && command === device && !args.includes("--stdio")) args = [...args, "--tls-dir", process.env.DEVICE_TLS];
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  const self = { child, url: null, text: "" };
  running.add(child);
  self.ended = new Promise((resolve) => child.on("exit", (code, signal) => resolve({ code, signal })));
  self.ended.then(() => running.delete(child));
  child.on("error", (error) => { self.text += `${error}\n`; });
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => { self.text += data; });
  self.stop = async () => {
    child.kill("SIGTERM");
    return within(5000, self.ended, "the end after SIGTERM");
  };
  await until(10000, () => {
    self.url = self.text.match(/https?:\/\/[\w.[\]:]+\/mcp\b/)?.[0];
    return self.url || child.exitCode !== null;
  }, "the device's URL");
  if (!self.url) throw new Error(`the device ended: ${self.text}`);
  return self;
}

export function finish() {
  for (const child of running) child.kill("SIGKILL");
  console.log(`PASSED ${passed} FAILED ${failed}`);
  process.exit(failed ? 1 : 0);
}

process.on("unhandledRejection", (error) => {
  failed++;
  console.log(`FAIL unhandled: ${error?.stack ?? error}`);
});
