// Run by tls.mjs, with the device's own certificate trusted as README.md says: SDK clients and Chromium pair over https, under a name
// of the certificate; plain http to it is nothing that a client could be led to.
import { answer, browse } from "./browser.mjs";
import { check, equal, failure, finish, load, ok, start, until } from "./harness.mjs";
import { createServer } from "node:http";

const two = await import(load.resolve("@modelcontextprotocol/client"));
const one = { Client: load("@modelcontextprotocol/sdk/client/index.js").Client,
  StreamableHTTPClientTransport: load("@modelcontextprotocol/sdk/client/streamableHttp.js").StreamableHTTPClientTransport };
process.env.XDG_STATE_HOME = process.env.DEVICE_TLS;
const server = await start({ args: ["--port", "0"] }), browser = await browse({ home: process.env.DEVICE_TLS });
let arrived;
const callback = createServer((request, response) => {
  if (request.url.startsWith("/callback?")) arrived = new URL(request.url, "http://127.0.0.1");
  response.end("Done.");
});
await new Promise((resolve) => callback.listen(0, "127.0.0.1", resolve));

for (const [label, { Client, StreamableHTTPClientTransport }, host] of [["sdk1", one, "localhost"], ["sdk2", two, "127.0.0.1"]]) {
  const kept = {}, url = new URL(server.url.replace("localhost", host)), asked = [];
  const authProvider = {
    redirectUrl: `http://127.0.0.1:${callback.address().port}/callback`,
    get clientMetadata() { return { client_name: `interop ${label}`, redirect_uris: [this.redirectUrl], token_endpoint_auth_method: "none" }; },
    clientInformation: () => kept.client, saveClientInformation(client) { kept.client = client; },
    tokens: () => kept.tokens, saveTokens(tokens) { kept.tokens = tokens; },
    codeVerifier: () => kept.verifier, saveCodeVerifier(verifier) { kept.verifier = verifier; },
    discoveryState: () => kept.discovery, saveDiscoveryState(discovery) { kept.discovery = discovery; },
    redirectToAuthorization(to) { asked.push(to); },
  };
  await check(`pairing over https, ${label} under the name ${host}`, async () => {
    const wire = new StreamableHTTPClientTransport(url, { authProvider });
    await failure(new Client({ name: "interop", version: "1.0.0" }).connect(wire), "connecting without a token");
    equal([asked[0].origin, asked[0].searchParams.get("resource")], [url.origin, url.href], "where it asks, and for what");
    const { page, complaints, close } = await browser.open(asked[0]);
    await until(5000, () => /: \d{4} \d{4}\n/.test(server.text), "the code on the console");
    await answer(page, server.text.match(/: (\d{4} \d{4})\n/)[1]);
    server.text = "";
    equal(complaints, [], "what the browser objects to");
    await close();
    equal(arrived.searchParams.get("iss"), url.origin, "iss");
    await wire.finishAuth(label === "sdk1" ? arrived.searchParams.get("code") : arrived.searchParams);
    const client = new Client({ name: "interop", version: "1.0.0" });
    await client.connect(new StreamableHTTPClientTransport(url, { authProvider }));
    ok((await client.callTool({ name: "read_state", arguments: {} })).structuredContent.processors > 0, "a tool call");
    kept.tokens = { ...kept.tokens, access_token: "mcpta_gone" };
    ok((await client.callTool({ name: "read_state", arguments: {} })).structuredContent.processors > 0, "a tool call after a refresh");
    ok(kept.tokens.access_token !== "mcpta_gone", "refreshed");
    await client.close();
  });
}
await check("a browser that was not told refuses the certificate", async () => {
  const stranger = await browse({ home: `${process.env.DEVICE_TLS}/nobody` });
  const error = await failure(stranger.open(new URL("/authorize", server.url)), "opening the page");
  ok(/ERR_CERT_AUTHORITY_INVALID/.test(error.message), error.message);
  await stranger.close();
});
await browser.close();
await server.stop();
finish();
