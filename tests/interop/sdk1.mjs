// The official SDK 1.x (revision 2025-11-25 and older) as client of the device, over HTTP and stdio.
import { check, device, equal, failure, finish, load, ok, start } from "./lib/harness.mjs";
import { all } from "./lib/scenarios.mjs";

const { Client } = load("@modelcontextprotocol/sdk/client/index.js");
const { StreamableHTTPClientTransport } = load("@modelcontextprotocol/sdk/client/streamableHttp.js");
const { StdioClientTransport } = load("@modelcontextprotocol/sdk/client/stdio.js");
const types = load("@modelcontextprotocol/sdk/types.js");

async function open(transport, { mute = false } = {}) {
  const client = new Client({ name: "interop-sdk1", version: "1.0.0" }, { capabilities: mute ? {} : { elicitation: {} } });
  const handlers = {};
  if (!mute) client.setRequestHandler(types.ElicitRequestSchema, ({ params }) => handlers.elicit(params));
  client.setNotificationHandler(types.ResourceUpdatedNotificationSchema, ({ params }) => handlers.updated?.(params));
  client.setNotificationHandler(types.LoggingMessageNotificationSchema, ({ params }) => handlers.log?.(params));
  let version;
  const told = transport.setProtocolVersion?.bind(transport);
  transport.setProtocolVersion = (text) => { version = text; told?.(text); };
  await client.connect(transport);
  return {
    client, transport,
    version: () => version,
    call: (name, args, { level, ...options } = {}) => client.callTool({ name, arguments: args }, undefined, options),
    onElicit: (fn) => { handlers.elicit = fn; },
    onUpdated: (fn) => { handlers.updated = fn; },
    onLog: (fn) => { handlers.log = fn; },
    setLevel: (level) => client.setLoggingLevel(level),
    async watch(uri) {
      await client.subscribeResource({ uri });
      return () => client.unsubscribeResource({ uri });
    },
    async close() {
      if (transport.sessionId) await transport.terminateSession();
      await client.close();
    },
  };
}

const server = await start();
await all({
  label: "sdk1 http", modern: false, version: "2025-11-25", notFound: -32002,
  open: (options) => open(new StreamableHTTPClientTransport(new URL(server.url)), options),
});
await check("sdk1 http: a session that was ended is unknown", async () => {
  const { client, transport } = await open(new StreamableHTTPClientTransport(new URL(server.url)));
  const session = transport.sessionId;
  ok(/^[\x21-\x7e]{16,}$/.test(session), `session ${session}`);
  await client.ping();
  await transport.terminateSession();
  await client.close();
  const again = new StreamableHTTPClientTransport(new URL(server.url), { sessionId: session });
  const other = new Client({ name: "interop-sdk1", version: "1.0.0" });
  await other.connect(again);
  equal((await failure(other.ping(), "ping")).code, 404, "status");
  await other.close();
});
await check("sdk1 http: the device ends on SIGTERM while a client is connected", async () => {
  const { client } = await open(new StreamableHTTPClientTransport(new URL(server.url)));
  equal(await server.stop(), { code: 0, signal: null }, "exit");
  await client.close();
});
await all({
  label: "sdk1 stdio", modern: false, version: "2025-11-25", notFound: -32002,
  open: (options) =>
    open(new StdioClientTransport({ command: device, args: ["--stdio", "--open"], stderr: "ignore" }), options),
});
finish();
