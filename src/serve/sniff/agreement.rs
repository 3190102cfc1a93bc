//! The door and hyper read heads alike: a probe is the same request to hyper, and ends at the same byte.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;

use hyper::Response;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::*;

/// A request, as hyper reads it.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    is_head: bool,
    target: String,
    has_body: bool,
    inside: bool,
}

const NEXT: &[u8] = b"GET /next HTTP/1.1\r\nhost: a\r\n\r\n";

/// Pseudo-random numbers, the same in each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % end
    }

    fn one<'a>(&mut self, of: &[&'a [u8]]) -> &'a [u8] {
        of[self.below(of.len())]
    }

    /// The end of a line, mostly a valid one.
    fn end(&mut self) -> &'static [u8] {
        if self.below(15) > 0 { b"\r\n" } else { self.one(&[b"\n", b"\r", b"\r\r\n", b"\n\r"]) }
    }

    /// The head of a probe, or of a request that is nearly one.
    fn head(&mut self) -> Vec<u8> {
        const METHODS: &[&[u8]] = &[b"GET ", b"GET ", b"HEAD ", b"HEAD ", b"get ", b"GET  ", b"POST "];
        const TARGETS: &[&[u8]] = &[
            b"/healthz",
            b"/healthz",
            b"/healthz",
            b"/",
            b"/healthz?",
            b"/healthz?a=b&c",
            b"/healthz?a b",
            b"/healthz?\0",
            b"/healthz?\x7f",
            b"/healthz?\xc3\xa4",
            b"/healthz#a",
            b"/healthz?#",
            b"/healthz?\"<>",
            b"/healthz HTTP/1.1",
            b"/healthz?a\tb",
            b"/healthz?a\rb",
            b"/healthz?a\nb",
            b"http://a/healthz",
        ];
        const VERSIONS: &[&[u8]] = &[
            b" HTTP/1.1",
            b" HTTP/1.1",
            b" HTTP/1.1",
            b" HTTP/1.0",
            b" HTTP/1.2",
            b"  HTTP/1.1",
            b" http/1.1",
        ];
        const FIELDS: &[&[u8]] = &[
            b"host: a",
            b"Host:a:80",
            b"accept: */*",
            b"user-agent: probe/1.0 (x; y)",
            b"x:",
            b"x: \t a \t",
            b"connection: close",
            b"Connection: Close",
            b"connection: keep-alive",
            b"connection: closed",
            b"connection: x, close",
            b"connection: enclose",
            b"connection:",
            b"connection: keep-alive, x",
            b"proxy-connection: close",
            b"x-forwarded-for: 1.1.1.1",
            b"via: 1.1 x",
            b"x-fc-request-id: 1",
            b"content-length: 0",
            b"content-length: 5",
            b"transfer-encoding: chunked",
            b"expect: 100-continue",
            b"upgrade: h2c",
            b"x: \x00",
            b"x: \x7f",
            b"x: \xe4",
            b"x y: z",
            b"x : z",
            b": z",
            b"x",
            b" folded",
            b"\tfolded",
            b"x: a\nb: c",
            b"x: a\n\r",
            b"x: a\r",
            b"x(: a",
            b"x\xe4: a",
        ];
        const BYTES: &[u8] = b"\0\t\r\n :?/#a\x7f\x80\xff";
        let mut head = [self.one(METHODS), self.one(TARGETS), self.one(VERSIONS), self.end()].concat();
        let many = if self.below(50) == 0 { 130 } else { 5 };
        for _ in 0..self.below(many) {
            let field = if many > 5 { b"x: y" } else { self.one(FIELDS) };
            head.extend_from_slice(field);
            head.extend_from_slice(self.end());
        }
        head.extend_from_slice(self.end());
        // Sometimes one byte is inserted, replaced or removed.
        let at = self.below(head.len());
        match self.below(8) {
            0 => head.insert(at, BYTES[self.below(BYTES.len())]),
            1 => head[at] = BYTES[self.below(BYTES.len())],
            2 => drop(head.remove(at)),
            _ => {}
        }
        head
    }
}

/// The requests that hyper reads from bytes that come in two pieces. hyper is configured as on the executor.
async fn read(bytes: &[u8], cut: usize) -> Vec<Read> {
    let (mut client, server) = duplex(64 * 1024);
    let seen = Rc::new(RefCell::new(Vec::new()));
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let headers = request.headers();
        seen.borrow_mut().push(Read {
            is_head: request.method() == hyper::Method::HEAD,
            target: request.uri().to_string(),
            has_body: !request.body().is_end_stream(),
            inside: !headers.keys().any(|name| shows_a_proxy(name.as_str())),
        });
        std::future::ready(Ok::<_, Infallible>(Response::new(String::new())))
    });
    let connection = http1::Builder::new().half_close(true).serve_connection(TokioIo::new(server), service);
    let talk = async {
        client.write_all(&bytes[..cut]).await.expect("there is room");
        tokio::task::yield_now().await;
        // hyper may have closed the connection.
        let _ = client.write_all(&bytes[cut..]).await;
        let _ = client.shutdown().await;
        let _ = client.read_to_end(&mut Vec::new()).await;
    };
    let _ = tokio::join!(connection, talk);
    seen.take()
}

#[tokio::test]
async fn what_the_door_takes_for_a_probe_is_one_to_hyper() {
    let probes = Probes::new("/healthz".into(), true);
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let (mut taken, mut left) = (0, 0);
    for _ in 0..60_000 {
        let head = chance.head();
        let bytes = [&head, NEXT].concat();
        let shown = String::from_utf8_lossy(&head);
        let whole = probes.sniff(&bytes);
        // A prefix gives `More` or the final result.
        for cut in 0..bytes.len() {
            let part = probes.sniff(&bytes[..cut]);
            assert!(part == Sniffed::More || part == whole, "{part:?} at {cut}, {whole:?} of {shown:?}");
        }
        let Sniffed::Probe(probe) = whole else {
            left += 1;
            continue;
        };
        taken += 1;
        let seen = read(&bytes, chance.below(bytes.len())).await;
        let first = seen.first().unwrap_or_else(|| panic!("hyper refuses {shown:?}"));
        let target = bytes.split(|byte| *byte == b' ').nth(1).map(String::from_utf8_lossy).expect("a target");
        let expected =
            Read { is_head: probe.is_head, target: target.into(), has_body: false, inside: probe.inside };
        assert_eq!(*first, expected, "{shown:?}");
        let next: Vec<&str> = seen.iter().skip(1).map(|read| read.target.as_str()).collect();
        let expected: &[&str] = if probe.close { &[] } else { &["/next"] };
        assert_eq!(next, expected, "after {shown:?}");
        // Blank lines between requests are allowed.
        assert_eq!(bytes[probe.length..].trim_ascii_start(), NEXT, "{shown:?}");
    }
    assert!(taken > 500 && left > 500, "{taken} probes, {left} others");
}
