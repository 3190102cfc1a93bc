// Sends the chosen file, and shows how much of it the function has received.
"use strict";

const [form, file, stop, bar, told, files] =
  ["form", "file", "stop", "bar", "status", "files"].map((id) => document.getElementById(id));
const LIMIT = 32 * 1024 * 1024;

const mib = (bytes) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

function tell(text, failed = false) {
  told.textContent = text;
  told.className = failed ? "failed" : "";
}

// Not `randomUUID`, which pages without TLS do not have.
function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Resolves once the function listens: whatever happens from then on is shown. Without it the upload works too.
function watch(id) {
  const events = new EventSource(`uploads/${id}/progress`);
  events.onmessage = ({ data }) => {
    const now = JSON.parse(data);
    if (now.state === "receiving" && now.total) {
      bar.value = now.received / now.total;
      tell(`${mib(now.received)} of ${mib(now.total)} received`);
    } else if (now.state === "done" || now.state === "failed") {
      events.close();
    }
  };
  return new Promise((resolve) => {
    events.onopen = () => resolve(events);
    events.onerror = () => resolve(events);
  });
}

async function upload(chosen) {
  if (chosen.size > LIMIT - 4096) throw new Error(`${mib(chosen.size)} are too much: 32 MiB are the most.`);
  const id = newId();
  const events = await watch(id);
  const leaving = new AbortController();
  stop.onclick = () => leaving.abort();
  try {
    const body = new FormData();
    body.append("file", chosen);
    const reply = await fetch(`uploads/${id}`, { method: "POST", body, signal: leaving.signal });
    const answer = await reply.json();
    if (!reply.ok) throw new Error(answer.detail ?? `The function answers ${reply.status}.`);
    return answer;
  } catch (error) {
    throw leaving.signal.aborted ? new Error("Stopped: nothing is kept.") : error;
  } finally {
    events.close();
  }
}

form.onsubmit = async (event) => {
  event.preventDefault();
  const [chosen] = file.files;
  const button = form.querySelector("button");
  button.disabled = true;
  stop.hidden = bar.hidden = false;
  bar.value = 0;
  tell("Begins …");
  try {
    const stored = await upload(chosen);
    bar.value = 1;
    tell(`Stored: ${chosen.name}, ${mib(stored.bytes)}`);
    const link = document.createElement("a");
    link.href = stored.location.slice(1);
    link.textContent = chosen.name;
    const item = document.createElement("li");
    item.append(link);
    files.append(item);
    form.reset();
  } catch (error) {
    bar.hidden = true;
    tell(error.message, true);
  }
  button.disabled = false;
  stop.hidden = true;
};
