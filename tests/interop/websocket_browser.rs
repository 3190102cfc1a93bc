//! The WebSocket of a real browser: from a page that may, and from one that may not.

use crate::browser::{browse_sockets, serve_page};
use crate::support::{Launch, Server};

/// Tries one socket after another and says what became of each.
const PAGE: &str = r"<!doctype html><title>ws</title><body>waiting<img src=/hold><script>
const base = new URL(location).searchParams.get('base');
const attempt = (path, protocols, messages) => new Promise(resolve => {
  const socket = new WebSocket(base + path, protocols);
  socket.binaryType = 'arraybuffer';
  const left = [...messages], got = [];
  // Without messages it waits for the server's close.
  socket.onopen = () => left.length && socket.send(left.shift());
  socket.onmessage = event => {
    const data = event.data;
    got.push(typeof data === 'string' ? data.slice(0, 10) : data.byteLength);
    left.length ? socket.send(left.shift()) : socket.close(4002, 'enough');
  };
  socket.onclose = event => resolve([socket.protocol, ...got, event.code, event.reason, event.wasClean].join(' '));
});
(async () => {
  const lines = [];
  lines.push(await attempt('/echo', ['chat.v1', 'chat.v2'], ['tea', new Uint8Array(70000), 'x'.repeat(1 << 20)]));
  lines.push(await attempt('/close', [], []));
  lines.push(await attempt('/small', [], ['123456789']));
  lines.push(await attempt('/echo', ['unknown'], []));
  document.body.textContent = '[' + lines.join('; ') + ']';
  fetch('/done');
})();
</script>";

/// What became of the page's sockets, one after another.
#[track_caller]
fn sockets(page: &str, function: &Server) -> Vec<String> {
    let seen = browse_sockets(page, function.port);
    println!("{page}: {seen}");
    seen.split("; ").map(str::to_owned).collect()
}

#[test]
#[ignore = "needs chromium: .ci/run runs it with --ignored"]
fn a_browser_opens_sockets_from_where_it_may() {
    let (allowed, other) =
        (format!("http://127.0.0.1:{}", serve_page(PAGE)), format!("http://localhost:{}", serve_page(PAGE)));
    let server = Launch::app("sockets").var("IT_ORIGIN", &allowed).start();
    assert_eq!(
        sockets(&allowed, &server),
        [
            "chat.v2 tea 70000 xxxxxxxxxx 4002 enough true",
            " before 4000 because true",
            " 1009 a message may have 8 bytes true",
            // It offered a subprotocol, and no answer to that is a failure for a browser.
            " 1006  false",
        ]
    );
    // Another port is another origin, and a browser tells a page nothing about a refusal.
    for seen in sockets(&other, &server) {
        assert_eq!(seen, " 1006  false");
    }
    assert_eq!(server.counter("panicked"), 0);
}
