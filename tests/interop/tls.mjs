// The official SDKs over https: the same tests, with a device that made its own certificate; then paired with it (lib/pairing_tls.mjs).
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { check, equal, finish, ok, start, until } from "./lib/harness.mjs";

const directory = mkdtempSync(join(tmpdir(), "device-tls-"));
const file = (name) => join(directory, name);
process.env.DEVICE_TLS = directory;

await check("the device makes a key and a certificate, and keeps them", async () => {
  const server = await start();
  ok(server.url.startsWith("https://localhost:"), server.url);
  await until(5000, () => server.text.includes(`NODE_EXTRA_CA_CERTS=${file("device.crt")}`), "what it says about trust");
  equal((await server.stop()).code, 0, "exit");
  equal(statSync(file("device.key")).mode & 0o777, 0o600, "mode of the key");
  const [certificate, key] = [readFileSync(file("device.crt"), "utf8"), readFileSync(file("device.key"), "utf8")];
  equal((await (await start()).stop()).code, 0, "exit");
  equal([readFileSync(file("device.crt"), "utf8"), readFileSync(file("device.key"), "utf8")], [certificate, key], "kept");
});
await check("a certificate that was lost is made again with the same key; a damaged key is not overwritten", async () => {
  const key = readFileSync(file("device.key"), "utf8");
  rmSync(file("device.crt"));
  equal((await (await start()).stop()).code, 0, "exit");
  equal(readFileSync(file("device.key"), "utf8"), key, "key");
  writeFileSync(file("device.key"), "not a key");
  const error = await start().then(() => null, (e) => e);
  ok(/no certificate in/.test(error?.message), `${error}`);
  equal(readFileSync(file("device.key"), "utf8"), "not a key", "still there");
  writeFileSync(file("device.key"), key);
});
// Chromium trusts it as README.md says: in the NSS database of its user.
await check("the certificate is trusted in a browser's database", async () => {
  const database = `sql:${file(".pki/nssdb")}`;
  mkdirSync(file(".pki/nssdb"), { recursive: true });
  for (const args of [["-N", "--empty-password"], ["-A", "-t", "P,,", "-n", "this-machine", "-i", file("device.crt")]])
    equal(spawnSync("certutil", ["-d", database, ...args], { stdio: "inherit" }).status, 0, `certutil ${args}`);
});
for (const name of ["sdk1", "sdk2", "lib/pairing_tls"]) {
  const test = fileURLToPath(new URL(`${name}.mjs`, import.meta.url));
  const child = spawn(process.execPath, [test], { stdio: "inherit", env: { ...process.env, NODE_EXTRA_CA_CERTS: file("device.crt") } });
  const code = await new Promise((resolve) => child.on("exit", resolve));
  await check(`${name} over https`, async () => equal(code, 0, "exit"));
}
rmSync(directory, { recursive: true });
finish();
