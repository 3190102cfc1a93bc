//! What proxies say about clients, who is believed, and who gets in.

use crate::support::{Ask, Launch, Server, h2};

#[track_caller]
fn client(server: &Server, headers: &[(&str, &str)]) -> serde_json::Value {
    let ask = headers.iter().fold(Ask::get("/client"), |ask, (name, value)| ask.header(name, value));
    server.ask(&ask).json()
}

const FORWARDED: [(&str, &str); 4] = [
    ("X-Forwarded-For", "6.6.6.6, 203.0.113.9"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "shop.example"),
    ("ALICLOUD-ALB-TRACE", "0123456789abcdef"),
];

#[test]
fn nobody_is_believed_by_default() {
    let server = Launch::app("settings").var("IT_TRUST", "off").start();
    let told = client(
        &server,
        &[&FORWARDED[..], &[("x-fc-client-ip", "6.6.6.6"), ("x-fc-base-path", "/x")]].concat(),
    );
    assert_eq!(told["address"], "127.0.0.1");
    assert_eq!((&told["scheme"], &told["host"]), (&"http".into(), &"21.0.0.1".into()));
    assert_eq!(told["base_path"], "");
}

#[test]
fn trusted_hops_are_counted_from_the_right() {
    for (hops, lines, address) in [
        ("1", vec!["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
        ("2", vec!["6.6.6.6, 203.0.113.9, 10.0.0.4"], "203.0.113.9"),
        ("2", vec!["6.6.6.6, 203.0.113.9", "10.0.0.4"], "203.0.113.9"),
        ("1", vec!["203.0.113.9:4711"], "203.0.113.9"),
        ("1", vec!["[2001:db8::1]:4711"], "2001:db8::1"),
        ("1", vec!["2001:db8::1"], "2001:db8::1"),
        // Nonsense from a trusted hop is no address; the socket's is one.
        ("1", vec!["203.0.113.9, unknown"], "127.0.0.1"),
        ("1", vec![""], "127.0.0.1"),
        ("1", vec![], "127.0.0.1"),
    ] {
        let server = Launch::app("settings").var("IT_HOPS", hops).start();
        let headers: Vec<_> = lines.iter().map(|line| ("X-Forwarded-For", *line)).collect();
        assert_eq!(client(&server, &headers)["address"], address, "{hops} hops, {lines:?}");
    }
}

#[test]
fn scheme_and_host_are_those_the_client_used() {
    let server = Launch::app("settings").var("IT_HOPS", "1").start();
    let told = client(&server, &FORWARDED);
    assert_eq!((&told["scheme"], &told["host"]), (&"https".into(), &"shop.example".into()));
    let told = client(&server, &[]);
    assert_eq!((&told["scheme"], &told["host"]), (&"http".into(), &"21.0.0.1".into()));
    // What a client sent stands left of what the proxy added.
    let told = client(
        &server,
        &[("X-Forwarded-Proto", "gopher, https"), ("X-Forwarded-Host", "evil.example, shop.example")],
    );
    assert_eq!((&told["scheme"], &told["host"]), (&"https".into(), &"shop.example".into()));
    let mut conn = h2::Conn::open(server.port);
    let told = conn.ask(&Ask::get("/client").header("X-Forwarded-Proto", "https")).json();
    assert_eq!((&told["scheme"], &told["host"]), (&"https".into(), &"21.0.0.1".into()));
}

#[test]
fn the_platforms_word_goes_first_where_it_is_trusted() {
    let server = Launch::app("settings").var("IT_HOPS", "1").start();
    let told = client(&server, &[("x-fc-client-ip", "198.51.100.7"), ("X-Forwarded-For", "203.0.113.9")]);
    assert_eq!(told["address"], "198.51.100.7");
}

#[test]
fn the_base_path_is_the_rules_or_the_platforms() {
    let server = Launch::app("settings").var("IT_BASE_PATH", "/api/").start();
    let told = client(&server, &[]);
    assert_eq!((&told["base_path"], &told["path"]), (&"/api".into(), &"/client".into()));
    assert_eq!(
        client(&server, &[("x-fc-base-path", "/2016-08-15/proxy/shop/cart")])["base_path"],
        "/2016-08-15/proxy/shop/cart"
    );
    assert_eq!(client(&Server::app("settings"), &[])["base_path"], "");
}

/// Only through the load balancer that inserts this header.
#[test]
fn a_secret_header_is_required() {
    let server = Server::app("settings");
    let with = |values: &[&str]| {
        server.ask(&values.iter().fold(Ask::get("/alb"), |ask, value| ask.header("x-from-alb", value))).status
    };
    assert_eq!(with(&["a long secret"]), 200);
    for wrong in [
        &[][..],
        &[""],
        &["a long secre"],
        &["a long secrets"],
        &["A long secret"],
        &["another"],
        &["a long secret", "a long secret"],
        &["another", "a long secret"],
        &["a long secret", "another"],
    ] {
        assert_eq!(with(wrong), 403, "{wrong:?}");
    }
}

#[test]
fn a_bearer_token_is_required() {
    let server = Server::app("settings");
    let with = |value: &str| server.ask(&Ask::get("/token").header("authorization", value));
    for right in ["Bearer first token", "bearer second token", "BEARER first token"] {
        with(right).assert_status(200).assert_text("inside");
    }
    for wrong in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer first toke",
        "Bearer first tokens",
        "Basic first token",
        "first token",
    ] {
        with(wrong).assert_header("www-authenticate", "Bearer").assert_problem(401);
    }
    server.ask(&Ask::get("/token")).assert_problem(401);
    let two =
        Ask::get("/token").header("authorization", "Bearer first token").header("authorization", "Bearer x");
    server.ask(&two).assert_problem(401);
}
