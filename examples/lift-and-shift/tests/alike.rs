//! The router alone, served by axum, and the same router on the platform: each answers as the other does.

use std::net::TcpListener;

use lift_and_shift::app::{Rates, router};
use testkit::h1::{Conn, exchange, request};
use testkit::{Answer, Launch, Program};

/// axum's own server, until the test's process ends.
fn alone() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = async {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        axum::serve(listener, router(Rates::open("secret"))).await.unwrap();
    };
    std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(serve);
    });
    port
}

fn on_the_platform() -> (Program, u16) {
    let launch = Launch::new(env!("CARGO_BIN_EXE_lift-and-shift")).var("OPERATOR_TOKEN", "secret");
    // What the platform sets: without it nobody may call the hooks.
    launch.var("FC_FUNCTION_NAME", "rates").start_on_port("FC_CUSTOM_LISTEN_PORT")
}

fn table() -> Vec<Vec<u8>> {
    let get = |target: &str, headers: &str| request("GET", target, headers, b"");
    let post = |target: &str, headers: &str, body: &str| request("POST", target, headers, body.as_bytes());
    let json = "content-type: application/json\r\n";
    let operator = format!("{json}authorization: Bearer secret\r\n");
    let many = r#"[{"from": "EUR", "to": "CNY", "amount": 10}, {"from": "USD", "to": "JPY", "amount": 2.5}]"#;
    vec![
        get("/rates", ""),
        request("HEAD", "/rates", "", b""),
        get("/rates", "accept-encoding: gzip, br\r\n"),
        get("/rates", "accept-encoding: identity;q=1, gzip;q=0\r\n"),
        get("/rates/USD", ""),
        get("/rates/%55SD", ""),
        get("/rates/XXX", ""),
        get("/rates/%ff", ""),
        get("/rates/", ""),
        get("/rates/USD/none", ""),
        get("/none", ""),
        get("/none?rates=1", "accept: application/json\r\n"),
        get("/convert?from=EUR&to=CNY&amount=10", ""),
        get("/convert?from=EUR&to=CNY", ""),
        get("/convert?from=EUR&to=CNY&amount=many", ""),
        get("/convert?from=EUR&to=%58%58%58&amount=1", ""),
        post("/convert", json, many),
        post("/convert", "content-type: application/json\r\naccept-encoding: gzip\r\n", many),
        post("/convert", json, "[{}]"),
        post("/convert", json, "nonsense"),
        post("/convert", "content-type: text/plain\r\n", many),
        post("/convert", "", ""),
        post("/convert", json, &" ".repeat(64 * 1024 + 1)),
        request("DELETE", "/rates", "", b""),
        request("PUT", "/convert", json, b"{}"),
        // CORS: another origin, the shop's, and its browser's question before.
        get("/rates", "origin: https://other.example.com\r\n"),
        get("/rates/XXX", "origin: https://shop.example.com\r\n"),
        request(
            "OPTIONS",
            "/convert",
            "origin: https://shop.example.com\r\naccess-control-request-method: POST\r\n",
            b"",
        ),
        request("OPTIONS", "/convert", "", b""),
        post("/rates/USD", json, r#"{"rate": 2}"#),
        post("/rates/USD", &operator, r#"{"rate": -2}"#),
        post("/rates/XXX", &operator, r#"{"rate": 2}"#),
        post("/rates/USD", &operator, r#"{"rate": "2"}"#),
        post("/rates/USD", &operator, r#"{"rate": 2}"#),
        get("/convert?from=EUR&to=USD&amount=1", ""),
    ]
}

/// Status, headers and body, without the time.
fn told(answer: Answer) -> (u16, Vec<(String, String)>, String) {
    let mut headers = answer.headers.clone();
    headers.retain(|(name, _)| name != "date");
    headers.sort();
    (answer.status, headers, answer.text())
}

#[test]
fn the_router_answers_on_the_platform_as_it_does_alone() {
    let (alone, (_program, port)) = (alone(), on_the_platform());
    let mut statuses = std::collections::BTreeSet::new();
    for asked in table() {
        let (own, ours) = (told(exchange(alone, &asked)), told(exchange(port, &asked)));
        assert_eq!(own, ours, "{}", String::from_utf8_lossy(&asked[..asked.len().min(300)]));
        statuses.insert(own.0);
    }
    assert_eq!(Vec::from_iter(statuses), [200, 204, 400, 401, 404, 405, 413, 415, 422]);
}

#[test]
fn a_stream_has_the_same_events_and_ends_at_pre_stop() {
    let (alone, (_program, port)) = (alone(), on_the_platform());
    let [own, mut ours] = [alone, port].map(|port| {
        let mut conn = Conn::open(port);
        conn.send(&request("GET", "/watch", "", b""));
        conn.answer_head().assert_status(200);
        (conn.chunk().unwrap(), conn)
    });
    assert_eq!(String::from_utf8(own.0).unwrap(), String::from_utf8(ours.0).unwrap());
    exchange(port, &request("GET", "/pre-stop", "", b"")).assert_status(200);
    assert_eq!(ours.1.chunk(), None, "the last chunk");
    // It serves on: the platform may only have frozen it.
    exchange(port, &request("GET", "/rates/USD", "", b"")).assert_status(200);
    exchange(port, &request("GET", "/readyz", "", b"")).assert_status(200);
    exchange(port, &request("POST", "/initialize", "", b"")).assert_status(200);
}
