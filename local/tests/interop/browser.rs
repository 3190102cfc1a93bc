//! A real browser, and the pages that it is sent to.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use testkit::Folder;

use super::succeed;

/// Answers requests with the page, until the test ends. A browser looks at a page when it has loaded, so the page loads
/// `/hold`, which is answered once it has asked for `/done`.
pub(super) fn serve_page(page: &'static str) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let is_done = Arc::new(AtomicBool::new(false));
    let answer = move |mut stream: TcpStream, is_done: &AtomicBool| {
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
        let first = lines.next().unwrap_or_default();
        while lines.next().is_some_and(|line| !line.is_empty()) {}
        match first.split(' ').nth(1) {
            Some("/hold") => testkit::eventually("the page is done", || is_done.load(Ordering::Relaxed)),
            Some("/done") => is_done.store(true, Ordering::Relaxed),
            _ => {}
        }
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n";
        _ = write!(stream, "{head}Content-Length: {}\r\n\r\n{page}", page.len());
    };
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let is_done = Arc::clone(&is_done);
            std::thread::spawn(move || answer(stream, &is_done));
        }
    });
    port
}

/// What the page at `url` says in its body between brackets, when it has come to its end.
#[track_caller]
pub(super) fn look(url: &str, more: &[&str]) -> String {
    let profile = Folder::new();
    let mut chromium = Command::new("chromium");
    chromium.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]);
    chromium.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
    chromium.args(["--disable-dev-shm-usage", "--dump-dom", "--proxy-server=direct://"]).args(more);
    chromium.arg(format!("--user-data-dir={}", profile.path().display())).arg(url);
    let text = succeed(&mut chromium);
    let seen = text.split_once("<body>[").and_then(|(_, rest)| rest.split_once(']'));
    seen.unwrap_or_else(|| panic!("the page did not come to its end: {text}")).0.to_owned()
}
