//! Events: the function answers with their payload in capitals, or as the payload asks.

use std::net::TcpStream;

use crate::{Asked, reply};

const OK: &str = "x-fc-status: 200\r\n";

/// Whether the connection goes on.
pub(crate) fn answer(out: &mut TcpStream, asked: &Asked) -> bool {
    match asked.body.as_slice() {
        b"fail" => reply(out, "404 Not Found", "x-fc-status: 404\r\n", b"{\"errorMessage\":\"as asked\"}"),
        b"status" => reply(out, "400 Bad Request", "x-own: 1\r\n", b"no x-fc-status"),
        b"crash" => std::process::exit(3),
        b"head" => reply(out, "200 OK", "", asked.head.as_bytes()),
        body => {
            println!("event of {} bytes", body.len());
            let text = String::from_utf8_lossy(body);
            match path(&text) {
                Some(path) => request(out, path, body),
                None => reply(out, "200 OK", OK, &body.to_ascii_uppercase()),
            }
        }
    }
}

/// The path of a request that came as an event, if it asks for something.
fn path(event: &str) -> Option<&str> {
    let (_, rest) = event.split_once("\"rawPath\":\"/as-")?;
    Some(rest.split_once('"')?.0)
}

fn request(out: &mut TcpStream, path: &str, event: &[u8]) -> bool {
    let json: &[u8] = match path {
        // The event itself, as the body of the reply.
        "event" => {
            let text = format!(
                "{{\"statusCode\":203,\"isBase64Encoded\":true,\"headers\":{{\"Content-Type\":\"application/json\",\"X-Own\":\"1\"}},\
                 \"body\":\"{}\"}}",
                base64(event)
            );
            return reply(out, "200 OK", OK, text.as_bytes());
        }
        "text" => b"hello world",
        "json" => b"{\"hello\":\"world\"}",
        "binary" => b"{\"statusCode\":201,\"isBase64Encoded\":true,\"headers\":{\"content-type\":\"image/png\"},\"body\":\"/wAB\"}",
        "reserved" => b"{\"statusCode\":200,\"headers\":{\"Server\":\"me\",\"X-Fc-Own\":\"1\",\"Content-Length\":\"9\",\"X-Own\":\"1\"},\"body\":\"x\"}",
        "status" => b"{\"statusCode\":\"many\"}",
        "header" => b"{\"statusCode\":200,\"headers\":{\"a b\":\"1\"}}",
        "base64" => b"{\"statusCode\":200,\"isBase64Encoded\":true,\"body\":\"?\"}",
        "failure" => {
            return reply(out, "404 Not Found", "x-fc-status: 404\r\n", b"{\"errorMessage\":\"as asked\"}");
        }
        "crash" => std::process::exit(3),
        _ => b"{\"statusCode\":404,\"body\":\"no such word\"}",
    };
    reply(out, "200 OK", OK, json)
}

/// The standard library has none.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let number =
            (0..3).fold(0_usize, |number, at| number << 8 | usize::from(*group.get(at).unwrap_or(&0)));
        for at in 0..4 {
            let letter = char::from(LETTERS[number >> (18 - 6 * at) & 63]);
            text.push(if at <= group.len() { letter } else { '=' });
        }
    }
    text
}
