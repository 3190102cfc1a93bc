//! Starting: the port, its order of sources, and what a failed start says.

use std::ffi::OsString;
use std::net::{TcpListener, TcpStream};
use std::os::unix::ffi::OsStringExt;

use testkit::process::free_port;
use testkit::program::Ended;

use crate::support::{Ask, Launch, Server, h1};

#[track_caller]
fn check_refused(ended: &Ended, parts: &[&str]) {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for part in parts {
        assert!(ended.err.contains(part), "{part:?} is not in {:?}", ended.err);
    }
    assert!(ended.err.lines().count() <= 4, "{}", ended.err);
    assert!(!ended.err.contains("panicked"), "{}", ended.err);
    assert!(!ended.out.contains("listening"), "{}", ended.out);
}

#[test]
fn a_bad_port_is_named_with_its_variable() {
    for bad in ["http", "0", "65536", "-1", "9000x", " 9000", "9000 "] {
        let ended = Launch::contract().var("FC_CUSTOM_LISTEN_PORT", bad).run();
        check_refused(&ended, &["FC_CUSTOM_LISTEN_PORT", bad]);
    }
    let ended = Launch::contract().var("FC_SERVER_PORT", "many").run();
    check_refused(&ended, &["FC_SERVER_PORT", "many"]);
    let bytes = OsString::from_vec(b"90\xff".to_vec());
    let ended = Launch::contract().var_os("FC_CUSTOM_LISTEN_PORT", bytes).run();
    check_refused(&ended, &["FC_CUSTOM_LISTEN_PORT", "90\\xFF", "from 1 to 65535"]);
}

#[test]
fn a_memory_size_that_is_no_number_is_told_once() {
    for (size, told) in [("many", 1), ("-1", 1), ("512", 0), ("", 0)] {
        let mut server = Launch::contract().var("FC_FUNCTION_MEMORY_SIZE", size).start();
        server.ask(&Ask::get("/plaintext")).assert_status(200);
        let lines = server.stop();
        let about = |line: &&serde_json::Value| {
            line["level"] == "WARN"
                && line["message"].as_str().is_some_and(|text| {
                    text.contains("FC_FUNCTION_MEMORY_SIZE") && text.contains(&format!("{size:?}"))
                })
        };
        assert_eq!(lines.iter().filter(about).count(), told, "{size}: {lines:#?}");
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind(("0.0.0.0", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ended = Launch::contract().var("FC_CUSTOM_LISTEN_PORT", &port).run();
    check_refused(&ended, &[&port, "FC_CUSTOM_LISTEN_PORT"]);
    assert!(ended.err.to_lowercase().contains("in use"), "{}", ended.err);
}

#[test]
fn the_documented_variable_goes_before_the_older_one() {
    let older = free_port();
    let server = Launch::contract().var("FC_SERVER_PORT", &older.to_string()).start();
    assert_ne!(server.port, older);
    server.ask(&Ask::get("/plaintext")).assert_status(200);
    assert!(TcpStream::connect(("127.0.0.1", older)).is_err());
}

#[test]
fn it_listens_on_every_address() {
    let server = Launch::contract().start();
    // All of 127.0.0.0/8 is this machine; a listener on 127.0.0.1 alone would refuse.
    let stream = TcpStream::connect(("127.0.0.2", server.port)).expect("the port is open on all addresses");
    drop(stream);
    h1::Conn::open(server.port).ask(&Ask::get("/plaintext")).assert_status(200);
}

/// A state that takes long to open, and a signal meanwhile.
#[test]
fn a_signal_before_the_start_is_complete_ends_it_in_order() {
    let signalled = ["timeout", "--preserve-status", "--signal", "TERM", "1"];
    let ended = Launch::app("settings").by(&signalled).var("IT_OPEN_MS", "600000").run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("SIGTERM: ending before the start is complete"), "{ended:?}");
}

/// `#[tokio::main]` around `run()` works in both flavours, and the log says what to write.
#[test]
fn an_app_inside_another_runtime_runs_and_says_what_to_write() {
    for name in ["in-current-thread", "in-multi-thread"] {
        let mut server = Server::app(name);
        server.ask(&Ask::get("/limited?ms=0")).assert_status(200);
        let lines = server.stop();
        let warnings: Vec<_> = lines.iter().filter(|line| line["level"] == "WARN").collect();
        assert_eq!(warnings.len(), 1, "{name}: {lines:?}");
        let text = warnings[0]["message"].as_str().unwrap();
        assert!(text.contains("leave #[tokio::main] out"), "{name}: {text}");
    }
}
