//! The plain routes on an epoll loop: one thread, no executor, no router, no map of headers.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

const LISTENER: Token = Token(0);
const HEAD_MAX: usize = 32 * 1024;
const HEADERS_MAX: usize = 100;

struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
    output: Vec<u8>,
}

fn main() -> io::Result<()> {
    let port = std::env::var("FC_CUSTOM_LISTEN_PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(9000);
    let mut listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))?;
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut connections: HashMap<Token, Connection> = HashMap::new();
    let mut events = Events::with_capacity(1024);
    let mut last = LISTENER.0;
    loop {
        if let Err(error) = poll.poll(&mut events, None)
            && error.kind() != ErrorKind::Interrupted
        {
            return Err(error);
        }
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    last += 1;
                    stream.set_nodelay(true)?;
                    poll.registry().register(&mut stream, Token(last), Interest::READABLE)?;
                    let connection = Connection { stream, input: Vec::new(), output: Vec::new() };
                    connections.insert(Token(last), connection);
                }
            } else if let Some(connection) = connections.get_mut(&event.token())
                && connection.serve().is_err()
            {
                connections.remove(&event.token());
            }
        }
    }
}

impl Connection {
    /// Reads what there is, and answers all of it. `Err`: the connection is over.
    fn serve(&mut self) -> io::Result<()> {
        let mut piece = [0; 4096];
        loop {
            match self.stream.read(&mut piece) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    self.input.extend_from_slice(&piece[..read]);
                    self.answer()?;
                    // A piece that was not full was all there is.
                    if read < piece.len() {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    fn answer(&mut self) -> io::Result<()> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut request = httparse::Request::new(&mut headers);
        let parsed = request.parse(&self.input).map_err(|_| ErrorKind::InvalidData)?;
        let httparse::Status::Complete(end) = parsed else {
            return if self.input.len() > HEAD_MAX { Err(ErrorKind::InvalidData.into()) } else { Ok(()) };
        };
        self.output.clear();
        reply(request.path.unwrap_or_default(), &mut self.output)?;
        self.input.drain(..end);
        // A small answer fits the socket's buffer: what does not is an error here.
        self.stream.write_all(&self.output)
    }
}

fn reply(path: &str, output: &mut Vec<u8>) -> io::Result<()> {
    const TEXT: &str = "text/plain; charset=utf-8";
    let (status, content_type, body) = match path {
        "/plaintext" => ("200 OK", TEXT, "Hello, World!"),
        "/json" => ("200 OK", "application/json", r#"{"message":"Hello, World!"}"#),
        "/healthz" => ("200 OK", TEXT, "ok"),
        _ => match path.strip_prefix("/users/") {
            Some(id) => ("200 OK", TEXT, id),
            None => ("404 Not Found", TEXT, ""),
        },
    };
    let length = body.len();
    write!(
        output,
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}
