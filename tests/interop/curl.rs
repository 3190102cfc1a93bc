//! curl, in both protocols, over all rows.

use std::process::Command;

use crate::support::{Answer, Ask, Server, rows};
use testkit::Folder;

/// One request by curl. `protocol` is the option that chooses it.
#[track_caller]
pub fn ask(folder: &Folder, port: u16, protocol: &str, ask: &Ask) -> Answer {
    let (head, body, sent) = (folder.file("head"), folder.file("body"), folder.file("sent"));
    for stale in [&head, &body] {
        std::fs::write(stale, "").unwrap();
    }
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--globoff", "--path-as-is", "--max-time", "30", protocol]);
    curl.arg("--dump-header").arg(&head).arg("--output").arg(&body);
    match ask.method {
        "HEAD" => curl.arg("--head"),
        method => curl.args(["--request", method]),
    };
    // What curl would add by itself.
    if !ask.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        curl.args(["--header", "Content-Type:"]);
    }
    for (name, value) in &ask.headers {
        curl.arg("--header").arg(format!("{name}: {value}"));
    }
    if let Some(bytes) = &ask.body {
        std::fs::write(&sent, bytes).unwrap();
        curl.arg("--data-binary").arg(format!("@{}", sent.display()));
        if ask.chunked && protocol == "--http1.1" {
            curl.args(["--header", "Transfer-Encoding: chunked"]);
        }
    }
    curl.arg(format!("http://127.0.0.1:{port}{}", ask.target));
    let done = curl.output().expect("curl is installed");
    let text = std::fs::read_to_string(&head).unwrap();
    // A reply to a body that was refused unread counts, though curl could not send it all.
    assert!(
        done.status.success() || text.contains(" 413"),
        "{ask:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    let heads: Vec<&str> = text.split("\r\n\r\n").filter(|head| !head.is_empty()).collect();
    let last = heads.iter().rev().find(|head| !head.contains(" 100")).expect("a head");
    let mut lines = last.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    let body = if ask.method == "HEAD" { Vec::new() } else { std::fs::read(&body).unwrap() };
    Answer { status, headers, body, ..Answer::default() }
}

#[test]
#[ignore = "needs curl: .ci/run runs it with --ignored"]
fn all_rows_over_http1() {
    let (server, folder) = (Server::contract(), Folder::new());
    rows::check(|row| ask(&folder, server.port, "--http1.1", row));
}

#[test]
#[ignore = "needs curl: .ci/run runs it with --ignored"]
fn all_rows_over_http2() {
    let (server, folder) = (Server::contract(), Folder::new());
    rows::check(|row| ask(&folder, server.port, "--http2-prior-knowledge", row));
}
