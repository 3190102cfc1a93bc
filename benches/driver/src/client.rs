//! A client that does no more than it must: one connection, one question at a time.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use crate::Outcome;

pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// One reply.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) location: String,
    pub(crate) body: String,
}

impl Client {
    pub(crate) fn connect(port: u16) -> std::io::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        // Long enough for a server under valgrind on a machine with other work; a hang has to end.
        stream.set_read_timeout(Some(Duration::from_mins(1)))?;
        Ok(Self { stream, buffer: Vec::with_capacity(4096) })
    }

    /// The connection, to be kept open.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Asks so many times, and insists on 200.
    pub(crate) fn repeat(&mut self, request: &[u8], times: usize) -> Outcome<()> {
        for _ in 0..times {
            let Answer { status, body, .. } = self.ask(request)?;
            if !(200..400).contains(&status) {
                return Err(format!("answered {status}: {body}").into());
            }
        }
        Ok(())
    }

    pub(crate) fn ask(&mut self, request: &[u8]) -> Outcome<Answer> {
        self.stream.write_all(request)?;
        self.buffer.clear();
        let head_end = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break at;
            }
            self.fill()?;
        };
        let head = std::str::from_utf8(&self.buffer[..head_end])?.to_owned();
        let body_start = head_end + 4;
        let status: u16 = head.get(9..12).and_then(|status| status.parse().ok()).ok_or("no status line")?;
        let body = if header(&head, "transfer-encoding").eq_ignore_ascii_case("chunked") {
            while !self.buffer.ends_with(b"0\r\n\r\n") {
                self.fill()?;
            }
            unchunk(&self.buffer[body_start..])?
        } else {
            // What a 304 says of a length is that of the content which it does not have.
            let length = if status == 304 { 0 } else { header(&head, "content-length").parse().unwrap_or(0) };
            while self.buffer.len() < body_start + length {
                self.fill()?;
            }
            self.buffer[body_start..].to_vec()
        };
        Ok(Answer {
            status,
            content_type: header(&head, "content-type").to_owned(),
            location: header(&head, "location").to_owned(),
            // A compressed one is no text, and nobody reads it.
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    }

    fn fill(&mut self) -> Outcome<()> {
        let mut piece = [0; 4096];
        match self.stream.read(&mut piece)? {
            0 => Err("the server closed the connection".into()),
            length => {
                self.buffer.extend_from_slice(&piece[..length]);
                Ok(())
            }
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    lines
        .filter(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
        .next()
        .unwrap_or("")
}

fn unchunk(mut wire: &[u8]) -> Outcome<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = find(wire, b"\r\n").ok_or("a chunk without a size")?;
        let size = usize::from_str_radix(std::str::from_utf8(&wire[..line])?, 16)?;
        let start = line + 2;
        body.extend_from_slice(wire.get(start..start + size).ok_or("a short chunk")?);
        if size == 0 {
            return Ok(body);
        }
        wire = &wire[start + size + 2..];
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined() {
        assert_eq!(unchunk(b"3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n").unwrap(), b"abc0123456789");
        assert!(unchunk(b"5\r\nabc").is_err());
    }

    #[test]
    fn header_names_have_no_case() {
        assert_eq!(header("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n", "content-length"), "7");
        assert_eq!(header("HTTP/1.1 200 OK\r\n", "content-length"), "");
    }
}
