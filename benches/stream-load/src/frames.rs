//! Bytes that are made once and sent often.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use crate::Outcome;

/// Long enough for a server under valgrind on a machine with other work; a hang has to end.
const READ_MAX: Duration = Duration::from_mins(1);

pub(crate) fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(READ_MAX))?;
    Ok(stream)
}

/// A request without a body.
pub(crate) fn get(path: &str, more: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nhost: localhost:9000\r\nuser-agent: Mozilla/5.0 (X11; Linux x86_64)\r\n{more}\r\n"
    )
    .into_bytes()
}

/// The head of a reply, and what came with it.
pub(crate) fn head(stream: &mut TcpStream) -> Outcome<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        if let Some(end) = find(&bytes, b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return Ok((String::from_utf8(bytes)?, rest));
        }
        match stream.read(&mut piece)? {
            0 => return Err("the server closed the connection".into()),
            length => bytes.extend_from_slice(&piece[..length]),
        }
    }
}

/// A connection that has become a WebSocket, and the head that said so.
pub(crate) fn upgrade(port: u16) -> Outcome<(TcpStream, String)> {
    let mut stream = connect(port)?;
    stream.write_all(&get(
        "/ws",
        "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: echo\r\n",
    ))?;
    let (head, rest) = head(&mut stream)?;
    if !head.starts_with("HTTP/1.1 101") || !rest.is_empty() {
        return Err(format!("no upgrade: {head:?}, then {rest:?}").into());
    }
    Ok((stream, head))
}

/// A WebSocket frame as a client sends it: masked.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = plain_head(first, payload.len());
    frame[1] |= 0x80;
    frame.extend_from_slice(&MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// The same frame as a server sends it.
pub(crate) fn plain(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = plain_head(first, payload.len());
    frame.extend_from_slice(payload);
    frame
}

fn plain_head(first: u8, length: usize) -> Vec<u8> {
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short), _) if short < 126 => vec![first, short],
        (_, Ok(medium)) => [&[first, 126], &medium.to_be_bytes()[..]].concat(),
        _ => [&[first, 127], &(length as u64).to_be_bytes()[..]].concat(),
    }
}

pub(crate) fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
