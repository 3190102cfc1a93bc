//! Who is believed: outside the platform its headers and hooks are a client's, and mean nothing.

use crate::support::{Ask, Launch};

const ID: &str = "1-65d71219-15d63510-fecf237c590c";

fn told(ask: Ask, control_path: &str) -> Ask {
    ask.header("x-fc-control-path", control_path).header("x-fc-request-id", ID)
}

#[test]
fn outside_the_platform_hooks_and_events_are_ordinary_paths() {
    let mut server = Launch::hello().start();
    server.ask(&Ask::get("/")).assert_status(200).assert_text("Hello, World!\n");
    server.ask(&Ask::get("/hello/%C3%89va")).assert_status(200).assert_text("Hello, \u{c9}va!\n");
    for (method, path) in
        [("POST", "/initialize"), ("GET", "/pre-stop"), ("GET", "/pre-freeze"), ("POST", "/invoke")]
    {
        server.ask(&Ask::new(method, path)).assert_problem(404);
        let problem = server.ask(&told(Ask::new(method, path), path)).assert_problem(404);
        assert_ne!(problem["request_id"], ID, "a client's id is not taken over");
    }
    server.ask(&told(Ask::get("/"), "/invoke")).assert_status(200).assert_text("Hello, World!\n");
    server.ask(&told(Ask::post("/", "x"), "/invoke")).assert_problem(405);
    server.ask(&told(Ask::get("/"), "/pre-stop").header("x-fc-service-name", "shop")).assert_status(200);
    let lines = server.stop();
    assert!(!lines.is_empty() && lines.iter().all(|line| line["request_id"] != ID), "{lines:?}");
}

#[test]
fn on_the_platform_they_are_the_platforms() {
    for (name, value) in [("FC_FUNCTION_NAME", "shop"), ("FC_INSTANCE_ID", "c-62b761c4-5a85e238b3ce404c817d")]
    {
        let server = Launch::hello().var(name, value).start();
        server.ask(&Ask::post("/initialize", "")).assert_status(200);
        let answer = server.ask(&Ask::post("/invoke", "event").header("x-fc-request-id", ID));
        answer.assert_status(200).assert_header("x-fc-status", "200").assert_text("Hello, event!");
        server.ask(&told(Ask::post("/", "x"), "/invoke")).assert_status(200).assert_text("Hello, x!");
        server.ask(&Ask::get("/pre-stop")).assert_status(200);
        server.ask(&Ask::get("/pre-freeze")).assert_status(200);
        server.ask(&told(Ask::get("/initialize"), "/http-invoke")).assert_problem(404);
        assert_eq!(server.records(ID, 3).len(), 3);
    }
}

#[test]
fn the_port_variable_alone_does_not_make_a_platform() {
    let server = Launch::hello().start();
    server.ask(&Ask::get("/pre-stop")).assert_problem(404);
}
