//! Changes of sources and of the manifest.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use testkit::events::kind;
use testkit::manifest::{Function, Manifest};
use testkit::process::is_running;
use testkit::{Folder, eventually};

use crate::harness::{Local, f, scripted, write_manifest};

/// A manifest whose build step puts the scripted function and the word in `source` where the code is.
fn built(function: Function) -> (Folder, String) {
    let folder = Folder::new();
    folder.write("src/word", "one");
    let step = format!(
        "mkdir -p code && ln -sf {} code/program && (echo '#!/bin/sh'; echo \"SCRIPT_NAME=$(cat src/word) exec /code/program\" | sed \"s|/code|$PWD/code|\") > code/bootstrap && chmod +x code/bootstrap",
        crate::harness::SCRIPTED
    );
    let text = Manifest::from(function.step(&step)).to_string();
    folder.write("s.yaml", &text);
    (folder, text)
}

/// A function with a port of its own.
fn fixed(port: u16, name: &str) -> Function {
    let function = f().concurrency(10).runtime("port", port);
    function.var("SCRIPT_START", &format!("fixed:{port}")).var("SCRIPT_NAME", name)
}

#[test]
fn a_change_is_built_and_swapped_in() {
    let (folder, _) = built(f());
    let local = Local::start(folder, &[]);
    assert_eq!(local.get("/name").text(), "one");
    let former: u32 = local.get("/pid").text().parse().unwrap();
    local.folder.write("src/word", "two");
    local.wait_for(kind("swapped"));
    assert_eq!(local.get("/name").text(), "two");
    eventually("the former instance ends", || !is_running(former));
}

#[test]
fn a_build_step_says_how_it_ended() {
    let folder = scripted();
    write_manifest(&folder, f().step_that_may_fail("exit 3").step("true"));
    let local = Local::start(folder, &[]);
    local.wait_for(kind("build_failure_allowed").field("fault", "exit_code").field("exitCode", 3));
    local.wait_for(kind("build_finished").has("ms"));
    assert_eq!(local.count(kind("build_finished")), 1);
}

#[test]
fn a_thousand_requests_over_rolling_rebuilds_lose_none() {
    let (folder, _) = built(f().concurrency(4).timeout(60));
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
            local.wait_for_nth(swap, kind("swapped"));
        }
        is_over.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    assert!(served >= 1000, "{served}");
    assert_eq!(local.get("/name").text(), format!("word-{swaps}"));
    let failed = local.matching(kind("request").but("status", 200));
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn code_that_does_not_build_or_start_leaves_the_former_in_place() {
    let (folder, text) = built(f());
    let local = Local::start(folder, &[]);
    assert_eq!(local.get("/name").text(), "one");
    local.folder.write("s.yaml", &text.replace("mkdir -p code", "false"));
    local.wait_for(kind("build_failed"));
    assert_eq!(local.get("/name").text(), "one");
    let broken = f().var("SCRIPT_START", "exit:1");
    write_manifest(&local.folder, broken);
    local.wait_for(kind("swap_refused").field("failure", "exited_at_start"));
    assert_eq!(local.get("/name").text(), "one");
    local.folder.write("s.yaml", "edition: [");
    local.wait_for(kind("manifest_invalid").has("/problems/0/line"));
    assert_eq!(local.get("/name").text(), "one");
}

#[test]
fn a_function_that_cannot_be_built_says_so_until_it_can() {
    let (folder, text) = built(f());
    folder.write("s.yaml", &text.replace("mkdir -p code", "echo no luck; false"));
    let local = Local::spawn(folder, &[]);
    local.wait_for(kind("build_failed").has("line").field("fault", "exit_code").field("exitCode", 1));
    local.wait_for(kind("build").text("no luck"));
    local.folder.write("s.yaml", &text);
    local.wait_for(kind("ready"));
    assert_eq!(local.get("/name").text(), "one");
}

#[test]
fn fc_locals_own_output_is_no_source() {
    let (folder, text) = built(f());
    folder.write("builds", "");
    // A build that fails has no product, and says so in the file.
    folder.write("s.yaml", &text.replace("mkdir -p code", "echo $$ >> builds; echo no luck; false"));
    let mut local = Local::spawn_into_file(folder, &[]);
    let path = local.folder.path().to_owned();
    let count = |name: &str, word: &str| {
        std::fs::read_to_string(path.join(name)).unwrap_or_default().matches(word).count()
    };
    eventually("it settles", || count("out", "taken for what the build makes") == 1);
    let builds = count("builds", "\n");
    local.folder.write("src/other", "edited");
    eventually("an edit is built", || count("builds", "\n") > builds);
    eventually("its end is said", || count("out", "the build failed") == count("builds", "\n"));
    local.interrupt();
    assert!(count("builds", "\n") <= builds + 4, "{}", count("builds", "\n"));
}

#[test]
fn a_single_file_can_be_watched() {
    let other = Folder::new();
    let word = other.write("word", "one");
    let local = Local::scripted(f().local("watch", json!([word])));
    assert_eq!(local.get("/").status, 200);
    other.write("word", "two, and longer");
    local.wait_for(kind("swapped"));
    assert_eq!(local.get("/").status, 200);
}

#[test]
fn a_changed_manifest_is_followed() {
    let local = Local::scripted(f());
    assert_eq!(local.get("/name").text(), "");
    let changed = f().var("SCRIPT_NAME", "changed");
    let added = Function::new("g").var("SCRIPT_NAME", "added");
    write_manifest(&local.folder, Manifest::of([changed.clone(), added]));
    local.wait_for(kind("manifest_changed"));
    local.wait_for(kind("ready").function("g"));
    eventually("the change is there", || local.get("/name").text() == "changed");
    let bytes = testkit::h1::request("GET", "/name", "", b"");
    assert_eq!(testkit::h1::exchange(local.function_port("g"), &bytes).text(), "added");

    write_manifest(&local.folder, changed);
    local.wait_for(kind("function_removed").function("g"));
    let reply = testkit::h1::exchange(local.function_port("g"), &bytes);
    reply.assert_platform_error(404, "FcCommonError", "FunctionNotFound", "'g'");
}

#[test]
fn a_build_into_the_watched_folder_goes_on_after_every_change() {
    let folder = Folder::new();
    folder.write("word", "one");
    folder.write("number", "0");
    let step = format!(
        "date +%N > number; mkdir -p code; (echo '#!/bin/sh'; echo \"# $(date +%N)\"; echo \"SCRIPT_NAME=$(cat word) exec {}\") > code/bootstrap \
         && chmod +x code/bootstrap",
        crate::harness::SCRIPTED
    );
    write_manifest(&folder, f().step(&step));
    let local = Local::start(folder, &[]);
    let warning = kind("build_products").field("files", serde_json::json!([local.folder.file("number")]));
    local.wait_for(&warning);
    for word in ["two", "three", "four"] {
        local.folder.write("word", word);
        eventually("the change is built", || local.get("/name").text() == word);
    }
    assert_eq!(local.count(&warning), 1);
}

#[test]
fn a_folder_that_is_made_again_is_watched_again() {
    let (folder, _) = built(f());
    let local = Local::start(folder, &[]);
    let src = local.folder.path().join("src");
    let swapped = kind("swapped");
    for round in 0..2 {
        std::fs::remove_dir_all(&src).unwrap();
        local.folder.write("src/word", &format!("made-{round}"));
        eventually("the new folder is built", || local.get("/name").text() == format!("made-{round}"));
        local.wait_for_nth(2 * round + 1, &swapped);
        local.folder.write("src/word", &format!("edited-{round}"));
        eventually("the edit is built", || local.get("/name").text() == format!("edited-{round}"));
    }
}

#[test]
fn new_code_does_not_wait_for_ever_for_a_port_of_its_own() {
    let port = testkit::process::free_port();
    let folder = scripted();
    // Without a network for each instance, which would have the port free.
    let one_network = |name: &str| fixed(port, name).timeout(600).local("network", false);
    write_manifest(&folder, one_network("one"));
    let local = Local::start(folder, &["--drain", "1"]);
    assert_eq!(local.get("/name").text(), "one");
    let mut stream = testkit::h1::Conn::open(local.function_port("f"));
    let endless = testkit::h1::request("GET", "/chunks?n=100000&ms=50", "", b"");
    stream.send(&endless);
    stream.bytes(1);
    write_manifest(&local.folder, one_network("two"));
    local.wait_for(kind("drain_exceeded").field("limitMs", 1000.0));
    assert_eq!(local.get("/name").text(), "two");
}

#[test]
fn a_build_does_not_show_secrets() {
    let folder = scripted();
    folder.write(".env", "BUILD_TOKEN=from-the-dot-env-file\n");
    write_manifest(&folder, f().step("echo ${env('BUILD_TOKEN')} and $FC_LOCAL_TEST_SECRET; false"));
    let local = Local::spawn(folder, &[]);
    local.wait_for(kind("build_failed"));
    local.wait_for(kind("build").text("****** and ******"));
    let all = format!("{:?}", local.all());
    assert!(!all.contains("from-the-dot-env-file") && !all.contains("test-secret-value"), "{all}");
}

#[test]
fn functions_that_are_to_come_say_so() {
    let folder = scripted();
    let first = f().step("sleep 603");
    write_manifest(&folder, Manifest::of([first, Function::new("g")]));
    let taken = std::net::TcpListener::bind(("127.0.0.1", testkit::process::free_port())).unwrap();
    let port = taken.local_addr().unwrap().port();
    // Somebody else has the same port of the other loopback address.
    let other = std::net::TcpListener::bind(("::1", port));
    drop(taken);
    let local = Local::spawn(folder, &["--port", &port.to_string()]);
    local.wait_for(kind("build_started"));
    let bytes = b"GET / HTTP/1.1\r\nhost: g.localhost\r\n\r\n";
    let reply = testkit::h1::exchange(port, bytes);
    reply.assert_platform_error(503, "FcCommonError", "ServiceUnavailable", "'g' is being built");
    let bytes = b"GET / HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\n\r\n";
    let index = testkit::h1::exchange(port, bytes).json();
    let listed = index["functions"].as_array().unwrap().iter().find(|one| one["function"] == "g").unwrap();
    assert_eq!(
        (&listed["state"], &listed["call"]),
        (&"is being built".into(), &serde_json::Value::Null),
        "{index}"
    );
    if other.is_ok() {
        local.wait_for(kind("ipv6_port_taken").field("port", port));
    }
}

#[test]
fn a_build_that_fails_and_changes_its_sources_is_not_repeated_for_ever() {
    let folder = scripted();
    folder.write("report", "of an earlier build");
    write_manifest(&folder, f().step("date +%N > report; false"));
    let local = Local::spawn(folder, &[]);
    local.wait_for(kind("build_products"));
    let failure = kind("build_failed");
    let before = local.count(&failure);
    local.folder.write("source", "an edit");
    local.wait_for_nth(before + 1, &failure);
}

/// Builds so far, after an edit that is certainly followed by one.
fn builds_after_an_edit(local: &Local, word: &str) -> usize {
    let swaps = local.count(kind("swapped"));
    local.folder.write("src/word", word);
    local.wait_for_nth(swaps + 1, kind("swapped"));
    local.count(kind("build_started"))
}

#[test]
fn an_edit_of_the_manifest_is_built_once_and_only_where_it_says_something_else() {
    let (folder, text) = built(f());
    let local = Local::start(folder, &[]);
    local.get("/name").assert_ok();
    // A setting.
    local.folder.write("s.yaml", &text.replace("  props:", "  props:\n      description: new"));
    local.wait_for(kind("manifest_changed"));
    let edited = text.replace("  props:", "  props:\n      timeout: 59");
    local.folder.write("s.yaml", &edited);
    local.wait_for(kind("swapped"));
    assert_eq!(builds_after_an_edit(&local, "two"), 3);
    // A remark moves every line, and says nothing.
    local.folder.write("s.yaml", &format!("# a remark\n{edited}"));
    local.wait_for_nth(3, kind("manifest_changed"));
    assert_eq!(builds_after_an_edit(&local, "three"), 4);
    local.folder.write("s.yaml", "nonsense");
    local.wait_for(kind("manifest_invalid"));
    assert_eq!(builds_after_an_edit(&local, "four"), 5);
    assert_eq!(local.count(kind("swapped")), 4);
}

#[test]
fn variables_of_a_file_are_a_reason_to_build() {
    // The file is not among the sources.
    let (folder, _) = built(f().local("watch", json!(["./src"])));
    folder.write(".env", "WORD=one\n");
    let local = Local::start(folder, &[]);
    local.get("/name").assert_ok();
    local.folder.write(".env", "WORD=two\n");
    local.wait_for(kind("swapped"));
    assert_eq!(builds_after_an_edit(&local, "two"), 3);
}

#[test]
fn what_only_people_read_is_no_reason_to_build() {
    let (folder, text) = built(f());
    let local = Local::start(folder, &[]);
    local.get("/name").assert_ok();
    for name in ["README.md", "LICENSE", "LICENSE-MIT", "CHANGELOG.md", ".gitignore", "src/readme.txt"] {
        local.folder.write(name, "text");
    }
    // Between these two every change before the first one was looked at.
    for round in 1..=2 {
        local.folder.write("s.yaml", &format!("# remark {round}\n{text}"));
        local.wait_for_nth(round, kind("manifest_changed"));
    }
    assert_eq!(builds_after_an_edit(&local, "two"), 2);
    local.folder.write("README.rs", "code");
    local.wait_for_nth(3, kind("build_started"));
}
