//! A reply that sends the request's body back while it comes.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use crate::Asked;

/// Whether the connection goes on. The reply is chunked, or has the length that `?length=` names.
pub(crate) fn answer(reader: &mut BufReader<TcpStream>, out: &mut TcpStream, asked: &Asked) -> bool {
    let length = asked.header("content-length");
    let whole = asked.number("length");
    let is_whole = whole > 0;
    let framing =
        if is_whole { format!("content-length: {whole}") } else { "transfer-encoding: chunked".to_owned() };
    let head = format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n");
    if out.write_all(head.as_bytes()).is_err() {
        return false;
    }
    println!("echo {}", asked.header("x-fc-request-id"));
    let mut left: usize = length.parse().unwrap_or(usize::MAX);
    // Pieces of a chunked request are sent back as they are, with their sizes.
    let is_chunked = left == usize::MAX;
    while left > 0 {
        let piece = match reader.fill_buf() {
            Ok(piece) if !piece.is_empty() => piece[..piece.len().min(left)].to_vec(),
            _ => return false,
        };
        reader.consume(piece.len());
        left -= piece.len();
        let size = if is_whole || is_chunked { String::new() } else { format!("{:x}\r\n", piece.len()) };
        let end = if size.is_empty() { "" } else { "\r\n" };
        let sent = [size.as_bytes(), &piece, end.as_bytes()].concat();
        if out.write_all(&sent).is_err() {
            return false;
        }
        if is_chunked && piece.ends_with(b"0\r\n\r\n") {
            return true;
        }
    }
    is_whole || out.write_all(b"0\r\n\r\n").is_ok()
}
