//! Every row of the contract, over both protocols of the port.

use crate::support::{Server, h1, h2, rows};

#[test]
fn over_http1_one_connection_per_request() {
    let server = Server::contract();
    rows::check(|ask| server.ask(ask));
}

#[test]
fn over_http1_on_one_connection() {
    let server = Server::contract();
    let mut conn = server.connect();
    rows::check(|ask| {
        let answer = conn.ask(ask);
        // A body that was refused unread ends its connection; a failed row leaves its own in the middle.
        if answer.status == 413 || answer.header("connection") == Some("close") {
            conn = h1::Conn::open(server.port);
        }
        answer
    });
}

#[test]
fn over_http2_one_connection_per_request() {
    let server = Server::contract();
    rows::check(|ask| h2::Conn::open(server.port).ask(ask));
}

#[test]
fn over_http2_on_one_connection() {
    let server = Server::contract();
    let mut conn = h2::Conn::open(server.port);
    rows::check(|ask| conn.ask(ask));
}
