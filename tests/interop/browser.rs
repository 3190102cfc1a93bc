//! A real browser, and the pages that it is sent to.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use testkit::Folder;
use testkit::until;

/// The port of a server whose connections are answered by `answer`, each on a thread of its own.
pub fn serve(answer: impl Fn(&TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || answer(&stream));
        }
    });
    port
}

/// The lines of a head, without their ends.
pub fn head(from: &mut impl BufRead) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if from.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            return Some(lines);
        }
        lines.push(line);
    }
}

/// Answers every request with the page. A page may hold something from `/hold`, which is answered when it has fetched
/// `/done`: a browser looks at a page when it has loaded.
pub fn serve_page(page: &'static str) -> u16 {
    let done = AtomicBool::new(false);
    serve(move |stream| {
        let head = head(&mut BufReader::new(stream)).unwrap_or_default();
        match head.first().and_then(|first| first.split(' ').nth(1)) {
            Some("/hold") => until("the page to be done", || done.load(Ordering::Relaxed).then_some(())),
            Some("/done") => done.store(true, Ordering::Relaxed),
            _ => {}
        }
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n";
        let mut stream = stream;
        let _ = write!(stream, "{head}Content-Length: {}\r\n\r\n{page}", page.len());
    })
}

/// What a page has seen of a function by `fetch` and its like, in its own words. Its clock runs ahead while it waits for
/// nothing else.
#[track_caller]
pub fn browse(page: &str, port: u16) -> String {
    look(page, &format!("http://localhost:{port}"), &["--virtual-time-budget=20000"])
}

/// What a page has seen of a function by its sockets. It says by `/hold` and `/done` when it is over.
#[track_caller]
pub fn browse_sockets(page: &str, port: u16) -> String {
    look(page, &format!("ws://localhost:{port}"), &[])
}

#[track_caller]
fn look(page: &str, base: &str, more: &[&str]) -> String {
    let folder = Folder::new();
    let mut command = Command::new("chromium");
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]);
    command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
    command.args(["--disable-dev-shm-usage", "--dump-dom"]).args(more);
    command.arg(format!("--user-data-dir={}", folder.path().display()));
    command.arg(format!("{page}/?base={base}"));
    let output = command.stderr(Stdio::null()).output().expect("chromium is installed");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let seen = text.split_once("<body>[").and_then(|(_, rest)| rest.split_once(']'));
    seen.unwrap_or_else(|| panic!("the page did not come to its end: {text}")).0.to_owned()
}
