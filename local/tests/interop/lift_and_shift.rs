//! The example `lift-and-shift` behind fc-local: an axum application with clients that leave, hooks, request ids, and
//! instances that are killed.

use std::process::Command;

use testkit::events::{Event, kind};
use testkit::h1::{Conn, exchange, request};
use testkit::process::signal;

use super::examples_apart::project;
use super::{run, succeed};
use crate::harness::Local;

#[test]
#[ignore = "needs curl and the built example: .ci/run runs it with --ignored"]
fn an_axum_application_has_the_platforms_ways() {
    let mut local = Local::start(project("lift-and-shift", &[("lift-and-shift", "dist")]), &["--no-build"]);
    let port = local.function_port("rates");
    let curl = |arguments: &[&str], target: &str| {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error"])
            .args(arguments)
            .arg(format!("http://127.0.0.1:{port}{target}"));
        curl
    };
    assert_eq!(succeed(&mut curl(&["--fail"], "/convert?from=EUR&to=CNY&amount=10")), "82.1");

    // A client that leaves while the handler waits: the application notices nothing, the record says it.
    // Long enough for the request to be there.
    let left = run(&mut curl(&["--max-time", "5"], "/rates/USD/next"));
    assert_eq!(left.status.code(), Some(28));
    let told = local.wait_for(kind("request").field("path", "/rates/USD/next").status(499));
    let record = |request: &Event| {
        local.wait_for(kind("stdout").request(request.request()).saying("\"message\":\"request\""))
    };
    let record = record(&told);
    assert!(record.text().contains("\"status\":499"), "{record:?}");
    assert!(record.text().contains("\"phase\":\"handling\""), "{record:?}");

    // A killed instance is followed by another one.
    let first = local.wait_for(kind("instance_started"));
    signal(u32::try_from(first["processId"].as_u64().unwrap()).unwrap(), "KILL");
    testkit::eventually("another instance answers", || {
        exchange(port, &request("GET", "/rates/USD", "", b"")).status == 200
    });
    local.wait_for_nth(2, kind("instance_started"));

    // The hook before the end ends the streams in order, and nothing fails.
    let mut conn = Conn::open(port);
    conn.send(&request("GET", "/watch", "", b""));
    conn.answer_head().assert_status(200);
    assert!(conn.chunk().is_some());
    assert_eq!(local.interrupt(), Some(0));
    assert_eq!(conn.chunk(), None, "the last chunk");
    assert_eq!(local.count(kind("pre_stop_failed")), 0);
    assert_eq!(local.count(kind("request").field("path", "/watch").status(200)), 1);
}
