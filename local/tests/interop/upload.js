// Drives the page of the example `upload` in Chromium by its own protocol, over a pipe:
//   node upload.js URL PROFILE FILE SCREENSHOT
// Prints, as JSON, what the page said on the way, whatever Chromium complained of, and the last state.
"use strict";
const { spawn } = require("node:child_process");
const { writeFileSync } = require("node:fs");

const [url, profile, file, screenshot] = process.argv.slice(2);
const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-sync",
  "--disable-background-networking", "--disable-component-update", "--proxy-server=direct://", "--window-size=800,600",
  "--remote-debugging-pipe", `--user-data-dir=${profile}`];
const chromium = spawn("chromium", flags, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
const [to, from] = [chromium.stdio[3], chromium.stdio[4]];

let last = 0, rest = "", session;
const waiting = new Map(), complaints = [];
from.setEncoding("utf8").on("data", (text) => {
  const messages = (rest + text).split("\0");
  rest = messages.pop();
  for (const { id, method, params, result, error } of messages.map((message) => JSON.parse(message))) {
    if (method === "Log.entryAdded") complaints.push(params.entry.text);
    if (method === "Runtime.exceptionThrown") complaints.push(params.exceptionDetails.text);
    const [resolve, reject] = waiting.get(id) ?? [];
    waiting.delete(id);
    if (error) reject?.(new Error(error.message));
    else resolve?.(result);
  }
});

function call(method, params = {}) {
  return new Promise((resolve, reject) => {
    waiting.set(++last, [resolve, reject]);
    to.write(JSON.stringify({ id: last, method, params, sessionId: session }) + "\0");
  });
}

async function evaluate(expression) {
  const { result, exceptionDetails } = await call("Runtime.evaluate", { expression, awaitPromise: true });
  if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.text}`);
  return result.value;
}

async function until(expression) {
  for (const end = Date.now() + 60_000; Date.now() < end;) {
    if (await evaluate(expression)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`in vain: ${expression}; the page says ${await evaluate("document.body?.innerText")}`);
}

async function main() {
  const { targetId } = await call("Target.createTarget", { url: "about:blank" });
  session = (await call("Target.attachToTarget", { targetId, flatten: true })).sessionId;
  await Promise.all(["Log", "Runtime", "Page", "DOM"].map((domain) => call(`${domain}.enable`)));
  await call("Page.navigate", { url });
  await until("document.readyState === 'complete' && Boolean(document.getElementById('form')?.onsubmit)");
  await evaluate(`globalThis.said = []; new MutationObserver(() => said.push(document.getElementById("status").textContent))
    .observe(document.getElementById("status"), { childList: true }); 0`);
  const { root } = await call("DOM.getDocument");
  const { nodeId } = await call("DOM.querySelector", { nodeId: root.nodeId, selector: "#file" });
  await call("DOM.setFileInputFiles", { nodeId, files: [file] });
  await evaluate("document.querySelector('button').click(), 0");
  await until("document.getElementById('stop').hidden && said.length > 0");
  const { data } = await call("Page.captureScreenshot", { format: "png" });
  writeFileSync(screenshot, Buffer.from(data, "base64"));
  const said = JSON.parse(await evaluate("JSON.stringify(said)"));
  const link = await evaluate("document.querySelector('#files a')?.getAttribute('href') ?? null");
  console.log(JSON.stringify({ said, link, complaints }));
}

main().then(
  () => chromium.kill(),
  (error) => {
    chromium.kill();
    console.error(error);
    process.exitCode = 1;
  },
);
