//! `fc-local conform`: what it finds, and how it says it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use crate::harness::program;
use crate::interop;
use serde_json::Value;

/// A custom runtime that is broken in the way that its argument names.
const BROKEN: &str = env!("CARGO_BIN_EXE_fc-local-broken");

/// How many suites run at a time: they mostly wait.
const TOGETHER: usize = 8;

/// How the suite ended.
pub(crate) struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

/// Runs `fc-local conform` to its end. A whole suite takes longer than other programs of the tests.
pub(crate) fn run(arguments: &[&str]) -> Ended {
    let output = interop::run(Command::new(program()).arg("conform").args(arguments));
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs the suite in short.
fn conform(options: &[&str], command: &[&str]) -> Ended {
    // Short, since all of this is on one machine; long enough for one that is busy.
    let short = ["--timeout", "6", "--idle", "1", "--requests", "150"];
    run(&[&short[..], options, &["--"], command].concat())
}

/// The outcome of each case, with what was seen.
pub(crate) fn outcomes(ended: &Ended) -> BTreeMap<String, (String, String)> {
    let document: Value = serde_json::from_str(&ended.out)
        .unwrap_or_else(|error| panic!("{error}: {}{}", ended.out, ended.err));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let cases = document["cases"].as_array().expect("there are cases").iter();
    cases.map(|case| (text(&case["id"]), (text(&case["outcome"]), text(&case["seen"])))).collect()
}

/// The cases, with what they need.
pub(crate) fn list() -> Vec<Value> {
    let ended = run(&["--list", "--format", "json"]);
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {}{}", ended.out, ended.err))
}

/// A server that is broken in one way fails the case of that name, and no other of those that `only` takes.
fn check_broken(case: &Value, only: &[&str]) -> Result<(), String> {
    let id = case["id"].as_str().unwrap();
    let ended = conform(&[&["--edition", "fc2", "--format", "json"], only].concat(), &[BROKEN, id]);
    let all = outcomes(&ended);
    let failed: Vec<_> =
        all.iter().filter(|(_, (outcome, _))| matches!(outcome.as_str(), "failed" | "missed")).collect();
    let is_must = case["need"] == "MUST";
    let expected = if is_must { "failed" } else { "missed" };
    match failed[..] {
        [(own, (outcome, seen))] if own == id && outcome == expected && !seen.is_empty() => {}
        _ => return Err(format!("{id}: {failed:?}")),
    }
    let code = i32::from(is_must);
    if ended.code == Some(code) { Ok(()) } else { Err(format!("{id}: exit code {:?}", ended.code)) }
}

/// Checks servers side by side, each broken in another way.
fn check_all(step: usize, only: impl Fn(&str) -> Vec<String> + Sync) {
    let cases: Vec<Value> = list().into_iter().step_by(step).collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let wrong = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..TOGETHER {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some(case) = cases.get(at) else { return };
                    let only = only(case["id"].as_str().unwrap());
                    let only: Vec<&str> = only.iter().map(String::as_str).collect();
                    if let Err(what) = check_broken(case, &only) {
                        wrong.lock().unwrap().push(what);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// The cases of the same subject run beside, and those of the start, on which all depends.
#[test]
fn each_way_to_be_broken_fails_its_own_case_of_its_subject() {
    check_all(1, |id| {
        let subject = id.split('-').next().unwrap_or(id);
        ["start-*".to_owned(), format!("{subject}-*")]
            .iter()
            .flat_map(|only| ["--only".to_owned(), only.clone()])
            .collect()
    });
}

/// Every sixth way runs the whole suite, and with `CONFORM=all` each of them, which takes minutes.
#[test]
#[ignore = "runs all cases for many servers: .ci/run runs it with --ignored"]
fn each_way_to_be_broken_fails_its_own_case_of_all() {
    let step = if std::env::var("CONFORM").is_ok_and(|how| how == "all") { 1 } else { 6 };
    check_all(step, |_| Vec::new());
}

#[test]
fn a_server_without_fault_passes_every_case() {
    let all = outcomes(&conform(&["--edition", "fc2", "--format", "json"], &[BROKEN, "none"]));
    assert_eq!(all.len(), list().len());
    let others: Vec<_> = all.iter().filter(|(_, (outcome, _))| outcome != "passed").collect();
    assert!(others.is_empty(), "{others:?}");
    // Edition 3.0 asks for less.
    let ended = conform(&["--only", "hook-*", "--only", "log-*", "--format", "json"], &[BROKEN, "none"]);
    let all = outcomes(&ended);
    let skipped = all.iter().filter(|(_, (outcome, _))| outcome != "passed").map(|(id, _)| id.as_str());
    assert_eq!((ended.code, skipped.collect::<Vec<_>>()), (Some(0), vec!["hook-pre-freeze", "log-marks"]));
}

#[test]
fn what_a_program_does_not_offer_is_skipped_unless_it_is_required() {
    // A server of files, as newcomers have one: nothing of the platform is there.
    let python = ["python3", "-m", "http.server", "--bind", "127.0.0.1", "0"];
    let options = ["--only", "event-call", "--only", "start-*", "--format", "json"];
    let all = outcomes(&conform(&options, &python));
    let outcome = |id: &str| all[id].0.as_str();
    assert_eq!(outcome("event-call"), "skipped", "{all:?}");
    assert!(all["event-call"].1.contains("has no POST /invoke"), "{all:?}");
    assert_eq!((outcome("start-listens"), outcome("start-all-addresses")), ("passed", "failed"), "{all:?}");
    assert_eq!(outcome("start-given-port"), "missed", "{all:?}");
    // One page for every path, as newcomers have too: it is no answer of a route.
    let page = "import http.server as h\nclass H(h.BaseHTTPRequestHandler):\n  def do_GET(self):\n    self.send_response(200); self.end_headers(); self.wfile.write(b'hi')\nh.ThreadingHTTPServer(('0.0.0.0', 0), H).serve_forever()";
    let only = ["--only", "load-*", "--only", "stream-*", "--only", "ws-*", "--format", "json"];
    let all = outcomes(&conform(&only, &["python3", "-c", page]));
    assert!(all.values().all(|(outcome, _)| outcome == "skipped"), "{all:?}");
    assert!(all["stream-sse"].1.contains("has no GET /conform/sse: it answers every path alike"), "{all:?}");
    // The health check is what the caller says it is, not a route of the conventions.
    let health = ["--health", "/healthz", "--only", "health-status", "--format", "json"];
    let all = outcomes(&conform(&health, &["python3", "-c", page]));
    assert_eq!(all["health-status"].0, "passed", "{all:?}");
    let required = outcomes(&conform(&[&["--require"], &options[..]].concat(), &python));
    assert_eq!(required["event-call"].0, "failed", "{required:?}");
}

#[test]
fn a_program_that_does_not_start_says_what_it_printed() {
    let ended = conform(&["--only", "start-*"], &["sh", "-c", "echo no such module >&2; exit 3"]);
    assert_eq!(ended.code, Some(1));
    let lines: Vec<&str> = ended.out.lines().collect();
    assert!(lines[2].starts_with("not ok 1 - start-listens: "), "{}", ended.out);
    assert!(ended.out.contains("ended with code 3; its output: no such module"), "{}", ended.out);
    assert!(ended.out.contains("# SKIP the program has not started"), "{}", ended.out);
    let ended = conform(&["--only", "start-listens"], &["./no-such-program"]);
    assert!(ended.out.contains("no-such-program is no program that can be started"), "{}", ended.out);
    let taken = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ended = conform(&["--only", "start-listens", "--port", &port], &[BROKEN]);
    assert!(ended.out.contains(&format!("another program listens on port {port}")), "{}", ended.out);
}

#[test]
fn every_form_tells_the_same() {
    let only = ["--only", "event-*", "--skip", "event-large"];
    let form = |form: &str, mode: &str| conform(&[&["--format", form], &only[..]].concat(), &[BROKEN, mode]);
    let tap = form("tap", "event-fails");
    assert_eq!(tap.code, Some(1));
    let lines: Vec<&str> = tap.out.lines().collect();
    assert_eq!(
        lines[..3],
        [
            "TAP version 14",
            "1..8",
            "ok 1 - event-call: POST /invoke gives the event to the function, and its result back"
        ]
    );
    assert!(
        lines.contains(&"ok 5 - event-large: an event of 6 MiB is taken # SKIP by --skip"),
        "{}",
        tap.out
    );
    let at = lines.iter().position(|line| line.starts_with("not ok 6 - event-fails: ")).expect("it fails");
    assert_eq!(lines[at + 1..at + 3], ["  ---", "  required: \"MUST\""]);
    assert_eq!(lines[at + 3], "  seen: \"the status is 500, and x-fc-status is not there\"");
    assert!(
        lines[at + 4].starts_with("  do: \"") && lines[at + 5].starts_with("  source: \"events ("),
        "{}",
        tap.out
    );
    assert_eq!(lines[at + 6], "  ...");
    assert!(
        tap.out.contains("# 6 passed, 1 failed that MUST hold, 0 missed that SHOULD hold, 1 skipped"),
        "{}",
        tap.out
    );

    let missed = form("tap", "event-status");
    assert_eq!(missed.code, Some(0), "what SHOULD hold is no failure");
    assert!(missed.out.contains("x-fc-status: 200 # TODO not required\n"), "{}", missed.out);

    let json: Value = serde_json::from_str(&form("json", "event-fails").out).unwrap();
    assert_eq!((&json["passed"], &json["failed"], &json["skipped"]), (&6.into(), &1.into(), &1.into()));
    assert_eq!(json["command"][1], "event-fails");

    let junit = form("junit", "event-fails");
    assert_eq!(junit.code, Some(1));
    assert!(junit.out.contains("tests=\"8\" skipped=\"1\" errors=\"0\" failures=\"1\""), "{}", junit.out);
    assert!(junit.out.contains("<failure message=\"the status is 500"), "{}", junit.out);
    assert!(junit.err.contains("1 failed that MUST hold"), "{}", junit.err);
}

#[test]
fn what_is_asked_for_wrongly_is_refused_before_anything_starts() {
    for (options, error) in [
        (&["--only", "no-such-*"][..], "no case is called no-such-*: --list shows them"),
        (&["--only", "a{"], "--only a{: "),
        (&["--skip", "nothing"], "--skip nothing: there is no such case"),
        (&["--health", "health"], "--health health: a path begins with /"),
    ] {
        let ended = conform(options, &["sh", "-c", "echo started >&2"]);
        assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{options:?}");
        assert!(ended.err.contains(error) && !ended.err.contains("started"), "{}", ended.err);
    }
}

/// The document's table is what `--list` says.
#[test]
fn the_document_has_every_case() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/conform.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let text_of = |value: &Value| value.as_str().unwrap().to_owned();
    let cases = list();
    let mut table = "| case | | what holds | needs | document |\n|---|---|---|---|---|\n".to_owned();
    let mut links = BTreeMap::new();
    for case in &cases {
        let [id, need, title, route, source] =
            ["id", "need", "title", "route", "source"].map(|name| text_of(&case[name]));
        let route = if route.is_empty() { route } else { format!("`{route}`") };
        writeln!(table, "| `{id}` | {need} | {title} | {route} | [{source}] |").unwrap();
        links.insert(source, text_of(&case["address"]));
    }
    let links =
        links.iter().fold(String::new(), |text, (name, address)| text + &format!("[{name}]: {address}\n"));
    assert_generated(&path, &text, "cases", &table);
    // Read anew: the first part may have been written.
    let text = std::fs::read_to_string(&path).unwrap();
    assert_generated(&path, &text, "documents", &links);
}

/// The part of a document between two marks is `expected`. With `CONFORM=overwrite` it is written.
pub(crate) fn assert_generated(path: &Path, text: &str, name: &str, expected: &str) {
    let (begin, end) = (format!("<!-- {name}: begin -->\n\n"), format!("\n<!-- {name}: end -->"));
    let (before, rest) = text.split_once(&begin).expect("the mark is there");
    let (own, after) = rest.split_once(&end).expect("the mark is there");
    if own == expected {
        return;
    }
    assert!(
        std::env::var("CONFORM").is_ok_and(|how| how == "overwrite"),
        "{}: `{name}` is not what is generated; run the test with CONFORM=overwrite, and read the change",
        path.display()
    );
    std::fs::write(path, format!("{before}{begin}{expected}{end}{after}")).unwrap();
}
