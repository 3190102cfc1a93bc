//! What is written to stdout: one JSON object per line, with the request's id, and the markers of FC 2.0.

use crate::support::server::Launch;
use crate::support::{Ask, Server, h2, rows};

const ID: &str = "1-65d71219-15d63510-fecf237c590c";

#[test]
fn every_line_of_a_busy_life_is_a_json_object() {
    let mut server = Server::contract();
    rows::check(|ask| server.ask(ask));
    let lines = server.stop();
    assert!(lines.len() > 60, "{} lines", lines.len());
    for line in &lines {
        for name in ["time", "level", "message"] {
            assert!(line[name].is_string(), "{name} in {line}");
        }
    }
}

#[test]
fn a_record_names_the_request_and_what_became_of_it() {
    let server = Server::contract();
    server.ask(&Ask::get("/users/7").header("x-fc-request-id", ID)).assert_status(200);
    let records = server.records(ID, 1);
    assert_eq!(records.len(), 1, "{records:?}");
    let record = &records[0];
    assert_eq!(record["method"], "GET");
    assert_eq!(record["path"], "/users/7");
    assert_eq!(record["route"], "/users/{id}");
    assert_eq!(record["status"], 200);
    assert_eq!(record["bytes"], 1);
    assert_eq!(record["level"], "INFO");
    assert!(record["duration_us"].is_u64(), "{record}");
}

/// What a peer does wrong in its protocol is not the function's affair.
#[test]
fn noise_of_peers_is_not_logged() {
    let mut server = Server::contract();
    let mut conn = h2::Conn::open(server.port);
    for _ in 0..20 {
        // An answer to a ping that nobody sent.
        conn.frame(6, 1, 0, b"unasked!");
    }
    conn.ask(&Ask::get("/plaintext")).assert_status(200);
    drop(conn);
    let lines = server.stop();
    assert!(lines.iter().all(|line| line["level"] == "INFO"), "{lines:?}");
}

/// Signatures and tokens live in queries, and credentials in headers.
#[test]
fn no_line_holds_a_query_or_a_credential() {
    let mut server = Server::contract();
    let asks = [
        Ask::get("/plaintext?token=hush"),
        Ask::get("/nothing?token=hush"),
        Ask::post("/plaintext?token=hush", ""),
        Ask::get("/panic?token=hush"),
        Ask::get("/slow?ms=hush"),
        Ask::get(format!("/plaintext?hush={}", "x".repeat(9000))),
        Ask::post("/invoke?token=hush", "fail"),
        Ask::get("/context").header("x-fc-access-key-secret", "hush").header("x-fc-security-token", "hush"),
        Ask::get("/plaintext").header("authorization", "Bearer hush").header("cookie", "sid=hush"),
    ];
    for ask in &asks {
        server.ask(ask);
    }
    let lines = server.stop();
    assert!(lines.len() >= asks.len(), "{lines:?}");
    for line in lines {
        assert!(!line.to_string().contains("hush"), "{line}");
    }
}

#[test]
fn panics_are_logged_with_the_requests_id() {
    let server = Server::contract();
    let panics = [
        (Ask::get("/panic"), "asked to, by", 500),
        (Ask::get("/panic-early"), "asked to, before there is a future", 500),
        (Ask::post("/invoke", "panic"), "asked to", 404),
    ];
    for (at, (ask, message, status)) in panics.into_iter().enumerate() {
        let id = format!("panic-{at}");
        server.ask(&ask.header("x-fc-request-id", &id)).assert_status(status);
        let lines = server.records(&id, 2);
        assert_eq!(lines.len(), 2, "the panic and the record: {lines:?}");
        assert_eq!(lines[0]["level"], "ERROR");
        let text = lines[0]["message"].as_str().unwrap();
        assert!(text.contains(message) && text.contains("contract.rs:"), "{text}");
        assert_eq!(lines[1]["status"], status);
        assert_eq!(lines[1]["level"], "ERROR", "a failure is told as one, whatever its status");
    }
    assert_eq!(server.counter("panicked"), 3);
    assert_eq!(server.stderr(), "", "nothing is said twice");
}

#[test]
fn an_id_that_has_to_be_escaped_is() {
    let mut server = Server::contract();
    let id = "a\"b\\c</script>{}";
    server.ask(&Ask::get("/panic").header("x-fc-request-id", id)).assert_status(500);
    let lines = server.stop();
    let about = lines.iter().filter(|line| line["request_id"] == id).count();
    assert_eq!(about, 2, "{lines:?}");
}

fn count(lines: &[String], line: &str) -> usize {
    lines.iter().filter(|own| *own == line || own.starts_with(&format!("{line}, Error: "))).count()
}

/// FC 2.0 names a service in its headers, and finds a request's lines between its markers.
#[test]
fn markers_are_printed_for_fc2_alone() {
    let mut server = Server::contract();
    let of = |ask: Ask, id: &str| ask.header("x-fc-request-id", id);
    let fc2 = |ask: Ask, id: &str| of(ask, id).header("x-fc-service-name", "shop");
    server.ask(&fc2(Ask::post("/initialize", ""), "two-init")).assert_status(200);
    server.ask(&fc2(Ask::get("/plaintext"), "two-http")).assert_status(200);
    server.ask(&fc2(Ask::post("/invoke", "x"), "two-event")).assert_status(200);
    server.ask(&fc2(Ask::get("/panic"), "two-panic")).assert_status(500);
    server.ask(&fc2(Ask::post("/invoke", "fail"), "two-fail")).assert_status(404);
    server.ask(&fc2(Ask::get("/pre-freeze"), "two-freeze")).assert_status(200);
    server.ask(&fc2(Ask::get("/pre-stop"), "two-stop")).assert_status(200);
    server.ask(&of(Ask::get("/plaintext"), "three-http")).assert_status(200);
    server.ask(&of(Ask::post("/invoke", "x"), "three-event")).assert_status(200);
    server.ask(&of(Ask::get("/pre-stop"), "three-stop")).assert_status(200);
    server.signal("TERM");
    let (_, lines) = server.ended();
    let marked = [
        ("Initialize", "two-init", false),
        ("Invoke", "two-http", false),
        ("Invoke", "two-event", false),
        ("Invoke", "two-panic", true),
        ("Invoke", "two-fail", true),
        ("PreFreeze", "two-freeze", false),
        ("PreStop", "two-stop", false),
    ];
    for (word, id, failed) in marked {
        let (start, end) =
            (format!("FC {word} Start RequestId: {id}"), format!("FC {word} End RequestId: {id}"));
        assert_eq!((count(&lines, &start), count(&lines, &end)), (1, 1), "{id}: {lines:#?}");
        let at = |text: &str| lines.iter().position(|line| line.starts_with(text)).unwrap();
        assert!(at(&start) < at(&end));
        assert_eq!(lines[at(&end)].contains(", Error: "), failed, "{}", lines[at(&end)]);
        // What the request wrote stands between them.
        for about in lines.iter().filter(|line| line.contains(&format!("\"request_id\":\"{id}\""))) {
            assert!((at(&start)..at(&end)).contains(&at(about)), "{about} of {lines:#?}");
        }
    }
    assert_eq!(lines.iter().filter(|line| line.starts_with("FC ")).count(), 2 * marked.len(), "{lines:#?}");
}

#[test]
fn a_hook_that_takes_too_long_is_told_with_its_request() {
    let mut server = Launch::app("settings").var("IT_PRE_STOP_MS", "600000").start();
    server.ask(&Ask::get("/pre-stop").header("x-fc-request-id", ID));
    let lines = server.stop();
    let told = |line: &&serde_json::Value| {
        let text = line["message"].as_str().or(line["error"].as_str()).unwrap_or_default();
        text.contains("a lifecycle hook took longer than 50ms")
    };
    let told: Vec<_> = lines.iter().filter(told).collect();
    assert_eq!(told.len(), 1, "{lines:#?}");
    assert_eq!(told[0]["request_id"], ID, "{lines:#?}");
}

#[test]
fn records_can_be_off_and_failures_are_told_still() {
    let mut server = Launch::contract().var("CONTRACT_RECORDS", "off").start();
    for at in 0..20 {
        server
            .ask(&Ask::get("/plaintext").header("x-fc-request-id", &format!("off-{at}")))
            .assert_status(200);
    }
    server.ask(&Ask::get("/panic").header("x-fc-request-id", ID)).assert_status(500);
    let lines = server.stop();
    assert!(lines.iter().all(|line| line["path"].is_null()), "{lines:?}");
    let panics: Vec<_> = lines.iter().filter(|line| line["request_id"] == ID).collect();
    assert_eq!(panics.len(), 1, "{lines:?}");
}

#[test]
fn the_level_is_read_from_the_environment() {
    let mut quiet = Launch::contract().var("FC_LOG", "error").start();
    quiet.ask(&Ask::get("/panic").header("x-fc-request-id", ID)).assert_status(500);
    let lines = quiet.stop();
    assert!(lines.iter().any(|line| line["target"] == "panic"), "{lines:?}");
    assert!(lines.iter().all(|line| line["target"].is_null() || line["level"] == "ERROR"), "{lines:?}");
}

#[test]
fn a_reader_that_stopped_reading_does_not_stop_serving() {
    let mut server = Launch::contract().unread().start();
    let mut conn = server.connect();
    // About 200 bytes a record: many times what a pipe holds, and more than is kept.
    for at in 0..10_000 {
        conn.ask(&Ask::get(format!("/users/{at}"))).assert_status(200);
    }
    server.ask(&Ask::get("/panic")).assert_status(500);
    server.ask(&Ask::get("/healthz")).assert_status(200);
    server.signal("TERM");
    assert_eq!(server.ended().0.code(), Some(0));
}

#[test]
fn a_reader_that_is_gone_does_not_stop_serving() {
    let mut server = Launch::contract().closed().start();
    let mut conn = server.connect();
    for at in 0..100 {
        conn.ask(&Ask::get(format!("/users/{at}"))).assert_status(200);
    }
    server.ask(&Ask::get("/panic")).assert_status(500);
    server.signal("TERM");
    assert_eq!(server.ended().0.code(), Some(0));
}
