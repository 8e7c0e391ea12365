// A person with a browser: Debian's Chromium, without a window and without scripts, driven by the keyboard.
import { load } from "./harness.mjs";

const { chromium } = load("playwright-core");
export const phone = { width: 390, height: 780 };
export const desk = { width: 1000, height: 700 };

// Opens a browser, with home for HOME. open(url) answers a page of a person who is new there.
export async function browse({ home = process.env.HOME } = {}) {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage"], env: { ...process.env, HOME: home } });
  return {
    async open(url, { screen = desk } = {}) {
      const context = await browser.newContext({ viewport: screen, javaScriptEnabled: false, deviceScaleFactor: 1 });
      const page = await context.newPage(), complaints = [];
      page.on("console", (message) => complaints.push(message.text()));
      page.on("pageerror", (error) => complaints.push(String(error)));
      const answer = await page.goto(String(url));
      return { page, complaints, status: answer.status(), close: () => context.close() };
    },
    close: () => browser.close(),
  };
}

// Reaches the element by Tab alone.
async function tabTo(page, element) {
  for (let n = 0; n < 12; n++) {
    await page.keyboard.press("Tab");
    if (await element.evaluate((e) => e === e.ownerDocument.activeElement)) return;
  }
  throw new Error(`Tab does not lead to ${element}`);
}

// Fills in the device's page with nothing but keys: the code, then Allow or Deny. Answers once the next page is there.
export async function answer(page, code, action = "Allow") {
  if (code) {
    await tabTo(page, page.getByRole("textbox", { name: /^Code that / }));
    await page.keyboard.type(code);
  }
  await tabTo(page, page.getByRole("button", { name: action, exact: true }));
  const next = page.waitForEvent("framenavigated");
  await page.keyboard.press("Enter");
  await next;
  await page.waitForLoadState();
}
