// The official SDKs over https: the same tests, with a device that made its own certificate; then paired with it (lib/pairing_tls.mjs).
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { check, equal, examples, finish, ok, start, until } from "./lib/harness.mjs";

const directory = mkdtempSync(join(tmpdir(), "device-tls-"));
const file = (name) => join(directory, name);

// What 06_certificate makes, read by OpenSSL.
const openssl = (...args) => {
  const { status, stdout, stderr } = spawnSync("openssl", args, { encoding: "utf8" });
  equal(status, 0, `openssl ${args.join(" ")}: ${stderr}`);
  return stdout + stderr;
};
const certificate = (...args) => {
  const { status, stdout, stderr } = spawnSync(join(examples, "06_certificate"), args, { encoding: "utf8" });
  equal(status, 0, `06_certificate ${args.join(" ")}: ${stderr}`);
  return stdout;
};
await check("a certificate that OpenSSL accepts is renewed a month before its end, or for another name, with the same key", async () => {
  const own = file("own"), crt = join(own, "device.crt"), key = join(own, "device.key"), names = ["thermo.local", "192.168.1.7", "fe80::1"];
  const renewed = () => certificate(own, ...names).includes("is new");
  equal(renewed(), true, "the first");
  ok(/DNS:thermo\.local, IP Address:192\.168\.1\.7, IP Address:FE80:0:0:0:0:0:0:1\n/.test(openssl("x509", "-in", crt, "-noout", "-text")), "names");
  openssl("verify", "-CAfile", crt, "-purpose", "sslserver", "-verify_hostname", "thermo.local", crt);
  openssl("verify", "-CAfile", crt, "-purpose", "sslserver", "-verify_ip", "192.168.1.7", crt);
  openssl("x509", "-in", crt, "-noout", "-checkend", String(729 * 86400));
  equal(openssl("pkey", "-in", key, "-pubout"), openssl("x509", "-in", crt, "-noout", "-pubkey"), "whose key");
  equal(renewed(), false, "again");
  const kept = readFileSync(key, "utf8");
  for (const [days, want] of [[40, false], [20, true]]) {
    openssl("req", "-x509", "-new", "-key", key, "-days", String(days), "-subj", "/CN=thermo.local", "-addext",
      "subjectAltName=DNS:thermo.local,IP:192.168.1.7,IP:fe80::1", "-out", crt);
    const before = readFileSync(crt, "utf8");
    equal(renewed(), want, `${days} days left`);
    equal(readFileSync(crt, "utf8") !== before, want, `${days} days left: the file`);
  }
  openssl("x509", "-in", crt, "-noout", "-checkend", String(729 * 86400));
  names.push("other.local");
  equal(renewed(), true, "another name");
  equal(readFileSync(key, "utf8"), kept, "the key");
});
await check("a request that OpenSSL accepts, signed by an authority: its certificate is served, and kept to its end", async () => {
  const signed = file("signed"), crt = join(signed, "device.crt"), csr = file("device.csr"), ca = file("ca.crt"), names = ["localhost", "127.0.0.1"];
  const request = certificate("--request", signed, ...names);
  writeFileSync(csr, request);
  ok(/verify OK/.test(openssl("req", "-in", csr, "-noout", "-verify")), "its own signature");
  ok(/CN ?= ?localhost[^]*DNS:localhost, IP Address:127\.0\.0\.1\n/.test(openssl("req", "-in", csr, "-noout", "-text")), "names");
  openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", file("ca.key"), "-subj", "/CN=Authority", "-out", ca);
  openssl("x509", "-req", "-in", csr, "-CA", ca, "-CAkey", file("ca.key"), "-CAcreateserial", "-days", "20", "-copy_extensions", "copy", "-out", crt);
  const before = readFileSync(crt, "utf8");
  ok(certificate(signed, ...names).includes("is still good"), "nobody but the authority renews it");
  const server = await start({ args: ["--open", "--port", "0", "--tls-dir", signed] });
  const trusted = await new Promise((resolve, reject) => {
    https.get(server.url, { ca: readFileSync(ca), agent: false }, (answer) => { answer.resume(); resolve(answer.socket.authorized); }).on("error", reject);
  });
  equal(trusted, true, "who trusts the authority");
  equal((await server.stop()).code, 0, "exit");
  equal(readFileSync(crt, "utf8"), before, "the file");
});

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
