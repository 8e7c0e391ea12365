// picture.mjs   Takes the picture of README.md, examples/pairing.png: the page on which a person pairs build/device, in Chromium.
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { browse } from "../interop/lib/browser.mjs";
import { start, until } from "../interop/lib/harness.mjs";

const state = mkdtempSync(join(tmpdir(), "picture-")), file = fileURLToPath(new URL("../../examples/pairing.png", import.meta.url));
process.env.XDG_STATE_HOME = state;
const device = await start({ args: ["--port", "0"] }), browser = await browse();
try {
  const { origin } = new URL(device.url), redirect_uri = "http://127.0.0.1:8976/callback";
  const { client_id } = await (await fetch(`${origin}/register`, { method: "POST", headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ client_name: "Workbench", redirect_uris: [redirect_uri] }) })).json();
  const query = new URLSearchParams({ response_type: "code", client_id, redirect_uri, code_challenge_method: "S256",
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" });
  const { page } = await browser.open(`${origin}/authorize?${query}`, { screen: { width: 440, height: 760 } });
  await until(5000, () => /: \d{4} \d{4}\n/.test(device.text), "the code");
  await page.keyboard.press("Tab");
  await page.keyboard.type("1234 5678", { delay: 1 });
  const { x, y, width, height } = await page.locator("main").boundingBox();
  await page.screenshot({ path: file, caret: "hide", clip: { x: x - 16, y: y - 16, width: width + 32, height: height + 32 } });
  const { size } = statSync(file);
  console.log(`examples/pairing.png: ${size} bytes`);
  if (size > 60000) throw new Error("the picture is too large");
} finally {
  await browser.close();
  await device.stop();
  rmSync(state, { recursive: true });
}
