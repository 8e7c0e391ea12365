// device.mjs BOARD   The device image: the official SDK clients over the emulated UART (stdio) and over Ethernet at the same time.
import { join } from "node:path";
import { check, equal, failure, finish, load, ok, until } from "../interop/lib/harness.mjs";
import { scratch, start } from "./board.mjs";

const One = {
  ...load("@modelcontextprotocol/sdk/client/index.js"), ...load("@modelcontextprotocol/sdk/client/stdio.js"),
  ...load("@modelcontextprotocol/sdk/client/streamableHttp.js"), ...load("@modelcontextprotocol/sdk/types.js"),
};
const Two = { ...load("@modelcontextprotocol/client"), ...load("@modelcontextprotocol/client/stdio") };
const MODERN = "2026-07-28", LEGACY = "2025-11-25";
const socket = join(scratch, "uart");

const board = await start(`${process.argv[2]}-device`, { mcp: `unix:${socket},server=on,wait=off` });
const stdio = { command: process.execPath, args: [join(import.meta.dirname, "bridge.mjs"), socket], stderr: "inherit" };
const transports = {
  "UART": (sdk) => new sdk.StdioClientTransport(stdio),
  "Ethernet": (sdk) => new sdk.StreamableHTTPClientTransport(new URL(board.url)),
};

async function one(transport, answer = { action: "decline" }) {
  const client = new One.Client({ name: "firmware-sdk1", version: "1.0.0" }, { capabilities: { elicitation: {} } });
  const updates = [];
  client.setRequestHandler(One.ElicitRequestSchema, async () => answer);
  client.setNotificationHandler(One.ResourceUpdatedNotificationSchema, ({ params }) => { updates.push(params.uri); });
  await client.connect(transport);
  return { client, updates, version: LEGACY, watch: (uri) => client.subscribeResource({ uri }) };
}

async function two(transport, mode, answer = { action: "decline" }) {
  const client = new Two.Client({ name: "firmware-sdk2", version: "1.0.0" },
    { capabilities: { elicitation: {} }, versionNegotiation: { mode } });
  const updates = [];
  client.setRequestHandler("elicitation/create", async () => answer);
  client.setNotificationHandler("notifications/resources/updated", ({ params }) => { updates.push(params.uri); });
  await client.connect(transport);
  equal(client.getNegotiatedProtocolVersion(), mode.pin ?? LEGACY, "revision");
  return { client, updates, watch: (uri) => mode.pin ? client.listen({ resourceSubscriptions: [uri] }) : client.subscribeResource({ uri }) };
}

const text = (result) => result.content[0].text;
async function tour({ client, updates, watch }, on) {
  const { tools } = await client.listTools();
  equal(tools.map((t) => t.name), ["read_state", "read_sensor", "set_led", "set_name", "sample", "restart"], "tools");
  const volts = (await client.callTool({ name: "read_sensor", arguments: { channel: 2 } })).structuredContent.volts;
  ok(volts >= 0 && volts <= 3, `volts ${volts}`);
  const steps = [];
  const { structuredContent: s } = await client.callTool({ name: "sample", arguments: { channel: 1, count: 5 } },
    ...(client instanceof One.Client ? [undefined] : []), { onprogress: (p) => steps.push(p.progress) });
  ok(s.low <= s.mean && s.mean <= s.high, `samples ${JSON.stringify(s)}`);
  ok(steps.length >= 3, `progress ${steps}`);
  await watch("device://log");
  equal(text(await client.callTool({ name: "set_led", arguments: { on } })), `The light is ${on ? "on" : "off"}.`, "set_led");
  await until(5000, () => updates.includes("device://log"), "the update of the log");
  ok((await client.readResource({ uri: "device://log" })).contents[0].text.includes(`light ${on ? "on" : "off"}`), "the log");
  equal((await client.callTool({ name: "read_state", arguments: {} })).structuredContent.led, on, "led");
  equal((await client.listPrompts()).prompts.length, 1, "prompts");
  ok((await client.callTool({ name: "restart", arguments: {} })).isError, "a restart that the user declined");
  ok(await failure(client.readResource({ uri: "device://settings/none" }), "a setting that is not there"), "an error");
}

for (const [name, transport] of Object.entries(transports)) {
  let on = false;
  for (const [what, open] of [["SDK 1", () => one(transport(One))], [`SDK 2, ${LEGACY}`, () => two(transport(Two), "legacy")],
    [`SDK 2, ${MODERN}`, () => two(transport(Two), { pin: MODERN })]])
    await check(`${name}: ${what}`, async () => {
      const peer = await open();
      await tour(peer, on = !on);
      await peer.client.close();
    });
}
await check("UART and Ethernet at the same time: what one does the other hears of", async () => {
  const wire = await one(transports.UART(One)), net = await two(transports.Ethernet(Two), { pin: MODERN });
  await wire.watch("device://log");
  await net.watch("device://log");
  for (const peer of [wire, net]) {
    const before = [wire.updates.length, net.updates.length];
    await peer.client.callTool({ name: "set_led", arguments: { on: true } });
    await until(5000, () => wire.updates.length > before[0] && net.updates.length > before[1], "both updates");
  }
  await wire.client.close();
  await net.client.close();
});
await check("noise on the UART: broken lines are answered with errors, and the next client is served", async () => {
  const noise = (await import("node:net")).connect(socket);
  noise.write("\r\n\0\xff\xfegarbage\n{\"jsonrpc\":\"2.0\",\"id\":1,\n" + "x".repeat(5000) + "\n{\"half a line\":");
  await new Promise((done) => setTimeout(done, 300));
  noise.destroy();
  const peer = await one(transports.UART(One));
  equal((await peer.client.listTools()).tools.length, 6, "tools");
  await peer.client.close();
});
console.log(`report ${JSON.stringify(await board.report())}`);
await check("a restart that the user agrees to: the device comes back and knows its name", async () => {
  const peer = await two(transports.UART(Two), { pin: MODERN }, { action: "accept", content: { sure: true } });
  await peer.client.callTool({ name: "set_name", arguments: { name: "pump 7" } });
  ok(!(await peer.client.callTool({ name: "restart", arguments: {} })).isError, "restart");
  await peer.client.close();
  await until(10000, () => board.text.split("listening").length === 3, "the restart");
  let state;
  await until(10000, async () => { // the first attempts may meet connections from before the restart
    try {
      const again = await two(transports.Ethernet(Two), { pin: MODERN });
      state = (await again.client.callTool({ name: "read_state", arguments: {} })).structuredContent;
      await again.client.close();
      return true;
    } catch { return false; }
  }, "the device back on the network");
  ok(state.uptime_seconds < 10, `uptime ${state.uptime_seconds}`);
  equal(state.name, "pump 7", "name");
});
const report = await board.quit();
console.log(`report ${JSON.stringify(report)}`);
await check("the board ended well", async () => {
  equal(board.ended, 0, "exit code");
  ok(report.stack_used < report.stack, `stack ${report.stack_used} of ${report.stack}`);
  equal([report.slots, report.listeners], [0, 0], "slots and listeners in use");
});
finish();
