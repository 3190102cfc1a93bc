//! Proxies in front of the contract example: the tables of `docs/proxies.md` are what is seen here.
//!
//! Each proxy is started once, with the settings of the folder `settings`, and asked for all of its cells.

mod clients;
mod ends;
mod front;
mod grpc;
mod kinds;
mod leaving;
mod needed;
mod replies;
mod silence;
mod table;

use std::time::{Duration, Instant};

use crate::support::Server;
use front::Front;
use kinds::KINDS;

/// How long is waited for what a proxy may hold back for ever.
const BOUND: Duration = Duration::from_secs(3);

/// Whether a condition comes true within [`BOUND`].
fn comes_true(mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + BOUND;
    while Instant::now() < end {
        if condition() {
            return true;
        }
        testkit::pause();
    }
    false
}

#[track_caller]
fn check(name: &str) {
    let kind = KINDS.iter().find(|kind| kind.name == name).unwrap();
    let mut server = Server::contract();
    let front = Front::start(kind, server.port);
    let version = front::version(kind);
    let own = table::cell(name, "version");
    // Distributions bring a newer version at any time. The cells have to hold for that one too.
    if !version.contains(&own) {
        println!("{name}: the table is of version {own}, and this is {}", version.trim());
    }
    let socket = replies::socket(&front);
    let [calls, cancelled_call] = grpc::calls(&server, &front);
    let (has_sockets, has_grpc) = (socket == "yes", calls == "yes");
    let left_socket = if has_sockets { leaving::socket(&server, &front) } else { "–".to_owned() };
    let mut seen = vec![
        ("SSE", replies::events(&server, &front)),
        ("WebSocket", socket),
        ("gRPC", calls),
        ("gRPC-Web", replies::grpc_web(&front)),
        ("request body", replies::upload(&server, &front)),
        ("connections reused", replies::reuse(&server, &front)),
        ("waits for the reply", leaving::waiting(&server, &front)),
        ("cancels an HTTP/2 stream", leaving::cancelled(&server, &front, kind.http2)),
        ("sends a body", leaving::uploading(&server, &front)),
        ("reads a large reply", leaving::large_reply(&server, &front)),
        ("waits for an event", leaving::quiet_stream(&server, &front)),
        ("holds a WebSocket", left_socket),
        ("cancels a gRPC call", cancelled_call),
    ];
    let [stopped, killed] = ends::both(&mut server, &front, has_sockets, has_grpc);
    seen.extend([("stops", stopped), ("is killed", killed)]);
    println!("{name}: {seen:#?}");
    table::check(name, &seen);
}

/// A proxy that has settings here and no row, or a row and no settings, would say nothing.
#[test]
fn every_proxy_has_its_rows() {
    for column in ["SSE", "waits for the reply", "stops"] {
        assert_eq!(table::names(column), KINDS.map(|kind| kind.name), "{column}");
    }
}

#[test]
#[ignore = "needs nginx and grpcio: .ci/run runs it with --ignored"]
fn nginx() {
    check("nginx");
}

#[test]
#[ignore = "needs haproxy and grpcio: .ci/run runs it with --ignored"]
fn haproxy() {
    check("HAProxy");
}

#[test]
#[ignore = "needs apache2 and grpcio: .ci/run runs it with --ignored"]
fn apache_httpd() {
    check("Apache httpd");
}

#[test]
#[ignore = "needs caddy and grpcio: .ci/run runs it with --ignored"]
fn caddy() {
    check("Caddy");
}

#[test]
#[ignore = "needs traefik and grpcio: .ci/run runs it with --ignored"]
fn traefik() {
    check("Traefik");
}

#[test]
#[ignore = "needs envoy and grpcio: .ci/run runs it with --ignored"]
fn envoy() {
    check("Envoy");
}

#[test]
#[ignore = "needs nghttpx and grpcio: .ci/run runs it with --ignored"]
fn nghttpx() {
    check("nghttpx");
}

#[test]
#[ignore = "needs h2o and grpcio: .ci/run runs it with --ignored"]
fn h2o() {
    check("h2o");
}

#[test]
#[ignore = "needs lighttpd and grpcio: .ci/run runs it with --ignored"]
fn lighttpd() {
    check("lighttpd");
}

#[test]
#[ignore = "needs varnishd, a C compiler and grpcio: .ci/run runs it with --ignored"]
fn varnish() {
    check("Varnish");
}

#[test]
#[ignore = "needs squid and grpcio: .ci/run runs it with --ignored"]
fn squid() {
    check("Squid");
}

#[test]
#[ignore = "needs traffic_server and grpcio: .ci/run runs it with --ignored"]
fn traffic_server() {
    check("Traffic Server");
}
