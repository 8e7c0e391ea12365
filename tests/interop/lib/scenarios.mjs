// What every official client must be able to do with the device, whichever SDK, era and transport it speaks.
//
// An adapter makes the SDKs alike: { label, modern, version, notFound, open(options) }. notFound is the error code the
// SDK shows for a resource that is not there; open answers a connection { client, version(), call(name, args, options),
// onElicit(fn), onUpdated(fn), onLog(fn), setLevel(level), watch(uri), close() }.
import { statfsSync } from "node:fs";
import { cpus, loadavg, uptime } from "node:os";
import { crc32, inflateSync } from "node:zlib";
import { check, equal, failure, ok, until, within } from "./harness.mjs";

const TOOLS = ["add_note", "clear_log", "list_disks", "read_state", "rename_device", "watch_load"];

const accept = (content) => ({ action: "accept", content });
const textOf = (result) => result.content.filter((block) => block.type === "text").map((block) => block.text).join("\n");
const log = async (client) => (await client.readResource({ uri: "device://log" })).contents[0].text;

// Width, height and pixels (bytes as filtered rows) of a PNG, every checksum verified.
export function png(data) {
  equal([...data.subarray(0, 8)], [137, 80, 78, 71, 13, 10, 26, 10], "the signature of the picture");
  const chunks = {};
  let at = 8;
  while (at < data.length) {
    const length = data.readUInt32BE(at), type = data.toString("latin1", at + 4, at + 8);
    equal(data.readUInt32BE(at + 8 + length), crc32(data.subarray(at + 4, at + 8 + length)), `the checksum of ${type}`);
    chunks[type] = data.subarray(at + 8, at + 8 + length);
    at += 12 + length;
  }
  return { width: chunks.IHDR.readUInt32BE(0), height: chunks.IHDR.readUInt32BE(4), pixels: inflateSync(chunks.IDAT) };
}

async function lists(t, { client }) {
  await check(`${t}: server information and capabilities`, async () => {
    const { name, version } = client.getServerVersion(), capabilities = client.getServerCapabilities();
    equal(name, "this-machine", "name");
    ok(/^\d+\.\d+\.\d+$/.test(version), `version ${version}`);
    ok(client.getInstructions()?.length > 20, "no instructions");
    ok(capabilities.tools && capabilities.prompts && capabilities.completions && capabilities.logging,
      `capabilities ${JSON.stringify(capabilities)}`);
    equal(capabilities.resources?.subscribe, true, "resources.subscribe");
  });
  await check(`${t}: tools/list`, async () => {
    const { tools } = await client.listTools(), by = Object.fromEntries(tools.map((tool) => [tool.name, tool]));
    equal(Object.keys(by).sort(), TOOLS, "names");
    ok(tools.every((tool) => tool.description && tool.title && tool.inputSchema.type === "object"), "description, title, schema");
    equal(by.read_state.annotations.readOnlyHint, true, "read_state is read-only");
    equal(by.add_note.annotations.destructiveHint, false, "add_note is not destructive");
    ok(by.clear_log.annotations?.destructiveHint !== false, "clear_log is destructive");
    equal(by.watch_load.inputSchema.properties.seconds.maximum, 60, "seconds.maximum");
    equal(by.watch_load.outputSchema.required, ["samples", "low", "high", "mean"], "required of watch_load's output");
  });
  await check(`${t}: resources/list and resources/templates/list`, async () => {
    const { resources } = await client.listResources(), { resourceTemplates } = await client.listResourceTemplates();
    equal(resources.map((r) => r.uri).sort(), ["device://about", "device://load.png", "device://log"], "resources");
    equal(resources.find((r) => r.name === "load.png").mimeType, "image/png", "type of the picture");
    equal(resourceTemplates.map((r) => r.uriTemplate), ["device://sensor/{name}"], "templates");
  });
  await check(`${t}: prompts/list`, async () => {
    const { prompts } = await client.listPrompts();
    equal(prompts.map((p) => [p.name, p.arguments.map((a) => [a.name, a.required ?? false])]),
      [["diagnose", [["focus", false]]]], "prompts");
  });
}

async function calls(t, { client, call }) {
  await check(`${t}: tools/call with structured output`, async () => {
    const { structuredContent: state, content } = await call("read_state", {});
    equal(JSON.parse(content[0].text), state, "the text block");
    equal(state.processors, cpus().length, "processors");
    ok(Math.abs(state.uptime - uptime()) < 10, `uptime ${state.uptime}, not ${uptime()}`);
    ok(Math.abs(state.load1 - loadavg()[0]) < 1, `load1 ${state.load1}, not ${loadavg()[0]}`);
    ok(state.memory > 0 && state.memory <= 100, `memory ${state.memory}`);
  });
  await check(`${t}: tools/call with a list of objects`, async () => {
    const { disks } = (await call("list_disks", {})).structuredContent;
    ok(disks.length > 0, "no disk");
    for (const disk of disks) {
      const { blocks, bsize } = statfsSync(disk.mount);
      equal(disk.total_mb, Math.floor(blocks * bsize / 2 ** 20), `size of ${disk.mount}`);
      ok(disk.free_mb >= 0 && disk.free_mb <= disk.total_mb, `free space of ${disk.mount}`);
    }
  });
  await check(`${t}: wrong arguments become a result the model can read`, async () => {
    const result = await call("watch_load", { seconds: 61 });
    equal(result.isError, true, "isError");
    ok(/seconds/.test(textOf(result)) && /60/.test(textOf(result)), textOf(result));
    equal((await call("add_note", {})).isError, true, "isError of a missing argument");
  });
  await check(`${t}: unknown names are errors`, async () => {
    equal((await failure(call("no_such_tool", {}), "unknown tool")).code, -32602, "code of an unknown tool");
    equal((await failure(client.getPrompt({ name: "nothing" }), "unknown prompt")).code, -32602, "code of an unknown prompt");
  });
  await check(`${t}: text with every kind of character comes back`, async () => {
    const text = "\"quoted\" \\ / \u0001 \t ä € 😀 </script>";
    equal(textOf(await call("add_note", { text })), "Noted.", "answer");
    ok((await log(client)).includes(text), "the note is not in the log");
  });
}

async function slow(t, connection) {
  const { client, call, onLog } = connection;
  await check(`${t}: progress`, async () => {
    const seen = [], began = Date.now();
    const { structuredContent: found } = await call("watch_load", { seconds: 2 }, { onprogress: (p) => seen.push(p) });
    // The last one comes together with the result, and SDK 2 drops it when both are in one piece of input.
    ok(seen.length >= 2, `progress ${JSON.stringify(seen)}`);
    equal(seen.map((p) => [p.progress, p.total]), [[0, 2], [1, 2], [2, 2]].slice(0, seen.length), "progress");
    ok(/^load \d+\.\d\d$/.test(seen[1].message), `message ${seen[1].message}`);
    equal(found.samples, 2, "samples");
    ok(found.low <= found.mean && found.mean <= found.high, `low, mean, high: ${JSON.stringify(found)}`);
    ok(Date.now() - began >= 1900, "it came too early");
  });
  await check(`${t}: log messages`, async () => {
    const seen = [];
    onLog((params) => seen.push(params));
    await connection.setLevel("info");
    await call("watch_load", { seconds: 1 }, { level: "info" });
    equal(seen, [{ level: "info", logger: "watch_load", data: "watching the load" }], "messages");
    await connection.setLevel("error");
    await call("watch_load", { seconds: 1 }, { level: "error" });
    equal(seen.length, 1, "messages below the level");
  });
  await check(`${t}: other calls while one is slow`, async () => {
    const first = call("watch_load", { seconds: 2 });
    let finished = false;
    first.then(() => { finished = true; }, () => {});
    const answers = await Promise.all(Array.from({ length: 8 }, () => call("read_state", {})));
    equal(finished, false, "the slow call has ended");
    ok(answers.every((answer) => answer.structuredContent.processors > 0), "an answer is missing");
    equal((await first).structuredContent.samples, 2, "samples");
  });
  await check(`${t}: cancellation reaches the tool`, async () => {
    const abort = new AbortController(), before = (await log(client)).split("watch_load: cancelled").length;
    const work = call("watch_load", { seconds: 60 }, { signal: abort.signal, onprogress: () => abort.abort("enough") });
    await failure(work, "the cancelled call");
    await until(5000, async () => (await log(client)).split("watch_load: cancelled").length === before + 1, "the tool's end");
    ok((await call("read_state", {})).structuredContent, "no answer afterwards");
  });
}

async function questions(t, { call, onElicit }) {
  const name = async () => (await call("read_state", {})).structuredContent.name;
  let asked;
  const answer = (result) => onElicit((params) => { asked = params; return result; });
  await check(`${t}: elicitation accepted`, async () => {
    const old = await name(), next = `pump ${t.length} ä`;
    answer(accept({ confirm: true }));
    const result = await call("rename_device", { name: next });
    ok(!result.isError, textOf(result));
    equal(asked.message, `Rename this device from "${old}" to "${next}"?`, "question");
    equal(asked.requestedSchema.properties.confirm.type, "boolean", "schema");
    equal(await name(), next, "name");
  });
  await check(`${t}: elicitation declined, cancelled, and answered with no`, async () => {
    const old = await name();
    for (const reply of [{ action: "decline" }, { action: "cancel" }, accept({ confirm: false })]) {
      answer(reply);
      const result = await call("rename_device", { name: "not this" });
      equal(result.isError, true, `isError after ${reply.action}`);
      ok(/did not agree/.test(textOf(result)), textOf(result));
      equal(await name(), old, `name after ${reply.action}`);
    }
  });
  await check(`${t}: two questions at once`, async () => {
    answer(accept({ confirm: true }));
    const results = await Promise.all([call("rename_device", { name: "both" }), call("clear_log", {})]);
    ok(results.every((result) => !result.isError), results.map(textOf).join(", "));
    equal(await name(), "both", "name");
  });
}

async function reads(t, { client, call }, notFound) {
  await check(`${t}: resources/read of text`, async () => {
    const { contents } = await client.readResource({ uri: "device://about" });
    equal([contents.length, contents[0].uri, contents[0].mimeType], [1, "device://about", "text/plain"], "contents");
    ok(contents[0].text.startsWith("This machine as an MCP device.\n"), contents[0].text);
    const mark = `mark ${Math.random()}`;
    await call("add_note", { text: mark });
    ok((await log(client)).split("\n").some((line) => /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ  /.test(line) && line.endsWith(mark)),
      "the note is not in the log");
  });
  await check(`${t}: resources/read of a picture`, async () => {
    const { contents } = await client.readResource({ uri: "device://load.png" });
    equal([contents[0].mimeType, contents[0].text], ["image/png", undefined], "type");
    const { width, height, pixels } = png(Buffer.from(contents[0].blob, "base64"));
    equal([width, height, pixels.length], [240, 63, 61 * 63], "size");
    equal(pixels[5 * 61 + 60], 0, "the margin");
    const end = pixels[5 * 61 + 59];     // four pixels of the bar, filled or not: none is background; the filled part may end among them
    ok([0, 2, 4, 6].every((bit) => (end >> bit & 3) !== 0), `the end of the first bar: ${end}`);
  });
  await check(`${t}: resources/read through a template`, async () => {
    const { contents } = await client.readResource({ uri: "device://sensor/uptime" });
    const found = JSON.parse(contents[0].text);
    equal([contents[0].uri, found.sensor, found.unit], ["device://sensor/uptime", "uptime", "seconds"], "sensor");
    ok(Math.abs(found.value - uptime()) < 10, `value ${found.value}`);
  });
  await check(`${t}: resources that are not there`, async () => {
    for (const uri of ["device://sensor/nose", "device://nowhere"]) {
      const error = await failure(client.readResource({ uri }), uri);
      equal([error.code, error.data?.uri], [notFound, uri], `error of ${uri}`);
    }
  });
  await check(`${t}: prompts/get`, async () => {
    const { messages, description } = await client.getPrompt({ name: "diagnose", arguments: { focus: "memory" } });
    equal(messages.map((m) => [m.role, m.content.type]), [["user", "text"], ["user", "resource_link"]], "messages");
    ok(description === undefined || description.length > 0, "description");
    ok(/an eye on memory\./.test(messages[0].content.text) && /- uptime: /.test(messages[0].content.text), "text");
    equal(messages[1].content.uri, "device://log", "link");
    ok(/its general health/.test((await client.getPrompt({ name: "diagnose" })).messages[0].content.text), "without arguments");
  });
  await check(`${t}: completion`, async () => {
    const of = async (ref, name, value) => (await client.complete({ ref, argument: { name, value } })).completion.values;
    const prompt = { type: "ref/prompt", name: "diagnose" }, template = { type: "ref/resource", uri: "device://sensor/{name}" };
    equal(await of(prompt, "focus", ""), ["disks", "load", "memory", "temperature"], "all");
    equal(await of(prompt, "focus", "lo"), ["load"], "of a prompt");
    equal(await of(prompt, "focus", "x"), [], "none");
    equal(await of(template, "name", "load"), ["load1", "load5", "load15"], "of a template");
  });
}

async function subscriptions(t, { call, watch, onUpdated }) {
  await check(`${t}: a subscription tells of a change, and ends`, async () => {
    const seen = [];
    onUpdated((params) => seen.push(params.uri));
    const end = await watch("device://log");
    await call("add_note", { text: "watched" });
    await until(3000, () => seen.length > 0, "the notification");
    equal([...new Set(seen)], ["device://log"], "what changed");
    await end();
    const count = seen.length;
    await call("add_note", { text: "not watched" });
    await new Promise((resolve) => setTimeout(resolve, 150));
    equal(seen.length, count, "notifications after the end");
  });
}

// Everything, over one connection; then another one beside it and after it.
export async function all(adapter) {
  const t = adapter.label;
  let connection;
  if (!await check(`${t}: connect`, async () => {
    connection = await adapter.open();
    equal(connection.version(), adapter.version, "protocol version");
  })) return;
  await lists(t, connection);
  await calls(t, connection);
  await slow(t, connection);
  await questions(t, connection);
  await reads(t, connection, adapter.notFound);
  await subscriptions(t, connection);
  if (!adapter.modern) await check(`${t}: ping`, async () => { equal(await connection.client.ping(), {}, "answer"); });
  await check(`${t}: a second client beside the first`, async () => {
    const second = await adapter.open();
    second.onElicit(() => ({ action: "decline" }));
    connection.onElicit(() => accept({ confirm: true }));
    const [refused, agreed] = await Promise.all([second.call("clear_log", {}), connection.call("clear_log", {})]);
    equal([refused.isError ?? false, agreed.isError ?? false], [true, false], "whose user was asked");
    await second.close();
  });
  await check(`${t}: a client that cannot be asked`, async () => {
    const mute = await adapter.open({ mute: true });
    if (adapter.modern) {
      const error = await failure(mute.call("clear_log", {}), "the call");
      equal([error.code, error.data.requiredCapabilities], [-32021, { elicitation: {} }], "error");
    } else {
      const result = await mute.call("clear_log", {});
      ok(result.isError && /does not support/.test(textOf(result)), JSON.stringify(result));
    }
    ok((await mute.call("read_state", {})).structuredContent, "other tools");
    await mute.close();
  });
  await check(`${t}: close`, async () => { await within(5000, connection.close(), "the end"); });
}
