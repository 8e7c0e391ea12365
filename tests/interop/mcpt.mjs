// The command-line client against real servers: the official "everything" server over stdio and HTTP, and our own device.
import { execFile, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as webServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { check, device, equal, examples, finish, load, ok, start, until } from "./lib/harness.mjs";
import { createServer } from "node:net";

const state = mkdtempSync(join(tmpdir(), "mcpt-"));
let mcpt = join(examples, "08_mcpt");                       // and 11_mcpt_curl
const everything = join(load.resolve("@modelcontextprotocol/server-everything/package.json"), "../dist/index.js");

// Runs mcpt; answers its exit code and what it wrote.
function run(args, input = "", more = {}) {
  return new Promise((resolve) => {
    const child = execFile(mcpt, args, { env: { ...process.env, MCPT_STATE: join(state, "s"), ...more, ...(input && { MCPT_ANSWERS: "1" }) }, timeout: 14000, maxBuffer: 1 << 26 },
      (error, out, err) => resolve({ code: error ? error.code ?? -1 : 0, out, err }));
    child.stdin.on("error", () => {}).end(input);
  });
}
async function good(args, input, more) {
  const r = await run(args, input, more);
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
  await check(`${t}: added, listed, called`, async () => {
    await good(["add", "every", ...words]);
    const { out } = await good(["list", "every"]);
    for (const name of ["echo", "get-sum", "prompts"]) ok(out.includes(name), `${name} in ${out}`);
    equal((await good(["call", "every", "echo", "message=caf\u00e9 \"x\""])).out.trim(), "Echo: caf\u00e9 \"x\"", "echo");
    ok((await good(["call", "every", "get-sum", "a=5", "b=3"])).out.includes("8"), "sum");
  });
  await check(`${t}: a picture, and what a tool takes`, async () => {
    ok((await good(["--json", "call", "every", "get-tiny-image"])).out.includes("image/png"), "image");
    await good(["--output", join(state, "logo.png"), "call", "every", "get-tiny-image"]);
    equal(readFileSync(join(state, "logo.png")).subarray(1, 4).toString(), "PNG", "the saved image");
    const { out: about } = await good(["list", "every", "get-sum"]);
    ok(/a="number" {2}required/.test(about), about);
  });
  await check(`${t}: prompts and resources`, async () => {
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

// A server of 2026-07-28 with an authorization server beside it: for what the others do not do.
const page = "x\u00e9\n".repeat(1200000);                         // 4.8 MB
let pending = 1;
const scripted = webServer((q, a) => {
  const origin = `http://${q.headers.host}`, url = new URL(q.url, origin);
  const json = (body, status = 200, headers = {}) => { a.writeHead(status, { "Content-Type": "application/json", ...headers }); a.end(JSON.stringify(body)); };
  let text = "";
  q.on("data", (data) => { text += data; });
  q.on("end", () => {
    switch (url.pathname) {
      case "/.well-known/oauth-protected-resource/mcp": return json({ resource: `${origin}/mcp`, authorization_servers: [origin] });
      case "/.well-known/oauth-authorization-server": return json({ issuer: origin, authorization_endpoint: `${origin}/authorize`, token_endpoint: `${origin}/token`,
        registration_endpoint: `${origin}/register`, device_authorization_endpoint: `${origin}/device`, response_types_supported: ["code"],
        grant_types_supported: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
        token_endpoint_auth_methods_supported: ["none"], code_challenge_methods_supported: ["S256"], authorization_response_iss_parameter_supported: true });
      case "/register": return json({ ...JSON.parse(text), client_id: "c1" }, 201);
      case "/device": return json({ device_code: "d1", user_code: "WDJB-MJHT", verification_uri: `${origin}/activate`,
        ...(text.includes("c1") && { verification_uri_complete: `${origin}/activate?user_code=WDJB-MJHT` }), expires_in: 600, interval: 1 });
      case "/authorize": {
        const back = new URL(url.searchParams.get("redirect_uri"));
        for (const [k, v] of [["code", "k1"], ["state", url.searchParams.get("state")], ["iss", origin]]) back.searchParams.set(k, v);
        a.writeHead(302, { Location: back.href });
        return a.end();
      }
      case "/token": return text.includes("device_code") && pending-- > 0 ? json({ error: "authorization_pending" }, 400)
        : json({ access_token: "t1", token_type: "Bearer", expires_in: 3600 });
    }
    if (url.pathname === "/mcp" && q.headers.authorization !== "Bearer t1")
      return json({}, 401, { "WWW-Authenticate": `Bearer resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"` });
    const message = JSON.parse(text || "{}"), answer = (result) => ({ jsonrpc: "2.0", id: message.id, result: { resultType: "complete", ...result } });
    if (message.method === "server/discover")
      return json(answer({ supportedVersions: ["2026-07-28"], capabilities: { tools: {} }, serverInfo: { name: "s", version: "1" } }));
    if (message.method === "tools/list") {                        // in two pages
      const names = message.params?.cursor === "2 of 2" ? ["busy", "zipped"] : ["page", "events", "slow"];
      return json(answer({ tools: names.map((name) => ({ name, description: "one\ntwo", inputSchema: { type: "object" } })), ...(names[0] === "page" && { nextCursor: "2 of 2" }) }));
    }
    const big = answer({ content: [{ type: "text", text: page }] });
    if (message.params?.name === "page") return json(big);
    if (message.params?.name === "busy") return json({ error: "busy" }, 429, { "Retry-After": "7" });
    if (message.params?.name === "zipped") return json(big, 200, { "Content-Encoding": "gzip" });
    if (message.params?.name === "slow") {
      a.writeHead(200, { "Content-Type": "text/event-stream" });
      return a.write(`data: ${JSON.stringify({ jsonrpc: "2.0", method: "notifications/progress", params: { progressToken: 1, progress: 1, total: 9 } })}\n\n`);
    }
    if (message.params?.name === "events") {
      a.writeHead(200, { "Content-Type": "text/event-stream" });
      return a.end(`data: ${JSON.stringify({ jsonrpc: "2.0", method: "notifications/progress", params: { progressToken: 1, progress: 1 } })}\n\ndata: ${JSON.stringify(big)}\n\n`);
    }
    return json({ jsonrpc: "2.0", id: message.id, error: { code: -32601, message: "no" } });
  });
});

async function theRest(t, origin) {
  await check(`${t}: results of any size`, async () => {
    await good(["add", "big", `${origin}/open`]);
    for (const name of ["page", "events"]) {
      ok((await good(["call", "big", name])).out === `${page}\n`, `${name}, as text`);
      ok(JSON.parse((await good(["--json", "call", "big", name])).out).content[0].text === page, `${name}, as JSON`);
    }
    await good(["--output", join(state, "page"), "call", "big", "events"]);
    ok(readFileSync(join(state, "page"), "utf8") === page, "saved");
    const list = (await good(["list", "big"])).out;
    ok(list.includes("page  - one\n") && list.includes("busy  - one\n"), `one line of a description, both pages: ${list}`);
    const busy = await run(["call", "big", "busy"]), zipped = await run(["call", "big", "zipped"]);
    ok(busy.code === 1 && busy.err.includes("try again in 7 seconds"), busy.err);
    ok(zipped.code === 1 && zipped.out === "", `a coding that was not asked for: ${zipped.err}`);
    await good(["logout", "big"]);
  });
  await check(`${t}: a server without a name is called by its host`, async () => {
    ok((await good(["add", `${origin}/open`])).out.startsWith("localhost is added"), "added");
    const r = await run(["add", `${origin}/other`]);
    equal(r.code, 2, "exit code");
    ok(r.err.includes("mcpt add NAME"), r.err);
    equal((await run(["add", "localhost", "http://127.0.0.1:1/mcp"])).code, 1, "one that is gone");
    ok((await good(["servers"])).out.includes(`${origin}/open`), "what was there stays");
    await good(["logout", "localhost"]);
  });
  await check(`${t}: the link opens in the browser, the redirect comes back`, async () => {
    const browser = join(state, "browser"), opened = join(state, "opened");
    writeFileSync(browser, `#!/bin/sh\nprintf %s "$1" >'${opened}.new' && mv '${opened}.new' '${opened}'\n`);
    chmodSync(browser, 0o755);
    rmSync(opened, { force: true });
    const adding = good(["add", "auth", `${origin}/mcp`], "", { BROWSER: browser });
    await until(10000, () => existsSync(opened), "the browser");
    const answer = await fetch(readFileSync(opened, "utf8"));
    ok((await answer.text()).includes("close this window"), "the page");
    const r = await adding;
    ok(r.err.includes("/authorize?") && r.out.includes("you are signed in"), r.err + r.out);
    ok((await good(["list", "auth"])).out.includes("page"), "it is remembered");
    await good(["logout", "auth"]);
  });
  await check(`${t}: another device, by code and QR code`, async () => {
    pending = 1;
    const r = await good(["--device", "add", "dev2", `${origin}/mcp`], "", { MCPT_QR: "1" });
    ok(r.err.includes("/activate") && r.err.includes("WDJB-MJHT"), r.err);
    ok(/[\u2580\u2584\u2588]{3}/.test(r.err), "a QR code");
    ok(r.out.includes("you are signed in"), r.out);
    await good(["logout", "dev2"]);
  });
  await check(`${t}: Ctrl-C gives up a call`, async () => {
    await good(["add", "slow", `${origin}/open`]);
    const child = spawn(mcpt, ["call", "slow", "slow"], { env: { ...process.env, MCPT_STATE: join(state, "s") }, stdio: ["ignore", "pipe", "pipe"] });
    let err = "";
    child.stderr.on("data", (data) => { err += data; });
    const ended = new Promise((resolve) => child.on("close", (code) => resolve(code)));
    await until(10000, () => err.includes("1/9"), "progress");
    child.kill("SIGINT");
    equal(await ended, 1, "exit code");
    ok(err.includes("given up"), err);
    await good(["logout", "slow"]);
  });
  await check(`${t}: http and https mixed up`, async () => {
    const r = await run(["add", "s", origin.replace("http:", "https:")]);
    equal(r.code, 1, "exit code");
    ok(t.includes("curl") ? r.err.includes("TLS") || r.err.includes("SSL") || r.err.includes("reach") : r.err.includes("http://"), r.err);
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
const origin = `http://localhost:${await new Promise((resolve) => scripted.listen(0, "localhost", () => resolve(scripted.address().port)))}`;
await theRest("mcpt", origin);
mcpt = join(examples, "11_mcpt_curl");
const again = await start();
await theDevice("over libcurl: device, HTTP", [again.url]);
await again.stop();
await theEverything("over libcurl: everything, HTTP", [`http://localhost:${port}/mcp`]);
await theRest("over libcurl", origin);
scripted.closeAllConnections();
scripted.close();
web.kill();
rmSync(state, { recursive: true, force: true });
finish();
