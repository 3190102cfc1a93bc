//! One connection of the load: it sends a request and finds the end of its answer.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use super::SILENCE_MAX;
use crate::Outcome;

pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

impl Connection {
    /// `first` is asked and answered before anything else.
    pub(super) fn open(port: u16, token: usize, registry: &Registry, first: Option<&[u8]>) -> Outcome<Self> {
        let mut buffer = vec![0; 8192];
        let mut stream = std::net::TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        stream.set_nodelay(true)?;
        if let Some(request) = first {
            stream.set_read_timeout(Some(SILENCE_MAX))?;
            stream.write_all(request)?;
            let mut filled = 0;
            while end(&buffer[..filled])?.is_none() {
                match stream.read(&mut buffer[filled..])? {
                    0 => return Err("the server closed a connection, or answered too much".into()),
                    read => filled += read,
                }
            }
        }
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        registry.register(&mut stream, Token(token), Interest::READABLE)?;
        Ok(Self { stream, buffer, filled: 0 })
    }

    /// Requests are small: the socket's buffer takes them whole.
    pub(super) fn send(&mut self, request: &[u8]) -> Outcome<()> {
        Ok(self.stream.write_all(request)?)
    }

    /// Whether the answer is complete now.
    pub(super) fn receive(&mut self) -> Outcome<bool> {
        loop {
            match self.stream.read(&mut self.buffer[self.filled..]) {
                Ok(0) => return Err("the server closed a connection, or answered too much".into()),
                Ok(read) => {
                    self.filled += read;
                    if let Some(end) = end(&self.buffer[..self.filled])? {
                        if end != self.filled {
                            return Err("more than one answer".into());
                        }
                        self.filled = 0;
                        return Ok(true);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Where the first answer ends, if it is there. It has to be 200, with a length.
fn end(bytes: &[u8]) -> Outcome<Option<usize>> {
    let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4) else {
        return Ok(None);
    };
    if !bytes.starts_with(b"HTTP/1.1 200") {
        return Err(format!("answered {}", String::from_utf8_lossy(&bytes[..head.min(40)])).into());
    }
    let mut lines = bytes[..head].split(|byte| *byte == b'\n');
    let length = lines.find_map(length).ok_or("an answer without a length")?;
    let end = head + length;
    Ok((bytes.len() >= end).then_some(end))
}

fn length(line: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length:";
    let (name, value) = line.split_at_checked(NAME.len())?;
    if !name.eq_ignore_ascii_case(NAME) {
        return None;
    }
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_an_answer_is_found() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        assert_eq!(end(answer).unwrap(), Some(answer.len()));
        assert_eq!(end(&answer[..answer.len() - 1]).unwrap(), None);
        assert_eq!(end(b"HTTP/1.1 200 OK\r\n").unwrap(), None);
        assert!(end(b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n").is_err());
    }
}
