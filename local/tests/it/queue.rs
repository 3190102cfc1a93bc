//! The queue of asynchronous calls, over the ends of the program: what it accepted is carried out.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};
use testkit::events::kind;
use testkit::h1::{Conn, exchange, request};
use testkit::manifest::{Function, Manifest};
use testkit::{Folder, Launch, eventually, until};

use crate::harness::{Local, f, program, scripted, write_manifest};

/// A function that notes its calls in a file beside the manifest.
fn noting(folder: &Folder) -> Function {
    f().var("SCRIPT_NOTES", folder.file("notes").to_str().unwrap())
}

/// The bodies that each request came with, by its id.
fn notes(folder: &Folder) -> HashMap<String, Vec<String>> {
    let text = std::fs::read_to_string(folder.file("notes")).unwrap_or_default();
    let mut notes: HashMap<String, Vec<String>> = HashMap::new();
    // The last line may be half written.
    for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
        let (id, body) = line.split_once(' ').unwrap();
        notes.entry(id.to_owned()).or_default().push(body.to_owned());
    }
    notes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// Bytes that differ from call to call.
fn body(number: usize) -> Vec<u8> {
    let mut state = (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let length = number % 200;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// A number below `limit`.
fn random(limit: usize) -> usize {
    usize::try_from(RandomState::new().hash_one(limit)).unwrap_or(0) % limit.max(1)
}

/// Lets `connections` clients queue `calls` calls while the program is killed three times.
fn survives_kills(calls: usize, connections: usize) {
    let folder = scripted();
    write_manifest(&folder, noting(&folder).concurrency(10));
    let local = Local::start(folder, &[]);
    let port = AtomicU16::new(local.main_port());
    let mut running = Some(local);
    let (next, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let accepted: Mutex<BTreeMap<String, usize>> = Mutex::default();
    let mut repeated = 0;
    thread::scope(|scope| {
        for _ in 0..connections {
            scope.spawn(|| {
                let mut conn = None;
                while accepted.lock().unwrap().len() < calls && !is_over.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let own = conn.take().or_else(|| Conn::try_open(port.load(Ordering::Relaxed)));
                    let Some(mut own) = own else {
                        thread::yield_now();
                        continue;
                    };
                    let head = format!(
                        "POST /note HTTP/1.1\r\nhost: f.localhost\r\nx-fc-invocation-type: Async\r\n\
                         content-length: {}\r\n\r\n",
                        body(number).len()
                    );
                    let sent = own.try_send(&[head.as_bytes(), &body(number)].concat());
                    // Who has no reply does not know whether the call was accepted.
                    let Some(reply) = sent.ok().and_then(|()| own.try_answer("POST")) else { continue };
                    if reply.status == 202 {
                        let id = reply.header("x-fc-request-id").unwrap().to_owned();
                        accepted.lock().unwrap().insert(id, number);
                        conn = Some(own);
                    }
                }
            });
        }
        for kill in 1..=3 {
            let enough = calls * kill / 4 + random(calls / 8);
            eventually("so many accepted calls", || accepted.lock().unwrap().len() >= enough);
            let mut killed = running.take().unwrap();
            killed.program.signal("KILL");
            killed.program.ended();
            let local = Local::start(killed.folder, &[]);
            repeated += local
                .matching(kind("queue_resumed"))
                .iter()
                .map(|event| event["repeated"].as_u64().unwrap())
                .sum::<u64>();
            port.store(local.main_port(), Ordering::Relaxed);
            running = Some(local);
        }
        eventually("all calls", || accepted.lock().unwrap().len() >= calls);
        is_over.store(true, Ordering::Relaxed);
    });
    let (accepted, mut local) = (accepted.into_inner().unwrap(), running.unwrap());
    let mut done = 0;
    while done < accepted.len() {
        done = until("more of them are carried out", || {
            let notes = notes(&local.folder);
            let now = accepted.keys().filter(|id| notes.contains_key(*id)).count();
            (now > done).then_some(now)
        });
    }
    let notes = notes(&local.folder);
    let mut again = 0;
    for (id, number) in &accepted {
        let bodies = &notes[id];
        assert!(bodies.iter().all(|own| *own == hex(&body(*number))), "{id} has another body");
        again += bodies.len() - 1;
    }
    assert!(again as u64 <= repeated, "{again} calls ran once more, and {repeated} were told");
    assert_eq!(local.interrupt(), Some(0));
}

#[test]
fn no_accepted_call_is_lost_when_the_program_is_killed() {
    survives_kills(600, 16);
}

#[test]
#[ignore = "takes a minute: .ci/run interop runs it"]
fn no_accepted_call_of_ten_thousand_is_lost_when_the_program_is_killed() {
    survives_kills(10_000, 64);
}

impl Local {
    fn queue_later(&self, headers: &str) -> testkit::Answer {
        self.call("POST", "/note", &format!("x-fc-invocation-type: Async\r\n{headers}"), b"x")
    }

    /// Runs a command of `fc-local` for the same manifest.
    fn task_command(&self, arguments: &[&str]) -> (bool, String, String) {
        let launch = Launch::new(program()).args(["--template"]).args([self.folder.file("s.yaml")]);
        let ended = launch.args(arguments.iter().copied()).run();
        (ended.code == Some(0), ended.out, ended.err)
    }
}

#[test]
fn calls_wait_over_an_orderly_end_unless_they_are_kept_in_memory() {
    for (arguments, survives) in [(&[][..], true), (&["--ephemeral"][..], false)] {
        let folder = scripted();
        write_manifest(&folder, noting(&folder));
        let mut local = Local::start(folder, arguments);
        local.queue_later("x-fc-async-delay: 1\r\n").assert_status(202);
        assert_eq!(local.interrupt(), Some(0));
        assert_eq!(local.folder.file(".fc-local/store.redb").exists(), survives);
        let local = Local::start(local.folder, arguments);
        if survives {
            let resumed = local.wait_for(kind("queue_resumed"));
            assert_eq!((&resumed["waiting"], &resumed["repeated"]), (&json!(1), &json!(0)));
            local.wait_for(kind("async_call").field("state", "Succeeded"));
            assert_eq!(notes(&local.folder).len(), 1);
        } else {
            assert_eq!(local.count(kind("queue_resumed")), 0);
        }
    }
}

#[test]
fn a_second_program_on_the_same_data_says_so_and_still_serves() {
    let folder = scripted();
    write_manifest(&folder, noting(&folder));
    let first = Local::start(folder, &[]);
    first.queue_later("x-fc-async-delay: 600\r\n").assert_status(202);
    let other = scripted();
    write_manifest(&other, f());
    let data = first.folder.file(".fc-local");
    let second = Local::start(other, &["--data", data.to_str().unwrap()]);
    let told = second.wait_for(kind("queue_unavailable"));
    assert!(told["error"].as_str().unwrap().contains("in use by another fc-local"), "{told:?}");
    let refused = second.queue_later("");
    assert_eq!((refused.status, &refused.json()["Code"]), (503, &json!("ServiceUnavailable")));
    assert_eq!(second.get("/name").status, 200);
    first.queue_later("x-fc-async-delay: 600\r\n").assert_status(202);
}

#[test]
fn a_file_of_somebody_else_stays_as_it_is() {
    let folder = scripted();
    write_manifest(&folder, noting(&folder));
    folder.write(".fc-local/store.redb", "a letter to a friend");
    let local = Local::start(folder, &[]);
    local.wait_for(kind("queue_unavailable"));
    local.queue_later("").assert_status(503);
    assert_eq!(local.folder.text(".fc-local/store.redb"), "a letter to a friend");
}

#[test]
fn tasks_are_handled_on_the_command_line() {
    let folder = scripted();
    write_manifest(&folder, noting(&folder).prop("asyncInvokeConfig", json!({"asyncTask": true})));
    let local = Local::start(folder, &[]);
    let port = local.main_port().to_string();
    let run = |arguments: &[&str]| local.task_command(&[arguments, &["--port", &port]].concat());
    let invoke = ["invoke", "f", "--async", "-e", "hello"];
    let (is_ok, out, error) = run(&[&invoke[..], &["--task-id", "mine", "--json"]].concat());
    assert!(is_ok, "{error}");
    let accepted: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(accepted["taskId"], "mine");
    local.wait_for(kind("async_call").field("task", "mine").field("state", "Succeeded"));
    let (is_ok, out, _) = run(&["tasks", "get", "f", "mine"]);
    assert!(is_ok && out.starts_with("mine  Succeeded") && out.contains("reply: HELLO"), "{out}");
    let (is_ok, out, _) = run(&["tasks", "retry", "f", "mine", "--json"]);
    let again: Value = serde_json::from_str(&out).unwrap();
    let again = again["taskId"].as_str().unwrap();
    assert!(is_ok && again != "mine", "{out}");
    local.wait_for(kind("async_call").field("task", again).field("state", "Succeeded"));
    let (is_ok, _, error) = run(&[&invoke[..], &["--task-id", "later", "--delay", "600"]].concat());
    assert!(is_ok, "{error}");
    let (is_ok, out, _) = run(&["tasks", "list", "f", "--status", "Enqueued"]);
    assert!(is_ok && out.trim() == "later  Enqueued", "{out}");
    assert!(run(&["tasks", "stop", "f", "later"]).0);
    let (is_ok, _, error) = run(&["tasks", "stop", "f", "later"]);
    assert!(!is_ok && error.contains("has ended already: Stopped"), "{error}");
    let (is_ok, out, _) = run(&["tasks", "list", "f", "--json"]);
    let all: Value = serde_json::from_str(&out).unwrap();
    assert!(is_ok && all.as_array().unwrap().len() == 3, "{out}");
    assert!(!run(&["tasks", "get", "f", "nobody"]).0);
}

#[test]
fn the_id_of_a_task_is_one_functions_own() {
    let folder = scripted();
    let both =
        ["f", "g"].map(|name| Function::new(name).prop("asyncInvokeConfig", json!({"asyncTask": true})));
    write_manifest(&folder, Manifest::of(both));
    let local = Local::start(folder, &[]);
    for (name, status) in [("f", 202), ("g", 202), ("f", 409)] {
        let target = format!("/2023-03-30/functions/{name}/invocations");
        let headers = "x-fc-invocation-type: Async\r\nx-fc-async-task-id: same\r\n";
        exchange(local.main_port(), &request("POST", &target, headers, b"x")).assert_status(status);
    }
}

#[test]
fn edition_2_has_its_own_paths_and_names() {
    let folder = scripted();
    let config = json!({"asyncTask": true});
    write_manifest(&folder, noting(&folder).prop("asyncInvokeConfig", config).local("service", "s"));
    let local = Local::start(folder, &["--edition", "fc2"]);
    let api = |method: &str, path: &str, headers: &str, body: &[u8]| {
        let target = format!("/2016-08-15/services/s.LATEST/functions/f/{path}");
        exchange(local.main_port(), &request(method, &target, headers, body))
    };
    let headers = "x-fc-invocation-type: Async\r\nx-fc-stateful-async-invocation-id: mine\r\n";
    let accepted = api("POST", "invocations", headers, b"hello");
    assert_eq!((accepted.status, accepted.header("x-fc-stateful-async-invocation-id")), (202, Some("mine")));
    local.wait_for(kind("async_call").field("task", "mine").field("state", "Succeeded"));
    let task = api("GET", "stateful-async-invocations/mine", "", b"").json();
    for (key, value) in [
        ("invocationId", "mine"),
        ("serviceName", "s"),
        ("functionName", "f"),
        ("status", "Succeeded"),
        ("invocationPayload", "hello"),
    ] {
        assert_eq!(task[key], value, "{key} of {task}");
    }
    let list = api("GET", "stateful-async-invocations?invocationIdPrefix=m", "", b"").json();
    assert_eq!(list["invocations"][0]["invocationId"], "mine", "{list}");
    let again = api("POST", "invocations", headers, b"");
    assert_eq!(
        (again.status, &again.json()["ErrorCode"]),
        (409, &json!("StatefulAsyncInvocationAlreadyExists"))
    );
    let stopped = api("PUT", "stateful-async-invocations/mine", "", b"");
    assert_eq!(stopped.status, 412);
    let config =
        api("PUT", "async-invoke-config", "", br#"{"statefulInvocation": true, "maxAsyncRetryAttempts": 1}"#);
    let config = config.json();
    assert_eq!((&config["statefulInvocation"], &config["service"]), (&json!(true), &json!("s")), "{config}");
    let target = "/2021-04-06/stateful-async-invocation-functions";
    let functions = exchange(local.main_port(), &request("GET", target, "", b"")).json();
    assert_eq!(functions["data"][0]["functionName"], "f", "{functions}");
}
