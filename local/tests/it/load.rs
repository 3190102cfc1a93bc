//! `fc-local load`, against a server of the test's own, and against functions of a running `dev`.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use testkit::h1::{exchange, request};
use testkit::{Launch, eventually};

use crate::harness::{Local, f, program, scripted, write_manifest};

/// What the server does with the request of this number.
type Script = fn(u64) -> Act;

/// What the server does with a request.
enum Act {
    Answer(u16),
    /// Answers so many milliseconds later.
    Wait(u64),
    /// Never answers.
    Hold,
}

/// A server that notes the numbers in the paths of its requests, and does what the script says.
struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<u64>>>,
}

impl Server {
    fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let noted = Arc::clone(&noted);
                std::thread::spawn(move || serve(&stream, script, &noted));
            }
        });
        Server { port, seen }
    }

    fn seen(&self) -> Vec<u64> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/{{n}}", self.port)
    }
}

#[expect(clippy::disallowed_methods, reason = "the server's threads may wait")]
fn serve(mut stream: &TcpStream, script: Script, seen: &Mutex<Vec<u64>>) -> Option<()> {
    let mut lines = BufReader::new(stream).lines();
    loop {
        let head = lines.next()?.ok()?;
        let number: u64 = head.split(' ').nth(1)?.trim_start_matches('/').parse().ok()?;
        while !lines.next()?.ok()?.is_empty() {}
        seen.lock().unwrap_or_else(PoisonError::into_inner).push(number);
        let status = match script(number) {
            Act::Answer(status) => status,
            Act::Wait(ms) => {
                std::thread::sleep(Duration::from_millis(ms));
                200
            }
            Act::Hold => {
                lines.next()?.ok()?;
                return None;
            }
        };
        // One write: the kernel would hold a second one back.
        stream.write_all(format!("HTTP/1.1 {status} X\r\ncontent-length: 2\r\n\r\nok").as_bytes()).ok()?;
    }
}

fn load(url: &str, arguments: &[&str]) -> Launch {
    Launch::new(program()).args(["load", url]).args(arguments.iter().copied())
}

/// The figures of a load that ends well.
#[track_caller]
fn figures(url: &str, arguments: &[&str]) -> Value {
    let ended = load(url, arguments).args(["--json"]).run();
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
    serde_json::from_str(&ended.out).unwrap()
}

/// As [`figures`], of a load with one rate.
#[track_caller]
fn figures_of_one(url: &str, arguments: &[&str]) -> Value {
    let figures = figures(url, arguments);
    assert_eq!(figures["steps"].as_array().unwrap().len(), 1, "{figures}");
    figures["steps"][0].clone()
}

#[test]
fn requests_are_sent_in_their_order_whatever_becomes_of_them() {
    let server = Server::start(|number| if number % 2 == 0 { Act::Answer(200) } else { Act::Answer(503) });
    let step = figures_of_one(&server.url(), &["--rate", "200", "--duration", "1", "--connections", "1"]);
    // The first one is asked before the load.
    assert_eq!(server.seen(), (0..=200).collect::<Vec<_>>());
    assert_eq!((&step["requests"], &step["right"]), (&json!(200), &json!(100)));
    assert_eq!((&step["statuses"], &step["failures"]), (&json!({ "200": 100, "503": 100 }), &json!({})));
    assert_eq!((&step["bytes"], &step["instances"]), (&json!(400), &Value::Null));
    let over_time: u64 =
        step["overTime"].as_array().unwrap().iter().map(|own| own["requests"].as_u64().unwrap()).sum();
    assert_eq!(over_time, 200);
}

/// What a load that waits for each reply before it sends the next request would hide.
#[test]
fn the_percentiles_include_the_time_for_which_requests_waited_to_be_sent() {
    let server = Server::start(|number| if number == 1 { Act::Wait(1000) } else { Act::Answer(200) });
    let step = figures_of_one(&server.url(), &["--rate", "200", "--duration", "1", "--connections", "1"]);
    let latency = |name: &str| step["latencyMs"][name].as_f64().unwrap();
    assert_eq!(step["right"], 200);
    // The request n is due n · 5 ms after the one for which the server takes a second, and is answered behind it.
    assert!(latency("max") >= 999.0 && latency("p90") >= 895.0 && latency("p50") >= 495.0, "{step}");
    // Two connections: the others do not wait.
    let other = figures_of_one(
        &Server::start(|number| if number == 1 { Act::Wait(1000) } else { Act::Answer(200) }).url(),
        &["--rate", "50", "--duration", "1"],
    );
    assert!(other["latencyMs"]["max"].as_f64().unwrap() >= 999.0 && other["right"] == 50, "{other}");
}

#[test]
fn requests_without_a_reply_are_counted_with_the_time_for_which_there_was_none() {
    let server = Server::start(|number| if number == 0 { Act::Answer(200) } else { Act::Hold });
    let arguments = ["--rate", "10", "--duration", "1", "--connections", "1", "--timeout", "1"];
    let ended = load(&server.url(), &arguments).args(["--json", "--for-qps", "10"]).run();
    let figures: Value = serde_json::from_str(&ended.out).unwrap();
    let step = &figures["steps"][0];
    let failures = step["failures"].as_object().unwrap();
    let count: u64 = failures.values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!((&step["requests"], &step["statuses"], count), (&json!(10), &json!({}), 10));
    assert!(failures.contains_key("timedOut") && failures.contains_key("unsent"), "{step}");
    assert!(step["latencyMs"]["p50"].as_f64().unwrap() >= 999.0, "{step}");
    assert_eq!(step["errors"]["timedOut"], "no reply within 1 s");
    // Nothing can be said of what another rate needs.
    assert_eq!((ended.code, &figures["advice"]), (Some(1), &Value::Null));
    assert!(ended.err.contains("no reply was right"), "{}", ended.err);
}

#[test]
fn a_wrong_first_answer_is_told_and_nothing_else_is_sent() {
    let server = Server::start(|_| Act::Answer(404));
    let ended = load(&server.url(), &["--rate", "50", "--duration", "1"]).run();
    assert_eq!((ended.code, server.seen()), (Some(1), vec![0]));
    assert!(ended.err.contains("answered with 404") && ended.err.contains("\nok"), "{}", ended.err);
    let step = figures_of_one(&server.url(), &["--rate", "20", "--duration", "1", "--expect", "404"]);
    assert_eq!((&step["right"], &step["statuses"]), (&json!(20), &json!({ "404": 20 })));

    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let ended = load(&format!("http://127.0.0.1:{closed}/"), &[]).run();
    assert!(ended.code == Some(1) && ended.err.contains("refused"), "{}", ended.err);
}

#[test]
fn another_machine_is_not_loaded_by_accident() {
    let ended = load("http://192.0.2.1/", &[]).run();
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("costs money") && ended.err.contains("--remote"), "{}", ended.err);
    for (url, part) in [("ftp://127.0.0.1/", "begins with http"), ("http://a:secret@127.0.0.1/", "user name")]
    {
        let ended = load(url, &[]).run();
        assert!(
            ended.code == Some(1) && ended.err.contains(part) && !ended.err.contains("secret"),
            "{}",
            ended.err
        );
    }
    for arguments in [["--rate", "0"], ["--rate", "x"], ["--connections", "0"], ["--duration", "0"]] {
        assert_eq!(load("http://127.0.0.1/", &arguments).run().code, Some(2), "{arguments:?}");
    }
}

#[test]
fn a_search_goes_down_where_nothing_is_sustained() {
    let server = Server::start(|number| if number == 0 { Act::Answer(200) } else { Act::Answer(500) });
    let figures = figures(&server.url(), &["--find-max", "--rate", "4", "--duration", "1"]);
    let rates: Vec<f64> =
        figures["steps"].as_array().unwrap().iter().map(|step| step["rate"].as_f64().unwrap()).collect();
    assert_eq!((rates, &figures["highestRate"]), (vec![4.0, 2.0, 1.0], &Value::Null));
}

#[test]
fn ctrl_c_ends_with_the_figures_so_far() {
    let server = Server::start(|_| Act::Answer(200));
    let mut load =
        load(&server.url(), &["--rate", "50", "--duration", "3600", "--connections", "1", "--json"]).start();
    eventually("some requests", || server.seen().len() > 5);
    load.signal("INT");
    let (status, out) = load.ended();
    let figures: Value = serde_json::from_str(&out.join("\n")).unwrap();
    let step = &figures["steps"][0];
    assert_eq!((status.code(), &step["stopped"]), (Some(130), &json!(true)));
    let requests = step["requests"].as_u64().unwrap();
    // One connection: those before the last one that was seen have been answered, and the first one is not counted.
    assert!(step["right"].as_u64().unwrap() >= 4 && requests < 180_000, "{step}");
}

#[test]
fn what_a_running_dev_knows_of_the_function_stands_beside_the_figures() {
    let local = Local::scripted(f().concurrency(1).memory(256).local("maxInstances", 1));
    let picture = local.folder.file("load.svg");
    let url = format!("http://f.localhost:{}/sleep?ms=300", local.main_port());
    let arguments =
        ["--rate", "40", "--duration", "1", "--for-qps", "1000", "--plot", picture.to_str().unwrap()];
    let figures = figures(&url, &arguments);
    let step = &figures["steps"][0];
    let instances = &step["instances"];
    assert_eq!((&instances["function"], &instances["instanceConcurrency"]), (&json!("f"), &json!(1)));
    assert_eq!((&instances["instances"], &instances["memorySize"]), (&json!(1), &json!(256)));
    assert!(instances["memoryBytes"].as_u64().unwrap() > 0, "{instances}");
    // One instance takes three calls a second; the others find none, and each of them is told.
    let refused = step["statuses"]["429"].as_u64().unwrap();
    assert!(refused > 0, "{step}");
    assert_eq!(instances["refused"], refused);
    let last = instances["overTime"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["refused"], &last["starts"]), (&json!(refused), &json!(0)));
    let advice = &figures["advice"];
    let call = advice["callMs"].as_f64().unwrap();
    assert!(
        call >= 300.0 && (advice["asSet"]["instances"].as_f64().unwrap() - call).abs() <= 1.0,
        "{advice}"
    );
    let svg = std::fs::read_to_string(&picture).unwrap();
    assert!(svg.starts_with("<svg ") && svg.contains(">instances<"), "{svg}");

    // Who asks for something else is told so.
    let other = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (main, own) = (local.main_port(), local.function_port("f"));
    for (query, headers, expected) in [
        (format!("?url=http://127.0.0.1:{own}/"), "", (200, "\"function\":\"f\"")),
        (format!("?url=http://x.localhost:{main}/"), "", (404, "x.localhost")),
        (format!("?url=http://127.0.0.1:{other}/"), "", (400, "does not listen on port")),
        (format!("?url=http://127.0.0.1:{main}/2023-03-30/usage"), "", (400, "no function answers")),
        ("?url=nothing".to_owned(), "", (400, "no address")),
        (String::new(), "", (400, "url is missing")),
        (format!("?url=http://127.0.0.1:{own}/"), "origin: https://example.com\r\n", (403, "other sites")),
    ] {
        let answer = exchange(main, &request("GET", &format!("/2023-03-30/usage{query}"), headers, b""));
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(
            answer.status == expected.0 && text.contains(expected.1),
            "{query}: {} {text}",
            answer.status
        );
    }

    // The function's own port, for people.
    let url = format!("http://127.0.0.1:{}/name", local.function_port("f"));
    let ended = load(&url, &["--rate", "20", "--duration", "1", "--for-qps", "50"]).run();
    assert!(
        ended.code == Some(0) && ended.out.contains("function f with instanceConcurrency 1"),
        "{}",
        ended.out
    );
    assert!(ended.out.contains("Little's law") && ended.out.contains("1 instance ("), "{}", ended.out);
}

#[test]
fn functions_are_loaded_over_tls_and_http_2() {
    let folder = scripted();
    write_manifest(&folder, f().concurrency(10));
    // Who asks how busy the function is signs like every caller of the API.
    let local = Local::start(folder, &["--require-signature"]);
    let authority = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ca/ca.pem");
    let port = local.main_port();
    for (url, http2) in [
        (format!("http://f.localhost:{port}/name"), true),
        (format!("https://f.localhost:{port}/name"), true),
        (format!("https://localhost:{port}/name"), false),
    ] {
        let mut arguments = vec!["--rate", "40", "--duration", "1", "--cacert", authority.to_str().unwrap()];
        if http2 {
            arguments.extend(["--http2", "--connections", "2"]);
        }
        let step = figures_of_one(&url, &arguments);
        assert_eq!((&step["statuses"], &step["failures"]), (&json!({ "200": 40 }), &json!({})), "{url}");
        assert_eq!(step["instances"]["function"], "f", "{url}");
    }
    // A program that does not speak it.
    let server = Server::start(|_| Act::Answer(200));
    let ended = load(&server.url(), &["--http2"]).run();
    assert!(ended.code == Some(1) && ended.err.contains("first request has no reply"), "{}", ended.err);
}
