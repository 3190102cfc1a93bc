//! `fc-local logs`: the lines that functions wrote, by function, request, instance, version, time and text.

use serde_json::{Value, json};
use testkit::events::{Event, kind};
use testkit::h1::{exchange, request};
use testkit::manifest::Function;
use testkit::program::Ended;
use testkit::{Folder, Launch, until};

use crate::control::{Serve, described};
use crate::harness::{Local, f, program};

/// `fc-local logs` for the project.
fn logs(local: &Local, arguments: &[&str]) -> Ended {
    launch(local, arguments).run()
}

fn launch(local: &Local, arguments: &[&str]) -> Launch {
    let launch = Launch::new(program()).args(["--template"]).args([local.folder.file("s.yaml")]);
    launch.args(["logs"]).args(arguments.iter().copied())
}

/// The texts of the lines that are printed as JSON.
#[track_caller]
fn texts(local: &Local, arguments: &[&str]) -> Vec<String> {
    events(local, arguments).iter().map(|event| event["text"].as_str().unwrap().to_owned()).collect()
}

#[track_caller]
fn events(local: &Local, arguments: &[&str]) -> Vec<Value> {
    let ended = logs(local, &[arguments, &["--json"]].concat());
    assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.err);
    ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn function() -> Function {
    f().timeout(60)
}

/// Lets the function write a line, and waits until it is told.
fn print(local: &Local, line: &str) -> Event {
    local.call("POST", "/print", "", line.as_bytes()).assert_ok();
    local.wait_for(kind("stdout").field("text", line))
}

#[test]
fn lines_are_found_by_what_they_say_and_whose_they_are() {
    let local = Local::scripted(function().var("SHOP_TOKEN", "t0p-secret-value"));
    let tea = print(&local, "Tea is ready");
    print(&local, "12:00 [ERROR] no milk");
    print(&local, r#"{"level":"ERROR","message":"no sugar"}"#);
    local.call("POST", "/complain", "", b"TypeError: no cup").assert_ok();
    local.wait_for(kind("stderr"));
    local.call("POST", "/print", "", b"with t0p-secret-value").assert_ok();
    local.wait_for(kind("stdout").field("text", "with ******"));

    let all = texts(&local, &[]);
    // The program's own first line belongs to no request.
    assert!(all[0].starts_with("pid "), "{all:?}");
    let lines = ["Tea is ready", "12:00 [ERROR] no milk", r#"{"level":"ERROR","message":"no sugar"}"#];
    let lines = [&lines[..], &["TypeError: no cup", "with ******"]].concat();
    assert_eq!(all[1..], lines);
    assert_eq!(texts(&local, &["f"]), all);
    assert_eq!(texts(&local, &["--errors"]), lines[1..4]);
    assert_eq!(texts(&local, &["--search", "TEA IS"]), lines[..1]);
    assert_eq!(texts(&local, &["--errors", "--search", "milk", "--since", "1h"]), lines[1..2]);
    let (id, instance) = (tea["request"].as_str().unwrap(), tea["instance"].as_str().unwrap());
    assert_eq!(texts(&local, &["--request", id]), lines[..1]);
    assert_eq!(texts(&local, &["--request", &id[id.len() - 8..]]), lines[..1]);
    assert_eq!(texts(&local, &["--request", "1-unknown"]), [""; 0]);

    // An instance has its events beside its lines.
    let of_instance = events(&local, &["--instance", instance]);
    let kinds: Vec<&str> = of_instance.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"instance_started") && kinds.contains(&"stderr"), "{kinds:?}");
    assert!(!kinds.contains(&"request") && of_instance.iter().all(|event| event["instance"] == instance));

    // What people see is what `dev` prints.
    let ended = logs(&local, &["f", "--search", "tea"]);
    let line = ended.out.trim_end();
    assert!(line.ends_with(&format!(" f {} | Tea is ready", &id[id.len() - 8..])), "{line}");
    assert_eq!(line.find(' '), Some("12:00:00.000".len()), "{line}");
    let none = logs(&local, &["--search", "coffee"]);
    assert_eq!((none.code, none.out.as_str()), (Some(0), ""));
    assert!(none.err.contains("no such line is kept"), "{}", none.err);
}

#[test]
fn what_cannot_be_asked_is_said() {
    let mut local = Local::scripted(function());
    for (arguments, part) in [
        (&["other"][..], "function 'other' does not exist"),
        (&["--since", "soon"], "`soon` is no time"),
        (&["f", "--qualifier", "nobody"], "nobody"),
        (&["other", "--qualifier", "nobody"], "'other'"),
    ] {
        let ended = logs(&local, arguments);
        assert!(ended.code == Some(1) && ended.err.contains(part), "{arguments:?}: {}", ended.err);
        assert_eq!(ended.out, "", "{arguments:?}");
    }
    for query in ["after=x", "limit=0", "qualifier=1", "errors=maybe", "only=few"] {
        let target = format!("/_local/v1/logs?{query}");
        let answer = exchange(local.main_port(), &request("GET", &target, "", b""));
        assert_eq!(answer.status, 400, "{query}: {answer:?}");
    }
    // A page of another site gets nothing.
    let answer = exchange(
        local.main_port(),
        &request("GET", "/_local/v1/logs", "origin: http://evil.example\r\n", b""),
    );
    assert_eq!(answer.status, 403, "{answer:?}");
    assert_eq!(local.interrupt(), Some(0));
    let ended = logs(&local, &[]);
    assert!(ended.code == Some(1) && ended.err.contains("no running fc-local for"), "{}", ended.err);
    assert!(ended.err.contains("`dev` or `serve` with --port"), "{}", ended.err);
}

#[test]
fn lines_that_come_are_followed_until_the_end_of_dev() {
    let mut local = Local::scripted(function());
    print(&local, "tea before");
    let follower = launch(&local, &["f", "--follow", "--search", "tea"]).start();
    follower.out().wait_for("tea before");
    print(&local, "coffee");
    print(&local, "tea between");
    follower.out().wait_for("tea between");
    print(&local, "tea behind");
    follower.out().wait_for("tea behind");
    let lines = follower.out().all();
    assert_eq!(lines.len(), 3, "{lines:?}");
    // Who waits for lines holds no stop up.
    assert_eq!(local.interrupt(), Some(0));
    let stop = local.all();
    assert!(!stop.iter().any(|event| event["kind"] == "calls_remain"), "{stop:?}");
}

#[test]
fn a_reader_goes_on_behind_an_id_and_hears_what_is_gone() {
    let local = Local::scripted(function());
    print(&local, "first");
    print(&local, "second");
    let first = events(&local, &["--search", "first"]).remove(0);
    let after = first["id"].as_u64().unwrap().to_string();
    assert_eq!(texts(&local, &["--after", &after]), ["second"]);
    // More than the log keeps, and more than one answer has.
    local.get("/flood?lines=6000&bytes=10").assert_ok();
    let ended = until("the last lines have come", || {
        let ended = logs(&local, &["f", "--after", &after]);
        (ended.out.lines().count() > 4000).then_some(ended)
    });
    assert!(ended.err.contains(" earlier events are no longer kept"), "{}", ended.err);
    assert!(ended.out.lines().count() <= 4096);
    // One answer has a page, and says what goes on behind it.
    let page = exchange(local.main_port(), &request("GET", "/_local/v1/logs?limit=10", "", b"")).json();
    assert_eq!((page["events"].as_array().unwrap().len(), &page["hasMore"]), (10, &true.into()));
    assert!(page["lost"].as_u64().unwrap() > 1900, "{page}");
}

#[test]
fn versions_and_aliases_have_their_lines() {
    let local = Local::scripted(function());
    let api = |method: &str, below: &str, body: &Value| {
        let target = format!("/2023-03-30/functions/f/{below}");
        let answer = exchange(local.main_port(), &request(method, &target, "", body.to_string().as_bytes()));
        answer.assert_ok();
    };
    api("POST", "versions", &json!({}));
    api("POST", "aliases", &json!({"aliasName": "live", "versionId": "1"}));
    let port = local.main_port();
    for (qualifier, event) in [("LATEST", "v"), ("1", "vv"), ("live", "vvv")] {
        let target = format!("/2023-03-30/functions/f/invocations?qualifier={qualifier}");
        exchange(port, &request("POST", &target, "", event.as_bytes())).assert_ok();
        local.wait_for(kind("stdout").field("text", format!("event of {} bytes", event.len())));
    }
    let [latest, number, alias] = [1, 2, 3].map(|bytes| format!("event of {bytes} bytes"));
    let of = |qualifier: &str| texts(&local, &["f", "--qualifier", qualifier, "--search", "event of"]);
    assert_eq!(of("LATEST"), [latest]);
    assert_eq!(of("1"), [number.clone(), alias.clone()]);
    assert_eq!(of("live"), [number, alias]);
    assert_eq!(of("2"), [""; 0]);
    let event = events(&local, &["f", "--qualifier", "live"]).remove(0);
    assert_eq!(event["versionId"], "1", "{event}");
}

#[test]
fn an_account_without_a_manifest_is_asked_by_its_port_and_key() {
    let serve = Serve::start(Folder::new());
    serve.done("POST", "/functions", &described("f", "one"));
    assert_eq!(serve.call("POST", "/functions/f/invocations", &json!("x")).status, 200);
    let port = serve.port.to_string();
    let ask = |data: &str, command: &[&str]| {
        let launch = Launch::new(program()).folder(serve.folder.path()).args(command.iter().copied());
        launch.args(["--port", &port, "--data"]).args([serve.folder.file(data)]).run()
    };
    let ended = until("the line is told", || {
        let ended = ask("data", &["logs", "f"]);
        ended.out.contains("| event of 3 bytes").then_some(ended)
    });
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let call = ask("data", &["requests", "--json", "--limit", "1"]);
    let call: Value = serde_json::from_str(&call.out).unwrap();
    let id = call["requestId"].as_str().unwrap();
    let asked: [(&[&str], &str); 9] = [
        (&["requests", id], "/functions/f/invocations"),
        (&["replay", id, "--json"], "formerStatus"),
        (&["usage", "--csv"], "\nf,"),
        (&["version", "publish", "f"], "1  "),
        (&["alias", "set", "f", "live", "--version", "1"], "live"),
        (&["tasks", "list", "f", "--json"], "[]"),
        (&["messages", "--json"], "[]"),
        (&["messages", "--json", "list"], "[]"),
        (&["requests", "--clear"], ""),
    ];
    let launch = Launch::new(program()).folder(serve.folder.path());
    let ended =
        launch.args(["messages", "--port", &port, "list", "--data"]).args([serve.folder.file("data")]).run();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    for command in ["logs", "requests", "usage", "messages"] {
        let ended = Launch::new(program()).args([command, "--data", "data"]).run();
        assert!(ended.code == Some(1) && ended.err.contains("name the port too"), "{}", ended.err);
    }
    for (command, told) in asked {
        let ended = ask("data", command);
        assert!(ended.code == Some(0) && ended.out.contains(told), "{command:?}: {}{}", ended.out, ended.err);
        // Another key opens nothing.
        let ended = ask("elsewhere", command);
        assert!(ended.code == Some(1) && ended.out.is_empty(), "{command:?}: {}{}", ended.out, ended.err);
    }
}
