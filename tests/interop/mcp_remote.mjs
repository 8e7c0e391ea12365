// mcp-remote, which lets clients that only start their servers use one that asks for authorization: from nothing but the URL of
// build/device to a call. What it opens in the browser is opened in Chromium, by way of $BROWSER. Then a token that ended, a
// restart of it, a tool that needs more, and a pairing that is gone.
import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { connect as dial } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { answer, browse } from "./lib/browser.mjs";
import { check, equal, finish, load, ok, start, until } from "./lib/harness.mjs";

const { Client } = load("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = load("@modelcontextprotocol/sdk/client/stdio.js");

const state = mkdtempSync(join(tmpdir(), "mcp-remote-")), opened = join(state, "opened"), open = join(state, "browser");
process.env.XDG_STATE_HOME = state;
delete process.env.DEVICE_TLS;
writeFileSync(open, `#!/bin/sh\nprintf '%s\\n' "$1" >>'${opened}'\n`);
chmodSync(open, 0o755);
const urls = () => existsSync(opened) ? readFileSync(opened, "utf8").split("\n").filter(Boolean) : [];
const server = await start({ args: ["--port", "0"] }), browser = await browse();

// Starts it as a client does. Answers the client once it is connected.
const proxy = join(dirname(load.resolve("mcp-remote/package.json")), "dist/proxy.js");
let said = "";
async function connect() {
  const transport = new StdioClientTransport({ command: process.execPath, args: [proxy, server.url], stderr: "pipe",
    env: { PATH: process.env.PATH, HOME: state, BROWSER: open, MCP_REMOTE_CONFIG_DIR: join(state, "kept") } });
  transport.stderr.on("data", (data) => { said += data; });
  const client = new Client({ name: "interop", version: "1.0.0" });
  await client.connect(transport);
  return client;
}
const listens = (port) => new Promise((resolve) => {
  const socket = dial(port, "localhost", () => { socket.destroy(); resolve(true); });
  socket.on("error", () => resolve(false));
});
// The person: the page that was opened, the code of the console.
async function person(n) {
  await until(10000, () => urls().length === n, `page ${n} is opened; it said ${said}`);
  const { port } = new URL(new URL(urls()[n - 1]).searchParams.get("redirect_uri"));
  await until(10000, () => listens(port), "where the answer goes: nobody listens");        // it opens the page first
  server.text = "";                                         // with the code of a page before, perhaps
  const { page, close } = await browser.open(urls()[n - 1]);
  await until(5000, () => /: \d{4} \d{4}\n/.test(server.text), "the code on the console");
  const text = await page.getByRole("main").textContent();
  await answer(page, server.text.match(/: (\d{4} \d{4})\n/)[1]);
  await close();
  return text;
}
const tokens = () => {
  const found = readdirSync(join(state, "kept"), { recursive: true }).filter((name) => name.endsWith("_tokens.json"));
  equal(found.length, 1, "files with tokens");
  const file = join(state, "kept", found[0]);
  return { file, kept: JSON.parse(readFileSync(file, "utf8")) };
};
const works = async (client) => ok((await client.callTool({ name: "read_state", arguments: {} })).structuredContent.processors > 0, "a tool call");

await check("mcp-remote: from its URL alone to a call", async () => {
  const connected = connect();
  const text = await person(1);
  ok(text.includes("read its sensors"), text);
  const client = await connected;
  await works(client);
  ok((await client.listTools()).tools.some((tool) => tool.name === "add_note"), "the tools");
  await client.close();
});
await check("mcp-remote: started again, without a person, and with a token that has ended: it refreshes", async () => {
  const { file, kept } = tokens();
  writeFileSync(file, JSON.stringify({ ...kept, access_token: "mcpta_gone" }));
  const client = await connect();
  await works(client);
  await client.close();
  equal(urls().length, 1, "pages that were opened");
  ok(tokens().kept.refresh_token !== kept.refresh_token && tokens().kept.access_token !== "mcpta_gone", "new tokens");
});
await check("mcp-remote: a tool that needs more leads to a second page", async () => {
  const client = await connect(), called = client.callTool({ name: "add_note", arguments: { text: "by mcp-remote" } });
  const text = await person(2);
  ok(text.includes("write into its log"), text);
  equal((await called).content[0].text, "Noted.", "the call, after it");
  await client.close();
}, 40000);
await check("mcp-remote: asks again when the pairing is gone", async () => {
  const { kept } = tokens();
  const body = new URLSearchParams({ token: kept.refresh_token });
  equal((await fetch(new URL("/revoke", server.url), { method: "POST", body })).status, 200, "revocation");
  const connected = connect();
  await person(3);
  const client = await connected;
  await works(client);
  await client.close();
});

await browser.close();
await server.stop();
rmSync(state, { recursive: true });
finish();
