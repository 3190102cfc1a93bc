//! Routes match by what a path means, however it is spelled.

use crate::support::{Ask, Server, h2};

#[track_caller]
fn check(server: &Server, target: &str, expected: &str) {
    let mut conn = server.connect();
    conn.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
    conn.answer("GET").assert_status(200).assert_text(expected);
    if target.is_ascii() {
        h2::Conn::open(server.port).ask(&Ask::get(target)).assert_status(200).assert_text(expected);
    }
}

#[test]
fn a_literal_is_found_in_each_of_its_spellings() {
    let server = Server::app("spelling");
    for target in ["/users/me", "/users/%6de", "/users/%6De", "/%75sers/%6D%65"] {
        check(&server, target, "me");
    }
    for target in ["/users/@me", "/users/%40me"] {
        check(&server, target, "at me");
    }
    for target in ["/café/x", "/caf%C3%A9/x", "/caf%c3%a9/x", "/c%61f%C3%a9/x"] {
        check(&server, target, "café x");
    }
    for target in ["/100%25", "/100%"] {
        check(&server, target, "all");
    }
    for target in ["/~a", "/%7ea", "/%7Ea"] {
        check(&server, target, "tilde");
    }
}

#[test]
fn parameters_are_what_they_were() {
    let server = Server::app("spelling");
    for (target, expected) in [
        ("/users/7", "user 7"),
        ("/users/%37", "user 7"),
        ("/%75sers/a%2Fb", "user a/b"),
        ("/users/%2541", "user %41"),
        ("/users/%2%35", "user %25"),
        ("/users/caf%c3%a9", "user café"),
        ("/users/café", "user café"),
        ("/caf%c3%a9/y/z", "café y/z"),
        ("/c%61fé/%79/z", "café y/z"),
    ] {
        check(&server, target, expected);
    }
}

#[test]
fn what_means_something_else_is_not_found() {
    let server = Server::app("spelling");
    for target in ["/users%2Fme", "/Users/me", "/users/me%2F", "/users/me/%2E"] {
        let answer = server.ask(&Ask::get(target));
        assert_ne!(answer.text(), "me", "{target}");
    }
    server.ask(&Ask::get("/users%2Fme")).assert_status(404);
}

#[test]
fn probes_preflights_and_refusals_too() {
    let server = Server::app("spelling");
    server.ask(&Ask::get("/%68ealthz")).assert_status(200);
    server.ask(&Ask::post("/users/%6de", "")).assert_status(405);
    assert_eq!(server.ask(&Ask::new("OPTIONS", "/users/%6de")).allowed(), ["GET", "HEAD", "OPTIONS"]);
}
