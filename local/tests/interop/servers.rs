//! Servers that nobody here wrote, as custom runtimes.

use serde_json::json;
use testkit::events::kind;
use testkit::{Folder, eventually};

use super::packages;
use testkit::process::is_running;

use crate::harness::{Local, f, write_manifest};

/// Serves a folder by `command`, which finds its port in the environment.
fn check(command: &str, server: &str) {
    let folder = Folder::new();
    folder.write("code/index.html", "<p>from a file</p>");
    folder.write("code/sub/data.json", "{\"a\": 1}");
    write_manifest(
        &folder,
        f().timeout(30).concurrency(5).runtime("command", json!(["/bin/sh", "-c", command])),
    );
    let mut local = Local::start(folder, &[]);
    let reply = local.get("/");
    assert_eq!((reply.status, reply.text().as_str()), (200, "<p>from a file</p>"));
    assert!(reply.header("content-type").unwrap().starts_with("text/html"), "{reply:?}");
    assert_eq!(reply.header("server"), None);
    assert_eq!(local.get("/sub/data.json").json()["a"], 1);
    let reply = local.get("/none");
    assert_eq!((reply.status, reply.header("x-fc-error-type")), (404, None), "the function's own 404");
    assert_eq!(local.call("HEAD", "/", "", b"").header("content-length"), Some("18"));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..25 {
                    assert_eq!(local.get("/sub/data.json").status, 200);
                }
            });
        }
    });
    assert_eq!(local.count(kind("request").status(502)), 0);

    // A changed file is served by a new instance.
    local.folder.write("code/index.html", "<p>changed</p>");
    local.wait_for(kind("swapped"));
    assert_eq!(local.get("/").text(), "<p>changed</p>");
    let started = local.wait_for_nth(2, kind("instance_started"));
    let pid = u32::try_from(started["processId"].as_u64().unwrap()).unwrap();
    let name = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap();
    assert!(name.contains(server), "{name}");
    assert_eq!(local.interrupt(), Some(0));
    eventually("the server ends", || !is_running(pid));
}

#[test]
#[ignore = "needs python3: .ci/run runs it with --ignored"]
fn pythons_own_server() {
    check("exec python3 -m http.server --bind 0.0.0.0 $FC_SERVER_PORT", "http.server");
}

#[test]
#[ignore = "needs node and npm: .ci/run runs it with --ignored"]
fn a_server_from_npm() {
    let program = packages().join("node_modules/http-server/bin/http-server");
    check(
        &format!("exec node {} . -a 0.0.0.0 -c-1 -p $FC_CUSTOM_LISTEN_PORT", program.display()),
        "http-server",
    );
}
