//! What is seen in the answers of a server.

use std::time::Duration;

use testkit::Folder;

use super::{check, check_none, facts};
use crate::doctor::facts::{Answer, Facts, Head, Server};

pub(super) fn ids() -> impl Iterator<Item = &'static str> {
    [
        "health-path-not-answered",
        "initializer-not-answered",
        "pre-stop-not-answered",
        "hook-slower-than-timeout",
        "options-missing",
        "cors-twice",
        "cors-not-said",
        "page-on-built-in-domain",
        "reserved-reply-header",
        "closes-connections",
        "alb-health-check-fails",
        "does-not-start",
    ]
    .into_iter()
}

fn answer(status: u16, seconds: u64) -> Answer {
    Answer { status: Ok(status), time: Duration::from_secs(seconds) }
}

fn head(headers: &[(&'static str, &'static str)]) -> Head {
    let headers = headers
        .iter()
        .map(|(name, value)| (http::HeaderName::from_static(name), http::HeaderValue::from_static(value)));
    Head { status: 200, headers: headers.collect() }
}

/// A server that answers as one should that says what it thinks of CORS.
fn server() -> Server {
    Server {
        address: "http://127.0.0.1:9000".to_owned(),
        health: Some(answer(200, 0)),
        initialize: Some(answer(200, 0)),
        pre_stop: Some(answer(200, 0)),
        page: Some(head(&[("content-type", "application/json")])),
        cross: Some(head(&[("access-control-allow-origin", "https://shop.example")])),
        preflight: Some(head(&[("access-control-allow-origin", "https://shop.example")])),
        head: Some(head(&[])),
        ..Server::default()
    }
}

fn with(replaced: &[(&str, &str)], edit: impl FnOnce(&mut Server)) -> Facts {
    let mut facts = facts(&Folder::new(), replaced);
    let mut server = server();
    edit(&mut server);
    facts.functions[0].server = Some(server);
    facts
}

#[test]
fn checks_and_hooks_are_answered_in_time() {
    check_none(&with(&[], |_| {}), "a good server");
    check_none(&with(&[], |server| server.health = Some(answer(302, 0))), "a redirect is healthy");
    for status in [404, 500] {
        check(&with(&[], |server| server.health = Some(answer(status, 0))), "health-path-not-answered");
        check(&with(&[], |server| server.initialize = Some(answer(status, 0))), "initializer-not-answered");
        check(&with(&[], |server| server.pre_stop = Some(answer(status, 0))), "pre-stop-not-answered");
    }
    check_none(&with(&[], |server| server.initialize = Some(answer(204, 9))), "within 10 s");
    check(&with(&[], |server| server.initialize = Some(answer(204, 11))), "hook-slower-than-timeout");
    check(&with(&[], |server| server.pre_stop = Some(answer(200, 6))), "hook-slower-than-timeout");
    let silent = Answer { status: Err("connection reset".to_owned()), time: Duration::ZERO };
    check(&with(&[], |server| server.health = Some(silent)), "health-path-not-answered");
}

const CORS: (&str, &str) = (
    "methods: [GET, POST, OPTIONS]",
    "methods: [GET, POST, OPTIONS]\n            corsConfig: {allowOrigins: ['https://a.example']}",
);

fn say_nothing(server: &mut Server) {
    (server.cross, server.preflight) = (Some(head(&[])), Some(head(&[])));
}

#[test]
fn cors_is_said_once() {
    check(&with(&[("[GET, POST, OPTIONS]", "[GET, POST]")], |_| {}), "options-missing");
    check(&with(&[CORS], |_| {}), "cors-twice");
    check_none(&with(&[CORS], say_nothing), "corsConfig alone");
    check(&with(&[], say_nothing), "cors-not-said");
    // The platform and fc-local say something by themselves.
    let behind = |server: &mut Server| {
        server.page = Some(head(&[("x-fc-request-id", "1-2-3"), ("server", "x")]));
    };
    check_none(&with(&[CORS], behind), "asked through the platform");
}

#[test]
fn replies_are_those_that_clients_get() {
    let page =
        |server: &mut Server| server.page = Some(head(&[("content-type", "text/html; charset=utf-8")]));
    check(&with(&[], page), "page-on-built-in-domain");
    let domain = "methods: [GET, POST, OPTIONS]
      customDomain:
        domainName: www.example.com
        protocol: HTTP
        route: {path: /*}";
    check_none(&with(&[("methods: [GET, POST, OPTIONS]", domain)], page), "a domain");
    let reserved = |server: &mut Server| server.page = Some(head(&[("x-fc-own", "1"), ("date", "now")]));
    check(&with(&[], reserved), "reserved-reply-header");
    let usual = |server: &mut Server| server.page = Some(head(&[("date", "now"), ("x-fc-status", "200")]));
    check_none(&with(&[], usual), "what every server sends");
    let closes = |server: &mut Server| server.page = Some(head(&[("connection", "close")]));
    check(&with(&[], closes), "closes-connections");
}

#[test]
fn a_grpc_server_is_known_by_its_answers() {
    let methods = ("[GET, POST, OPTIONS]", "[GET, OPTIONS]");
    check(&with(&[methods], |server| server.is_grpc = true), "grpc-without-post");
    check_none(&with(&[methods], |_| {}), "no gRPC");
}

#[test]
fn a_load_balancer_asks_for_a_head() {
    let alb = "    component: fc3\n    x-local: {doctor: {alb: {healthCheck: true, idleTimeout: 60}, allow: {alb-health-check-cost: known, alb-auth-type: known}}}\n";
    let alb = [("    component: fc3\n", alb)];
    check_none(&with(&alb, |_| {}), "answered");
    let ill = |server: &mut Server| server.head = Some(Head { status: 405, ..Head::default() });
    check(&with(&alb, ill), "alb-health-check-fails");
    check_none(&with(&[], ill), "no load balancer");
}

#[test]
fn a_start_that_fails_is_told() {
    let mut facts = facts(&Folder::new(), &[]);
    facts.functions[0].server = Some(Server { failure: Some("it exited".to_owned()), ..Server::default() });
    check(&facts, "does-not-start");
}
