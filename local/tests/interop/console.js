// Drives every page of the console in Chromium: the policy, what axe finds, small screens, the keyboard, live pages and forms.
//   node console.js URL SCREENSHOTS
// Prints, as JSON, what was found: `complaints` of the browser, `violations` of accessibility, `wide` pages, and `steps` that were seen.
"use strict";
const { readFileSync, mkdirSync } = require("node:fs");
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const [base, screenshots] = process.argv.slice(2);
const found = { complaints: [], violations: [], wide: [], foreign: [], steps: [] };
const PAGES = ["/", "/requests", "/tasks", "/instances", "/logs", "/send?trigger=oss", "/routes?url=http://f.localhost/x", "/configuration", "/nothing"];

function check(condition, step) {
  if (!condition) throw new Error(`not seen: ${step}`);
  found.steps.push(step);
}

async function examine(page, name) {
  // The policy forbids scripts of a page's own; the debugger's are no page's.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  for (const { id, impact, nodes } of violations) {
    if (impact === "serious" || impact === "critical") found.violations.push(`${name}: ${id}: ${nodes.slice(0, 3).map((node) => node.html).join(" ")}`);
  }
  const width = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  if (width[0] > width[1]) found.wide.push(`${name}: ${width[0]} of ${width[1]}`);
  await page.screenshot({ path: `${screenshots}/${name}.png`, fullPage: true });
}

function watch(page) {
  page.on("console", (message) => { if (message.type() === "error" && !/404/.test(message.text())) found.complaints.push(message.text()); });
  page.on("pageerror", (error) => found.complaints.push(String(error)));
  page.on("request", (request) => { if (!request.url().startsWith(base)) found.foreign.push(request.url()); });
}

async function looks(browser, colorScheme, viewport, name) {
  const context = await browser.newContext({ colorScheme, viewport });
  const page = await context.newPage();
  watch(page);
  for (const path of PAGES) {
    await page.goto(base + path);
    await examine(page, `${name}-${path.replace(/\?.*/, "").slice(1) || "overview"}`);
  }
  // The newest request, with everything that is known of it.
  await page.goto(`${base}/requests`);
  await page.locator("#r-requests tbody a").first().click();
  await page.getByRole("heading", { name: "Where the time went" }).waitFor();
  await examine(page, `${name}-request`);
  await page.goto(`${base}/tasks`);
  await page.locator("#r-tasks tbody a").first().click();
  await page.getByRole("heading", { name: "What happened" }).waitFor();
  await examine(page, `${name}-task`);
  await context.close();
}

async function uses(browser) {
  const page = await (await browser.newContext({ viewport: { width: 1200, height: 900 } })).newPage();
  watch(page);
  // The keyboard: the first stop is the link past the navigation, `/` is the filter.
  await page.goto(`${base}/requests`);
  await page.keyboard.press("Tab");
  check(await page.evaluate(() => document.activeElement.className === "skip"), "the first stop skips the navigation");
  await page.keyboard.press("Enter");
  check(await page.evaluate(() => document.activeElement.id === "main"), "the skip leads to the content");
  await page.keyboard.press("/");
  check(await page.evaluate(() => document.activeElement.id === "filter"), "a slash leads to the filter");
  check(await page.locator("nav a[aria-current=page]").innerText() === "Requests", "the navigation says where one is");

  // A page is live, and the focus stays where it was.
  await page.getByText("live", { exact: true }).waitFor();
  found.steps.push("the stream is connected");
  const before = await page.locator("#r-requests tbody tr").first().getAttribute("id");
  await page.evaluate(() => document.getElementById("filter").focus());
  const event = await page.context().newPage();
  watch(event);
  await event.goto(`${base}/send?trigger=timer`);
  check((await event.locator("#event").inputValue()).includes("triggerTime"), "the sample is in the form");
  await event.locator("#event").fill("<b>hello</b>");
  await event.getByRole("button", { name: "Send", exact: true }).click();
  await event.getByRole("heading", { name: "Reply", exact: true }).waitFor();
  await event.screenshot({ path: `${screenshots}/sent.png`, fullPage: true });
  check(await event.getByText("succeeded").isVisible(), "an event is sent, and its reply is shown");
  await page.waitForFunction((before) => document.querySelector("#r-requests tbody tr")?.id !== before, before);
  found.steps.push("the request comes to the open list");
  check(await page.evaluate(() => document.activeElement.id === "filter"), "the focus stays");

  // In a pause nothing changes.
  await page.locator("#pause").click();
  check(await page.locator("#pause").getAttribute("aria-pressed") === "true", "the pause is pressed");
  const paused = await page.locator("#r-requests tbody tr").first().getAttribute("id");
  await event.locator("#event").fill("{}");
  await event.getByRole("button", { name: "Send", exact: true }).click();
  await event.getByRole("link", { name: "The request" }).click();
  await event.getByRole("heading", { name: "Where the time went" }).waitFor();
  check(await page.locator("#r-requests tbody tr").first().getAttribute("id") === paused, "a pause holds the list");

  // A replay.
  await event.getByRole("button", { name: "Send it once more" }).click();
  await event.getByRole("link", { name: "The new request" }).click();
  await event.getByText("Replay of").waitFor();
  found.steps.push("a request is replayed");
  check(await event.locator("#curl").innerText().then((text) => text.startsWith("curl ") || text.includes("| curl ")), "the line for curl is there");

  // A task: carried out once more.
  await event.goto(`${base}/tasks`);
  await event.locator("#r-tasks tbody a").first().click();
  const task = event.url();
  await event.getByRole("button", { name: "Carry it out once more" }).click();
  await event.waitForURL((url) => String(url) !== task);
  await event.getByRole("heading", { name: "What happened" }).waitFor();
  found.steps.push("a task is carried out once more");

  // The stream goes on after a lost connection.
  await page.locator("#pause").click();
  await page.context().setOffline(true);
  // A connection that is open stays so without a network, so it is cut here.
  await page.evaluate(() => document.getElementById("stream")._htmx.sse.reader.cancel());
  await page.getByText("no connection: trying again").waitFor();
  await page.context().setOffline(false);
  await page.getByText("live", { exact: true }).waitFor();
  found.complaints = found.complaints.filter((text) => !/ERR_INTERNET_DISCONNECTED|sse:error: Failed to fetch/.test(text));
  found.steps.push("the stream comes back");
}

async function main() {
  mkdirSync(screenshots, { recursive: true });
  const args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--proxy-server=direct://"];
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args });
  try {
    await looks(browser, "light", { width: 1280, height: 900 }, "light");
    await looks(browser, "dark", { width: 390, height: 844 }, "dark-390");
    await uses(browser);
  } finally {
    await browser.close();
  }
}

main().catch((error) => {
  found.error = String(error.stack ?? error);
  process.exitCode = 1;
}).finally(() => console.log(JSON.stringify(found)));
