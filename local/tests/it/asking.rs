//! Commands that ask a running fc-local: whom they ask, with which key, and for whom they print.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use serde_json::json;
use testkit::events::kind;
use testkit::process::free_port;
use testkit::program::Ended;
use testkit::{Folder, Launch, until};

use crate::control::{Serve, described};
use crate::harness::{Local, f, program};

const COMMANDS: [&[&str]; 16] = [
    &["logs", "f"],
    &["requests"],
    &["requests", "--clear"],
    &["requests", "--har", "-"],
    &["requests", "abcdef"],
    &["replay", "abcdef"],
    &["usage"],
    &["version", "list", "f"],
    &["version", "publish", "f"],
    &["alias", "set", "f", "live", "--version", "1"],
    &["tasks", "list", "f"],
    &["messages"],
    &["console"],
    &["invoke", "f"],
    &["invoke", "f", "--async"],
    &["send", "timer", "f"],
];

/// Runs a command in a folder that holds no manifest, with the port of a server.
fn ask(folder: &Path, command: &[&str], port: u16) -> Ended {
    Launch::new(program())
        .folder(folder)
        .args(command.iter().copied())
        .args(["--port", &port.to_string()])
        .run()
}

#[test]
fn no_command_asks_a_function_or_another_program() {
    let local = Local::scripted(f());
    let elsewhere = Folder::new();
    let own = local.function_port("f");
    // What is no HTTP at all.
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let stranger_port = stranger.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in stranger.incoming() {
            drop(stream);
        }
    });
    for command in COMMANDS {
        let ended = ask(elsewhere.path(), command, own);
        let told =
            ended.err.contains(&format!("what listens at 127.0.0.1:{own} is not fc-local's main port"));
        assert!(
            ended.code == Some(1) && ended.out.is_empty() && told,
            "{command:?}: {}{}",
            ended.out,
            ended.err
        );
        let ended = ask(elsewhere.path(), command, stranger_port);
        let told = ended.err.contains(&format!("what listens at 127.0.0.1:{stranger_port} is not fc-local"));
        assert!(
            ended.code == Some(1) && ended.out.is_empty() && told,
            "{command:?}: {}{}",
            ended.out,
            ended.err
        );
        let ended = ask(elsewhere.path(), command, free_port());
        assert!(
            ended.code == Some(1) && ended.err.contains("nothing listens on port"),
            "{command:?}: {}",
            ended.err
        );
    }
    // The function was asked for nothing but what fc-local's question is.
    local.call("GET", "/last", "", b"");
    local.wait_for(kind("request").field("path", "/last"));
    let asked: Vec<String> = local
        .matching(kind("request"))
        .iter()
        .map(|event| format!("{} {}", event["method"].as_str().unwrap(), event["path"].as_str().unwrap()))
        .collect();
    assert!(asked.iter().any(|line| line == "GET /_local/v1/server"), "{asked:?}");
    assert!(asked.iter().all(|line| line == "GET /_local/v1/server" || line == "GET /last"), "{asked:?}");
}

#[test]
fn a_server_is_asked_from_a_folder_without_a_manifest() {
    let serve = Serve::start(Folder::new());
    serve.done("POST", "/functions", &described("f", "one"));
    let ask = |command: &[&str]| {
        let launch = Launch::new(program()).folder(serve.folder.path()).args(command.iter().copied());
        launch.args(["--port", &serve.port.to_string(), "--data"]).args([serve.folder.file("data")]).run()
    };
    let ended = ask(&["invoke", "f", "-e", "tea"]);
    assert_eq!((ended.code, &*ended.out), (Some(0), "TEA"), "{}", ended.err);
    // `--data` of `send` is a body: the key is looked for in `.fc-local`.
    std::os::unix::fs::symlink(serve.folder.file("data"), serve.folder.file(".fc-local")).unwrap();
    let launch = Launch::new(program()).folder(serve.folder.path()).args(["send", "timer", "f"]);
    let ended = launch.args(["--port", &serve.port.to_string()]).run();
    assert!(ended.code == Some(0) && ended.out.contains("TRIGGERTIME"), "{}{}", ended.out, ended.err);
    let ended = ask(&["invoke", "f", "-e", "later", "--async", "--json"]);
    assert!(ended.code == Some(0) && ended.out.contains("requestId"), "{}{}", ended.out, ended.err);
    let ended = ask(&["console"]);
    assert_eq!(
        (ended.code, ended.out.trim()),
        (Some(0), &*format!("http://console.localhost:{}/", serve.port)),
        "{}",
        ended.err
    );
    // A function of that name has the host.
    serve.done("POST", "/functions", &described("console", "one"));
    let ended = ask(&["console"]);
    let path = format!("http://127.0.0.1:{}/_local/console/", serve.port);
    assert_eq!((ended.code, ended.out.trim()), (Some(0), &*path), "{}", ended.err);
}

#[test]
fn who_only_asks_makes_no_key_and_is_told_whose_is_wanted() {
    let serve = Serve::start(Folder::new());
    let elsewhere = Folder::new();
    for command in [&["requests"][..], &["logs"], &["usage"], &["invoke", "f"], &["version", "list", "f"]] {
        let ended = ask(elsewhere.path(), command, serve.port);
        let told = ended.err.contains("has no key: name the folder of its account with --data");
        assert!(ended.code == Some(1) && told, "{command:?}: {}", ended.err);
        assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0, "{command:?}");
    }
    // The key of another account.
    let made = Launch::new(program()).folder(elsewhere.path()).args(["keys", "--data", "other"]).run();
    assert_eq!(made.code, Some(0), "{}", made.err);
    let ended = ask(elsewhere.path(), &["requests", "--data", "other"], serve.port);
    let told = ended.err.contains("the key in other is not that of the account at");
    assert!(ended.code == Some(1) && told, "{}", ended.err);
}

#[test]
fn an_account_has_its_key_from_the_start_or_does_not_start() {
    let serve = Serve::start(Folder::new());
    assert!(serve.folder.file("data/keys.json").is_file());
    let folder = Folder::new();
    folder.write("file", "mine");
    for (data, error) in
        [("file", "Not a directory"), ("file/below", "Not a directory"), ("/dev/null/x", "Not a directory")]
    {
        let launch =
            Launch::new(program()).folder(folder.path()).args(["serve", "--port", "0", "--data", data]);
        let ended = launch.run();
        let told = ended.err.contains("the account cannot be kept in")
            && ended.err.contains("--data names another folder");
        assert!(ended.code == Some(1) && told && ended.err.contains(error), "{data}: {}", ended.err);
    }
    assert_eq!(std::fs::read(folder.file("file")).unwrap(), b"mine");
}

#[test]
fn a_wrong_word_is_told_with_the_right_ones() {
    let local = Local::scripted(f());
    let run = |arguments: &[&str]| {
        let launch = Launch::new(program()).folder(local.folder.path()).args(arguments.iter().copied());
        let ended = launch.args(["--template"]).args([local.folder.file("s.yaml")]).run();
        assert_ne!(ended.code, Some(0), "{arguments:?}");
        ended.err
    };
    local.folder.write("taken", "a file");
    for (arguments, told) in [
        (&["requests", "--via", "foo"][..], "`foo` is no way in; there are: http_trigger, custom_domain,"),
        (&["version", "remove", "f", "x"], "a version is a number"),
        (&["load", "127.0.0.1:80/x"], "an address begins with http:// or https://"),
        (&["alb", "init", "--folder", "taken"], "taken"),
    ] {
        let error = run(arguments);
        assert!(error.contains(told), "{arguments:?}: {error}");
    }
    for (program, told) in [
        ("nosuchprogram", "there is no program `nosuchprogram` in the folders of PATH"),
        ("/nowhere/x", "/nowhere/x is no program that can be started"),
    ] {
        let ended = Launch::new(crate::harness::program())
            .args(["conform", "--only", "start-listens", "--", program])
            .run();
        assert!(ended.code == Some(1) && ended.out.contains(told), "{}{}", ended.out, ended.err);
    }
    let ended = Launch::new(program()).folder(local.folder.path()).args(["new", "taken"]).run();
    assert!(ended.code == Some(1) && ended.err.contains("taken cannot be written: "), "{}", ended.err);
    let help = Launch::new(program()).args(["load", "--help"]).run();
    assert!(help.out.contains("An `n` in braces in the address becomes the number"), "{}", help.out);
}

#[test]
fn what_is_followed_ends_with_its_reader() {
    let local = Local::scripted(f());
    for (command, begin) in [(["logs", "--follow"], "event of"), (["requests", "--follow"], "/invocations")] {
        let mut child = Command::new(program())
            .args(command)
            .arg("--template")
            .arg(local.folder.file("s.yaml"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        local.invoke("", b"tea");
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains(begin) {
            line.clear();
            assert_ne!(
                lines.read_line(&mut line).unwrap(),
                0,
                "{command:?} ended before it had anything to say"
            );
        }
        // Nothing more comes: the end of the reader alone ends the command.
        drop(lines);
        let code = until("the command ends", || child.try_wait().unwrap());
        assert_eq!(code.code(), Some(0), "{command:?}");
    }
}

#[test]
fn what_cannot_be_written_is_a_failure() {
    let local = Local::scripted(f());
    for command in [
        &["manifest"][..],
        &["list"],
        &["keys", "--json"],
        &["requests", "--json"],
        &["logs", "--json"],
        &["usage", "--csv"],
        &["doctor", "--format", "sarif"],
    ] {
        local.invoke("", b"tea");
        let launch = Launch::new(program()).args(command.iter().copied()).args(["--template"]);
        let ended = launch.args([local.folder.file("s.yaml")]).into_file(Path::new("/dev/full")).run();
        let told = ended.err.contains("cannot write to the standard output: No space left on device");
        assert!(ended.code == Some(1) && told, "{command:?}: {}", ended.err);
    }
}

#[test]
fn a_call_is_named_by_what_its_line_has_of_the_id() {
    let local = Local::scripted(f());
    local.invoke("", b"tea");
    let request = local.wait_for(kind("request").field("path", "/2023-03-30/functions/f/invocations"));
    let id = request["request"].as_str().unwrap();
    let run = |arguments: &[&str]| {
        let launch = Launch::new(program()).args(arguments.iter().copied()).args(["--template"]);
        launch.args([local.folder.file("s.yaml")]).run()
    };
    let shown = until("the call is recorded", || {
        let ended = run(&["requests", &id[id.len() - 8..], "--json"]);
        (ended.code == Some(0)).then_some(ended)
    });
    let shown: serde_json::Value = serde_json::from_str(&shown.out).unwrap();
    assert_eq!(shown["requestId"], json!(id));
    let ended = run(&["replay", &id[id.len() - 8..], "--json"]);
    assert!(ended.code == Some(0) && ended.out.contains("formerStatus"), "{}", ended.err);
    let ended = run(&["replay", "00000000"]);
    assert!(ended.code == Some(1) && ended.err.contains("nor one whose id ends so"), "{}", ended.err);
}
