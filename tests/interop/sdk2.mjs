// The official SDK 2.x as client of the device, over HTTP and stdio: as it comes (legacy), and pinned to 2026-07-28.
import { check, device, equal, finish, load, ok, start } from "./lib/harness.mjs";
import { all } from "./lib/scenarios.mjs";

const { Client, StreamableHTTPClientTransport } = load("@modelcontextprotocol/client");
const { StdioClientTransport } = load("@modelcontextprotocol/client/stdio");
const MODERN = "2026-07-28", LEGACY = "2025-11-25";

async function open(transport, mode, { mute = false } = {}) {
  const modern = mode !== "legacy";
  const client = new Client({ name: "interop-sdk2", version: "1.0.0" },
    { capabilities: mute ? {} : { elicitation: {} }, versionNegotiation: { mode } });
  const handlers = {};
  let meta;
  if (!mute) client.setRequestHandler("elicitation/create", async ({ params }) => handlers.elicit(params));
  client.setNotificationHandler("notifications/resources/updated", ({ params }) => handlers.updated?.(params));
  client.setNotificationHandler("notifications/message", ({ params: { _meta, ...params } }) => handlers.log?.(params));
  await client.connect(transport);
  return {
    client, transport,
    version: () => client.getNegotiatedProtocolVersion(),
    call(name, args, { level, ...options } = {}) {
      const params = { name, arguments: args };
      if (modern && level) params._meta = { "io.modelcontextprotocol/logLevel": level };
      return client.callTool(params, options);
    },
    onElicit: (fn) => { handlers.elicit = fn; },
    onUpdated: (fn) => { handlers.updated = fn; },
    onLog: (fn) => { handlers.log = fn; },
    setLevel: async (level) => { if (!modern) await client.setLoggingLevel(level); },
    async watch(uri) {
      if (modern) {
        const subscription = await client.listen({ resourceSubscriptions: [uri] });
        equal(subscription.honoredFilter, { resourceSubscriptions: [uri] }, "what the server honours");
        return () => subscription.close();
      }
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
const http = () => new StreamableHTTPClientTransport(new URL(server.url));
const stdio = () => new StdioClientTransport({ command: device, args: ["--stdio", "--open"], stderr: "ignore" });

for (const [name, transport] of [["http", http], ["stdio", stdio]]) {
  await all({
    label: `sdk2 ${name} ${LEGACY}`, modern: false, version: LEGACY, notFound: -32602, // the SDK translates -32002
    open: (options) => open(transport(), "legacy", options),
  });
  await all({
    label: `sdk2 ${name} ${MODERN}`, modern: true, version: MODERN, notFound: -32602,
    open: (options) => open(transport(), { pin: MODERN }, options),
  });
  await check(`sdk2 ${name}: automatic negotiation finds ${MODERN}`, async () => {
    const { client, close, call } = await open(transport(), "auto");
    equal([client.getProtocolEra(), client.getNegotiatedProtocolVersion()], ["modern", MODERN], "era");
    ok(client.getDiscoverResult().supportedVersions.includes(MODERN), "supportedVersions");
    ok((await call("read_state", {})).structuredContent.processors > 0, "read_state");
    await close();
  });
}
await check("sdk2 http: a subscription ends gracefully when the device stops", async () => {
  const { client } = await open(http(), { pin: MODERN });
  const subscription = await client.listen({ resourceSubscriptions: ["device://log"] });
  equal(await server.stop(), { code: 0, signal: null }, "exit");
  equal(await subscription.closed, "graceful", "how it ended");
  await client.close();
});
finish();
