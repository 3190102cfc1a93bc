//! The example `upload` behind fc-local: its page in Chromium, a client that leaves, and an instance that is killed.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use testkit::Folder;
use testkit::events::kind;
use testkit::h1::{Conn, exchange, request};
use testkit::process::signal;

use super::examples_apart::project;
use super::succeed;
use crate::harness::Local;

fn start() -> Local {
    Local::start(project("upload", &[("upload", "dist")]), &["--no-build"])
}

/// A file that begins as a PNG.
fn picture(folder: &Folder, name: &str, bytes: usize) {
    let mut picture = b"\x89PNG\r\n\x1a\n".to_vec();
    picture.resize(bytes, b'x');
    std::fs::write(folder.file(name), picture).unwrap();
}

/// The names in the storage, but for what is hidden; and how many parts of files there are.
fn stored(folder: &Folder) -> (Vec<String>, usize) {
    let names = |path: &Path| {
        let names = std::fs::read_dir(path).into_iter().flatten().flatten();
        names.map(|entry| entry.file_name().into_string().unwrap()).collect::<Vec<_>>()
    };
    let files = names(&folder.file("storage")).into_iter().filter(|name| !name.starts_with('.'));
    (files.collect(), names(&folder.file("storage/.parts")).len())
}

/// What the page says while a file is uploaded by a person.
fn upload(local: &Local, name: &str) -> Value {
    let profile = Folder::new();
    let mut node = Command::new("node");
    node.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/upload.js"));
    node.arg(format!("http://127.0.0.1:{}/", local.function_port("upload"))).arg(profile.path());
    node.arg(local.folder.file(name)).arg(local.folder.file(&format!("{name}.seen.png")));
    serde_json::from_str(&succeed(&mut node)).unwrap()
}

#[test]
#[ignore = "needs Chromium, Node.js and the built example: .ci/run runs it with --ignored"]
fn a_page_uploads_a_file_and_shows_how_far_it_is() {
    let local = start();
    picture(&local.folder, "tea.png", 32_000_000);
    let seen = upload(&local, "tea.png");
    let said: Vec<&str> =
        seen["said"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    assert_eq!(said.last(), Some(&"Stored: tea.png, 30.5 MiB"), "{said:?}");
    // How many steps a page is told depends on who is faster.
    assert!(said.iter().any(|text| text.ends_with(" MiB of 30.5 MiB received")), "{said:?}");
    assert_eq!(seen["complaints"], serde_json::json!([]));
    let link = format!("/{}", seen["link"].as_str().unwrap());
    let given = exchange(local.function_port("upload"), &request("GET", &link, "", b""));
    assert_eq!((given.status, given.body.len()), (200, 32_000_000));

    std::fs::write(local.folder.file("page.png"), "<html>no picture").unwrap();
    let seen = upload(&local, "page.png");
    let said = seen["said"].as_array().unwrap();
    assert_eq!(said.last().unwrap(), "this is none of JPEG, MP4, PDF, PNG and WebP");
    assert_eq!(stored(&local.folder).0.len(), 1);
    // For somebody who wants to look at the page.
    if let Some(folder) = std::env::var_os("FC_SCREENSHOTS") {
        for name in ["tea.png", "page.png"] {
            let seen = local.folder.file(&format!("{name}.seen.png"));
            std::fs::copy(seen, Path::new(&folder).join(format!("upload-{name}"))).unwrap();
        }
    }
}

#[test]
#[ignore = "needs curl and the built example: .ci/run runs it with --ignored"]
fn no_file_is_half_there_though_instances_are_killed_and_clients_leave() {
    let local = start();
    picture(&local.folder, "tea.png", 24 * 1024 * 1024);
    let port = local.function_port("upload");
    let id = "0123456789abcdef";
    let curl = |rate: &str| {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--fail", "--max-time", "100"]);
        curl.args(["--limit-rate", rate, "--form"]);
        curl.arg(format!("file=@{}", local.folder.file("tea.png").display()));
        curl.arg(format!("http://127.0.0.1:{port}/uploads/{id}"));
        curl
    };
    let begin = || curl("1M").spawn().expect("curl is installed");
    // The function is killed while it receives.
    let mut slow = begin();
    testkit::eventually("a part is written", || stored(&local.folder).1 == 1);
    let first = local.wait_for(kind("instance_started"));
    signal(u32::try_from(first["processId"].as_u64().unwrap()).unwrap(), "KILL");
    assert!(!slow.wait().unwrap().success());
    assert_eq!(stored(&local.folder).0, Vec::<String>::new());

    // The client leaves: what its upload has written is removed. The part of the killed one is not this instance's.
    let mut slow = begin();
    testkit::eventually("a part is written", || stored(&local.folder).1 == 2);
    slow.kill().unwrap();
    slow.wait().unwrap();
    testkit::eventually("the part is removed", || stored(&local.folder).1 == 1);
    local.wait_for(kind("request").field("path", format!("/uploads/{id}")).status(499));
    assert_eq!(stored(&local.folder).0, Vec::<String>::new());

    // The same upload, whole, with its progress. Both come to the same instance: there is one.
    let mut page = Conn::open(port);
    page.send(&request("GET", &format!("/uploads/{id}/progress"), "", b""));
    page.answer_head().assert_status(200);
    succeed(curl("1G").args(["--output", "/dev/null"]));
    assert_eq!(stored(&local.folder), (vec![format!("{id}.png")], 1));
    assert!(page.until_text("\"state\":\"done\"").contains("\"state\":\"waiting\""));
}
