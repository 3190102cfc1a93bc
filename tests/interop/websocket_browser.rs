//! The WebSocket of a real browser: from a page that may, and from one that may not.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::wait::until;
use crate::support::{Launch, Server};
use crate::{Folder, is_wanted};

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

/// Answers with the page; what it holds is answered when the page is done, because a browser in a test looks at a page
/// when it has loaded.
fn serve_page() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let done = Arc::new(AtomicBool::new(false));
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let done = Arc::clone(&done);
            std::thread::spawn(move || {
                let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
                let first = lines.next().unwrap_or_default();
                while lines.next().is_some_and(|line| !line.is_empty()) {}
                match first.split(' ').nth(1) {
                    Some("/hold") => {
                        until("the page to be done", || done.load(Ordering::Relaxed).then_some(()));
                    }
                    Some("/done") => done.store(true, Ordering::Relaxed),
                    _ => {}
                }
                let length = PAGE.len();
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n";
                let _ = write!(&stream, "{head}Content-Length: {length}\r\n\r\n{PAGE}");
            });
        }
    });
    port
}

/// What the page has seen, in its own words.
#[track_caller]
fn browse(page: &str, function: &Server) -> Vec<String> {
    let folder = Folder::new(&format!("browser-ws-{}", function.port));
    let mut command = Command::new("chromium");
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]);
    command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
    command.args(["--disable-dev-shm-usage", "--dump-dom"]);
    command.arg(format!("--user-data-dir={}", folder.0.display()));
    command.arg(format!("{page}/?base=ws://localhost:{}", function.port));
    let output = command.stderr(Stdio::null()).output().expect("chromium is installed");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let seen = text.split_once("<body>[").and_then(|(_, rest)| rest.split_once(']'));
    let seen = seen.unwrap_or_else(|| panic!("the page did not come to its end: {text}")).0;
    println!("{page}: {seen}");
    seen.split("; ").map(str::to_owned).collect()
}

#[test]
fn a_browser_opens_sockets_from_where_it_may() {
    if !is_wanted() {
        return;
    }
    let (allowed, other) =
        (format!("http://127.0.0.1:{}", serve_page()), format!("http://localhost:{}", serve_page()));
    let server = Launch::app("sockets").var("IT_ORIGIN", &allowed).start();
    assert_eq!(
        browse(&allowed, &server),
        [
            "chat.v2 tea 70000 xxxxxxxxxx 4002 enough true",
            " before 4000 because true",
            " 1009 a message may have 8 bytes true",
            // It offered a subprotocol, and no answer to that is a failure for a browser.
            " 1006  false",
        ]
    );
    // Another port is another origin, and a browser tells a page nothing about a refusal.
    for seen in browse(&other, &server) {
        assert_eq!(seen, " 1006  false");
    }
    assert_eq!(server.counter("panicked"), 0);
}
