// The small examples as a newcomer meets them: built, started, and used by both official SDKs.
import { existsSync } from "node:fs";
import { check, equal, examples, failure, finish, load, ok, start } from "./lib/harness.mjs";

const sdk1 = {
  ...load("@modelcontextprotocol/sdk/client/index.js"), ...load("@modelcontextprotocol/sdk/client/streamableHttp.js"),
  ...load("@modelcontextprotocol/sdk/client/stdio.js"), ...load("@modelcontextprotocol/sdk/types.js"),
};
const sdk2 = { ...load("@modelcontextprotocol/client"), ...load("@modelcontextprotocol/client/stdio") };

// Connects with one of the SDKs; answer is what the user answers.
async function connect(sdk, target, answer) {
  const options = { capabilities: answer ? { elicitation: {} } : {} };
  if (sdk === sdk2) options.versionNegotiation = { mode: { pin: "2026-07-28" } };
  const client = new sdk.Client({ name: "interop-examples", version: "1.0.0" }, options);
  if (answer) client.setRequestHandler(sdk === sdk1 ? sdk1.ElicitRequestSchema : "elicitation/create", async () => answer);
  await client.connect(target.startsWith("http") ? new sdk.StreamableHTTPClientTransport(new URL(target))
    : new sdk.StdioClientTransport({ command: target, stderr: "inherit" }));
  client.use = (name, args, more) => sdk === sdk1 ? client.callTool({ name, arguments: args }, undefined, more)
    : client.callTool({ name, arguments: args }, more);
  return client;
}

async function thermometer(t, client) {
  await check(`${t}: 01 reads its probes`, async () => {
    equal((await client.listTools()).tools.map((tool) => tool.name), ["read_temperature"], "tools");
    equal((await client.use("read_temperature", { probe: 2 })).structuredContent, { celsius: 22.37 }, "probe 2");
    equal((await client.use("read_temperature", {})).structuredContent, { celsius: 21.37 }, "no probe");
    equal((await client.use("read_temperature", { probe: 4 })).isError, true, "probe 4");
  });
}

async function dice(t, client) {
  await check(`${t}: 02 rolls dice`, async () => {
    await client.listTools();
    const { rolled, sum } = (await client.use("roll", { dice: 7 })).structuredContent;
    equal([rolled.length, rolled.reduce((a, b) => a + b)], [7, sum], "dice and their sum");
    ok(rolled.every((eyes) => eyes >= 1 && eyes <= 6), `eyes ${rolled}`);
    equal((await client.use("roll", {})).structuredContent.rolled.length, 2, "the default");
    equal((await client.use("roll", { dice: 11 })).isError, true, "eleven dice");
  });
}

async function volt(t, client) {
  const read = async (uri) => (await client.readResource({ uri })).contents[0].text;
  await check(`${t}: 03 reads resources and completes`, async () => {
    ok(/^Voltages are measured/.test(await read("volt://manual")), "manual");
    equal(await read("volt://summary"), "1 is at the boiler\n2 is at the roof\n3 is at the cellar\n", "summary");
    equal(await read("volt://2"), "875 mV", "channel");
    ok([-32602, -32002].includes((await failure(read("volt://4"), "no channel")).code), "code");
    const completed = await client.complete({ ref: { type: "ref/prompt", name: "explain" }, argument: { name: "channel", value: "3" } });
    equal(completed.completion.values, ["3"], "completion");
    const { messages } = await client.getPrompt({ name: "explain", arguments: { channel: "3" } });
    ok(/Read volt:\/\/3 and explain/.test(messages[0].content.text), "prompt");
    equal((await failure(client.getPrompt({ name: "explain" }), "no argument")).code, -32602, "code");
  });
}

async function valve(t, client, no) {
  await check(`${t}: 04 asks, waits for the valve, and can be cancelled`, async () => {
    const seen = [], began = Date.now(), abort = new AbortController();
    const moved = await client.use("move_valve", { tenths: 3 }, { onprogress: (p) => seen.push(p.message) });
    equal([moved.isError ?? false, moved.content[0].text], [false, "The valve is there."], "result");
    ok(Date.now() - began > 400, "too fast");
    ok(seen.filter((message) => message === "the valve moves").length >= 2, `progress ${seen}`); // SDK 2 adds its own
    await failure(client.use("move_valve", { tenths: 10 }, { signal: abort.signal, onprogress: () => abort.abort() }), "cancelled");
    equal((await client.use("move_valve", { tenths: 0 })).content[0].text, "The valve is there.", "back");
    equal((await no.use("move_valve", { tenths: 3 })).isError, true, "declined");
  });
}

if (!existsSync(`${examples}/02_http_server`)) {
  console.log(`no examples in ${examples}: make step-examples builds them`);
  console.log("PASSED 0 FAILED 0 SKIPPED 1");
  process.exit(0);
}
for (const [name, sdk] of [["sdk1", sdk1], ["sdk2", sdk2]]) {
  const client = await connect(sdk, `${examples}/01_minimal`);
  await thermometer(name, client);
  await client.close();
}
const yes = { action: "accept", content: { sure: true } }, no = { action: "decline" };
for (const [file, use] of [["02_http_server", dice], ["03_prompts_and_resources", volt], ["04_ask_and_wait", valve]]) {
  const server = await start({ command: `${examples}/${file}`, args: ["0"] });
  for (const [name, sdk] of [["sdk1", sdk1], ["sdk2", sdk2]]) {
    const client = await connect(sdk, server.url, use === valve ? yes : null);
    const other = use === valve ? await connect(sdk, server.url, no) : null;
    await use(name, client, other);
    await client.close();
    await other?.close();
  }
  await check(`${file} ends on SIGTERM`, async () => { equal(await server.stop(), { code: 0, signal: null }, "exit"); });
}
finish();
