//! Changes of sources and of the manifest.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::harness::{Folder, Local, eventually, is_running, manifest};

/// A manifest whose build step puts the scripted function and the word in `source` where the code is.
fn built(props: &str) -> (Folder, String) {
    let folder = Folder::new();
    folder.write("src/word", "one");
    let steps = format!(
        "actions:\n  pre-local:\n    - run: mkdir -p code && ln -sf {} code/program && (echo '#!/bin/sh'; echo \"SCRIPT_NAME=$(cat src/word) exec /code/program\" | sed \"s|/code|$PWD/code|\") > code/bootstrap && chmod +x code/bootstrap\n      path: ./",
        crate::harness::SCRIPTED
    );
    let text = manifest(props, &steps);
    folder.write("s.yaml", &text);
    (folder, text)
}

#[test]
fn a_change_is_built_and_swapped_in() {
    let (folder, _) = built("");
    let local = Local::start(folder, &[]);
    assert_eq!(local.get("/name").text(), "one");
    let former: u32 = local.get("/pid").text().parse().unwrap();
    local.folder.write("src/word", "two");
    local.wait_for_text("swapped");
    assert_eq!(local.get("/name").text(), "two");
    eventually("the former instance ends", || !is_running(former));
}

#[test]
fn a_thousand_requests_over_rolling_rebuilds_lose_none() {
    let (folder, _) = built("instanceConcurrency: 4\ntimeout: 60");
    let local = Local::start(folder, &[]);
    let swaps = 3;
    let is_over = AtomicBool::new(false);
    let served: usize = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|client| {
                let (local, is_over) = (&local, &is_over);
                scope.spawn(move || {
                    let mut served = 0;
                    while served < 250 || !is_over.load(Ordering::Relaxed) {
                        let reply = match served % 3 {
                            0 => local.get("/name"),
                            1 => local.call("POST", "/length", "", b"x"),
                            _ => local.get("/sleep?ms=5"),
                        };
                        assert_eq!(reply.status, 200, "client {client}, request {served}: {reply:?}");
                        served += 1;
                    }
                    served
                })
            })
            .collect();
        for swap in 1..=swaps {
            local.folder.write("src/word", &format!("word-{swap}"));
            local.wait_for_nth("a swap", swap, |event| {
                event["text"].as_str().is_some_and(|text| text.contains("swapped"))
            });
        }
        is_over.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    assert!(served >= 1000, "{served}");
    assert_eq!(local.get("/name").text(), format!("word-{swaps}"));
    assert_eq!(local.count(|event| event["kind"] == "request" && event["status"] != 200), 0);
}

#[test]
fn code_that_does_not_build_or_start_leaves_the_former_in_place() {
    let (folder, text) = built("");
    let local = Local::start(folder, &[]);
    assert_eq!(local.get("/name").text(), "one");
    local.folder.write("s.yaml", &text.replace("mkdir -p code", "false"));
    local.wait_for_text("the build failed");
    assert_eq!(local.get("/name").text(), "one");
    let broken = manifest("environmentVariables: {SCRIPT_START: 'exit:1'}", "");
    local.folder.write("s.yaml", &broken);
    local.wait_for_text("the new code does not start, so the former goes on");
    assert_eq!(local.get("/name").text(), "one");
    local.folder.write("s.yaml", "edition: [");
    local.wait_for_text("the manifest is not used");
    assert_eq!(local.get("/name").text(), "one");
}

#[test]
fn a_function_that_cannot_be_built_says_so_until_it_can() {
    let (folder, text) = built("");
    folder.write("s.yaml", &text.replace("mkdir -p code", "echo no luck; false"));
    let local = Local::spawn(folder, &[]);
    let line = local.wait_for_text("the build failed: line ");
    assert!(line["text"].as_str().unwrap().contains("ended with code 1"), "{line}");
    local.wait_for("its output", |event| event["kind"] == "build" && event["text"] == "no luck");
    local.folder.write("s.yaml", &text);
    local.wait_for("the function is ready", |event| event["kind"] == "ready");
    assert_eq!(local.get("/name").text(), "one");
}

#[test]
fn a_single_file_can_be_watched() {
    let other = Folder::new();
    let word = other.write("word", "one");
    let local = Local::scripted("", &format!("x-local: {{watch: ['{}']}}", word.display()));
    assert_eq!(local.get("/").status, 200);
    other.write("word", "two, and longer");
    local.wait_for_text("swapped");
    assert_eq!(local.get("/").status, 200);
}

#[test]
fn a_changed_manifest_is_followed() {
    let local = Local::scripted("", "");
    assert_eq!(local.get("/name").text(), "");
    let changed = manifest("environmentVariables: {SCRIPT_NAME: changed}", "");
    let added = manifest("environmentVariables: {SCRIPT_NAME: added}", "")
        .replace("functionName: f", "functionName: g");
    let added = added.split_once("resources:\n").unwrap().1.replace("  f:\n", "  g:\n");
    local.folder.write("s.yaml", &format!("{changed}{added}"));
    local.wait_for("g is ready", |event| event["kind"] == "ready" && event["function"] == "g");
    eventually("the change is there", || local.get("/name").text() == "changed");
    let bytes = crate::harness::request("GET", "/name", "", b"");
    assert_eq!(crate::harness::exchange(local.function_port("g"), &bytes).text(), "added");

    local.folder.write("s.yaml", &changed);
    local.wait_for_text("removed from the manifest");
    let reply = crate::harness::exchange(local.function_port("g"), &bytes);
    reply.assert_platform_error(404, "FcCommonError", "FunctionNotFound", "'g'");
}

#[test]
fn a_program_with_a_port_of_its_own_is_swapped_while_calls_wait() {
    let port = std::net::TcpListener::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
    let props = |name: &str| {
        format!(
            "timeout: 60\ninstanceConcurrency: 10\nenvironmentVariables: {{SCRIPT_START: 'fixed:{port}', SCRIPT_NAME: {name}}}\ncustomRuntimeConfig: {{port: {port}}}"
        )
    };
    let local = Local::scripted(&props("one"), "");
    assert_eq!(local.get("/name").text(), "one");
    std::thread::scope(|scope| {
        let busy = scope.spawn(|| local.get("/sleep?ms=700"));
        local.wait_for_text("asleep");
        local.folder.write("s.yaml", &manifest(&props("two"), ""));
        local.wait_for_text("the manifest changed");
        assert_eq!(busy.join().unwrap().status, 200);
        eventually("the new code answers", || {
            let reply = local.get("/name");
            assert_eq!(reply.status, 200);
            reply.text() == "two"
        });
    });
}
