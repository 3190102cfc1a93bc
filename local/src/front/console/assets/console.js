// What pages do beyond forms and links: whether the stream is there, a pause, copying, and one key.
"use strict";
(() => {
  const say = (text) => {
    const state = document.getElementById("state");
    if (state && state.textContent !== text) state.textContent = text;
  };
  let isPaused = false;
  let isLost = false;

  document.addEventListener("htmx:sse:after:connection", () => {
    isLost = false;
    say(isPaused ? "paused" : "live");
  });
  document.addEventListener("htmx:sse:error", () => {
    isLost = true;
    say("no connection: trying again");
  });
  // It comes before the wait for the next try too.
  document.addEventListener("htmx:sse:before:connection", () => { if (!isLost && !isPaused) say("connecting"); });
  // What comes in a pause is left out. The next message after it has the whole state again.
  document.addEventListener("htmx:sse:before:message", (event) => { if (isPaused) event.preventDefault(); });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.id === "pause") {
      isPaused = !isPaused;
      button.setAttribute("aria-pressed", String(isPaused));
      say(isPaused ? "paused" : "live");
    }
    const source = button.dataset.copy && document.getElementById(button.dataset.copy);
    if (source) {
      const before = button.textContent;
      try {
        await navigator.clipboard.writeText(source.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(source);
        button.textContent = "Selected: copy it with the keyboard";
      }
      setTimeout(() => { button.textContent = before; }, 2000);
    }
  });

  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest("input, textarea, select");
    const filter = document.getElementById("filter");
    if (event.key === "/" && !isTyping && filter && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      filter.focus();
    }
  });
})();
